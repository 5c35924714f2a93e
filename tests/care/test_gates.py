"""The last word before a message leaves: wanted (P3), then on time (P4), always with a reason (P7)."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from service.care.gates import Decision, Drop, GateFacts, Hold, Send, decide
from service.care.lifecycle import Channel, Reason, State
from service.care.localtime import QuietHours, is_open

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TOO_LATE = Drop(State.EXPIRED, Reason.WINDOW_CLOSED)


def at(text: str, zone: str = "America/New_York") -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


DUE = at("01-15 09:30")
PLAIN = GateFacts(
    channel=Channel.SMS,
    due_at=DUE,
    window_until=DUE + DAY,
    timezone=ZoneInfo("America/New_York"),
    quiet=QuietHours(),
)
REMINDER = replace(
    PLAIN,
    due_at=DUE + 5 * HOUR,
    window_until=DUE + 29 * HOUR,
    survey="S1",
    only_unanswered=True,
    delay=5 * HOUR,
    parent_sent_at=DUE + timedelta(seconds=2),
)
SAFETY = replace(PLAIN, safety=True)

UNWANTED: list[tuple[dict[str, object], Drop]] = [
    ({"patient_erased": True}, Drop(State.CANCELLED, Reason.PATIENT_ERASED)),
    ({"suppressed": Reason.OPTED_OUT}, Drop(State.SKIPPED, Reason.OPTED_OUT)),
    ({"suppressed": Reason.COMPLAINED}, Drop(State.SKIPPED, Reason.COMPLAINED)),
    ({"consent": False}, Drop(State.SKIPPED, Reason.NO_CONSENT)),
    ({"address_problem": Reason.BAD_ADDRESS}, Drop(State.SKIPPED, Reason.BAD_ADDRESS)),
    ({"alert_acknowledged": True}, Drop(State.CANCELLED, Reason.ALERT_ACKNOWLEDGED)),
]
UNWANTED_IN_PLAN: list[tuple[dict[str, object], Drop]] = [
    ({"in_protocol": False}, Drop(State.CANCELLED, Reason.PLAN_CHANGED)),
    ({"session_active": False}, Drop(State.CANCELLED, Reason.SESSION_CANCELLED)),
    ({"stopped_by_clinic": True}, Drop(State.CANCELLED, Reason.STOPPED_BY_CLINIC)),
    ({"superseded": True}, Drop(State.CANCELLED, Reason.SUPERSEDED)),
    ({"answered": True}, Drop(State.SKIPPED, Reason.ANSWERED)),
    ({"said_today": True, "survey": None}, Drop(State.SKIPPED, Reason.SAID_BY_ANOTHER_SESSION)),
    ({"only_unanswered": True, "parent_sent_at": None}, Drop(State.SKIPPED, Reason.NOTHING_TO_REMIND)),
]


def with_(facts: GateFacts, **more: object) -> GateFacts:
    return replace(facts, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("change", "drop"), UNWANTED + UNWANTED_IN_PLAN)
@pytest.mark.parametrize("now", [DUE - DAY, DUE, at("01-15 23:00"), DUE + 9 * DAY])
def test_p3_unwanted_comes_before_any_question_of_time(change: dict[str, object], drop: Drop, now: datetime) -> None:
    paused = with_(PLAIN, channel_paused=True, plan_paused=True, approved=False, texts_today=9)
    assert decide(with_(PLAIN, **change), now) == drop
    assert decide(with_(paused, **change), now) == drop


@pytest.mark.parametrize(("change", "drop"), UNWANTED)
def test_p3_stop_and_erasure_hold_for_safety_messages_too(change: dict[str, object], drop: Drop) -> None:
    assert decide(with_(SAFETY, **change), DUE) == drop


@pytest.mark.parametrize("change", [change for change, _ in UNWANTED_IN_PLAN])
def test_a_safety_message_belongs_to_no_step(change: dict[str, object]) -> None:
    assert isinstance(decide(with_(SAFETY, **change), DUE), Send)


@pytest.mark.parametrize(
    ("facts", "now", "decision"),
    [
        # due, and how long the carrier may try: to the end of today's hours or of the window, ten hours at most
        (PLAIN, DUE - timedelta(seconds=1), Hold(DUE, Reason.NOT_YET_DUE)),
        (PLAIN, DUE, Send(36000)),
        (PLAIN, at("01-15 20:00"), Send(3600)),
        (PLAIN, at("01-15 20:59") + timedelta(seconds=59, milliseconds=900), Send(1)),
        (PLAIN, at("01-16 09:00"), Send(1800)),
        (PLAIN, at("01-16 09:30"), TOO_LATE),
        # quiet hours
        (PLAIN, at("01-15 21:00"), Hold(at("01-16 08:00"), Reason.QUIET_HOURS)),
        (PLAIN, at("01-16 07:59"), Hold(at("01-16 08:00"), Reason.QUIET_HOURS)),
        (with_(PLAIN, channel=Channel.EMAIL), at("01-15 21:00"), Hold(at("01-16 08:00"), Reason.QUIET_HOURS)),
        (with_(PLAIN, window_until=at("01-16 08:00")), at("01-15 21:00"), TOO_LATE),
        (with_(PLAIN, due_at=at("01-15 22:00")), at("01-15 12:00"), Hold(at("01-16 08:00"), Reason.NOT_YET_DUE)),
        # at most so many texts a day
        (with_(PLAIN, texts_today=2), DUE, Send(36000)),
        (with_(PLAIN, texts_today=3), DUE, Hold(at("01-16 08:00"), Reason.DAILY_CAP)),
        (with_(PLAIN, texts_today=3, daily_cap=4), DUE, Send(36000)),
        (with_(PLAIN, texts_today=3, window_until=at("01-15 21:30")), DUE, TOO_LATE),
        (with_(PLAIN, texts_today=3, channel=Channel.EMAIL), DUE, Send(36000)),
        # safety: at any hour, beyond any cap, whatever is paused but the channel itself
        (with_(SAFETY, texts_today=9, plan_paused=True, approved=False), at("01-16 02:30"), Send(25200)),
        (SAFETY, DUE - HOUR, Hold(DUE, Reason.NOT_YET_DUE)),
        (SAFETY, DUE + DAY, TOO_LATE),
        (with_(SAFETY, channel_paused=True), DUE, Hold(DUE + timedelta(minutes=5), Reason.CHANNEL_PAUSED)),
        # paused
        (with_(PLAIN, channel_paused=True), DUE, Hold(DUE + timedelta(minutes=5), Reason.CHANNEL_PAUSED)),
        (with_(PLAIN, plan_paused=True), DUE, Hold(DUE + timedelta(minutes=5), Reason.PLAN_PAUSED)),
        (with_(PLAIN, approved=False), DUE, Hold(DUE + timedelta(minutes=5), Reason.NOT_APPROVED)),
        # what the patient wrote may say STOP
        (with_(PLAIN, reply_unread=True), DUE, Hold(DUE + timedelta(minutes=5), Reason.REPLY_UNREAD)),
        (with_(SAFETY, reply_unread=True), DUE, Send(36000)),
        (with_(PLAIN, approved=False), at("01-16 09:29"), Hold(at("01-16 09:30"), Reason.NOT_APPROVED)),
        # reminders
        (REMINDER, DUE + 5 * HOUR, Send(23400)),
        (with_(REMINDER, answered=True), DUE + 5 * HOUR, Drop(State.SKIPPED, Reason.ANSWERED)),
        (with_(REMINDER, said_today=True), DUE + 5 * HOUR, Send(23400)),
        (
            with_(REMINDER, parent_sent_at=DUE + 3 * HOUR),
            DUE + 5 * HOUR,
            Hold(DUE + 8 * HOUR, Reason.NOT_YET_DUE),
        ),
        (
            with_(REMINDER, parent_sent_at=DUE + 8 * HOUR),
            DUE + 8 * HOUR,
            Hold(at("01-16 08:00"), Reason.NOT_YET_DUE),
        ),
        (with_(REMINDER, parent_sent_at=DUE + 24 * HOUR), DUE + 24 * HOUR, TOO_LATE),
        (
            with_(REMINDER, parent_sent_at=None, parent_pending=True),
            DUE + 5 * HOUR,
            Hold(DUE + 10 * HOUR, Reason.NOT_YET_DUE),
        ),
    ],
)
def test_p4_in_time(facts: GateFacts, now: datetime, decision: Decision) -> None:
    assert decide(facts, now) == decision


@pytest.mark.parametrize(
    ("zone", "now", "decision"),
    [
        ("America/New_York", "03-07 22:00", Hold(at("03-08 08:00"), Reason.QUIET_HOURS)),  # spring: ten hours less one
        ("America/New_York", "10-31 22:00", Hold(at("11-01 08:00"), Reason.QUIET_HOURS)),
        ("Asia/Kolkata", "01-15 20:30", Send(1800)),
        ("Australia/Lord_Howe", "10-03 21:00", Hold(at("10-04 08:00", "Australia/Lord_Howe"), Reason.QUIET_HOURS)),
        ("Pacific/Auckland", "09-26 20:45", Send(900)),
        ("America/Sao_Paulo", "11-01 07:30", Hold(at("11-01 08:00", "America/Sao_Paulo"), Reason.QUIET_HOURS)),
        ("Pacific/Kiritimati", "01-15 19:00", Send(7200)),
        ("Africa/Casablanca", "02-15 20:00", Send(3600)),
    ],
)
def test_p4_on_the_clock_of_the_patient(zone: str, now: str, decision: Decision) -> None:
    moment = at(now, zone)
    facts = with_(PLAIN, timezone=ZoneInfo(zone), due_at=moment - HOUR, window_until=moment + 2 * DAY)
    assert decide(facts, moment) == decision


MOMENTS = st.integers(1767225600, 2145830400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
SPANS = st.integers(0, 4 * 86400).map(lambda seconds: timedelta(seconds=seconds))
ZONES = st.sampled_from(
    [
        ZoneInfo("America/New_York"),
        ZoneInfo("America/Santiago"),
        ZoneInfo("Asia/Kolkata"),
        ZoneInfo("Australia/Lord_Howe"),
        ZoneInfo("Pacific/Apia"),
        ZoneInfo("Africa/Cairo"),
    ]
)
FLAG = st.sampled_from([False] * 9 + [True])


@st.composite
def any_facts(draw: st.DrawFn) -> GateFacts:
    due = draw(MOMENTS)
    return GateFacts(
        channel=draw(st.sampled_from(Channel)),
        due_at=due,
        window_until=due + draw(SPANS),
        timezone=draw(ZONES),
        quiet=QuietHours(
            draw(st.sampled_from([time(8), time(5, 45)])), draw(st.sampled_from([time(21), time(12), time(22, 15)]))
        ),
        survey=draw(st.sampled_from([None, "S1"])),
        safety=draw(st.booleans()),
        patient_erased=draw(FLAG),
        suppressed=draw(st.sampled_from([None] * 9 + [Reason.OPTED_OUT])),
        consent=not draw(FLAG),
        address_problem=draw(st.sampled_from([None] * 9 + [Reason.NO_ADDRESS])),
        alert_acknowledged=draw(FLAG),
        session_active=not draw(FLAG),
        stopped_by_clinic=draw(FLAG),
        superseded=draw(FLAG),
        answered=draw(FLAG),
        said_today=draw(FLAG),
        only_unanswered=draw(st.booleans()),
        delay=draw(SPANS),
        parent_sent_at=draw(st.none() | SPANS.map(lambda span: due - span)),
        parent_pending=draw(st.booleans()),
        channel_paused=draw(FLAG),
        plan_paused=draw(FLAG),
        approved=not draw(FLAG),
        texts_today=draw(st.integers(0, 4)),
    )


@settings(max_examples=500, deadline=None)
@given(any_facts(), SPANS, st.booleans())
def test_p3_and_p4_hold_for_every_decision(facts: GateFacts, away: timedelta, early: bool) -> None:
    now = facts.due_at - away if early else facts.due_at + away
    decision = decide(facts, now)
    if isinstance(decision, Hold):
        assert now < decision.until <= facts.window_until
        return
    if isinstance(decision, Drop):
        assert decision.reason is not Reason.WINDOW_CLOSED or decision.state is State.EXPIRED
        return
    assert facts.due_at <= now < facts.window_until
    assert 1 <= decision.validity_seconds <= 36000
    dies = now + timedelta(seconds=decision.validity_seconds)
    assert dies <= facts.window_until or decision.validity_seconds == 1
    against = [facts.patient_erased, facts.suppressed, facts.address_problem, facts.alert_acknowledged]
    assert not any([*against, not facts.consent, facts.channel_paused])
    if facts.safety:
        return
    assert is_open(now, facts.timezone, facts.quiet)
    assert decision.validity_seconds == 1 or is_open(dies - timedelta(seconds=1), facts.timezone, facts.quiet)
    assert facts.session_active
    assert facts.approved
    assert not any([facts.superseded, facts.answered, facts.stopped_by_clinic, facts.plan_paused])
    assert facts.channel is Channel.EMAIL or facts.texts_today < facts.daily_cap
    assert not facts.only_unanswered or facts.parent_sent_at is not None
    assert not facts.said_today or facts.survey is not None


@settings(max_examples=300, deadline=None)
@given(any_facts(), SPANS)
def test_a_held_message_is_decided_in_the_end(facts: GateFacts, away: timedelta) -> None:
    """With nothing changing but the day's count of texts, holds lead to an end before or at the window's."""
    assume(not facts.parent_pending)
    now = facts.due_at - away
    for _ in range(5000):
        decision = decide(facts, now)
        if not isinstance(decision, Hold):
            return
        now = decision.until
        facts = replace(facts, texts_today=0)
    pytest.fail("held for ever")


TYPED = replace(SAFETY, can_wait=True, window_until=DUE + DAY)


@pytest.mark.parametrize(
    ("facts", "now", "expected"),
    [
        (TYPED, at("01-15 09:30"), Send(validity_seconds=36_000)),
        (TYPED, at("01-15 20:00"), Send(validity_seconds=3600)),  # the carrier drops it when quiet hours begin
        (TYPED, at("01-15 21:00"), Hold(at("01-16 08:00"), Reason.QUIET_HOURS)),
        (TYPED, at("01-15 09:00"), Hold(DUE, Reason.NOT_YET_DUE)),
        (replace(TYPED, window_until=at("01-16 07:00")), at("01-15 23:00"), TOO_LATE),
        (replace(TYPED, plan_paused=True, stopped_by_clinic=True), at("01-15 09:30"), Send(validity_seconds=36_000)),
        (replace(TYPED, texts_today=9), at("01-15 09:30"), Send(validity_seconds=36_000)),
        (replace(TYPED, consent=False), at("01-15 09:30"), Drop(State.SKIPPED, Reason.NO_CONSENT)),
        (replace(TYPED, suppressed=Reason.OPTED_OUT), at("01-15 09:30"), Drop(State.SKIPPED, Reason.OPTED_OUT)),
    ],
)
def test_p4_typed_words_are_outside_the_plan_and_mind_the_night(
    facts: GateFacts, now: datetime, expected: Decision
) -> None:
    assert decide(facts, now) == expected
