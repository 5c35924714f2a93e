"""Message states, the reasons for each end, and the only moves allowed between them."""

from __future__ import annotations

from enum import StrEnum


class Channel(StrEnum):
    """How a message reaches a patient."""

    SMS = "sms"
    EMAIL = "email"


class State(StrEnum):
    """Where a message is in its life. The first six happen in order; the rest are ends."""

    PLANNED = "planned"
    """It has a due time and waits for it."""
    QUEUED = "queued"
    """The clock found it due and told a worker."""
    SENDING = "sending"
    """A worker holds it; an attempt is on record; the provider may have it already."""
    ACCEPTED = "accepted"
    """The provider took it and gave it an id."""
    SENT = "sent"
    """The provider passed it to the carrier or the mail server."""
    DELIVERED = "delivered"
    """The carrier or mail server confirmed it."""
    UNDELIVERED = "undelivered"
    """The carrier or mail server refused it after the provider had taken it."""
    FAILED = "failed"
    """The provider refused it, or we gave up."""
    SKIPPED = "skipped"
    """Its moment came and a rule said no."""
    CANCELLED = "cancelled"
    """Somebody or something withdrew it before it was due."""
    EXPIRED = "expired"
    """Its window closed before it could be sent."""
    UNKNOWN = "unknown"
    """It may have been sent; nobody can prove it either way, so it is never sent again."""


class Reason(StrEnum):
    """Why a message is where it is. The closed list behind promise P7; `SENTENCES` says each in words."""

    # still going
    NOT_YET_DUE = "not_yet_due"
    QUIET_HOURS = "quiet_hours"
    DAILY_CAP = "daily_cap"
    PROVIDER_BUSY = "provider_busy"
    CHANNEL_PAUSED = "channel_paused"
    PLAN_PAUSED = "plan_paused"
    NOT_APPROVED = "not_approved"
    REPLY_UNREAD = "reply_unread"
    RETRY_LATER = "retry_later"
    CHECKING_WITH_PROVIDER = "checking_with_provider"
    HANDED_OVER = "handed_over"
    CONFIRMED = "confirmed"
    # withdrawn or not wanted
    OPTED_OUT = "opted_out"
    NO_CONSENT = "no_consent"
    SESSION_CANCELLED = "session_cancelled"
    SUPERSEDED = "superseded"
    ANSWERED = "answered"
    PLAN_CHANGED = "plan_changed"
    PATIENT_ERASED = "patient_erased"
    STOPPED_BY_CLINIC = "stopped_by_clinic"
    SENT_ON_OTHER_CHANNEL = "sent_on_other_channel"
    ALERT_ACKNOWLEDGED = "alert_acknowledged"
    SAID_BY_ANOTHER_SESSION = "said_by_another_session"
    NOTHING_TO_REMIND = "nothing_to_remind"
    # cannot be sent
    NO_ADDRESS = "no_address"
    BAD_ADDRESS = "bad_address"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    # too late
    ENDED_TOO_LATE = "ended_too_late"
    WINDOW_CLOSED = "window_closed"
    # refused or lost
    REJECTED_BY_PROVIDER = "rejected_by_provider"
    BLOCKED_BY_CARRIER = "blocked_by_carrier"
    UNREACHABLE = "unreachable"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    TEXT_TOO_LONG = "text_too_long"
    NO_WORDS = "no_words"
    NEVER_PROVEN = "never_proven"


SENTENCES: dict[Reason, str] = {
    Reason.NOT_YET_DUE: "It waits for its due time.",
    Reason.QUIET_HOURS: "It waits for the end of the patient's quiet hours.",
    Reason.DAILY_CAP: "It waits because the patient has had the most texts allowed in one day.",
    Reason.PROVIDER_BUSY: "It waits because the provider asked us to slow down.",
    Reason.CHANNEL_PAUSED: "It waits because the channel is paused until its settings are mended.",
    Reason.PLAN_PAUSED: "It waits because the clinic paused this patient's plan.",
    Reason.NOT_APPROVED: "It waits because nobody has approved the clinic's protocol yet.",
    Reason.REPLY_UNREAD: "It waits because the patient just wrote, and that has not been read yet.",
    Reason.RETRY_LATER: "It waits for another try after a passing fault.",
    Reason.CHECKING_WITH_PROVIDER: "The provider's answer was lost; we are asking whether it arrived.",
    Reason.HANDED_OVER: "The provider has taken it.",
    Reason.CONFIRMED: "The provider reported that it arrived.",
    Reason.OPTED_OUT: "The patient asked us to stop.",
    Reason.NO_CONSENT: "There is no consent on record for this channel.",
    Reason.SESSION_CANCELLED: "The clinic cancelled the session.",
    Reason.SUPERSEDED: "A later session took its place.",
    Reason.ANSWERED: "The patient had already answered.",
    Reason.PLAN_CHANGED: "The plan changed and no longer holds this step.",
    Reason.PATIENT_ERASED: "The patient's data was erased.",
    Reason.STOPPED_BY_CLINIC: "The clinic stopped this patient's plan.",
    Reason.SENT_ON_OTHER_CHANNEL: "It was not needed: the same step went out on another channel.",
    Reason.ALERT_ACKNOWLEDGED: "Somebody had already acknowledged the alert.",
    Reason.SAID_BY_ANOTHER_SESSION: "The patient got the same message that day for another session.",
    Reason.NOTHING_TO_REMIND: "The message it would remind of never went out.",
    Reason.NO_ADDRESS: "The patient has no address on this channel.",
    Reason.BAD_ADDRESS: "The address is known not to work.",
    Reason.BOUNCED: "The mail server refused the address.",
    Reason.COMPLAINED: "The patient marked an earlier e-mail as spam.",
    Reason.ENDED_TOO_LATE: "The session ended too late in the day for this step.",
    Reason.WINDOW_CLOSED: "It could not be sent while it was still useful.",
    Reason.REJECTED_BY_PROVIDER: "The provider refused it.",
    Reason.BLOCKED_BY_CARRIER: "The carrier blocked it.",
    Reason.UNREACHABLE: "The phone could not be reached.",
    Reason.TOO_MANY_ATTEMPTS: "It failed too often.",
    Reason.TEXT_TOO_LONG: "The text was longer than the provider allows.",
    Reason.NO_WORDS: "The protocol holds no words for it in the patient's language.",
    Reason.NEVER_PROVEN: "It may have been sent; the provider can no longer tell, so it is not repeated.",
}

