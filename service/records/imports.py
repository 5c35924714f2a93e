"""Files of sessions that people take in: kept sealed for as long as something of them is to come.

`mapping → checking → checked → taking → finished`, and from each of the first four to `cancelled`. Checking and taking
are a worker's: it goes on from `position`, which moves in the transaction that deals with the rows. `check_at` is when
the clock sees to it: a lease while a worker is at it, the end of the file's day while it waits for a person, and the
day on which what was wrong with it is forgotten.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, select, update

from service.care.findings import Finding, packed, unpacked
from service.records import clinics, patients
from service.records.desk_tables import import_problems, imports, staff
from service.records.ids import new_id
from service.records.sealing import Vault
from service.records.tables import patients as patient_rows
from service.records.tables import sessions

WAITS_HOURS = 24
"""A file that nobody takes in is given up after so long: it holds patients who may not be on record."""
KEPT_DAYS = 30
"""How long it can be read what came of a file."""
MOST_OPEN = 5
"""Files of one clinic that are not finished."""


class Phase(StrEnum):
    """How far an import is."""

    MAPPING = "mapping"
    """Somebody is to say what the columns mean."""
    CHECKING = "checking"
    CHECKED = "checked"
    """Somebody is to say that it may be taken in."""
    TAKING = "taking"
    FINISHED = "finished"
    CANCELLED = "cancelled"


OPEN = (Phase.MAPPING, Phase.CHECKING, Phase.CHECKED, Phase.TAKING)
AT_WORK = (Phase.CHECKING, Phase.TAKING)
WAITS = (Phase.MAPPING, Phase.CHECKED)
UNENTERED = (Phase.MAPPING, Phase.CHECKING, Phase.CHECKED)
_NOTHING_YET: Mapping[str, Any] = {"position": 0, "taken": 0, "already": 0, "noes": 0}


@dataclass(frozen=True, slots=True)
class Import:
    """A file, without what is in it."""

    id: int
    clinic_id: int
    by: str
    name: str
    mapping: Mapping[str, Any]
    phase: Phase
    rows: int
    position: int
    taken: int
    already: int
    noes: int
    """Rows of which only a no to a channel is new: of sessions on record, or with a problem."""
    created_at: datetime
    check_at: datetime
    finished_at: datetime | None

    @property
    def wrong(self) -> int:
        """Rows dealt with of which nothing counts."""
        return self.position - self.taken - self.already - self.noes

    @property
    def good(self) -> int:
        """Rows that change something."""
        return self.taken + self.noes

    @property
    def is_at_work(self) -> bool:
        return self.phase in AT_WORK


@dataclass(frozen=True, slots=True)
class Step:
    """What became of the next rows."""

    rows: int
    taken: int
    already: int
    noes: int
    found: Sequence[Finding]
    """What is wrong with the others."""


class TooMany(Exception):
    """The clinic has as many unfinished imports as it may."""


def add(
    connection: Connection, vault: Vault, clinic_id: int, staff_id: int, name: str, content: bytes, rows: int,
    mapping: Mapping[str, Any], now: datetime,
) -> int:  # fmt: skip
    """Keep a file. Raises TooMany."""
    clinics.lock(connection, clinic_id)
    open_ones = select(func.count()).where(imports.c.clinic_id == clinic_id, imports.c.phase.in_(OPEN))
    if connection.execute(open_ones).scalar_one() >= MOST_OPEN:
        raise TooMany
    row = new_id()
    connection.execute(
        insert(imports).values(
            id=row,
            clinic_id=clinic_id,
            staff_id=staff_id,
            name=vault.seal(name, row),
            content=vault.seal_bytes(zlib.compress(content, 6), row),
            mapping=mapping,
            phase=Phase.MAPPING,
            rows=rows,
            position=0,
            taken=0,
            already=0,
            noes=0,
            created_at=now,
            check_at=_end_of_waiting(now),
        )
    )
    return row


def get(connection: Connection, vault: Vault, clinic_id: int, import_id: int, lock: bool = False) -> Import:
    """The clinic's import. Raises LookupError."""
    query = _IMPORT.where(imports.c.id == import_id, imports.c.clinic_id == clinic_id)
    row = connection.execute(query.with_for_update(of=imports) if lock else query).one_or_none()
    if row is None:
        raise LookupError(f"clinic {clinic_id} has no import {import_id}")
    return _import(vault, row)


