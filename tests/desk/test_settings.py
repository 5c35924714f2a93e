"""Settings: the clinic, its keys and its webhooks, by those who may, with what is secret shown once."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from sqlalchemy import Connection

from service import time
from service.care.roles import Role
from service.pages.desk import settings_keys, settings_webhooks
from service.records import clinic_changes, clinics, hook_deliveries, hook_endpoints, hook_log, switching
from service.records.database import reading, run
from service.records.hooks import Type
from service.records.tables import metadata
from tests.desk.desk import Desk, Visitor
from tests.desk.practice import NOW

CLINIC, KEYS, HOOKS = "/desk/settings/clinic", "/desk/settings/keys", "/desk/settings/webhooks"


def fields_of(page: str) -> dict[str, str]:
    """What a page's inputs and chosen options hold."""
    found = {}
    for tag in re.findall(r"<input [^>]+>", page):
        parts = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if "name" in parts and parts.get("type") != "checkbox":
            found[parts["name"]] = unescape(parts.get("value", ""))
    for name, options in re.findall(r'<select[^>]* name="(\w+)"[^>]*>(.*?)</select>', page, re.S):
        chosen = re.search(r'<option selected value="([^"]*)"', options)
        found[name] = unescape(chosen[1]) if chosen else ""
    found.pop("csrf_token", None)
    return found


def save(owner: Visitor, *, follow_redirects: bool = False, **changes: str) -> Any:
    """The form as it is shown, but for the changes: and for the name in texts, which tells of joints at this clinic."""
    data = {**fields_of(owner.get(CLINIC).text), "display_name": "Riverside", **changes}
    return owner.post(CLINIC, data, follow_redirects=follow_redirects)


def bring_in_line(desk: Desk) -> list[int]:
    """What clocks do until every plan is made anew: how many they made at a time."""
    taken = []
    while own(desk).planned_anew_after is not None:
        taken.append(run(desk.engine, lambda c: switching.next_part(c, desk.here.sending, time.now())))
    return taken


def own(desk: Desk) -> clinics.Clinic:
    with reading(desk.engine) as connection:
        return clinics.get(connection, desk.own.clinic_id)


def noted(desk: Desk, action: str) -> list[str]:
    return [row.subject for row in desk.sql("SELECT subject FROM audit WHERE action = :a ORDER BY id", a=action)]


def everything(desk: Desk) -> str:
    """Every row of the database, as text."""
    with reading(desk.engine) as connection:
        return "".join(repr(connection.execute(table.select()).all()) for table in metadata.sorted_tables)


# The clinic


def test_saving_what_is_shown_changes_nothing(desk: Desk) -> None:
    owner = desk.client_as(Role.OWNER)
    save(owner)
    before = own(desk)
    assert owner.post(CLINIC, fields_of(owner.get(CLINIC).text)).status_code == 303
    assert own(desk) == before


def test_everything_can_be_changed(desk: Desk) -> None:
    answer = save(
        desk.client_as(Role.OWNER), name="Hill & Co", display_name="Hill", phone="(202) 555-0143", email="",
        emergency_number="112", locale="es", timezone="America/Denver", hours="Mo-Sa 9-12", quiet_from="09:00",
        quiet_until="20:30", daily_cap="2", mon="8-12, 13-16", sat="9-12", sun="",
    )  # fmt: skip
    assert answer.status_code == 422, "a number without a country code is of no country where 112 is called"
    assert 'id="phone-error"' in answer.text
    save(
        desk.client_as(Role.OWNER), name="Hill & Co", display_name="Hill", phone="(202) 555-0143", email="",
        locale="es", timezone="America/Denver", hours="Mo-Sa 9-12", quiet_from="09:00", quiet_until="20:30",
        daily_cap="2", mon="8-12, 13-16", sat="9-12",
    )  # fmt: skip
    after = own(desk)
    assert (after.name, after.display_name, after.phone, after.email) == ("Hill & Co", "Hill", "202-555-0143", None)
    assert (after.timezone, after.quiet_from, after.quiet_until, after.daily_cap) == (
        "America/Denver", "09:00", "20:30", 2,
    )  # fmt: skip
    assert after.opening["mon"] == ["08:00", "12:00", "13:00", "16:00"]
    assert after.opening["sat"] == ["09:00", "12:00"]
    assert noted(desk, "clinic.change") == [f"clinic {desk.own.clinic_id}"]


