"""Out: from due rows to recorded acceptance, by one sender process."""

from __future__ import annotations

import time as world
from collections.abc import Iterator
from datetime import timedelta

from benchmarks.figures import Figure
from benchmarks.gateway import ask, standin
from benchmarks.place import START, Place, place, treat
from service import time
from service.care.lifecycle import Channel
from service.records import messages
from service.records.database import run
from workers.compose import Composer
from workers.deliver import Deliverer
from workers.gateways.courier import Courier
from workers.gateways.email import SendGridGateway
from workers.gateways.sms import TwilioGateway

JOB = 2000
"""Messages a job, as the clock nudges them."""
LATENCIES = (0, 50, 100)
"""Milliseconds that the provider takes to answer."""


def measure(kinds: tuple[str, ...], scale: float) -> Iterator[Figure]:
    """Rates and processor time of claim, gate, render, seal, SDK and record together."""
    count = int(10_000 * scale)
    for kind in kinds:
        with standin() as provider, time.held(START), place(kind, provider) as here:
            treat(here, range(count * len(LATENCIES)))
            with time.held(START + timedelta(minutes=16)):
                for latency in LATENCIES:
                    yield from _deliver(here, provider, latency, _due(here, count))


def _deliver(here: Place, provider: str, latency: int, ids: list[int]) -> Iterator[Figure]:
    ask(f"{provider}/__reset?latency={latency}")
    settings = here.parts.settings
    sms = Courier(
        TwilioGateway(settings.twilio_account_sid, "token", provider, concurrency=settings.sms_concurrency),
        in_flight=settings.sms_concurrency,
    )
    email = Courier(SendGridGateway("key", provider))
    deliverer = Deliverer(settings, here.parts.engine, here.parts.sending, Composer(settings.public_url), sms, email)
    cpu, begun = world.process_time(), world.perf_counter()
    for start in range(0, len(ids), JOB):
        deliverer.deliver(ids[start : start + JOB])
    took, cpu = world.perf_counter() - begun, world.process_time() - cpu
    sms.close()
    email.close()
    stats = ask(f"{provider}/__stats")
    if stats["accepted"] != len(ids):
        raise SystemExit(f"the provider took {stats['accepted']} of {len(ids)} messages")
    yield Figure("out", f"{here.kind} {latency} ms", len(ids) / took, "messages/s")
    yield Figure("out", f"{here.kind} {latency} ms processor time", cpu / len(ids) * 1000, "CPU ms a message")


def _due(here: Place, limit: int) -> list[int]:
    parts = here.parts
    found = run(
        parts.engine,
        lambda connection: messages.queue_due(
            connection, Channel.SMS, parts.sending.sms_sender, messages.ROUTINE, limit, time.now(), time.later(600)
        ),
    )
    return [one for one, _ in found]
