"""How fast one process hands texts over, without the database: `python -m benchmarks.gateway [sms|email] [count]`.

Compiles the stand-in next to it, hands batches of 500 to a courier, and prints messages a second and processor
milliseconds a message, at 0 and 50 ms of latency. The stand-in must have counted every message exactly once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from workers.gateways.courier import Courier
from workers.gateways.email import SendGridGateway
from workers.gateways.handover import EmailParcel, Outcome, SmsParcel, Verdict
from workers.gateways.sms import TwilioGateway

HERE = Path(__file__).parent
BATCH = 500
AHEAD = 2
"""Batches in flight: the send job prepares one while another is under way."""


@contextmanager
def standin() -> Iterator[str]:
    """A fresh stand-in provider; its address."""
    built = HERE / "build" / "standin"
    built.parent.mkdir(exist_ok=True)
    fresh = built.with_name(f"standin.{os.getpid()}")
    subprocess.run(["cc", "-O2", "-o", str(fresh), str(HERE / "standin.c")], check=True)
    fresh.replace(built)  # whole, and also while another benchmark runs the one before
    with subprocess.Popen([str(built), "0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def ask(url: str) -> dict[str, float]:
    """One of the stand-in's own pages."""
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback
        page: dict[str, float] = json.load(answer)
        return page


def sms(number: int) -> SmsParcel:
    return SmsParcel(
        token=f"t{number}",
        to=f"+1555{number:07d}",
        body=f"Riverside Clinic: a short question about your treatment. https://a.example/s/midx{number}x STOP to end",
        sender="MG00000000000000000000000000000000",
        status_callback=f"https://a.example/twilio/status?a=t{number}",
        validity_seconds=3600,
    )


def email(number: int) -> EmailParcel:
    link = f"https://a.example/s/midx{number}x"
    return EmailParcel(
        token=f"t{number}",
        to=f"patient{number}@mail.example",
        sender="care@a.example",
        sender_name="Riverside Clinic",
        reply_to=f"r+t{number}@reply.a.example",
        subject="A short question",
        text=f"A short question about your treatment.\n\n{link}\n" * 5,
        html=f"<p>A short question about your treatment.</p><p><a href='{link}'>Answer</a></p>" * 10,
        unsubscribe_url=f"https://a.example/u/t{number}",
    )


def drain(url: str, count: int, channel: str = "sms") -> tuple[float, float]:
    """Hand over `count` parcels: messages a second, processor milliseconds a message."""
    outcomes: Counter[Outcome] = Counter()
    cpu, start = time.process_time(), time.perf_counter()
    courier: Courier[SmsParcel] | Courier[EmailParcel]
    if channel == "sms":
        courier = Courier(TwilioGateway("AC" + "0" * 32, "token", url))
    else:
        courier = Courier(SendGridGateway("key", url))
    pending: deque[Future[list[Verdict]]] = deque()
    for first in range(0, count, BATCH):
        numbers = range(first, min(first + BATCH, count))
        parcels = [sms(n) if channel == "sms" else email(n) for n in numbers]
        pending.append(courier.submit(parcels))  # type: ignore[arg-type]
        if len(pending) > AHEAD:
            outcomes.update(verdict.outcome for verdict in pending.popleft().result())
    for batch in pending:
        outcomes.update(verdict.outcome for verdict in batch.result())
    took, cpu = time.perf_counter() - start, time.process_time() - cpu
    courier.close()
    stats = ask(f"{url}/__stats")
    assert outcomes == {Outcome.ACCEPTED: count}, outcomes
    assert (stats["unique"], stats["duplicates"]) == (count, 0), stats
    return count / took, cpu / count * 1000


if __name__ == "__main__":
    channel = sys.argv[1] if len(sys.argv) > 1 else "sms"
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
    with standin() as url:
        for latency in (0, 50):
            ask(f"{url}/__reset?latency={latency}")
            rate, cpu = drain(url, count, channel)
            stats = ask(f"{url}/__stats")
            print(  # noqa: T201
                f"{channel} {latency:3d} ms  {rate:7.0f}/s  {cpu:.3f} CPU ms a message  "
                f"{stats['connections']:.0f} connections, {stats['most_in_flight']:.0f} in flight"
            )
