"""A session's timeline; every read is noted."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import request
from sqlalchemy import Connection

from service import time
from service.api.timelines import timeline
from service.context import context
from service.problems import Problem
from service.records import audit, sessions
from service.records.database import run

bp = APIBlueprint("sessions", __name__, tag="Sessions")


@bp.get("/v1/sessions/<path:session_id>")
def get_session(session_id: str) -> dict[str, object]:
    """A session and every one of its messages, each with its state and why."""
    here = context()
    clinic_id = here.doorkeeper.owner_of_key(request)

    def work(connection: Connection) -> dict[str, object]:
        session = sessions.find(connection, clinic_id, session_id)
        if session is None:
            raise Problem(404, "session_unknown", "This clinic has no such session.")
        if session.patient_id is not None:  # else it was cancelled before it was reported: nobody's yet
            audit.note(connection, clinic_id, "api", "session.read", f"patient {session.patient_id}", time.now())
        return timeline(connection, session)

    return run(here.engine, work)
