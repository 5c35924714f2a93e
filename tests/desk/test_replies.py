"""Replies: who sees them, and saying whose one is: once, by a person, with what follows from it."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import Any

import pytest

from service import time
from service.care.roles import Role
from service.records import clinics
from service.records.database import run
from tests.desk.desk import Desk
from tests.desk.incoming import says
from tests.desk.practice import NOW
from tests.desk.test_today import card, waiting_texts

REPLIES = "/desk/replies"
STRANGER = "+12025557777"
OWN_SENDER = "+12025558888"


def share_a_phone(desk: Desk) -> str:
    """The second and third patient of the clinic use one phone from now on."""
    phone = desk.own.phones[1]
    vault = desk.here.sending.vault
    third = desk.own.patients[2]
    desk.sql(
        "UPDATE patients SET phone = :phone, phone_key = :key WHERE id = :id",
        phone=vault.seal(phone, third), key=vault.index(phone), id=third,
    )  # fmt: skip
    return phone


def share_with_the_other_clinic(desk: Desk) -> str:
    phone = desk.own.phones[1]
    vault = desk.here.sending.vault
    theirs = desk.other.patients[1]
    desk.sql(
        "UPDATE patients SET phone = :phone, phone_key = :key WHERE id = :id",
        phone=vault.seal(phone, theirs), key=vault.index(phone), id=theirs,
    )  # fmt: skip
    return phone


def give_a_number_of_its_own(desk: Desk) -> None:
    clinic_id = desk.own.clinic_id
    run(desk.engine, lambda connection: clinics.change(connection, clinic_id, {"sender": OWN_SENDER}))


def row(desk: Desk, reply_id: int) -> Any:
    return desk.sql("SELECT * FROM replies WHERE id = :id", id=reply_id)[0]


def alerts_of(desk: Desk, patient_id: int, cause: str = "fever") -> list[Any]:
    return desk.sql(
        "SELECT id, closed_at, closed_by FROM alerts WHERE patient_id = :id AND cause = :cause AND closed_at IS NULL",
        id=patient_id, cause=cause,
    )  # fmt: skip


# Who sees what


@pytest.mark.parametrize("shelf", ["unread", "unmatched", "all"])
def test_p8_a_stranger_at_a_number_that_clinics_share_is_shown_to_none(desk: Desk, shelf: str) -> None:
    kept = says(desk, STRANGER, "Is this the clinic?")
    for which in ("own", "other"):
        visitor = desk.client_as(Role.OWNER, which)  # type: ignore[arg-type]
        assert f"reply-{kept}" not in visitor.get(f"{REPLIES}?show={shelf}").text
        assert visitor.get(f"{REPLIES}/{kept}").status_code == 404


def test_p8_a_stranger_at_a_clinics_own_number_is_shown_to_that_clinic_alone(desk: Desk) -> None:
    give_a_number_of_its_own(desk)
    kept = says(desk, STRANGER, "Is this the clinic?", OWN_SENDER)
    page = desk.client_as(Role.DESK).get(f"{REPLIES}?show=unmatched").text
    assert "A number that is no patient's" in card(page, f"reply-{kept}")
    assert f'href="tel:{STRANGER}"' in page
    other = desk.client_as(Role.OWNER, "other")
    for shelf in ("unread", "unmatched", "shared", "all"):
        assert f"reply-{kept}" not in other.get(f"{REPLIES}?show={shelf}").text
    for path in ("seen", "notes", "search", "nobody", f"patient/{desk.other.patients[0]}"):
        assert other.post(f"{REPLIES}/{kept}/{path}", {"nobody-words": "x", "wanted": "x"}).status_code == 404
    assert row(desk, kept).resolved_by is None


def test_the_one_clinic_that_uses_the_common_number_is_shown_strangers(desk: Desk) -> None:
    clinic_id = desk.other.clinic_id
    run(desk.engine, lambda connection: clinics.change(connection, clinic_id, {"sender": OWN_SENDER}))
    kept = says(desk, STRANGER, "Is this the clinic?")
    assert f"reply-{kept}" in desk.client_as(Role.DESK).get(REPLIES).text
    assert f"reply-{kept}" not in desk.client_as(Role.DESK, "other").get(REPLIES).text


def test_p8_of_a_phone_shared_with_another_clinic_each_sees_its_own_patients_alone(desk: Desk) -> None:
    kept = says(desk, share_with_the_other_clinic(desk), "When can I run again?")
    own, other = desk.client_as(Role.DESK), desk.client_as(Role.DESK, "other")
    assert f"{desk.own.marker}1" in card(own.get(f"{REPLIES}?show=shared").text, f"reply-{kept}")
    assert desk.other.marker not in own.get(f"{REPLIES}/{kept}").text
    assert desk.own.marker not in other.get(f"{REPLIES}/{kept}").text
    # Not theirs, says the one; then it is the other's alone.
    own.post(f"{REPLIES}/{kept}/nobody", {"nobody-words": f"Asked {desk.own.marker}1."})
    assert own.get(f"{REPLIES}/{kept}").status_code == 404
    page = other.get(f"{REPLIES}/{kept}").text
    assert "This patient wrote it" in page
    assert desk.own.marker not in page


def test_the_longest_waiting_is_first_and_pages_go_on(light_desk: Desk) -> None:
    desk = light_desk
    kept = [says(desk, desk.own.phones[0], f"Question {number}: when can I run?") for number in range(35)]
    visitor, seen, path = desk.client_as(Role.DESK), [], f"{REPLIES}?show=unread"
    while path:
        page = visitor.get(path).text
        seen += [int(one) for one in re.findall(r'id="reply-(\d+)"', page)]
        following = re.search(r'href="([^"]+)" rel="prev"', page)
        path = following[1].replace("&amp;", "&") if following else ""
    assert [one for one in seen if one in kept] == kept
    assert len(seen) == len(set(seen))
    newest = [int(one) for one in re.findall(r'id="reply-(\d+)"', visitor.get(f"{REPLIES}?show=all").text)]
    assert newest[0] == kept[-1]


# Saying whose it is


def test_a_shared_reply_is_given_to_one_patient_once(desk: Desk) -> None:
    kept = says(desk, share_a_phone(desk), "When can I run again?")
    first, second = desk.client_as(Role.DESK), desk.client_as(Role.CLINICIAN)
    page = first.get(f"{REPLIES}?show=shared").text
    assert "Somebody on a shared phone" in card(page, f"reply-{kept}")
    first.post(f"{REPLIES}/{kept}/patient/{desk.own.patients[2]}")
    again = second.post(f"{REPLIES}/{kept}/patient/{desk.own.patients[1]}", follow_redirects=True).text
    assert f"Desk {desk.own.marker} had said whose it is before you." in again
    found = row(desk, kept)
    assert (found.match, found.patient_id, found.resolved_by) == (
        "matched", desk.own.patients[2], f"Desk {desk.own.marker}",
    )  # fmt: skip
    assert found.session_id == desk.own.sessions[2]
    assert f"reply-{kept}" not in first.get(f"{REPLIES}?show=shared").text


def test_two_at_once_resolve_it_once(desk: Desk) -> None:
    kept = says(desk, share_a_phone(desk), "When can I run again?")
    people = [(desk.client_as(Role.DESK), 1), (desk.client_as(Role.CLINICIAN), 2), (desk.client_as(Role.OWNER), 1)]
    told: list[str] = []

    def choose(visitor: Any, patient: int) -> None:
        path = f"{REPLIES}/{kept}/patient/{desk.own.patients[patient]}"
        told.append(visitor.post(path, follow_redirects=True).text)

    for visitor, _ in people:
        visitor.token()
    threads = [threading.Thread(target=choose, args=one) for one in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum("It is with the patient now." in one for one in told) == 1
    assert sum("had said whose it is before you" in one for one in told) == 2


def test_somebody_who_does_not_use_the_phone_cannot_have_written_it(desk: Desk) -> None:
    kept = says(desk, share_a_phone(desk), "When can I run again?")
    visitor = desk.client_as(Role.DESK)
    for patient_id in (desk.own.patients[0], desk.other.patients[0]):
        assert visitor.post(f"{REPLIES}/{kept}/patient/{patient_id}").status_code == 404
    assert row(desk, kept).match == "shared"


def test_p9_alerts_of_the_others_are_closed_by_a_person_and_not_by_themselves(desk: Desk) -> None:
    kept = says(desk, share_a_phone(desk), "I have a fever of 102")
    writer, bystander = desk.own.patients[1], desk.own.patients[2]
    assert len(alerts_of(desk, writer)) == len(alerts_of(desk, bystander)) == 1
    visitor = desk.client_as(Role.DESK)
    assert "opened an alert for everybody on this phone" in visitor.get(f"{REPLIES}/{kept}").text
    page = visitor.post(f"{REPLIES}/{kept}/patient/{writer}", follow_redirects=True).text
    assert len(alerts_of(desk, bystander)) == 1
    (theirs,) = alerts_of(desk, bystander)
    assert f"/alerts/{theirs.id}/close" in page
    (mine,) = alerts_of(desk, writer)
    assert visitor.post(f"{REPLIES}/{kept}/alerts/{mine.id}/close").status_code == 404
    visitor.post(f"{REPLIES}/{kept}/alerts/{theirs.id}/close")
    assert alerts_of(desk, bystander) == []
    assert len(alerts_of(desk, writer)) == 1
    (closed,) = desk.sql("SELECT by FROM alert_events WHERE alert_id = :id AND kind = 'closed'", id=theirs.id)
    assert closed.by == f"Desk {desk.own.marker}"
    again = visitor.post(f"{REPLIES}/{kept}/alerts/{theirs.id}/close", follow_redirects=True).text
    assert "Somebody had closed it before you." in again


def test_p9_an_alert_that_stands_for_something_else_too_is_not_offered(desk: Desk) -> None:
    phone = share_a_phone(desk)
    says(desk, phone, "I have a fever of 102")
    kept = says(desk, phone, "still a fever of 103")
    visitor = desk.client_as(Role.DESK)
    page = visitor.post(f"{REPLIES}/{kept}/patient/{desk.own.patients[1]}", follow_redirects=True).text
    assert "Alerts of others" not in page
    (theirs,) = alerts_of(desk, desk.own.patients[2])
    assert visitor.post(f"{REPLIES}/{kept}/alerts/{theirs.id}/close").status_code == 404


def test_p3_a_shared_stop_counts_for_the_number_whoever_wrote_it(desk: Desk) -> None:
    kept = says(desk, share_a_phone(desk), "cancel it please or not, my sister says")
    kept = says(desk, desk.own.phones[1], "Stop texting us, I am not happy about the bill")
    page = desk.client_as(Role.DESK).get(f"{REPLIES}/{kept}").text
    assert "texts stay stopped for everybody on it" in page
    desk.client_as(Role.DESK).post(f"{REPLIES}/{kept}/patient/{desk.own.patients[1]}")
    assert waiting_texts(desk, desk.own.patients[1]) == waiting_texts(desk, desk.own.patients[2]) == 0


def test_none_of_them_takes_it_off_with_a_note(desk: Desk) -> None:
    kept = says(desk, share_a_phone(desk), "Is this the pizza place?")
    visitor = desk.client_as(Role.DESK)
    assert visitor.post(f"{REPLIES}/{kept}/nobody", {"nobody-words": " "}).status_code == 422
    visitor.post(f"{REPLIES}/{kept}/nobody", {"nobody-words": "Their son. Asked."})
    visitor.post(f"{REPLIES}/{kept}/nobody", {"nobody-words": "Their son. Asked."})
    found = row(desk, kept)
    assert (found.match, found.resolved_by, found.seen_by) == ("unmatched", *[f"Desk {desk.own.marker}"] * 2)
    page = visitor.get(f"{REPLIES}/{kept}").text
    assert card(page, f"reply-{kept}").count("Their son. Asked.") == 1
    assert "This patient wrote it" not in page
    late = visitor.post(f"{REPLIES}/{kept}/patient/{desk.own.patients[1]}", follow_redirects=True).text
    assert "before you. Nothing was changed." in late
    for shelf in ("unread", "shared", "unmatched"):
        assert f"reply-{kept}" not in visitor.get(f"{REPLIES}?show={shelf}").text


# Strangers


def stranger(desk: Desk, body: str) -> int:
    give_a_number_of_its_own(desk)
    return says(desk, STRANGER, body, OWN_SENDER)


@pytest.mark.parametrize("written", ["Rosalind-p1", "+1{0}{1}{2}", "({0}) {1}-{2}", "{0}.{1}.{2}"])
def test_a_stranger_is_searched_exactly_and_never_in_an_address(desk: Desk, written: str) -> None:
    phone = desk.own.phones[1]
    wanted = written.format(phone[2:5], phone[5:8], phone[8:])
    kept = stranger(desk, "New phone, when can I run?")
    answer = desk.client_as(Role.DESK).post(f"{REPLIES}/{kept}/search", {"wanted": wanted})
    assert answer.status_code == 200
    assert f"/patient/{desk.own.patients[1]}" in answer.text


@pytest.mark.parametrize("wanted", ["Rosalind", "Rosalind-p", "Xanthippe-p1", "nobody", "202"])
def test_a_search_finds_no_part_of_an_id_and_nobody_elses_patient(desk: Desk, wanted: str) -> None:
    kept = stranger(desk, "New phone, when can I run?")
    answer = desk.client_as(Role.DESK).post(f"{REPLIES}/{kept}/search", {"wanted": wanted})
    assert answer.status_code == 422
    assert "This clinic has no such patient." in answer.text
    other = desk.client_as(Role.DESK).post(f"{REPLIES}/{kept}/search", {"wanted": desk.other.phones[0]})
    assert other.status_code == 422


def test_p9_a_strangers_warning_sign_rings_once_it_is_somebodys(desk: Desk) -> None:
    kept = stranger(desk, "I have a fever of 102")
    visitor, patient = desk.client_as(Role.DESK), desk.own.patients[1]
    assert "red flag: fever" in card(visitor.get("/desk/today").text, f"reply-{kept}")
    assert alerts_of(desk, patient) == []
    visitor.post(f"{REPLIES}/{kept}/patient/{patient}")
    (opened,) = alerts_of(desk, patient)
    shown = card(visitor.get("/desk/today").text, f"alert-{opened.id}")
    assert "I have a fever of 102" in shown
    visitor.post(f"{REPLIES}/{kept}/patient/{patient}")
    assert len(desk.sql("SELECT id FROM alert_events WHERE alert_id = :id AND kind = 'seen_again'", id=opened.id)) == 0


def test_p3_a_strangers_stop_counts_for_the_patient_who_wrote_it(desk: Desk) -> None:
    kept = stranger(desk, "Please stop all of these texts, I told you last week already")
    patient = desk.own.patients[1]
    assert waiting_texts(desk, patient) > 0
    visitor = desk.client_as(Role.DESK)
    assert "what is still to come is withdrawn" in visitor.get(f"{REPLIES}/{kept}").text
    visitor.post(f"{REPLIES}/{kept}/patient/{patient}")
    assert waiting_texts(desk, patient) == 0


def test_a_wrong_number_is_not_the_patients_wish(desk: Desk) -> None:
    kept = stranger(desk, "Wrong number, stop texting me")
    patient = desk.own.patients[1]
    before = waiting_texts(desk, patient)
    desk.client_as(Role.DESK).post(f"{REPLIES}/{kept}/patient/{patient}")
    assert waiting_texts(desk, patient) == before > 0


def test_a_score_is_not_entered_afterwards(desk: Desk) -> None:
    kept = stranger(desk, "4")
    before = desk.sql("SELECT count(*) FROM responses")[0][0]
    visitor = desk.client_as(Role.DESK)
    assert "The score in it is not entered" in visitor.get(f"{REPLIES}/{kept}").text
    visitor.post(f"{REPLIES}/{kept}/patient/{desk.own.patients[1]}")
    assert desk.sql("SELECT count(*) FROM responses")[0][0] == before


def test_a_resolved_reply_is_announced_to_the_clinics_own_system(desk: Desk) -> None:
    kept = says(desk, share_a_phone(desk), "When can I run again?")
    before = len(desk.sql("SELECT id FROM webhook_events WHERE type LIKE 'reply%'"))
    with time.held(NOW + timedelta(minutes=1)):
        desk.client_as(Role.DESK).post(f"{REPLIES}/{kept}/patient/{desk.own.patients[2]}")
    assert len(desk.sql("SELECT id FROM webhook_events WHERE type LIKE 'reply%'")) == before + 1


def test_a_note_on_a_reply_is_kept_with_it(desk: Desk) -> None:
    visitor, reply = desk.client_as(Role.DESK), desk.own.replies[0]
    assert visitor.post(f"{REPLIES}/{reply}/notes").status_code == 422
    for _ in range(2):
        visitor.post(f"{REPLIES}/{reply}/notes", {f"{reply}-words": "Called back."})
    assert card(visitor.get(f"{REPLIES}/{reply}").text, f"reply-{reply}").count("Called back.") == 1
    assert "Called back." not in desk.client_as(Role.DESK, "other").get(REPLIES).text
