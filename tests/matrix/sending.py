"""Scenes of the way out: the clock, the send job, and the questions to the provider."""

from __future__ import annotations

from sqlalchemy import Connection

from sandbox import magic
from sandbox.faults import Kind
from service import time
from service.care.triage import Urgency
from service.crashpoints import Point
from service.records import alerts, contacts
from service.records.sessions import find
from tests.matrix.scene import Scene, number_of, standing
from tests.nursery import Born
from tests.promises.installation import Installation
from tests.promises.population import once_each, phone, treat, treat_many

PATIENTS = 6
CLINICIAN = "+13125559901"
NOTICES = "messages JOIN alerts ON alerts.id = messages.cause_id"


class ClockDies(Scene):
    """Texts are due. No worker runs before the clock is dead, so that what it left can be seen."""

    victim = ("clock",)

    def arrange(self, place: Installation) -> None:
        treat_many(place.h, PATIENTS)

    def seen(self, place: Installation) -> str:
        return standing(place)

    def go_on(self, place: Installation) -> None:
        place.clock()
        place.worker()

    def check(self, place: Installation) -> None:
        assert place.handed_over() == once_each(PATIENTS)


class ClockDiesOverAnUnansweredNudge(ClockDies):
    """They were queued, and the nudge was lost."""

    def arrange(self, place: Installation) -> None:
        super().arrange(place)
        place.h.queue_due()
        place.h.hurry()


class ClockDiesOverADeadWorkersLease(ClockDies):
    """The worker's connections broke before the provider had anything, and its lease is over."""

    def arrange(self, place: Installation) -> None:
        super().arrange(place)
        place.h.sandbox.fault(Kind.DROP_BEFORE, on="twilio.create", count=PATIENTS)
        place.h.deliver_due()
        place.h.hurry()

    def go_on(self, place: Installation) -> None:
        place.h.hurry()
        super().go_on(place)
        place.worker("reconcile")


class ClockDiesOverAnAlert(Scene):
    """An alert is open and the first of the clinic's people is to hear of it."""

    victim = ("clock",)

    def arrange(self, place: Installation) -> None:
        treat(place.h, ended_at=time.now())

        def work(connection: Connection) -> None:
            sending, now = place.h.parts.sending, time.now()
            contacts.add(connection, sending.vault, place.h.clinic.id, "Dr. Rivera", CLINICIAN, None, now, on_call=True)
            session = find(connection, place.h.clinic.id, "session-0")
            assert session is not None
            assert session.patient_id is not None
            alerts.open_alert(connection, sending, place.h.clinic, session.patient_id, session.id, Urgency.EMERGENCY,
                              "chest_pain", "a test", "Chest pain.", now, tell_patient=False)  # fmt: skip

        place.h.run(work)

    def seen(self, place: Installation) -> str:
        return f"notices: {number_of(place, NOTICES)}; provider: {len(place.h.handed_over())}"

    def go_on(self, place: Installation) -> None:
        place.clock()
        place.worker("urgent")

    def check(self, place: Installation) -> None:
        assert place.handed_over() == {CLINICIAN: 1}
        assert number_of(place, NOTICES) == 1


class SenderDies(Scene):
    """Four texts that the provider takes, one to a number it knows an opt-out of, one to a number that is none."""

    victim = ("worker", "--queue", "deliver-sms")
    refused = (magic.refused_number(21610), magic.refused_number(21211))

    def __init__(self, times: int = 1) -> None:
        self.times = times

    def arrange(self, place: Installation) -> None:
        treat_many(place.h, 4)
        for number, address in enumerate(self.refused, 4):
            treat(place.h, number, phone=address)
        place.clock()

    def start(self, place: Installation, point: Point) -> Born:
        # One at a time where it dies in the middle: what has left by then is not left to chance.
        one_by_one = {"AFTERCARE_SMS_CONCURRENCY": "1"} if point is Point.DELIVER_ONE_ANSWERED else {}
        return place.worker(AFTERCARE_CRASH_AT=f"{point}:{self.times}", **one_by_one)

    def seen(self, place: Installation) -> str:
        return standing(place)

    def go_on(self, place: Installation) -> None:
        place.h.hurry()
        place.worker()
        place.worker("reconcile")

    def check(self, place: Installation) -> None:
        assert place.handed_over() == once_each(4)
        for number, reason in ((4, "opted_out"), (5, "bad_address")):
            states = place.h.states(f"session-{number}")
            assert states["welcome", "sms"] == ("failed", reason)
            assert {why for (step, channel), (_, why) in states.items() if step == "day14"} == {reason}


class ReconcileDies(Scene):
    """The answers about four texts were lost: two had arrived, two had not."""

    victim = ("worker", "--queue", "reconcile")

    def arrange(self, place: Installation) -> None:
        for number, kind in enumerate((Kind.DROP_AFTER, Kind.DROP_AFTER, Kind.DROP_BEFORE, Kind.DROP_BEFORE)):
            place.h.sandbox.fault(kind, on="twilio.create", to=phone(number), count=1)
        treat_many(place.h, 4)
        place.h.deliver_due()
        place.clock()

    def seen(self, place: Installation) -> str:
        unsettled = number_of(place, "messages WHERE step = 'welcome' AND state = 'sending'")
        return f"{unsettled} in doubt; provider: {len(place.h.handed_over())}"

    def go_on(self, place: Installation) -> None:
        place.h.hurry()
        place.worker()
        place.worker("reconcile")

    def check(self, place: Installation) -> None:
        assert place.handed_over() == once_each(4)
