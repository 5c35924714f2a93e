"""One run: a seed, so many patients, so many days; then the checker's word."""

from __future__ import annotations

import gc
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

from simulation.calendar import draw_start, draw_zones
from simulation.facts import Facts
from simulation.installation import Installation
from simulation.logs import listening_to_logs
from simulation.people import Clinic, Patient, phone_of
from simulation.scheduler import SECOND, Scheduler
from simulation.seams import seeded
from simulation.story import Story
from simulation.weather import Weather, draw

DAY = 86400 * SECOND
CALM_DAYS = 2
"""At the end of every run: nothing fails any more, and everything has to come to rest."""
_MEMORY = Path("/dev/shm")  # noqa: S108 - a private folder is made in it

_NAMES = ("Ana", "Bo", "Chloe", "Dev", "Eli", "Fatima", "Gus", "Hana", "Ines", "Joao")


@dataclass
class Finished:
    """A run as it was left, for the checker."""

    seed: int
    days: int
    installation: Installation
    story: Story
    calm_from: int
    end: int
    zones: list[str]
    start: datetime

    def facts(self) -> Facts:
        """It, indexed for the checker."""
        return Facts(self.installation, self.calm_from, self.end)


@contextmanager
def simulated(
    seed: int, patients: int, days: int, whole: bool = False, weather: Weather | None = None
) -> Iterator[Finished]:
    """Run a seed. What is handed out can be looked at until the block ends. `weather`: not what the seed draws."""
    dice = Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="aftercare-run-", dir=_MEMORY if _MEMORY.is_dir() else None))
    zones = draw_zones(dice)
    start = draw_start(dice, zones[0], days)
    story = Story(whole=whole)
    scheduler = Scheduler(Random(dice.getrandbits(64)), story, start)
    logged: set[str] = set()
    collecting = gc.isenabled()
    try:
        with seeded(scheduler, Random(dice.getrandbits(64))), listening_to_logs(logged):
            drawn = draw(dice)
            installation = Installation(scheduler, Random(dice.getrandbits(64)), story, weather or drawn, folder)
            installation.logged = logged
            end = days * DAY
            calm_from = max(end - CALM_DAYS * DAY, end // 2)
            installation.found(zones)
            installation.plan_faults(calm_from)
            installation.plan_changes(calm_from)
            installation.people.calm_from = calm_from
            _populate(installation, dice, patients, start, days)
            scheduler.at(calm_from, installation.calm_down)
            # At moments of its own it would depend on whatever else this process has done. What has lived for a day
            # mostly lives to the end, and is not looked at again.
            gc.disable()
            for day in range(days):
                scheduler.at(day * DAY, partial(gc.collect, 1))
            scheduler.run(end)
            yield Finished(seed, days, installation, story, calm_from, end, zones, start)
            scheduler.end()
            installation.close()
    finally:
        if collecting:
            gc.enable()
        gc.collect()
        shutil.rmtree(folder, ignore_errors=True)


def _populate(installation: Installation, dice: Random, count: int, start: datetime, days: int) -> None:
    people = installation.people
    diligence = 0.1 + 0.6 * dice.random()
    for number in range(count):
        patient = _patient(dice, number, dice.choice(people.clinics), people.patients, diligence)
        people.patients.append(patient)
        if patient.phone and dice.random() < installation.weather.bad_number:
            installation.provider.bad_numbers.add(patient.phone)
        day = (start + timedelta(days=dice.randrange(2 if days > 4 else 1))).astimezone(patient.local)
        # Most visits end together, so that one look of a clock finds many; some in early morning or late evening.
        ended = day.replace(hour=dice.choice((10, 15)), minute=0, second=0)
        if dice.random() < 0.2:
            ended = ended.replace(hour=dice.randrange(8, 22), minute=15 * dice.randrange(4))
        people.begin(patient, max(ended, start), days)


def _patient(dice: Random, number: int, clinic: Clinic, others: list[Patient], diligence: float) -> Patient:
    phone: str | None = phone_of(number)
    if others and dice.random() < 0.08:
        phone = dice.choice(others).phone
    email = f"patient{number}@example.net" if dice.random() < 0.5 else None
    if email is not None and dice.random() < 0.08:
        phone = None
    return Patient(
        number=number,
        id=f"patient-{number}",
        name=dice.choice(_NAMES),
        clinic=clinic,
        zone=clinic.zone if dice.random() < 0.7 else None,
        locale=dice.choice(("en", "en", "es")),
        phone=phone,
        email=email,
        diligence=diligence,
        secret=f"zqx{number}wv",
    )
