"""Being signed in: from the token in the cookie to a living session on record, and so to `Who`."""

from __future__ import annotations

from typing import cast

from flask import Flask, request, session
from flask_login import LoginManager, UserMixin, current_user, login_user
from sqlalchemy import Connection

from service import time
from service.context import context
from service.pages.desk.devices import device_of
from service.pages.desk.who import Who
from service.records import clinics, staff_sessions
from service.records.database import reading, run
from service.records.staff_sessions import Session


class _Visitor(UserMixin):  # type: ignore[misc]  # flask-login carries no types
    """What flask-login keeps of a request's user."""

    def __init__(self, token: str, standing: Session, who: Who) -> None:
        self.id = token
        self.standing = standing
        self.who = who


def configure(app: Flask) -> None:
    manager = LoginManager()
    # Theirs ties a session to an address, which a phone changes on its way to work.
    manager.session_protection = None
    manager.user_loader(_load)
    manager.init_app(app)


def current() -> Who | None:
    """Who is signed in; None for anybody else, also for a right password that waits for its code."""
    visitor = _visitor()
    return None if visitor is None or visitor.standing.waits_for_code else visitor.who


def waiting_for_code() -> Who | None:
    """Whose password was right a moment ago, and whose one-time code is still to come."""
    visitor = _visitor()
    return visitor.who if visitor is not None and visitor.standing.waits_for_code else None


def note_use() -> None:
    """Somebody is there: the session goes on. Noted once in a while."""
    visitor, now = _visitor(), time.real_now()
    if visitor is not None and visitor.standing.is_stale(now):
        run(context().engine, lambda connection: staff_sessions.seen(connection, visitor.standing.id, now))


def begin(connection: Connection, staff_id: int, *, waits_for_code: bool = False) -> str:
    """Put a new session on record; hand its token to `carry` once that is committed."""
    now = time.real_now()
    before = _visitor()
    if before is not None:
        staff_sessions.end(connection, before.who.id, before.standing.id, before.who.actor, now)
    device = device_of(request.user_agent.string)
    return staff_sessions.begin(connection, staff_id, device, now, waits_for_code=waits_for_code)


def carry(token: str) -> None:
    """Let this browser's cookie carry the session, and nothing that was in the cookie before."""
    session.clear()
    found = _load(token)
    if found is not None:
        login_user(found)


def end(connection: Connection) -> None:
    """End this browser's session on record; `forget` empties its cookie."""
    visitor = _visitor()
    if visitor is not None:
        staff_sessions.end(connection, visitor.who.id, visitor.standing.id, visitor.who.actor, time.real_now())


def forget() -> None:
    session.clear()


def _visitor() -> _Visitor | None:
    return cast(_Visitor, current_user) if current_user.is_authenticated else None


def _load(token: str) -> _Visitor | None:
    with reading(context().engine) as connection:
        found = staff_sessions.find(connection, token, time.real_now())
        if found is None:
            return None
        clinic = clinics.get(connection, found.clinic_id)
    return _Visitor(token, found, Who(found.staff_id, found.name, found.role, clinic, found.id))
