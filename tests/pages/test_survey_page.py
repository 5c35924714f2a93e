"""The survey page: answers kept, warning signs heard at once (P9), reminders stopped (P3), links that open nothing."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from service import time
from service.records import hook_endpoints, hooks
from service.records.database import reading, run
from tests.pages.patients_phone import NOON, S1_FINE, Phone, at

DAY1 = at(1)
ENDPOINT = "https://clinic.example/hooks"


def test_a_survey_sent_off_is_complete_and_thanked_for(pages_anywhere: Phone) -> None:
    session = pages_anywhere.visit()
    token = pages_anywhere.link(session, "day1")
    with time.held(DAY1):
        sent = pages_anywhere.client().post(f"/s/{token}", data=S1_FINE, follow_redirects=True)
    assert sent.status_code == 200
    assert "No warning signs reported." in sent.text
    assert "you are fine" not in sent.text.lower()
    response = pages_anywhere.answers(session, "S1")
    assert response is not None
    assert response.completed_at == DAY1
    assert response.answers["pain"] == 3
    assert response.answers["signs"] == ["none"]
    assert pages_anywhere.alerts() == []


def test_answers_are_sealed(pages: Phone) -> None:
    """P8."""
    token = pages.link(pages.visit(), "day1")
    with time.held(DAY1):
        pages.client().post(f"/s/{token}", data=S1_FINE)
    [row] = pages.sql("SELECT answers FROM responses")
    assert b"swelling" not in bytes(row.answers)


def test_looking_changes_nothing(pages: Phone) -> None:
    """Link scanners open every link."""
    token = pages.link(pages.visit(), "day1")
    dump = {table: pages.sql(f"SELECT * FROM {table}") for table in ("responses", "messages", "attempts", "sessions")}
    with time.held(DAY1):
        for path in (f"/s/{token}", f"/s/{token}?lang=es&edit=1", f"/s/{token}/plan"):
            assert pages.client().get(path).status_code == 200
            assert pages.client().head(path).status_code == 200
    assert dump == {table: pages.sql(f"SELECT * FROM {table}") for table in dump}


def test_p10_when_somebody_reads_is_said_in_the_readers_language(pages: Phone) -> None:
    token = pages.link(pages.visit(), "day1")
    with time.held(DAY1):
        assert "Staff read answers Mon-Fri 9am-5pm, not 24/7." in pages.client().get(f"/s/{token}").text
        assert "Leemos sus respuestas lun-vie 9am-5pm," in pages.client().get(f"/s/{token}?lang=es").text


def test_every_page_says_what_a_patient_must_know_of_it(pages: Phone) -> None:
    """Also the plan, the thanks and a page that is closed; with scripts or without."""
    session = pages.visit()
    token = pages.link(session, "day1")
    client = pages.client()
    with time.held(DAY1):
        shown = [client.get(f"/s/{token}"), client.get(f"/s/{token}/plan"), client.get("/s/nobodyknows")]
        shown.append(client.post(f"/s/{token}", data=S1_FINE, follow_redirects=True))
    with time.held(at(60)):
        shown.append(client.get(f"/s/{token}"))
    for page in shown:
        assert "Do not use this form." in page.text
        assert "Texts are not private or watched around the clock. A reply may be late or missed." in page.text
        assert page.text.count('href="tel:911"') >= 1
    assert [page.status_code for page in shown[1::2]] == [200, 200]


def test_a_page_with_gaps_loses_nothing_and_says_where(pages: Phone) -> None:
    session = pages.visit()
    token = pages.link(session, "day1")
    with time.held(DAY1):
        sent = pages.client().post(f"/s/{token}", data={**S1_FINE, "call": "", "swelling": "enormous"})
    assert sent.status_code == 422
    assert 'name="pain" value="3" checked' in sent.text
    assert re.search(r'id="q-call-error">Please choose an answer', sent.text)
    assert re.search(r'id="q-swelling-error">Please choose one of these', sent.text)
    assert 'aria-describedby="q-call-error"' in sent.text
    assert 'role="alert"' in sent.text
    response = pages.answers(session, "S1")
    assert response is not None
    assert response.completed_at is None
    assert response.answers["pain"] == 3
    assert "call" not in response.answers


def test_nothing_is_chosen_beforehand(pages: Phone) -> None:
    token = pages.link(pages.visit(), "day1")
    with time.held(DAY1):
        assert " checked" not in pages.client().get(f"/s/{token}").text


def test_a_tapped_warning_sign_acts_at_once_and_once(pages_anywhere: Phone) -> None:
    """P9: stored and raised together, and ten taps after it are no ten warnings."""
    session = pages_anywhere.visit()
    token = pages_anywhere.link(session, "day1")
    client = pages_anywhere.client()
    with time.held(DAY1):
        first = client.post(f"/s/{token}/tap", data={"question": "signs", "signs": "breathing"})
        later = client.post(f"/s/{token}/tap", data={"question": "pain", "pain": "4"})
    assert first.json == {"saved": True, "emergency": True, "answered": 1, "asked": 6}
    assert later.json == {"saved": True, "emergency": False, "answered": 2, "asked": 6}
    assert pages_anywhere.alerts() == [("breathing", "emergency")]
    [count] = pages_anywhere.sql("SELECT count(*) FROM alert_events WHERE kind IN ('opened', 'seen_again')")
    assert count[0] == 1
    response = pages_anywhere.answers(session, "S1")
    assert response is not None
    assert response.completed_at is None


def test_without_scripts_the_call_screen_comes_with_the_answer(pages: Phone) -> None:
    """P9, also when the page is not filled in to the end."""
    token = pages.link(pages.visit(), "day1")
    with time.held(DAY1):
        half = pages.client().post(f"/s/{token}", data={"signs": ["chest_pain", "none"]})
        whole = pages.client().post(f"/s/{token}", data={**S1_FINE, "signs": "breathing"}, follow_redirects=True)
    for answer in (half, whole):
        assert answer.status_code == 200
        assert "Call 911 now" in answer.text
        assert 'href="tel:911"' in answer.text
    assert "No warning signs" not in whole.text


def test_an_alert_that_cannot_be_opened_takes_the_answer_with_it(pages: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    """P9: the patient is told that it was not saved, and tries again."""
    session = pages.visit()
    token = pages.link(session, "day1")
    monkeypatch.setattr("service.pages.survey.alerts.open_alert", lambda *_: 1 / 0)
    pages.app.testing = False
    with time.held(DAY1):
        sent = pages.client().post(f"/s/{token}/tap", data={"question": "signs", "signs": "breathing"})
    assert sent.status_code == 500
    assert pages.answers(session, "S1") is None


def test_a_sign_taken_back_is_no_answer_but_its_alert_stands(pages: Phone) -> None:
    session = pages.visit()
    token = pages.link(session, "day1")
    with time.held(DAY1):
        pages.client().post(f"/s/{token}/tap", data={"question": "signs", "signs": "fever"})
        pages.client().post(f"/s/{token}/tap", data={"question": "signs"})
    response = pages.answers(session, "S1")
    assert response is not None
    assert dict(response.answers) == {}
    assert pages.alerts() == [("fever", "urgent")]


def test_an_answer_taken_back_on_the_page_is_asked_for_again(pages: Phone) -> None:
    """Without scripts nothing but the form says what was unticked."""
    session = pages.visit()
    token = pages.link(session, "day1")
    without = {name: value for name, value in S1_FINE.items() if name != "signs"}
    with time.held(DAY1):
        pages.client().post(f"/s/{token}", data={**S1_FINE, "signs": ["fever"]})
        again = pages.client().post(f"/s/{token}", data=without)
        assert again.status_code == 422
        assert not re.search(r'value="fever"[^>]*checked', again.text)
        assert pages.client().post(f"/s/{token}", data=S1_FINE).status_code == 303
    response = pages.answers(session, "S1")
    assert response is not None
    assert response.answers["signs"] == ["none"]


def test_a_tap_that_comes_after_the_form_changes_nothing_that_was_sent_off(pages: Phone) -> None:
    session = pages.visit()
    token = pages.link(session, "day1")
    with time.held(DAY1):
        form = pages.client().get(f"/s/{token}").text
        assert f'data-tap="/s/{token}/tap"' in form
        pages.client().post(f"/s/{token}", data={**S1_FINE, "signs": ["fever", "pus"]})
        for late in ({"signs": "fever"}, {}):
            assert pages.client().post(f"/s/{token}/tap", data={"question": "signs", **late}).json["saved"]
        response = pages.answers(session, "S1")
        assert response is not None
        assert response.answers["signs"] == ["fever", "pus"]
        # P9: what only a late tap says is heard all the same.
        assert (
            pages.client().post(f"/s/{token}/tap", data={"question": "signs", "signs": "breathing"}).json["emergency"]
        )
        assert ("breathing", "emergency") in pages.alerts()


def test_a_survey_that_was_sent_off_stays_whole_while_it_is_changed(pages: Phone) -> None:
    session = pages.visit()
    token = pages.link(session, "day1")
    with time.held(DAY1):
        pages.client().post(f"/s/{token}", data=S1_FINE)
        form = pages.client().get(f"/s/{token}?edit=1").text
        assert f'data-tap="/s/{token}/tap?edit=1"' in form
        changed = pages.client().post(f"/s/{token}/tap?edit=1", data={"question": "pain", "pain": "5"})
        unticked = pages.client().post(f"/s/{token}/tap?edit=1", data={"question": "signs"})
        assert (changed.json["saved"], unticked.json["saved"]) == (True, False)
    response = pages.answers(session, "S1")
    assert response is not None
    assert (response.answers["pain"], response.answers["signs"]) == (5, ["none"])


def test_a_day_makes_pain_worse(pages: Phone) -> None:
    """8 of 10 is a common flare on day 1, and not on day 3, though the answer is the same one."""
    session = pages.visit()
    token = pages.link(session, "day1")
    with time.held(DAY1):
        pages.client().post(f"/s/{token}/tap", data={"question": "pain", "pain": "8"})
    assert pages.alerts() == []
    with time.held(at(3)):
        pages.client().post(f"/s/{token}", data={**S1_FINE, "pain": "8"})
    assert pages.alerts() == [("pain", "urgent")]


def test_a_prohibited_medicine_is_the_clinics_choice(pages: Phone) -> None:
    token = pages.link(pages.visit(), "day1")
    pages.sql("UPDATE clinics SET care_plan = :plan", plan='{"prohibited_medicines": ["anti_inflammatory"]}')
    with time.held(DAY1):
        pages.client().post(f"/s/{token}", data={**S1_FINE, "medicine": ["anti_inflammatory"]})
    assert pages.alerts() == [("prohibited_medicine", "next_business_day")]


def test_answers_may_be_changed_for_a_week_and_are_complete_once(pages: Phone) -> None:
    session = pages.visit()
    token = pages.link(session, "day1")
    with time.held(DAY1):
        pages.client().post(f"/s/{token}", data=S1_FINE)
        assert "Change my answers" in pages.client().get(f"/s/{token}").text
    with time.held(at(3)):
        assert 'value="3" checked' in pages.client().get(f"/s/{token}?edit=1").text
        pages.client().post(f"/s/{token}", data={**S1_FINE, "pain": "5"})
    response = pages.answers(session, "S1")
    assert response is not None
    assert response.answers["pain"] == 5
    assert response.completed_at == DAY1
    with time.held(DAY1 + timedelta(days=7)):
        assert "Change my answers" not in pages.client().get(f"/s/{token}").text
        assert pages.client().post(f"/s/{token}", data={**S1_FINE, "pain": "9"}).status_code == 410
    response = pages.answers(session, "S1")
    assert response is not None
    assert response.answers["pain"] == 5


def test_answering_withdraws_a_queued_reminder(pages_anywhere: Phone) -> None:
    """P3: the reminder was already on its way to a worker."""
    phone = pages_anywhere
    session = phone.visit()
    token = phone.link(session, "day1")
    phone.sql("UPDATE messages SET state = 'queued' WHERE step = 'day1.reminder' AND session_id = :s", s=session)
    with time.held(DAY1):
        phone.client().post(f"/s/{token}/tap", data={"question": "pain", "pain": "4"})
        states = "SELECT state, reason FROM messages WHERE step = 'day1.reminder' AND session_id = :s"
        assert {row.state for row in phone.sql(states, s=session)} == {"queued"}
        phone.client().post(f"/s/{token}", data=S1_FINE)
    assert {tuple(row) for row in phone.sql(states, s=session)} == {("skipped", "answered")}


def test_the_survey_at_the_start_becomes_the_baseline(pages: Phone) -> None:
    session = pages.visit()
    token = pages.link(session, "welcome")
    start = {"pain": "6", "peg_pain": "6", "peg_enjoyment": "5", "peg_activity": "7",
             "activity_name": "climb stairs", "activity": "3"}  # fmt: skip
    with time.held(NOON + timedelta(hours=1)):
        pages.client().post(f"/s/{token}", data=start)
    later = pages.link(session, "day14")
    with time.held(at(14)):
        assert "climb stairs" in pages.client().get(f"/s/{later}").text
    assert pages.baseline(session) == {"pain": 6, "peg": [6, 5, 7], "activity": "climb stairs", "activity_score": 3}


@pytest.mark.parametrize("measured", [{"pain": 5}, {"activity": "climb stairs"}, {"pain": 5, "peg": [5, 4, 6]}])
def test_what_the_visit_did_not_measure_is_asked_and_nothing_else(
    pages_anywhere: Phone, measured: dict[str, Any]
) -> None:
    """One number that came with the event must not leave PEG and the activity without a start."""
    pages = pages_anywhere
    session = pages.visit(baseline=measured)
    answers = {"pain": "6", "peg_pain": "7", "peg_enjoyment": "7", "peg_activity": "7",
               "activity_name": "walk to the shop", "activity": "3"}  # fmt: skip
    known = {name for name in answers if name.split("_")[0] in measured and name != "activity"}
    if "activity" in measured:
        known = {"activity_name"}
    token = pages.link(session, "welcome")
    with time.held(NOON + timedelta(hours=1)):
        page = pages.client().get(f"/s/{token}").text
        assert {name for name in answers if f'name="{name}"' not in page} == known
        given = {name: value for name, value in answers.items() if name not in known}
        assert pages.client().post(f"/s/{token}", data=given).status_code == 303
    whole = {"pain": 6, "peg": [7, 7, 7], "activity": "walk to the shop", "activity_score": 3} | measured
    assert pages.baseline(session) == whole
    corrected = {"peg_pain": "4", "peg_enjoyment": "4", "peg_activity": "4"}
    if "peg" not in measured:
        with time.held(NOON + timedelta(hours=2)):
            pages.client().post(f"/s/{token}", data=given | corrected)
        assert pages.baseline(session) == whole | {"peg": [4, 4, 4]}


def test_a_visit_that_was_measured_in_full_is_asked_nothing(pages_anywhere: Phone) -> None:
    pages = pages_anywhere
    pain, rest = {"pain": 5}, {"peg": [5, 4, 6], "activity": "climb stairs", "activity_score": 3}
    pages.visit("whole", baseline=pain | rest)
    later = pages.visit("later", patient="p2", baseline=pain)
    welcomes = "SELECT DISTINCT survey FROM messages WHERE step = 'welcome' AND session_id = :s"
    assert pages.sql(welcomes, s=later) == [("S0",)]
    change = {"session": {"id": "later", "baseline": rest}}
    pages.post("session.updated", change, "later", NOON + timedelta(minutes=1))
    assert pages.baseline(later) == pain | rest, "what an event leaves out stays"
    mended = {"session": {"id": "later", "baseline": {"activity_score": 5}}}
    pages.post("session.updated", mended, "mended", NOON + timedelta(minutes=2))
    assert pages.baseline(later) == pain | rest | {"activity_score": 5}
    waiting = pages.sql("SELECT survey FROM messages WHERE step = 'welcome' AND state = 'planned'")
    assert [row.survey for row in waiting] == [None, None]


@pytest.mark.parametrize(
    ("site", "asked", "not_asked"),
    [
        ("rib", "Chest pain", "calf"),
        ("knee", "calf", "urine"),
        ("lower_back", "urine", "calf"),
    ],
)
def test_warning_signs_go_by_the_site(pages: Phone, site: str, asked: str, not_asked: str) -> None:
    token = pages.link(pages.visit(site=site), "day1")
    with time.held(DAY1):
        page = pages.client().get(f"/s/{token}").text
    assert asked in page
    assert not_asked not in page


def test_language_is_the_patients_and_can_be_changed(pages: Phone) -> None:
    token = pages.link(pages.visit(locale="es-MX"), "day1")
    with time.held(DAY1):
        page = pages.client().get(f"/s/{token}").text
        assert '<html lang="es">' in page
        assert "¿Cuánto dolor tiene ahora?" in page
        page = pages.client().get(f"/s/{token}?lang=en").text
    assert '<html lang="en">' in page
    assert f'action="/s/{token}?lang=en"' in page


# Links that open nothing


def test_an_unknown_link_is_a_kind_404_and_trying_many_is_a_429(pages: Phone) -> None:
    with time.held(DAY1):
        token = pages.link(pages.visit(), "day1")
        environ = {"REMOTE_ADDR": "203.0.113.9"}
        first = pages.client().get("/s/aaaaaaaaaaa", environ_base=environ)
        assert first.status_code == 404
        assert "202-555-0100" in first.text
        codes = [pages.client().get(f"/s/guess{n:06}", environ_base=environ).status_code for n in range(40)]
        assert codes[-1] == 429
        assert pages.client().post("/s/guess/tap", environ_base=environ).status_code == 429
        # A neighbour behind the same address still gets to the survey, and to its warning signs.
        assert pages.client().get(f"/s/{token}", environ_base=environ).status_code == 200


@pytest.mark.parametrize(
    ("when", "says"), [(timedelta(days=31), "This link has expired"), (timedelta(days=29), "One day on")]
)
def test_links_work_for_thirty_days(pages: Phone, when: timedelta, says: str) -> None:
    token = pages.link(pages.visit(), "day1")
    with time.held(DAY1 + when):
        answer = pages.client().get(f"/s/{token}")
    assert says in answer.text
    assert answer.status_code == (410 if "expired" in says else 200)
    assert "202-555-0100" in answer.text


def test_a_new_visit_closes_the_questions_of_the_old_one_but_not_the_plan(pages: Phone) -> None:
    old = pages.visit("s1")
    token, comfort = pages.link(old, "day1"), pages.link(old, "comfort")
    pages.visit("s2", ended_at=at(5))
    with time.held(at(6)):
        answer = pages.client().get(f"/s/{token}")
        assert answer.status_code == 410
        assert "202-555-0100" in answer.text
        assert pages.client().get(f"/s/{comfort}").status_code == 200


def test_a_page_left_open_too_long_is_still_heard(pages: Phone) -> None:
    """P9: too late to be stored, not too late to be an emergency."""
    old = pages.visit("s1")
    token = pages.link(old, "day1")
    pages.visit("s2", ended_at=at(5))
    with time.held(at(6)):
        tapped = pages.client().post(f"/s/{token}/tap", data={"question": "signs", "signs": "breathing"})
        sent = pages.client().post(f"/s/{token}", data={"signs": "fever"})
    assert tapped.status_code == 410
    assert tapped.json == {"saved": False, "emergency": True}
    assert "Please call us now" in sent.text
    assert pages.alerts() == [("breathing", "emergency"), ("fever", "urgent")]
    assert pages.answers(old, "S1") is None


def test_cancelled_and_erased(pages: Phone) -> None:
    token = pages.link(pages.visit("s1"), "day1")
    gone = pages.link(pages.visit("s2", patient="p2", phone="+12025550188"), "day1")
    pages.post("session.cancelled", {"session": {"id": "s1"}}, "c1", DAY1)
    pages.post("patient.erased", {"patient": {"id": "p2"}}, "e1", DAY1)
    with time.held(DAY1):
        cancelled = pages.client().get(f"/s/{token}")
        erased = pages.client().get(f"/s/{gone}", environ_base={"REMOTE_ADDR": "203.0.113.10"})
    assert cancelled.status_code == 410
    assert "202-555-0100" in cancelled.text
    assert erased.status_code == 404
    assert pages.sql("SELECT count(*) FROM responses")[0][0] == 0


def test_an_erasure_between_reading_and_locking_is_an_unknown_link(
    pages: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = pages.link(pages.visit(), "day1")

    def gone(*_: object, **__: object) -> None:
        raise LookupError

    monkeypatch.setattr("service.records.triaging.responses.save", gone)
    with time.held(DAY1):
        environ = {"REMOTE_ADDR": "203.0.113.11"}
        assert pages.client().post(f"/s/{token}", data=S1_FINE, environ_base=environ).status_code == 404


def test_headers_keep_the_token_in(pages: Phone, caplog: pytest.LogCaptureFixture) -> None:
    """P8: never in a Referer, a cache or a log; and nothing comes from elsewhere."""
    token = pages.link(pages.visit(), "day1")
    caplog.set_level("DEBUG")
    with time.held(DAY1):
        answer = pages.client().get(f"/s/{token}")
        pages.client().post(f"/s/{token}/tap", data={"question": "signs", "signs": "breathing"})
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
    assert "<style" not in answer.text
    assert " style=" not in answer.text
    assert token not in caplog.text
    assert not re.findall(r'(?:src|href)="(?!/|#|\?|tel:|data:,)', answer.text)


@pytest.mark.parametrize(
    "data",
    [
        {"question": "nothing", "nothing": "1"},
        {"question": "pain", "pain": "11"},
        {"question": "pain", "pain": "\x00"},
        {"question": "signs", "signs": ["made_up"]},
        {},
    ],
)
def test_a_tap_that_is_no_answer_changes_nothing(pages: Phone, data: dict[str, object]) -> None:
    """P10."""
    session = pages.visit()
    token = pages.link(session, "day1")
    with time.held(DAY1):
        assert pages.client().post(f"/s/{token}/tap", data=data).status_code == 422
    assert pages.answers(session, "S1") is None


def test_too_long_a_page_is_refused(pages: Phone) -> None:
    """P10."""
    token = pages.link(pages.visit(), "welcome")
    with time.held(NOON):
        assert pages.client().post(f"/s/{token}", data={"activity_name": "x" * 40_000}).status_code == 413


def test_the_clinics_system_hears_once_of_a_survey_sent_off(pages: Phone) -> None:
    session = pages.visit()
    token = pages.link(session, "day1")
    run(pages.context.engine, lambda c: hook_endpoints.add(c, pages.vault, pages.clinic_id, ENDPOINT, "*", DAY1))
    with time.held(DAY1):
        pages.client().post(f"/s/{token}/tap", data={"question": "pain", "pain": "3"})
        pages.client().post(f"/s/{token}", data=S1_FINE)
        pages.client().post(f"/s/{token}", data={**S1_FINE, "pain": "4"})
    with reading(pages.context.engine) as connection:
        told = hooks.events_after(connection, pages.vault, pages.clinic_id, 0, 100)
    assert [event.type for event in told].count("survey.answered") == 1
