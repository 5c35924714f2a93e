"""Medians and quartiles, against the standard library's."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.care.spread import quantile, share, spread

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60)


@pytest.mark.parametrize(
    ("values", "low", "median", "high"),
    [
        ([], None, None, None),
        ([7], 7, 7, 7),
        ([3, 1], 1.5, 2, 2.5),
        ([1, 2, 3, 4, 5], 2, 3, 4),
        ([5, 1, 4, 2, 3, 100], 2.25, 3.5, 4.75),  # one far out moves nothing much
    ],
)
def test_quartiles(values: list[float], low: float | None, median: float | None, high: float | None) -> None:
    found = spread(values)
    assert (found.count, found.low, found.median, found.high) == (len(values), low, median, high)


@given(VALUES)
def test_they_are_the_librarys(values: list[float]) -> None:
    found = spread(values)
    expected = statistics.quantiles(values, n=4, method="inclusive")
    assert [found.low, found.median, found.high] == [pytest.approx(one, abs=1e-6) for one in expected]


@given(VALUES, st.floats(0, 1), st.floats(0, 1))
def test_a_quantile_lies_among_the_values_and_grows(values: list[float], one: float, other: float) -> None:
    ordered = sorted(values)
    low, high = quantile(ordered, min(one, other)), quantile(ordered, max(one, other))
    assert low is not None
    assert high is not None
    assert ordered[0] - 1e-6 <= low <= high + 1e-6 <= ordered[-1] + 2e-6


@pytest.mark.parametrize(("some", "of_all", "percent"), [(0, 0, None), (0, 4, 0), (1, 4, 25), (4, 4, 100)])
def test_shares(some: int, of_all: int, percent: float | None) -> None:
    assert share(some, of_all) == percent
