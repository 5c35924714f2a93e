"""Changing a plan: what waits is moved, what has left stays, what was ruled out may come back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.care.lifecycle import WAITING, Channel, Reason, State
from service.care.planning import PlannedMessage
from service.care.replanning import Change, ExistingMessage, Insert, Move, Revive, Withdraw, replan

DUE = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)
DAY = timedelta(days=1)
RULED_OUT = {State.SKIPPED, State.CANCELLED, State.EXPIRED}
FRESH = PlannedMessage("day1", Channel.SMS, DUE, DUE + DAY, "S1", State.PLANNED, Reason.NOT_YET_DUE, DUE)
MOVED = replace(FRESH, due_at=DUE + DAY, window_until=DUE + 2 * DAY, asked_at=DUE + DAY)
SOONER = replace(FRESH, due_at=DUE - timedelta(hours=3))
NO_CONSENT = replace(FRESH, state=State.SKIPPED, reason=Reason.NO_CONSENT)


def on_record(state: State, reason: Reason = Reason.NOT_YET_DUE, due: datetime = DUE) -> ExistingMessage:
    return ExistingMessage("m1", "day1", Channel.SMS, state, reason, due, DUE + DAY, "S1")


@pytest.mark.parametrize(
    ("existing", "fresh", "change"),
    [
        # waiting
        (on_record(State.PLANNED), FRESH, None),
        (on_record(State.QUEUED), FRESH, None),
        (on_record(State.PLANNED), MOVED, Move("m1", MOVED)),
        (on_record(State.QUEUED), MOVED, Move("m1", MOVED)),
        (on_record(State.PLANNED), SOONER, Move("m1", SOONER)),
        (on_record(State.PLANNED), replace(FRESH, survey=None), Move("m1", replace(FRESH, survey=None))),
        (on_record(State.PLANNED), NO_CONSENT, Withdraw("m1", State.SKIPPED, Reason.NO_CONSENT)),
        (on_record(State.PLANNED), None, Withdraw("m1", State.CANCELLED, Reason.PLAN_CHANGED)),
        # put off by a gate or a retry: that is not undone
        (on_record(State.PLANNED, Reason.RETRY_LATER, DUE + timedelta(hours=1)), FRESH, None),
        (on_record(State.PLANNED, Reason.DAILY_CAP, DUE + timedelta(hours=1)), SOONER, None),
        (on_record(State.PLANNED, Reason.RETRY_LATER, DUE + timedelta(hours=1)), MOVED, Move("m1", MOVED)),
        # ruled out before, possible now
        *(
            (on_record(State.SKIPPED, reason), FRESH, Revive("m1", State.SKIPPED, reason, FRESH))
            for reason in (
                Reason.NO_ADDRESS,
                Reason.NO_CONSENT,
                Reason.OPTED_OUT,
                Reason.BAD_ADDRESS,
                Reason.BOUNCED,
            )
        ),
        (
            on_record(State.CANCELLED, Reason.SUPERSEDED),
            FRESH,
            Revive("m1", State.CANCELLED, Reason.SUPERSEDED, FRESH),
        ),
        (
            on_record(State.EXPIRED, Reason.WINDOW_CLOSED),
            MOVED,
            Revive("m1", State.EXPIRED, Reason.WINDOW_CLOSED, MOVED),
        ),
        (on_record(State.EXPIRED, Reason.WINDOW_CLOSED), FRESH, None),
        (on_record(State.SKIPPED, Reason.NO_CONSENT), NO_CONSENT, None),
        (
            on_record(State.SKIPPED, Reason.NO_CONSENT),
            replace(FRESH, state=State.EXPIRED, reason=Reason.WINDOW_CLOSED),
            None,
        ),
        (on_record(State.SKIPPED, Reason.ANSWERED), FRESH, None),
        (on_record(State.CANCELLED, Reason.COMPLAINED), FRESH, None),
        (on_record(State.SKIPPED, Reason.SAID_BY_ANOTHER_SESSION), FRESH, None),
        (on_record(State.CANCELLED, Reason.SESSION_CANCELLED), FRESH, None),
        (on_record(State.FAILED, Reason.BAD_ADDRESS), FRESH, None),
    ],
)
def test_one_message(existing: ExistingMessage, fresh: PlannedMessage | None, change: Change | None) -> None:
    assert replan([existing], [fresh] if fresh else []) == ([change] if change else [])


@pytest.mark.parametrize(
    "state", [s for s in State if s not in WAITING | {State.SKIPPED, State.CANCELLED, State.EXPIRED}]
)
@pytest.mark.parametrize("fresh", [FRESH, MOVED, NO_CONSENT, None])
def test_p2_what_was_handed_over_is_left_alone(state: State, fresh: PlannedMessage | None) -> None:
    assert replan([on_record(state, Reason.HANDED_OVER)], [fresh] if fresh else []) == []


BY_EMAIL = replace(FRESH, channel=Channel.EMAIL, stands_in=True)
NOT_NEEDED = replace(BY_EMAIL, state=State.SKIPPED, reason=Reason.SENT_ON_OTHER_CHANNEL)
_MAY_BE_THERE = {State.SENDING, State.ACCEPTED, State.SENT, State.DELIVERED, State.UNKNOWN}


@pytest.mark.parametrize("text", list(State))
@pytest.mark.parametrize(
    ("was", "reason"),
    [
        (None, None),
        (State.PLANNED, Reason.NOT_YET_DUE),
        (State.CANCELLED, Reason.PLAN_CHANGED),
        (State.EXPIRED, Reason.WINDOW_CLOSED),
        (State.SKIPPED, Reason.SENT_ON_OTHER_CHANNEL),
    ],
)
def test_p2_no_email_stands_in_for_a_text_that_may_be_there(
    text: State, was: State | None, reason: Reason | None
) -> None:
    """The number went bad after it: whatever became of that e-mail before, it is not sent. After any other end it is,
    as far as its time allows."""
    existing = [on_record(text, Reason.BAD_ADDRESS)]
    if was is not None and reason is not None:
        existing.append(replace(on_record(was, reason), id="m2", channel=Channel.EMAIL))
    changes = replan(existing, [replace(NO_CONSENT, reason=Reason.BAD_ADDRESS), BY_EMAIL])
    about = [one for one in changes if not (isinstance(one, Withdraw) and one.id == "m1")]
    own = replace(BY_EMAIL, stands_in=False)
    if text not in _MAY_BE_THERE:
        assert about == {
            None: [Insert(BY_EMAIL)],
            Reason.PLAN_CHANGED: [Revive("m2", State.CANCELLED, Reason.PLAN_CHANGED, BY_EMAIL)],
            Reason.SENT_ON_OTHER_CHANNEL: [Revive("m2", State.SKIPPED, Reason.SENT_ON_OTHER_CHANNEL, BY_EMAIL)],
        }.get(reason, [])
        return
    assert about == {
        None: [Insert(NOT_NEEDED)],
        State.PLANNED: [Withdraw("m2", State.SKIPPED, Reason.SENT_ON_OTHER_CHANNEL)],
    }.get(was, [])
    if was is None:
        assert Insert(own) in replan(existing, [own]), "an e-mail that the step has of its own goes beside its text"


def test_a_new_message_is_inserted_whatever_its_state_p7() -> None:
    other = replace(NO_CONSENT, channel=Channel.EMAIL)
    assert replan([on_record(State.PLANNED)], [FRESH, other]) == [Insert(other)]
