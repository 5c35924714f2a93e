"""Texts that were stopped on words which may have meant something else: a person decides, once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, text, update

from service.care.lifecycle import Channel
from service.records import clinics, consents, inbox, optouts, patients, plans
from service.records.patients import Patient
from service.records.plans import Sending
from service.records.reply_tables import replies
from service.records.sealing import Vault
from service.records.sending_tables import suppressions
from service.records.tables import consents as consent_rows
from service.records.tables import patients as patient_rows

SOURCE = "desk"
_BY_REPLY = "reply"
_OPEN = "lifted_at IS NULL AND NOT certain"
"""As in the index that holds them."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """An address that gets nothing more because its owner may have asked for that."""

    id: int
    channel: Channel
    since: datetime
    patients: tuple[Patient, ...]
    """The clinic's patients who are reached there."""
    reply_id: int | None
    words: str | None = field(repr=False)
    """What was written."""


def of_clinic(connection: Connection, vault: Vault, clinic_id: int, limit: int) -> list[Doubt]:
    """The clinic's open doubts, the oldest first. An address that is no patient's any more is in nobody's way."""
    rows = connection.execute(
        select(suppressions)
        .where(text(_OPEN), suppressions.c.clinic_id == clinic_id)
        .order_by(suppressions.c.id)
        .limit(limit)
    ).all()
    return [found for row in rows if (found := _doubt(connection, vault, clinic_id, row)) is not None]


def keep(connection: Connection, vault: Vault, clinic_id: int, suppression_id: int, by: str, now: datetime) -> bool:
    """It was a request to stop. False when it was decided before. Raises LookupError."""
    return _decide(connection, vault, clinic_id, suppression_id, by, now, certain=True)


def lift(connection: Connection, sending: Sending, clinic_id: int, suppression_id: int, by: str, now: datetime) -> bool:
    """It was no request to stop: plan what is still to come. False when it was decided before. Raises LookupError.

    Wake the clock after the commit. The consent that the reply had ended goes back into the ledger in this person's
    name; nobody gets one who had none.
    """
    row = _get(connection, clinic_id, suppression_id)
    channel = Channel(row.channel)
    theirs = [
        patients.get(connection, sending.vault, one.id, lock=True)
        for one in _reached_at(connection, sending.vault, clinic_id, channel, row.address_key)
    ]
    if not _decide(connection, sending.vault, clinic_id, suppression_id, by, now, lifted_at=now):
        return False
    for patient in theirs:
        last = [line for line in consents.ledger(connection, patient.id) if line["channel"] == channel][-1:]
        if last and last[0]["action"] == "revoked" and last[0]["source"] == _BY_REPLY:
            wording = f"{by} of the clinic: reply {last[0]['reply_id']} was no request to stop."
            optouts.opt_in(connection, sending, patient.id, channel, wording, SOURCE, now)
        else:
            plans.remake_all(connection, sending, clinics.get(connection, clinic_id), patient, now)
    return True


def _decide(
    connection: Connection,
    vault: Vault,
    clinic_id: int,
    suppression_id: int,
    by: str,
    now: datetime,
    **values: object,
) -> bool:
    """Once; whoever decides has read the words that were in doubt."""
    row = _get(connection, clinic_id, suppression_id)
    doubt = _doubt(connection, vault, clinic_id, row)
    done = connection.execute(update(suppressions).where(text(_OPEN), suppressions.c.id == row.id).values(**values))
    if done.rowcount and doubt is not None and doubt.reply_id is not None:
        inbox.settle(connection, clinic_id, doubt.reply_id, by, now)
    return done.rowcount == 1


def _get(connection: Connection, clinic_id: int, suppression_id: int) -> Row[Any]:
    row = connection.execute(
        select(suppressions).where(suppressions.c.id == suppression_id, suppressions.c.clinic_id == clinic_id)
    ).one_or_none()
    if row is None:
        raise LookupError(f"clinic {clinic_id} has no suppression {suppression_id}")
    return row


def _doubt(connection: Connection, vault: Vault, clinic_id: int, row: Row[Any]) -> Doubt | None:
    channel = Channel(row.channel)
    theirs = _reached_at(connection, vault, clinic_id, channel, row.address_key)
    if not theirs:
        return None
    wrote = connection.execute(
        select(replies.c.id, replies.c.body)
        .join(consent_rows, consent_rows.c.reply_id == replies.c.id)
        .where(
            consent_rows.c.patient_id.in_([one.id for one in theirs]),
            consent_rows.c.channel == channel,
            consent_rows.c.action == "revoked",
            consent_rows.c.at == row.since,
            inbox.may_see(clinic_id),
        )
        .limit(1)
    ).one_or_none()
    return Doubt(
        id=row.id,
        channel=channel,
        since=row.since,
        patients=tuple(theirs),
        reply_id=None if wrote is None else wrote.id,
        words=None if wrote is None else vault.open_optional(wrote.body, wrote.id),
    )


def _reached_at(
    connection: Connection, vault: Vault, clinic_id: int, channel: Channel, address_key: bytes
) -> list[Patient]:
    column = patient_rows.c.phone_key if channel is Channel.SMS else patient_rows.c.email_key
    ids = connection.execute(
        select(patient_rows.c.id)
        .where(column == address_key, patient_rows.c.clinic_id == clinic_id, patient_rows.c.erased_at.is_(None))
        .order_by(patient_rows.c.id)
    ).scalars()
    return list(patients.of_ids(connection, vault, list(ids)).values())
