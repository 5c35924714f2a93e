"""A migrated database, opened; the web application over it; a clinic with its keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from click import Command
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine

from service.app import create_app
from service.context import Context
from service.parts import ensure_senders
from service.records import clinics, protocols
from service.records.database import open_database, run
from service.settings import Settings

NOW = datetime(2026, 3, 2, 18, tzinfo=UTC)
"""A Monday noon in Denver."""
DEFAULT_PROTOCOL = Path("templates/protocols/prolotherapy.yaml")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A fresh, migrated database of each kind."""
    opened = open_database(database_url)
    yield opened
    opened.dispose()


def settings_for(database_url: str, redis_url: str, var: Path, **more: Any) -> Settings:
    """Settings of a whole installation that reaches nobody."""
    given: dict[str, Any] = {
        "database_url": database_url,
        "redis_url": redis_url,
        "var": var,
        "public_url": "https://care.example",
        "twilio_account_sid": "AC" + "0" * 32,
        "twilio_auth_token": "token",
        "twilio_from": "+12025550100",
        "sendgrid_from": "care@clinic.example",
        "sendgrid_api_key": "SG.none",
    }
    return Settings(_env_file=None, **(given | more))


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    return settings_for(database_url, redis_url, tmp_path)


@pytest.fixture
def app(settings: Settings) -> Iterator[APIFlask]:
    """The web application, on each kind of database."""
    made = create_app(settings)
    assert isinstance(made, APIFlask)
    here: Context = made.extensions["aftercare"]
    ensure_senders(here.engine, settings)
    yield made
    here.engine.dispose()


@pytest.fixture
def client(app: APIFlask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def here(app: APIFlask) -> Context:
    found: Context = app.extensions["aftercare"]
    return found


@dataclass(frozen=True)
class ClinicAtHand:
    """A clinic with everything it signs in with."""

    id: int
    api_key: str
    webhook_secret: str


@pytest.fixture
def clinic(here: Context) -> ClinicAtHand:
    """A clinic whose default protocol is approved."""

    def work(connection: Connection) -> ClinicAtHand:
        made = clinics.add(
            connection,
            {"name": "Clinic", "display_name": "Clinic", "phone": "202-555-0100", "timezone": "America/Denver"},
            NOW,
        )
        version = protocols.add(connection, made.id, DEFAULT_PROTOCOL.read_text(), NOW)
        protocols.approve(connection, version.id, "Dr. Test", NOW)
        return ClinicAtHand(
            made.id,
            clinics.new_api_key(connection, made.id, NOW),
            clinics.new_webhook_secret(connection, here.sending.vault, made.id, NOW),
        )

    return run(here.engine, work)


Run = Callable[..., Result]


@pytest.fixture
def run_command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command against the test's installation, as the shell would."""
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if field.alias and value is not None:
            monkeypatch.setenv(
                field.alias, str(value.get_secret_value() if hasattr(value, "get_secret_value") else value)
            )

    def invoke(command: Command, *arguments: str, status: int = 0, answers: str | None = None) -> Result:
        result = CliRunner().invoke(command, list(arguments), input=answers, catch_exceptions=False)
        assert result.exit_code == status, result.output
        return result

    return invoke


def session_completed(session_id: str, ended_at: datetime, **patient: Any) -> dict[str, Any]:
    """The body of an event, as a clinic would post it."""
    consent = {"at": "2026-01-05T09:00:00-07:00", "wording": "I agree to care texts.", "source": "front desk tablet"}
    return {
        "type": "session.completed",
        "data": {
            "session": {"id": session_id, "ended_at": ended_at.isoformat(), "site": "knee_left"},
            "patient": {
                "id": f"patient of {session_id}",
                "given_name": "Ann",
                "phone": "+12025550123",
                "email": "ann@patient.example",
                "timezone": "America/Denver",
                "consent": {"sms": consent, "email": consent},
                **patient,
            },
        },
    }
