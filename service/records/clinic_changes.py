"""A clinic's own facts changed, and what is planned brought in line with them.

Words, numbers, opening hours and the daily cap are read when a message goes. Only the time zone and the hours of
sending stand in the due times of what is planned: those plans are made anew, a few at a time. Until that is done the
gate holds every message to the new hours. How far it is stays on record: whoever dies in the middle leaves the rest to
the next.

A session may be on its way in by a transaction that has read the zone and the hours. Whoever plans holds the clinic
while they do (`clinics.held`): a change waits for them, and finds their sessions on record; whoever comes later waits
for the change, and plans by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from service.records import clinics, patients, plans, sessions
from service.records.clinics import Clinic
from service.records.plans import PART, STILL_CONCERNED, Sending
from service.records.tables import clinics as clinic_rows
from service.records.tables import sessions as session_rows


def change(connection: Connection, clinic_id: int, fields: Mapping[str, Any]) -> bool:
    """Set the fields; whether plans have to be made anew. Whoever changes the clinic at the same time waits."""
    clinics.lock(connection, clinic_id)
    before = clinics.get(connection, clinic_id)
    after = clinics.change(connection, clinic_id, fields)
    moves = before.timezone != after.timezone or before.quiet != after.quiet
    if moves:
        # From the beginning, also where an earlier change was under way.
        _keep(connection, clinic_id, 0)
    return moves


WAITS = select(clinic_rows.c.id, clinic_rows.c.planned_anew_after).where(clinic_rows.c.planned_anew_after.is_not(None))


def next_part(connection: Connection, sending: Sending, now: datetime) -> int:
    """Make some plans anew; returns how many. 0 ends it, and other clocks' clinics are left alone."""
    first = WAITS.order_by(clinic_rows.c.id).limit(1)
    row = connection.execute(first.with_for_update(key_share=True, skip_locked=True)).one_or_none()
    if row is None:
        return 0
    clinic = clinics.get(connection, row.id)
    part = connection.execute(
        select(session_rows.c.id, session_rows.c.patient_id)
        .where(
            session_rows.c.clinic_id == clinic.id,
            session_rows.c.id > row.planned_anew_after,
            session_rows.c.ended_at > now - STILL_CONCERNED,
            session_rows.c.cancelled_at.is_(None),
            session_rows.c.patient_id.is_not(None),
        )
        .order_by(session_rows.c.id)
        .limit(PART)
    ).all()  # fmt: skip
    # In the order of patients: whoever locks several takes them so, and none waits for another in a circle.
    for one in sorted(part, key=lambda one: (one.patient_id, one.id)):
        _plan_anew(connection, sending, clinic, one.patient_id, one.id, now)
    _keep(connection, clinic.id, part[-1].id if len(part) == PART else None)
    return len(part)


def _plan_anew(
    connection: Connection, sending: Sending, clinic: Clinic, patient_id: int, session_id: int, now: datetime
) -> None:
    patient = patients.get(connection, sending.vault, patient_id, lock=True)
    session = sessions.get(connection, session_id)
    if session.cancelled_at is None and patient.erased_at is None:
        plans.remake(connection, sending, clinic, patient, session, now)


def _keep(connection: Connection, clinic_id: int, after: int | None) -> None:
    connection.execute(update(clinic_rows).where(clinic_rows.c.id == clinic_id).values(planned_anew_after=after))
