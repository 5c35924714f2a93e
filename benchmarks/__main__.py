"""The first benchmark, `python3 dev.py bench`: events in, and messages from due rows to recorded acceptance.

Prints one line a measurement: rates a second, and processor milliseconds a message of the senders (claim, gate, render,
seal, SDK, record). The provider is the compiled stand-in beside this file; the numbers are good for comparing within
one run on one machine.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time as world
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from benchmarks.gateway import ask, standin
from service import time
from service.api import intake
from service.api.bodies import EVENT
from service.care.lifecycle import Channel
from service.parts import Parts, ensure_senders, open_parts
from service.records import clinics, messages, migrate, protocols
from service.records.database import run
from service.records.sealing import new_key
from service.settings import Settings
from workers.compose import TEMPLATES, Composer
from workers.deliver import Deliverer
from workers.gateways.courier import Courier
from workers.gateways.email import SendGridGateway
from workers.gateways.sms import TwilioGateway

START = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
JOB = 2000
"""Messages a job, as the clock nudges them."""


def main() -> None:
    """Measure on SQLite, and on PostgreSQL when --postgresql names an empty database."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--postgresql", default=os.environ.get("BENCH_DATABASE_URL"), help="URL of an empty database")
    chosen = parser.parse_args()
    with standin() as provider, tempfile.TemporaryDirectory() as folder:
        urls = [f"sqlite:///{folder}/bench.db"] + ([chosen.postgresql] if chosen.postgresql else [])
        for url in urls:
            with time.held(START):
                _measure(url, provider, Path(folder), chosen.messages)


def _measure(url: str, provider: str, folder: Path, count: int) -> None:
    name = url.partition(":")[0].partition("+")[0]
    migrate.upgrade(url)
    with _installation(url, provider, folder) as parts:
        clinic_id = run(parts.engine, _clinic)
        begun = world.perf_counter()
        _post_sessions(parts, clinic_id, count)
        took = world.perf_counter() - begun
        _say(f"{name:<10} in   {count / took:8.0f} events/s (a new patient and 27 messages each, 100 a transaction)")
        with time.held(START + timedelta(minutes=16)):
            for place, latency in enumerate((0, 50)):
                ids = _due(parts, count // 2)
                _deliver(parts, provider, name, latency, ids, warm=place > 0)


def _deliver(parts: Parts, provider: str, name: str, latency: int, ids: list[int], warm: bool) -> None:
    ask(f"{provider}/__reset?latency={latency}")
    settings = parts.settings
    sms = Courier(
        TwilioGateway(settings.twilio_account_sid, "token", provider, concurrency=settings.sms_concurrency),
        in_flight=settings.sms_concurrency,
    )
    email = Courier(SendGridGateway("key", provider))
    deliverer = Deliverer(settings, parts.engine, parts.sending, Composer(settings.public_url), sms, email)
    cpu, begun = world.process_time(), world.perf_counter()
    for start in range(0, len(ids), JOB):
        deliverer.deliver(ids[start : start + JOB])
    took, cpu = world.perf_counter() - begun, world.process_time() - cpu
    sms.close()
    email.close()
    stats = ask(f"{provider}/__stats")
    if stats["accepted"] != len(ids):
        raise SystemExit(f"the provider took {stats['accepted']} of {len(ids)} messages")
    _say(
        f"{name:<10} out  {len(ids) / took:8.0f} messages/s at {latency:2d} ms, "
        f"{cpu / len(ids) * 1000:.3f} CPU ms a message"
        f"{'' if warm else ' (cold)'}, "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB"
    )


@contextmanager
def _installation(url: str, provider: str, folder: Path) -> Iterator[Parts]:
    settings = Settings.model_validate(
        {
            "AFTERCARE_VAR": folder,
            "AFTERCARE_DATABASE_URL": url,
            "AFTERCARE_REDIS_URL": "redis://127.0.0.1:1/0",
            "AFTERCARE_PUBLIC_URL": "https://a.example",
            "AFTERCARE_KEYS": new_key(),
            "AFTERCARE_SMS_CONCURRENCY": 512,
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_MESSAGING_SERVICE_SID": "MG" + "0" * 32,
            "SENDGRID_FROM": "care@a.example",
            "AFTERCARE_TWILIO_URL": provider,
            "AFTERCARE_SENDGRID_URL": provider,
        }
    )
    parts = open_parts(settings)
    ensure_senders(parts.engine, settings)
    try:
        yield parts
    finally:
        parts.engine.dispose()


def _clinic(connection: Connection) -> int:
    now = time.now()
    clinic = clinics.add(connection, {"name": "Bench", "display_name": "Bench", "phone": "202-555-0100"}, now)
    body = (TEMPLATES / "protocols" / "prolotherapy.yaml").read_text("utf-8")
    protocols.approve(connection, protocols.add(connection, clinic.id, body, now).id, "bench", now)
    return clinic.id


def _post_sessions(parts: Parts, clinic_id: int, count: int) -> None:
    bodies = [_session(number) for number in range(count)]
    for start in range(0, count, 100):
        some = range(start, min(count, start + 100))

        def work(connection: Connection, some: range = some) -> None:
            for number in some:
                raw = bodies[number]
                event = EVENT.validate_json(raw)
                intake.take_in(connection, parts.sending, clinic_id, f"bench-{number}", raw, event, time.now())

        run(parts.engine, work)


def _session(number: int) -> bytes:
    given = {"at": "2026-03-01T10:00:00Z", "wording": "I agree to care texts.", "source": "form"}
    return json.dumps(
        {
            "type": "session.completed",
            "data": {
                "session": {"id": f"s{number}", "ended_at": (START - timedelta(minutes=1)).isoformat(), "site": "knee"},
                "patient": {
                    "id": f"p{number}",
                    "given_name": "Pat",
                    "phone": f"+1{2_020_000_000 + number}",
                    "email": f"p{number}@patient.example",
                    "consent": {"sms": given, "email": given},
                },
            },
        }
    ).encode()


def _due(parts: Parts, limit: int) -> list[int]:
    def work(connection: Connection) -> list[int]:
        found = messages.queue_due(
            connection, Channel.SMS, parts.sending.sms_sender, messages.ROUTINE, limit, time.now(), time.later(600)
        )
        return [one for one, _ in found]

    return run(parts.engine, work)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
