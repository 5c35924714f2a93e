"""Files of sessions that clinics take in, each of them twice: people press a button again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from service.care.columns import Columns, Field
from service.care.written_times import DateOrder
from service.parts import Parts
from service.records import imports
from service.records.database import run
from service.records.imports import Phase
from simulation.people import Clinic, phone_of
from simulation.scheduler import Scheduler

T = TypeVar("T")
_FIRST_PHONE = 7000
_MEANT = Columns(
    {Field.PATIENT: 0, Field.GIVEN_NAME: 1, Field.PHONE: 2, Field.ENDED_AT: 3, Field.SESSION: 0},
    {
        Field.SITE: "hip",
        Field.PROTOCOL: "prolotherapy",
        Field.SMS: "yes",
        Field.WORDING: "I agree.",
        Field.SOURCE: "on paper",
    },
    DateOrder.YEAR_FIRST,
    agreed_at_session=True,
)


@dataclass
class File:
    """One file, and the imports that were made of it."""

    clinic: Clinic
    sessions: list[str]
    finished: list[int] = field(default_factory=list)
    """The imports that ran to their end, in order."""


@dataclass
class Files:
    """Everything that clinics take in."""

    scheduler: Scheduler
    dice: Random
    parts: Parts
    taken_in: list[File] = field(default_factory=list)

    def plan(self, clinic: Clinic, until: int) -> None:
        """Perhaps a file of sessions that ended long ago, at some moment before `until`."""
        if self.dice.random() < 0.2:
            file = File(clinic, [f"file-{clinic.number}-{n}" for n in range(self.dice.randint(2, 8))])
            self.taken_in.append(file)
            moment = int(until * 0.9 * self.dice.random())
            self.scheduler.at(moment, lambda: self.scheduler.spawn("takes a file in", lambda: self._take_in(file)))

    def _take_in(self, file: File) -> None:
        content = self._written(file)
        while len(file.finished) < 2:
            made = self._done(lambda connection: self._put(connection, file, content))
            if self._comes_to(file, made, Phase.CHECKED):
                self._done(lambda c: imports.begin_taking(c, file.clinic.row, made, self.scheduler.wall()))  # noqa: B023
                if self._comes_to(file, made, Phase.FINISHED):
                    file.finished.append(made)
            self.scheduler.sleep(3600.0 * self.dice.random())

    def _written(self, file: File) -> bytes:
        local = ZoneInfo(file.clinic.zone)
        lines = ["Patient,Name,Phone,Date"]
        for place, name in enumerate(file.sessions):
            ended = (self.scheduler.true() - timedelta(days=self.dice.randrange(60, 80))).astimezone(local)
            phone = phone_of(_FIRST_PHONE + 100 * file.clinic.number + place)
            lines.append(f"{name},Ana,{phone},{ended:%Y-%m-%d} 14:00")
        return "\n".join(lines).encode()

    def _put(self, connection: Connection, file: File, content: bytes) -> int:
        clinic, now, meant = file.clinic, self.scheduler.wall(), _MEANT.as_json()
        made = imports.add(
            connection,
            self.parts.sending.vault,
            clinic.row,
            clinic.owner,
            "a.csv",
            content,
            len(file.sessions),
            meant,
            now,
        )
        assert imports.begin_check(connection, clinic.row, made, meant, now)
        return made

    def _comes_to(self, file: File, made: int, phase: Phase) -> bool:
        """Look until it is there. False when it was ended: somebody was erased meanwhile."""
        pause, vault = 5.0, self.parts.sending.vault
        while True:
            at = self._done(lambda connection: imports.get(connection, vault, file.clinic.row, made)).phase
            if at in (phase, Phase.CANCELLED):
                return at is phase
            self.scheduler.sleep(pause)
            pause = min(pause * 2, 600.0)

    def _done(self, work: Callable[[Connection], T]) -> T:
        """Again until the database has it."""
        while True:
            try:
                return run(self.parts.engine, work)
            except OperationalError:
                self.scheduler.sleep(30.0)
