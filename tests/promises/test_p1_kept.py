"""P1: a 2xx means it is committed. That no answer means asking again does it once is in tests/matrix/."""

from __future__ import annotations

import json

import pytest
import urllib3

from sandbox.faults import Kind
from tests.house import dumps
from tests.promises.installation import Installation
from tests.promises.population import just_treated, phone

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def sessions(place: Installation) -> int:
    return int(place.h.sql("SELECT count(*) FROM sessions")[0][0])


def test_p1_kill_9_right_after_202(place: Installation) -> None:
    """Killed the moment the clinic has its answer: event, session and plan are there, and the plan is followed."""
    web = place.serve()
    assert place.post(1).status == 202
    place.kill(web)
    assert sessions(place) == 1
    assert place.h.sql("SELECT count(*) FROM messages")[0][0] > 10
    place.clock()
    place.worker()
    place.comes_to_rest()
    assert place.handed_over() == {phone(1): 1}


@pytest.mark.parametrize(("moment", "kept"), [("events.applied", 0), ("batch.committed", 100)])
def test_p1_the_plug_is_pulled_in_the_midst_of_a_batch(place: Installation, moment: str, kept: int) -> None:
    """Whole parts of it are there or nothing; the clinic's repeat gets an answer to every line, and always the same."""
    lines = [dumps({"type": "session.completed", "data": just_treated(number)}) for number in range(130)]
    web = place.serve(AFTERCARE_CRASH_AT=moment)
    with pytest.raises(urllib3.exceptions.HTTPError):
        place.send_batch(lines, "batch-1")
    place.kill(web)
    assert sessions(place) == kept
    place.serve()
    first, second = place.send_batch(lines, "batch-1"), place.send_batch(lines, "batch-1")
    assert [json.loads(line)["status"] for line in first.data.splitlines()] == [202] * 130
    assert first.data == second.data
    assert sessions(place) == 130


def test_p1_receipts_before_the_create_calls_answer(place: Installation) -> None:
    """Every callback comes before the answer that would have told us the message's id."""
    place.h.sandbox.fault(Kind.EARLY)
    place.h.sandbox.fault(Kind.LATENCY, on="twilio.create", seconds=0.2)
    place.serve()
    for number in range(5):
        assert place.post(number).status == 202
    place.clock()
    place.worker()
    place.comes_to_rest()
    assert place.h.sandbox.settle(20)
    states = {place.h.states(f"session-{number}")["welcome", "sms"] for number in range(5)}
    assert states == {("delivered", "confirmed")}
    assert place.handed_over() == {phone(number): 1 for number in range(5)}
