"""What must really have happened before a clinic goes live, and what has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Step(StrEnum):
    """One line of the checklist, in its order."""

    PROTOCOL = "protocol"
    """A named clinician approved a protocol."""
    CONTACTS = "contacts"
    """Everybody who is told of alerts has read a test."""
    TEXT = "text"
    """A test text was received: the code in it was entered."""
    RECEIPT = "receipt"
    """The provider reported what became of a test text."""
    SIGNATURE = "signature"
    """Such a report came in with a signature that holds."""
    INBOUND = "inbound"
    """A text came in."""
    EMAIL = "email"
    """A test e-mail was received."""
    EVENT = "event"
    """A session came in, from the clinic's own system or by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is on record. None: nothing yet."""

    approved_at: datetime | None = None
    approved_by: str | None = None
    contacts: Sequence[datetime | None] = ()
    """When each of them first read a test."""
    text_read_at: datetime | None = None
    email_read_at: datetime | None = None
    receipt_at: datetime | None = None
    signature_at: datetime | None = None
    inbound_at: datetime | None = None
    event_at: datetime | None = None
    sends_email: bool = True
    """Whether this installation can send e-mail at all."""


@dataclass(frozen=True, slots=True)
class Check:
    """Where one step stands: green with its moment, or open."""

    step: Step
    at: datetime | None
    required: bool = True


def checklist(seen: Evidence) -> tuple[Check, ...]:
    """Every step, from what is on record and nothing else."""
    moments = {
        Step.PROTOCOL: seen.approved_at if (seen.approved_by or "").strip() else None,
        Step.CONTACTS: _all(seen.contacts),
        Step.TEXT: seen.text_read_at,
        Step.RECEIPT: seen.receipt_at,
        Step.SIGNATURE: seen.signature_at,
        Step.INBOUND: seen.inbound_at,
        Step.EMAIL: seen.email_read_at,
        Step.EVENT: seen.event_at,
    }
    return tuple(Check(step, moments[step], step is not Step.EMAIL or seen.sends_email) for step in Step)


def missing(checks: Sequence[Check]) -> tuple[Step, ...]:
    """What still stands in the way."""
    return tuple(check.step for check in checks if check.required and check.at is None)


def _all(contacts: Sequence[datetime | None]) -> datetime | None:
    """When the last of them had read one; None while anybody has not, or there is nobody."""
    known = [moment for moment in contacts if moment is not None]
    return max(known) if known and len(known) == len(contacts) else None
