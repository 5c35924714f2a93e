"""Results out: answered surveys as clinics read them, in the order in which they last changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from service.records.database import from_micros, to_micros
from service.records.reply_tables import responses
from service.records.sealing import Vault
from service.records.tables import patients, sessions


@dataclass(frozen=True, slots=True)
class Place:
    """A cursor: where a response stands in the order of last changes."""

    changed_at: datetime
    id: int

    def __str__(self) -> str:
        return f"{to_micros(self.changed_at)}-{self.id}"


START = Place(from_micros(0), 0)


@dataclass(frozen=True, slots=True)
class Result:
    """One survey as far as it is answered. `answers` is by question id, as the patient gave them."""

    id: int
    patient: str
    session: str
    """The clinic's own ids."""
    survey: str
    started_at: datetime
    changed_at: datetime
    completed_at: datetime | None
    answers: Mapping[str, Any]

    @property
    def place(self) -> Place:
        return Place(self.changed_at, self.id)


def parse_place(text: str) -> Place:
    """The cursor in `text`; "0" is the start. Raises ValueError."""
    if text == "0":
        return START
    micros, _, row_id = text.partition("-")
    if not all(part.isascii() and part.isdigit() and len(part) <= 19 for part in (micros, row_id)):
        raise ValueError("not a cursor")
    if int(row_id) >= 2**63 or int(micros) >= 2**57:
        raise ValueError("not a cursor")
    return Place(from_micros(int(micros)), int(row_id))


def changed_after(connection: Connection, vault: Vault, clinic_id: int, after: Place, limit: int) -> list[Result]:
    """Responses that changed after that place. One that changes again comes again, under the same id."""
    rows = connection.execute(
        _query()
        .where(
            responses.c.clinic_id == clinic_id,
            responses.c.changed_at >= after.changed_at,
            or_(
                responses.c.changed_at > after.changed_at,
                and_(responses.c.changed_at == after.changed_at, responses.c.id > after.id),
            ),
        )
        .order_by(responses.c.changed_at, responses.c.id)
        .limit(limit)
    )
    return [_result(row, vault) for row in rows]


def get(connection: Connection, vault: Vault, clinic_id: int, response_id: int) -> Result | None:
    row = connection.execute(
        _query().where(responses.c.clinic_id == clinic_id, responses.c.id == response_id)
    ).one_or_none()
    return None if row is None else _result(row, vault)


def _query() -> Any:
    from_tables = responses.join(patients, patients.c.id == responses.c.patient_id).join(
        sessions, sessions.c.id == responses.c.session_id
    )
    return select(
        responses, patients.c.external_id.label("patient"), sessions.c.external_id.label("session")
    ).select_from(from_tables)


def _result(row: Row[Any], vault: Vault) -> Result:
    return Result(
        id=row.id,
        patient=row.patient,
        session=row.session,
        survey=row.survey,
        started_at=row.started_at,
        changed_at=row.changed_at,
        completed_at=row.completed_at,
        answers=json.loads(vault.open(row.answers, row.id)),
    )