def of_clinic(connection: Connection, vault: Vault, clinic_id: int, limit: int) -> list[Import]:
    """A clinic's imports, the newest first."""
    rows = connection.execute(
        _IMPORT.where(imports.c.clinic_id == clinic_id).order_by(imports.c.id.desc()).limit(limit)
    )
    return [_import(vault, row) for row in rows]


def content(connection: Connection, vault: Vault, import_id: int) -> bytes | None:
    """The file; None when it is not kept any more."""
    blob = connection.execute(select(imports.c.content).where(imports.c.id == import_id)).scalar_one_or_none()
    return zlib.decompress(vault.open_bytes(blob, import_id)) if blob else None


def found(connection: Connection, vault: Vault, import_id: int, after: int = 0) -> Iterator[Finding]:
    """What is wrong with the rows dealt with so far, of those behind row `after`; opened as it is asked for."""
    steps = (
        select(import_problems.c.id, import_problems.c.body)
        .where(import_problems.c.import_id == import_id, import_problems.c.last_row > after)
        .order_by(import_problems.c.last_row)
    )
    for step in connection.execute(steps):
        yield from (one for one in unpacked(vault.open_bytes(step.body, step.id)) if one.row > after)


def begin_check(
    connection: Connection, clinic_id: int, import_id: int, mapping: Mapping[str, Any], now: datetime
) -> bool:
    """Let a worker look at every row under this mapping. False when somebody was quicker."""
    return _begin(connection, clinic_id, import_id, WAITS, Phase.CHECKING, now, mapping=mapping)


def begin_taking(connection: Connection, clinic_id: int, import_id: int, now: datetime) -> bool:
    """Let a worker take in what was checked. False when somebody was quicker."""
    return _begin(connection, clinic_id, import_id, (Phase.CHECKED,), Phase.TAKING, now)


def cancel(connection: Connection, clinic_id: int, import_id: int, now: datetime) -> bool:
    """End it where it stands, and let go of the file. False when it had ended."""
    return _end(connection, now, imports.c.id == import_id, imports.c.clinic_id == clinic_id) == 1


def end_all(connection: Connection, clinic_id: int, now: datetime) -> int:
    """End every import of a clinic that is not finished: one of the files may hold a patient who was just erased."""
    return _end(connection, now, imports.c.clinic_id == clinic_id)


def at_work(connection: Connection, vault: Vault, import_id: int, lock: bool = False) -> Import | None:
    """The import, if it is a worker's turn. `lock` until the end of the transaction."""
    query = _IMPORT.where(imports.c.id == import_id, imports.c.phase.in_(AT_WORK))
    row = connection.execute(query.with_for_update(of=imports) if lock else query).one_or_none()
    return None if row is None else _import(vault, row)


def advance(connection: Connection, vault: Vault, at: Import, step: Step, lease: datetime, now: datetime) -> None:
    """Note what became of the next rows, in the transaction in which it did."""
    values: dict[str, Any] = {
        "position": at.position + step.rows,
        "taken": at.taken + step.taken,
        "already": at.already + step.already,
        "noes": at.noes + step.noes,
        "check_at": lease,
    }
    if values["position"] >= at.rows:
        values |= _closed(now, Phase.FINISHED) if at.phase is Phase.TAKING else _waiting(Phase.CHECKED, now)
    connection.execute(update(imports).where(imports.c.id == at.id).values(values))
    if step.found:
        row = new_id()
        connection.execute(
            insert(import_problems).values(
                id=row,
                import_id=at.id,
                last_row=step.found[-1].row,
                body=vault.seal_bytes(packed(step.found), row),
            )
        )


ANY_DUE = select(imports.c.id).where(imports.c.check_at <= bindparam("now"))


def see_to(connection: Connection, now: datetime, lease: datetime, limit: int) -> list[int]:
    """The clock's side: those that a worker is to go on with, under a lease. Those that wait too long are given up,
    and those that ended long ago are deleted."""
    due = select(imports.c.id, imports.c.phase).where(imports.c.check_at <= now).order_by(imports.c.check_at)
    if connection.dialect.name == "postgresql":
        due = due.with_for_update(skip_locked=True)
    rows = connection.execute(due.limit(limit)).all()
    ours = [row.id for row in rows if row.phase in AT_WORK]
    connection.execute(update(imports).where(imports.c.id.in_(ours)).values(check_at=lease))
    _end(connection, now, imports.c.id.in_([row.id for row in rows if row.phase in WAITS]))
    ended = [row.id for row in rows if row.phase not in OPEN]
    _forget_problems(connection, import_problems.c.import_id.in_(ended))
    connection.execute(delete(imports).where(imports.c.id.in_(ended)))
    return ours


