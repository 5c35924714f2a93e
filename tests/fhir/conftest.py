"""The blueprints of this area on an application of their own, with a clinic, its key and a patient."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import Connection, insert

from service import time
from service.api import answers, errors, events, fhir, hooks, sessions
from service.app import context_on
from service.context import Context
from service.nudges import Nudges, connect
from service.parts import Parts
from service.records import clinics, patients, protocols
from service.records import sessions as session_records
from service.records.database import open_database, run
from service.records.ids import new_id
from service.records.patients import Facts
from service.records.plans import Sending
from service.records.reply_tables import responses
from service.records.sealing import Vault, new_key
from service.settings import Settings

TEMPLATES = Path(__file__).parents[2] / "templates"
LONG_AGO = timedelta(minutes=1)


@dataclass
class Desk:
    """A client of the API."""

    client: FlaskClient
    here: Context
    clinic_id: int
    patient_id: int
    session_id: int
    key: str

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers={"Authorization": f"Bearer {self.key}", **headers})

    def post(self, body: Any, **headers: str) -> Any:
        auth = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/fhir+json", **headers}
        return self.client.post("/v1/fhir", data=json.dumps(body), headers=auth)

    def answered(self, survey: str, completed: bool = True, at: datetime | None = None, **given: Any) -> int:
        """A response on record."""
        row, moment = new_id(), at or time.now() - LONG_AGO
        run(
            self.here.engine,
            lambda c: c.execute(
                insert(responses).values(
                    id=row,
                    clinic_id=self.clinic_id,
                    patient_id=self.patient_id,
                    session_id=self.session_id,
                    survey=survey,
                    started_at=moment,
                    changed_at=moment,
                    completed_at=moment if completed else None,
                    answers=self.here.sending.vault.seal(json.dumps(given), row),
                )
            ),
        )
        return row


@pytest.fixture
def desk(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    settings = Settings(
        _env_file=None,
        AFTERCARE_VAR=tmp_path,
        AFTERCARE_DATABASE_URL=database_url,
        AFTERCARE_REDIS_URL="redis://127.0.0.1:1/0",
        AFTERCARE_KEYS=new_key(),
        AFTERCARE_PUBLIC_URL="https://care.example",
    )
    engine = open_database(database_url)
    vault = Vault(settings.keys.get_secret_value())
    sending = Sending(vault, "+12025550100", "care@clinic.example")
    here = context_on(Parts(settings, engine, sending, Nudges(connect(settings.redis_url))))
    app = APIFlask("tests")
    app.extensions["aftercare"] = here
    for blueprint in (answers.bp, events.bp, fhir.bp, hooks.bp, sessions.bp):
        app.register_blueprint(blueprint)
    errors.handle(app)

    def furnish(connection: Connection) -> tuple[int, int, int, str]:
        now = time.now() - timedelta(days=8)
        clinic = clinics.add(connection, {"name": "Hill", "display_name": "Hill", "phone": "202 555 0100"}, now)
        body = (TEMPLATES / "protocols" / "prolotherapy.yaml").read_text("utf-8")
        protocols.approve(connection, protocols.add(connection, clinic.id, body, now).id, "Dr Test", now)
        facts = Facts("=ana", "Ana", None, None, None, None)
        patient = patients.add(connection, vault, clinic.id, facts, now, ())
        session = session_records.add(
            connection,
            vault,
            None,
            clinic_id=clinic.id,
            external_id="s-1",
            patient_id=patient.id,
            ended_at=now,
            facts_at=now,
            created_at=now,
        )
        return clinic.id, patient.id, session.id, clinics.new_api_key(connection, clinic.id, now)

    clinic_id, patient_id, session_id, key = run(engine, furnish)
    yield Desk(app.test_client(), here, clinic_id, patient_id, session_id, key)
    engine.dispose()


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]
