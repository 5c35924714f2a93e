"""Files that people take in: every row checked, or taken in, in parts, each in one transaction with how far it got.

Killed anywhere, the next nudge goes on with the row behind the last one that was dealt with. Whoever finds that
another worker is at the same file leaves it to that one.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from service import crashpoints, time
from service.care import columns, rows, sheet
from service.care.columns import Columns, Field
from service.care.entering import ERASED, OTHER_PATIENT, SENTENCES, Entry, Trouble, event_of, no_of, troubles
from service.care.findings import Finding
from service.care.refusing import Refusal
from service.care.rows import House
from service.care.sheet import Sheet
from service.crashpoints import Point
from service.nudges import QueueName
from service.parts import Parts
from service.records import clinics, consents, imports, protocols
from service.records.database import reading, run
from service.records.imports import Import, OnRecord, Phase, Step
from workers import refusing
from workers.refusing import Spoken

log = logging.getLogger(__name__)

CHECKED_AT_ONCE = 1000
TAKEN_AT_ONCE = 100
"""Rows a transaction, as of a batch of events: on SQLite whoever sends waits for it."""
TURN_SECONDS = 10.0
"""Then it is another file's turn: one clinic's years must not hold up another's day."""
_OUR_MISTAKE = "Something went wrong on our side with this row. It was not taken in."
_SAME_MINUTE = timedelta(minutes=1)


class Rows(Protocol):
    """The door of the clinics' own events; see `service/api/inside.py`."""

    def check(self, raw: bytes, now: datetime) -> dict[str, Any] | None: ...

    def take_in(
        self, connection: Connection, clinic_id: int, events: Sequence[tuple[str, bytes]], now: datetime
    ) -> list[dict[str, Any] | None]: ...


@dataclass(frozen=True, slots=True)
class _Read:
    """A row: the session it tells of with the event that says so, or what is wrong with it."""

    number: int
    entry: Entry | None
    event: bytes
    wrong: Sequence[Trouble]
    refusal: Refusal | None = None
    """What the patient said no to, whether or not the rest counts."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What a row has to tell the records, under its key."""

    number: int
    key: str
    event: bytes
    patient: str
    """The clinic's own number."""
    is_new: bool
    """The session is; else only what the patient said is."""


@dataclass
class _Job:
    """A file in a worker's hands."""

    at: Import
    file: Sheet
    columns: Columns
    house: House
    protocols: frozenset[str]
    """Those that the clinic has."""
    sessions: dict[str, int] = field(default_factory=dict)
    """Every session of the file so far, with the row that tells of it first."""
    refusals: dict[str, list[Refusal]] = field(default_factory=dict)
    """What patients said no to so far, by the clinic's own number for them."""


