"""Today: whom to call, what to read, what did not arrive; and that nothing on it happens twice or is lost."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest

from service import time
from service.care.lifecycle import Channel, Reason
from service.care.roles import Role
from service.care.urgency import Urgency
from service.records import alerts, clinics, patients, suppressions
from service.records.database import run
from service.records.plans import reachable
from tests.desk.desk import Desk, Visitor
from tests.desk.incoming import says
from tests.desk.practice import NOW, Practice
from workers import alerting

TODAY = "/desk/today"


def ring(
    desk: Desk, patient: int, urgency: Urgency, cause: str, details: str = "Said so.", source: str = "survey S2"
) -> int:
    clinic_id = desk.own.clinic_id

    def work(connection):  # type: ignore[no-untyped-def]
        return alerts.open_alert(
            connection, desk.here.sending, clinics.get(connection, clinic_id), desk.own.patients[patient], None,
            urgency, cause, source, details, time.now(), tell_patient=False,
        )  # fmt: skip

    return int(run(desk.engine, work))


def card(page: str, name: str) -> str:
    """One card of a page, as text without tags."""
    found = re.search(rf'id="{name}">(.*?)</article>', page, re.S)
    assert found is not None, f"{name} is not on the page"
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())


def shown(visitor: Visitor, alert: int) -> dict[str, str]:
    """What the forms of the alert's page send along: where they lead back to, and what was read beside them."""
    found = re.search(r'name="seen" value="(\d+)"', visitor.get(f"/desk/alerts/{alert}").text)
    assert found is not None
    return {"back": TODAY, "seen": found[1]}


def with_words(visitor: Visitor, path: str, row: int, words: str):  # type: ignore[no-untyped-def]
    return visitor.post(path, {**shown(visitor, row), f"{row}-words": words}, follow_redirects=True)


def test_signing_in_leads_here(light_desk: Desk) -> None:
    assert light_desk.visitor().sign_in(light_desk.own.emails[Role.DESK]).location == TODAY


def test_a_card_has_what_one_needs_to_call(desk: Desk) -> None:
    """Who, why, since when, in which words, who was told and when the next is, and the number."""
    own = desk.own
    run(desk.engine, lambda connection: alerting.next_round(connection, desk.here.sending, own.alert, NOW))
    shown = card(desk.client_as(Role.DESK).get(TODAY).text, f"alert-{own.alert}")
    for words in (
        f"{own.marker}0", f"{own.marker}-p0", "Urgent", "Fever", f"Fever or chills, said {own.marker}", "in survey S2",
        "20 min , and nobody has it yet", f"Told so far: Nurse {own.marker} (once, 0 min ago).",
        "Next notice: 12:20", f"Call {own.phones[0]}",
    ):  # fmt: skip
        assert words in shown, words
    assert f'href="tel:{own.phones[0]}"' in desk.client_as(Role.DESK).get(TODAY).text


def test_the_most_urgent_comes_first_and_of_those_the_one_nobody_has(desk: Desk) -> None:
    own = desk.own
    names = {
        "watch": ring(desk, 0, Urgency.WATCH, "silence S2"),
        "next": ring(desk, 1, Urgency.NEXT_BUSINESS_DAY, "numbness"),
        "urgent": ring(desk, 1, Urgency.URGENT, "pus"),
        "emergency": ring(desk, 2, Urgency.EMERGENCY, "chest_pain"),
    }
    visitor = desk.client_as(Role.DESK)
    visitor.post(f"/desk/alerts/{own.alert}/acknowledge", shown(visitor, own.alert))
    found = re.findall(r'id="alert-(\d+)"', visitor.get(TODAY).text)
    order = [names["emergency"], names["urgent"], own.alert, names["next"], names["watch"]]
    # Its answers opened alerts of their own when the clinic was furnished.
    assert [int(one) for one in found if int(one) in order] == order


def test_p9_however_many_are_taken_on_none_that_waits_is_pushed_off(light_desk: Desk) -> None:
    light_desk.sql(
        "INSERT INTO alerts (id, clinic_id, patient_id, cause, urgency, opened_at, since, rounds, acknowledged_at,"
        " acknowledged_by) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
        " SELECT i, clinic_id, patient_id, 'cause ' || i, urgency, opened_at - 1000000, since - 1000000, 0,"
        " opened_at, 'Nurse' FROM alerts, n WHERE alerts.id = :id",
        id=light_desk.own.alert,
    )
    page = light_desk.client_as(Role.DESK).get(TODAY).text
    assert "and nobody has it yet" in card(page, f"alert-{light_desk.own.alert}")
    assert page.count("<article") < 120


