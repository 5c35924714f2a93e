"""Sessions and their messages as the API shows them: every message with its state and, in words, why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from service.care.lifecycle import SENTENCES, Reason
from service.care.planning import PlannedMessage
from service.records import messages, sessions
from service.records.sessions import Session


def timeline(connection: Connection, session: Session) -> dict[str, Any]:
    """A session and all its messages, in order of due time."""
    site = None if session.course_id is None else sessions.site_of(connection, session.course_id)
    return {
        "session": _session(session, site),
        "messages": [shown(row) for row in messages.of_session(connection, session.id)],
    }


def first_timeline(session: Session, site: str, planned: Sequence[tuple[int, PlannedMessage]]) -> dict[str, Any]:
    """The same of a session that was planned a moment ago, without reading it back."""
    return {
        "session": _session(session, site),
        "messages": [
            _message(row_id, one.step, one.channel, one.due_at, one.state, one.reason) for row_id, one in planned
        ],
    }


def _session(session: Session, site: str | None) -> dict[str, Any]:
    return {
        "id": session.external_id,
        "state": state_of(session),
        "site": site,
        "number": session.number,
        "ended_at": _iso(session.ended_at),
        "next_session_at": _iso(session.next_session_at),
    }


def state_of(session: Session) -> str:
    """active, superseded (a later session at the site took over) or cancelled."""
    if session.cancelled_at is not None:
        return "cancelled"
    return "active" if session.superseded_from is None else "superseded"


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """One message."""
    return _message(row["id"], row["step"], row["channel"], row["due_at"], row["state"], Reason(row["reason"]))


def _message(row_id: int, step: str, channel: str, due_at: datetime, state: str, reason: Reason) -> dict[str, Any]:
    return {
        "id": str(row_id),
        "step": step,
        "channel": channel,
        "due_at": _iso(due_at),
        "state": state,
        "reason": reason,
        "why": SENTENCES[reason],
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()[: -len("+00:00")] + "Z"
