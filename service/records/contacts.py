"""Contacts: the clinic's own people, who are told of alerts in the order of their position."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from service.care.escalation import HOUSE, Person
from service.care.lifecycle import Channel
from service.records import notices
from service.records.clinics import Clinic
from service.records.ids import new_id
from service.records.patients import normal
from service.records.sealing import Vault
from service.records.tables import contacts

NO_CONTACTS = "alert_no_contacts"
"""Kind of the operator's notice about a clinic where nobody can be told."""

_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True)
class Contact:
    """One of the clinic's people, opened."""

    id: int
    clinic_id: int
    name: str
    phone: str | None
    email: str | None
    position: int
    """1 is told first."""
    on_call: bool
    """Told at once also while the clinic is closed."""

    def address(self, channel: Channel) -> str | None:
        return self.phone if channel is Channel.SMS else self.email

    @property
    def person(self) -> Person:
        """As escalation sees them."""
        return Person(self.id, frozenset(one for one in Channel if self.address(one) is not None), self.on_call)


def add(
    connection: Connection,
    vault: Vault,
    clinic_id: int,
    name: str,
    phone: str | None,
    email: str | None,
    now: datetime,
    position: int | None = None,
    on_call: bool = False,
) -> Contact:
    """Add a contact; `position` None puts them last. `phone` is E.164.

    Raises ValueError when the name is blank, or there is no address, or one that cannot be right.
    """
    name = name.strip()
    if not name:
        raise ValueError("a contact needs a name: an alert is acknowledged by a named person")
    if phone is None and email is None:
        raise ValueError("a contact needs a phone, an e-mail address, or both")
    if phone is not None and not _PHONE.fullmatch(phone):
        raise ValueError("the phone must be in international form, such as +12025550123")
    if email is not None and not _EMAIL.fullmatch(email):
        raise ValueError("that is not an e-mail address")
    row_id = new_id()
    place = position if position is not None else _last_place(connection, clinic_id) + 1
    connection.execute(
        insert(contacts).values(
            id=row_id,
            clinic_id=clinic_id,
            name=name,
            phone=vault.seal_optional(phone, row_id),
            phone_key=None if phone is None else vault.index(normal(Channel.SMS, phone)),
            email=vault.seal_optional(email, row_id),
            email_key=None if email is None else vault.index(normal(Channel.EMAIL, email)),
            position=place,
            on_call=on_call,
            created_at=now,
        )
    )
    notices.close(connection, NO_CONTACTS, f"clinic {clinic_id}", now)
    return Contact(row_id, clinic_id, name, phone, email, place, on_call)


def remove(connection: Connection, clinic_id: int, contact_id: int, now: datetime) -> bool:
    """Tell a contact nothing more. False when the clinic has no such contact."""
    done = connection.execute(
        update(contacts)
        .where(contacts.c.id == contact_id, contacts.c.clinic_id == clinic_id, contacts.c.removed_at.is_(None))
        .values(removed_at=now)
    )
    return done.rowcount == 1


def of_clinic(connection: Connection, vault: Vault, clinic_id: int) -> list[Contact]:
    """The clinic's contacts in the order in which they are told."""
    rows = connection.execute(
        select(contacts)
        .where(contacts.c.clinic_id == clinic_id, contacts.c.removed_at.is_(None))
        .order_by(contacts.c.position, contacts.c.id)
    )
    return [_contact(row, vault) for row in rows]


def by_phone(connection: Connection, vault: Vault, phone: str) -> list[Contact]:
    """Every contact, of whatever clinic, who is reached there; a phone at a desk may be several people's."""
    rows = connection.execute(
        select(contacts)
        .where(contacts.c.phone_key.in_(vault.indexes(normal(Channel.SMS, phone))), contacts.c.removed_at.is_(None))
        .order_by(contacts.c.position, contacts.c.id)
    )
    return [_contact(row, vault) for row in rows]


def name_of(connection: Connection, clinic_id: int, contact_id: int) -> str | None:
    """The name of a contact, removed or not."""
    return connection.execute(
        select(contacts.c.name).where(contacts.c.id == contact_id, contacts.c.clinic_id == clinic_id)
    ).scalar_one_or_none()


def names_of(connection: Connection, clinic_id: int) -> dict[int, str]:
    """The names of all contacts a clinic ever had, by id."""
    rows = connection.execute(select(contacts.c.id, contacts.c.name).where(contacts.c.clinic_id == clinic_id))
    return {row.id: row.name for row in rows}


def house_of(clinic: Clinic) -> Contact:
    """The clinic itself, which is told when nobody else can be."""
    return Contact(HOUSE, clinic.id, clinic.name, _dialled(clinic), clinic.email, 0, False)


def _dialled(clinic: Clinic) -> str | None:
    """The clinic's phone, kept as patients should dial it, as a provider wants it; None where that cannot be told."""
    digits = re.sub(r"\D", "", clinic.phone)
    if clinic.phone.strip().startswith("+"):
        number = "+" + digits
    elif clinic.emergency_number == "911" and len(digits) in (10, 11):
        number = "+1" + digits[-10:]  # 911 is the emergency number of the US and Canada only
    else:
        return None
    return number if _PHONE.fullmatch(number) else None


def _last_place(connection: Connection, clinic_id: int) -> int:
    place = connection.execute(
        select(func.max(contacts.c.position)).where(contacts.c.clinic_id == clinic_id, contacts.c.removed_at.is_(None))
    ).scalar_one_or_none()
    return int(place or 0)


def _contact(row: Row[Any], vault: Vault) -> Contact:
    return Contact(
        id=row.id,
        clinic_id=row.clinic_id,
        name=row.name,
        phone=vault.open_optional(row.phone, row.id),
        email=vault.open_optional(row.email, row.id),
        position=row.position,
        on_call=row.on_call,
    )
