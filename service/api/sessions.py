"""A session's timeline."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import request

from service.api.timelines import timeline
from service.context import context
from service.problems import Problem
from service.records import sessions
from service.records.database import reading

bp = APIBlueprint("sessions", __name__, tag="Sessions")


@bp.get("/v1/sessions/<session_id>")
def get_session(session_id: str) -> dict[str, object]:
    """A session and every one of its messages, each with its state and why."""
    here = context()
    clinic_id = here.doorkeeper.owner_of_key(request)
    with reading(here.engine) as connection:
        session = sessions.find(connection, clinic_id, session_id)
        if session is None:
            raise Problem(404, "session_unknown", "This clinic has no such session.")
        return timeline(connection, session)
