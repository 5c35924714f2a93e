"""Sessions and their messages as the API shows them: every message with its state and, in words, why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from service.care.lifecycle import SENTENCES, Reason
from service.records import messages, sessions
from service.records.sessions import Session


def timeline(connection: Connection, session: Session) -> dict[str, Any]:
    """A session and all its messages, in order of due time."""
    site = None if session.course_id is None else sessions.site_of(connection, session.course_id)
    return {
        "session": {
            "id": session.external_id,
            "state": state_of(session),
            "site": site,
            "number": session.number,
            "ended_at": _iso(session.ended_at),
            "next_session_at": _iso(session.next_session_at),
        },
        "messages": [shown(row) for row in messages.of_session(connection, session.id)],
    }


def state_of(session: Session) -> str:
    """active, superseded (a later session at the site took over) or cancelled."""
    if session.cancelled_at is not None:
        return "cancelled"
    return "active" if session.superseded_from is None else "superseded"


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """One message."""
    return {
        "id": str(row["id"]),
        "step": row["step"],
        "channel": row["channel"],
        "due_at": _iso(row["due_at"]),
        "state": row["state"],
        "reason": row["reason"],
        "why": SENTENCES[Reason(row["reason"])],
    }


def _iso(moment: Any) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
