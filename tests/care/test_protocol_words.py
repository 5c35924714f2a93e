"""Protocols and triage rules in plain language: what a clinician reads before signing."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from service.care import protocol_words
from service.care.protocol import BeforeNextVisit, Elapsed, WallClock, When
from service.care.protocol_file import load
from service.records.library import library
from tests.house import PROTOCOL


@pytest.mark.parametrize(
    ("when", "says"),
    [
        (Elapsed(timedelta(minutes=15)), "15 minutes after the session ended"),
        (Elapsed(timedelta(hours=36)), "36 hours after the session ended"),
        (WallClock(0, time(18, 30)), "The day of the session at 18:30"),
        (WallClock(3, time(9, 30)), "Day 3 at 09:30"),
        (
            BeforeNextVisit(7, 21, time(10, 0)),
            "7 days before the next planned visit at 10:00; where none is planned, day 21",
        ),
    ],
)
def test_when_a_step_goes(when: When, says: str) -> None:
    assert protocol_words.when(when) == says


def test_every_step_of_the_shipped_protocol_in_words() -> None:
    titles = {one.id: one.title["en"] for one in library().surveys.values()}
    said = {one.id: one for one in protocol_words.steps(load(PROTOCOL, "shipped"), titles)}
    assert said["day1"].how == "By text; by e-mail if the text cannot be delivered"
    assert said["day1"].asks == "Asks S1, “One day on”"
    assert said["day1"].more == (
        "Reminds by text 5 hours later, while it is unanswered",
        "Left out if something holds it up for more than 1 day",
    )
    assert said["welcome"].asks.endswith("only where first measurements of the visit are missing")
    assert said["comfort"].asks == "The link opens the care plan"
    assert said["evening"].more[0] == "Left out where the session ended after 18:00"


def test_every_shipped_rule_in_words() -> None:
    questions = library().common.questions
    said = {one.id: protocol_words.rule(one, questions) for one in library().rules_for(None)}
    assert said["breathing"] == "“It is hard to breathe” is ticked, or written in the patient's own words"
    assert said["self_harm"] == "The patient writes of self harm"
    assert said["unspecified_sign"] == "The patient says yes to the list of signs without saying to which"
    assert said["pain_8_from_day_3"] == "Pain is 8 or more; from day 3 on"
    assert said["numbness_same_day"].endswith("; on the day of the session")
    assert said["silent_after_reminder"] == "A survey stays unanswered after its reminder; only in S1 or S2 or S3"
    assert "None" not in " ".join(said.values())
    assert all(said.values())
