"""The patient's clock: skipped and repeated times, odd zones, quiet hours."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.care.localtime import (
    QuietHours,
    closing,
    day_bounds,
    first_moment,
    is_open,
    local_day,
    next_opening,
    to_utc,
)

ZONES = st.sampled_from(sorted(available_timezones() - {"localtime"})).map(ZoneInfo)
MOMENTS = st.integers(1262304000, 2145830400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
SENSIBLE_QUIET = st.builds(
    QuietHours,
    opens=st.times(time(5), time(11, 59)).map(lambda t: t.replace(microsecond=0)),
    closes=st.times(time(12), time(22, 30)).map(lambda t: t.replace(microsecond=0)),
)


@pytest.mark.parametrize(
    ("zone", "wall", "utc", "why"),
    [
        ("America/New_York", "2026-01-15 09:30", "2026-01-15 14:30", "winter"),
        ("America/New_York", "2026-07-15 09:30", "2026-07-15 13:30", "summer"),
        ("America/New_York", "2026-03-08 02:30", "2026-03-08 07:30", "gap: shown as 03:30"),
        ("America/New_York", "2026-11-01 01:30", "2026-11-01 05:30", "overlap: the first"),
        ("Europe/Berlin", "2026-03-29 02:30", "2026-03-29 01:30", "gap: shown as 03:30"),
        ("Europe/Berlin", "2026-10-25 02:30", "2026-10-25 00:30", "overlap: the first"),
        ("Asia/Kolkata", "2026-06-01 09:30", "2026-06-01 04:00", "half-hour zone"),
        ("Asia/Kathmandu", "2026-06-01 09:30", "2026-06-01 03:45", "quarter-hour zone"),
        ("Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03 15:45", "gap of 30 minutes: shown as 02:45"),
        ("Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04 14:45", "overlap of 30 minutes: the first"),
        ("Australia/Sydney", "2026-01-15 09:30", "2026-01-14 22:30", "southern summer"),
        ("America/Santiago", "2026-09-06 00:30", "2026-09-06 04:30", "gap at midnight: shown as 01:30"),
        ("Pacific/Apia", "2011-12-30 09:30", "2011-12-30 19:30", "a day that never was: the same time on the 31st"),
        ("Pacific/Apia", "2011-12-31 09:30", "2011-12-30 19:30", "the day after it"),
        ("America/Sao_Paulo", "2018-11-04 00:30", "2018-11-04 03:30", "while it had summer time: gap at midnight"),
        ("America/Sao_Paulo", "2026-11-04 09:30", "2026-11-04 12:30", "abolished: -03 in summer too"),
        ("Europe/Istanbul", "2026-01-15 09:30", "2026-01-15 06:30", "abolished: +03 in winter too"),
        ("Africa/Casablanca", "2026-02-10 09:30", "2026-02-10 08:30", "+01 before Ramadan"),
        ("Africa/Casablanca", "2026-03-01 09:30", "2026-03-01 09:30", "+00 in Ramadan"),
    ],
)
def test_wall_time_to_utc(zone: str, wall: str, utc: str, why: str) -> None:
    local = datetime.fromisoformat(wall)
    assert to_utc(local.date(), local.time(), ZoneInfo(zone)) == datetime.fromisoformat(utc).replace(tzinfo=UTC), why


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
        ("America/Santiago", date(2026, 9, 6), 23),
        ("America/Havana", date(2025, 11, 2), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Pacific/Apia", date(2011, 12, 29), 24),
        ("Pacific/Apia", date(2011, 12, 30), 0),
        ("Asia/Kolkata", date(2026, 3, 8), 24),
        ("America/Toronto", date(1919, 3, 31), 23.5),  # its gap ran from 23:30 to 00:30
    ],
)
def test_length_of_a_local_day(zone: str, day: date, hours: float) -> None:
    start, end = day_bounds(day, ZoneInfo(zone))
    assert end - start == timedelta(hours=hours)


@given(MOMENTS, ZONES)
def test_every_moment_lies_in_its_local_day(moment: datetime, zone: ZoneInfo) -> None:
    start, end = day_bounds(local_day(moment, zone), zone)
    assert start <= moment < end or _clock_set_back_over_midnight(moment, zone)


def _clock_set_back_over_midnight(moment: datetime, zone: ZoneInfo) -> bool:
    """A few zones used to go back from 00:01: then an hour belongs to two days."""
    return any(
        local_day(moment + timedelta(minutes=shift), zone) > local_day(moment + timedelta(minutes=shift + 30), zone)
        for shift in range(-120, 121, 1)
    )


@given(MOMENTS, ZONES, st.times())
def test_a_wall_time_is_kept_or_moves_forward(moment: datetime, zone: ZoneInfo, at: time) -> None:
    day = moment.date()
    shown = to_utc(day, at.replace(fold=0), zone).astimezone(zone).replace(tzinfo=None)
    asked = datetime.combine(day, at)
    assert asked.replace(fold=0) <= shown.replace(fold=0) <= asked.replace(fold=0) + timedelta(days=1)
    assert first_moment(day, at, zone) <= to_utc(day, at, zone)


@pytest.mark.parametrize(
    ("zone", "moment", "opening", "why"),
    [
        ("America/New_York", "2026-01-15 15:00", "2026-01-15 15:00", "open"),
        ("America/New_York", "2026-01-15 12:59", "2026-01-15 13:00", "a minute early"),
        ("America/New_York", "2026-01-16 02:00", "2026-01-16 13:00", "21:00 is closed already"),
        ("America/New_York", "2026-03-08 02:30", "2026-03-08 12:00", "over the change to summer time: 10.5 h"),
        ("America/New_York", "2026-11-01 01:30", "2026-11-01 13:00", "over the change to winter time: 11.5 h"),
        ("Asia/Kolkata", "2026-01-15 16:00", "2026-01-16 02:30", "half-hour zone, 21:30"),
        ("Australia/Lord_Howe", "2026-10-03 15:00", "2026-10-03 21:00", "30-minute change that night"),
        ("Pacific/Apia", "2011-12-30 08:00", "2011-12-30 18:00", "22:00 on the 29th; next morning is the 31st"),
        ("America/Sao_Paulo", "2026-11-05 00:30", "2026-11-05 11:00", "no summer time any more"),
        ("Pacific/Auckland", "2026-09-26 10:00", "2026-09-26 19:00", "southern spring: 22:00 to 08:00 is 9 h"),
    ],
)
def test_next_opening(zone: str, moment: str, opening: str, why: str) -> None:
    asked, expected = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (moment, opening))
    assert next_opening(asked, ZoneInfo(zone), QuietHours()) == expected, why


@pytest.mark.parametrize(
    ("opens", "moment", "opening", "why"),
    [
        ("02:30", "2026-03-08 05:30", "2026-03-08 07:00", "an opening that is skipped is the change itself"),
        ("01:30", "2026-11-01 06:10", "2026-11-01 06:30", "the second passing counts after the first"),
    ],
)
def test_an_opening_inside_a_clock_change(opens: str, moment: str, opening: str, why: str) -> None:
    quiet = QuietHours(time.fromisoformat(opens), time(21))
    asked, expected = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (moment, opening))
    assert next_opening(asked, ZoneInfo("America/New_York"), quiet) == expected, why


@given(MOMENTS, ZONES, st.times(), st.times())
def test_p4_an_opening_is_open_and_not_in_the_past(moment: datetime, zone: ZoneInfo, one: time, other: time) -> None:
    if one == other:
        return
    quiet = QuietHours(min(one, other), max(one, other))
    opening = next_opening(moment, zone, quiet)
    assert opening >= moment
    assert is_open(opening, zone, quiet)
    assert (opening == moment) == is_open(moment, zone, quiet)


@given(MOMENTS, ZONES, SENSIBLE_QUIET, st.floats(0, 1, exclude_max=True))
def test_p4_open_until_closing(moment: datetime, zone: ZoneInfo, quiet: QuietHours, part: float) -> None:
    closes = closing(moment, zone, quiet)
    if not is_open(moment, zone, quiet):
        assert closes == moment
        return
    assert closes > moment
    assert not is_open(closes, zone, quiet)
    # A part of nearly one rounds up to the closing itself.
    between = min(moment + (closes - moment) * part, closes - timedelta(microseconds=1))
    assert is_open(between, zone, quiet)


@pytest.mark.parametrize(("moment", "closes"), [("05:10", "05:30"), ("05:40", "05:40"), ("06:10", "06:30")])
def test_a_closing_that_passes_twice(moment: str, closes: str) -> None:
    """New York, 1 November 2026: 01:30 comes at 05:30 and again at 06:30 UTC."""
    asked, expected = (datetime.fromisoformat(f"2026-11-01 {text}").replace(tzinfo=UTC) for text in (moment, closes))
    assert closing(asked, ZoneInfo("America/New_York"), QuietHours(time(0, 30), time(1, 30))) == expected


@pytest.mark.parametrize(("opens", "closes"), [("21:00", "08:00"), ("08:00", "08:00")])
def test_hours_over_midnight_are_refused(opens: str, closes: str) -> None:
    with pytest.raises(ValueError, match="no hours in one day"):
        QuietHours(time.fromisoformat(opens), time.fromisoformat(closes))