def test_patients_are_told_the_week_and_nothing_that_it_does_not_hold(light_desk: Desk) -> None:
    owner = light_desk.client_as(Role.OWNER)
    whole = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "8:30-16") | {"sat": "", "sun": ""}
    assert save(owner, **whole, hours="Mo-Su 0-23").status_code == 303, "nobody reads it"
    assert "Patients read now: Mon-Fri 8:30am-4pm, in Spanish lun-vie 8:30am-4pm." in owner.get(CLINIC).text
    short = whole | {"fri": "8:30-12"}
    answer = save(owner, **short, hours="Mo-Fr 8:30-16")
    assert answer.status_code == 422
    assert "more than the week" in answer.text
    assert save(owner, **short, hours="Mo-Th 8:30-16").status_code == 303
    assert "Patients read now: Mo-Th 8:30-16, in Spanish Mo-Th 8:30-16." in owner.get(CLINIC).text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "Hill\r\nBcc: x@y.example"),
        ("display_name", "Knee Clinic"),
        ("display_name", "X" * 19),
        ("display_name", "Αθήνα"),
        ("display_name", "A\nB"),
        ("phone", "call us"),
        ("phone", "+999"),
        ("email", "desk@hill.example\nBcc: x@y.example"),
        ("emergency_number", "call"),
        ("locale", "fr"),
        ("timezone", "Mars/Olympus"),
        ("hours", "every day from nine"),
        ("quiet_from", "07:00"),
        ("quiet_until", "22:00"),
        ("quiet_until", "07:00"),
        ("daily_cap", "0"),
        ("daily_cap", "99"),
        ("daily_cap", "many"),
        ("mon", "all day"),
    ],
)
def test_p10_what_is_wrong_is_said_beside_the_field(light_desk: Desk, field: str, value: str) -> None:
    before = own(light_desk)
    answer = save(light_desk.client_as(Role.OWNER), **{field: value})
    assert answer.status_code == 422
    assert re.search(r'id="\w+-error"', answer.text)
    assert own(light_desk) == before


def test_the_second_of_two_owners_is_told(desk: Desk) -> None:
    one, other = desk.client_as(Role.OWNER), desk.client_as(Role.OWNER)
    shown = fields_of(other.get(CLINIC).text)
    save(one, display_name="Hill")
    answer = other.post(CLINIC, {**shown, "display_name": "Riverside", "phone": "202-555-0143"})
    assert answer.status_code == 422
    assert "after you opened them" in answer.text
    assert fields_of(answer.text)["display_name"] == "Hill", "as it stands now"
    assert own(desk).phone != "202-555-0143"


def test_p4_narrower_hours_move_what_is_planned(desk: Desk) -> None:
    def due() -> list[Any]:
        return desk.sql(
            "SELECT id, due_at FROM messages WHERE clinic_id = :c AND state = 'planned' AND session_id IS NOT NULL",
            c=desk.own.clinic_id,
        )

    before = {row.id: row.due_at for row in due()}
    assert before
    answer = save(desk.client_as(Role.OWNER), quiet_from="11:00", quiet_until="20:00")
    assert answer.status_code == 303
    assert {row.id: row.due_at for row in due()} == before, "not in the request: it may be a thousand patients"
    bring_in_line(desk)
    assert {row.id: row.due_at for row in due()} != before
    with reading(desk.engine) as connection:
        planned = connection.execute(
            metadata.tables["messages"].select().where(
                metadata.tables["messages"].c.clinic_id == desk.own.clinic_id,
                metadata.tables["messages"].c.state == "planned",
                metadata.tables["messages"].c.session_id.is_not(None),
            )
        ).all()  # fmt: skip
    zone = own(desk).zone
    assert all(11 <= row.due_at.astimezone(zone).hour < 20 for row in planned)


def test_p4_another_time_zone_moves_what_is_planned_and_nothing_of_others(desk: Desk) -> None:
    def rows(clinic_id: int) -> dict[int, Any]:
        found = desk.sql(
            "SELECT id, due_at FROM messages WHERE clinic_id = :c AND state = 'planned' AND step LIKE 'day%'",
            c=clinic_id,
        )
        return {row.id: str(row.due_at) for row in found}

    before, theirs = rows(desk.own.clinic_id), rows(desk.other.clinic_id)
    assert before
    save(desk.client_as(Role.OWNER), timezone="America/Los_Angeles")
    bring_in_line(desk)
    after = rows(desk.own.clinic_id)
    assert all(after[one] != before[one] for one in before.keys() & after.keys())
    assert rows(desk.other.clinic_id) == theirs