class Importer:
    """Works on files until they are done, or another worker's."""

    def __init__(self, parts: Parts, door: Rows) -> None:
        self._parts = parts
        self._door = door

    def work_on(self, ids: Sequence[int]) -> int:
        """Returns how many rows were dealt with."""
        return sum(self._work_on(one) for one in ids)

    def _work_on(self, import_id: int) -> int:
        job = self._begin(import_id)
        if job is None:
            return 0
        done, reads, until = 0, self._reads(job), time.monotonic() + TURN_SECONDS
        size = TAKEN_AT_ONCE if job.at.phase is Phase.TAKING else CHECKED_AT_ONCE
        while part := list(islice(reads, size)):
            if not self._settle(job, job.at.position + done, part):
                break
            done += len(part)
            if job.at.phase is Phase.TAKING:
                crashpoints.reached(Point.IMPORTS_COMMITTED)
                self._parts.nudges.wake_clock()
                crashpoints.reached(Point.IMPORTS_WOKEN)
            if time.monotonic() > until:
                self._parts.nudges.send(QueueName.IMPORTS, [import_id])
                break
        return done

    def _begin(self, import_id: int) -> _Job | None:
        vault = self._parts.sending.vault
        with reading(self._parts.engine) as connection:
            at = imports.at_work(connection, vault, import_id)
            content = None if at is None else imports.content(connection, vault, import_id)
            if at is None or content is None:
                return None
            clinic = clinics.get(connection, at.clinic_id)
            names = frozenset(one.name for one in protocols.of_clinic(connection, clinic.id))
        house = House(clinic.zone, clinic.emergency_number, time.now())
        return _Job(at, sheet.read(content), columns.from_json(at.mapping), house, names)

    def _reads(self, job: _Job) -> Iterator[_Read]:
        """The rows that are still to be dealt with. Of those before them only the sessions and the noes matter: a turn
        that held every row against the door again would take longer with each that went before."""
        for place, row in enumerate(job.file.rows()):
            entry = _understood(row.cells, job)
            if isinstance(entry, Entry):
                job.sessions.setdefault(entry.session, row.number)
            refusal = rows.refusal(row.cells, job.columns, job.house)
            if refusal is not None and refusal.patient:
                job.refusals.setdefault(refusal.patient, []).append(refusal)
            if place >= job.at.position:
                yield replace(self._checked(job, row.number, entry), refusal=refusal)

    def _checked(self, job: _Job, number: int, entry: Entry | list[Trouble]) -> _Read:
        if not isinstance(entry, Entry):
            return _Read(number, None, b"", entry)
        first = job.sessions[entry.session]
        if first != number:
            return _wrong(number, Field.SESSION, f"Row {first} tells of the same session.")
        if entry.protocol not in job.protocols:
            return _wrong(number, Field.PROTOCOL, SENTENCES[Field.PROTOCOL])
        event = json.dumps(event_of(entry)).encode()
        refusal = self._door.check(event, job.house.now)
        return _Read(number, entry, event, troubles(refusal) if refusal is not None else ())

    def _settle(self, job: _Job, position: int, part: Sequence[_Read]) -> bool:
        """Deal with some rows. False when they are somebody else's by now, or the import was ended."""
        try:
            return run(self._parts.engine, lambda connection: self._step(connection, job, position, part))
        except OperationalError:
            raise  # the database's trouble: the clock nudges again
        except Exception as error:
            # Only the type: the text may quote the row.
            log.error("rows of a file could not be taken in: %s", type(error).__name__)
            if len(part) > 1:
                return all(self._settle(job, position + place, [one]) for place, one in enumerate(part))
            lost = _wrong(part[0].number, Field.PATIENT, _OUR_MISTAKE)
            return run(self._parts.engine, lambda connection: self._step(connection, job, position, [lost]))

    def _step(self, connection: Connection, job: _Job, position: int, part: Sequence[_Read]) -> bool:
        vault, now = self._parts.sending.vault, time.now()
        at = imports.at_work(connection, vault, job.at.id, lock=True)
        if at is None or (at.phase, at.mapping, at.position) != (job.at.phase, job.at.mapping, position):
            return False
        wrong = {one.number: one.wrong for one in part if one.wrong}
        told = _to_tell(connection, self._parts, at.clinic_id, part, wrong)
        awaited = {one.patient for one in told if one.is_new} & job.refusals.keys()
        strangers = awaited - imports.living(connection, at.clinic_id, awaited)
        if at.phase is Phase.TAKING and told:
            events = [(one.key, one.event) for one in told]
            for one, refusal in zip(told, self._door.take_in(connection, at.clinic_id, events, now), strict=True):
                if refusal is not None:
                    wrong[one.number] = troubles(refusal)
            crashpoints.reached(Point.IMPORTS_APPLIED)
        good = Counter(one.is_new for one in told if one.number not in wrong)
        already = len(part) - good.total() - len(wrong)
        noes = good[False] + self._hear(connection, job, at, part, strangers, wrong, now)
        found = [Finding(row, one.field, one.sentence) for row in sorted(wrong) for one in wrong[row]]
        step = Step(len(part), good[True], already, noes, found)
        imports.advance(connection, vault, at, step, time.later(self._parts.settings.queued_lease_seconds), now)
        crashpoints.reached(Point.IMPORTS_NOTED if at.phase is Phase.TAKING else Point.IMPORTS_TRIED)
        return True

    def _hear(
        self, connection: Connection, job: _Job, at: Import, part: Sequence[_Read], strangers: Collection[str],
        wrong: dict[int, Sequence[Trouble]], now: datetime,
    ) -> int:  # fmt: skip
        """Let the noes of rows with a problem count, and those that rows before said of patients who were strangers
        until this step. Returns how many rows with a problem say one that is new."""
        spoken = [
            Spoken(one.number, one.refusal, refusing.since(one.refusal, wrong[one.number], at.created_at))
            for one in part
            if one.refusal is not None and one.number in wrong
        ]
        if at.phase is Phase.TAKING:
            spoken += [
                Spoken(0, refusal, refusal.since or at.created_at)
                for patient in strangers
                for refusal in job.refusals[patient]
            ]
        heard = refusing.hear(connection, self._parts.sending.vault, at.clinic_id, spoken)
        if at.phase is Phase.TAKING and heard.events:
            self._door.take_in(connection, at.clinic_id, list(heard.events.items()), now)
        for row, remarks in heard.remarks.items():
            wrong[row] = [*wrong[row], *remarks]
        return len(heard.new)


