"""The Patients room: found, read, written to, halted, corrected, erased. P3, P4, P7 and P8 as the desk keeps them."""

from __future__ import annotations

import json
import re
import threading
from datetime import timedelta

import pytest

from service import time
from service.care.lifecycle import Channel
from service.care.roles import Role
from service.records import optouts
from service.records.database import run
from tests.desk.desk import Desk, Visitor
from tests.desk.practice import NOW
from tests.desk.test_settings import fields_of

NIGHT = NOW.replace(hour=4)
"""Midnight in New York."""


def at(desk: Desk, place: int = 0) -> str:
    return f"/desk/patients/{desk.own.patients[place]}"


def box(visitor: Visitor, path: str, **words: object) -> dict[str, object]:
    """The box as it is shown, filled in."""
    page = visitor.get(f"{path}/compose?back={path}").text
    once = re.search(r'name="once"[^>]*value="(\d+)"', page)
    assert once is not None, page
    return {"once": once[1], "back": path, **words}


def texts(desk: Desk) -> list[tuple[str, str, str]]:
    rows = desk.sql("SELECT step, state, \"by\" FROM messages WHERE step LIKE 'typed%' ORDER BY id")
    return [(row.step, row.state, row.by) for row in rows]


def audited(desk: Desk, action: str) -> int:
    return int(desk.sql("SELECT count(*) FROM audit WHERE action = :action", action=action)[0][0])


# Finding


@pytest.mark.parametrize("wanted", ["Rosalind-p0", "+1 202 555 1100", "(202) 555-1100", "ROSALIND-P0@mail.example"])
def test_p8_found_by_what_is_known_exactly(desk: Desk, wanted: str) -> None:
    answer = desk.client_as(Role.READER).post("/desk/patients/find", {"wanted": wanted})
    assert (answer.status_code, answer.location) == (303, at(desk))


@pytest.mark.parametrize(
    "wanted", ["Rosalind0", "Rosalind-p", "Xanthippe-p0", "+12025552100", "nobody@mail.example", "%"]
)
def test_p8_nobody_is_found_by_name_by_part_or_at_another_clinic(desk: Desk, wanted: str) -> None:
    answer = desk.client_as(Role.OWNER).post("/desk/patients/find", {"wanted": wanted})
    assert answer.status_code == 200
    assert "Nobody found" in answer.text


def test_several_on_one_phone_are_listed(desk: Desk) -> None:
    visitor = desk.client_as(Role.OWNER)
    desk.sql("UPDATE patients SET phone_key = (SELECT phone_key FROM patients WHERE id = :one) WHERE id = :two",
             one=desk.own.patients[0], two=desk.own.patients[1])  # fmt: skip
    answer = visitor.post("/desk/patients/find", {"wanted": desk.own.phones[0]})
    assert "2 patients" in answer.text
    assert at(desk, 1) in answer.text