def test_p6_plans_are_made_anew_part_by_part(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever dies with a part in hand has done nothing of it; a change that comes between begins it all again."""
    monkeypatch.setattr(clinic_changes, "PART", 2)
    owner = desk.client_as(Role.OWNER)
    assert save(owner, name="Hill").status_code == 303
    assert own(desk).planned_anew_after is None, "that touches no plan"
    assert "a few patients at a time" in save(owner, timezone="America/Denver", follow_redirects=True).text

    def dies(connection: Connection) -> None:
        assert switching.next_part(connection, desk.here.sending, time.now()) == 2
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(desk.engine, dies)
    assert run(desk.engine, lambda c: switching.next_part(c, desk.here.sending, time.now())) == 2
    assert "is being brought in line" in owner.get(CLINIC).text
    save(owner, timezone="America/Chicago")
    assert bring_in_line(desk) == [2, 1]
    assert "is being brought in line" not in owner.get(CLINIC).text


# Keys


def shown_secret(page: str) -> str:
    found = re.search(r"<textarea id=\"secret\"[^>]*>([^<]+)<", page)
    assert found is not None
    return unescape(found[1])


def works(desk: Desk, key: str) -> bool:
    with reading(desk.engine) as connection:
        return clinics.api_key(connection, key, time.now()) is not None


@pytest.mark.parametrize("kind", ["api", "webhook"])
def test_p8_a_key_is_shown_once(desk: Desk, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    owner = desk.client_as(Role.OWNER)
    with caplog.at_level(logging.DEBUG):
        answer = owner.post(KEYS, {"kind": kind})
    secret = shown_secret(answer.text)
    assert answer.headers["Cache-Control"] == "no-store"
    for page in (KEYS, "/desk/audit", "/desk/settings"):
        assert secret not in owner.get(page).text
    assert secret not in caplog.text
    assert secret not in everything(desk)
    assert noted(desk, "key.new") == [f"{kind} key"]


def test_a_key_is_changed_with_an_overlap(desk: Desk) -> None:
    owner = desk.client_as(Role.OWNER)
    old = shown_secret(owner.post(KEYS, {"kind": "api"}).text)
    row = desk.sql("SELECT max(id) AS id FROM clinic_keys")[0].id
    answer = owner.post(f"{KEYS}/{row}/change", {"hours": "1"})
    new = shown_secret(answer.text)
    assert "works until" in answer.text
    assert works(desk, old)
    assert works(desk, new)
    assert owner.post(f"{KEYS}/{row}/change", {"hours": "1"}).status_code == 404, "the second owner makes no third key"
    with time.held(NOW + timedelta(minutes=59)):
        assert works(desk, old)
    with time.held(NOW + timedelta(hours=1)):
        assert not works(desk, old)
        assert works(desk, new)


def test_p8_a_webhook_secret_is_changed_with_an_overlap(desk: Desk) -> None:
    owner = desk.client_as(Role.OWNER)
    old = shown_secret(owner.post(KEYS, {"kind": "webhook"}).text)
    row = desk.sql("SELECT max(id) AS id FROM clinic_keys")[0].id
    new = shown_secret(owner.post(f"{KEYS}/{row}/change", {"hours": "24"}).text)

    def living(moment: Any) -> set[str]:
        with reading(desk.engine) as connection:
            return {secret for _, secret in clinics.webhook_secrets(connection, desk.here.sending.vault, moment)}

    assert {old, new} <= living(NOW)
    assert living(NOW + timedelta(hours=24)) & {old, new} == {new}


def test_a_key_that_ends_later_can_be_ended_now(desk: Desk) -> None:
    owner = desk.client_as(Role.OWNER)
    old = shown_secret(owner.post(KEYS, {"kind": "api"}).text)
    row = desk.sql("SELECT max(id) AS id FROM clinic_keys")[0].id
    owner.post(f"{KEYS}/{row}/change", {"hours": "168"})
    assert owner.post(f"{KEYS}/{row}/revoke").status_code == 303
    assert not works(desk, old)
    assert owner.post(f"{KEYS}/{row}/revoke").status_code == 404


def test_no_end_of_keys(light_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_keys, "MOST_LIVING", 2)
    owner = light_desk.client_as(Role.OWNER)
    assert owner.post(KEYS, {"kind": "api"}).status_code == 200
    answer = owner.post(KEYS, {"kind": "api"})
    assert answer.status_code == 422
    assert "revoke one first" in answer.text
    assert owner.post(f"{KEYS}/{light_desk.own.key}/change", {"hours": "1"}).status_code == 422
    owner.post(f"{KEYS}/{light_desk.own.key}/revoke")
    assert owner.post(KEYS, {"kind": "api"}).status_code == 200


# Webhooks


def added(owner: Visitor, url: str = "https://hill.example/hook", types: Any = None) -> Any:
    return owner.post(HOOKS, {"url": url, "types": [kind.value for kind in Type] if types is None else types})


def newest(desk: Desk) -> int:
    return int(desk.sql("SELECT max(id) AS id FROM webhook_endpoints")[0].id)


def test_p8_a_webhook_secret_is_shown_once(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    owner = desk.client_as(Role.OWNER)
    with caplog.at_level(logging.DEBUG):
        secret = shown_secret(added(owner).text)
        again = shown_secret(owner.post(f"{HOOKS}/{newest(desk)}/secret").text)
    assert secret != again
    for one in (secret, again):
        assert one not in caplog.text
        assert one not in everything(desk)
        for page in (HOOKS, f"{HOOKS}/{newest(desk)}", "/desk/audit"):
            assert one not in owner.get(page).text
    with reading(desk.engine) as connection:
        row = connection.execute(
            metadata.tables["webhook_endpoints"].select().order_by(metadata.tables["webhook_endpoints"].c.id.desc())
        ).first()
    assert row is not None
    assert desk.here.sending.vault.open(row.secret, row.id) == again


def test_a_changed_secret_leaves_the_receiver_a_day(desk: Desk) -> None:
    owner, one = desk.client_as(Role.OWNER), f"{HOOKS}/{desk.own.endpoint}"
    said = "The old one signs as well until"
    assert said not in owner.get(one).text
    assert "The old one works until" in owner.post(f"{one}/secret").text
    page = owner.get(one).text
    assert said in page
    assert "Stop using the old one now" in page
    with time.held(NOW + timedelta(hours=24)):
        assert said not in owner.get(one).text
    assert owner.post(f"{one}/secret/old/stop").status_code == 303
    assert said not in owner.get(one).text
    assert desk.sql("SELECT id FROM webhook_old_secrets") == []
    noted = desk.sql("SELECT action FROM audit WHERE action LIKE 'webhook.secret%' ORDER BY id")
    assert [row.action for row in noted] == ["webhook.secret", "webhook.secret_alone"]


@pytest.mark.parametrize(
    "url",
    [
        "http://hill.example/hook",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.0.0.8/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://0x7f000001/..\\x",
        "https://user:pass@hill.example/",
        "https://hill.example/#x",
        "ftp://hill.example/",
        "javascript:alert(1)",
        "https://hill.example/\r\nHost: evil.example",
        "https://hill.example/ä",
        "",
    ],
)
def test_p8_webhooks_go_nowhere_near_our_own_machines(light_desk: Desk, url: str) -> None:
    before = newest(light_desk)
    answer = added(light_desk.client_as(Role.OWNER), url)
    assert answer.status_code == 422
    assert 'id="url-error"' in answer.text
    assert newest(light_desk) == before


def test_p10_an_endpoint_hears_of_something(desk: Desk) -> None:
    owner, before = desk.client_as(Role.OWNER), newest(desk)
    for types in ([], ["nonsense"]):
        assert added(owner, types=types).status_code == 422
    assert newest(desk) == before
    added(owner, types=["alert.opened", "nonsense"])
    assert desk.sql("SELECT types FROM webhook_endpoints WHERE id = :i", i=newest(desk))[0].types in (
        '["alert.opened"]', ["alert.opened"],
    )  # fmt: skip
    one = newest(desk)
    assert owner.post(f"{HOOKS}/{one}/events", {"types": []}).status_code == 422
    owner.post(f"{HOOKS}/{one}/events", {"types": [kind.value for kind in Type]})
    assert desk.sql("SELECT types FROM webhook_endpoints WHERE id = :i", i=one)[0].types in ('"*"', "*")


def test_no_end_of_endpoints(light_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_webhooks, "MOST_ENDPOINTS", 2)
    owner = light_desk.client_as(Role.OWNER)
    added(owner)
    answer = added(owner)
    assert answer.status_code == 422
    assert "remove one first" in answer.text


def test_a_test_stands_in_the_log_and_is_posted_again(desk: Desk) -> None:
    owner, one = desk.client_as(Role.OWNER), desk.own.endpoint
    owner.post(f"{HOOKS}/{one}/test")
    with reading(desk.engine) as connection:
        [delivery, *_] = hook_log.page(connection, one, None, 5)
    assert delivery.type == hook_log.TEST
    desk.sql("UPDATE webhook_deliveries SET state = 'delivered', status = 204, tries = 1 WHERE event_id = :e",
             e=delivery.event_id)  # fmt: skip
    assert "204" in owner.get(f"{HOOKS}/{one}").text
    assert owner.post(f"{HOOKS}/{one}/resend", {"event": str(delivery.event_id)}).status_code == 303
    with reading(desk.engine) as connection:
        [again, *_] = hook_log.page(connection, one, None, 5)
    assert (again.event_id, again.state, again.tries) == (delivery.event_id, "waiting", 0)


def test_p8_another_clinics_event_is_not_posted_here(desk: Desk) -> None:
    def theirs(connection: Connection) -> int:
        return hook_log.send_test(connection, desk.other.clinic_id, desk.other.endpoint, NOW)

    event = run(desk.engine, theirs)
    owner = desk.client_as(Role.OWNER)
    for nonsense in (str(event), "0", "", "abc", "9" * 30, "-1"):
        assert owner.post(f"{HOOKS}/{desk.own.endpoint}/resend", {"event": nonsense}).status_code == 404
    rows = desk.sql("SELECT endpoint_id FROM webhook_deliveries WHERE event_id = :e", e=event)
    assert [row.endpoint_id for row in rows] == [desk.other.endpoint]


def test_the_log_is_paged_without_gap_or_double(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_webhooks, "PAGE", 4)
    one = desk.own.endpoint
    run(desk.engine, lambda c: [hook_log.send_test(c, desk.own.clinic_id, one, NOW) for _ in range(9)])
    owner, path, seen = desk.client_as(Role.OWNER), f"{HOOKS}/{one}", []
    for _ in range(40):
        page = owner.get(path).text
        seen += re.findall(r"<code>(evt_\d+)</code>", page)
        older = re.search(r'href="([^"]+)" rel="next"', page)
        if older is None:
            break
        path = unescape(older[1])
    total = desk.sql("SELECT count(*) AS n FROM webhook_deliveries WHERE endpoint_id = :e", e=one)[0].n
    assert len(seen) == len(set(seen)) == total


def test_nothing_goes_to_a_paused_endpoint_and_nothing_is_lost(desk: Desk) -> None:
    owner, one = desk.client_as(Role.OWNER), desk.own.endpoint
    owner.post(f"{HOOKS}/{one}/test")

    def due() -> list[str]:
        """The states of its deliveries after a look of the clock."""
        lease = time.later(30)
        run(desk.engine, lambda c: hook_deliveries.queue_due(c, time.now(), lease, 500))
        with reading(desk.engine) as connection:
            return [row["state"] for row in hook_deliveries.states(connection, one)]

    assert "queued" in due()
    with reading(desk.engine) as connection:
        queued = [row["event_id"] for row in hook_deliveries.states(connection, one)]
    owner.post(f"{HOOKS}/{one}/pause")
    # What the clock had queued already is not taken up any more.
    taken = run(desk.engine, lambda c: hook_deliveries.claim(c, queued, Counter(), 8, 64, NOW))
    assert [post for post in taken if post.endpoint_id == one] == []
    owner.post(f"{HOOKS}/{one}/test")
    with time.held(NOW + timedelta(hours=2)):
        assert set(due()) == {"waiting"}
        assert owner.post(f"{HOOKS}/{one}/resume").status_code == 303
        assert due().count("queued") >= 2


def test_removed_is_gone(desk: Desk) -> None:
    owner, one = desk.client_as(Role.OWNER), desk.own.endpoint
    owner.post(f"{HOOKS}/{one}/remove")
    assert owner.get(f"{HOOKS}/{one}").status_code == 404
    assert owner.post(f"{HOOKS}/{one}/test").status_code == 404
    with reading(desk.engine) as connection:
        assert hook_endpoints.get(connection, one).disabled_at == NOW


# Senders


def test_p8_senders_show_whether_and_never_what(light_desk: Desk) -> None:
    page = light_desk.client_as(Role.OWNER).get("/desk/settings/senders").text
    settings = light_desk.here.settings
    assert settings.sms_sender in page
    secrets: Mapping[str, Any] = {"token": settings.twilio_auth_token.get_secret_value()}
    assert all(f">{value}<" not in page and f'"{value}"' not in page for value in secrets.values())
    assert "Not set" in page
