"""P9, the rules: who hears of an alert, when, and by what. No database in here."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.care.escalation import (
    HOUSE,
    AlertFacts,
    Ladder,
    Ladders,
    Notice,
    OfficeHours,
    Person,
    detour,
    first_look,
    schedule,
)
from service.care.lifecycle import Channel
from service.care.urgency import Urgency

SMS, EMAIL = Channel.SMS, Channel.EMAIL
BOTH = frozenset({SMS, EMAIL})
NEW_YORK = ZoneInfo("America/New_York")
WEEK = {day: ["09:00", "17:00"] for day in ("mon", "tue", "wed", "thu", "fri")}
HOURS = OfficeHours(WEEK, NEW_YORK)
ANN, BOB, CAT, DAN = (Person(1, BOTH), Person(2, BOTH), Person(3, BOTH, on_call=True), Person(4, BOTH))
TEAM = (ANN, BOB, CAT, DAN)
MONDAY_NOON = datetime(2026, 3, 2, 12, 0, tzinfo=NEW_YORK).astimezone(UTC)
MONDAY_NIGHT = datetime(2026, 3, 2, 23, 0, tzinfo=NEW_YORK).astimezone(UTC)
SATURDAY = datetime(2026, 3, 7, 10, 0, tzinfo=NEW_YORK).astimezone(UTC)


def facts(urgency: Urgency, since: datetime = MONDAY_NOON, **more: object) -> AlertFacts:
    known: dict[str, object] = {
        "urgency": urgency, "since": since, "contacts": TEAM, "house": Person(HOUSE, BOTH), "hours": HOURS,
    }  # fmt: skip
    return AlertFacts(**{**known, **more})  # type: ignore[arg-type]


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def heard(urgency: Urgency, since: datetime, after: float, **more: object) -> tuple[list[int], float | None]:
    """Who hears `after` minutes, and at which minute the next round is."""
    found = schedule(facts(urgency, since, **more), since + minutes(after))
    at = None if found.next_at is None else (found.next_at - since) / minutes(1)
    return list(dict.fromkeys(one.contact_id for one in found.notices)), at


@pytest.mark.parametrize(
    ("urgency", "since", "after", "who", "next_at"),
    [
        # an emergency: whoever is on call too, at once and at any hour
        (Urgency.EMERGENCY, MONDAY_NOON, 0, [1, 3], 5),
        (Urgency.EMERGENCY, MONDAY_NOON, 5, [1, 2, 3], 10),
        (Urgency.EMERGENCY, MONDAY_NOON, 10, [1, 2, 3], 20),
        (Urgency.EMERGENCY, MONDAY_NOON, 20, [1, 2, 3, 4], 30),
        (Urgency.EMERGENCY, MONDAY_NOON, 30, [1, 2, 3, 4], 40),
        (Urgency.EMERGENCY, MONDAY_NOON, 24 * 60, [1, 2, 3, 4], 24 * 60 + 10),
        # a clock that was away: as wide as it would have been by then
        (Urgency.EMERGENCY, MONDAY_NOON, 7, [1, 2, 3], 10),
        (Urgency.EMERGENCY, MONDAY_NOON, 187, [1, 2, 3, 4], 190),
        (Urgency.EMERGENCY, MONDAY_NIGHT, 0, [1, 3], 5),
        (Urgency.EMERGENCY, SATURDAY, 5, [1, 2, 3], 10),
        # what is urgent: in their order by day, on nights and weekends with whoever is on call
        (Urgency.URGENT, MONDAY_NOON, 0, [1], 20),
        (Urgency.URGENT, MONDAY_NOON, 20, [1, 2], 40),
        (Urgency.URGENT, MONDAY_NOON, 40, [1, 2, 3], 100),
        (Urgency.URGENT, MONDAY_NOON, 100, [1, 2, 3, 4], 160),
        (Urgency.URGENT, MONDAY_NIGHT, 0, [1, 3], 20),
        (Urgency.URGENT, SATURDAY, 20, [1, 2, 3], 40),
        (Urgency.WATCH, MONDAY_NOON, 0, [], None),
    ],
)
def test_the_ladders(urgency: Urgency, since: datetime, after: float, who: list[int], next_at: float | None) -> None:
    assert heard(urgency, since, after) == (who, next_at)


@pytest.mark.parametrize("urgency", [Urgency.EMERGENCY, Urgency.URGENT])
def test_a_page_goes_out_on_every_channel_of_a_contact(urgency: Urgency) -> None:
    assert {one.channel for one in schedule(facts(urgency), MONDAY_NOON).notices} == BOTH


@pytest.mark.parametrize(
    ("since", "opening"),
    [
        (datetime(2026, 3, 2, 12, 0, tzinfo=NEW_YORK), datetime(2026, 3, 3, 9, 0, tzinfo=NEW_YORK)),
        (datetime(2026, 3, 2, 8, 59, tzinfo=NEW_YORK), datetime(2026, 3, 2, 9, 0, tzinfo=NEW_YORK)),
        (datetime(2026, 3, 2, 9, 0, tzinfo=NEW_YORK), datetime(2026, 3, 3, 9, 0, tzinfo=NEW_YORK)),
        # over a weekend on which the clocks go forward, and one on which they go back
        (datetime(2026, 3, 6, 18, 0, tzinfo=NEW_YORK), datetime(2026, 3, 9, 9, 0, tzinfo=NEW_YORK)),
        (datetime(2026, 10, 30, 18, 0, tzinfo=NEW_YORK), datetime(2026, 11, 2, 9, 0, tzinfo=NEW_YORK)),
    ],
)
def test_what_can_wait_waits_for_the_next_opening(since: datetime, opening: datetime) -> None:
    """DST: the wall clock shows nine, also when the night before was an hour shorter or longer."""
    since = since.astimezone(UTC)
    assert first_look(Urgency.NEXT_BUSINESS_DAY, since, HOURS) == opening
    found = schedule(facts(Urgency.NEXT_BUSINESS_DAY, since), opening.astimezone(UTC))
    assert found.notices == (Notice(1, EMAIL),)


def test_each_opening_widens_what_can_wait() -> None:
    openings = HOURS.openings(MONDAY_NOON)
    known = facts(Urgency.NEXT_BUSINESS_DAY)
    heard = [[one.contact_id for one in schedule(known, next(openings)).notices] for _ in range(6)]
    assert heard == [[1], [1, 2], [1, 2, 3], [1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4]]
    assert schedule(known, MONDAY_NOON + timedelta(days=365)).everybody


@pytest.mark.parametrize("opening", [{}, {"sun": []}])
def test_a_clinic_without_hours_is_still_told(opening: dict[str, list[str]]) -> None:
    hours = OfficeHours(opening, NEW_YORK)
    assert first_look(Urgency.NEXT_BUSINESS_DAY, MONDAY_NOON, hours) == datetime(2026, 3, 3, 9, 0, tzinfo=NEW_YORK)
    assert [one.contact_id for one in schedule(facts(Urgency.URGENT, hours=hours), MONDAY_NOON).notices] == [1, 1, 3, 3]


def test_a_lunch_break_is_closed_and_opens_nothing() -> None:
    hours = OfficeHours({"mon": ["09:00", "12:00", "13:00", "17:00"], "tue": ["10:00", "12:00"]}, NEW_YORK)
    assert not hours.is_open(datetime(2026, 3, 2, 12, 30, tzinfo=NEW_YORK))
    assert next(hours.openings(MONDAY_NOON)) == datetime(2026, 3, 3, 10, 0, tzinfo=NEW_YORK)


@pytest.mark.parametrize("urgency", [Urgency.EMERGENCY, Urgency.URGENT])
def test_with_no_contacts_the_clinic_itself_is_told_and_the_operator_must_know(urgency: Urgency) -> None:
    found = schedule(facts(urgency, contacts=()), MONDAY_NOON)
    assert {one.contact_id for one in found.notices} == {HOUSE}
    assert found.nobody
    assert found.next_at is not None


def test_with_no_contacts_what_can_wait_goes_to_the_clinics_mail() -> None:
    known = facts(Urgency.NEXT_BUSINESS_DAY, contacts=())
    found = schedule(known, next(HOURS.openings(MONDAY_NOON)))
    assert found.nobody
    assert {one.contact_id for one in found.notices} == {HOUSE}


@pytest.mark.parametrize(
    ("first", "dead", "who"),
    [
        (Person(1, frozenset({SMS})), frozenset({SMS}), [1, 2]),
        (Person(1, frozenset({EMAIL})), frozenset({EMAIL}), [1, 2]),
        (Person(1, BOTH), frozenset({SMS}), [1]),
        (Person(1, BOTH), BOTH, [1, 2, 3, 4, HOUSE]),
    ],
)
def test_who_cannot_be_reached_does_not_count(first: Person, dead: frozenset[Channel], who: list[int]) -> None:
    """P9, a dead provider: the next contact is told in place of one who has no other channel."""
    known = facts(Urgency.URGENT, contacts=(first, BOB, CAT, DAN), dead=dead)
    assert heard(Urgency.URGENT, MONDAY_NOON, 0, contacts=known.contacts, dead=dead)[0] == who


@pytest.mark.parametrize(
    ("dead", "failed", "channel"),
    [
        (frozenset(), frozenset(), EMAIL),
        (frozenset({EMAIL}), frozenset(), SMS),
        (frozenset(), frozenset({(1, EMAIL)}), SMS),
        (frozenset({SMS}), frozenset(), EMAIL),
    ],
)
def test_what_can_wait_goes_by_text_when_mail_does_not_work(
    dead: frozenset[Channel], failed: frozenset[tuple[int, Channel]], channel: Channel
) -> None:
    known = facts(Urgency.NEXT_BUSINESS_DAY, dead=dead, failed=failed)
    assert schedule(known, next(HOURS.openings(MONDAY_NOON))).notices == (Notice(1, channel),)


def test_a_failed_page_goes_to_the_next_contact_at_once_and_only_once() -> None:
    tried = frozenset({(1, SMS), (1, EMAIL)})
    known = facts(Urgency.URGENT, tried=tried, failed=tried)
    around = detour(known, MONDAY_NOON + minutes(1))
    assert around.notices == (Notice(2, EMAIL), Notice(2, SMS))
    told = replace(known, tried=tried | {(2, SMS), (2, EMAIL)})
    assert detour(told, MONDAY_NOON + minutes(2)).notices == ()


def test_half_a_failure_is_none() -> None:
    known = facts(Urgency.URGENT, tried=frozenset({(1, SMS), (1, EMAIL)}), failed=frozenset({(1, SMS)}))
    assert detour(known, MONDAY_NOON + minutes(1)).notices == ()


def test_whoever_knew_already_hears_that_it_became_worse() -> None:
    since = MONDAY_NOON + minutes(45)
    known = facts(Urgency.EMERGENCY, since, tried=frozenset({(1, SMS), (2, SMS), (3, SMS)}))
    assert {one.contact_id for one in schedule(known, since).notices} == {1, 2, 3}


@pytest.mark.parametrize("bad", [Ladder((), timedelta(0)), Ladder((minutes(5), minutes(5)), minutes(1))])
def test_a_ladder_must_climb(bad: Ladder) -> None:
    with pytest.raises(ValueError, match="climb"):
        Ladders(urgent=bad)


people = st.lists(
    st.builds(Person, st.integers(1, 6), st.sets(st.sampled_from(Channel), min_size=1).map(frozenset), st.booleans()),
    max_size=6,
    unique_by=lambda person: person.id,
)
pairs = st.frozensets(st.tuples(st.integers(0, 6), st.sampled_from(Channel)))


@given(
    urgency=st.sampled_from([Urgency.EMERGENCY, Urgency.URGENT, Urgency.NEXT_BUSINESS_DAY]),
    since=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    contacts=people,
    tried=pairs,
    failed=pairs,
    dead=st.frozensets(st.sampled_from(Channel)),
    hops=st.integers(1, 12),
)
def test_it_never_falls_silent_and_never_narrows(
    urgency: Urgency,
    since: datetime,
    contacts: list[Person],
    tried: frozenset[tuple[int, Channel]],
    failed: frozenset[tuple[int, Channel]],
    dead: frozenset[Channel],
    hops: int,
) -> None:
    """P9: from any facts there is a next round; each is later, tells somebody, and no fewer than the last."""
    known = facts(urgency, since, contacts=tuple(contacts), tried=tried, failed=failed, dead=dead)
    now = first_look(urgency, since, HOURS)
    before: set[int] = set()
    for _ in range(hops):
        assert now is not None
        found = schedule(known, now)
        told = {one.contact_id for one in found.notices}
        # Whoever was told only for being on call while the clinic was closed is remembered by `tried`.
        known = replace(known, tried=known.tried | {(one.contact_id, one.channel) for one in found.notices})
        assert told >= before
        assert told
        assert found.next_at is not None
        assert found.next_at > now
        before, now = told, found.next_at
    assert now is not None
    assert len(before) >= min(len(contacts), 1)
