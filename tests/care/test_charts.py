"""Where points, lines and shades of a score's picture lie."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.care.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Band, Chart, Point, better_from, chart
from service.care.scores import Meaning, Thresholds, nrs_change, peg_change, psfs_change

LIMITS = Thresholds()


def drawn(*points: Point, sessions: tuple[int, ...] = (0,), baseline: float | None = 6, up: bool = False) -> Chart:
    return chart(points, sessions, baseline, 4, up)


@pytest.mark.parametrize(
    ("measure", "baseline", "expected"),
    [
        ("nrs", 6, 4.2),  # 30 % comes before 2 points
        ("nrs", 9, 7.0),  # and here 2 points first
        ("nrs", 1, 0.7),
        ("nrs", 0, None),  # no pain cannot become less
        ("peg", 6, 5.0),
        ("peg", 0.5, None),
        ("psfs", 3, 4.3),
        ("psfs", 9, None),
    ],
)
def test_from_where_on_a_change_is_noticed(measure: str, baseline: float, expected: float | None) -> None:
    assert better_from(measure, baseline, LIMITS) == expected


@given(st.integers(0, 10), st.integers(0, 10))
def test_the_shade_agrees_with_the_words(baseline: int, now: int) -> None:
    """A point lies in the shade exactly if the change is called better elsewhere."""
    for measure, change, up in (("nrs", nrs_change, False), ("peg", peg_change, False), ("psfs", psfs_change, True)):
        limit = better_from(measure, baseline, LIMITS)
        inside = limit is not None and (now >= limit if up else now <= limit)
        assert inside is (change(baseline, now, LIMITS).meaning is Meaning.BETTER), measure


def test_zero_is_at_the_foot_and_ten_at_the_top() -> None:
    made = drawn(Point(0, 10, "visit"), Point(84, 0, "S6"))
    assert [(dot.x, dot.y) for dot in made.dots] == [(LEFT, TOP), (WIDTH - RIGHT, HEIGHT - BOTTOM)]
    assert made.path == f"{LEFT},{TOP} {WIDTH - RIGHT},{HEIGHT - BOTTOM}"
    assert [mark.label for mark in made.days] == ["0", "2 wk", "4 wk", "6 wk", "8 wk", "10 wk", "12 wk"]


def test_the_shade_lies_below_for_pain_and_above_for_ability() -> None:
    assert drawn().better == Band(94.4, 49.6)
    assert drawn(up=True).better == Band(TOP, 74.4)
    assert chart((), (0,), None, None, False).better is None


def test_sessions_are_numbered() -> None:
    assert [(mark.at, mark.label) for mark in drawn(sessions=(0, 28)).sessions] == [(24, "1"), (308, "2")]


@given(st.lists(st.tuples(st.integers(0, 900), st.floats(0, 10)), max_size=40), st.lists(st.integers(0, 900)))
def test_nothing_leaves_the_picture(scored: list[tuple[int, float]], sessions: list[int]) -> None:
    made = chart([Point(day, score, "") for day, score in scored], sessions, 5, 3, False)
    assert all(LEFT <= dot.x <= WIDTH - RIGHT and TOP <= dot.y <= HEIGHT - BOTTOM for dot in made.dots)
    assert all(LEFT <= mark.at <= WIDTH - RIGHT for mark in (*made.sessions, *made.days))
    assert 2 <= len(made.days) <= 7
