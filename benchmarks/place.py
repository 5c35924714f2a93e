"""Where benchmarks run: real databases that keep what they commit, a clinic, and sessions to look after.

SQLite runs as the service runs it (WAL, `synchronous=FULL`); PostgreSQL with the settings it is installed with, `fsync`
among them. Both on the same disk, in a folder that goes when the benchmark ends.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from service import time
from service.api import intake
from service.api.bodies import EVENT
from service.api.lines import Line
from service.parts import Parts, ensure_senders, open_parts
from service.records import clinics, migrate, protocols
from service.records.database import run
from service.records.library import TEMPLATES
from service.records.sealing import new_key
from service.settings import Settings
from tests import servers

KINDS = ("sqlite", "postgresql")
START = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
"""Ten in the morning of a Tuesday in New York: what is due then is outside everybody's quiet hours."""
DURABLE = ("listen_addresses=", "max_connections=100", "shared_buffers=512MB", "max_wal_size=4GB", "timezone=UTC")


@dataclass(frozen=True, slots=True)
class Place:
    """One installation on one database."""

    kind: str
    parts: Parts
    clinic_id: int
    folder: Path


@contextmanager
def place(kind: str, provider: str = "http://127.0.0.1:1", **settings: Any) -> Iterator[Place]:
    """An installation on a fresh database of `kind`, whose messages go to `provider`. `settings` by their variables."""
    with tempfile.TemporaryDirectory(prefix="aftercare-bench-") as name, _database(kind, Path(name)) as url:
        migrate.upgrade(url)
        parts = open_parts(_settings(url, provider, Path(name), settings))
        ensure_senders(parts.engine, parts.settings)
        try:
            yield Place(kind, parts, run(parts.engine, _clinic), Path(name))
        finally:
            parts.engine.dispose()


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder}/bench.db"
        return
    with servers.postgres(servers.find_binaries(), DURABLE, tempfile.gettempdir()) as server:
        yield servers.create_database(server, "bench").render_as_string(hide_password=False)


def _settings(url: str, provider: str, folder: Path, more: dict[str, Any]) -> Settings:
    values = {
        "AFTERCARE_VAR": folder,
        "AFTERCARE_DATABASE_URL": url,
        "AFTERCARE_REDIS_URL": "redis://127.0.0.1:1/0",
        "AFTERCARE_PUBLIC_URL": "https://a.example",
        "AFTERCARE_KEYS": new_key(),
        "AFTERCARE_SMS_CONCURRENCY": 512,
        "AFTERCARE_SMS_SEGMENTS_PER_SECOND": 0,
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "token",
        "TWILIO_MESSAGING_SERVICE_SID": "MG" + "0" * 32,
        "SENDGRID_API_KEY": "key",
        "SENDGRID_FROM": "care@a.example",
        "AFTERCARE_TWILIO_URL": provider,
        "AFTERCARE_SENDGRID_URL": provider,
    }
    return Settings(_env_file=None, **{**values, **more})


def _clinic(connection: Connection) -> int:
    now = time.now()
    clinic = clinics.add(connection, {"name": "Bench", "display_name": "Bench", "phone": "202-555-0100"}, now)
    body = (TEMPLATES / "protocols" / "prolotherapy.yaml").read_text("utf-8")
    protocols.approve(connection, protocols.add(connection, clinic.id, body, now).id, "bench", now)
    return clinic.id


def session(number: int, now: datetime = START) -> bytes:
    """A session.completed that a clinic may post: patient `number`, treated a minute before `now`."""
    given = {"at": "2026-03-01T10:00:00Z", "wording": "I agree to care texts.", "source": "form"}
    return json.dumps(
        {
            "type": "session.completed",
            "data": {
                "session": {"id": f"s{number}", "ended_at": (now - timedelta(minutes=1)).isoformat(), "site": "knee"},
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


def treat(here: Place, numbers: range, at_a_time: int = 100) -> None:
    """Take these patients' sessions in, `at_a_time` a transaction."""
    for start in range(numbers.start, numbers.stop, at_a_time):
        some = range(start, min(numbers.stop, start + at_a_time))

        def work(connection: Connection, some: range = some) -> None:
            intake.take_in_all(connection, here.parts.sending, here.clinic_id, [line(one) for one in some], time.now())

        run(here.parts.engine, work)


def line(number: int) -> Line:
    """`session`, read."""
    raw = session(number)
    return Line(f"bench-{number}", raw, EVENT.validate_json(raw))
