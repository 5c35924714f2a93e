"""Notes: what people at the clinic write down about a patient, an alert or a reply. Only ever added to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, insert, select

from service.records.desk_tables import notes
from service.records.ids import new_id
from service.records.sealing import Vault

TWICE = timedelta(minutes=10)
"""The same words by the same person within this are one note: a form that was sent twice."""


@dataclass(frozen=True, slots=True)
class Note:
    """One note, opened."""

    id: int
    patient_id: int | None
    alert_id: int | None
    reply_id: int | None
    by: str
    at: datetime
    body: str = field(repr=False)


def add(
    connection: Connection,
    vault: Vault,
    clinic_id: int,
    patient_id: int | None,
    body: str,
    by: str,
    now: datetime,
    *,
    alert_id: int | None = None,
    reply_id: int | None = None,
) -> bool:
    """Write a note down. False when it is there already. The caller holds the row that the note is about."""
    if _is_there(connection, vault, patient_id, body, by, now, alert_id, reply_id):
        return False
    row_id = new_id()
    connection.execute(
        insert(notes).values(
            id=row_id,
            clinic_id=clinic_id,
            patient_id=patient_id,
            alert_id=alert_id,
            reply_id=reply_id,
            by=by,
            at=now,
            body=vault.seal(body, row_id),
        )
    )
    return True


def of_alerts(
    connection: Connection, vault: Vault, clinic_id: int, alert_ids: Collection[int]
) -> dict[int, list[Note]]:
    """By alert, each in order."""
    found: dict[int, list[Note]] = {}
    for one in _read(connection, vault, clinic_id, notes.c.alert_id, alert_ids):
        found.setdefault(one.alert_id or 0, []).append(one)
    return found


def of_replies(
    connection: Connection, vault: Vault, clinic_id: int, reply_ids: Collection[int]
) -> dict[int, list[Note]]:
    """By reply, each in order; another clinic's notes about a reply to a shared phone are its own."""
    found: dict[int, list[Note]] = {}
    for one in _read(connection, vault, clinic_id, notes.c.reply_id, reply_ids):
        found.setdefault(one.reply_id or 0, []).append(one)
    return found


def _is_there(
    connection: Connection,
    vault: Vault,
    patient_id: int | None,
    body: str,
    by: str,
    now: datetime,
    alert_id: int | None,
    reply_id: int | None,
) -> bool:
    about = (notes.c.patient_id == patient_id, notes.c.alert_id == alert_id, notes.c.reply_id == reply_id)
    lately = connection.execute(
        select(notes.c.id, notes.c.body).where(*about, notes.c.by == by, notes.c.at > now - TWICE)
    )
    return any(vault.open(row.body, row.id) == body for row in lately)


def _read(
    connection: Connection, vault: Vault, clinic_id: int, column: Column[int], ids: Collection[int]
) -> list[Note]:
    if not ids:
        return []
    columns = (
        notes.c.id, notes.c.patient_id, notes.c.alert_id, notes.c.reply_id, notes.c.by, notes.c.at, notes.c.body,
    )  # fmt: skip
    rows = connection.execute(
        select(*columns).where(column.in_(ids), notes.c.clinic_id == clinic_id).order_by(notes.c.id)
    )
    return [Note(**{**row._mapping, "body": vault.open(row.body, row.id)}) for row in rows]
