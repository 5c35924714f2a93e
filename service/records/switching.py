"""Patients who go over to another version of their protocol, a few at a time.

A version that is signed off says who follows it (`Followers`). Sessions under a version that nobody approved have been
waiting for it and always do; those under way follow only where somebody asked for it. What is to be done stays on
record until it is: whoever dies in the middle leaves the rest to the next.

A session may come in while all this goes on, by a transaction that chose its version before the signature and commits
after the last part. Whoever puts a session under a version holds that version (`protocols.to_follow`); a switch ends
only when nobody holds the versions that are left behind, and nobody is found under them.

Whoever has to be planned anew because their clinic has changed (`clinic_changes`) comes after them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select, union_all, update

from service.care.lifecycle import WAITING, Reason
from service.records import clinic_changes, clinics, messages, patients, plans, protocols, sessions
from service.records.plans import PART, STILL_CONCERNED, Sending
from service.records.protocols import Version
from service.records.sending_tables import messages as message_rows
from service.records.tables import protocols as protocol_rows
from service.records.tables import sessions as session_rows


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
    """Take over some of those who wait; returns how many. Other clocks' parts are left alone."""
    switches = _SWITCHES.order_by(protocol_rows.c.id).with_for_update(key_share=True, skip_locked=True)
    for row in connection.execute(switches).all():
        # A switch that can neither go on nor end yet keeps no other waiting.
        taken = _next_part_to(connection, sending, protocols.version(connection, row.id), row.followers_after, now)
        if taken:
            return taken
    return clinic_changes.next_part(connection, sending, now)


def _next_part_to(connection: Connection, sending: Sending, to: Version, after: int, now: datetime) -> int:
    left = _left_behind(connection, to)
    everybody = _concerned(to.clinic_id, [to.id, *left], now)
    still_left = _concerned(to.clinic_id, left, now)
    part = (
        _some(connection, *everybody, _waited(to), session_rows.c.id > after)
        # Those whose transactions were open when the others went over.
        or _some(connection, *still_left)
    )
    if part:
        _follow(connection, sending, to, part, now)
        _keep(connection, to, to.followers, max(part[-1], after))
    elif protocols.nobody_holds(connection, left) and not _some(connection, *still_left):
        _keep(connection, to, None, None)
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


_SWITCHES = select(protocol_rows.c.id, protocol_rows.c.followers_after).where(protocol_rows.c.followers.is_not(None))
WAITS = union_all(_SWITCHES, clinic_changes.WAITS)


def _is_ahead(before: Version, to: Version) -> bool:
    """A later version was signed off while these were still going over: nobody is put back."""
    return before.approved_at is not None and before.version > to.version


def _follow(connection: Connection, sending: Sending, to: Version, session_ids: Sequence[int], now: datetime) -> None:
    """Put sessions under a version: plan anew where the times differ, and let go what had been held until now."""
    clinic = clinics.held(connection, to.clinic_id)
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
        sessions.change(connection, session.id, protocol_id=to.id)
        if before.timing != to.timing:
            # Words are rendered when a message goes; only other times need another plan.
            plans.remake(connection, sending, clinic, patient, sessions.get(connection, session.id), now)
    messages.wake_held(connection, Reason.NOT_APPROVED, now, message_rows.c.session_id.in_(session_ids))


def _left_behind(connection: Connection, to: Version) -> list[int]:
    """The other versions whose sessions go over."""
    return [
        one.id
        for one in protocols.of_clinic(connection, to.clinic_id)
        if one.name == to.name
        and one.id != to.id
        and not _is_ahead(one, to)
        and (one.approved_at is None or to.followers == Followers.EVERYBODY)
    ]


def _waited(to: Version) -> ColumnElement[bool]:
    """Of the version itself only what was planned before it was signed off may have been held."""
    return or_(session_rows.c.protocol_id != to.id, session_rows.c.created_at <= to.approved_at)


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


def _some(connection: Connection, *where: ColumnElement[bool]) -> Sequence[int]:
    return connection.execute(
        select(session_rows.c.id).where(*where).order_by(session_rows.c.id).limit(PART)
    ).scalars().all()  # fmt: skip


def _keep(connection: Connection, to: Version, followers: str | None, after: int | None) -> None:
    """How far it is; None: to its end."""
    connection.execute(
        update(protocol_rows).where(protocol_rows.c.id == to.id).values(followers=followers, followers_after=after)
    )
