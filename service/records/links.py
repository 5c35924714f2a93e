"""What the token in a message's link, reply address or unsubscribe header leads to. Only its hash is on record."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from service.care.lifecycle import Channel
from service.records.sending_tables import attempts, messages


@dataclass(frozen=True, slots=True)
class Link:
    """The message that carried the token."""

    message_id: int
    clinic_id: int
    patient_id: int | None
    session_id: int | None
    channel: Channel


def find(connection: Connection, link_key: int) -> Link | None:
    """The message behind `sealing.token_key(token)`; None for a token that never was, or whose patient was erased."""
    row = connection.execute(
        select(
            messages.c.id.label("message_id"),
            messages.c.clinic_id,
            messages.c.patient_id,
            messages.c.session_id,
            messages.c.channel,
        )
        .join(attempts, attempts.c.message_id == messages.c.id)
        .where(attempts.c.link_key == link_key)
    ).one_or_none()
    if row is None:
        return None
    return Link(row.message_id, row.clinic_id, row.patient_id, row.session_id, Channel(row.channel))