def test_p9_the_first_name_stays_and_the_second_is_told(desk: Desk) -> None:
    first, second = desk.client_as(Role.DESK), desk.client_as(Role.CLINICIAN)
    path = f"/desk/alerts/{desk.own.alert}/acknowledge"
    page = shown(second, desk.own.alert)
    assert "It is yours" in first.post(path, page, follow_redirects=True).text
    again = second.post(path, page, follow_redirects=True).text
    assert f"Desk {desk.own.marker} has it since 12:00." in again
    assert f"Desk {desk.own.marker} has it" in card(again, f"alert-{desk.own.alert}")
    events = desk.sql("SELECT by FROM alert_events WHERE alert_id = :id AND kind = 'acknowledged'", id=desk.own.alert)
    assert [row.by for row in events] == [f"Desk {desk.own.marker}"]


def test_p9_words_beside_the_button_are_kept_by_the_first_and_by_the_second(desk: Desk) -> None:
    first, second = desk.client_as(Role.DESK), desk.client_as(Role.CLINICIAN)
    path, words = f"/desk/alerts/{desk.own.alert}/acknowledge", f"{desk.own.alert}-words"
    page = shown(second, desk.own.alert)
    assert first.post(path, {**page, words: "x" * 4001}).status_code == 422
    for visitor, said in ((first, "I call her now."), (second, "She is in the waiting room.")):
        answer = visitor.post(path, {**page, words: said}, follow_redirects=True).text
        assert "Your words are kept as a note." in answer
        assert said in visitor.get(f"/desk/alerts/{desk.own.alert}").text
    events = desk.sql("SELECT by FROM alert_events WHERE alert_id = :id AND kind = 'acknowledged'", id=desk.own.alert)
    assert [row.by for row in events] == [f"Desk {desk.own.marker}"]


