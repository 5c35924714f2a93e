"""P10: patients read when somebody is there, in their language and on the clock that hangs on their wall."""

from __future__ import annotations

from itertools import product

import pytest

from service.care.contact import check_promise, hours_in, opening_hours
from service.care.rendering import to_gsm7
from service.care.segments import count
from service.care.text_rules import WORST_CASE

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@pytest.mark.parametrize(
    ("week", "english", "spanish"),
    [
        ("Mo-Fr 9-17", "Mon-Fri 9am-5pm", "lun-vie 9am-5pm"),
        ("Mo-Su 0-23:59", "Mon-Sun 12am-11:59pm", "lun-dom 12am-11:59pm"),
        ("We-Sa 8:30-12", "Wed-Sat 8:30am-12pm", "mié-sáb 8:30am-12pm"),
        ("Tu 12-12:30", "Tue 12pm-12:30pm", "mar 12pm-12:30pm"),
    ],
)
def test_a_week_of_equal_days_is_said_in_the_readers_language(week: str, english: str, spanish: str) -> None:
    opening = opening_hours(week)
    assert hours_in("en", opening, week) == hours_in("fr", opening, week) == english
    assert hours_in("es", opening, week) == spanish


@pytest.mark.parametrize(
    "opening",
    [
        {},
        {"mon": ["09:00", "17:00"], "fri": ["09:00", "17:00"]},
        {"mon": ["09:00", "17:00"], "tue": ["09:00", "13:00"]},
        {"mon": ["09:00", "12:00", "13:00", "17:00"]},
    ],
)
def test_another_week_is_said_as_the_clinic_typed_it(opening: dict[str, list[str]]) -> None:
    assert hours_in("en", opening, "as typed") == hours_in("es", opening, "as typed") == "as typed"


def test_no_week_takes_more_room_than_the_linter_leaves() -> None:
    longest = 0
    moments = ("00:00", "09:00", "09:30", "10:30", "12:00", "12:30", "22:30")
    for first, last in product(range(7), range(7)):
        for opens, closes in product(moments, moments):
            week = {day: [opens, closes] for day in DAYS[first : last + 1]}
            for language in ("en", "es"):
                said = count(to_gsm7(hours_in(language, week, "")))
                assert said.segments <= 1
                longest = max(longest, said.units)
    assert longest == len(WORST_CASE.hours)


@pytest.mark.parametrize(
    ("typed", "holds"),
    [("Mo-Th 9-17", True), ("Fr 9-12", True), ("mornings", True), ("Mo-Fr 9-17", False), ("Mo-Sa 9-12", False)],
)
def test_typed_hours_promise_nothing_that_the_week_does_not_hold(typed: str, holds: bool) -> None:
    week = opening_hours("Mo-Th 9-17") | opening_hours("Fr 9-12")
    if holds:
        check_promise(typed, week)
    else:
        with pytest.raises(ValueError, match="more than the week"):
            check_promise(typed, week)
