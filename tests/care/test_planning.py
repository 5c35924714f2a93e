"""From a session to its messages: times, windows, and why a message is not sent."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.care.lifecycle import Channel, Reason, State
from service.care.localtime import QuietHours, is_open
from service.care.planning import PlanFacts, PlannedMessage, plan
from service.care.protocol import (
    Anchor,
    BeforeNextVisit,
    Elapsed,
    OnMiss,
    Protocol,
    Send,
    Step,
    WallClock,
    When,
    Wording,
)

SMS, EMAIL = Channel.SMS, Channel.EMAIL
NEW_YORK = ZoneInfo("America/New_York")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PLANNED = (State.PLANNED, Reason.NOT_YET_DUE)


def a_step(name: str, when: When, *sends: Send, window: timedelta = DAY, **more: object) -> Step:
    made = Step(
        id=name,
        anchor=Anchor.SESSION,
        when=when,
        sends=sends or (Send(SMS),),
        window=window,
        on_miss=OnMiss.SKIP,
        words={"en": Wording(sms="Hello")},
        reminder_words={},
    )
    return replace(made, **more)  # type: ignore[arg-type]


def reminders(*delays: timedelta) -> tuple[Send, ...]:
    first, *later = delays
    return (
        Send(SMS),
        Send(SMS, "reminder", first, only_unanswered=True),
        *(Send(EMAIL, "reminder2", delay, only_unanswered=True) for delay in later),
    )


def day(number: int, at: str = "09:30") -> WallClock:
    return WallClock(number, time.fromisoformat(at))


BOTH = (Send(SMS), Send(EMAIL))
LATER_MAIL = (*reminders(48 * HOUR, 7 * DAY), Send(EMAIL, "later", DAY, only_unanswered=True))
NEXT_VISIT = a_step("next_visit", BeforeNextVisit(7, 21, time(10)), *BOTH, window=72 * HOUR)
WELCOME = a_step(
    "welcome",
    Elapsed(timedelta(minutes=15)),
    *BOTH,
    window=12 * HOUR,
    survey="S0",
    survey_only_without_baseline=True,
)
EVENING = a_step("evening", day(0, "18:30"), window=3 * HOUR, skip_if_ended_after=time(18))
NIGHT = a_step("s", day(1, "21:30"), window=9 * HOUR)
WHOLE = Protocol(
    "prolotherapy",
    ("en",),
    (
        WELCOME,
        EVENING,
        a_step("day1", day(1), *reminders(5 * HOUR), survey="S1"),
        a_step("comfort", day(2), *BOTH),
        a_step("day3", day(3), *reminders(5 * HOUR), survey="S2"),
        a_step("activity", day(5, "10:00"), *BOTH, window=72 * HOUR),
        a_step("day7", day(7), *reminders(5 * HOUR), window=72 * HOUR, survey="S3"),
        a_step("day14", day(14), *reminders(48 * HOUR, 7 * DAY), window=72 * HOUR, survey="S4"),
        NEXT_VISIT,
        a_step("patience", day(28, "10:00"), Send(EMAIL), window=72 * HOUR, on_miss=OnMiss.SEND),
        a_step("week6", day(42), *LATER_MAIL, window=72 * HOUR, survey="S5", anchor=Anchor.COURSE),
        a_step("week12", day(84), *LATER_MAIL, window=72 * HOUR, survey="S6", anchor=Anchor.COURSE),
    ),
)


def at(text: str, zone: ZoneInfo = NEW_YORK) -> datetime:
    """A wall time; seconds are never needed."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def facts(ended: str = "2026-01-14 14:00", zone: str = "America/New_York", **more: object) -> PlanFacts:
    ended_at = at(ended, ZoneInfo(zone))
    made = PlanFacts(
        ended_at=ended_at,
        next_session_at=None,
        has_baseline=False,
        timezone=ZoneInfo(zone),
        quiet=QuietHours(),
        reachable={SMS: None, EMAIL: None},
        superseded_from=None,
        now=ended_at,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def the_only(step: Step, given_facts: PlanFacts) -> PlannedMessage:
    return named(step, given_facts)[step.id, step.sends[0].channel]


def named(step: Step, given_facts: PlanFacts) -> dict[tuple[str, Channel], PlannedMessage]:
    return {(message.step, message.channel): message for message in plan(Protocol("p", ("en",), (step,)), given_facts)}


def outcome(message: PlannedMessage) -> tuple[State, Reason]:
    return message.state, message.reason


@pytest.mark.parametrize(
    ("zone", "ended", "when", "due"),
    [
        # wall time kept over a clock change
        ("America/New_York", "2026-03-07 14:00", day(0, "18:30"), "2026-03-07 23:30"),
        ("America/New_York", "2026-03-07 14:00", day(1), "2026-03-08 13:30"),
        ("America/New_York", "2026-10-31 14:00", day(1), "2026-11-01 14:30"),
        ("Europe/London", "2026-10-01 14:00", day(84), "2026-12-24 09:30"),
        ("Europe/London", "2026-03-01 14:00", day(84), "2026-05-24 08:30"),
        # southern hemisphere
        ("Australia/Sydney", "2026-04-04 14:00", day(1), "2026-04-04 23:30"),
        ("Pacific/Auckland", "2026-09-26 14:00", day(1), "2026-09-26 20:30"),
        # half-hour and quarter-hour zones, half-hour clock change
        ("Asia/Kolkata", "2026-01-14 14:00", day(3), "2026-01-17 04:00"),
        ("Asia/Kathmandu", "2026-01-14 14:00", day(3), "2026-01-17 03:45"),
        ("Australia/Lord_Howe", "2026-10-03 14:00", day(1), "2026-10-03 22:30"),
        # the date line: 30 December 2011 never was in Samoa
        ("Pacific/Apia", "2011-12-29 14:00", day(1), "2011-12-30 19:30"),
        ("Pacific/Apia", "2011-12-29 14:00", day(2), "2011-12-30 19:30"),
        ("Pacific/Apia", "2011-12-29 14:00", day(3), "2011-12-31 19:30"),
        ("Pacific/Kiritimati", "2026-01-14 14:00", day(1), "2026-01-14 19:30"),
        # abolished clock changes, and Morocco's month without
        ("America/Sao_Paulo", "2026-10-30 14:00", day(7), "2026-11-06 12:30"),
        ("Europe/Istanbul", "2026-10-20 14:00", day(7), "2026-10-27 06:30"),
        ("Africa/Casablanca", "2026-02-10 14:00", day(7), "2026-02-17 09:30"),
        # a session after midnight counts from its own local day
        ("America/New_York", "2026-01-15 00:30", day(1), "2026-01-16 14:30"),
        # elapsed: real hours, whatever the clock does
        ("America/New_York", "2026-03-07 20:00", Elapsed(14 * HOUR), "2026-03-08 15:00"),
        ("America/New_York", "2026-01-14 14:00", Elapsed(15 * timedelta(minutes=1)), "2026-01-14 19:15"),
        # quiet hours move to the next opening
        ("America/New_York", "2026-01-14 20:50", Elapsed(15 * timedelta(minutes=1)), "2026-01-15 13:00"),
        ("America/New_York", "2026-03-07 20:50", Elapsed(15 * timedelta(minutes=1)), "2026-03-08 12:00"),
        ("America/New_York", "2026-01-14 14:00", day(1, "06:00"), "2026-01-15 13:00"),
        ("America/New_York", "2026-01-14 14:00", day(1, "21:00"), "2026-01-16 13:00"),
    ],
)
def test_p4_due(zone: str, ended: str, when: When, due: str) -> None:
    message = the_only(a_step("s", when), facts(ended, zone))
    assert (message.due_at, outcome(message)) == (at(due, ZoneInfo("UTC")), PLANNED)


@pytest.mark.parametrize(
    ("step", "ended", "now", "due", "state", "reason"),
    [
        (EVENING, "01-14 17:59", "01-14 17:59", "01-14 18:30", *PLANNED),
        (EVENING, "01-14 18:00", "01-14 18:00", "01-14 18:30", *PLANNED),
        (EVENING, "01-14 18:01", "01-14 18:01", "01-14 18:30", State.SKIPPED, Reason.ENDED_TOO_LATE),
        # ended after its hour, but nothing says to skip it: at once, inside the window
        (replace(EVENING, skip_if_ended_after=None), "01-14 19:00", "01-14 19:00", "01-14 19:00", *PLANNED),
        (a_step("s", day(0), window=3 * HOUR), "01-14 14:00", "01-14 14:00", "01-14 09:30", State.EXPIRED, None),
        # told late: inside the window at once, or at the next opening; after it never
        (a_step("s", day(1)), "01-14 14:00", "01-15 12:00", "01-15 12:00", *PLANNED),
        (a_step("s", day(1)), "01-14 14:00", "01-15 22:00", "01-16 08:00", *PLANNED),
        (a_step("s", day(1)), "01-14 14:00", "01-16 09:29", "01-16 09:29", *PLANNED),
        (a_step("s", day(1)), "01-14 14:00", "01-16 09:30", "01-15 09:30", State.EXPIRED, None),
        (a_step("s", day(1), window=13 * HOUR), "01-14 14:00", "01-15 21:30", "01-15 09:30", State.EXPIRED, None),
        # the next opening is past the window, or inside the further window of a step that is still useful late
        (
            a_step("s", day(1, "21:30"), window=9 * HOUR),
            "01-14 14:00",
            "01-14 14:00",
            "01-15 21:30",
            State.EXPIRED,
            None,
        ),
        (replace(NIGHT, on_miss=OnMiss.SEND), "01-14 14:00", "01-14 14:00", "01-16 08:00", *PLANNED),
        (a_step("s", day(1), on_miss=OnMiss.SEND), "01-14 14:00", "01-17 09:29", "01-17 09:29", *PLANNED),
        (a_step("s", day(1), on_miss=OnMiss.SEND), "01-14 14:00", "01-17 09:30", "01-15 09:30", State.EXPIRED, None),
    ],
)
def test_p4_too_late_or_moved(step: Step, ended: str, now: str, due: str, state: State, reason: Reason | None) -> None:
    message = the_only(step, facts(f"2026-{ended}", now=at(f"2026-{now}")))
    assert message.due_at == at(f"2026-{due}")
    assert outcome(message) == (state, reason or Reason.WINDOW_CLOSED)


@pytest.mark.parametrize(
    ("visit", "now", "due", "until", "state"),
    [
        (None, "01-14 14:00", "02-04 10:00", "02-07 10:00", State.PLANNED),
        ("02-11 15:00", "01-14 14:00", "02-04 10:00", "02-07 10:00", State.PLANNED),
        ("02-11 15:00", "02-05 12:00", "02-05 12:00", "02-07 10:00", State.PLANNED),
        # seven days before has passed: as soon as may be, while the visit is a day or more away
        ("01-19 15:00", "01-14 14:00", "01-14 14:00", "01-17 14:00", State.PLANNED),
        ("01-19 15:00", "01-14 22:00", "01-15 08:00", "01-18 08:00", State.PLANNED),
        ("01-16 09:00", "01-14 14:00", "01-14 14:00", "01-16 09:00", State.PLANNED),
        ("01-16 07:00", "01-14 22:00", "01-09 10:00", "01-12 10:00", State.SKIPPED),
        ("01-15 09:00", "01-14 14:00", "01-08 10:00", "01-11 10:00", State.SKIPPED),
        ("02-11 15:00", "02-11 16:00", "02-04 10:00", "02-07 10:00", State.SKIPPED),
        # not after this session: as if there were none
        ("01-14 09:00", "01-14 14:00", "02-04 10:00", "02-07 10:00", State.PLANNED),
    ],
)
def test_before_the_next_visit(visit: str | None, now: str, due: str, until: str, state: State) -> None:
    visit_at = None if visit is None else at(f"2026-{visit}")
    told = at("2026-01-14 14:00") if now == "01-14 14:00" else at(f"2026-{now}")
    message = the_only(NEXT_VISIT, facts(next_session_at=visit_at, now=told))
    assert (message.due_at, message.window_until) == (at(f"2026-{due}"), at(f"2026-{until}"))
    assert outcome(message) == (PLANNED if state is State.PLANNED else (state, Reason.WINDOW_CLOSED))


@pytest.mark.parametrize(
    ("visit", "delay", "until", "expected"),
    [
        ("02-11 15:00", 2 * DAY, "02-09 10:00", PLANNED),
        ("02-11 15:00", 6 * DAY, "02-11 15:00", PLANNED),
        ("02-11 15:00", 8 * DAY, "02-11 15:00", (State.EXPIRED, Reason.WINDOW_CLOSED)),
        ("01-15 09:00", 2 * DAY, "01-13 10:00", (State.SKIPPED, Reason.WINDOW_CLOSED)),
    ],
)
def test_nothing_about_a_visit_goes_after_it(
    visit: str, delay: timedelta, until: str, expected: tuple[State, Reason]
) -> None:
    step = replace(NEXT_VISIT, sends=(Send(SMS), Send(SMS, "later", delay)))
    later = named(step, facts(next_session_at=at(f"2026-{visit}")))["next_visit.later", SMS]
    assert (later.window_until, outcome(later)) == (at(f"2026-{until}"), expected)


@pytest.mark.parametrize(
    ("at_time", "now", "first", "reminder"),
    [
        ("09:30", "01-14 14:00", "01-15 09:30", "01-15 14:30"),
        ("17:00", "01-14 14:00", "01-15 17:00", "01-16 08:00"),  # 22:00 is quiet
        ("06:00", "01-14 14:00", "01-15 08:00", "01-15 13:00"),  # counted from when the first really goes
        ("09:30", "01-15 12:00", "01-15 12:00", "01-15 17:00"),
    ],
)
def test_a_reminder_follows_its_first_message(at_time: str, now: str, first: str, reminder: str) -> None:
    step = a_step("day1", day(1, at_time), *reminders(5 * HOUR), survey="S1")
    got = named(step, facts(now=at(f"2026-{now}")))
    assert got["day1", SMS].due_at == at(f"2026-{first}")
    assert got["day1.reminder", SMS].due_at == at(f"2026-{reminder}")
    assert got["day1.reminder", SMS].survey == "S1"


@pytest.mark.parametrize("reason", [Reason.NO_ADDRESS, Reason.NO_CONSENT, Reason.OPTED_OUT, Reason.BAD_ADDRESS])
def test_p7_unreachable_says_why(reason: Reason) -> None:
    got = named(WELCOME, facts(reachable={SMS: reason, EMAIL: None}))
    assert outcome(got["welcome", SMS]) == (State.SKIPPED, reason)
    assert outcome(got["welcome", EMAIL]) == PLANNED


def test_a_channel_nobody_mentions_has_no_address() -> None:
    assert outcome(the_only(EVENING, facts(reachable={EMAIL: None}))) == (State.SKIPPED, Reason.NO_ADDRESS)


@pytest.mark.parametrize(("has_baseline", "survey"), [(False, "S0"), (True, None)])
def test_baseline_is_asked_once(has_baseline: bool, survey: str | None) -> None:
    message = the_only(WELCOME, facts(has_baseline=has_baseline))
    assert (message.survey, outcome(message)) == (survey, PLANNED)
    reminded = replace(WELCOME, sends=reminders(5 * HOUR))
    expected = (State.SKIPPED, Reason.ANSWERED) if has_baseline else PLANNED
    assert outcome(named(reminded, facts(has_baseline=has_baseline))["welcome.reminder", SMS]) == expected


@pytest.mark.parametrize(
    ("superseded", "now", "expected"),
    [
        ("01-15 09:30", "01-14 14:00", (State.CANCELLED, Reason.SUPERSEDED)),
        ("01-15 09:31", "01-14 14:00", PLANNED),
        ("01-15 09:31", "01-15 12:00", (State.CANCELLED, Reason.SUPERSEDED)),  # still waiting by then
        ("01-15 09:31", "01-20 12:00", (State.EXPIRED, Reason.WINDOW_CLOSED)),  # had long been too late
    ],
)
def test_p3_superseded(superseded: str, now: str, expected: tuple[State, Reason]) -> None:
    given_facts = facts(superseded_from=at(f"2026-{superseded}"), now=at(f"2026-{now}"), told_at=at("2026-01-14 14:00"))
    assert outcome(the_only(a_step("s", day(1)), given_facts)) == expected


def test_waiting_on_an_answer_to_nothing_is_a_bug_of_the_protocol() -> None:
    with pytest.raises(ValueError, match="no survey"):
        plan(Protocol("p", ("en",), (a_step("s", day(1), *reminders(HOUR)),)), facts())


def test_the_whole_plan_of_a_usual_session() -> None:
    """The plan a clinic expects, on the patient's clock."""
    got = plan(WHOLE, facts(next_session_at=at("2026-02-18 09:00")))
    shown = [f"{message.due_at.astimezone(NEW_YORK):%m-%d %H:%M} {message.step} {message.channel}" for message in got]
    assert shown == [
        "01-14 14:15 welcome sms",
        "01-14 14:15 welcome email",
        "01-14 18:30 evening sms",
        "01-15 09:30 day1 sms",
        "01-15 14:30 day1.reminder sms",
        "01-16 09:30 comfort sms",
        "01-16 09:30 comfort email",
        "01-17 09:30 day3 sms",
        "01-17 14:30 day3.reminder sms",
        "01-19 10:00 activity sms",
        "01-19 10:00 activity email",
        "01-21 09:30 day7 sms",
        "01-21 14:30 day7.reminder sms",
        "01-28 09:30 day14 sms",
        "01-30 09:30 day14.reminder sms",
        "02-04 09:30 day14.reminder2 email",
        "02-11 10:00 next_visit sms",
        "02-11 10:00 next_visit email",
        "02-11 10:00 patience email",
        "02-25 09:30 week6 sms",
        "02-26 09:30 week6.later email",
        "02-27 09:30 week6.reminder sms",
        "03-04 09:30 week6.reminder2 email",
        "04-08 09:30 week12 sms",
        "04-09 09:30 week12.later email",
        "04-10 09:30 week12.reminder sms",
        "04-15 09:30 week12.reminder2 email",
    ]
    assert {outcome(message) for message in got} == {PLANNED}


ZONES = st.sampled_from(
    [
        "America/New_York",
        "America/Sao_Paulo",
        "America/Santiago",
        "America/St_Johns",
        "Europe/London",
        "Europe/Istanbul",
        "Asia/Kolkata",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Pacific/Auckland",
        "Pacific/Chatham",
        "Pacific/Apia",
        "Pacific/Kiritimati",
        "Africa/Casablanca",
        "Africa/Cairo",
        "America/Havana",
        "Antarctica/Troll",
    ]
).map(ZoneInfo)
MOMENTS = st.integers(1293840000, 2145830400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
SPANS: Callable[[int, int], st.SearchStrategy[timedelta]] = lambda least, most: st.integers(  # noqa: E731
    least * 60, most * 60
).map(lambda minutes: timedelta(minutes=minutes))
QUIETS = st.builds(QuietHours, st.times(time(5), time(11, 59)), st.times(time(12), time(22)))


@st.composite
def any_facts(draw: st.DrawFn) -> PlanFacts:
    ended = draw(MOMENTS)
    told = ended + draw(SPANS(0, 24 * 20))
    return PlanFacts(
        ended_at=ended,
        next_session_at=draw(st.none() | SPANS(-48, 24 * 60).map(lambda span: ended + span)),
        has_baseline=draw(st.booleans()),
        timezone=draw(ZONES),
        quiet=draw(st.just(QuietHours()) | QUIETS),
        reachable={SMS: draw(st.sampled_from([None, Reason.NO_CONSENT])), EMAIL: None},
        superseded_from=draw(st.none() | SPANS(1, 24 * 60).map(lambda span: ended + span)),
        now=told + draw(st.just(timedelta(0)) | SPANS(0, 24 * 40)),
        told_at=told,
    )


@settings(max_examples=300, deadline=None)
@given(any_facts())
def test_p4_and_p7_hold_for_every_plan(given_facts: PlanFacts) -> None:
    messages = plan(WHOLE, given_facts)
    assert messages == plan(WHOLE, given_facts)
    expected = sorted(
        (f"{step.id}.{send.suffix}".rstrip("."), send.channel) for step in WHOLE.steps for send in step.sends
    )
    assert sorted((message.step, message.channel) for message in messages) == expected
    assert [message.due_at for message in messages] == sorted(message.due_at for message in messages)
    for message in messages:
        if message.state is not State.PLANNED:
            assert message.reason is not Reason.NOT_YET_DUE
            continue
        assert message.due_at >= given_facts.ended_at
        assert message.due_at >= message.asked_at
        assert message.due_at < message.window_until
        assert message.window_until > given_facts.now
        assert is_open(message.due_at, given_facts.timezone, given_facts.quiet)
        assert given_facts.superseded_from is None or message.due_at < given_facts.superseded_from
        assert given_facts.reachable[message.channel] is None
        if message.due_at == message.asked_at and message.step in {"day1", "day3", "day7", "day14", "week6", "week12"}:
            shown = message.due_at.astimezone(given_facts.timezone).time()
            # Samoa's missing day included: every one of these zones changes its clocks at night.
            assert shown == time(9, 30), "same wall time over every clock change"


@settings(max_examples=150, deadline=None)
@given(any_facts(), SPANS(0, 24 * 30))
def test_planning_again_later_moves_nothing(given_facts: PlanFacts, later: timedelta) -> None:
    """Only what has become too late changes; the visit's step alone may look for a new time."""
    first = {(m.step, m.channel): m for m in plan(WHOLE, given_facts)}
    for message in plan(WHOLE, replace(given_facts, now=given_facts.now + later)):
        if message.state is State.PLANNED and message.step != "next_visit":
            assert message == first[message.step, message.channel]
