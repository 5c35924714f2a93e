"""What is on record of a clinic that makes ready, and the moment from which it counts as live."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from service.care.going_live import Check, Evidence, Step, checklist, missing
from service.care.lifecycle import Channel
from service.records import clinics, contact_tests, contacts, protocols, sightings
from service.records.clinics import Clinic
from service.records.plans import Sending
from service.records.reply_tables import replies
from service.records.sightings import Sighting
from service.records.tables import clinic_keys, events


class NotReady(ValueError):
    """Required steps are open."""

    def __init__(self, steps: tuple[Step, ...]) -> None:
        super().__init__("open: " + ", ".join(steps))
        self.steps = steps


def checks(connection: Connection, sending: Sending, clinic: Clinic) -> tuple[Check, ...]:
    return checklist(evidence(connection, sending, clinic))


def evidence(connection: Connection, sending: Sending, clinic: Clinic) -> Evidence:
    """What is on record. Each look-up ends at its first row: it is asked on every visit of the page."""
    approved = [one for one in protocols.of_clinic(connection, clinic.id) if one.approved_at is not None]
    latest = max(approved, key=lambda one: one.id, default=None)
    people = contacts.of_clinic(connection, sending.vault, clinic.id)
    by_text = [one.phone_verified_at for one in people if one.phone_verified_at is not None]
    by_mail = [one.email_verified_at for one in people if one.email_verified_at is not None]
    seen = sightings.first(connection)
    return Evidence(
        approved_at=None if latest is None else latest.approved_at,
        approved_by=None if latest is None else latest.approved_by,
        contacts=[one.phone_verified_at or one.email_verified_at for one in people],
        text_read_at=max(by_text, default=None),
        email_read_at=max(by_mail, default=None),
        receipt_at=contact_tests.first_receipt(connection, clinic.id, Channel.SMS),
        signature_at=seen.get(Sighting.SMS_RECEIPT),
        inbound_at=_text_came_in(connection, clinic.id),
        event_at=_event_came_in(connection, clinic.id),
        sends_email=bool(sending.email_sender),
    )


def go_live(connection: Connection, sending: Sending, clinic_id: int, now: datetime) -> bool:
    """The clinic is live from now on. False when it was before; raises NotReady while required steps are open."""
    clinics.lock(connection, clinic_id)
    clinic = clinics.get(connection, clinic_id)
    if clinic.went_live_at is not None:
        return False
    still = missing(checks(connection, sending, clinic))
    if still:
        raise NotReady(still)
    clinics.change(connection, clinic_id, {"went_live_at": now})
    return True


def _text_came_in(connection: Connection, clinic_id: int) -> datetime | None:
    """A text that was found to be for this clinic: a patient's, or one of its own people's."""
    return connection.execute(
        select(replies.c.received_at)
        .where(replies.c.clinic_id == clinic_id, replies.c.channel == Channel.SMS)
        .order_by(replies.c.place)
        .limit(1)
    ).scalar_one_or_none()


def _event_came_in(connection: Connection, clinic_id: int) -> datetime | None:
    """An event that was taken in, or else a key that was used."""
    event = select(events.c.received_at).where(events.c.clinic_id == clinic_id).limit(1)
    used = select(clinic_keys.c.used_at).where(clinic_keys.c.clinic_id == clinic_id, clinic_keys.c.used_at.is_not(None))
    return (
        connection.execute(event).scalar_one_or_none()
        or connection.execute(used.order_by(clinic_keys.c.used_at).limit(1)).scalar_one_or_none()
    )
