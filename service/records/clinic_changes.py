"""A clinic's own facts changed, and what is planned brought in line with them.

Words, numbers, opening hours and the daily cap are read when a message goes. Only the time zone and the hours of
sending stand in the due times of what is planned: the sessions they touch are planned anew. Until that is done the gate
holds every message to the new hours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from service.records import clinics, patients, plans, sessions
from service.records.clinics import Clinic
from service.records.plans import Sending
from service.records.switching import STILL_CONCERNED
from service.records.tables import patients as patient_rows
from service.records.tables import sessions as session_rows


@dataclass(frozen=True, slots=True)
class Concerned:
    """A session whose due times rest on what was changed."""

    patient_id: int
    session_id: int


class TooMany(ValueError):
    """More sessions are concerned than fit into one request."""


def change(connection: Connection, clinic_id: int, fields: Mapping[str, Any]) -> tuple[Clinic, Clinic]:
    """Set the fields; returns the clinic before and after. Whoever changes it at the same time waits."""
    clinics.lock(connection, clinic_id)
    before = clinics.get(connection, clinic_id)
    return before, clinics.change(connection, clinic_id, fields)


def concerned(
    connection: Connection, clinic: Clinic, now: datetime, *, every: bool, limit: int | None = None
) -> list[Concerned]:
    """The clinic's sessions that have something left to plan, in the order of their patients.

    `every` False: only those of patients who go by the clinic's time zone.
    """
    query = (
        select(session_rows.c.patient_id, session_rows.c.id)
        .join(patient_rows, patient_rows.c.id == session_rows.c.patient_id)
        .where(
            session_rows.c.clinic_id == clinic.id,
            session_rows.c.ended_at > now - STILL_CONCERNED,
            session_rows.c.cancelled_at.is_(None),
        )
    )
    if not every:
        query = query.where(patient_rows.c.timezone.is_(None))
    rows = connection.execute(query.order_by(session_rows.c.patient_id, session_rows.c.id).limit(limit))
    return [Concerned(row.patient_id, row.id) for row in rows]


def plan_anew(
    connection: Connection, sending: Sending, clinic: Clinic, part: Sequence[Concerned], now: datetime
) -> int:
    """Bring these sessions in line with the clinic as it is; returns how many messages changed."""
    changed = 0
    for one in part:
        patient = patients.get(connection, sending.vault, one.patient_id, lock=True)
        session = sessions.get(connection, one.session_id)
        if session.cancelled_at is None and patient.erased_at is None:
            changed += plans.remake(connection, sending, clinic, patient, session, now)
    return changed


def change_at_once(
    connection: Connection, sending: Sending, clinic_id: int, fields: Mapping[str, Any], most: int, now: datetime
) -> int:
    """Change the clinic and plan anew, all or nothing; returns how many messages changed.

    Raises TooMany where more than `most` sessions are concerned.
    """
    before, after = change(connection, clinic_id, fields)
    if before.timezone == after.timezone and before.quiet == after.quiet:
        return 0
    found = concerned(connection, after, now, every=before.quiet != after.quiet, limit=most + 1)
    if len(found) > most:
        raise TooMany(f"more than {most} sessions would have to be planned anew")
    return plan_anew(connection, sending, after, found, now)
