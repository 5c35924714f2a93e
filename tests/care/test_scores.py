"""Scores and what their changes mean, at and beside every published threshold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.care.scores import (
    Meaning,
    Scores,
    Size,
    Thresholds,
    changes,
    nrs_change,
    peg_change,
    pgic_improved,
    pgic_worse,
    psfs_change,
    scores,
)
from tests.care.surveys_shipped import answered, question

LIMITS = Thresholds()
BETTER, SAME, WORSE = Meaning.BETTER, Meaning.SAME, Meaning.WORSE


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({}, Scores()),
        ({"pain": 4}, Scores(nrs=4)),
        ({"peg_pain": 5, "peg_enjoyment": 6, "peg_activity": 8}, Scores(peg=6.33, peg_pain=5)),
        ({"peg_pain": 5, "peg_activity": 8}, Scores(peg_pain=5)),
        ({"peg_pain": 0, "peg_enjoyment": 0, "peg_activity": 0}, Scores(peg=0.0, peg_pain=0)),
        ({"activity": 3, "pgic": "much_better", "sleep": 9, "recommend": 10}, Scores(psfs=3, pgic=2)),
        ({"satisfaction": "very_happy", "call": "yes"}, Scores()),
    ],
)
def test_scores(raw: dict[str, object], expected: Scores) -> None:
    assert scores(answered(**raw).values()) == expected


@pytest.mark.parametrize(
    ("before", "now", "meaning"),
    [
        (7, 5, BETTER), (7, 6, SAME), (7, 7, SAME), (7, 8, SAME), (7, 9, WORSE),
        (3, 2, BETTER), (4, 3, SAME), (1, 0, BETTER), (0, 0, SAME), (0, 1, SAME), (1, 2, SAME), (0, 2, WORSE),
    ],
)  # fmt: skip
def test_nrs_two_points_or_thirty_percent(before: int, now: int, meaning: Meaning) -> None:
    assert nrs_change(before, now, LIMITS).meaning is meaning


@pytest.mark.parametrize(
    ("before", "now", "meaning", "size"),
    [
        (6.33, 5.33, BETTER, Size.SMALL),
        (6.33, 5.67, SAME, None),
        (6.0, 4.0, BETTER, Size.LARGE),
        (6.0, 4.33, BETTER, Size.SMALL),
        (4.0, 5.0, WORSE, Size.SMALL),
        (4.0, 6.0, WORSE, Size.LARGE),
    ],
)
def test_peg_between_one_and_one_point_seven_five(
    before: float, now: float, meaning: Meaning, size: Size | None
) -> None:
    change = peg_change(before, now, LIMITS)
    assert (change.meaning, change.size) == (meaning, size)


@pytest.mark.parametrize(
    ("before", "now", "meaning", "size"),
    [
        (3, 4, SAME, None),
        (3, 4.3, BETTER, Size.SMALL),
        (3, 5, BETTER, Size.SMALL),
        (3, 5.3, BETTER, Size.MEDIUM),
        (3, 5.7, BETTER, Size.LARGE),
        (3, 6, BETTER, Size.LARGE),
        (6, 4, WORSE, Size.SMALL),
    ],
)
def test_psfs_more_is_better(before: float, now: float, meaning: Meaning, size: Size | None) -> None:
    change = psfs_change(before, now, LIMITS)
    assert (change.meaning, change.size) == (meaning, size)


def test_pgic_counts_much_and_very_much() -> None:
    scored = [option.score or 0 for option in question("pgic").options]
    assert [pgic_improved(score) for score in scored] == [True, True, False, False, False, False, False]
    assert [pgic_worse(score) for score in scored] == [False, False, False, False, True, True, True]


def test_changes_need_both_sides() -> None:
    now = Scores(nrs=4, peg=3.0, psfs=6)
    assert changes(None, now) == ()
    assert [change.measure for change in changes(Scores(nrs=6, psfs=2), now)] == ["nrs", "psfs"]
    change = changes(Scores(nrs=6), now)[0]
    assert (change.points, change.percent) == (-2, -33.3)
    assert changes(Scores(nrs=0), now)[0].percent is None


def test_a_clinic_s_thresholds_are_used() -> None:
    assert changes(Scores(peg=6.0), Scores(peg=5.0), Thresholds(peg_least=1.5))[0].meaning is SAME


@given(st.integers(0, 10), st.integers(0, 10), st.integers(0, 10))
def test_more_pain_is_never_a_better_change(before: int, now: int, more: int) -> None:
    order = [BETTER, SAME, WORSE]
    low, high = sorted((now, more))
    for change in (nrs_change, peg_change):
        assert order.index(change(before, low, LIMITS).meaning) <= order.index(change(before, high, LIMITS).meaning)
