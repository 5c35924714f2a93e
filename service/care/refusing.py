"""A patient's no in a row that cannot be entered. It counts all the same, where the row leads to one patient on record:
whoever said no is not to be written to because a date beside it was mistyped."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.care.columns import Field
from service.care.entering import consent_of

CONSENTS: Mapping[str, Field] = {"sms": Field.SMS, "email": Field.MAIL}
"""Which field says what they agreed to, by channel."""
COUNTS = "This no counts when the file is taken in, although the rest of the row does not: nothing more is sent there."
NOT_NOTED = (
    "This no could not be noted: the row does not lead to one patient on record. Note it on the patient's page; until "
    "then they get what is planned."
)
DATES = frozenset((Field.ENDED_AT, Field.TIME, Field.AGREED_AT))
"""Where something is wrong with one of these, nobody knows since when the no holds."""
_UNSAID = "a file"


@dataclass(frozen=True, slots=True)
class Refusal:
    """What somebody said no to, and all that tells who it is. "" means that nothing was written."""

    patient: str
    """The clinic's own number."""
    given_name: str
    phone: str | None
    email: str
    channels: tuple[str, ...]
    since: datetime | None
    """None where a day of the row cannot be read."""
    source: str


def whose(refusal: Refusal, reached: Mapping[str, str]) -> str | None:
    """Whose it is among the patients at the row's phone and e-mail address, each with the given name on record.

    A phone may be a family's: a name that is written must be theirs, and no two may bear it.
    """
    name = refusal.given_name.casefold()
    theirs = [patient for patient, given_name in reached.items() if name in ("", given_name.casefold())]
    return theirs[0] if len(theirs) == 1 else None


def event_of(patient: str, channels: Sequence[str], since: datetime, source: str) -> dict[str, Any]:
    """The event that says it."""
    plain = "".join(one for one in source if one.isprintable())[:200] or _UNSAID
    word = {"withdrawn_at": since.isoformat(), "source": plain}
    return consent_of(patient, since, dict.fromkeys(channels, word))


def key_of(patient: str, channels: Sequence[str], since: datetime) -> str:
    """What the event goes by: the same no is one, however often a file says it."""
    what = "\x00".join((patient, *channels, since.isoformat()))
    return "no " + hashlib.sha256(what.encode()).hexdigest()[:24]
