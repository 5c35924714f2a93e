"""Events again: what the clinic's webhooks were sent, by cursor, for a system that was down or is new."""

from __future__ import annotations

import json

from apiflask import APIBlueprint
from flask import request
from sqlalchemy import Connection

from service.api.noting import note_page
from service.api.settled import settled
from service.context import context
from service.identify import cursor
from service.records import hooks
from service.records.hooks import Event
from service.records.ids import age

bp = APIBlueprint("hooks", __name__, tag="Webhooks")


@bp.get("/v1/webhook-events")
def get_webhook_events() -> dict[str, object]:
    """Events of the last thirty days behind a cursor, oldest first, with the bodies that were posted.

    `id` is the webhook-id, the same as in the post. `after` is the `next` of an earlier answer.
    """
    here = context()
    clinic_id = here.doorkeeper.owner_of_key(request)
    after, limit = cursor()

    def read(connection: Connection) -> list[Event]:
        return hooks.events_after(connection, here.sending.vault, clinic_id, after, limit)

    found = settled(here.engine, read, lambda event: age(event.id), lambda event: event.id)
    note_page(clinic_id, "webhook_events.read", "webhook events", found)
    return {
        "events": [{"id": event.webhook_id, "body": json.loads(event.body)} for event in found],
        "next": str(found[-1].id if found else after),
    }
