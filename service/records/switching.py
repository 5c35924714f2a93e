"""Patients who go over to another version of their protocol: all at once for a command, a few at a time for the clock.

A version that is signed off says who follows it (`Followers`). Sessions under a version that nobody approved have been
waiting for it and always do; those under way follow only where somebody asked for it. What is to be done stays on
record until it is: whoever dies in the middle leaves the rest to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, exists, func, select, update

from service.care.lifecycle import WAITING, Reason
from service.records import clinics, messages, patients, plans, protocols, sessions
from service.records.plans import Sending
from service.records.protocols import Version
from service.records.tables import messages as message_rows
from service.records.tables import protocols as protocol_rows
from service.records.tables import sessions as session_rows

STILL_CONCERNED = timedelta(days=400)
"""Sessions older than the longest protocol (a year and its windows) have nothing left to plan."""
PART = 25
"""Sessions in one transaction of the clock's: whoever waits for one of these patients waits a moment."""


class Followers(StrEnum):
    """Who follows a version that has just been signed off, apart from sessions that are yet to come."""

    WAITING = "waiting"
    """Those who had no approved version until now."""
    EVERYBODY = "everybody"
    """Those under way as well: their plan is made anew."""


def begin(connection: Connection, version_id: int, followers: Followers) -> None:
    """Let these follow the version, as soon as the clock comes to it."""
    connection.execute(
        update(protocol_rows).where(protocol_rows.c.id == version_id).values(followers=followers, followers_after=0)
    )


def next_part(connection: Connection, sending: Sending, now: datetime) -> int:
    """Take over some of those who wait; returns how many. 0 ends a switch, and other clocks' parts are left alone."""
    row = connection.execute(WAITS.limit(1).with_for_update(key_share=True, skip_locked=True)).one_or_none()
    if row is None:
        return 0
    to, followers = protocols.version(connection, row.id), Followers(row.followers)
    concerned = _concerned(to.clinic_id, _left_behind(connection, to, followers), now)
    part = connection.execute(
        select(session_rows.c.id)
        .where(*concerned, session_rows.c.id > row.followers_after)
        .order_by(session_rows.c.id)
        .limit(PART)
    ).scalars().all()  # fmt: skip
    follow(connection, sending, to, part, now)
    goes_on = len(part) == PART
    connection.execute(
        update(protocol_rows)
        .where(protocol_rows.c.id == to.id)
        .values(followers=followers if goes_on else None, followers_after=part[-1] if goes_on else None)
    )
    return len(part)


def patients_under(
    connection: Connection, clinic_id: int, versions: Sequence[Version], now: datetime, most: int
) -> int:
    """Patients who still have messages to come under any of these, counted up to `most`."""
    concerned = _concerned(clinic_id, [one.id for one in versions], now)
    # Bounded before it is counted: a few patients have two sessions under way, none has many.
    some = select(session_rows.c.patient_id).where(*concerned).limit(2 * most).subquery()
    patients_found: int = connection.execute(select(func.count(some.c.patient_id.distinct()))).scalar_one()
    return min(patients_found, most)


def follow(
    connection: Connection, sending: Sending, to: Version, session_ids: Sequence[int], now: datetime
) -> tuple[int, int, int]:
    """Put sessions under a version: how many moved, of them planned anew, and messages that had been held until now."""
    if not session_ids:
        return 0, 0, 0
    clinic = clinics.get(connection, to.clinic_id)
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
        if before.name != to.name or _is_ahead(before, to):
            continue
        sessions.change(connection, sending.vault, session.id, protocol_id=to.id)
        moved += 1
        if before.timing != to.timing:
            # Words are rendered when a message goes; only other times need another plan.
            plans.remake(connection, sending, clinic, patient, sessions.get(connection, session.id), now)
            replanned += 1
    woken = messages.wake_held(connection, Reason.NOT_APPROVED, now, message_rows.c.session_id.in_(session_ids))
    return moved, replanned, woken


WAITS = (
    select(protocol_rows.c.id, protocol_rows.c.followers, protocol_rows.c.followers_after)
    .where(protocol_rows.c.followers.is_not(None))
    .order_by(protocol_rows.c.id)
)


def _is_ahead(before: Version, to: Version) -> bool:
    """A later version was signed off while these were still going over: nobody is put back."""
    return before.approved_at is not None and before.version > to.version


def _left_behind(connection: Connection, to: Version, followers: Followers) -> list[int]:
    """The versions whose sessions go over; of the version itself, those that were planned before it was signed off."""
    return [
        one.id
        for one in protocols.of_clinic(connection, to.clinic_id)
        if one.name == to.name and (one.id == to.id or one.approved_at is None or followers is Followers.EVERYBODY)
    ]


def _concerned(clinic_id: int, version_ids: Sequence[int], now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Sessions of these versions that still have messages to come."""
    to_come = exists().where(message_rows.c.session_id == session_rows.c.id, message_rows.c.state.in_(sorted(WAITING)))
    return (
        session_rows.c.clinic_id == clinic_id,
        session_rows.c.protocol_id.in_(version_ids),
        session_rows.c.ended_at > now - STILL_CONCERNED,
        session_rows.c.cancelled_at.is_(None),
        to_come,
    )
