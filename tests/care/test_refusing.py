"""A no in a row that cannot be entered: what it says, since when, and whose it is."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from service.care import rows
from service.care.columns import Columns, Field
from service.care.refusing import Refusal, event_of, key_of, whose
from service.care.rows import House

HOUSE = House(ZoneInfo("America/New_York"), "911", datetime(2026, 3, 10, 16, 0, tzinfo=UTC))
HEADER = (Field.PATIENT, Field.GIVEN_NAME, Field.PHONE, Field.EMAIL, Field.ENDED_AT, Field.TIME, Field.SMS,
          Field.MAIL, Field.AGREED_AT, Field.SOURCE)  # fmt: skip
MEANT = Columns({what: place for place, what in enumerate(HEADER)})
SAID = {
    Field.PATIENT: "4711", Field.GIVEN_NAME: " Ana  María ", Field.PHONE: "(202) 555-0123", Field.EMAIL: "a@b.example",
    Field.ENDED_AT: "2026-03-09 14:05", Field.SMS: "no", Field.SOURCE: "on paper",
}  # fmt: skip


def refusal(meant: Columns = MEANT, **changes: str) -> Refusal | None:
    said = {**SAID, **{Field(name): value for name, value in changes.items()}}
    return rows.refusal([said.get(what, "") for what in HEADER], meant, HOUSE)


def test_p3_a_no_says_whose_it_is_and_since_when() -> None:
    ended_at = datetime(2026, 3, 9, 18, 5, tzinfo=UTC)
    assert refusal() == Refusal("4711", "Ana María", "+12025550123", "a@b.example", ("sms",), ended_at, "on paper")


@pytest.mark.parametrize(("sms", "mail", "channels"), [
    ("no", "Declined", ("sms", "email")), ("no", "yes", ("sms",)), ("perhaps", "withdrawn", ("email",)),
])  # fmt: skip
def test_p3_each_channel_is_read_by_itself(sms: str, mail: str, channels: tuple[str, ...]) -> None:
    found = refusal(sms=sms, mail=mail)
    assert found is not None
    assert found.channels == channels


@pytest.mark.parametrize(("sms", "mail"), [("yes", ""), ("", ""), ("-", "x"), ("never", "")])
def test_what_is_not_a_no_takes_nothing_back(sms: str, mail: str) -> None:
    assert refusal(sms=sms, mail=mail) is None


@pytest.mark.parametrize(("changes", "since"), [
    ({"agreed_at": "2026-02-02"}, datetime(2026, 3, 9, 18, 5, tzinfo=UTC)),
    ({"agreed_at": "2026-03-10"}, datetime(2026, 3, 10, 4, 0, tzinfo=UTC)),
    ({"agreed_at": "soon"}, None), ({"agreed_at": "2026-03-11"}, None), ({"ended_at": "soon"}, None),
    ({"ended_at": "2026-03-09"}, None), ({"ended_at": "2026-03-11 09:00"}, None),
    ({"ended_at": "soon", "agreed_at": "2026-03-01"}, None),
])  # fmt: skip
def test_p3_since_when_is_known_only_where_every_day_is(changes: dict[str, str], since: datetime | None) -> None:
    found = refusal(**changes)
    assert found is not None
    assert found.since == since


def test_of_the_session_s_day_nothing_else_is_asked() -> None:
    meant = Columns({**MEANT.places}, agreed_at_session=True)
    found = refusal(meant, agreed_at="soon")
    assert found is not None
    assert found.since == datetime(2026, 3, 9, 18, 5, tzinfo=UTC)


@pytest.mark.parametrize(("name", "reached", "found"), [
    ("Ana", {"p1": "Ana"}, "p1"), ("ANA", {"p1": "Ana", "p2": "Bo"}, "p1"), ("", {"p1": "Ana"}, "p1"),
    ("Ana", {}, None), ("Bo", {"p1": "Ana"}, None), ("", {"p1": "Ana", "p2": "Bo"}, None),
    ("Ana", {"p1": "Ana", "p2": "ana"}, None),
])  # fmt: skip
def test_p3_a_phone_leads_to_one_patient_or_to_none(name: str, reached: dict[str, str], found: str | None) -> None:
    assert whose(Refusal("", name, "+12025550123", "", ("sms",), None, ""), reached) == found


def test_p8_the_key_of_the_event_does_not_hold_who_it_is() -> None:
    since = datetime(2026, 3, 9, 18, 5, tzinfo=UTC)
    assert "4711" not in key_of("4711", ("sms",), since)
    assert key_of("4711", ("sms",), since) != key_of("4711", ("email",), since)


def test_the_event_is_one_that_is_taken_whatever_the_row_holds() -> None:
    words = event_of("4711", ("sms",), datetime(2026, 3, 9, tzinfo=UTC), "\x1b")["data"]["patient"]["consent"]
    assert words == {"sms": {"withdrawn_at": "2026-03-09T00:00:00+00:00", "source": "a file"}}
