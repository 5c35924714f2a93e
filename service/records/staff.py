"""Staff: the people who sign in at a clinic's desk, what they may do there, and what they prove themselves with."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, or_, select, update

from service.care.lifecycle import Channel
from service.care.roles import Role
from service.records import clinics
from service.records.desk_tables import staff
from service.records.ids import new_id
from service.records.patients import normal
from service.records.sealing import Vault

JOIN_LIFETIME = timedelta(days=7)


class LastOwner(Exception):
    """A clinic needs an owner who can sign in: this one is the last."""


class EmailTaken(Exception):
    """Somebody signs in with that address already, at this clinic or at another."""


@dataclass(frozen=True, slots=True)
class Staff:
    """One of a clinic's people, opened."""

    id: int
    clinic_id: int
    name: str
    email: str = field(repr=False)
    role: Role
    password_hash: str | None = field(repr=False)
    totp_secret: str | None = field(repr=False)
    totp_confirmed_at: datetime | None
    join_expires_at: datetime | None
    created_at: datetime
    disabled_at: datetime | None

    @property
    def actor(self) -> str:
        """How the audit names them."""
        return f"staff {self.id} {self.name}"

    @property
    def has_joined(self) -> bool:
        return self.password_hash is not None

    @property
    def uses_codes(self) -> bool:
        """Whether signing in takes a one-time code."""
        return self.totp_confirmed_at is not None


def add(
    connection: Connection, vault: Vault, clinic_id: int, name: str, email: str, role: Role, now: datetime
) -> Staff:
    """Add somebody who cannot sign in yet: `invite` gives them the link. Raises EmailTaken."""
    # One clinic's changes of staff one after another.
    clinics.lock(connection, clinic_id)
    if _by_email(connection, vault, email) is not None:
        raise EmailTaken
    row_id = new_id()
    connection.execute(
        insert(staff).values(
            id=row_id,
            clinic_id=clinic_id,
            name=name,
            email=vault.seal(email.strip(), row_id),
            email_key=vault.index(normal(Channel.EMAIL, email)),
            role=role,
            created_at=now,
        )
    )
    return get(connection, vault, clinic_id, row_id)


def invite(connection: Connection, staff_id: int, real_now: datetime) -> str:
    """A one-time link's token, with which this person chooses a password; an earlier one is void."""
    token = secrets.token_urlsafe(24)
    connection.execute(
        update(staff)
        .where(staff.c.id == staff_id)
        .values(join_key=digest(token), join_expires_at=real_now + JOIN_LIFETIME)
    )
    return token


def get(connection: Connection, vault: Vault, clinic_id: int, staff_id: int) -> Staff:
    """The clinic's person of that id, disabled or not. Raises LookupError."""
    row = connection.execute(select(staff).where(staff.c.id == staff_id, staff.c.clinic_id == clinic_id)).one_or_none()
    if row is None:
        raise LookupError(f"no staff {staff_id}")
    return _staff(row, vault)


def of_clinic(connection: Connection, vault: Vault, clinic_id: int) -> list[Staff]:
    """Everybody, the disabled last."""
    rows = connection.execute(
        select(staff)
        .where(staff.c.clinic_id == clinic_id)
        .order_by(staff.c.disabled_at.is_not(None), staff.c.name, staff.c.id)
    )
    return [_staff(row, vault) for row in rows]


def by_email(connection: Connection, vault: Vault, email: str) -> Staff | None:
    """Who signs in with that address, disabled or not."""
    row = _by_email(connection, vault, email)
    return None if row is None else _staff(row, vault)


def by_join_token(connection: Connection, vault: Vault, token: str, real_now: datetime) -> Staff | None:
    """Whose link this is, while it can be used."""
    row = connection.execute(
        select(staff)
        .where(staff.c.join_key == digest(token), staff.c.join_expires_at > real_now, staff.c.disabled_at.is_(None))
        .with_for_update()
    ).one_or_none()
    return None if row is None else _staff(row, vault)


def set_password(connection: Connection, staff_id: int, password_hash: str) -> None:
    """From now on this password; the link with which it was chosen is spent."""
    connection.execute(
        update(staff)
        .where(staff.c.id == staff_id)
        .values(password_hash=password_hash, join_key=None, join_expires_at=None)
    )


