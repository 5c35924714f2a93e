"""What the provider tells of its messages: receipts, and what becomes of those."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from service.care.lifecycle import Channel
from simulation.provider import Taken
from simulation.scheduler import Scheduler
from simulation.story import Story
from simulation.weather import Weather
from simulation.web import Web

BUNCHED_SECONDS = 300.0
"""Between two moments at which receipts come that are held back: what is sent at one time of day meets."""


@dataclass
class Reports:
    """Sends a receipt for each move of a message: once, twice, late or never."""

    scheduler: Scheduler
    dice: Random
    story: Story
    web: Web
    weather: Weather = field(default_factory=Weather)

    def send(self, taken: Taken) -> None:
        """Send a receipt, or what becomes of it."""
        dice, weather = self.dice, self.weather
        status, code = taken.status, taken.code
        lucky = dice.random()
        if lucky < weather.receipt_lost:
            self.story.tell("receipt lost", taken.token, status)
            return
        times = 2 if dice.random() < weather.receipt_doubled else 1
        event = self._mail_event(taken) if taken.channel is Channel.EMAIL else None
        for _ in range(times):
            delay = 0.3 * dice.random()
            if dice.random() < weather.receipt_late:
                delay = dice.choice((5.0, 60.0, 3600.0, 40000.0)) * dice.random()
            if dice.random() < weather.receipt_bunched:
                delay += BUNCHED_SECONDS - (self.scheduler.monotonic() + delay) % BUNCHED_SECONDS

            def work() -> None:
                if event is not None:
                    self.web.as_sendgrid([event])
                    return
                form = {"AccountSid": "AC" + "0" * 32, "MessageSid": taken.id, "MessageStatus": status, "To": taken.to}
                if code is not None:
                    form["ErrorCode"] = code
                kept = ("receipts", "event_key", f"{taken.id} {status}")
                self.web.as_twilio(f"/twilio/status?a={taken.token}", form, kept)

            self.scheduler.spawn("receipt", work, delay=delay)

    def _mail_event(self, taken: Taken) -> dict[str, Any]:
        status = taken.status
        event: dict[str, Any] = {
            "event": "bounce" if status == "blocked" else status,
            "email": taken.to,
            "sg_event_id": self.dice.randbytes(12).hex(),
            "sg_message_id": f"{taken.id}.recvd-0",
            "timestamp": int(self.scheduler.true().timestamp()),
        }
        if status != "deferred":
            event["aftercare_attempt"] = taken.token
        if status in ("bounce", "blocked"):
            event |= {"type": status, "status": "5.1.1"}
        if status == "dropped":
            event["reason"] = "Bounced Address"
        return event
