"""P3: an answer that is committed while the reminder is already in a worker's queue; the provider never hears of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from service import time
from service.care import surveys
from service.records import triaging
from service.records.library import library
from service.records.responses import Change
from tests.house import house
from tests.pages.patients_phone import NOON, S1_FINE, at


def test_a_queued_reminder_of_an_answered_survey_stays_here(database_url: str, redis_url: str, tmp_path: Path) -> None:
    with house(database_url, redis_url, tmp_path) as made:
        with time.held(NOON):
            made.complete(ended_at=NOON)
        with time.held(at(1, 10)):
            made.deliver_due()
        before = len(made.handed_over())
        assert before > 0
        with time.held(at(1, 10) + timedelta(hours=6)):
            queued = made.queue_due()
            assert made.states("s1")["day1.reminder", "sms"][0] == "queued"
            made.run(lambda connection: _answer(connection, made))
            made.deliverer().deliver(queued)
        assert made.states("s1")["day1.reminder", "sms"] == ("skipped", "answered")
        assert len(made.handed_over()) == before


def _answer(connection: Connection, made: Any) -> None:
    vault = made.parts.sending.vault
    where = triaging.setting(connection, vault, made.session_id("s1"))
    survey = library().surveys["S1"]
    given, _ = surveys.validate_all(survey.questions, S1_FINE)
    change = Change(given, finish=True)
    triaging.take(connection, vault, library(), where, survey, change, time.now(), lambda *_: None)
