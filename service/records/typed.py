"""Texts that somebody at the clinic types to a patient: planned once, sent by the same way as every other message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from service.care import typed
from service.care.lifecycle import Channel
from service.care.segments import count
from service.care.typed import Cannot, Goes
from service.records import clinics, messages, patients, plans
from service.records.clinics import Clinic
from service.records.ids import new_id
from service.records.messages import Extra
from service.records.patients import Patient
from service.records.plans import Sending, zone
from service.records.reply_tables import replies
from service.records.sending_tables import messages as message_rows


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody wants to say."""

    words: str
    sooner: bool
    """Also in the patient's night."""
    once: int
    """Drawn when the box was shown: however often the form is sent, it is one text."""
    by: str


def outlook(
    connection: Connection, sending: Sending, clinic: Clinic, patient: Patient, now: datetime, sooner: bool = False
) -> Cannot | Goes:
    """Whether and when a text typed now would go."""
    return typed.when(
        plans.reachable(connection, sending.vault, patient)[Channel.SMS],
        zone(patient.timezone or clinic.timezone),
        clinic.quiet,
        last_heard_at(connection, patient.id),
        sooner,
        now,
    )


def send(
    connection: Connection, sending: Sending, clinic_id: int, patient_id: int, what: Typed, now: datetime
) -> Cannot | Goes:
    """Plan the text; wake the clock after the commit. Sent again with the same `once` it changes nothing.

    Raises LookupError where the clinic has no such patient.
    """
    # Whoever sends the same form again waits here, and finds what the first one wrote.
    patient = patients.of_clinic(connection, sending.vault, clinic_id, patient_id, lock=True)
    clinic = clinics.get(connection, clinic_id)
    known = _already(connection, patient_id, what.once)
    if known is not None:
        return known
    decided = outlook(connection, sending, clinic, patient, now, what.sooner)
    if isinstance(decided, Goes):
        row_id = new_id()
        body = typed.body_of(clinic.display_name, what.words)
        extra = Extra(
            clinic_id=clinic_id,
            patient_id=patient_id,
            step=decided.step,
            channel=Channel.SMS,
            sender=sending.of(clinic)[Channel.SMS],
            due_at=decided.at,
            window_until=decided.at + typed.USEFUL_FOR,
            cause_id=what.once,
            segments=count(body).segments,
            body=sending.vault.seal(body, row_id),
            by=what.by,
        )
        messages.insert_extra(connection, extra, row_id)
    return decided


def last_heard_at(connection: Connection, patient_id: int) -> datetime | None:
    """When the patient last sent a text."""
    return connection.execute(
        select(replies.c.received_at)
        .where(replies.c.patient_id == patient_id, replies.c.channel == Channel.SMS, replies.c.automatic.is_(False))
        .order_by(replies.c.received_at.desc())
        .limit(1)
    ).scalar_one_or_none()


def _already(connection: Connection, patient_id: int, once: int) -> Goes | None:
    row = connection.execute(
        select(message_rows.c.patient_id, message_rows.c.due_at, message_rows.c.step).where(
            message_rows.c.cause_id == once, message_rows.c.step.in_(typed.STEPS)
        )
    ).first()
    if row is None:
        return None
    if row.patient_id != patient_id:
        raise LookupError(f"{once} was drawn for another patient")
    return Goes(row.due_at, row.step, may_hurry=False)
