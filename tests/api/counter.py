"""The whole web application over HTTP's shape, with a clinic of which every list has something to show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import Connection, insert

from service import time
from service.app import create_app
from service.care.lifecycle import Channel
from service.care.urgency import Urgency
from service.context import Context
from service.parts import ensure_senders
from service.records import alerts, clinics, heartbeats, hook_endpoints, patients, protocols, replies, sessions
from service.records.database import run
from service.records.ids import new_id
from service.records.replies import Incoming
from service.records.reply_tables import responses
from service.records.sealing import new_key
from service.settings import Settings
from tests.house import PROTOCOL, completed
from workers import listen

EARLIER = timedelta(minutes=5)


@dataclass(frozen=True)
class Counter:
    """Where a clinic's system asks."""

    app: APIFlask
    client: FlaskClient
    here: Context
    key: str
    alert_id: int
    response_id: int

    @property
    def signed_in(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    @property
    def spec(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get("/openapi.json").get_json()
        return found


@contextmanager
def counter(database_url: str, redis_url: str, folder: Path) -> Iterator[Counter]:
    """The application on a migrated database."""
    settings = Settings(
        _env_file=None,
        AFTERCARE_VAR=folder,
        AFTERCARE_DATABASE_URL=database_url,
        AFTERCARE_REDIS_URL=redis_url,
        AFTERCARE_KEYS=new_key(),
        AFTERCARE_PUBLIC_URL="https://care.example",
        TWILIO_AUTH_TOKEN="token",
        TWILIO_FROM="+12025550100",
        SENDGRID_FROM="care@clinic.example",
    )
    app = create_app(settings)
    assert isinstance(app, APIFlask)
    here: Context = app.extensions["aftercare"]
    ensure_senders(here.engine, settings)
    try:
        yield _furnished(app, here)
    finally:
        here.engine.dispose()


def _furnished(app: APIFlask, here: Context) -> Counter:
    clinic_id, key = run(here.engine, lambda connection: _clinic(connection, here))
    client = app.test_client()
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "first"}
    event = {"type": "session.completed", "data": completed(email="ana@mail.example", ended_at=time.now() - EARLIER)}
    assert client.post("/v1/events", json=event, headers=headers).status_code == 202
    reply = run(
        here.engine, lambda connection: replies.keep(connection, here.sending.vault, _text(), time.now() - EARLIER)
    )
    assert reply is not None
    assert listen.handle(here.engine, here.sending, here.nudges, [reply]) == 1
    alert_id, response_id = run(here.engine, lambda connection: _course_of_things(connection, here, clinic_id))
    return Counter(app, client, here, key, alert_id, response_id)


def _clinic(connection: Connection, here: Context) -> tuple[int, str]:
    now = time.now() - timedelta(days=1)
    fields = {"name": "Hill", "display_name": "Hill", "phone": "202-555-0100", "timezone": "America/New_York"}
    clinic = clinics.add(connection, fields, now)
    protocols.approve(connection, protocols.add(connection, clinic.id, PROTOCOL, now).id, "Dr Test", now)
    hook_endpoints.add(connection, here.sending.vault, clinic.id, "https://clinic.example/hook", "*", now)
    # Far ahead: however slow the machine, the clock looks alive until the last test.
    heartbeats.beat(connection, heartbeats.CLOCK, time.real_now() + timedelta(days=1))
    return clinic.id, clinics.new_api_key(connection, clinic.id, now)


def _text() -> Incoming:
    return Incoming(
        provider_key="SM" + "1" * 32,
        channel=Channel.SMS,
        sender="+12025550123",
        recipient="+12025550100",
        body="4",
        media=0,
    )


def _course_of_things(connection: Connection, here: Context, clinic_id: int) -> tuple[int, int]:
    """An alert that was opened, and a survey that was answered."""
    vault, now = here.sending.vault, time.now() - EARLIER
    patient = patients.find(connection, vault, clinic_id, "p1", lock=True)
    session = sessions.find(connection, clinic_id, "s1")
    assert patient is not None
    assert session is not None
    alert_id = alerts.open_alert(
        connection,
        here.sending,
        clinics.get(connection, clinic_id),
        patient.id,
        session.id,
        Urgency.URGENT,
        "fever",
        "reply",
        "I burn",
        now,
    )
    row = new_id()
    connection.execute(
        insert(responses).values(
            id=row,
            clinic_id=clinic_id,
            patient_id=patient.id,
            session_id=session.id,
            survey="S2",
            started_at=now,
            changed_at=now,
            completed_at=now,
            answers=vault.seal(json.dumps({"pain": 4, "signs": ["fever"], "call": True}), row),
        )
    )
    return alert_id, row
