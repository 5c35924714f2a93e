"""How a clinic is reached: its telephone number as patients dial it, and its hours, in words and for programs."""

from __future__ import annotations

import re

import phonenumbers

from service.care.segments import is_gsm7
from service.care.text_rules import WORST_CASE

_REGION_OF_EMERGENCY = {"911": "US", "999": "GB", "000": "AU", "111": "NZ"}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
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


def international_phone(number: str, emergency_number: str) -> str | None:
    """`number` as it is on record ("+12025550123"), read at home in the country whose emergency number that is."""
    try:
        parsed = phonenumbers.parse(number, _REGION_OF_EMERGENCY.get(emergency_number))
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def check_hours(hours: str) -> None:
    """Raises ValueError when the words do not fit into a text."""
    if not hours.strip() or len(hours) > len(WORST_CASE.hours):
        raise ValueError(f"must be 1 to {len(WORST_CASE.hours)} characters, such as Mo-Fr 9-17")
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
