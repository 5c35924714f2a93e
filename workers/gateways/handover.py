"""What passes between the send job and a gateway: parcels out, verdicts back. No SDK in here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from service.care.lifecycle import State


class Outcome(StrEnum):
    """What a hand-over came to. Each asks for exactly one action of the send job."""

    ACCEPTED = "accepted"
    """The provider took it: `provider_id` is set."""
    REJECTED = "rejected"
    """Permanent: this message will never be taken."""
    BAD_ADDRESS = "bad_address"
    """Permanent, and the address is to be marked bad."""
    OPTED_OUT = "opted_out"
    """The provider knows an opt-out that we did not: record it, cancel everything else to that address."""
    TOO_LONG = "too_long"
    """Permanent: a template bug."""
    MISCONFIGURED = "misconfigured"
    """Our settings are wrong: not sent; pause the channel, tell the operator, keep the message."""
    NOT_ALLOWED = "not_allowed"
    """Our account may not text this country or number: this message ends, tell the operator; the others go on."""
    BUSY = "busy"
    """Provably not sent: back off, honour `retry_after`, try again inside the window."""
    CAPPED = "capped"
    """The day's allowance is used up: not sent; hold to tomorrow, tell the operator."""
    NOT_SENT = "not_sent"
    """Provably never left this machine (refused connection, DNS): safe to try again."""
    AMBIGUOUS = "ambiguous"
    """It may have been sent: only the provider's own record can tell."""


@dataclass(frozen=True, slots=True)
class SmsParcel:
    """One text, ready to go."""

    token: str
    """The attempt's opaque token; travels in the status callback's URL."""
    to: str = field(repr=False)
    """E.164."""
    body: str = field(repr=False)
    sender: str
    """A messaging service sid (``MG…``) or a number in E.164."""
    status_callback: str
    validity_seconds: int
    """1 to 36000: what is left of the step's window."""


@dataclass(frozen=True, slots=True)
class EmailParcel:
    """One e-mail, ready to go."""

    token: str
    """The attempt's opaque token; travels in `custom_args`."""
    to: str = field(repr=False)
    sender: str
    sender_name: str
    reply_to: str | None
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    unsubscribe_url: str = field(repr=False)
    """https, answers RFC 8058 one-click POSTs."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of handing over one parcel."""

    token: str
    outcome: Outcome
    provider_id: str | None = None
    code: str | None = None
    """The provider's error code, or the HTTP status where it gave none; one of `Unsent` where nothing was sent;
    "timeout", "dropped" or "unreadable" where an answer was lost."""
    retry_after: float | None = None
    """Seconds the provider asked us to wait."""


class Unsent(StrEnum):
    """Why a parcel never left this machine: the code of a NOT_SENT verdict."""

    CONNECT = "connect"
    """No connection: refused, unresolved, too slow, or a certificate that does not hold."""
    DEADLINE = "deadline"
    """Its moment had passed before the first byte."""
    CIRCUIT_OPEN = "circuit_open"
    """The provider failed several times running, so it was not tried."""
    HALTED = "halted"
    """An earlier parcel of the batch was answered with "slow down" or "wrong settings", or this process is to end, so
    it was not tried."""


class Sighting(StrEnum):
    """What the provider's own record says about an ambiguous attempt."""

    PRESENT = "present"
    ABSENT = "absent"
    """The record is complete over the time in question and does not hold it."""
    UNPROVABLE = "unprovable"
    """The record could not be read far enough."""


@dataclass(frozen=True, slots=True)
class Found:
    """The provider's answer about one message."""

    sighting: Sighting
    provider_id: str | None = None
    state: State | None = None
    code: str | None = None


class SmsGateway(Protocol):
    """Hands texts over. One instance lives as long as its worker and keeps its connections open."""

    async def send(self, parcel: SmsParcel, *, deadline: float | None = None) -> Verdict:
        """Never raises for anything the provider or the network does.

        `deadline` is a moment of `time.monotonic()`, checked right before the first byte is written: a process that was
        paused must not send once its lease may have been given to another.
        """

    async def find(self, to: str, is_it: Recognised, since: datetime, until: datetime) -> Found:
        """Look for a text to `to`, created between `since` and `until`, that is the one by `is_it`."""

    async def status(self, provider_id: str) -> Found:
        """The present state of a text that the provider took."""

    async def close(self) -> None: ...


class Recognised(Protocol):
    def __call__(self, provider_id: str, body: str) -> Sighting:
        """PRESENT: that is it. ABSENT: it is another. UNPROVABLE: it could be. `body` is empty where it was blanked."""


class EmailGateway(Protocol):
    """Hands e-mails over."""

    async def send(self, parcel: EmailParcel, *, deadline: float | None = None) -> Verdict:
        """As `SmsGateway.send`."""

    async def close(self) -> None: ...
