"""Who looked at or changed what, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, tuple_

from service.records.ids import new_id, new_ids
from service.records.tables import audit

NOBODYS_DAYS = 90
"""Lines that are no clinic's are kept so long: anybody can write them, by trying to sign in with any address."""


def note(connection: Connection, clinic_id: int | None, actor: str, action: str, subject: str, at: datetime) -> None:
    """Write one line. `subject` names a row ("patient 123"), never a person."""
    connection.execute(
        insert(audit).values(id=new_id(), clinic_id=clinic_id, actor=actor, action=action, subject=subject, at=at)
    )


def note_all(
    connection: Connection, clinic_id: int, actor: str, action: str, subjects: Sequence[str], at: datetime
) -> None:
    """One line for each of these rows: of a list that shows them all."""
    if subjects:
        line = {"clinic_id": clinic_id, "actor": actor, "action": action, "at": at}
        ids = new_ids(len(subjects))
        connection.execute(
            insert(audit), [{**line, "id": row, "subject": one} for row, one in zip(ids, subjects, strict=True)]
        )


def forget_nobodys(connection: Connection, now: datetime, batch: int) -> int:
    """Retention: delete lines that are no clinic's; returns how many. A clinic's own lines stay."""
    before = now - timedelta(days=NOBODYS_DAYS)
    old = (
        select(audit.c.id).where(audit.c.clinic_id.is_(None), audit.c.at < before).order_by(audit.c.at).limit(batch)
    )  # fmt: skip
    return connection.execute(delete(audit).where(audit.c.id.in_(old))).rowcount


def name_of(actor: str) -> str:
    """An actor without the number that tells namesakes apart."""
    kind, _, rest = actor.partition(" ")
    number, _, name = rest.partition(" ")
    return name if kind == "staff" and number.isdigit() and name else actor


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the audit."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str


@dataclass(frozen=True, slots=True)
class Search:
    """Which lines are looked for; None and "" leave a thing open."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None


def search(
    connection: Connection, clinic_id: int, wanted: Search, before: tuple[datetime, int] | None, limit: int
) -> list[Line]:
    """A clinic's lines, the newest first, from the one behind `before` (moment and id) on."""
    columns = (audit.c.id, audit.c.at, audit.c.actor, audit.c.action, audit.c.subject)
    query = select(*columns).where(audit.c.clinic_id == clinic_id)
    for column in (audit.c.actor, audit.c.action, audit.c.subject):
        value = getattr(wanted, column.name)
        if value:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(audit.c.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(audit.c.at < wanted.until)
    if before is not None:
        query = query.where(tuple_(audit.c.at, audit.c.id) < before)
    rows = connection.execute(query.order_by(audit.c.at.desc(), audit.c.id.desc()).limit(limit))
    return [Line(**row._mapping) for row in rows]
