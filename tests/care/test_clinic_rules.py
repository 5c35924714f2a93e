"""What a clinic may be told to be."""

from __future__ import annotations

import pytest

from service.care import clinic_rules
from service.care.clinic_rules import check_sending_hours, in_words, spans, week


@pytest.mark.parametrize(("opens", "closes"), [("08:00", "21:00"), ("09:30", "20:00"), ("08:00", "12:00")])
def test_sending_hours_within_the_law(opens: str, closes: str) -> None:
    check_sending_hours(opens, closes)


@pytest.mark.parametrize(
    ("opens", "closes"),
    [
        ("07:59", "21:00"),
        ("08:00", "21:01"),
        ("00:00", "23:59"),
        ("20:00", "09:00"),
        ("12:00", "12:00"),
        ("10:00", "13:59"),
        ("8:00", "21:00"),
        ("08:00", "24:00"),
        ("08:00:00", "21:00"),
        ("", ""),
        ("٠٨:٠٠", "21:00"),
    ],
)
def test_p4_sending_hours_are_never_wider_than_the_law(opens: str, closes: str) -> None:
    with pytest.raises(ValueError, match="must"):
        check_sending_hours(opens, closes)


@pytest.mark.parametrize(
    ("words", "moments"),
    [
        ("9-17", ["09:00", "17:00"]),
        ("8:30-12, 13-16:45", ["08:30", "12:00", "13:00", "16:45"]),
        ("0-23:59", ["00:00", "23:59"]),
        ("", []),
        (" , ", []),
    ],
)
def test_the_hours_of_a_day(words: str, moments: list[str]) -> None:
    assert spans(words) == moments
    assert spans(in_words(moments)) == moments


@pytest.mark.parametrize("words", ["9-9", "17-9", "9-12, 11-13", "9-25", "9:60-10", "nine to five", "9", "９-17"])
def test_hours_that_make_no_sense(words: str) -> None:
    with pytest.raises(ValueError, match="hours"):
        spans(words)


def test_a_week_leaves_closed_days_out() -> None:
    assert week({"mon": "9-17", "tue": "", "sun": "10-12"}) == {"mon": ["09:00", "17:00"], "sun": ["10:00", "12:00"]}


@pytest.mark.parametrize("name", ["Riverside Knee", "X" * 19, "Αθήνα", "", "A\nB", "A\rB"])
def test_p8_names_in_texts(name: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        clinic_rules.check_display_name(name)


@pytest.mark.parametrize("number", ["9", "9111", "abc", "", "٩١١", "911\n"])
def test_emergency_numbers(number: str) -> None:
    with pytest.raises(ValueError, match="digits"):
        clinic_rules.check_emergency_number(number)
