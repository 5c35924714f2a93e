"""Scenes of webhooks out: what happened is posted to the clinic's own system, at least once and in order."""

from __future__ import annotations

from sqlalchemy import Connection

from service import time
from service.records import hook_endpoints, hooks
from service.records.hooks import Type
from service.records.sessions import find
from tests.hooks.receiver import receiving
from tests.matrix.scene import Scene, number_of
from tests.promises.installation import Installation
from tests.promises.population import treat

EVENTS = 3


class _Telling(Scene):
    """Three things happened to one patient, and the clinic's system listens."""

    def __init__(self, repeated: int) -> None:
        self.repeated = repeated

    def arrange(self, place: Installation) -> None:
        treat(place.h, 0, ended_at=time.now())
        self.receiver = place.until_closed(receiving())

        def work(connection: Connection) -> None:
            vault, clinic, now = place.h.parts.sending.vault, place.h.clinic.id, time.now()
            hook_endpoints.add(connection, vault, clinic, self.receiver.url, "*", now)
            session = find(connection, clinic, "session-0")
            assert session is not None
            for number in range(EVENTS):
                hooks.announce(connection, vault, clinic, session.patient_id, Type.REPLY, {"number": number}, now)

        place.h.run(work)

    def seen(self, place: Installation) -> str:
        done = number_of(place, "webhook_deliveries WHERE state = 'delivered'")
        return f"recorded as delivered: {done}; the clinic got: {len(self.receiver.got)}"

    def check(self, place: Installation) -> None:
        once = list(dict.fromkeys(got.id for got in self.receiver.got))
        numbers = {got.id: got.number for got in self.receiver.got}
        assert [numbers[one] for one in once] == list(range(EVENTS))
        assert len(self.receiver.got) == EVENTS + self.repeated


class ClockDiesOverWebhooks(_Telling):
    victim = ("clock",)

    def go_on(self, place: Installation) -> None:
        place.clock()
        place.worker("hooks")


class PosterDies(_Telling):
    victim = ("worker", "--queue", "hooks")

    def arrange(self, place: Installation) -> None:
        super().arrange(place)
        place.clock()

    def go_on(self, place: Installation) -> None:
        place.h.hurry()
        place.worker("hooks")