def set_role(connection: Connection, clinic_id: int, staff_id: int, role: Role) -> None:
    """Raises LastOwner, and LookupError."""
    if role is not Role.OWNER:
        _must_leave_an_owner(connection, clinic_id, staff_id)
    _change(connection, clinic_id, staff_id, role=role)


def disable(connection: Connection, clinic_id: int, staff_id: int, now: datetime) -> None:
    """Shut somebody out; the caller ends their sessions. Raises LastOwner, and LookupError."""
    _must_leave_an_owner(connection, clinic_id, staff_id)
    _change(connection, clinic_id, staff_id, disabled_at=now, join_key=None, join_expires_at=None)


def enable(connection: Connection, clinic_id: int, staff_id: int) -> None:
    """Let somebody in again, with a new link: the old password is void. Raises LookupError."""
    _change(connection, clinic_id, staff_id, disabled_at=None, password_hash=None)


def offer_codes(connection: Connection, vault: Vault, staff_id: int, secret: str) -> None:
    """Keep a secret that counts once its first code came."""
    connection.execute(
        update(staff)
        .where(staff.c.id == staff_id)
        .values(totp_secret=vault.seal(secret, staff_id), totp_confirmed_at=None, totp_last_step=None)
    )


def confirm_codes(connection: Connection, staff_id: int, now: datetime) -> None:
    connection.execute(update(staff).where(staff.c.id == staff_id).values(totp_confirmed_at=now))


def drop_codes(connection: Connection, staff_id: int) -> None:
    """Sign in without one-time codes again."""
    connection.execute(
        update(staff)
        .where(staff.c.id == staff_id)
        .values(totp_secret=None, totp_confirmed_at=None, totp_last_step=None)
    )


def take_code(connection: Connection, staff_id: int, step: int) -> bool:
    """Note that the code of `step` was used. False when it, or a later one, was used before."""
    done = connection.execute(
        update(staff)
        .where(staff.c.id == staff_id, or_(staff.c.totp_last_step.is_(None), staff.c.totp_last_step < step))
        .values(totp_last_step=step)
    )
    return done.rowcount == 1


def digest(token: str) -> bytes:
    """Under which a random token is kept; the token itself is stored nowhere."""
    return hashlib.sha256(token.encode()).digest()


def _must_leave_an_owner(connection: Connection, clinic_id: int, staff_id: int) -> None:
    clinics.lock(connection, clinic_id)  # two owners who demote each other at the same moment
    others = connection.execute(
        select(func.count())
        .select_from(staff)
        .where(
            staff.c.clinic_id == clinic_id,
            staff.c.role == Role.OWNER,
            staff.c.disabled_at.is_(None),
            staff.c.password_hash.is_not(None),
            staff.c.id != staff_id,
        )
    ).scalar_one()
    role = connection.execute(
        select(staff.c.role).where(staff.c.id == staff_id, staff.c.clinic_id == clinic_id)
    ).scalar_one_or_none()
    if role == Role.OWNER and others == 0:
        raise LastOwner


def _change(connection: Connection, clinic_id: int, staff_id: int, **values: Any) -> None:
    done = connection.execute(
        update(staff).where(staff.c.id == staff_id, staff.c.clinic_id == clinic_id).values(**values)
    )
    if done.rowcount == 0:
        raise LookupError(f"no staff {staff_id}")


def _by_email(connection: Connection, vault: Vault, email: str) -> Row[Any] | None:
    keys = vault.indexes(normal(Channel.EMAIL, email))
    return connection.execute(select(staff).where(staff.c.email_key.in_(keys))).one_or_none()


def _staff(row: Row[Any], vault: Vault) -> Staff:
    return Staff(
        id=row.id,
        clinic_id=row.clinic_id,
        name=row.name,
        email=vault.open(row.email, row.id),
        role=Role(row.role),
        password_hash=row.password_hash,
        totp_secret=vault.open_optional(row.totp_secret, row.id),
        totp_confirmed_at=row.totp_confirmed_at,
        join_expires_at=row.join_expires_at,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
    )
