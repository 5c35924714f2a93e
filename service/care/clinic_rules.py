"""What a clinic may be told to be: the rules behind the command and the desk. Each raises ValueError, saying why."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from zoneinfo import available_timezones

from service.care.contact import check_hours, opening_hours
from service.care.problems import Severity
from service.care.text_rules import check_clinic_name

LOCALES = ("en", "es")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EARLIEST, LATEST = "08:00", "21:00"
"""Nobody in the US may be texted earlier or later, where they are (47 CFR 64.1200(c)(1)): a clinic may only be
quieter."""
FEWEST_HOURS = 4
"""Of a day in which messages may go: with fewer, steps grow too old before their turn comes."""
MOST_TEXTS = 6
"""A patient's day; a clinic that wants more should ask why."""

_EMERGENCY = re.compile(r"\d{2,3}", re.ASCII)
_EMAIL = re.compile(r"[^@\s<>\"]{1,64}@[^@\s<>\"]+\.[^@\s<>\".]{2,}")
_SENDER = re.compile(r"\+[1-9]\d{6,14}|MG[0-9a-f]{32}", re.ASCII)
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_SPAN = re.compile(r"(\d{1,2})(?::(\d{2}))?\s?[-–]\s?(\d{1,2})(?::(\d{2}))?", re.ASCII)


def check_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValueError("must be an IANA time zone, such as America/Denver")


def check_name(name: str) -> None:
    if not name.strip() or not name.isprintable():
        raise ValueError("must be one line of text")


def check_display_name(name: str) -> None:
    wrong = [problem for problem in check_clinic_name(name) if problem.severity is Severity.ERROR]
    if not name.isprintable():
        raise ValueError("must be one line: it stands in the header of e-mails")
    if wrong:
        raise ValueError("; ".join(problem.message for problem in wrong))


def check_week(hours: str) -> None:
    """Hours in words that also say the week: "Mo-Fr 9-17"."""
    check_hours(hours)
    opening_hours(hours)


def check_emergency_number(number: str) -> None:
    if not _EMERGENCY.fullmatch(number):
        raise ValueError("must be 2 or 3 digits, such as 911 or 112")


def check_email(address: str) -> None:
    if address and not _EMAIL.fullmatch(address):
        raise ValueError("must be an e-mail address")


def check_sender(sender: str) -> None:
    if sender and not _SENDER.fullmatch(sender):
        raise ValueError("must be a number such as +12025550100 or a messaging service such as MG…")


def check_sending_hours(opens: str, closes: str) -> None:
    """When messages may go, on the patient's clock: "08:00" to "21:00" at most."""
    if not _CLOCK.fullmatch(opens) or not _CLOCK.fullmatch(closes):
        raise ValueError("must be times such as 08:00 and 21:00")
    if opens < EARLIEST or closes > LATEST:
        raise ValueError(f"must lie between {EARLIEST} and {LATEST}: the law allows no earlier and no later texts")
    if _minutes(closes) - _minutes(opens) < FEWEST_HOURS * 60:
        raise ValueError(f"must leave at least {FEWEST_HOURS} hours a day")


def check_daily_cap(texts: int) -> None:
    if not 1 <= texts <= MOST_TEXTS:
        raise ValueError(f"must be 1 to {MOST_TEXTS}")


def spans(words: str) -> list[str]:
    """When somebody reads on one day: "9-12, 13-17" gives ["09:00", "12:00", "13:00", "17:00"]; "" a closed day."""
    found: list[str] = []
    for part in filter(None, (one.strip() for one in words.split(","))):
        match = _SPAN.fullmatch(part)
        if match is None:
            raise ValueError("must be hours such as 9-17 or 9-12, 13-17; leave it blank for a closed day")
        found += [_clock(match[1], match[2]), _clock(match[3], match[4])]
    if any(later <= earlier for earlier, later in pairwise(found)):
        raise ValueError("must be hours in order, on a 24-hour clock, such as 9-12, 13-17")
    return found


def in_words(moments: Sequence[str]) -> str:
    """The hours of a day as `spans` reads them."""
    pairs = zip(moments[::2], moments[1::2], strict=False)
    return ", ".join(f"{_short(opens)}-{_short(closes)}" for opens, closes in pairs)


def week(days: Mapping[str, str]) -> dict[str, list[str]]:
    """The opening hours of a week, without the days on which it is closed."""
    read = {day: spans(days.get(day, "")) for day in DAYS}
    return {day: moments for day, moments in read.items() if moments}


def _clock(hour: str, minute: str | None) -> str:
    if int(hour) > 23 or int(minute or 0) > 59:
        raise ValueError("must be hours on a 24-hour clock, such as 9-17")
    return f"{int(hour):02}:{int(minute or 0):02}"


def _short(moment: str) -> str:
    hour, minute = moment.split(":")
    return f"{int(hour)}" if minute == "00" else f"{int(hour)}:{minute}"


def _minutes(moment: str) -> int:
    hours, minutes = moment.split(":")
    return int(hours) * 60 + int(minutes)
