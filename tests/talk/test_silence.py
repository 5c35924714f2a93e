"""Silence is a signal: an unanswered survey comes onto the worklist, once, and sooner after a bad score."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from service import time
from service.records import silences
from service.records.database import Moment, reading
from tests.talk.conftest import Talk
from workers import silence


def look(talk: Talk) -> int:
    parts: Any = SimpleNamespace(engine=talk.desk.engine, sending=talk.desk.sending)
    with time.held(talk.now):
        return silence.look(parts).noted


def remind(talk: Talk, step: str) -> None:
    with time.held(talk.now):
        talk.desk.hand_over(step)


def test_unanswered_after_the_reminder_once(talk: Talk) -> None:
    talk.invite()
    assert look(talk) == 0
    talk.later(hours=5)
    remind(talk, "day1.reminder")
    assert look(talk) == 0
    talk.later(hours=25)
    assert [look(talk), look(talk)] == [1, 0]
    assert talk.desk.alerts() == [("p1", "silence S1", "watch")]
    talk.desk.sql("UPDATE alerts SET closed_at = opened_at, closed_by = 'Dr Ann'")
    talk.later(hours=5)
    assert look(talk) == 0


def test_sooner_after_a_bad_score(talk: Talk) -> None:
    talk.later(days=1)
    talk.on_page({"pain": 8}, "S1", finish=True)
    talk.invite("day3", days=2)
    assert look(talk) == 0
    talk.later(hours=5)
    remind(talk, "day3.reminder")
    assert look(talk) == 1
    assert ("p1", "silence S2", "watch") in talk.desk.alerts()


def test_p9_a_silence_that_was_closed_does_not_come_back_with_its_reminder(talk: Talk) -> None:
    """Ten days after the first text the reminder alone is in sight: it is no survey of its own."""
    talk.later(days=1)
    talk.on_page({"pain": 8}, "S1", finish=True)
    talk.invite("day3", days=2)
    talk.desk.sql("UPDATE messages SET due_at = :now WHERE step = 'day3.reminder'", now=_stored(talk))
    assert look(talk) == 1  # from the moment the reminder is due
    talk.later(minutes=1)
    remind(talk, "day3.reminder")
    talk.desk.sql("UPDATE alerts SET closed_at = opened_at, closed_by = 'Dr Ann'")
    talk.later(days=10, minutes=-1)
    assert (found(talk), look(talk)) == ([], 0)


def _stored(talk: Talk) -> Any:
    return Moment().process_bind_param(talk.now, talk.desk.engine.dialect)


def test_an_answer_begun_is_no_silence(talk: Talk) -> None:
    talk.invite()
    talk.says("4")
    talk.later(days=2)
    assert look(talk) == 0


def test_who_stopped_is_not_silent(talk: Talk) -> None:
    talk.desk.sql("UPDATE patients SET email_consent = :no", no=False)
    talk.invite()
    talk.says("STOP")
    talk.later(days=2)
    assert look(talk) == 0


def both_silent(talk: Talk) -> None:
    """Two patients, of whom neither answered; p1 was asked first."""
    talk.complete(patient="p2", session="s2", phone="+12025550177")
    talk.invite()
    for step, patient in (("day1", "p2"), ("day1.reminder", "p1"), ("day1.reminder", "p2")):
        talk.later(minutes=1)
        with time.held(talk.now):
            talk.desk.hand_over(step, patient=patient)
    talk.later(days=2)


def found(talk: Talk) -> list[tuple[str, str]]:
    with reading(talk.desk.engine) as connection:
        return [(one.survey, one.silence.value) for one in silences.find(connection, talk.now)]


def test_a_silence_that_no_rule_minds_is_judged_once_by_all_clocks(talk: Talk) -> None:
    # Each clock that starts would otherwise begin with every silence of ten days, and do nothing else meanwhile.
    talk.invite()
    talk.later(hours=5)
    remind(talk, "day1.reminder")
    assert found(talk) == [("S1", "some")]
    assert look(talk) == 0
    assert found(talk) == []
    talk.later(hours=25)
    assert found(talk) == [("S1", "after_reminder")]
    assert look(talk) == 1
    assert found(talk) == []


def test_what_is_asked_again_later_may_be_silent_again(talk: Talk) -> None:
    talk.invite()
    talk.later(hours=5)
    remind(talk, "day1.reminder")
    talk.later(hours=25)
    assert look(talk) == 1
    talk.desk.sql("UPDATE alerts SET closed_at = opened_at, closed_by = 'Dr Ann'")
    talk.later(days=1)
    talk.desk.sql("UPDATE messages SET handed_at = :again WHERE handed_at IS NOT NULL", again=_stored(talk))
    talk.later(hours=25)
    assert (look(talk), look(talk)) == (1, 0)


def test_a_look_leaves_the_rest_to_the_next(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "AT_ONCE", 1)
    both_silent(talk)
    parts: Any = SimpleNamespace(engine=talk.desk.engine, sending=talk.desk.sending)
    with time.held(talk.now):
        looks = [silence.look(parts) for _ in range(2)]
    assert looks == [silence.Looked(1, more=True), silence.Looked(1, more=False)]


def test_one_that_cannot_be_read_hides_no_other(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "AT_ONCE", 1)
    both_silent(talk)
    talk.desk.sql("UPDATE patients SET phone = :bad WHERE external_id = 'p1'", bad=b"not sealed by us")
    assert look(talk) == 1
    assert talk.desk.alerts() == [("p2", "silence S1", "watch")]
