"""The installation sends from another number: what was planned before goes from it too (P4)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service import time
from service.care.lifecycle import Channel
from service.parts import ensure_senders
from service.records import lanes, senders
from service.settings import Settings
from tests.house import House, completed
from tests.promises.population import treat, treat_many

NEW, OWN = "+12025550199", "+12025550188"


def moved(h: House, **changes: str) -> Settings:
    return h.parts.settings.model_copy(update=changes)


def planned_from(h: House, channel: str = "sms") -> set[str]:
    rows = h.sql("SELECT DISTINCT sender FROM messages WHERE state = 'planned' AND channel = :channel", channel=channel)
    return {row.sender for row in rows}


def test_what_is_planned_goes_from_the_new_number(h: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "PART", 7)
    treat_many(h, 3, email=True)
    h.deliver_due()
    old = h.parts.sending.sms_sender
    with time.held(time.now() + timedelta(days=1, hours=1)):
        queued = h.queue_due()[0]
    ensure_senders(h.parts.engine, moved(h, twilio_from=NEW, sendgrid_from="new@clinic.example"))
    assert planned_from(h) == {NEW}
    assert planned_from(h, "email") == {"new@clinic.example"}
    gone = h.sql("SELECT DISTINCT sender FROM messages WHERE channel = 'sms' AND handed_at IS NOT NULL")
    assert [row.sender for row in gone] == [old]
    assert h.sql("SELECT sender FROM messages WHERE id = :id", id=queued)[0].sender == old, "a worker may have it"


def test_a_clinics_own_number_stays_its_own(h: House) -> None:
    treat(h)
    h.sql("UPDATE clinics SET sender = :own", own=OWN)
    h.run(lambda connection: senders.ensure(connection, Channel.SMS, OWN, 1.0))
    h.post("session.completed", completed(session="s2", patient="p2", phone="+12025550102"))
    ensure_senders(h.parts.engine, moved(h, twilio_from=NEW))
    assert planned_from(h) == {NEW, OWN}


def test_nothing_moves_to_nowhere(h: House) -> None:
    """A process that was started without its settings."""
    treat(h)
    ensure_senders(h.parts.engine, moved(h, twilio_from="", twilio_messaging_service_sid=""))
    assert planned_from(h) == {h.parts.sending.sms_sender}
