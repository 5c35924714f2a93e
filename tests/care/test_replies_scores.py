"""Pain scores in words: the scale is no score, and what is said of pain is told apart from a bare number (P9)."""

from __future__ import annotations

import pytest

from service.care.redflags import RedFlag
from service.care.replies import read

SAID = {
    "pain 9": 9,
    "9/10 pain": 9,
    "10/10 pain": 10,
    "pain at 9 today": 9,
    "pain level 9": 9,
    "pain is a 10 out of 10": 10,
    "My pain is 9 out of 10": 9,
    "its a 10 out of 10 please call me": 10,
    "pain is 9 today, a bit better than yesterday's 10": 9,
    "dolor de 9": 9,
    "dolor 10": 10,
    "dolor 10 de 10": 10,
    "STOP my pain is 10": 10,
    "pain 2 / 10": 2,
    "On a scale of 1 to 10 pain is 2": 2,
    "pain 1-10, 2": 2,
    "pain scale 1-10: 2": 2,
    "my pain is 3 - 10 scale": 3,
    "del 1 al 10 un 3 de dolor": 3,
    "de 1 a 10 el dolor es 3": 3,
    "pain 6 or 9": 6,
}
NOT_SAID = [
    "9",
    "10/10 service",
    "pain not a 10",
    "no es un 10 el dolor",
    "pain is nowhere near 10",
    "no more 10 pain",
    "my pain isnt a 9 anymore",
    "no pain 10/10",
    "pain was a 10 before the shot",
    "pain used to be 10",
    "what if my pain is 9",
    "my kid has pain 9",
]
NUMBERS = {
    "3 / 10": 3,
    "3/10": 3,
    "on a scale from 0 to 10 I'd say 3": 3,
    "del 1 al 10 le pongo un 3": 3,
    "not a 7 more like 4": 4,
    "not a 9 its a 10": 10,
    "scale of 1 to 10": None,
    "no es un 9": None,
    "9": 9,
}


@pytest.mark.parametrize(("body", "score"), SAID.items())
def test_p9_a_score_said_to_be_pains_is_a_score_and_no_sign(body: str, score: int) -> None:
    """Triage judges it by the day, as it does a tapped one."""
    reading = read(body)
    assert reading.said_pain == score
    assert reading.red_flags == ()


@pytest.mark.parametrize("body", NOT_SAID)
def test_a_score_denied_past_or_of_something_else_is_not_said_to_be_pains(body: str) -> None:
    assert read(body).said_pain is None


@pytest.mark.parametrize(("body", "number"), NUMBERS.items())
def test_the_scale_and_a_denied_number_are_no_scores(body: str, number: int | None) -> None:
    assert read(body).number == number


@pytest.mark.parametrize(
    "body",
    [
        "the pain is unbearable",
        "worst pain of my life, 9 out of 10",
        "pain keeps getting worse, 6 now",
        "my pain went from 3 to 8",
        "pain went from 1 to 10",
        "on a scale of 1 to 10 its an 11",
        "me duele muchisimo, un 9",
    ],
)
def test_p9_words_for_severe_or_growing_pain_stay_a_sign(body: str) -> None:
    assert RedFlag.SEVERE_PAIN in read(body).red_flags
