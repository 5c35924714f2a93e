"""Where staff are signed in: a row a browser. The cookie holds a random token, and only its hash is kept here.

All moments are the world's, whatever the service's clock shows.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.sql.elements import ColumnElement

from service.care.roles import Role
from service.records.desk_tables import staff, staff_sessions
from service.records.ids import new_id
from service.records.staff import digest

IDLE = timedelta(hours=12)
"""A session that nobody used for so long is over: a working day, and not the night after it."""
LIFETIME = timedelta(days=7)
CODE_LIFETIME = timedelta(minutes=5)
"""How long a right password waits for its one-time code."""
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Session:
    """A living session, and who is signed in."""

    id: int
    staff_id: int
    clinic_id: int
    name: str
    role: Role
    seen_at: datetime
    waits_for_code: bool

    def is_stale(self, now: datetime) -> bool:
        """Whether it is time to note again that it is in use."""
        return now - self.seen_at >= SEEN_EVERY


@dataclass(frozen=True, slots=True)
class Listed:
    """A living session as its owner sees it."""

    id: int
    device: str
    created_at: datetime
    seen_at: datetime


def begin(connection: Connection, staff_id: int, device: str, now: datetime, *, waits_for_code: bool = False) -> str:
    """Begin a session; returns the token for its cookie."""
    token = secrets.token_urlsafe(32)
    connection.execute(
        insert(staff_sessions).values(
            id=new_id(),
            staff_id=staff_id,
            token_key=digest(token),
            waits_for_code=waits_for_code,
            device=device,
            created_at=now,
            seen_at=now,
            expires_at=now + (CODE_LIFETIME if waits_for_code else LIFETIME),
        )
    )
    return token


def find(connection: Connection, token: str, now: datetime) -> Session | None:
    """The living session of that token, of somebody who is not disabled."""
    row = connection.execute(
        select(
            staff_sessions.c.id,
            staff_sessions.c.staff_id,
            staff.c.clinic_id,
            staff.c.name,
            staff.c.role,
            staff_sessions.c.seen_at,
            staff_sessions.c.waits_for_code,
        )
        .join(staff, staff.c.id == staff_sessions.c.staff_id)
        .where(staff_sessions.c.token_key == digest(token), staff.c.disabled_at.is_(None), *_living(now))
    ).one_or_none()
    return None if row is None else Session(**{**row._mapping, "role": Role(row.role)})


def seen(connection: Connection, session_id: int, now: datetime) -> None:
    connection.execute(update(staff_sessions).where(staff_sessions.c.id == session_id).values(seen_at=now))


def of_staff(connection: Connection, staff_id: int, now: datetime) -> list[Listed]:
    """Where somebody is signed in, the latest used first."""
    rows = connection.execute(
        select(staff_sessions.c.id, staff_sessions.c.device, staff_sessions.c.created_at, staff_sessions.c.seen_at)
        .where(staff_sessions.c.staff_id == staff_id, staff_sessions.c.waits_for_code.is_(False), *_living(now))
        .order_by(staff_sessions.c.seen_at.desc(), staff_sessions.c.id.desc())
    )
    return [Listed(**row._mapping) for row in rows]


def end(connection: Connection, staff_id: int, session_id: int, by: str, now: datetime) -> bool:
    """End one of somebody's sessions. False when they have no such living one."""
    return _end(connection, by, now, staff_sessions.c.staff_id == staff_id, staff_sessions.c.id == session_id) == 1


def end_all(connection: Connection, staff_id: int, by: str, now: datetime, *, but: int | None = None) -> int:
    """End all of somebody's sessions, but one perhaps; returns how many."""
    conditions = [staff_sessions.c.staff_id == staff_id]
    if but is not None:
        conditions.append(staff_sessions.c.id != but)
    return _end(connection, by, now, *conditions)


def _end(connection: Connection, by: str, now: datetime, *conditions: ColumnElement[bool]) -> int:
    done = connection.execute(
        update(staff_sessions).where(*conditions, staff_sessions.c.ended_at.is_(None)).values(ended_at=now, ended_by=by)
    )
    return done.rowcount


def _living(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        staff_sessions.c.ended_at.is_(None),
        staff_sessions.c.expires_at > now,
        staff_sessions.c.seen_at > now - IDLE,
    )
