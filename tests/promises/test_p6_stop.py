"""P6: a worker that is asked to end leaves nothing behind that it claimed and never sent."""

from __future__ import annotations

import os
import signal
import time as real_time

import pytest

from sandbox.faults import Kind
from tests.processes import wait_until
from tests.promises.installation import Installation
from tests.promises.population import treat

PATIENTS = 60


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_p6_a_worker_that_is_asked_to_end_sends_only_what_it_has_begun(place: Installation) -> None:
    """Of an e-mail that was claimed and not written nobody could say later that it was not sent."""
    place.h.sandbox.fault(Kind.LATENCY, on="sendgrid.send", seconds=1.0)
    for number in range(PATIENTS):
        treat(place.h, number, email=True, phone=None)
    place.clock()
    settings = {"EMAIL_CONCURRENCY": "4", "BATCH_SIZE": "20", "SENDING_LEASE_SECONDS": "120"}
    worker = place.worker("deliver-email", **{f"AFTERCARE_{name}": value for name, value in settings.items()})
    wait_until(lambda: len(place.handed_over()) >= 4, 30)
    asked = real_time.monotonic()
    os.kill(worker.pid, signal.SIGTERM)
    wait_until(lambda: worker.returncode is not None, 15)
    assert real_time.monotonic() - asked < 8, "it went on with all it had claimed"
    states = {row.state: row.n for row in place.h.sql(
        "SELECT state, count(*) AS n FROM messages WHERE step = 'welcome' AND channel = 'email' GROUP BY state"
    )}  # fmt: skip
    sent = len(place.handed_over())
    assert states.pop("accepted") == sent < PATIENTS
    assert set(states) <= {"planned", "queued"}

    place.h.sandbox.faults.clear()
    place.worker("deliver-email")
    wait_until(lambda: len(place.handed_over()) == PATIENTS, 40)
    place.comes_to_rest()
    assert place.handed_over() == {f"patient{number}@example.net": 1 for number in range(PATIENTS)}
