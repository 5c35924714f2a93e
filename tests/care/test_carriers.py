"""What carriers do to texts: caps that start over at midnight in the US, Los Angeles last; and blocks."""

from __future__ import annotations

from datetime import datetime

import pytest

from service.care.delivery import blocks_rise
from service.care.provider_codes import caps_start_over


@pytest.mark.parametrize(
    ("refused", "again"),
    [
        ("2026-03-03T23:30:00+00:00", "2026-03-04T08:00:00+00:00"),
        ("2026-03-04T00:00:00+00:00", "2026-03-04T08:00:00+00:00"),
        ("2026-03-04T01:05:00+00:00", "2026-03-04T08:00:00+00:00"),  # five in the afternoon in Los Angeles
        ("2026-03-03T17:05:00-08:00", "2026-03-04T08:00:00+00:00"),
        ("2026-03-04T07:59:59+00:00", "2026-03-04T08:00:00+00:00"),
        ("2026-03-04T08:00:00+00:00", "2026-03-05T08:00:00+00:00"),
        ("2026-12-31T20:00:00+00:00", "2027-01-01T08:00:00+00:00"),
    ],
)
def test_p4_a_used_up_day_waits_for_the_next_and_no_longer(refused: str, again: str) -> None:
    assert caps_start_over(datetime.fromisoformat(refused)) == datetime.fromisoformat(again)


@pytest.mark.parametrize(
    ("today", "week_before", "rises"),
    [
        (0, 0, False),
        (1, 0, False),
        (4, 0, False),
        (5, 0, True),
        (5, 11, True),
        (5, 12, False),
        (30, 70, False),
        (31, 70, True),
    ],
)
def test_blocks_that_single_phones_explain_are_no_news(today: int, week_before: int, rises: bool) -> None:
    assert blocks_rise(today, week_before) is rises
