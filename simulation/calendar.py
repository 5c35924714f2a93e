"""Where and when a run takes place: zones with different rules, and weeks in which the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

ZONES = (
    "America/New_York",
    "Europe/Madrid",
    "Australia/Sydney",
    "America/Los_Angeles",
    "America/Phoenix",  # never changes
    "America/Santiago",  # at midnight
    "Pacific/Auckland",
    "Asia/Kolkata",  # half an hour off, never changes
    "Europe/London",
    "Australia/Lord_Howe",  # by half an hour
)
_YEARS = (2026, 2027)


def draw_zones(dice: Random) -> list[str]:
    """Three zones, the first of which changes its clocks."""
    first = dice.choice(ZONES[:3])
    return [first, *dice.sample([zone for zone in ZONES if zone != first], 2)]


def draw_start(dice: Random, zone: str, days: int) -> datetime:
    """The first moment of a run: in two runs of three the clocks in `zone` change while it lasts."""
    year = dice.choice(_YEARS)
    begin = datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=dice.randrange(365))
    if dice.random() < 0.67:
        change = dice.choice(changes(zone, year))
        begin = change - timedelta(days=dice.randrange(max(1, min(days, 30))), hours=dice.randrange(24))
    return begin.replace(minute=0, second=0, microsecond=0)


def changes(zone: str, year: int) -> list[datetime]:
    """The hours after which a zone's clocks show something else, to the hour."""
    there = ZoneInfo(zone)
    hours = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=n) for n in range(365 * 24)]
    return [
        hour
        for hour, following in zip(hours, hours[1:], strict=False)
        if hour.astimezone(there).utcoffset() != following.astimezone(there).utcoffset()
    ]
