"""How a clinic is reached: its telephone number as patients dial it, and its hours, in words and for programs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import phonenumbers

from service.care.segments import is_gsm7
from service.care.text_rules import WORST_CASE

_REGION_OF_EMERGENCY = {"911": "US", "999": "GB", "000": "AU", "111": "NZ"}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SAID = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "es": ("lun", "mar", "mié", "jue", "vie", "sáb", "dom"),
}
LONGEST_HOURS = 16
"""Of those that are typed; those that are said for a week take as many characters as WORST_CASE has."""
_SHORT = {
    **{name[:2]: place for place, name in enumerate(_DAYS)},
    **{name: place for place, name in enumerate(("lu", "ma", "mi", "ju", "vi", "sa", "do"))},
}
_HOURS = re.compile(
    r"([a-z]{2})[a-záé]*(?:\s?[-–]\s?([a-z]{2})[a-záé]*)?\s+(\d{1,2})(?::(\d{2}))?\s?[-–]\s?(\d{1,2})(?::(\d{2}))?"
)


def dialled_phone(number: str, emergency_number: str) -> str:
    """`number` as the clinic's patients dial it, short enough for a text: "(800) 555 0100" gives "800-555-0100".

    A number without a country code is read as one of the country whose emergency number that is. Raises ValueError,
    without repeating the number, when it is no possible number or too long.
    """
    region = _REGION_OF_EMERGENCY.get(emergency_number)
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        raise ValueError("is not a phone number; write it with its country code, such as +1 202 555 0100") from None
    if not phonenumbers.is_possible_number(parsed):
        raise ValueError("is not a possible phone number")
    at_home = region is not None and parsed.country_code == phonenumbers.country_code_for_region(region)
    if at_home and parsed.country_code == 1:
        digits = str(parsed.national_number)
        return f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"
    kind = phonenumbers.PhoneNumberFormat.NATIONAL if at_home else phonenumbers.PhoneNumberFormat.E164
    shown = re.sub(r"[^\d+]", "", phonenumbers.format_number(parsed, kind))
    if len(shown) > len(WORST_CASE.phone):
        raise ValueError(
            f"takes {len(shown)} characters as patients dial it; {len(WORST_CASE.phone)} fit into one text"
        )
    return shown


_WORDS_AFTER = re.compile(r"\d.*[^\W\d_]", re.DOTALL)
_EXTENSION = re.compile(r"\d\s*(?:x|ext\.?|extension)\s*\d{1,6}\s*$", re.IGNORECASE)


def international_phone(number: str, emergency_number: str) -> str | None:
    """`number` as it is on record ("+12025550123"), read at home in the country whose emergency number that is.

    None for what is none, also where words follow: of "482-3123 mom" letters would be dialled as digits.
    """
    if _WORDS_AFTER.search(number) and not _EXTENSION.search(number):
        return None
    try:
        parsed = phonenumbers.parse(number, _REGION_OF_EMERGENCY.get(emergency_number))
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def hours_in(language: str, opening: Mapping[str, Sequence[str]], typed: str) -> str:
    """When somebody reads, for a reader of that language: "Mon-Fri 9am-5pm", "lun-vie 9am-5pm".

    `typed` where that cannot say the week: days of different hours, days apart, a break at noon.
    """
    days = [place for place, name in enumerate(_DAYS) if opening.get(name)]
    spans = {tuple(opening[_DAYS[place]]) for place in days}
    if len(spans) != 1 or days != list(range(days[0], days[-1] + 1)):
        return typed
    [span] = spans
    if len(span) != 2:
        return typed
    names = _SAID.get(language, _SAID["en"])
    first, last = names[days[0]], names[days[-1]]
    return f"{first if first == last else f'{first}-{last}'} {_twelve(span[0])}-{_twelve(span[1])}"


def check_promise(typed: str, opening: Mapping[str, Sequence[str]]) -> None:
    """Raises ValueError when hours that were typed say more than the week does: nobody would be there to read."""
    try:
        said = opening_hours(typed)
    except ValueError:
        return  # in words of its own
    for day, (opens, closes) in said.items():
        there = opening.get(day)
        if not there or opens < there[0] or closes > there[-1]:
            raise ValueError("must not say more than the week does")


def check_hours(hours: str) -> None:
    """Raises ValueError when the words do not fit into a text."""
    if not hours.strip() or len(hours) > LONGEST_HOURS:
        raise ValueError(f"must be 1 to {LONGEST_HOURS} characters, such as Mo-Fr 9-17")
    if not is_gsm7(hours) or hours != " ".join(hours.split()):
        raise ValueError("must be plain letters and digits, such as Mo-Fr 9-17")


def opening_hours(hours: str) -> dict[str, list[str]]:
    """The opening hours that "Mo-Fr 9-17" or "Lu-Sa 8:30-16" say: {"mon": ["09:00", "17:00"], …}.

    Raises ValueError for words in another form: those need the days spelled out in the clinic's settings.
    """
    found = _HOURS.fullmatch(hours.strip().lower())
    if found is None:
        raise ValueError("must say days and hours, such as Mo-Fr 9-17")
    first, last = _SHORT.get(found[1]), _SHORT.get(found[2] or found[1])
    opens, closes = _clock(found[3], found[4]), _clock(found[5], found[6])
    if first is None or last is None or first > last or opens is None or closes is None or opens >= closes:
        raise ValueError("must say days and hours in order, on a 24-hour clock, such as Mo-Fr 9-17")
    return {day: [opens, closes] for day in _DAYS[first : last + 1]}


def _clock(hour: str, minute: str | None) -> str | None:
    if int(hour) > 23 or int(minute or 0) > 59:
        return None
    return f"{int(hour):02}:{int(minute or 0):02}"


def _twelve(moment: str) -> str:
    """A time as the clock on the wall shows it: "9am", "12:30pm"."""
    hour, minute = int(moment[:2]), moment[3:]
    return f"{(hour - 1) % 12 + 1}{'' if minute == '00' else f':{minute}'}{'am' if hour < 12 else 'pm'}"
