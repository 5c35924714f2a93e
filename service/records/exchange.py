"""What a patient and the clinic texted each other, in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select

from service.care.lifecycle import Channel
from service.records import sent
from service.records.clinics import Clinic
from service.records.patients import Patient
from service.records.reply_tables import replies
from service.records.sealing import Vault
from service.records.sent import Sent


@dataclass(frozen=True, slots=True)
class Heard:
    """A text from the patient."""

    id: int
    at: datetime
    text: str = field(repr=False)
    media: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """The end of it, oldest first."""

    texts: tuple[Sent | Heard, ...]
    older: bool
    """There is more before."""


def of_patient(connection: Connection, vault: Vault, clinic: Clinic, patient: Patient, limit: int) -> Exchange:
    """The last `limit` texts, either way; typed ones that wait stand at the end, where they will go."""
    ours: list[Sent | Heard] = list(sent.texts(connection, vault, clinic, patient, limit + 1))
    both = sorted([*ours, *_heard(connection, vault, patient, limit + 1)], key=lambda one: (one.at, one.id))
    return Exchange(tuple(both[-limit:]), older=len(both) > limit)


def _heard(connection: Connection, vault: Vault, patient: Patient, limit: int) -> list[Heard]:
    rows = connection.execute(
        select(replies.c.id, replies.c.received_at, replies.c.body, replies.c.media)
        .where(replies.c.patient_id == patient.id, replies.c.channel == Channel.SMS)
        .order_by(replies.c.received_at.desc(), replies.c.id.desc())
        .limit(limit)
    )
    return [Heard(row.id, row.received_at, vault.open(row.body, row.id) if row.body else "", row.media) for row in rows]
