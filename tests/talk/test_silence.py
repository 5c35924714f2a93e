"""Silence is a signal: an unanswered survey comes onto the worklist, once, and sooner after a bad score."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from service import time
from tests.talk.conftest import Talk
from workers import silence


def look(talk: Talk) -> int:
    parts: Any = SimpleNamespace(engine=talk.desk.engine, sending=talk.desk.sending)
    with time.held(talk.now):
        return silence.look(parts)


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
