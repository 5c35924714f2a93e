"""What each Twilio error code asks of us, whether it comes as an answer or later in a status callback.

Twilio lists its codes at twilio.com/docs/api/errors. Those that are not below are permanent.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum


class CodeAction(StrEnum):
    """The one thing to do about an error code."""

    MARK_BAD_ADDRESS = "mark_bad_address"
    """Invalid, a landline or unknown: never text this number again; fall back to e-mail; tell the clinic."""
    RECORD_OPT_OUT = "record_opt_out"
    """They told Twilio to stop: record it and cancel every other text to the number."""
    FIX_SETTINGS = "fix_settings"
    """Our account or sender, true of every text: pause the channel, tell the operator, keep the messages waiting."""
    ALLOW_RECIPIENT = "allow_recipient"
    """Our account may not text that country or number: fall back to e-mail, tell the operator; all others still go."""
    BACK_OFF = "back_off"
    """A queue or a rate was full; not sent: try again later, inside the window."""
    HOLD_TO_TOMORROW = "hold_to_tomorrow"
    """The day's cap is used up; not sent: hold to the next window; tell the operator."""
    RETRY_ONCE = "retry_once"
    """The phone was off or the carrier gave no reason: one delayed retry, as a new attempt."""
    BLOCKED = "blocked"
    """The carrier or the phone's owner blocks us: no retry; worth an alert when it happens often."""
    FIX_TEMPLATE = "fix_template"
    """Longer than 1600 characters: permanent, and a mistake in a template."""
    GIVE_UP = "give_up"
    """Permanent."""


_CODES: dict[CodeAction, tuple[int, ...]] = {
    CodeAction.MARK_BAD_ADDRESS: (21211, 21614, 21635, 30005, 30006),
    CodeAction.RECORD_OPT_OUT: (21610,),
    CodeAction.FIX_SETTINGS: (
        *(20003, 20005, 90010, 30002),  # the account
        *(21212, 21603, 21606, 21659, 21660, 21661),  # the number texts come from
        *(21701, 21704, 21705),  # the messaging service
        *(30032, 30034),  # a registration
    ),
    CodeAction.ALLOW_RECIPIENT: (21408, 21608),
    CodeAction.BACK_OFF: (20429, 21611, 30001, 30022),
    CodeAction.HOLD_TO_TOMORROW: (30023, 63038),
    CodeAction.RETRY_ONCE: (30003, 30008),
    CodeAction.BLOCKED: (30004, 30007),
    CodeAction.FIX_TEMPLATE: (21617,),
}
_ACTIONS: dict[str, CodeAction] = {str(code): action for action, codes in _CODES.items() for code in codes}


def action_for(code: str | int | None) -> CodeAction:
    """What to do about `code`; GIVE_UP for one that is unknown or missing."""
    return _ACTIONS.get(str(code).strip(), CodeAction.GIVE_UP)


def is_known(code: str | int | None) -> bool:
    """Whether the table has a line for `code`."""
    return str(code).strip() in _ACTIONS


def caps_start_over(now: datetime) -> datetime:
    """When the carriers' daily caps have started over, in UTC: at midnight in the US, wherever that comes last."""
    today = now.astimezone(UTC).replace(hour=_US_MIDNIGHT, minute=0, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)


_US_MIDNIGHT = 8
"""The hour, in UTC, of midnight in Los Angeles in winter."""

_MEANINGS: dict[str, str] = {
    "21211": "Not a telephone number",
    "21212": "Our number is not a telephone number",
    "21408": "Texts to that country are not switched on",
    "21603": "We named no number to send from",
    "21606": "Our number cannot send texts",
    "21608": "A trial account may only text verified numbers",
    "21610": "They had texted STOP",
    "21611": "Too many texts were waiting",
    "21614": "Not a mobile number",
    "21617": "The text was too long",
    "21635": "A landline",
    "21659": "Our number is not with the provider",
    "21660": "Our number belongs to another account",
    "21661": "Our number cannot send texts",
    "21701": "The account has no such messaging service",
    "21704": "The messaging service has no numbers",
    "21705": "That is no messaging service",
    "20003": "The provider did not accept our credentials",
    "20005": "The account is not active",
    "20429": "Too many requests at once",
    "30001": "Too many texts were waiting",
    "30002": "The provider has suspended the account",
    "30003": "The phone was off or out of reach",
    "30004": "The phone's owner blocks our texts",
    "30005": "The number does not exist",
    "30006": "A landline, or a carrier that cannot be reached",
    "30007": "The carrier took it for spam",
    "30008": "The carrier gave no reason",
    "30022": "The carrier's rate was exceeded",
    "30023": "The carrier's daily limit was reached",
    "30032": "Our toll-free number is not verified",
    "30034": "Our number is not registered with the carriers",
    "30036": "It could not be delivered in time",
    "63038": "The account's daily limit was reached",
    "90010": "The account is not active",
    "bounced": "The address had bounced before",
    "invalid": "Not an e-mail address",
    "spam": "They had marked an e-mail as spam",
    "unsubscribed": "They had unsubscribed",
}

_MAIL = {
    "5.1": "The mail server knows no such address",
    "5.2": "The mailbox is full or closed",
    "5.4": "The mail server could not be reached",
    "5.7": "The mail server refused it",
    "4": "The mail server put it off until it was too late",
}
"""How the enhanced status codes of mail servers begin (RFC 3463)."""


def meaning_of(code: str | None) -> str | None:
    """What the code says, in a few words for the people at a clinic; None for one that is unknown or missing."""
    begins = (words for start, words in _MAIL.items() if f"{code}.".startswith(f"{start}."))
    return _MEANINGS.get(code or "") or next(begins, None)
