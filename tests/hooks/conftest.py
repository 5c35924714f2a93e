"""A clinic with two patients, an endpoint, and a poster that reaches it over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from service import time
from service.nudges import Nudges, connect
from service.parts import Parts
from service.records import clinics, hook_deliveries, hook_endpoints, hooks, patients
from service.records.database import open_database, reading, run
from service.records.hooks import Endpoint, Type
from service.records.patients import Facts
from service.records.plans import Sending
from service.records.sealing import Vault, new_key
from service.settings import Settings
from tests.hooks.receiver import Receiver, receiving
from workers.hooks import LEASE_SECONDS, WebhookPoster


@dataclass
class Surgery:
    """What the tests act on."""

    parts: Parts
    receiver: Receiver
    clinic_id: int
    ana: int
    ben: int
    endpoint: Endpoint = field(init=False)
    secret: str = field(init=False)
    poster: WebhookPoster = field(init=False)

    def run(self, work: Any) -> Any:
        return run(self.parts.engine, work)

    def read(self, work: Any) -> Any:
        with reading(self.parts.engine) as connection:
            return work(connection)

    def announce(self, patient_id: int | None, number: int, kind: Type = Type.REPLY) -> None:
        vault = self.parts.sending.vault
        now = time.now()
        self.run(lambda c: hooks.announce(c, vault, self.clinic_id, patient_id, kind, {"number": number}, now))

    def look(self) -> list[int]:
        """What the clock does about webhooks."""
        now, lease = time.now(), time.later(30)
        return self.run(lambda c: hook_deliveries.queue_due(c, now, lease, 500))  # type: ignore[no-any-return]

    def deliver(self) -> int:
        """One look, and the job that it nudges."""
        return self.poster.deliver(self.look())

    def deliveries(self) -> list[dict[str, Any]]:
        return self.read(lambda c: hook_deliveries.states(c, self.endpoint.id))  # type: ignore[no-any-return]

    def states(self) -> list[str]:
        return [row["state"] for row in self.deliveries()]

    def add_endpoint(self, url: str, types: Any = "*") -> tuple[Endpoint, str]:
        vault = self.parts.sending.vault
        return self.run(lambda c: hook_endpoints.add(c, vault, self.clinic_id, url, types, time.now()))  # type: ignore[no-any-return]

    def lease(self) -> datetime:
        return time.later(LEASE_SECONDS)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture
def bare(database_url: str, receiver: Receiver, tmp_path: Path) -> Iterator[Surgery]:
    """Without an endpoint."""
    settings = Settings(
        _env_file=None,
        AFTERCARE_VAR=tmp_path,
        AFTERCARE_DATABASE_URL=database_url,
        AFTERCARE_REDIS_URL="redis://127.0.0.1:1/0",
        AFTERCARE_KEYS=new_key(),
        AFTERCARE_WEBHOOKS_ALLOW_PRIVATE=True,
    )
    engine = open_database(database_url)
    vault = Vault(settings.keys.get_secret_value())
    parts = Parts(
        settings, engine, Sending(vault, "+12025550100", "care@clinic.example"), Nudges(connect(settings.redis_url))
    )

    def furnish(connection: Connection) -> tuple[int, int, int]:
        fields = {"name": "Hill", "display_name": "Hill", "phone": "202 555 0100"}
        clinic = clinics.add(connection, fields, time.now())
        ids = [
            patients.add(connection, vault, clinic.id, Facts(name, None, None, None, None, None), time.now(), ()).id
            for name in ("ana", "ben")
        ]
        return clinic.id, ids[0], ids[1]

    yield Surgery(parts, receiver, *run(engine, furnish))
    engine.dispose()


@pytest.fixture
def surgery(bare: Surgery) -> Iterator[Surgery]:
    """With one endpoint, that hears everything."""
    bare.endpoint, bare.secret = bare.add_endpoint(bare.receiver.url)
    bare.poster = WebhookPoster(bare.parts)
    yield bare
    bare.poster.close()
