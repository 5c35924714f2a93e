"""What is urgent waits for nothing that is not: not for the morning's plan, nor behind it (P9)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.faults import Kind
from service import time
from service.care.lifecycle import Channel, State
from service.care.system_messages import SystemText
from service.records import messages
from service.records.database import reading
from service.records.ids import new_id
from service.records.messages import Extra
from service.records.senders import Sender, room
from tests.house import House
from tests.promises.population import treat
from workers import clock
from workers.clock import Clock

AFTERNOON = datetime(2026, 3, 3, 20, 0, tzinfo=UTC)
NIGHT = datetime(2026, 3, 4, 3, 0, tzinfo=UTC)
"""Ten in the evening in New York: nothing of the plan is due before eight."""


def answer(h: House, channel: Channel = Channel.SMS, window: timedelta = timedelta(hours=6)) -> int:
    """Plan an urgent message, due now; its id."""
    row_id = new_id()
    address = "on-call@clinic.example" if channel is Channel.EMAIL else "+12025550143"
    extra = Extra(
        clinic_id=h.clinic.id,
        step=f"{SystemText.ALERT_NOTICE}.1.5" if channel is Channel.EMAIL else SystemText.AUTO_REPLY,
        channel=channel,
        sender=h.parts.sending.of(h.clinic)[channel],
        due_at=time.now(),
        window_until=time.now() + window,
        cause_id=row_id,
        address=h.parts.sending.vault.seal(address, row_id),
    )
    h.run(lambda connection: messages.insert_extra(connection, extra, row_id))
    return row_id


def state(h: House, row_id: int) -> State:
    with reading(h.parts.engine) as connection:
        return messages.states_of(connection, [row_id])[row_id]


def test_p9_a_sender_paused_at_night_is_tried_again_by_what_is_urgent(h: House) -> None:
    """One odd refusal in the evening must not hold back a red flag's text until the plan's morning."""
    with time.held(AFTERNOON):
        treat(h, timezone="America/New_York")
        h.deliver_due()
    h.sandbox.fault(Kind.REFUSE, on="twilio.create", code=20003, count=1)
    ticking, deliverer = Clock(h.parts, "night"), h.deliverer()
    waits = []
    for minutes in range(0, 40, 5):
        with time.held(NIGHT + timedelta(minutes=minutes)):
            if minutes in (0, 5):
                waits.append(answer(h))
            ticking.look()
            deliverer.deliver([row.id for row in h.sql("SELECT id FROM messages WHERE state = 'queued'")])
    assert [state(h, one) for one in waits] == ["accepted", "accepted"]


def test_p9_what_is_urgent_is_queued_beside_a_plan_that_nobody_sends(h: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "MOST_QUEUED", 2)
    with time.held(AFTERNOON):
        for number in range(4):
            treat(h, number, email=True, timezone="America/New_York")
        ticking = Clock(h.parts, "busy")
        ticking.look()
        notice = answer(h, Channel.EMAIL, timedelta(minutes=30))
        ticking.look()
        assert state(h, notice) == "queued"


@pytest.mark.parametrize(
    ("pace", "spoken_for", "free"),
    [(0.0, 0.0, 100), (0.1, 0.0, 1), (0.4, 0.0, 1), (0.4, 1.0, 0), (1.0, 0.0, 2), (1.0, 1.5, 0), (3.0, 1.0, 3)],
)
def test_a_slow_sender_sends_too(pace: float, spoken_for: float, free: int) -> None:
    busy = AFTERNOON + timedelta(seconds=spoken_for)
    sender = Sender(Channel.SMS, "+12025550100", pace, busy, None, None, None, 0)
    assert room(sender, AFTERNOON, timedelta(seconds=2), 100) == free
    assert room(sender, AFTERNOON, timedelta(seconds=2), 0) == 0
