"""Dates and times as spreadsheets write them, read by the clinic's clock."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

from service.care.localtime import to_utc


class DateOrder(StrEnum):
    """In what order a file writes day, month and year. Nobody can see that from 03/04/2026: a person says it."""

    YEAR_FIRST = "year"
    MONTH_FIRST = "month"
    DAY_FIRST = "day"


YEARS = range(2000, 2100)
"""Which an event takes."""

_YEAR_FIRST = re.compile(r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?P<rest>.*)", re.DOTALL)
_MONTH_FIRST = re.compile(r"(?P<m>\d{1,2})[-/.](?P<d>\d{1,2})[-/.](?P<y>\d{4}|\d{2})(?P<rest>\D.*|)", re.DOTALL)
_DAY_FIRST = re.compile(r"(?P<d>\d{1,2})[-/.](?P<m>\d{1,2})[-/.](?P<y>\d{4}|\d{2})(?P<rest>\D.*|)", re.DOTALL)
_FORMS = {DateOrder.YEAR_FIRST: _YEAR_FIRST, DateOrder.MONTH_FIRST: _MONTH_FIRST, DateOrder.DAY_FIRST: _DAY_FIRST}
_TIME = re.compile(
    r"[Tt,\s]*(?P<h>\d{1,2})[:.](?P<min>\d{2})(?::(?P<s>\d{2})(?:\.\d{1,9})?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>[Zz]|[+-]\d{2}:?\d{2})?",
)


def read_date(text: str, order: DateOrder) -> tuple[date, str] | None:
    """The date at the beginning, and what follows it; None where there is none in this order.

    A year of four digits in front says by itself that it is one.
    """
    found = _YEAR_FIRST.fullmatch(text.strip()) or _FORMS[order].fullmatch(text.strip())
    if found is None:
        return None
    year = int(found["y"]) + (2000 if len(found["y"]) == 2 else 0)
    try:
        day = date(year, int(found["m"]), int(found["d"]))
    except ValueError:
        return None
    return (day, found["rest"].strip()) if year in YEARS else None


def read_time(text: str) -> tuple[time, str] | None:
    """A time of day, and its offset from UTC or ""; None where it is none, or a range of times."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    hour, half = int(found["h"]), (found["half"] or "").lower()[:1]
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    offset = (found["zone"] or "").upper()
    if offset not in ("", "Z") and not _is_offset(offset, whole=bool(found["s"]) or text.strip()[:1] in ("T", "t")):
        return None
    try:
        return time(hour, int(found["min"]), int(found["s"] or 0)), offset
    except ValueError:
        return None


def _is_offset(written: str, whole: bool) -> bool:
    """Whether it is one on earth. `whole`: the time before it is in ISO's own form; else "09:00-09:30" means until."""
    hours, minutes = int(written[1:3]), int(written[-2:])
    if minutes not in (0, 15, 30, 45):
        return False
    if written[0] == "-":
        return whole and hours * 60 + minutes <= 12 * 60
    return hours * 60 + minutes <= 14 * 60


def moment(day: date, at: time, offset: str, zone: ZoneInfo) -> datetime:
    """The moment in UTC: by its offset where one was written, else by the clock in `zone`.

    A time that a clock change skips moves forward; one that comes twice is the first, as everywhere here.
    """
    if not offset:
        return to_utc(day, at, zone)
    plain = "+00:00" if offset == "Z" else offset
    return datetime.fromisoformat(f"{day.isoformat()}T{at.isoformat()}{plain}")


def likely_order(samples: Iterable[str], month_first: bool) -> DateOrder:
    """The order in which all of these can be read; `month_first` decides where several fit."""
    written = [text for text in samples if text.strip()]
    mixed = (DateOrder.MONTH_FIRST, DateOrder.DAY_FIRST)
    for order in (DateOrder.YEAR_FIRST, *(mixed if month_first else mixed[::-1])):
        if all(read_date(text, order) for text in written):
            return order
    return mixed[0] if month_first else mixed[1]