@dataclass(frozen=True, slots=True)
class OnRecord:
    """A session that is there already."""

    patient: str | None
    """The clinic's own id."""
    ended_at: datetime | None
    cancelled: bool


def on_record(connection: Connection, clinic_id: int, names: Collection[str]) -> dict[str, OnRecord]:
    """Which of these sessions are there, by the clinic's own id."""
    rows = connection.execute(
        select(sessions.c.external_id, patient_rows.c.external_id, sessions.c.ended_at, sessions.c.cancelled_at)
        .outerjoin(patient_rows, patient_rows.c.id == sessions.c.patient_id)
        .where(sessions.c.clinic_id == clinic_id, sessions.c.external_id.in_(names))
    )
    return {name: OnRecord(patient, ended_at, cancelled is not None) for name, patient, ended_at, cancelled in rows}


def living(connection: Connection, clinic_id: int, names: Collection[str]) -> frozenset[str]:
    """Which of these patients, by the clinic's own id, are on record and not erased."""
    query = select(patient_rows.c.external_id).where(
        patient_rows.c.clinic_id == clinic_id,
        patient_rows.c.external_id.in_(names),
        patient_rows.c.erased_at.is_(None),
    )
    return frozenset(connection.execute(query).scalars())


def erased(connection: Connection, vault: Vault, clinic_id: int, names: Collection[str]) -> set[str]:
    """Which of these patients, by the clinic's own id, were erased."""
    stones = {stone: name for name in names for stone in patients.tombstones(vault, clinic_id, name)}
    query = select(patient_rows.c.external_id).where(
        patient_rows.c.clinic_id == clinic_id, patient_rows.c.external_id.in_(stones)
    )
    return {stones[stone] for stone in connection.execute(query).scalars()}


_IMPORT = select(
    *(column for column in imports.c if column.name not in ("content", "staff_id")),
    staff.c.name.label("by"),
).join(staff, staff.c.id == imports.c.staff_id)


def _import(vault: Vault, row: Any) -> Import:
    values = {**row._mapping, "name": vault.open(row.name, row.id), "phase": Phase(row.phase)}
    return Import(**values)


def _begin(
    connection: Connection, clinic_id: int, import_id: int, before: Sequence[Phase], phase: Phase, now: datetime,
    **more: Any,
) -> bool:  # fmt: skip
    done = connection.execute(
        update(imports)
        .where(imports.c.id == import_id, imports.c.clinic_id == clinic_id, imports.c.phase.in_(before))
        .values(phase=phase, check_at=now, **_NOTHING_YET, **more)
    )
    if done.rowcount == 0:
        return False
    _forget_problems(connection, import_problems.c.import_id == import_id)
    return True


def _end(connection: Connection, now: datetime, *which: Any) -> int:
    ended = update(imports).where(*which).values(_closed(now, Phase.CANCELLED))
    # What a dry run counted was never entered.
    dry = ended.where(imports.c.phase.in_(UNENTERED)).values(_NOTHING_YET).returning(imports.c.id)
    tried = connection.execute(dry).scalars().all()
    _forget_problems(connection, import_problems.c.import_id.in_(tried))
    return len(tried) + connection.execute(ended.where(imports.c.phase == Phase.TAKING)).rowcount


def _forget_problems(connection: Connection, which: ColumnElement[bool]) -> None:
    connection.execute(delete(import_problems).where(which))


def _closed(now: datetime, phase: Phase) -> dict[str, Any]:
    return {"phase": phase, "content": b"", "finished_at": now, "check_at": now + timedelta(days=KEPT_DAYS)}


def _waiting(phase: Phase, now: datetime) -> dict[str, Any]:
    return {"phase": phase, "check_at": _end_of_waiting(now)}


def _end_of_waiting(now: datetime) -> datetime:
    return now + timedelta(hours=WAITS_HOURS)
