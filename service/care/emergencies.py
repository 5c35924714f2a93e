"""Which number brings help in the country of a clinic, and whether a number does."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

import phonenumbers
from phonenumbers import shortnumberinfo

_EUROPE = (
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK"  # the EU and the EEA
)
_USUAL: Mapping[str, str] = {
    **dict.fromkeys(_EUROPE.split(), "112"),
    **dict.fromkeys(["US", "PR", "VI", "GU", "AS", "MP", "CA"], "911"),
    "GB": "999",
    "AU": "000",
    "NZ": "111",
}


def usual_number(phone: str, timezone: str) -> str:
    """The emergency number of the clinic's country, where that is plain. Raises ValueError where it is not."""
    number = _USUAL.get(_country(phone, timezone) or "")
    if number is None:
        raise ValueError(
            "neither the phone's country code nor the time zone tells it: say which number patients call for an "
            "ambulance where the clinic is"
        )
    return number


def misfit(number: str, phone: str, timezone: str) -> str | None:
    """What is wrong with a clinic's emergency number, in words; None where it brings help, or nobody can tell."""
    country = _country(phone, timezone)
    if country is None or country not in phonenumbers.SUPPORTED_REGIONS:
        return None
    if shortnumberinfo.is_emergency_number(number, country):
        return None
    told_by = "phone" if _country_of_phone(phone) else "time zone"
    return (
        f"patients are told to call {number} in an emergency; by its {told_by} the clinic is in {_names()[country]}, "
        "where that is no emergency number"
    )


def _country(phone: str, timezone: str) -> str | None:
    """The country of a phone that is written with its code, else of the time zone; as in ISO 3166."""
    return _country_of_phone(phone) or _zones().get(timezone)


def _country_of_phone(phone: str) -> str | None:
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        return None


@cache
def _zones() -> Mapping[str, str]:
    return {row[2]: row[0] for row in _table("zone.tab")}


@cache
def _names() -> Mapping[str, str]:
    return {row[0]: row[1] for row in _table("iso3166.tab")}


def _table(name: str) -> list[list[str]]:
    text = (resources.files("tzdata") / "zoneinfo" / name).read_text("utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