def test_the_list_goes_on_behind_a_cursor(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.pages.desk.patients.PAGE", 1)
    visitor, path, seen = desk.client_as(Role.OWNER), "/desk/patients", []
    while path:
        page = visitor.get(path).text
        seen += re.findall(r'href="/desk/patients/(\d+)"', page)
        older = re.search(r'href="([^"]+)" rel="next"', page)
        path = older[1] if older else ""
    assert [int(one) for one in seen] == [desk.own.patients[2], desk.own.patients[0], desk.own.patients[1]]
    assert visitor.get("/desk/patients?before=nonsense").status_code == 200


# Reading


def test_p7_the_page_says_why(desk: Desk) -> None:
    page = desk.client_as(Role.READER).get(at(desk)).text
    assert "The patient had already answered." in page  # day 3 was answered before it was due
    assert "Fever" in page
    assert "of 38" in page  # the answer in the survey's own words
    assert "Words of the protocol" in page
    assert "Pause the plan" not in page  # a reader reads


def test_p8_every_page_of_a_patient_is_in_the_audit(desk: Desk) -> None:
    visitor = desk.client_as(Role.READER)
    for number, page in enumerate(("", "/history", "/progress", "/record"), 1):
        assert visitor.get(at(desk) + page).status_code == 200
        assert audited(desk, "patient.read") == number
    visitor.get(at(desk) + "/exchange")
    version = visitor.get(at(desk) + "/exchange").headers["ETag"]
    before = audited(desk, "patient.read")
    assert visitor.get(at(desk) + "/exchange", headers={"If-None-Match": version}).status_code == 204
    assert audited(desk, "patient.read") == before  # whoever is shown nothing new has read nothing new


def test_the_history_is_whole_and_in_order(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page by page it is what it is at once, and nothing of it is lost at the seams."""
    visitor = desk.client_as(Role.OWNER)
    whole = re.findall(
        r'<time datetime="([^"]+)"', visitor.get(at(desk) + "/history").text.split('class="timeline"')[1]
    )
    monkeypatch.setattr("service.pages.desk.patient.PAGE", 2)
    path, parts = at(desk) + "/history", []
    while path:
        page = visitor.get(path).text
        parts += re.findall(r'<time datetime="([^"]+)"', page.split('class="timeline"')[1])
        older = re.search(r'href="([^"]+)" rel="next"', page)
        path = older[1] if older else ""
    assert parts == whole


def test_notes_are_sealed_and_signed(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    for _ in range(2):  # a form sent twice
        answer = visitor.post(at(desk) + "/notes", {"words": "Called, will come on Friday."})
        assert answer.status_code == 303
    (row,) = desk.sql('SELECT "by", body FROM notes')
    assert row.by == "Desk Rosalind"
    assert b"Friday" not in bytes(row.body)
    assert "Called, will come on Friday." in visitor.get(at(desk)).text
    assert visitor.post(at(desk) + "/notes", {"words": " "}).status_code == 422


# Typing


def test_a_text_is_typed_once_and_signed(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    sent = box(visitor, at(desk), words="We will call you at three.")
    for _ in range(2):
        answer = visitor.post(at(desk) + "/texts", sent)
        assert (answer.status_code, answer.location) == (303, at(desk))
    assert texts(desk) == [("typed", "planned", "Desk Rosalind")]
    page = visitor.get(at(desk)).text
    assert "Riverside Joint Ca: We will call you at three." in page


def test_p2_a_double_click_at_the_same_instant(desk: Desk) -> None:
    visitors = [desk.client_as(Role.DESK) for _ in range(3)]
    sent = box(visitors[0], at(desk), words="Hello there")
    posts = [threading.Thread(target=lambda one=one: one.post(at(desk) + "/texts", sent)) for one in visitors]
    for one in posts:
        one.start()
    for one in posts:
        one.join(30)
    assert texts(desk) == [("typed", "planned", "Desk Rosalind")]


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/desk/../v1", ""])
def test_a_text_leads_back_only_to_the_desk(desk: Desk, back: str) -> None:
    visitor = desk.client_as(Role.DESK)
    answer = visitor.post(at(desk) + "/texts", {**box(visitor, at(desk), words="Hello"), "back": back})
    assert answer.location == "/desk/today"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("Is the knee still swollen?", "locked phone"),
        ("Hello Rosalind0 Smith", "full name"),
        ("See example.com", "looks like a link"),
        ("Open {link} now", "cannot stand in a text"),
        ("", "Fill this in"),
    ],
)
def test_p8_words_that_tell_are_not_sent(desk: Desk, words: str, said: str) -> None:
    visitor = desk.client_as(Role.OWNER)
    answer = visitor.post(at(desk) + "/texts", {**box(visitor, at(desk), words=words), "sure": "y"})
    assert answer.status_code == 422
    assert said in answer.text
    assert texts(desk) == []


def test_words_that_only_hint_are_for_the_writer_to_decide(desk: Desk) -> None:
    visitor = desk.client_as(Role.OWNER)
    sent = box(visitor, at(desk), words="Please call us about your treatment.")
    asked = visitor.post(at(desk) + "/texts", sent)
    assert asked.status_code == 422
    assert "Send it as it is" in asked.text
    assert visitor.post(at(desk) + "/texts", {**sent, "sure": "y"}).status_code == 303


def test_p4_at_night_it_waits_unless_they_wrote(desk: Desk) -> None:
    visitor = desk.client_as(Role.OWNER)
    with time.held(NIGHT):
        quiet = box(visitor, at(desk, 2), words="Hello", sooner="y")  # never wrote
        assert "when their quiet hours end" in visitor.get(at(desk, 2) + "/compose").text
        visitor.post(at(desk, 2) + "/texts", quiet)
    with time.held(NIGHT + timedelta(days=1)):
        assert "Send it now all the same" in visitor.get(at(desk) + "/compose").text
        visitor.post(at(desk) + "/texts", box(visitor, at(desk), words="Hello", sooner="y"))
        visitor.post(at(desk) + "/texts", box(visitor, at(desk), words="Hello again"))
    assert [step for step, _, _ in texts(desk)] == ["typed", "typed.now", "typed"]
    assert audited(desk, "text.send_now") == 1


def test_p3_after_a_stop_the_box_is_closed_and_says_why(desk: Desk) -> None:
    visitor = desk.client_as(Role.OWNER)
    sent = box(visitor, at(desk), words="Hello")
    patient = desk.own.patients[0]
    run(desk.engine, lambda c: optouts.opt_out(c, desk.here.sending, patient, Channel.SMS, "reply", time.now()))
    answer = visitor.post(at(desk) + "/texts", sent)
    assert answer.status_code == 422
    assert "by texting START" in answer.text
    assert texts(desk) == []


def test_the_box_counts_with_the_clinics_name(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    assert "25 characters: one text" in visitor.post("/desk/patients/count", {"words": "Hello"}).text
    assert "2 texts" in visitor.post("/desk/patients/count", {"words": "a" * 141}).text
    assert "characters" not in visitor.post("/desk/patients/count", {"words": " "}).text


# Halting


def test_p3_pausing_and_stopping_from_the_page(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    assert visitor.post(at(desk) + "/pause").location == at(desk)
    assert "Paused by Desk Rosalind" in visitor.get(at(desk)).text
    visitor.post(at(desk) + "/pause")
    visitor.post(at(desk) + "/resume")
    visitor.post(at(desk) + "/stop")
    page = visitor.get(at(desk)).text
    assert "Stopped by Desk Rosalind" in page
    assert "stopped the plan" in page  # in the history
    patient = desk.own.patients[0]
    waiting = "SELECT count(*) FROM messages WHERE patient_id = :one AND priority = 1 AND state = 'planned'"
    assert desk.sql(waiting, one=patient)[0][0] == 0
    visitor.post(at(desk) + "/start")
    assert desk.sql(waiting, one=patient)[0][0] > 0
    assert [audited(desk, f"plan.{action}") for action in ("pause", "resume", "stop", "start")] == [1, 1, 1, 1]


# The record


def corrected(desk: Desk, visitor: Visitor, **changes: str):  # type: ignore[no-untyped-def]
    """The form as it is shown, but for the changes."""
    return visitor.post(at(desk) + "/record", {**facts_of(desk, visitor), **changes})


def facts_of(desk: Desk, visitor: Visitor) -> dict[str, str]:
    shown = fields_of(visitor.get(at(desk) + "/record").text)
    return {name: shown[name] for name in ("given_name", "phone", "email", "locale", "timezone", "seen")}


def test_a_new_number_asks_for_consent_and_writes_it_down(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    assert corrected(desk, visitor, phone="202-555-7777").status_code == 422  # consent does not move by itself
    assert corrected(desk, visitor, phone="202-555-7777", agreed="no").status_code == 303
    assert "No consent on record" in visitor.get(at(desk)).text
    reasons = desk.sql("SELECT DISTINCT reason FROM messages WHERE patient_id = :one AND channel = 'sms'"
                       " AND due_at > (SELECT max(changed_at) FROM responses WHERE patient_id = :one)"
                       " AND state <> 'planned' AND priority = 1", one=desk.own.patients[0])  # fmt: skip
    assert "no_consent" in {row.reason for row in reasons}
    assert corrected(desk, visitor, phone="202-555-8888", agreed="yes").status_code == 303
    page = visitor.get(at(desk) + "/record").text
    assert "+12025558888" in page
    assert page.count("noted by Desk Rosalind") >= 2
    assert audited(desk, "patient.correct") == 2


def test_a_new_number_is_rid_of_the_mark_against_the_old_one(desk: Desk) -> None:
    patient, visitor = desk.own.patients[0], desk.client_as(Role.DESK)
    run(desk.engine, lambda c: optouts.address_is_bad(c, desk.here.sending, patient, Channel.SMS, time.now()))
    assert "The number does not work" in visitor.get(at(desk)).text
    corrected(desk, visitor, phone="202-555-7777", agreed="yes")
    page = visitor.get(at(desk)).text
    assert "The number does not work" not in page
    assert "Send the text" in page


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"phone": "12", "agreed": "yes"}, "phone number"),
        ({"timezone": "Mars/Olympus"}, "IANA"),
        ({"given_name": ""}, "Fill"),
    ],
)
def test_p10_what_cannot_be_is_refused_with_a_word(desk: Desk, changes: dict[str, str], said: str) -> None:
    answer = corrected(desk, desk.client_as(Role.DESK), **changes)
    assert answer.status_code == 422
    assert said in answer.text
    assert audited(desk, "patient.correct") == 0


def test_p4_an_old_page_takes_back_nothing_of_the_record(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    corrected(desk, visitor, timezone="America/New_York")
    shown = facts_of(desk, visitor)
    for _ in range(2):  # a form that is sent twice is no other
        moved = {**shown, "timezone": "America/Los_Angeles", "locale": "es"}
        assert visitor.post(at(desk) + "/record", moved).status_code == 303
    answer = visitor.post(at(desk) + "/record", {**shown, "given_name": "Rosa"})
    assert answer.status_code == 422
    assert "changed after you opened this" in answer.text
    now = facts_of(desk, visitor)
    assert (now["given_name"], now["timezone"], now["locale"]) == ("Rosalind0", "America/Los_Angeles", "es")
    assert visitor.post(at(desk) + "/record", {**fields_of(answer.text), "given_name": "Rosa"}).status_code == 303
    now = facts_of(desk, visitor)
    assert (now["given_name"], now["timezone"], now["locale"]) == ("Rosa", "America/Los_Angeles", "es")


def test_times_of_day_follow_a_corrected_zone(desk: Desk) -> None:
    due = "SELECT due_at FROM messages WHERE patient_id = :one AND step = 'day14' AND channel = 'sms'"
    before = desk.sql(due, one=desk.own.patients[0])
    corrected(desk, desk.client_as(Role.DESK), timezone="America/Denver")
    assert desk.sql(due, one=desk.own.patients[0]) != before


def test_p3_consent_withdrawn_at_the_desk(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    page = visitor.get(at(desk) + "/record").text
    once = re.search(r'name="once"[^>]*value="(\d+)"', page)
    assert once is not None
    said = {"channel": "sms", "word": "withdrawn", "how": "by phone", "once": once[1]}
    for _ in range(2):
        assert visitor.post(at(desk) + "/consent", said).status_code == 303
    lines = desk.sql(
        "SELECT source FROM consents WHERE patient_id = :one AND action = 'revoked'", one=desk.own.patients[0]
    )
    assert [line.source for line in lines] == ["by phone, noted by Desk Rosalind"]
    left = "SELECT state FROM messages WHERE patient_id = :one AND channel = 'sms' AND priority = 1"
    assert "planned" not in {row.state for row in desk.sql(left, one=desk.own.patients[0])}


@pytest.mark.parametrize("wrong", [{"word": ""}, {"wording": ""}, {"at": "2030-01-01T10:00"}, {"channel": "fax"}])
def test_consent_that_nobody_can_have_given_is_refused(desk: Desk, wrong: dict[str, str]) -> None:
    said = {"channel": "sms", "word": "given", "how": "on paper", "wording": "I agree.", "once": "1", **wrong}
    assert desk.client_as(Role.DESK).post(at(desk) + "/consent", said).status_code == 422
    assert audited(desk, "consent.record") == 0


def test_a_copy_of_everything(desk: Desk) -> None:
    answer = desk.client_as(Role.DESK).get(at(desk) + "/export")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert json.loads(answer.text)["patient"]["id"] == "Rosalind-p0"
    assert audited(desk, "patient.export") == 1


def test_erasing_takes_the_right_number_and_an_owner(desk: Desk) -> None:
    owner = desk.client_as(Role.OWNER)
    right, wrong = {"external_id": "Rosalind-p0"}, {"external_id": "Rosalind-p1"}
    assert desk.client_as(Role.CLINICIAN).post(at(desk) + "/erase", right).status_code == 403
    assert owner.post(at(desk) + "/erase", wrong).status_code == 422
    assert owner.get(at(desk)).status_code == 200
    assert owner.post(at(desk) + "/erase", right).location == "/desk/patients"
    assert owner.get(at(desk)).status_code == 404
    assert owner.post(at(desk) + "/stop").status_code == 404
    assert audited(desk, "patient.erase") == 1


def test_p8_no_address_holds_anything_of_a_patient(desk: Desk) -> None:
    """Every link on the pages: row ids and cursors, nothing else."""
    visitor = desk.client_as(Role.OWNER)
    for path in ("/desk/patients", at(desk), at(desk) + "/record", at(desk) + "/progress"):
        for link in re.findall(r'(?:href|action|hx-get|hx-post)="([^"]+)"', visitor.get(path).text):
            if not link.startswith("tel:"):
                assert "osalind" not in link
                assert desk.own.phones[0] not in link