ENDS: frozenset[State] = frozenset(
    {
        State.DELIVERED,
        State.UNDELIVERED,
        State.FAILED,
        State.SKIPPED,
        State.CANCELLED,
        State.EXPIRED,
        State.UNKNOWN,
    }
)
WAITING: frozenset[State] = frozenset({State.PLANNED, State.QUEUED})
"""States in which nothing can have left the house: what may be withdrawn or re-planned."""

_BEFORE_HAND_OVER = {State.SKIPPED, State.CANCELLED, State.EXPIRED, State.FAILED}
MOVES: dict[State, frozenset[State]] = {
    # DELIVERED from PLANNED and QUEUED: while a retry waits, its first attempt turns out to have arrived after all.
    State.PLANNED: frozenset({State.QUEUED, State.DELIVERED, *_BEFORE_HAND_OVER}),
    State.QUEUED: frozenset({State.PLANNED, State.SENDING, State.DELIVERED, *_BEFORE_HAND_OVER}),
    # A claim that a gate refuses goes back (hold) or ends (drop) before any attempt is made; a receipt can overtake
    # the create call's own answer, hence SENT, DELIVERED and UNDELIVERED straight from here.
    State.SENDING: frozenset(
        {
            State.PLANNED,
            State.ACCEPTED,
            State.SENT,
            State.DELIVERED,
            State.UNDELIVERED,
            State.UNKNOWN,
            *_BEFORE_HAND_OVER,
        }
    ),
    # PLANNED from ACCEPTED or SENT: the provider itself reports that it never left its queue, or a transient carrier
    # fault allows its one delayed retry, as a new attempt.
    State.ACCEPTED: frozenset({State.PLANNED, State.SENT, State.DELIVERED, State.UNDELIVERED, State.FAILED}),
    State.SENT: frozenset({State.PLANNED, State.DELIVERED, State.UNDELIVERED, State.FAILED}),
    # Late proof beats "we could not tell".
    State.UNKNOWN: frozenset({State.SENT, State.DELIVERED, State.UNDELIVERED, State.FAILED}),
    State.DELIVERED: frozenset(),
    State.UNDELIVERED: frozenset({State.DELIVERED}),
    State.FAILED: frozenset({State.DELIVERED}),
    State.SKIPPED: frozenset(),
    State.CANCELLED: frozenset(),
    State.EXPIRED: frozenset(),
}


def sources_of(target: State) -> tuple[State, ...]:
    """The states from which a message may move to `target`: what goes into the `WHERE state IN (…)` of the move."""
    return tuple(state for state, targets in MOVES.items() if target in targets)


TWILIO_STATUS: dict[str, State] = {
    "accepted": State.ACCEPTED,
    "scheduled": State.ACCEPTED,
    "queued": State.ACCEPTED,
    "sending": State.ACCEPTED,
    "sent": State.SENT,
    "delivered": State.DELIVERED,
    "read": State.DELIVERED,
    "undelivered": State.UNDELIVERED,
    "failed": State.FAILED,
    "canceled": State.FAILED,
}
"""What each status of a Twilio message means for ours."""

SENDGRID_EVENT: dict[str, State] = {
    "processed": State.ACCEPTED,
    "deferred": State.ACCEPTED,
    "delivered": State.DELIVERED,
    "bounce": State.UNDELIVERED,
    "blocked": State.UNDELIVERED,
    "dropped": State.FAILED,
}
"""What each delivery event of SendGrid means for ours. Spam reports and unsubscribes are not about delivery."""
