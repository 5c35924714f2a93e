"""P6, and with it P2: processes killed from outside, at no chosen moment; the chosen ones are in tests/matrix/.

The provider's ledger says what really left the house.
"""

from __future__ import annotations

import time as real_time

import pytest

from sandbox.faults import Kind
from tests.processes import wait_until
from tests.promises.installation import Installation
from tests.promises.population import once_each, treat, treat_many

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
PATIENTS = 12


def restart_all(place: Installation) -> None:
    place.clock()
    place.worker()
    place.worker("reconcile")


def test_p6_kill_9_during_the_post(place: Installation) -> None:
    """The provider has half of them when the worker dies in the middle of everything."""
    place.h.sandbox.fault(Kind.LATENCY, on="twilio.create", seconds=1.0)
    treat_many(place.h, PATIENTS * 3)
    place.clock()
    worker = place.worker(AFTERCARE_SMS_CONCURRENCY="8")
    wait_until(lambda: len(place.handed_over()) >= 8, 20)
    place.kill(worker)
    place.h.sandbox.faults.clear()
    # Cut short, but not shorter than what was on the wire takes: a lease outlasts that, or nothing would be proven.
    real_time.sleep(1.5)
    place.h.hurry()
    place.worker()
    place.worker("reconcile")
    place.comes_to_rest()
    assert place.handed_over() == once_each(PATIENTS * 3)


def test_p6_kill_9_while_the_request_waits_at_the_provider(place: Installation) -> None:
    """The request has arrived, nothing is accepted yet, and it is accepted although the one who asked is dead."""
    rule = place.h.sandbox.fault(Kind.LATENCY, on="twilio.create", seconds=1.0)
    treat(place.h, 0)
    place.clock()
    worker = place.worker()
    wait_until(lambda: rule.struck == 1, 20)
    place.kill(worker)
    restart_all(place)
    place.comes_to_rest(60)
    assert place.handed_over() == once_each(1)


def test_p6_two_clocks_and_three_workers(place: Installation) -> None:
    """Any number of each; one worker is killed every now and then and replaced."""
    treat_many(place.h, 300)
    for _ in range(2):
        place.clock()
    workers = [place.worker(AFTERCARE_BATCH_SIZE="20") for _ in range(3)]
    place.worker("reconcile")
    place.h.sandbox.fault(Kind.LATENCY, on="twilio.create", seconds=0.1)
    for sent in (40, 120, 200):
        wait_until(lambda sent=sent: len(place.handed_over()) >= sent, 60)  # type: ignore[misc]
        place.kill(workers.pop(0))
        workers.append(place.worker(AFTERCARE_BATCH_SIZE="20"))
        treat_many(place.h, 20, first=300 + sent)
    place.comes_to_rest(60)
    everybody = once_each(300) + once_each(20, 340) + once_each(20, 420) + once_each(20, 500)
    assert place.handed_over() == everybody
