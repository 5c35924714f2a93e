"""Scenes of files that people take in: tried, then taken in, a part at a time."""

from __future__ import annotations

from service import time
from service.nudges import QueueName
from service.records import imports
from service.records.database import reading
from service.records.imports import Phase
from tests.matrix.scene import Scene, number_of
from tests.processes import wait_until
from tests.promises import files
from tests.promises.installation import Installation
from tests.promises.population import TREATED_AGO, once_each, phone
from workers.importing import TAKEN_AT_ONCE

ROWS = TAKEN_AT_ONCE * 2 + 50


class _Filing(Scene):
    """A file of sessions that have just ended, and the worker that was told of it."""

    victim = ("worker", "--queue", "imports")

    def __init__(self, times: int = 1) -> None:
        self.times = times

    def arrange(self, place: Installation) -> None:
        ended = (time.now() - TREATED_AGO).astimezone(place.h.clinic.zone).strftime("%Y-%m-%d %H:%M")
        self.file = files.upload(place, [f"file-{number},{phone(number)},{ended}" for number in range(ROWS)])

    def tell(self, place: Installation) -> None:
        """What the clock does when somebody has pressed."""
        now, lease = time.now(), time.later(place.h.parts.settings.queued_lease_seconds)
        assert place.h.run(lambda connection: imports.see_to(connection, now, lease, 1)) == [self.file]
        place.h.parts.nudges.send(QueueName.IMPORTS, [self.file])

    def seen(self, place: Installation) -> str:
        at = files.of(place, self.file)
        return f"{at.phase}: {at.position} of {at.rows} rows; sessions: {number_of(place, 'sessions')}"

    def go_on(self, place: Installation) -> None:
        place.clock()
        place.worker("imports")
        place.worker()

    def check(self, place: Installation) -> None:
        at, vault = files.of(place, self.file), place.h.parts.sending.vault
        assert (at.phase, at.position, at.taken, at.already) == (Phase.FINISHED, ROWS, ROWS, 0)
        with reading(place.h.parts.engine) as connection:
            assert list(imports.found(connection, vault, self.file)) == []
            assert imports.content(connection, vault, self.file) is None
        assert number_of(place, "sessions") == number_of(place, "patients") == ROWS
        assert place.handed_over() == once_each(ROWS)


class TryingDies(_Filing):
    """Nothing of the file is entered yet; whoever waits for it presses when it was tried."""

    def arrange(self, place: Installation) -> None:
        super().arrange(place)
        self.tell(place)

    def go_on(self, place: Installation) -> None:
        super().go_on(place)
        wait_until(lambda: files.of(place, self.file).phase is Phase.CHECKED, 20)
        files.press(place, self.file)


class TakingInDies(_Filing):
    """It was tried, and somebody has pressed."""

    def arrange(self, place: Installation) -> None:
        super().arrange(place)
        self.tell(place)
        trying = place.worker("imports")
        wait_until(lambda: files.of(place, self.file).phase is Phase.CHECKED, 20)
        place.kill(trying)
        files.press(place, self.file)
        self.tell(place)
