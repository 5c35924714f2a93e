"""Typed texts: when one goes, and what may stand in it (P4, P8)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from service.care.lifecycle import Reason
from service.care.localtime import QuietHours
from service.care.typed import Cannot, Fault, Goes, body_of, check, when

ZONE, QUIET = ZoneInfo("America/New_York"), QuietHours()
NOON = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
NIGHT, MORNING = datetime(2026, 3, 11, 3, 0, tzinfo=UTC), datetime(2026, 3, 11, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("unreachable", "heard", "sooner", "now", "expected"),
    [
        (Reason.OPTED_OUT, NOON, True, NOON, Cannot(Reason.OPTED_OUT)),
        (Reason.NO_CONSENT, None, False, NIGHT, Cannot(Reason.NO_CONSENT)),
        (None, None, False, NOON, Goes(NOON, "typed", False)),
        (None, NOON - HOUR, True, NOON, Goes(NOON, "typed", False)),
        (None, None, False, NIGHT, Goes(MORNING, "typed", False)),
        (None, None, True, NIGHT, Goes(MORNING, "typed", False)),
        (None, NIGHT - 25 * HOUR, True, NIGHT, Goes(MORNING, "typed", False)),
        (None, NIGHT - 24 * HOUR, False, NIGHT, Goes(MORNING, "typed", True)),
        (None, NIGHT - 24 * HOUR, True, NIGHT, Goes(NIGHT, "typed.now", True)),
    ],
)
def test_p4_when_it_goes(
    unreachable: Reason | None, heard: datetime | None, sooner: bool, now: datetime, expected: Cannot | Goes
) -> None:
    assert when(unreachable, ZONE, QUIET, heard, sooner, now) == expected


@pytest.mark.parametrize(
    ("words", "faults"),
    [
        ("Please call us at 202-555-0100.", []),
        ("Any fever? Call us now.", []),
        ("Ana, please call us. I am here until five.", []),
        ("Is the knee still swollen?", [Fault.TELLS]),
        ("Your score of 7/10 is fine", [Fault.TELLS, Fault.TELLS]),
        ("That is normal after an injection", [Fault.TELLS]),
        ("About your treatment: please call", [Fault.HINTS]),
        ("Hello Ana Lopez, please call", [Fault.NAME]),
        ("Record P-17 is ready", [Fault.RECORD]),
        ("See example.com/help", [Fault.LINK]),
        ("Open {link}", [Fault.BRACES]),
        ("a" * 700, [Fault.LONG]),
    ],
)
def test_p8_what_may_stand_in_it(words: str, faults: list[Fault]) -> None:
    found = check("Riverside", words, "Ana", "P-17")
    assert [one.fault for one in found] == faults
    assert all(one.blocks is (one.fault is not Fault.HINTS) for one in found)


def test_the_clinic_is_named_and_typography_made_plain() -> None:
    assert body_of("Riverside", " We’ll call – soon… ") == "Riverside: We'll call - soon..."
