"""What patients wrote, as their clinic may read it; every read is noted."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import request
from sqlalchemy import Connection

from service.api.noting import note_page
from service.api.settled import settled
from service.context import context
from service.identify import cursor
from service.records import replies
from service.records.ids import age
from service.records.replies import Shown

bp = APIBlueprint("replies", __name__, tag="Replies")


@bp.get("/v1/replies")
def get_replies() -> dict[str, object]:
    """Replies behind a cursor, oldest first. One whose patient becomes known later comes again, under the same id.

    `after` is the `next` of an earlier answer, `limit` 1 to 1000 (100). `match` is `matched`, or `shared` while several
    patients use the number (`candidates`).
    """
    here = context()
    clinic_id = here.doorkeeper.owner_of_key(request)
    after, limit = cursor()

    def read(connection: Connection) -> list[Shown]:
        return replies.of_clinic(connection, here.sending.vault, clinic_id, after, limit)

    found = settled(here.engine, read, lambda one: age(one.place), lambda one: one.place)
    note_page(clinic_id, "replies.read", "replies", found)
    return {"replies": [replies.told(reply) for reply in found], "next": str(found[-1].place if found else after)}
