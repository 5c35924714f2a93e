"""Clinics, and the keys they sign in with."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Row, bindparam, insert, or_, select, update

from service.care.contact import hours_in
from service.care.localtime import QuietHours
from service.records.ids import new_id
from service.records.sealing import Vault
from service.records.tables import clinic_keys, clinics


@dataclass(frozen=True)
class Clinic:
    """A clinic as the rules need it."""

    id: int
    name: str
    display_name: str
    timezone: str
    locale: str
    phone: str
    email: str | None
    emergency_number: str
    hours: str
    """As typed: what patients are told only where `opening` cannot say it."""
    opening: dict[str, list[str]]
    quiet_from: str
    quiet_until: str
    daily_cap: int
    sender: str
    care_plan: dict[str, dict[str, str]]
    escalation: dict[str, Any] | None = None
    """Ladders of its own; None: the house's."""
    went_live_at: datetime | None = None
    planned_anew_after: int | None = None
    """While its plans are made anew: the last session that was. See `clinic_changes`."""

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def hours_in(self, language: str) -> str:
        """When somebody reads, as patients are told."""
        return hours_in(language, self.opening, self.hours)

    @cached_property
    def quiet(self) -> QuietHours:
        return QuietHours(opens=time.fromisoformat(self.quiet_from), closes=time.fromisoformat(self.quiet_until))


