"""Signing a protocol off, and what follows: sessions under older versions move on to the one now in force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection, Engine, select

from service.care.lifecycle import Reason
from service.records import audit, clinics, messages, patients, plans, protocols, sessions
from service.records.database import reading, run
from service.records.plans import Sending
from service.records.protocols import Version
from service.records.tables import messages as message_rows
from service.records.tables import sessions as session_rows

STILL_CONCERNED = timedelta(days=400)
"""Sessions older than the longest protocol (a year and its windows) have nothing left to plan."""
_BATCH = 100


@dataclass(frozen=True, slots=True)
class Approved:
    """What an approval brought about."""

    version: Version
    moved: int
    """Sessions that now follow this version."""
    replanned: int
    """Those of them whose messages were planned anew, because the times differ."""
    woken: int
    """Messages that had been held until now."""


def approve(
    engine: Engine,
    sending: Sending,
    clinic_id: int,
    version_id: int,
    by: str,
    now: datetime,
    on_progress: Callable[[int, int], None] | None = None,
) -> Approved:
    """Sign a version off in the name of `by`; the signature is committed first, then sessions follow in batches.

    Interrupted, it may be run again and goes on. What sessions follow is the newest approved version,
    which need not be the one just signed.
    """

    def sign(connection: Connection) -> tuple[Version, Version]:
        signed = protocols.approve(connection, version_id, by, now)
        audit.note(connection, clinic_id, by, "protocol.approve", f"protocol {version_id}", now)
        in_force = protocols.current(connection, clinic_id, signed.name)
        return signed, in_force or signed

    signed, in_force = run(engine, sign)
    with reading(engine) as connection:
        # Newer drafts too: sessions that came while nothing was approved follow the newest draft, and wait.
        others = [one.id for one in protocols.of_clinic(connection, clinic_id) if one.name == in_force.name]
        concerned = [one.id for one in sessions.live_of_protocol(connection, others, now - STILL_CONCERNED)]
    moved = replanned = woken = 0
    for start in range(0, len(concerned), _BATCH):
        part = concerned[start : start + _BATCH]
        counts = run(engine, partial(_follow, sending, clinic_id, part, in_force, now))
        moved, replanned, woken = moved + counts[0], replanned + counts[1], woken + counts[2]
        if on_progress is not None:
            on_progress(start + len(part), len(concerned))
    return Approved(signed, moved, replanned, woken)


def _follow(
    sending: Sending, clinic_id: int, session_ids: list[int], to: Version, now: datetime, connection: Connection
) -> tuple[int, int, int]:
    clinic = clinics.get(connection, clinic_id)
    moved = replanned = 0
    # In the order of patients: whoever locks several takes them so, and none waits for another in a circle.
    owners = connection.execute(
        select(session_rows.c.id, session_rows.c.patient_id)
        .where(session_rows.c.id.in_(session_ids), session_rows.c.patient_id.is_not(None))
        .order_by(session_rows.c.patient_id, session_rows.c.id)
    ).all()
    for owner in owners:
        patient = patients.get(connection, sending.vault, owner.patient_id, lock=True)
        session = sessions.get(connection, owner.id)
        if session.protocol_id is None or session.protocol_id == to.id or session.cancelled_at is not None:
            continue
        before = protocols.version(connection, session.protocol_id)
        if before.name != to.name:
            continue
        sessions.change(connection, sending.vault, session.id, protocol_id=to.id)
        moved += 1
        if before.timing != to.timing:
            # Words are rendered when a message goes; only other times need another plan.
            plans.remake(connection, sending, clinic, patient, sessions.get(connection, session.id), now)
            replanned += 1
    woken = messages.wake_held(connection, Reason.NOT_APPROVED, now, message_rows.c.session_id.in_(session_ids))
    return moved, replanned, woken
