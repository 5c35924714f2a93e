"""What patients wrote, as their clinic may read it; every read is noted."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import request
from sqlalchemy import Connection

from service import time
from service.context import context
from service.identify import cursor
from service.records import audit, replies
from service.records.database import run

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

    def work(connection: Connection) -> dict[str, Any]:
        found = replies.of_clinic(connection, here.sending.vault, clinic_id, after, limit)
        if found:
            subject = f"replies {found[0].id} to {found[-1].id} ({len(found)})"
            audit.note(connection, clinic_id, "api", "replies.read", subject, time.now())
        return {
            "replies": [replies.told(reply) for reply in found],
            "next": str(found[-1].place if found else after),
        }

    return run(here.engine, work)