DEFAULTS: Mapping[str, Any] = {
    "timezone": "America/New_York",
    "locale": "en",
    "email": None,
    "emergency_number": "911",  # of that time zone
    "hours": "Mo-Fr 9-17",
    "opening": {day: ["09:00", "17:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
    # US rule: nobody is texted before 8 in the morning or after 9 in the evening, where they are (47 CFR
    # 64.1200(c)(1)).
    "quiet_from": "08:00",
    "quiet_until": "21:00",
    "daily_cap": 3,
    "sender": "",
    "care_plan": {},
}
"""`quiet_from` and `quiet_until` bound the hours in which sending is allowed, the patient's local time."""


def add(connection: Connection, fields: Mapping[str, Any], now: datetime) -> Clinic:
    """Insert a clinic; `fields` needs name, display_name and phone, the rest has defaults."""
    row = {**DEFAULTS, **fields, "id": new_id(), "created_at": now}
    connection.execute(insert(clinics).values(**row))
    return get(connection, row["id"])


def change(connection: Connection, clinic_id: int, fields: Mapping[str, Any]) -> Clinic:
    """Set the given columns."""
    connection.execute(update(clinics).where(clinics.c.id == clinic_id).values(**fields))
    return get(connection, clinic_id)


_GET = select(clinics).where(clinics.c.id == bindparam("id"))
_HELD = _GET.with_for_update(read=True)


def get(connection: Connection, clinic_id: int) -> Clinic:
    """The clinic. Raises LookupError."""
    return _found(connection.execute(_GET, {"id": clinic_id}).one_or_none(), clinic_id)


def held(connection: Connection, clinic_id: int) -> Clinic:
    """The clinic, as it stays until this transaction ends: whoever changes it waits, others who hold it do not.

    For plans, which carry the clinic's zone and hours away with them. To be asked for before any patient is locked.
    """
    return _found(connection.execute(_HELD, {"id": clinic_id}).one_or_none(), clinic_id)


def lock(connection: Connection, clinic_id: int) -> None:
    """Let whoever changes what only one may change at a time wait for this transaction."""
    # Only its changes wait: rows that merely name the clinic can go on being written.
    connection.execute(select(clinics.c.id).where(clinics.c.id == clinic_id).with_for_update(key_share=True))


def all_of(connection: Connection) -> list[Clinic]:
    return [_clinic(row) for row in connection.execute(select(clinics).order_by(clinics.c.id))]


def senders(connection: Connection) -> dict[int, str]:
    """Every clinic's SMS sender of its own; empty where it uses the installation's."""
    return {row.id: row.sender for row in connection.execute(select(clinics.c.id, clinics.c.sender))}


def _found(row: Row[Any] | None, clinic_id: int) -> Clinic:
    if row is None:
        raise LookupError(f"no clinic {clinic_id}")
    return _clinic(row)


def _clinic(row: Row[Any]) -> Clinic:
    return Clinic(**{name: value for name, value in row._mapping.items() if name != "created_at"})


class AskedBefore(ValueError):
    """The form was sent before: what it asked for is made, and was shown then."""


def new_api_key(connection: Connection, clinic_id: int, now: datetime, form: int | None = None) -> str:
    """Make an API key and return it: the only time it can be read."""
    key = "ak_" + secrets.token_urlsafe(32)
    connection.execute(
        insert(clinic_keys).values(
            id=new_id(), clinic_id=clinic_id, kind="api", digest=_digest(key), hint=key[:8], created_at=now, form=form
        )
    )
    return key


def new_webhook_secret(
    connection: Connection, vault: Vault, clinic_id: int, now: datetime, form: int | None = None
) -> str:
    """Make a Standard Webhooks secret (`whsec_…`) for the events that the clinic signs."""
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    row = new_id()
    connection.execute(
        insert(clinic_keys).values(
            id=row,
            clinic_id=clinic_id,
            kind="webhook",
            secret=vault.seal(secret, row),
            hint=secret[:10],
            created_at=now,
            form=form,
        )
    )
    return secret


def new_key(
    connection: Connection, vault: Vault, clinic_id: int, kind: str, now: datetime, form: int | None = None
) -> str:
    """Make a key of either kind, "api" or "webhook"; returns it, to be read once.

    `form` is the number of the form that asks. Raises AskedBefore where it was sent before.
    """
    if form is not None:
        before = select(clinic_keys.c.id).where(clinic_keys.c.clinic_id == clinic_id, clinic_keys.c.form == form)
        if connection.execute(before).one_or_none() is not None:
            raise AskedBefore
    if kind == "api":
        return new_api_key(connection, clinic_id, now, form)
    return new_webhook_secret(connection, vault, clinic_id, now, form)


def rotate_key(
    connection: Connection,
    vault: Vault,
    clinic_id: int,
    key_id: int,
    ends_at: datetime,
    now: datetime,
    form: int | None = None,
) -> str:
    """Make a key of the same kind beside a living one, which ends at `ends_at`; returns the new key, to be read once.

    Raises LookupError when the clinic has no such living key, or it was given its end before: of two who change the
    same key at once, the second must know that there is a new one already. AskedBefore as `new_key`.
    """
    kind = connection.execute(
        select(clinic_keys.c.kind).where(clinic_keys.c.id == key_id, clinic_keys.c.clinic_id == clinic_id)
    ).scalar_one_or_none()
    if kind is None:
        raise LookupError(f"no key {key_id}")
    made = new_key(connection, vault, clinic_id, kind, now, form)
    ended = connection.execute(
        update(clinic_keys)
        .where(clinic_keys.c.id == key_id, clinic_keys.c.revoked_at.is_(None))
        .values(revoked_at=ends_at)
    )
    if ended.rowcount == 0:
        raise LookupError(f"no living key {key_id}")
    return made


def revoke_key(connection: Connection, clinic_id: int, key_id: int, now: datetime) -> bool:
    """End a key. False when the clinic has no such living key."""
    done = connection.execute(
        update(clinic_keys)
        .where(clinic_keys.c.id == key_id, clinic_keys.c.clinic_id == clinic_id, _lives(now))
        .values(revoked_at=now)
    )
    return done.rowcount == 1


def keys_of(connection: Connection, clinic_id: int) -> list[dict[str, Any]]:
    """The clinic's keys, without what they open."""
    columns = (
        clinic_keys.c.id,
        clinic_keys.c.kind,
        clinic_keys.c.hint,
        clinic_keys.c.created_at,
        clinic_keys.c.revoked_at,
        clinic_keys.c.used_at,
        clinic_keys.c.form,
    )
    rows = connection.execute(select(*columns).where(clinic_keys.c.clinic_id == clinic_id).order_by(clinic_keys.c.id))
    return [dict(row._mapping) for row in rows]


@dataclass(frozen=True, slots=True)
class Key:
    """A living key, and whose it is."""

    id: int
    clinic_id: int


def api_key(connection: Connection, key: str, now: datetime) -> Key | None:
    """The living API key that reads so."""
    row = connection.execute(
        select(clinic_keys.c.id, clinic_keys.c.clinic_id).where(
            clinic_keys.c.digest == _digest(key), clinic_keys.c.kind == "api", _lives(now)
        )
    ).one_or_none()
    return None if row is None else Key(row.id, row.clinic_id)


def webhook_secrets(connection: Connection, vault: Vault, now: datetime) -> list[tuple[Key, str]]:
    """Every living webhook secret with its clinic: a signed event does not say whose it is."""
    rows = connection.execute(
        select(clinic_keys.c.id, clinic_keys.c.clinic_id, clinic_keys.c.secret).where(
            clinic_keys.c.kind == "webhook", _lives(now)
        )
    )
    return [(Key(row.id, row.clinic_id), vault.open(row.secret, row.id)) for row in rows]


def key_was_used(connection: Connection, key_id: int, now: datetime) -> None:
    connection.execute(update(clinic_keys).where(clinic_keys.c.id == key_id).values(used_at=now))


def _lives(now: datetime) -> ColumnElement[bool]:
    return or_(clinic_keys.c.revoked_at.is_(None), clinic_keys.c.revoked_at > now)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
