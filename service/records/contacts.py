"""Contacts: the clinic's own people, who are told of alerts in the order of their position."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from service.care.escalation import HOUSE, Person
from service.care.lifecycle import Channel
from service.records import clinics, notices
from service.records.alert_tables import contacts
from service.records.clinics import Clinic
from service.records.ids import new_id
from service.records.patients import normal
from service.records.sealing import Vault

NO_CONTACTS = "alert_no_contacts"
"""Kind of the operator's notice about a clinic where nobody can be told."""

_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class LastContact(ValueError):
    """Nobody would be told of alerts any more."""


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
    """Told at once of an emergency, and of what is urgent while the clinic is closed."""
    phone_verified_at: datetime | None = None
    """When the code of a test message that went there was entered at the desk."""
    email_verified_at: datetime | None = None

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

    Raises ValueError when the name is blank or not one line, or there is no address, or one that cannot be right.
    """
    name = name.strip()
    _check(name, phone, email)
    row_id = new_id()
    place = position if position is not None else _last_place(connection, clinic_id) + 1
    connection.execute(
        insert(contacts).values(
            id=row_id,
            clinic_id=clinic_id,
            name=name,
            **_sealed(vault, row_id, phone, email),
            position=place,
            on_call=on_call,
            created_at=now,
        )
    )
    notices.close(connection, NO_CONTACTS, f"clinic {clinic_id}", now)
    return Contact(row_id, clinic_id, name, phone, email, place, on_call)


def change(
    connection: Connection,
    vault: Vault,
    clinic_id: int,
    contact_id: int,
    name: str,
    phone: str | None,
    email: str | None,
    on_call: bool,
) -> Contact:
    """Change a contact; a new address has to be tried out anew.

    Raises LookupError when the clinic has no such contact, ValueError as `add` does.
    """
    before = get(connection, vault, clinic_id, contact_id, lock=True)
    name = name.strip()
    _check(name, phone, email)
    values: dict[str, Any] = {"name": name, "on_call": on_call, **_sealed(vault, contact_id, phone, email)}
    if phone != before.phone:
        values["phone_verified_at"] = None
    if email != before.email:
        values["email_verified_at"] = None
    connection.execute(update(contacts).where(contacts.c.id == contact_id).values(**values))
    return get(connection, vault, clinic_id, contact_id)


def move(connection: Connection, vault: Vault, clinic_id: int, contact_id: int, up: bool) -> bool:
    """Let a contact be told one place earlier, or later. False at the end of the line. Raises LookupError."""
    clinics.lock(connection, clinic_id)
    line = [one.id for one in of_clinic(connection, vault, clinic_id)]
    if contact_id not in line:
        raise LookupError(f"no contact {contact_id}")
    place = line.index(contact_id)
    other = place - 1 if up else place + 1
    if not 0 <= other < len(line):
        return False
    line[place], line[other] = line[other], line[place]
    for position, row in enumerate(line, 1):
        connection.execute(update(contacts).where(contacts.c.id == row).values(position=position))
    return True


def remove(connection: Connection, clinic_id: int, contact_id: int, now: datetime) -> bool:
    """Tell a contact nothing more. False when the clinic has no such contact.

    Raises LastContact for the last one of a clinic that is live: somebody must be told of an alert (P9).
    """
    # Two who each remove one of the last two wait for each other here.
    clinics.lock(connection, clinic_id)
    live = clinics.get(connection, clinic_id).went_live_at is not None
    others = select(contacts.c.id).where(
        contacts.c.clinic_id == clinic_id, contacts.c.removed_at.is_(None), contacts.c.id != contact_id
    )
    if live and _is_of(connection, clinic_id, contact_id) and connection.execute(others.limit(1)).first() is None:
        raise LastContact("somebody must be told of alerts: add another contact first")
    done = connection.execute(
        update(contacts)
        .where(contacts.c.id == contact_id, contacts.c.clinic_id == clinic_id, contacts.c.removed_at.is_(None))
        .values(removed_at=now)
    )
    return done.rowcount == 1


def verified(connection: Connection, contact_id: int, channel: Channel, now: datetime) -> None:
    """A message that went to this address was read there."""
    column = "phone_verified_at" if channel is Channel.SMS else "email_verified_at"
    connection.execute(update(contacts).where(contacts.c.id == contact_id).values(**{column: now}))


def get(connection: Connection, vault: Vault, clinic_id: int, contact_id: int, lock: bool = False) -> Contact:
    """The clinic's contact. Raises LookupError, also for one that was removed."""
    query = select(contacts).where(
        contacts.c.id == contact_id, contacts.c.clinic_id == clinic_id, contacts.c.removed_at.is_(None)
    )
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise LookupError(f"no contact {contact_id}")
    return _contact(row, vault)


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


def _check(name: str, phone: str | None, email: str | None) -> None:
    if not name:
        raise ValueError("a contact needs a name: an alert is acknowledged by a named person")
    if not name.isprintable():
        raise ValueError("a contact's name must be one line of text")
    if phone is None and email is None:
        raise ValueError("a contact needs a phone, an e-mail address, or both")
    if phone is not None and not _PHONE.fullmatch(phone):
        raise ValueError("the phone must be in international form, such as +12025550123")
    if email is not None and not _EMAIL.fullmatch(email):
        raise ValueError("that is not an e-mail address")


def _sealed(vault: Vault, row_id: int, phone: str | None, email: str | None) -> dict[str, bytes | None]:
    return {
        "phone": vault.seal_optional(phone, row_id),
        "phone_key": None if phone is None else vault.index(normal(Channel.SMS, phone)),
        "email": vault.seal_optional(email, row_id),
        "email_key": None if email is None else vault.index(normal(Channel.EMAIL, email)),
    }


def _is_of(connection: Connection, clinic_id: int, contact_id: int) -> bool:
    query = select(contacts.c.id).where(
        contacts.c.id == contact_id, contacts.c.clinic_id == clinic_id, contacts.c.removed_at.is_(None)
    )
    return connection.execute(query).first() is not None


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
        phone_verified_at=row.phone_verified_at,
        email_verified_at=row.email_verified_at,
    )
