"""P5: a job is only a hint, however often it comes. A Redis that is away, empty, full or slow is in tests/matrix/."""

from __future__ import annotations

import pytest

from sandbox.faults import Kind
from service.nudges import Nudges, QueueName, connect
from tests.promises.installation import Installation
from tests.promises.population import once_each, treat_many

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def test_p5_the_same_job_over_and_over(place: Installation) -> None:
    """The ids of everything, twenty times over, in two orders, to two workers at once."""
    place.h.sandbox.fault(Kind.LATENCY, on="twilio.create", seconds=0.05)
    treat_many(place.h, 60)
    ids = place.h.queue_due()
    nudges = Nudges(connect(place.h.parts.settings.redis_url))
    for _ in range(10):
        nudges.send(QueueName.SMS, ids)
        nudges.send(QueueName.SMS, ids[::-1])
    for _ in range(2):
        place.worker(AFTERCARE_BATCH_SIZE="9")
    place.comes_to_rest(40)
    assert place.handed_over() == once_each(60)
