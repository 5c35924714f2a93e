"""The figures' rules by example: which facts count for what, in which order, and what is said of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.care import bars
from service.care.answering import Ask, named, rates, times
from service.care.attending import Heard, attending, in_time
from service.care.delivery import Fate, delivery
from service.care.escalation import OfficeHours
from service.care.figures import Column, Drawn, Figure, Line, Unit
from service.care.improvement import Judged, Outcome, judgements, outcomes
from service.care.lifecycle import Channel, Reason, State
from service.care.provider_codes import meaning_of
from service.care.scores import Thresholds
from service.care.urgency import Urgency

SMS, EMAIL = Channel.SMS, Channel.EMAIL
MONDAY = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
"""Ten in the morning in New York."""
HOURS = OfficeHours(
    {day: ["09:00", "17:00"] for day in ("mon", "tue", "wed", "thu", "fri")}, ZoneInfo("America/New_York")
)


@pytest.mark.parametrize(
    ("step", "words"), [("day1", "Day 1"), ("next_visit", "Next visit"), ("week12", "Week 12"), ("welcome", "Welcome")]
)
def test_steps_in_words(step: str, words: str) -> None:
    assert named(step) == words


def test_rates_stand_in_the_order_of_the_plan_and_unknown_steps_last() -> None:
    asks = [
        Ask(one, one, step, channel, None if one else 5.0)
        for one in range(5)
        for step in ("week6", "day1", "old")
        for channel in (EMAIL, SMS)
    ]
    found = rates(asks, ("day1", "week6"))
    assert [one.labels for one in found.lines] == [
        (step, channel) for step in ("Day 1", "Week 6", "Old") for channel in ("E-mail", "Text")
    ]
    assert found.lines[0].values == (5, 1, 20)
    assert found.total == Line(("All",), 5, (30, 6, 20))


def test_who_was_asked_twice_waited_from_the_first_time_on() -> None:
    asks = [
        Ask(one, one, "day1", channel, minutes) for one in range(5) for channel, minutes in ((SMS, 90), (EMAIL, 30))
    ]
    assert times(asks).lines == (Line(("Day 1",), 5, (5, 90, 90, 90, 0, 100)),)


def test_what_was_answered_before_it_was_asked_for_has_no_time() -> None:
    assert times([Ask(one, one, "day1", SMS, -3) for one in range(9)]).lines == ()


def test_delivery_says_what_the_code_means() -> None:
    fates = [
        *[Fate(one, SMS, State.DELIVERED, Reason.CONFIRMED, messages=3) for one in range(9)],
        *[Fate(one, SMS, State.UNDELIVERED, Reason.UNREACHABLE, "30003") for one in range(5)],
        *[Fate(one, SMS, State.EXPIRED, Reason.WINDOW_CLOSED) for one in range(8)],
        *[Fate(one, EMAIL, State.SENT, Reason.HANDED_OVER) for one in range(6)],
    ]
    assert [(one.labels, one.values) for one in delivery(fates).lines] == [
        (("Text", "Arrived", ""), (27, 67.5)),
        (("Text", "It could not be sent while it was still useful", ""), (8, 20)),
        (("Text", "The phone was off or out of reach", "30003"), (5, 12.5)),
        (("E-mail", "Handed over, no report yet", ""), (6, 100)),
    ]


def test_a_small_failure_takes_the_channels_shares_along() -> None:
    """Else a hundred less what arrived were what did not."""
    fates = [
        *[Fate(one, SMS, State.DELIVERED, Reason.CONFIRMED) for one in range(9)],
        *[Fate(one, EMAIL, State.DELIVERED, Reason.CONFIRMED) for one in range(9)],
        Fate(1, SMS, State.FAILED, Reason.BAD_ADDRESS, "21614"),
    ]
    found = delivery(fates)
    assert [(one.patients, one.values) for one in found.lines] == [(9, (9, None)), (None, (None, None)), (9, (9, 100))]
    assert found.total is None


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("30007", "The carrier took it for spam"),
        ("5.1.1", "The mail server knows no such address"),
        ("5.10.1", None),
        ("4.2.2", "The mail server put it off until it was too late"),
        ("unsubscribed", "They had unsubscribed"),
        ("99999", None),
        ("", None),
        (None, None),
    ],
)
def test_codes_in_words(code: str | None, words: str | None) -> None:
    assert meaning_of(code) == words


def test_outcomes_are_medians_by_site_and_number() -> None:
    found = [Outcome(one, "lower_back", 1, 8, now) for one, now in enumerate((2, 4, 6, 7, 8))]
    found += [Outcome(one, "knee", number, 5, 5) for one in range(5) for number in (6, 9)]
    found += [Outcome(9, "hip", None, 5, 5)]
    figure = outcomes(found, "nrs", Thresholds())
    assert figure.lines == (
        Line(("Hip", "session not numbered"), None, (None,) * 7),
        Line(("Knee", "session 6 or later"), 5, (0, 0, 0, 0, 5, 5, 10)),
        Line(("Lower back", "session 1"), 5, (-2, -4, -1, 60, 8, 6, 5)),
    )
    assert figure.total is None


def test_judgements_are_shares_by_site_and_number() -> None:
    found = [Judged(one, "lower_back", 1, pgic) for one, pgic in enumerate((1, 2, 3, 4, 5))]
    found += [Judged(one, "knee", 2, pgic) for one, pgic in enumerate((2, 2, 6, 7, 4, 4, 4, 1))]
    found += [Judged(9, "hip", None, 1)]
    figure = judgements(found)
    assert figure.lines == (
        Line(("Hip", "session not numbered"), None, (None,) * 3),
        Line(("Knee", "session 2"), 8, (37.5, 25, 8)),
        Line(("Lower back", "session 1"), 5, (40, 20, 5)),
    )
    assert figure.total is None


@pytest.mark.parametrize(
    ("urgency", "since", "taken", "now", "expected"),
    [
        (Urgency.EMERGENCY, 0, 10, 60, True),
        (Urgency.EMERGENCY, 0, 11, 60, False),
        (Urgency.EMERGENCY, 0, None, 10, None),  # there is still time
        (Urgency.EMERGENCY, 0, None, 11, False),
        (Urgency.URGENT, 0, 60, 600, True),
        (Urgency.URGENT, 0, 61, 600, False),
        (Urgency.NEXT_BUSINESS_DAY, 0, 47 * 60, 9999, True),  # until Wednesday at nine
        (Urgency.NEXT_BUSINESS_DAY, 0, 48 * 60, 9999, False),
        (Urgency.NEXT_BUSINESS_DAY, 4 * 24 * 60, 7 * 24 * 60 + 600, 99999, True),  # Friday: through Monday
        (Urgency.WATCH, 0, 5, 60, None),
    ],
)
def test_in_time(urgency: Urgency, since: int, taken: int | None, now: int, expected: bool | None) -> None:
    def at(minutes: int) -> datetime:
        return MONDAY + timedelta(minutes=minutes)

    alert = Heard(1, urgency, at(since), None if taken is None else at(taken))
    assert in_time(alert, HOURS, at(now)) is expected


def test_alerts_that_wait_count_against_the_clinic_once_their_time_is_over() -> None:
    taken = [Heard(one, Urgency.URGENT, MONDAY, MONDAY + timedelta(minutes=10 * one)) for one in range(1, 9)]
    waits = [Heard(9, Urgency.URGENT, MONDAY, None), Heard(10, Urgency.URGENT, MONDAY + timedelta(hours=3), None)]
    figure = attending([*taken, *waits], HOURS, MONDAY + timedelta(hours=3))
    (line,) = figure.lines
    assert line.labels == ("Urgent", "within 1 h")
    assert line.values == (10, 8, 45, 73, pytest.approx(100 * 6 / 9))


def one_line(unit: Unit, *values: float | None) -> Figure:
    names = ("low", "middle", "high")
    columns = tuple(Column(name, unit, name) for name in names)
    return Figure(("Group",), columns, (Line(("A",), 5, values),), None, Drawn("middle", "low", "high"))


@given(st.sampled_from([Unit.PERCENT, Unit.MINUTES, Unit.CHANGE]), st.tuples(*[st.floats(0, 100)] * 3), st.booleans())
def test_everything_lies_in_the_picture_in_its_order(unit: Unit, numbers: tuple[float, ...], negative: bool) -> None:
    values = sorted(-one if negative and unit is Unit.CHANGE else one for one in numbers)
    drawn = bars.picture(one_line(unit, *values))
    assert drawn is not None
    (bar,) = drawn.bars
    assert bars.LEFT <= bar.start <= bar.middle <= bar.end <= bars.WIDTH - bars.RIGHT
    places = [tick.x for tick in drawn.ticks]
    assert places == sorted(places)
    assert (places[0], places[-1]) == (bars.LEFT, bars.WIDTH - bars.RIGHT)


def test_what_is_hidden_is_not_drawn() -> None:
    assert bars.picture(one_line(Unit.PERCENT, None, None, None)) is None
