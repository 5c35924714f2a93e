"""P9: a patient's own words reach people, in the transaction that reads them, and once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from service import time
from service.care.lifecycle import Channel, State
from service.care.redflags import RedFlag
from service.care.urgency import Urgency
from service.records import alert_history, alerts, library, replies, triaging
from service.records.sending_tables import messages as message_rows
from service.records.tables import sessions as session_rows
from service.records.triaging import Said
from tests.inbound.desk import PHONE
from tests.talk.conftest import NOW, Talk
from workers import alerting, listen

NURSE = "+12025550177"


@pytest.mark.parametrize(
    ("days", "words", "expected"),
    [
        (2, "I can't breathe", [("p1", "breathing", "emergency")]),
        (2, "I have a fever of 39 C and my skin is hot and red", None),
        (2, "pain is 8", []),
        (5, "pain is 8", [("p1", "pain", "urgent")]),
        (5, "pain is 7", [("p1", "pain", "next_business_day")]),
        # One score means one thing, tapped, bare or in a sentence; words mean theirs on any day.
        (1, "My pain is 9 out of 10", []),
        (5, "My pain is 9 out of 10", [("p1", "pain", "urgent")]),
        (1, "the pain is unbearable", [("p1", "pain", "urgent")]),
        (1, "the pain keeps getting worse", [("p1", "pain", "urgent")]),
        (5, "pain 3 / 10", []),
        (5, "on a scale of 1 to 10 pain is 2", []),
        (5, "pain is 3, the worst was 10", []),
        (5, "pain not a 10", []),
        (5, "no fever at all", []),
        (2, "please call me", []),
        (0, "my hand is numb", [("p1", "numbness", "next_business_day")]),
        (2, "my hand is numb", [("p1", "numbness", "urgent")]),
    ],
)
def test_words_go_by_the_rules(talk: Talk, days: int, words: str, expected: list[tuple[str, str, str]] | None) -> None:
    talk.later(days=days)
    talk.says(words)
    found = talk.desk.alerts()
    if expected is None:
        assert {cause for _, cause, _ in found} == {"fever", "spreading_redness_or_heat"}
    else:
        assert found == expected


def test_the_patient_is_told_to_call_once_and_the_clock_is_woken(talk: Talk) -> None:
    talk.later(days=5)
    assert talk.says("I have chest pain and a fever") == ["red_flag"]
    assert talk.desk.nudged.woken > 0
    assert talk.says("the chest pain is still there") == []
    assert len(talk.desk.alerts()) == 2  # a storm of replies is one alert a cause, with a history
    assert talk.says("pain is 8") == []


def test_a_number_alone_may_be_urgent(talk: Talk) -> None:
    talk.later(days=5)
    assert talk.says("8") == ["red_flag"]


@pytest.mark.parametrize("flag", RedFlag)
def test_every_sign_is_heard_whatever_the_rules_say(talk: Talk, flag: RedFlag) -> None:
    """Two days on; also with rules that were written before we read these words, and without a session."""
    vault = talk.desk.sending.vault
    shipped = library.library()
    deaf = library.Library(shipped.common, shipped.surveys, {"prolotherapy": ()})
    later = NOW + timedelta(days=2)
    for known, session_id in ((shipped, talk.session()), (deaf, talk.session()), (shipped, None)):
        found = talk.desk.run(
            lambda c, k=known, s=session_id: triaging.heard_words(c, vault, k, s, Said(frozenset({flag.value})), later)
        )
        assert found
        assert found[0].urgency.rank >= Urgency(flag.urgency.value).rank


def test_without_any_session(talk: Talk) -> None:
    gone = update(session_rows).values(cancelled_at=NOW)
    talk.desk.run(lambda c: c.execute(gone))
    talk.says("I can't breathe")
    assert talk.desk.alerts() == [("p1", "breathing", "emergency")]
    assert talk.open_alerts()[0].session_id is None
    talk.says("pain is 9")  # no day says that this is a flare
    assert sorted(talk.desk.alerts()) == [("p1", "breathing", "emergency"), ("p1", "pain", "urgent")]


def test_a_shared_phone_alerts_for_everybody_on_it(talk: Talk) -> None:
    talk.complete(session="s2", patient="p2")
    talk.says("I can't breathe")
    assert sorted(talk.desk.alerts()) == [("p1", "breathing", "emergency"), ("p2", "breathing", "emergency")]
    assert {one.session_id for one in talk.open_alerts()} == {talk.session("s1"), talk.session("s2")}
    talk.later(days=5)
    talk.says("pain is 8")  # whose pain is not guessed
    assert len(talk.desk.alerts()) == 2
    talk.says("pain is 10")
    assert len(talk.desk.alerts()) == 4


def test_a_stop_does_not_silence_the_alert_that_came_with_it(talk: Talk) -> None:
    """P3 and P9."""
    talk.later(days=1)
    assert talk.says("STOP texting me surveys, my skin is hot and red") == ["stop_confirm"]
    assert [cause for _, cause, _ in talk.desk.alerts()] == ["spreading_redness_or_heat"]


def test_an_email_alerts_too(talk: Talk) -> None:
    talk.later(days=1)
    with time.held(talk.now):
        tried = talk.desk.hand_over("comfort", Channel.EMAIL)
    with time.held(talk.now):
        talk.desk.mail_in(f"r+{tried.link_token}@in.care.example", "I have chest pain")
        talk.desk.listen()
    assert [row.match for row in talk.desk.replies()] == ["matched"]
    assert talk.desk.alerts() == [("p1", "chest_pain", "emergency")]


def test_details_hold_the_words_sealed(talk: Talk) -> None:
    talk.later(days=1)
    talk.says("I can't breathe at all")
    (alert,) = talk.open_alerts()
    events = talk.desk.run(lambda c: alert_history.history(c, talk.desk.sending.vault, [alert.id]))[alert.id]
    assert "breathe at all" in (events[0].details or "")
    stored = talk.desk.sql("SELECT details FROM alert_events")
    assert not any(b"breathe" in bytes(row.details) for row in stored if row.details)


def test_a_crash_between_storing_and_reading_raises_one_alert(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    """P9, P6: the transaction fails as a whole; the clock finds the reply and the next reader raises it once."""
    desk = talk.desk
    with time.held(talk.now), monkeypatch.context() as patch:

        def dies(*_: object, **__: object) -> None:
            raise RuntimeError

        patch.setattr(listen.answers, "give", dies)  # after the alert, before the commit
        desk.says("I can't breathe")
    assert desk.alerts() == []
    assert desk.replies()[0].handled_at is None
    with time.held(talk.now + timedelta(seconds=10)):
        (lost,) = desk.run(lambda c: replies.unhandled(c, time.now(), 10))
        for _ in range(3):  # and the nudge is doubled
            listen.handle(desk.engine, desk.sending, desk.nudged, [lost, lost])  # type: ignore[arg-type]
    assert desk.alerts() == [("p1", "breathing", "emergency")]
    assert len(talk.open_alerts()) == 1


# ACK


def ring(talk: Talk, alert_id: int) -> None:
    """The round in which the contact is told: its notices are planned, and not handed over yet."""
    with time.held(talk.now):
        told = talk.desk.run(lambda c: alerting.next_round(c, talk.desk.sending, alert_id, talk.now))
    assert told > 0


def hand_over_notices(talk: Talk) -> None:
    notices = (
        update(message_rows)
        .where(message_rows.c.step.like("alert_notice.%"), message_rows.c.state == State.PLANNED)
        .values(state=State.ACCEPTED, handed_at=talk.now)
    )
    talk.desk.run(lambda c: c.execute(notices))


def test_ack_by_text_takes_the_alert_on(talk: Talk) -> None:
    talk.contact(NURSE)
    talk.says("I can't breathe")
    (alert,) = talk.open_alerts()
    assert talk.says("ACK", NURSE) == []
    assert talk.open_alerts()[0].acknowledged_at is None  # nobody told this contact yet
    ring(talk, alert.id)
    hand_over_notices(talk)
    assert talk.says("What about Ana?", NURSE) == []
    assert talk.open_alerts()[0].acknowledged_at is None
    assert talk.says("ack", NURSE) == []
    taken = talk.open_alerts()[0]
    assert (taken.acknowledged_by, taken.acknowledged_how) == ("Dr Ann", "sms")
    assert [row.match for row in talk.desk.replies()[1:]] == ["clinician"] * 3


def test_ack_takes_on_only_what_its_writer_had_been_texted(talk: Talk) -> None:
    """P9: another patient's emergency whose notice waits, or goes out before the ACK is read, rings on."""
    talk.contact(NURSE)
    talk.says("I can't breathe")
    (first,) = talk.open_alerts()
    ring(talk, first.id)
    hand_over_notices(talk)
    talk.later(minutes=2)
    with time.held(talk.now):
        patient = talk.desk.sql("SELECT id FROM patients")[0].id
        desk = talk.desk
        opened = (desk.sending, desk.clinic, patient, None, Urgency.EMERGENCY, "chest_pain", "reply 7", "it hurts")
        second = desk.run(lambda c: alerts.open_alert(c, *opened, talk.now))
        ring(talk, second)
        assert desk.text_in("ACK", NURSE).status_code == 200
    talk.later(seconds=30)
    hand_over_notices(talk)
    with time.held(talk.now):
        desk.listen()  # late: the listener was away
    assert {one.id: one.acknowledged_by for one in talk.open_alerts()} == {first.id: "Dr Ann", second: None}
    talk.says("ACK", NURSE)
    assert {one.acknowledged_by for one in talk.open_alerts()} == {"Dr Ann"}


def test_ack_from_anybody_else_takes_nothing_on(talk: Talk) -> None:
    talk.contact(NURSE)
    talk.says("I can't breathe")
    ring(talk, talk.open_alerts()[0].id)
    hand_over_notices(talk)
    talk.says("ack")
    talk.says("ack", "+12025550111")
    assert talk.open_alerts()[0].acknowledged_at is None


def test_a_contact_who_is_a_patient_as_well(talk: Talk) -> None:
    talk.contact(PHONE)
    talk.says("ack")  # nothing rings: a patient's word
    talk.later(hours=5)
    talk.says("I can't breathe")
    (alert,) = talk.open_alerts()
    ring(talk, alert.id)
    hand_over_notices(talk)
    talk.says("ack")
    assert [row.match for row in talk.desk.replies()] == ["matched", "matched", "clinician"]
    assert talk.open_alerts()[0].acknowledged_by == "Dr Ann"
