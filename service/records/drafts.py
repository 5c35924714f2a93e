"""Drafts of protocols: one a name, worked on by several people, approved by one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from service.records.desk_tables import protocol_drafts
from service.records.ids import new_id


@dataclass(frozen=True, slots=True)
class Draft:
    """A protocol that is being written."""

    id: int
    name: str
    body: str
    by: str
    """Who changed it last."""
    changed_at: datetime

    @property
    def mark(self) -> str:
        """Another one for every other text: what somebody saw, when they save over it or sign it."""
        return hashlib.sha256(self.body.encode()).hexdigest()[:20]


class NameTaken(Exception):
    """There is a draft of that name; `draft` is it."""

    def __init__(self, draft: Draft) -> None:
        super().__init__(draft.name)
        self.draft = draft


class Overtaken(Exception):
    """Somebody else saved meanwhile; `draft` is what stands there now."""

    def __init__(self, draft: Draft) -> None:
        super().__init__(draft.name)
        self.draft = draft


_COLUMNS = (
    protocol_drafts.c.id,
    protocol_drafts.c.name,
    protocol_drafts.c.body,
    protocol_drafts.c.by,
    protocol_drafts.c.changed_at,
)


def of_clinic(connection: Connection, clinic_id: int) -> list[Draft]:
    """A clinic's drafts, by name."""
    rows = connection.execute(
        select(*_COLUMNS).where(protocol_drafts.c.clinic_id == clinic_id).order_by(protocol_drafts.c.name)
    )
    return [Draft(*row) for row in rows]


def get(connection: Connection, clinic_id: int, draft_id: int, lock: bool = False) -> Draft:
    """Raises LookupError for a draft that the clinic does not have."""
    query = select(*_COLUMNS).where(protocol_drafts.c.id == draft_id, protocol_drafts.c.clinic_id == clinic_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise LookupError(f"clinic {clinic_id} has no draft {draft_id}")
    return Draft(*row)


def add(connection: Connection, clinic_id: int, name: str, body: str, by: str, now: datetime) -> Draft:
    """Begin a draft. Raises NameTaken."""
    mine = (protocol_drafts.c.clinic_id == clinic_id, protocol_drafts.c.name == name)
    there = connection.execute(select(*_COLUMNS).where(*mine)).one_or_none()
    if there is not None:
        raise NameTaken(Draft(*there))
    made = Draft(new_id(), name, body, by, now)
    connection.execute(
        insert(protocol_drafts).values(id=made.id, clinic_id=clinic_id, name=name, body=body, by=by, changed_at=now)
    )
    return made


def save(connection: Connection, clinic_id: int, draft_id: int, seen: str, body: str, by: str, now: datetime) -> Draft:
    """Write `body` over the text whose mark is `seen`. Raises Overtaken where another one stands there."""
    there = get(connection, clinic_id, draft_id, lock=True)
    if there.body == body:
        return there
    if there.mark != seen:
        raise Overtaken(there)
    connection.execute(
        update(protocol_drafts).where(protocol_drafts.c.id == draft_id).values(body=body, by=by, changed_at=now)
    )
    return Draft(draft_id, there.name, body, by, now)


def discard(connection: Connection, clinic_id: int, draft_id: int, seen: str) -> Draft:
    """Throw away the text whose mark is `seen`; returns the draft. Raises Overtaken where another text stands there."""
    there = get(connection, clinic_id, draft_id, lock=True)
    if there.mark != seen:
        raise Overtaken(there)
    connection.execute(delete(protocol_drafts).where(protocol_drafts.c.id == draft_id))
    return there
