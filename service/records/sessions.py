"""Sessions and the courses they make up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from service.care import baselines
from service.care.matching import Treatment, session_of
from service.records.bulk import Write
from service.records.ids import new_id
from service.records.library import library
from service.records.sealing import Vault
from service.records.tables import courses, sessions


@dataclass(frozen=True, slots=True)
class Session:
    """One treatment."""

    id: int
    clinic_id: int
    external_id: str
    patient_id: int | None
    course_id: int | None
    protocol_id: int | None
    ended_at: datetime | None
    number: int | None
    next_session_at: datetime | None
    cancelled_at: datetime | None
    superseded_from: datetime | None
    facts_at: datetime
    has_baseline: bool
    """The survey at the start has nothing left to ask: it all came with the session, or was answered."""


_COLUMNS: list[Any] = [column for column in sessions.c if column.name not in ("baseline", "created_at")]
_NOTHING: dict[str, Any] = dict.fromkeys(column.name for column in _COLUMNS)

_SESSION = select(*_COLUMNS)
_FIND = _SESSION.where(
    sessions.c.clinic_id == bindparam("clinic_id"), sessions.c.external_id == bindparam("external_id")
)

_GET = _SESSION.where(sessions.c.id == bindparam("id"))
_OF_PATIENT = _SESSION.where(
    sessions.c.patient_id == bindparam("patient_id"), sessions.c.ended_at.is_not(None)
).order_by(sessions.c.ended_at, sessions.c.id)
_SITE = select(courses.c.site).where(courses.c.id == bindparam("id"))


def find(connection: Connection, clinic_id: int, external_id: str) -> Session | None:
    """The clinic's session of that id."""
    if "\x00" in external_id:  # nothing has such an id, and PostgreSQL cannot even be asked
        return None
    row = connection.execute(_FIND, {"clinic_id": clinic_id, "external_id": external_id}).one_or_none()
    return None if row is None else _session(row)


def get(connection: Connection, session_id: int) -> Session:
    return _session(connection.execute(_GET, {"id": session_id}).one())


def of_patient(connection: Connection, patient_id: int) -> list[Session]:
    """A patient's reported sessions, oldest first."""
    return [_session(row) for row in connection.execute(_OF_PATIENT, {"patient_id": patient_id})]


def latest_of(connection: Connection, patient_id: int, at: datetime) -> int | None:
    """The session that a reply at `at` belongs to: the patient's latest before it that was not cancelled."""
    treatments = [
        Treatment(one.id, one.ended_at, one.cancelled_at is not None)
        for one in of_patient(connection, patient_id)
        if one.ended_at is not None
    ]
    return session_of(treatments, at)


def site_of(connection: Connection, course_id: int) -> str:
    site: str = connection.execute(_SITE, {"id": course_id}).scalar_one()
    return site


def course_for(connection: Connection, clinic_id: int, patient_id: int, site: str) -> int:
    """The patient's course at a site, begun if there is none."""
    known: int | None = connection.execute(
        select(courses.c.id).where(courses.c.patient_id == patient_id, courses.c.site == site)
    ).scalar_one_or_none()
    if known is not None:
        return known
    return begin_course(connection, clinic_id, patient_id, site)


def begin_course(connection: Connection, clinic_id: int, patient_id: int, site: str) -> int:
    """A course at a site where the patient has none."""
    row = new_id()
    connection.execute(insert(courses), {"id": row, "clinic_id": clinic_id, "patient_id": patient_id, "site": site})
    return row


def add(connection: Connection, vault: Vault, baseline: dict[str, Any] | None, **values: Any) -> Session:
    """Insert a session; `values` are its columns without id and baseline."""
    created_at = values.pop("created_at")
    session = new(baseline, **values)
    connection.execute(insert(sessions), _row(vault, session, baseline, created_at))
    return session


def new(baseline: dict[str, Any] | None, **values: Any) -> Session:
    """A session, not on record yet; what is not given is None."""
    return Session(**(_NOTHING | {"id": new_id(), "has_baseline": _is_complete(baseline)} | values))


@dataclass(frozen=True, slots=True)
class First:
    """A new patient's first session. It begins its course, whose id it has already."""

    session: Session
    site: str
    baseline: dict[str, Any] | None


def add_first(write: Write, vault: Vault, firsts: Sequence[First], created_at: datetime) -> None:
    """Insert first sessions and their courses."""
    write(
        courses,
        (
            {
                "id": one.session.course_id,
                "clinic_id": one.session.clinic_id,
                "patient_id": one.session.patient_id,
                "site": one.site,
            }
            for one in firsts
        ),
    )
    write(sessions, (_row(vault, one.session, one.baseline, created_at) for one in firsts))


def _row(vault: Vault, session: Session, baseline: dict[str, Any] | None, created_at: datetime) -> dict[str, Any]:
    row = {column.name: getattr(session, column.name) for column in _COLUMNS}
    sealed = None if baseline is None else vault.seal(json.dumps(baseline), session.id)
    return {**row, "baseline": sealed, "created_at": created_at}


def change(connection: Connection, session_id: int, **values: Any) -> None:
    """Set the given columns of a session."""
    connection.execute(update(sessions).where(sessions.c.id == session_id).values(**values))


def add_to_baseline(connection: Connection, vault: Vault, session_id: int, given: dict[str, Any]) -> None:
    """Put what the clinic says now of the visit over what is on record; what it leaves out stays.

    A new score that comes alone is of the activity on record.
    """
    known = baseline(connection, vault, session_id) or {}
    named = {"activity": known["activity"]} if "activity" in known else {}
    set_baseline(connection, vault, session_id, baselines.joined(named | given, known))


def set_baseline(
    connection: Connection, vault: Vault, session_id: int, whole: dict[str, Any], is_answered: bool = False
) -> None:
    """Replace a session's baseline. `is_answered`: the patient has sent off the survey that asks for it."""
    values: dict[str, Any] = {"baseline": vault.seal(json.dumps(whole), session_id)}
    if is_answered or _is_complete(whole):
        values["has_baseline"] = True
    change(connection, session_id, **values)


def baseline(connection: Connection, vault: Vault, session_id: int) -> dict[str, Any] | None:
    blob = connection.execute(select(sessions.c.baseline).where(sessions.c.id == session_id)).scalar_one()
    return None if blob is None else json.loads(vault.open(blob, session_id))


def supersede(connection: Connection, course_id: int) -> list[Session]:
    """Mark where each session of a course gives way to the next; returns the sessions for which that changed.

    A pure function of the sessions there are, so that events may come in any order.
    """
    rows = connection.execute(
        select(sessions.c.id, sessions.c.ended_at, sessions.c.superseded_from)
        .where(sessions.c.course_id == course_id, sessions.c.cancelled_at.is_(None))
        .order_by(sessions.c.ended_at, sessions.c.id)
    ).all()
    changed = []
    # The last gives way to none. And there may be no row at all: the course's only session was cancelled.
    for row, following in zip_longest(rows, rows[1:]):
        ends = None if following is None else following.ended_at
        if ends != row.superseded_from:
            connection.execute(update(sessions).where(sessions.c.id == row.id).values(superseded_from=ends))
            changed.append(row.id)
    return [get(connection, session_id) for session_id in changed]


def _is_complete(baseline: dict[str, Any] | None) -> bool:
    return baselines.is_complete(library().surveys.get(baselines.SURVEY), baseline)


def _session(row: Any) -> Session:
    return Session(**row._mapping)