def _understood(cells: Sequence[str], job: _Job) -> Entry | list[Trouble]:
    """What a row says. One that our rules stumble over is told as such: it must not stop those behind it."""
    try:
        return rows.read(cells, job.columns, job.house)
    except Exception as error:
        # Only the type: the text may quote the row.
        log.error("a row of a file could not be read: %s", type(error).__name__)
        return [Trouble(Field.PATIENT, _OUR_MISTAKE)]


def _to_tell(
    connection: Connection, parts: Parts, clinic_id: int, part: Sequence[_Read], wrong: dict[int, Sequence[Trouble]]
) -> list[_Told]:
    """The events that change something: of sessions that are new, and of a no that is. The other rows are on record
    already, or the records have something against them: that goes into `wrong`."""
    good = [(one, one.entry) for one in part if one.entry is not None and not one.wrong]
    people = {entry.person.id for _, entry in good}
    known = imports.on_record(connection, clinic_id, [entry.session for _, entry in good])
    erased = imports.erased(connection, parts.sending.vault, clinic_id, people)
    refused = consents.revoked_at(connection, clinic_id, people if known else ())
    told = []
    for one, entry in good:
        there = known.get(entry.session)
        if entry.person.id in erased:
            wrong[one.number] = [ERASED]
        elif there is None:
            told.append(_Told(one.number, f"entered {entry.session}", one.event, entry.person.id, is_new=True))
        elif (trouble := _against(entry, there)) is not None:
            wrong[one.number] = [trouble]
        elif noes := {
            channel: at for channel, at in _noes(entry, there).items() if (entry.person.id, channel, at) not in refused
        }:
            key = f"no to {' and '.join(noes)} {max(noes.values()).isoformat()} {entry.session}"
            event = json.dumps(no_of(entry, noes)).encode()
            told.append(_Told(one.number, key, event, entry.person.id, is_new=False))
    return told


def _noes(entry: Entry, there: OnRecord) -> dict[str, datetime]:
    """What a row of a session on record takes back, and from when on. A yes gives nothing back."""
    # A file knows the minute at most: a yes of the session's very moment must not look later than the no.
    ended_at = there.ended_at or entry.ended_at
    return {channel: max(at, ended_at) for channel, at in entry.taken_back.items()}


def _against(entry: Entry, there: OnRecord) -> Trouble | None:
    """What keeps a row from being the session on record. An import adds sessions, and changes none."""
    if there.cancelled:
        return Trouble(Field.SESSION, "This session was cancelled.")
    if there.patient != entry.person.id:
        return OTHER_PATIENT
    if there.ended_at is None or abs(there.ended_at - entry.ended_at) >= _SAME_MINUTE:
        return Trouble(Field.ENDED_AT, "The session is on record with another time. Nothing was changed.")
    return None


def _wrong(number: int, what: Field, sentence: str) -> _Read:
    return _Read(number, None, b"", [Trouble(what, sentence)])
