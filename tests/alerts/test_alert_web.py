"""P9 and P8 at the edges: the API and the page behind a notice's link."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import Connection

from service import time
from service.api import alerts as alerts_api
from service.api import errors, headers
from service.app import context_on
from service.care.lifecycle import State
from service.care.urgency import Urgency
from service.pages import alert as alert_page
from service.pages.guesses import MOST_GUESSES, Guesses
from service.records import audit, clinics, outbox
from service.records.audit import Search
from service.records.database import reading
from tests.alerts.house import NOON, PATIENT_PHONE, House
from workers.compose import Composer


@dataclass
class Web:
    """The two blueprints on a small app, and a client with the clinic's key."""

    house: House
    client: FlaskClient
    key: str

    def get(self, path: str) -> Any:
        return self.client.get(path, headers={"Authorization": f"Bearer {self.key}"})

    def post(self, path: str, body: object) -> Any:
        return self.client.post(path, json=body, headers={"Authorization": f"Bearer {self.key}"})


@pytest.fixture
def web(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    yield from served(house, monkeypatch)


@pytest.fixture
def light_web(light_house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    yield from served(light_house, monkeypatch)


def served(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setattr(alert_page, "_guesses", Guesses())
    app = APIFlask("alerts-under-test")
    app.extensions["aftercare"] = context_on(house.parts)
    app.register_blueprint(alerts_api.bp)
    app.register_blueprint(alert_page.bp)
    errors.handle(app)
    headers.guard(app)
    key = house.run(lambda connection: clinics.new_api_key(connection, house.clinic.id, NOON))
    with time.held(NOON):
        yield Web(house, app.test_client(), key)


@pytest.fixture
def alert(web: Web) -> int:
    return rung(web.house)


def rung(house: House) -> int:
    made = house.opened(house.patient("p-17"), Urgency.EMERGENCY, said="I cannot <breathe>")
    house.escalate()
    return made


def test_the_worklist_shows_the_history_and_goes_on_by_cursor(web: Web, alert: int) -> None:
    other = web.house.opened(web.house.patient("p-18"), Urgency.WATCH, "low_satisfaction")
    first = web.get("/v1/alerts?limit=1").json
    assert [one["id"] for one in first["alerts"]] == [str(alert)]
    shown = first["alerts"][0]
    assert (shown["state"], shown["urgency"], shown["patient"]) == ("open", "emergency", {"id": "p-17"})
    assert shown["history"][0]["details"] == "I cannot <breathe>"
    assert [line["kind"] for line in shown["history"]] == ["opened", "escalated", "notified", "notified"]
    second = web.get(f"/v1/alerts?after={first['next']}").json
    assert [one["id"] for one in second["alerts"]] == [str(other)]
    assert web.get(f"/v1/alerts?after={second['next']}").json["alerts"] == []


def test_acknowledged_by_the_api_and_closed_with_a_note(web: Web, alert: int) -> None:
    for name in ("Dr Ann", "Dr Bob"):
        answer = web.post(f"/v1/alerts/{alert}/acknowledge", {"by": name})
        assert (answer.status_code, answer.json["alert"]["acknowledged_by"]) == (200, "Dr Ann")
    assert {state for _, _, state in web.house.notices(alert)} == {"cancelled"}
    assert web.get("/v1/alerts").json["alerts"][0]["state"] == "acknowledged"
    closed = web.post(f"/v1/alerts/{alert}/close", {"by": "Dr Ann", "note": "Seen at the ER."})
    assert closed.json["alert"]["state"] == "closed"
    assert web.get("/v1/alerts").json["alerts"] == []
    assert web.get("/v1/alerts?state=all").json["alerts"][0]["closed_by"] == "Dr Ann"


@pytest.mark.parametrize(("verb", "words"), [("acknowledge", {}), ("close", {"note": "Called, all well."})])
def test_p9_a_clinics_own_system_decides_on_nothing_that_it_has_not_read(
    web: Web, alert: int, verb: str, words: dict[str, str]
) -> None:
    patient = web.house.alert(alert).patient_id
    read = web.get("/v1/alerts").json["alerts"][0]
    assert web.house.opened(patient, Urgency.EMERGENCY, said="And my lips are blue") == alert
    path, decision = f"/v1/alerts/{alert}/{verb}", {"by": "Dr Ann", **words}
    answer = web.post(path, {**decision, "seen": read["seen"]})
    assert (answer.status_code, answer.json["type"]) == (409, "urn:aftercare:problem:alert_overtaken")
    assert web.house.alert(alert).state == "open"
    assert "lips" not in answer.text
    again = web.get("/v1/alerts").json["alerts"][0]
    assert again["history"][-1]["details"] == "And my lips are blue"
    assert web.post(path, {**decision, "seen": again["seen"]}).status_code == 200
    assert web.house.alert(alert).state != "open"


@pytest.mark.parametrize(
    "body", [{"seen": ""}, {"seen": "x"}, {"seen": 7}, {"seen": "٣"}, {"seen": None}, {"seen": "1" * 20}]
)
def test_a_mark_that_is_none_is_refused(light_web: Web, body: dict[str, Any]) -> None:
    """P10."""
    alert = rung(light_web.house)
    answer = light_web.post(f"/v1/alerts/{alert}/acknowledge", {"by": "Dr Ann", **body})
    assert (answer.status_code, [one["pointer"] for one in answer.json["errors"]]) == (422, ["/seen"])
    assert light_web.house.alert(alert).state == "open"


@pytest.mark.parametrize(
    "body",
    [{}, {"by": ""}, {"by": "  "}, {"by": 7}, {"by": "x" * 121}, {"by": "A\x00"}, {"by": "A", "more": 1}, [],
     {"by": "\ud800"}],
)  # fmt: skip
def test_bad_bodies_get_a_precise_refusal_and_change_nothing(light_web: Web, body: object) -> None:
    """P10."""
    alert = rung(light_web.house)
    answer = light_web.post(f"/v1/alerts/{alert}/acknowledge", body)
    assert answer.status_code == 422
    assert light_web.house.alert(alert).state == "open"


@pytest.mark.parametrize("path", ["0", "-1", "abc", "99999999999999999999", "٣", "1"])
@pytest.mark.parametrize("verb", ["acknowledge", "close"])
def test_unknown_alerts_are_404(light_web: Web, path: str, verb: str) -> None:
    assert light_web.post(f"/v1/alerts/{path}/{verb}", _body(verb)).status_code == 404


def _body(verb: str) -> dict[str, str]:
    return {"by": "A"} if verb == "acknowledge" else {"by": "A", "note": "n"}


def test_another_clinic_sees_and_changes_nothing(web: Web, alert: int) -> None:
    def other(connection: Connection) -> str:
        fields = {"name": "Other", "display_name": "Other", "phone": "+12025550111"}
        return clinics.new_api_key(connection, clinics.add(connection, fields, NOON).id, NOON)

    web.key = web.house.run(other)
    assert web.get("/v1/alerts").json["alerts"] == []
    assert web.post(f"/v1/alerts/{alert}/acknowledge", {"by": "Eve"}).status_code == 404
    web.key = "ak_guessed"
    assert web.get("/v1/alerts").status_code == 401
    assert web.house.alert(alert).state == "open"


@pytest.mark.parametrize("query", ["state=closed", "after=x", "limit=0"])
def test_bad_queries_are_refused(light_web: Web, query: str) -> None:
    assert light_web.get(f"/v1/alerts?{query}").status_code == 400


def test_opening_the_link_shows_what_is_needed_and_changes_nothing(web: Web, alert: int) -> None:
    link = f"/a/{web.house.link(alert)}"
    before = web.house.alert(alert)
    for _ in range(3):
        answer = web.client.get(link)
    assert answer.status_code == 200
    expected = ("Emergency", "Maria", "p-17", "I cannot &lt;breathe&gt;", f'href="tel:{PATIENT_PHONE}"', 'value="Dr 1"')
    assert [text for text in expected if text not in answer.text] == []
    assert web.house.alert(alert) == before
    assert "script" not in answer.headers["Content-Security-Policy"]
    nonce = re.search(r"nonce-([\w-]+)", answer.headers["Content-Security-Policy"])
    assert nonce is not None
    assert f'nonce="{nonce[1]}"' in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_the_button_takes_it_on_in_the_name_given(web: Web, alert: int) -> None:
    link = f"/a/{web.house.link(alert)}"
    nameless = web.client.post(link, data={"name": "  "})
    assert nameless.status_code == 422
    assert "Enter your name" in nameless.text
    assert web.house.alert(alert).state == "open"
    seen = _seen(web, link)
    assert web.client.post(link, data={"name": "Dr Zoë", "seen": seen}).status_code == 303
    assert web.client.post(link, data={"name": "Dr Bob", "seen": seen}).status_code == 303
    assert web.house.alert(alert).acknowledged_by == "Dr Zoë"
    assert web.house.alert(alert).acknowledged_how == "link"
    lines = web.house.run(lambda c: audit.search(c, web.house.clinic.id, Search(action="alert.acknowledge"), None, 9))
    contact = web.house.people[0].id
    assert [(one.actor, one.subject) for one in lines] == [(f"contact {contact}", f"alert {alert}")]
    page = web.client.get(link).text
    assert "Taken on by" in page
    assert "<form" not in page


def _seen(web: Web, link: str) -> str:
    found = re.search(r'name="seen" value="(\d+)"', web.client.get(link).text)
    assert found is not None
    return found[1]


def test_a_name_alone_takes_the_alert_on(web: Web, alert: int) -> None:
    """As a program may post it, which has no page before it."""
    assert web.client.post(f"/a/{web.house.link(alert)}", data={"name": "Dr Zoë"}).status_code == 303
    assert web.house.alert(alert).acknowledged_by == "Dr Zoë"


def test_p9_an_old_page_does_not_silence_what_came_in_since(web: Web, alert: int) -> None:
    link = f"/a/{web.house.link(alert)}"
    form = {"name": "Dr Zoë", "seen": _seen(web, link)}
    patient = web.house.alert(alert).patient_id
    assert web.house.opened(patient, Urgency.EMERGENCY, said="And my chest hurts") == alert
    answer = web.client.post(link, data=form)
    assert answer.status_code == 409
    assert "Something came in since you opened this" in answer.text
    assert "And my chest hurts" in answer.text
    assert 'value="Dr Zoë"' in answer.text
    assert web.house.alert(alert).state == "open"
    assert web.house.alert(alert).next_notice_at is not None
    assert web.client.post(link, data={**form, "seen": _seen(web, link)}).status_code == 303
    assert web.house.alert(alert).acknowledged_by == "Dr Zoë"


def test_a_link_expires_after_seven_days(web: Web, alert: int) -> None:
    link = f"/a/{web.house.link(alert)}"
    with time.held(NOON + timedelta(days=7, seconds=-1)):
        assert web.client.get(link).status_code == 200
    with time.held(NOON + timedelta(days=7)):
        gone = web.client.get(link)
        assert gone.status_code == 410
        assert "Maria" not in gone.text
        assert web.client.post(link, data={"name": "Eve"}).status_code == 410
    assert web.house.alert(alert).state == "open"


def test_guessing_is_slowed_down_and_never_locks_out_who_knows(web: Web, alert: int) -> None:
    known = f"/a/{web.house.link(alert)}"
    seen = [web.client.get(f"/a/guess{number}").status_code for number in range(int(MOST_GUESSES) + 2)]
    assert seen[0] == 404
    assert seen[-1] == 429
    assert web.client.get(known).status_code == 200


@pytest.mark.parametrize("locale", ["en", "es"])
def test_notices_hold_a_link_and_no_health_information(web: Web, alert: int, locale: str) -> None:
    """P8: the words of a notice, on both channels, in both languages."""
    house = web.house
    house.clinic = house.run(lambda connection: clinics.change(connection, house.clinic.id, {"locale": locale}))
    house.set_notices(alert, State.QUEUED)
    composer = Composer("https://care.example")
    ids = [row["id"] for row in house.sent(alert)]
    with reading(house.engine) as connection:
        ready = outbox.read(connection, house.vault, ids)
        assert len(ready) == 2
        for one in ready:
            if one.channel == "sms":
                text = composer.sms(connection, one, house.clinic, "TOKEN")
            else:
                email = composer.email(connection, one, house.clinic, "TOKEN")
                text = email.subject + email.text + email.html
            assert "https://care.example/a/TOKEN" in text
            for word in ("Maria", "p-17", "breath", "emergency: call", "fever", PATIENT_PHONE):
                assert word not in text
