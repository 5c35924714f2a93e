"""Test messages to contacts: sent by the same way as alerts, and answered by entering the code that stands in them."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from service.care import contact_test
from service.care.contact_test import STEP
from service.care.lifecycle import Channel, Reason
from service.care.rendering import to_gsm7
from service.care.segments import count
from service.records import contacts, messages
from service.records.alert_tables import contacts as contact_rows
from service.records.clinics import Clinic
from service.records.contacts import Contact
from service.records.ids import new_id
from service.records.messages import Extra
from service.records.plans import Sending
from service.records.sealing import Vault
from service.records.sending_tables import attempts, receipts
from service.records.sending_tables import messages as message_rows

_CODE = re.compile(rf"(?<!\d)\d{{{contact_test.CODE_DIGITS}}}(?!\d)")
_MINE = message_rows.c.step.like(f"{STEP}.%")


@dataclass(frozen=True, slots=True)
class Test:
    """The latest test of one address, as far as it got."""

    channel: Channel
    at: datetime
    reason: Reason
    by: str


def send(
    connection: Connection,
    sending: Sending,
    clinic: Clinic,
    contact_id: int,
    channel: Channel,
    by: str,
    now: datetime,
) -> bool:
    """Send a contact a test by this channel; wake the clock after the commit. False when one went a moment ago.

    Raises LookupError when the clinic has no such contact, or they have no such address.
    """
    vault = sending.vault
    contact = contacts.get(connection, vault, clinic.id, contact_id, lock=True)
    address = contact.address(channel)
    if address is None:
        raise LookupError(f"contact {contact_id} has no address for {channel}")
    latest = _latest(connection, contact_id, channel)
    if latest is not None and now - latest.due_at < contact_test.REST:
        return False
    row_id = new_id()
    code = f"{secrets.randbelow(10**contact_test.CODE_DIGITS):0{contact_test.CODE_DIGITS}}"
    body = contact_test.words(code, _plain(by))
    extra = Extra(
        clinic_id=clinic.id,
        step=f"{STEP}.{_number(connection, contact_id)}",
        channel=channel,
        sender=sending.of(clinic)[channel],
        due_at=now,
        window_until=now + contact_test.USEFUL_FOR,
        cause_id=contact_id,
        segments=count(body).segments,
        address=vault.seal(address, row_id),
        body=vault.seal(body, row_id),
        by=by,
    )
    messages.insert_extra(connection, extra, row_id)
    return True


def enter(connection: Connection, vault: Vault, clinic_id: int, contact_id: int, entered: str, now: datetime) -> bool:
    """Take a code for whichever of the contact's addresses it went to. False when it is none, or too old.

    Raises LookupError when the clinic has no such contact.
    """
    contact = contacts.get(connection, vault, clinic_id, contact_id, lock=True)
    for channel in Channel:
        row = _latest(connection, contact_id, channel)
        if row is None or row.due_at <= now - contact_test.CODE_LIVES or not _went_to(vault, row, contact, channel):
            continue
        code = _code_of(vault, row)
        if code is not None and contact_test.same(entered, code):
            contacts.verified(connection, contact_id, channel, now)
            return True
    return False


def of_contact(connection: Connection, contact_id: int) -> list[Test]:
    """The latest test of each address."""
    found = (_latest(connection, contact_id, channel) for channel in Channel)
    return [Test(Channel(row.channel), row.due_at, Reason(row.reason), row.by) for row in found if row is not None]


def first_receipt(connection: Connection, clinic_id: int, channel: Channel) -> datetime | None:
    """When a provider first reported, signed, what became of one of the clinic's tests."""
    return connection.execute(
        select(func.min(receipts.c.received_at))
        .select_from(contact_rows)
        .join(message_rows, message_rows.c.cause_id == contact_rows.c.id)
        .join(attempts, attempts.c.message_id == message_rows.c.id)
        .join(receipts, receipts.c.attempt_id == attempts.c.id)
        .where(contact_rows.c.clinic_id == clinic_id, message_rows.c.channel == channel, _MINE)
    ).scalar_one_or_none()


def _latest(connection: Connection, contact_id: int, channel: Channel) -> Row[Any] | None:
    return connection.execute(
        select(message_rows)
        .where(message_rows.c.cause_id == contact_id, message_rows.c.channel == channel, _MINE)
        .order_by(message_rows.c.id.desc())
        .limit(1)
    ).one_or_none()


def _number(connection: Connection, contact_id: int) -> int:
    before = select(func.count()).select_from(message_rows).where(message_rows.c.cause_id == contact_id, _MINE)
    return int(connection.execute(before).scalar_one()) + 1


def _went_to(vault: Vault, row: Row[Any], contact: Contact, channel: Channel) -> bool:
    """Whether it went to the address that the contact has now."""
    return vault.open_optional(row.address, row.id) == contact.address(channel)


def _code_of(vault: Vault, row: Row[Any]) -> str | None:
    body = vault.open_optional(row.body, row.id)
    found = None if body is None else _CODE.search(body.rpartition(":")[2])
    return None if found is None else found[0]


def _plain(by: str) -> str:
    """A name as a text can hold it: no braces, which would be read as a placeholder, and no second segment."""
    return to_gsm7("".join(letter for letter in by if letter not in "{}"))[:24].strip()
