"""What was seen of the providers: posts whose signature held. Of the installation, since they sign with its keys."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, select

from service.records.database import upsert
from service.records.tables import sightings


class Sighting(StrEnum):
    """Where a signed post came in."""

    SMS_RECEIPT = "sms_receipt"
    SMS_INBOUND = "sms_inbound"
    EMAIL_EVENTS = "email_events"
    EMAIL_INBOUND = "email_inbound"


def note(connection: Connection, what: Sighting, now: datetime) -> None:
    statement = upsert(connection.dialect.name, sightings).values(name=what, first_at=now, last_at=now)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"last_at": now}))


def first(connection: Connection) -> dict[Sighting, datetime]:
    """When each was first seen."""
    rows = connection.execute(select(sightings.c.name, sightings.c.first_at))
    return {Sighting(row.name): row.first_at for row in rows}
