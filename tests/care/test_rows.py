"""A row of a file, read under what a person said of its columns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.care import columns, rows
from service.care.columns import Columns, Field
from service.care.contact import international_phone
from service.care.entering import Entry, event_of, session_name
from service.care.findings import Finding, packed, page, unpacked
from service.care.rows import House
from service.care.written_times import DateOrder, likely_order

HOUSE = House(ZoneInfo("America/New_York"), "911", datetime(2026, 3, 10, 16, 0, tzinfo=UTC))
HEADER = (Field.PATIENT, Field.GIVEN_NAME, Field.PHONE, Field.ENDED_AT, Field.TIME, Field.SITE, Field.SIDE,
          Field.SESSION, Field.NUMBER, Field.PAIN, Field.NEXT, Field.SMS, Field.EMAIL, Field.MAIL, Field.LANGUAGE,
          Field.AGREED_AT)  # fmt: skip
FIXED = {Field.WORDING: "I agree.", Field.SOURCE: "on paper", Field.PROTOCOL: "prolotherapy"}
MEANT = Columns({what: place for place, what in enumerate(HEADER)}, FIXED, DateOrder.MONTH_FIRST)
GOOD = {
    Field.PATIENT: "4711", Field.GIVEN_NAME: "Ana", Field.PHONE: "(202) 555-0123", Field.ENDED_AT: "3/9/2026 14:05",
    Field.SITE: "knee", Field.SMS: "yes", Field.AGREED_AT: "2/2/26",
}  # fmt: skip


def read(meant: Columns = MEANT, **changes: str) -> Any:
    said = {**GOOD, **{Field(name): value for name, value in changes.items()}}
    return rows.read([said.get(what, "") for what in HEADER], meant, HOUSE)


def test_a_good_row_is_a_session() -> None:
    entry = read(number="2", pain="6.0", next="4/6/2026", side="left", language="Spanish")
    assert isinstance(entry, Entry)
    assert event_of(entry) == {
        "type": "session.completed",
        "timestamp": "2026-03-09T18:05:00+00:00",
        "data": {
            "session": {
                "id": session_name("4711", entry.ended_at, "left knee"),
                "ended_at": "2026-03-09T18:05:00+00:00",
                "site": "left knee",
                "protocol": "prolotherapy",
                "number": 2,
                "next_session_at": "2026-04-06T16:00:00+00:00",
                "baseline": {"pain": 6},
            },
            "patient": {
                "id": "4711",
                "given_name": "Ana",
                "phone": "+12025550123",
                "locale": "es",
                "consent": {"sms": {"at": "2026-02-02T05:00:00+00:00", "wording": "I agree.", "source": "on paper"}},
            },
        },
    }


@pytest.mark.parametrize(
    ("written", "order", "moment"),
    [
        ("2026-03-09 14:05", DateOrder.MONTH_FIRST, "2026-03-09T18:05:00+00:00"),
        ("2026-03-09T14:05:30Z", DateOrder.DAY_FIRST, "2026-03-09T14:05:30+00:00"),
        ("2026-03-09T14:05-07:00", DateOrder.DAY_FIRST, "2026-03-09T21:05:00+00:00"),
        ("2026-03-09T14:05:00.123+0100", DateOrder.DAY_FIRST, "2026-03-09T13:05:00+00:00"),
        ("2026-03-09 14:05:00-09:30", DateOrder.DAY_FIRST, "2026-03-09T23:35:00+00:00"),
        ("2026-03-09 14:05+05:45", DateOrder.DAY_FIRST, "2026-03-09T08:20:00+00:00"),
        ("3/9/2026 2:05 PM", DateOrder.MONTH_FIRST, "2026-03-09T18:05:00+00:00"),
        ("3/9/26, 12:05 a.m.", DateOrder.MONTH_FIRST, "2026-03-09T04:05:00+00:00"),
        ("9.3.2026 14:05", DateOrder.DAY_FIRST, "2026-03-09T18:05:00+00:00"),
        ("09-03-2026 14.05", DateOrder.DAY_FIRST, "2026-03-09T18:05:00+00:00"),
        # The clocks of 8 March 2026 skip from 2 to 3; those of 2 November 2025 show 1:30 twice.
        ("2026-03-08 02:30", DateOrder.YEAR_FIRST, "2026-03-08T07:30:00+00:00"),
        ("2025-11-02 01:30", DateOrder.YEAR_FIRST, "2025-11-02T05:30:00+00:00"),
    ],
)
def test_times_go_by_the_clinics_clock_unless_they_say_otherwise(written: str, order: DateOrder, moment: str) -> None:
    entry = read(Columns(MEANT.places, FIXED, order, agreed_at_session=True), ended_at=written)
    assert isinstance(entry, Entry), entry
    assert entry.ended_at.isoformat() == moment


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"patient": ""}, Field.PATIENT, "your number"),
        ({"given_name": " "}, Field.GIVEN_NAME, "given name"),
        ({"ended_at": ""}, Field.ENDED_AT, "no date"),
        ({"ended_at": "13/9/2026 10:00"}, Field.ENDED_AT, "order"),
        ({"ended_at": "2/30/2026 10:00"}, Field.ENDED_AT, "no date"),
        ({"ended_at": "3/9/1926 10:00"}, Field.ENDED_AT, "2000"),
        ({"ended_at": "3/9/2026"}, Field.ENDED_AT, "no time of day"),
        ({"ended_at": "3/9/2026", "time": "25:00"}, Field.TIME, "no time of day"),
        ({"ended_at": "3/9/2026 13:05 pm"}, Field.ENDED_AT, ""),
        # From when to when, as calendars write it, is no offset from UTC.
        ({"ended_at": "3/9/2026 09:00-09:30"}, Field.ENDED_AT, ""),
        ({"ended_at": "3/9/2026 13:00-14:00"}, Field.ENDED_AT, ""),
        ({"ended_at": "3/9/2026 09:00 -0930"}, Field.ENDED_AT, ""),
        ({"ended_at": "3/9/2026 22:00-24:00"}, Field.ENDED_AT, ""),
        ({"ended_at": "2026-03-09T22:00:00-24:00"}, Field.ENDED_AT, ""),
        ({"ended_at": "2026-03-09T22:00:00+99:99"}, Field.ENDED_AT, ""),
        ({"ended_at": "2026-03-09T22:00:00+14:15"}, Field.ENDED_AT, ""),
        ({"ended_at": "2026-03-09T22:00:00-12:30"}, Field.ENDED_AT, ""),
        ({"given_name": "Smith, John"}, Field.GIVEN_NAME, "given name alone"),
        ({"ended_at": "3/11/2026 10:00"}, Field.ENDED_AT, "lies ahead"),
        ({"site": "soul"}, Field.SITE, "no place on the body"),
        ({"number": "0"}, Field.NUMBER, "whole number"),
        ({"number": "9" * 5000}, Field.NUMBER, "whole number"),
        ({"pain": "11"}, Field.PAIN, "0 to 10"),
        ({"pain": "²"}, Field.PAIN, "0 to 10"),
        ({"sms": ""}, Field.SMS, "neither texts nor e-mail"),
        ({"sms": "perhaps"}, Field.SMS, "yes or no"),
        ({"next": "soon"}, Field.NEXT, "after the session"),
        ({"language": "Klingon"}, Field.LANGUAGE, "English or Spanish"),
        ({"agreed_at": ""}, Field.AGREED_AT, "can have agreed"),
        ({"agreed_at": "3/11/2026"}, Field.AGREED_AT, "can have agreed"),
    ],
)
def test_p10_what_is_wrong_is_said_of_its_column(changes: dict[str, str], field: Field, says: str) -> None:
    found = read(**changes)
    assert isinstance(found, list)
    assert any(one.field is field and says in one.sentence for one in found), found
    assert not any(len(value) > 3 and value in one.sentence for value in changes.values() for one in found)


def test_a_row_may_be_short_and_everything_wrong_is_found_at_once() -> None:
    found = rows.read([], MEANT, HOUSE)
    assert isinstance(found, list)
    assert {one.field for one in found} >= {Field.PATIENT, Field.GIVEN_NAME, Field.ENDED_AT, Field.SITE, Field.SMS}


def test_an_empty_cell_is_what_holds_for_all_but_never_a_yes() -> None:
    meant = Columns(MEANT.places, {**FIXED, Field.SITE: "hip", Field.SMS: "yes"}, DateOrder.MONTH_FIRST)
    entry = read(meant, site="")
    assert isinstance(entry, Entry)
    assert entry.site == "hip"
    assert isinstance(read(meant, sms=""), list)


WITHDRAWN = {"withdrawn_at": "2026-03-09T18:05:00+00:00", "source": "on paper"}


@pytest.mark.parametrize(
    ("changes", "consent"),
    [
        ({"sms": "no"}, {"sms": WITHDRAWN}),
        ({"sms": "Declined", "mail": "-", "agreed_at": ""}, {"sms": WITHDRAWN}),
        ({"sms": "no", "agreed_at": "3/10/26"},
         {"sms": {"withdrawn_at": "2026-03-10T04:00:00+00:00", "source": "on paper"}}),
        ({"sms": "", "mail": "withdrawn"}, {"email": WITHDRAWN}),
        ({"email": "ana@mail.example", "mail": "yes", "sms": "no"},
         {"sms": WITHDRAWN,
          "email": {"at": "2026-02-02T05:00:00+00:00", "wording": "I agree.", "source": "on paper"}}),
    ],
)  # fmt: skip
def test_p3_a_no_withdraws_from_the_session_on_and_an_empty_cell_says_nothing(
    changes: dict[str, str], consent: dict[str, dict[str, str]]
) -> None:
    entry = read(**changes)
    assert isinstance(entry, Entry), entry
    assert entry.consent == consent


def test_the_same_session_has_the_same_name_however_it_is_written() -> None:
    first, second = read(), read(ended_at="2026-03-09 2:05 pm", site="Knee joint")
    assert first.session == second.session
    assert read(side="right").session != first.session
    assert read(session="V-12").session == "V-12"


def test_columns_are_guessed_by_their_names() -> None:
    header = ["MRN", "First name", "Cell phone", "E-Mail", "Date of service", "Teléfono", "Body part", "junk"]
    assert columns.guess(header) == {
        Field.PATIENT: 0, Field.GIVEN_NAME: 1, Field.PHONE: 2, Field.EMAIL: 3, Field.ENDED_AT: 4, Field.SITE: 6,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("(202) 555-0123", "+12025550123"),
        ("cell 202-555-0123", "+12025550123"),
        ("202-555-0123 ext. 12", "+12025550123"),
        ("202 555 0123 x7", "+12025550123"),
        ("482-3123 mom", None),
        ("(202) 555-0123 cel", None),
        ("202-555-0123 or 202-555-0124", None),
        ("555-CARE", None),
    ],
)
def test_words_beside_a_number_are_not_dialled(written: str, read_as: str | None) -> None:
    assert international_phone(written, "911") == read_as


@pytest.mark.parametrize("name", ["Name", "Patient name", "Nombre", "Last name"])
def test_a_whole_name_is_not_taken_for_a_given_one(name: str) -> None:
    """P8: messages hold no more than the given name; whoever has only such a column says so by hand."""
    assert Field.GIVEN_NAME not in columns.guess([name])


@pytest.mark.parametrize("first", [True, False])
def test_the_order_of_dates_is_guessed_from_all_of_them(first: bool) -> None:
    assert likely_order(["3/4/2026", "3/25/2026"], month_first=first) is DateOrder.MONTH_FIRST
    assert likely_order(["3/4/2026", "25/3/2026"], month_first=first) is DateOrder.DAY_FIRST
    assert likely_order(["2026-03-04"], month_first=first) is DateOrder.YEAR_FIRST
    assert likely_order(["3/4/2026"], month_first=first) is (DateOrder.MONTH_FIRST if first else DateOrder.DAY_FIRST)


def test_what_was_chosen_is_kept_as_it_is_and_nonsense_is_left_out() -> None:
    form = {
        "column-patient": "0", "column-phone": "99", "column-email": "²", "column-side": "0" * 5000,
        "fixed-given_name": "Ana",
        "fixed-site": "hip", "fixed-wording": " I\x00 agree ", "order": "sideways", "column-agreed_at": "session",
    }  # fmt: skip
    meant = columns.chosen(form, 3)
    assert meant == Columns({Field.PATIENT: 0}, {Field.SITE: "hip", Field.WORDING: "I agree"}, agreed_at_session=True)
    assert columns.from_json(meant.as_json()) == meant


def test_what_is_not_chosen_yet_is_said() -> None:
    assert set(columns.amiss(Columns())) == {
        Field.PATIENT, Field.GIVEN_NAME, Field.ENDED_AT, Field.SITE, Field.SMS, Field.WORDING, Field.SOURCE,
        Field.AGREED_AT, Field.PROTOCOL,
    }  # fmt: skip
    assert columns.amiss(MEANT) == {}
    fixed = {**FIXED, Field.TIME: "noon", Field.AGREED_AT: "then", Field.MAIL: "yes"}
    assert set(columns.amiss(Columns(MEANT.places, fixed))) == {Field.TIME, Field.AGREED_AT}


def test_findings_are_kept_small_and_paged_by_rows() -> None:
    found = [Finding(row, field, "Write yes or no.") for row in range(2, 20_002) for field in (Field.SMS, Field.MAIL)]
    kept = packed(found)
    assert unpacked(kept) == found
    assert len(kept) < 300_000
    shown, further = page(found, 50)
    assert (len(shown), further) == (100, 51)
    last, none = page(found[-2:], 50)
    assert ([one.row for one in last], none) == ([20_001, 20_001], None)
    assert page([], 50) == ([], None)