def test_two_at_once_take_it_on_once(desk: Desk) -> None:
    visitors = [desk.client_as(role) for role in (Role.DESK, Role.CLINICIAN, Role.OWNER)]
    for visitor in visitors:
        visitor.token()
    path, page = f"/desk/alerts/{desk.own.alert}/acknowledge", shown(visitors[0], desk.own.alert)
    threads = [threading.Thread(target=visitor.post, args=(path, page)) for visitor in visitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = desk.sql("SELECT id FROM alert_events WHERE alert_id = :id AND kind = 'acknowledged'", id=desk.own.alert)
    assert len(events) == 1


def test_p9_only_words_and_a_name_take_it_off_and_the_cause_brings_it_back(desk: Desk) -> None:
    own, visitor = desk.own, desk.client_as(Role.DESK)
    path = f"/desk/alerts/{own.alert}/close"
    assert visitor.post(path, {f"{own.alert}-words": "  "}).status_code == 422
    assert f'id="alert-{own.alert}"' in visitor.get(TODAY).text
    page = with_words(visitor, path, own.alert, "Called: no fever any more.").text
    assert f'id="alert-{own.alert}"' not in page
    assert "Somebody had closed it before you" in with_words(visitor, path, own.alert, "Called again.").text
    (closed,) = desk.sql("SELECT by FROM alert_events WHERE alert_id = :id AND kind = 'closed'", id=own.alert)
    assert closed.by == f"Desk {own.marker}"
    again = ring(desk, 0, Urgency.URGENT, "fever")
    assert again != own.alert
    assert f'id="alert-{again}"' in visitor.get(TODAY).text


def test_a_note_that_is_sent_twice_is_one(desk: Desk) -> None:
    own, visitor = desk.own, desk.client_as(Role.DESK)
    path = f"/desk/alerts/{own.alert}/notes"
    with_words(visitor, path, own.alert, "No answer, left a message.")
    page = with_words(visitor, path, own.alert, "No answer, left a message.").text
    assert card(page, f"alert-{own.alert}").count("left a message") == 1
    (kept,) = desk.sql("SELECT body, by FROM notes WHERE alert_id = :id", id=own.alert)
    assert b"message" not in bytes(kept.body)
    assert kept.by == f"Desk {own.marker}"


def test_a_note_that_is_missing_shows_the_form_again(desk: Desk) -> None:
    answer = desk.client_as(Role.DESK).post(f"/desk/alerts/{desk.own.alert}/notes")
    assert answer.status_code == 422
    assert "Fill this in." in answer.text


def test_a_reader_sees_and_has_no_buttons(desk: Desk) -> None:
    page = desk.client_as(Role.READER).get(TODAY).text
    assert "Fever or chills" in page
    assert "I take it on" not in page
    assert "Reply by text" not in page


def test_replies_to_read_say_what_was_understood(desk: Desk) -> None:
    own = desk.own
    hot = says(desk, own.phones[1], "I have a fever of 102, is that bad?")
    page = desk.client_as(Role.DESK).get(TODAY).text
    shown = card(page, f"reply-{hot}")
    assert "red flag: fever" in shown
    assert "Answered automatically: asked to call (planned)." in shown
    plain = card(page, f"reply-{own.replies[0]}")
    assert "Read as: red flag: spreading redness or heat" in plain


@pytest.mark.parametrize(
    ("body", "more", "why"),
    [
        ("STOP", {}, "A plain request to stop; it was done at once."),
        ("Thanks so much!", {}, "Thanks, or a greeting."),
        ("I am out of the office", {"automatic": True}, "A machine wrote it."),
    ],
)
def test_what_nobody_needs_to_read_is_left_out_and_says_why(
    desk: Desk, body: str, more: dict[str, bool], why: str
) -> None:
    kept = says(desk, desk.own.phones[2], body, **more)
    visitor = desk.client_as(Role.DESK)
    assert f'id="reply-{kept}"' not in visitor.get(TODAY).text
    assert why in card(visitor.get("/desk/replies?show=all").text, f"reply-{kept}")


def test_a_reply_is_done_with_once(desk: Desk) -> None:
    first, second = desk.client_as(Role.DESK), desk.client_as(Role.CLINICIAN)
    path = f"/desk/replies/{desk.own.replies[0]}/seen"
    assert "Done." in first.post(path, {"back": TODAY}, follow_redirects=True).text
    again = second.post(path, {"back": TODAY}, follow_redirects=True).text
    assert f"Desk {desk.own.marker} was done with it before you." in again
    assert f'id="reply-{desk.own.replies[0]}"' not in again


def fail(desk: Desk, patient: int, channel: str, state: str, reason: str) -> None:
    """One message of the plan did not arrive."""
    desk.sql(
        "UPDATE messages SET state = :state, reason = :reason, due_at = (SELECT since FROM alerts WHERE id = :alert)"
        " WHERE id = (SELECT min(id) FROM messages WHERE patient_id = :patient AND channel = :channel"
        " AND state = 'planned')",
        state=state, reason=reason, patient=desk.own.patients[patient], channel=channel, alert=desk.own.alert,
    )  # fmt: skip


def test_what_did_not_arrive_is_grouped_and_says_why(desk: Desk) -> None:
    fail(desk, 1, "sms", "failed", "bad_address")
    fail(desk, 2, "sms", "undelivered", "unreachable")
    fail(desk, 2, "sms", "undelivered", "unreachable")
    visitor = desk.client_as(Role.DESK)
    page = visitor.get(TODAY).text
    assert "The address is known not to work." in page
    assert "Correct the number" in page
    assert "2 texts, last" in page
    answer = visitor.post(f"{TODAY}/unreached/{desk.own.patients[2]}", {"upto": NOW.isoformat()}, follow_redirects=True)
    assert "2 texts, last" not in answer.text
    assert "Correct the number" in answer.text


def test_a_failure_that_came_after_the_page_was_read_stays(desk: Desk) -> None:
    fail(desk, 2, "sms", "undelivered", "unreachable")
    before = (NOW - timedelta(hours=1)).isoformat()
    answer = desk.client_as(Role.DESK).post(
        f"{TODAY}/unreached/{desk.own.patients[2]}", {"upto": before}, follow_redirects=True
    )
    assert "1 text, last" in answer.text


@pytest.mark.parametrize(
    "upto", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1999-12-31T00:00:00+00:00", "2026-03-10", "x"]
)
def test_p10_no_moment_that_is_posted_shuts_anybody_out(desk: Desk, upto: str) -> None:
    """Nor keeps the patient's alerts from opening (P9)."""
    fail(desk, 2, "sms", "undelivered", "unreachable")
    visitor = desk.client_as(Role.DESK)
    answer = visitor.post(f"{TODAY}/unreached/{desk.own.patients[2]}", {"upto": upto}, follow_redirects=True)
    assert answer.status_code == 200
    assert "1 text, last" not in answer.text
    assert visitor.get(f"/desk/patients/{desk.own.patients[2]}").status_code == 200
    assert ring(desk, 2, Urgency.EMERGENCY, "breathing")


def test_p3_a_doubt_is_decided_once_and_lifted_only_by_a_person(desk: Desk) -> None:
    own, patient = desk.own, desk.own.patients[1]
    kept = says(desk, own.phones[1], "cancel it")
    first, second = desk.client_as(Role.DESK), desk.client_as(Role.CLINICIAN)
    page = first.get(TODAY).text
    assert "May have asked to stop" in page
    assert "cancel it" in page
    assert can_be_texted(desk, patient) is not None
    row = desk.sql("SELECT id FROM suppressions ORDER BY id DESC")[0]
    with time.held(NOW + timedelta(minutes=1)):
        first.post(f"{TODAY}/doubts/{row.id}/lift")
    assert can_be_texted(desk, patient) is None
    assert (
        f"Desk {own.marker} of the clinic" in desk.sql("SELECT wording FROM consents ORDER BY recorded_at DESC")[0][0]
    )
    assert waiting_texts(desk, patient) > 0
    assert f"reply-{kept}" not in first.get(TODAY).text  # whoever decided has read it
    again = second.post(f"{TODAY}/doubts/{row.id}/keep", follow_redirects=True).text
    assert "Somebody had decided that before you" in again
    assert can_be_texted(desk, patient) is None


def test_p3_what_is_kept_stopped_stays_stopped(desk: Desk) -> None:
    says(desk, desk.own.phones[1], "cancel it")
    row = desk.sql("SELECT id FROM suppressions ORDER BY id DESC")[0]
    visitor = desk.client_as(Role.DESK)
    assert "It stays stopped." in visitor.post(f"{TODAY}/doubts/{row.id}/keep", follow_redirects=True).text
    assert "Somebody had decided" in visitor.post(f"{TODAY}/doubts/{row.id}/lift", follow_redirects=True).text
    assert can_be_texted(desk, desk.own.patients[1]) is not None
    assert waiting_texts(desk, desk.own.patients[1]) == 0


def test_p3_a_plain_stop_after_a_doubt_leaves_nothing_to_lift(desk: Desk) -> None:
    """The page may still be open on which the doubt is offered to be lifted."""
    says(desk, desk.own.phones[1], "cancel it")
    row = desk.sql("SELECT id FROM suppressions ORDER BY id DESC")[0]
    says(desk, desk.own.phones[1], "STOP")
    visitor = desk.client_as(Role.DESK)
    assert "May have asked to stop" not in visitor.get(TODAY).text
    assert "Somebody had decided" in visitor.post(f"{TODAY}/doubts/{row.id}/lift", follow_redirects=True).text
    assert can_be_texted(desk, desk.own.patients[1]) is not None


def test_a_consent_that_was_never_given_is_not_made_up(desk: Desk) -> None:
    own, patient = desk.own, desk.own.patients[1]
    desk.sql("DELETE FROM consents WHERE patient_id = :id AND channel = 'sms'", id=patient)
    desk.sql("UPDATE patients SET sms_consent = :no WHERE id = :id", id=patient, no=False)
    vault = desk.here.sending.vault
    of = (own.clinic_id, Channel.SMS, vault.index(own.phones[1]), Reason.OPTED_OUT)
    run(desk.engine, lambda connection: suppressions.suppress(connection, *of, "reply", NOW, certain=False))
    row = desk.sql("SELECT id FROM suppressions ORDER BY id DESC")[0]
    assert "Lifted" in desk.client_as(Role.DESK).post(f"{TODAY}/doubts/{row.id}/lift", follow_redirects=True).text
    assert can_be_texted(desk, patient) is Reason.NO_CONSENT


def can_be_texted(desk: Desk, patient_id: int) -> Reason | None:
    vault = desk.here.sending.vault
    return run(
        desk.engine,
        lambda connection: reachable(connection, vault, patients.get(connection, vault, patient_id))[Channel.SMS],
    )


def waiting_texts(desk: Desk, patient_id: int) -> int:
    found = desk.sql(
        "SELECT count(*) FROM messages"
        " WHERE patient_id = :id AND channel = 'sms' AND state = 'planned' AND priority = 1",
        id=patient_id,
    )
    return int(found[0][0])


def clear(desk: Desk, practice: Practice) -> None:
    for alert in desk.sql("SELECT id FROM alerts WHERE clinic_id = :id", id=practice.clinic_id):
        run(
            desk.engine,
            lambda c, one=alert.id: alerts.close(  # type: ignore[misc]
                c, desk.here.sending.vault, practice.clinic_id, one, "Called.", "Nurse", NOW
            ),
        )
    desk.sql("UPDATE replies SET seen_at = received_at, seen_by = 'Nurse'")


def test_empty_is_calm_and_says_what_comes(desk: Desk) -> None:
    clear(desk, desk.own)
    page = " ".join(re.sub(r"<[^>]+>", " ", desk.client_as(Role.DESK).get(TODAY).text).split())
    assert "Nothing waits for you" in page
    assert "No alert waits for somebody to take it on." in page
    assert re.search(r"\d+ more messages? goe?s? ?out today, the next 1\d:\d\d", page)
    assert "You are open." in page
    assert "You open next Wed 11 Mar, 09:00" in page


def test_it_is_fetched_again_only_when_it_is_news(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)
    for path in (f"{TODAY}/waiting", f"{TODAY}/list"):
        version = visitor.get(path).headers["ETag"]
        assert visitor.get(path, headers={"If-None-Match": version}).status_code == 204
        ring(desk, 2, Urgency.EMERGENCY, f"chest_pain_{path[-4:]}")
        news = visitor.get(path, headers={"If-None-Match": version})
        assert news.status_code == 200
    assert 'data-say="Nobody has taken on: 2 emergencies' in visitor.get(f"{TODAY}/waiting").text


def test_p8_looking_is_in_the_audit_and_looking_on_is_not_again(desk: Desk) -> None:
    visitor = desk.client_as(Role.DESK)

    def lines() -> list[str]:
        found = desk.sql(
            "SELECT subject FROM audit WHERE action = 'today.read' AND actor LIKE :who", who=f"%Desk {desk.own.marker}"
        )
        return [row.subject for row in found]

    visitor.get(TODAY)
    seen = lines()
    assert f"patient {desk.own.patients[0]}" in seen
    assert len(seen) == len(set(seen))
    version = visitor.get(f"{TODAY}/list").headers["ETag"]
    before = len(lines())
    with time.held(NOW + timedelta(minutes=5)):  # the clocks on it have moved on, and nothing else
        assert visitor.get(f"{TODAY}/list", headers={"If-None-Match": version}).status_code == 200
    assert len(lines()) == before
    ring(desk, 2, Urgency.URGENT, "pus")
    visitor.get(f"{TODAY}/list", headers={"If-None-Match": version})
    assert f"patient {desk.own.patients[2]}" in lines()


def test_more_than_fits_is_paged(light_desk: Desk) -> None:
    light_desk.sql(
        "INSERT INTO alerts (id, clinic_id, patient_id, cause, urgency, opened_at, since, rounds)"
        " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 70)"
        " SELECT i + 2000000000000000000, clinic_id, patient_id, 'silence ' || i, 'watch', opened_at, since, 0"
        " FROM alerts, n WHERE alerts.id = :id",
        id=light_desk.own.alert,
    )  # ids of 19 digits, as they are from 2031 on
    visitor = light_desk.client_as(Role.DESK)
    assert visitor.get(TODAY).text.count("<article") < 50
    seen: list[str] = []
    path: str | None = "/desk/alerts?urgency=watch"
    while path:
        page = visitor.get(path).text
        seen += re.findall(r'id="alert-(\d+)"', page)
        assert len(seen) == len(set(seen))
        following = re.search(r'href="([^"]+)" rel="prev"', page)
        path = following[1].replace("&amp;", "&") if following else None
    assert len(seen) >= 70
