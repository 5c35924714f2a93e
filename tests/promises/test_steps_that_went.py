"""A message that comes back to a plan without its step ends with its reason, and holds up nobody (P6, P7)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from service import time
from service.records import protocols
from tests.house import PROTOCOL, House
from tests.promises.population import state_of, treat

TREATED = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
NEXT_MORNING = datetime(2026, 3, 4, 14, 31, tzinfo=UTC)


def without_day_1(h: House) -> None:
    """A second protocol of the clinic, with no day 1."""
    body = re.sub(r"(?ms)^  - id: day1 .*?(?=^  - id: comfort)", "", PROTOCOL)
    assert body != PROTOCOL
    body = body.replace("\nname: prolotherapy", "\nname: gentle")
    version = h.run(lambda connection: protocols.add(connection, h.clinic.id, body, time.now()))
    h.run(lambda connection: protocols.approve(connection, version.id, "Dr Two", time.now()))


@pytest.mark.parametrize("step", ["day1", "day1.reminder"])
def test_p6_a_retry_of_a_step_that_the_plan_lost(h: House, step: str) -> None:
    without_day_1(h)
    with time.held(TREATED):
        session = treat(h, timezone="America/New_York")
        h.deliver_due()
    for moment in (NEXT_MORNING, NEXT_MORNING + timedelta(hours=5)):
        with time.held(moment):
            h.deliver_due()
        if step == "day1":
            break
    with time.held(moment):
        assert state_of(h, session, step)[0] == "accepted"
        h.post("session.updated", {"session": {"id": session, "protocol": "gentle"}})
        comes_back = (
            "UPDATE messages SET state = 'planned', reason = 'retry_later', handed_at = NULL WHERE step = :step"
        )
        h.sql(comes_back, step=step)
        other = treat(h, 1, timezone="America/New_York")
        before = len(h.handed_over())
        h.deliver_due()
    assert state_of(h, session, step) == ("cancelled", "plan_changed")
    assert state_of(h, other) == ("accepted", "handed_over"), "one message held up the others of its batch"
    assert len(h.handed_over()) == before + 1
