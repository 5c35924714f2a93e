"""A patient's side of an installation: real database, real pages, and links as the texts carry them."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import redis
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, select, text

from service.api import headers, intake
from service.api.bodies import EVENT
from service.app import context_on
from service.context import Context
from service.nudges import Nudges
from service.pages import look, plan, survey, unsubscribe
from service.parts import Parts
from service.records import attempts, clinics, protocols, responses, sessions
from service.records.attempts import Draft
from service.records.database import open_database, reading, run
from service.records.plans import Sending
from service.records.sealing import Vault, new_token
from service.records.sending_tables import messages
from service.settings import Settings
from tests.house import PROTOCOL, completed, dumps

NOON = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
"""Noon in New York, a Tuesday."""


@dataclass
class Phone:
    """One clinic, its app, and links into it."""

    app: Flask
    context: Context
    clinic_id: int

    @property
    def vault(self) -> Vault:
        return self.context.sending.vault

    def client(self) -> FlaskClient:
        return self.app.test_client()

    def visit(self, session: str = "s1", ended_at: datetime = NOON, **more: Any) -> int:
        """A session that ended then; returns its row."""
        event = completed(session=session, ended_at=ended_at, **more)
        self.post("session.completed", event, f"visit-{session}", ended_at)
        with reading(self.context.engine) as connection:
            found = sessions.find(connection, self.clinic_id, session)
        assert found is not None
        return found.id

    def post(self, kind: str, data: dict[str, Any], key: str, now: datetime) -> None:
        raw = dumps({"type": kind, "data": data})
        event = EVENT.validate_json(raw)
        run(
            self.context.engine,
            lambda connection: intake.take_in(connection, self.context.sending, self.clinic_id, key, raw, event, now),
        )

    def link(self, session_id: int, step: str, channel: str = "sms") -> str:
        """The token of a text that went out when it was due."""
        token = new_token()

        def work(connection: Connection) -> None:
            row = connection.execute(
                select(messages.c.id, messages.c.due_at).where(
                    messages.c.session_id == session_id, messages.c.step == step, messages.c.channel == channel
                )
            ).one()
            draft = Draft(row.id, 1, secrets.token_urlsafe(12), token, "+12025550123", b"k", "text")
            attempts.write(connection, self.vault, [draft], row.due_at)
            connection.execute(
                messages.update().where(messages.c.id == row.id).values(state="accepted", handed_at=row.due_at)
            )

        run(self.context.engine, work)
        return token

    def answers(self, session_id: int, survey_id: str) -> responses.Response | None:
        with reading(self.context.engine) as connection:
            return responses.find(connection, self.vault, session_id, survey_id)

    def baseline(self, session_id: int) -> dict[str, Any] | None:
        with reading(self.context.engine) as connection:
            return sessions.baseline(connection, self.vault, session_id)

    def sql(self, statement: str, **values: Any) -> list[Any]:
        with self.context.engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []

    def alerts(self) -> list[tuple[str, str]]:
        """Cause and urgency of every alert, in order."""
        return [(row.cause, row.urgency) for row in self.sql("SELECT cause, urgency FROM alerts ORDER BY id")]


@contextmanager
def phone(database_url: str, redis_url: str, folder: Path, **clinic: Any) -> Iterator[Phone]:
    """The pages of an installation with one clinic whose protocol is approved."""
    settings = Settings(_env_file=None, AFTERCARE_VAR=folder, AFTERCARE_DATABASE_URL=database_url)
    vault = Vault(base64.b64encode(secrets.token_bytes(32)).decode())
    engine = open_database(database_url)
    sending = Sending(vault=vault, sms_sender="+15005550006", email_sender="care@clinic.example")
    # Never connected to unless somebody must be woken.
    nudges = Nudges(redis.Redis.from_url(redis_url, socket_connect_timeout=0.2))

    def begin(connection: Connection) -> int:
        fields = {"name": "Riverside", "display_name": "Riverside", "phone": "202-555-0100", **clinic}
        found = clinics.add(connection, fields, NOON - timedelta(days=1))
        version = protocols.add(connection, found.id, PROTOCOL, NOON - timedelta(days=1))
        protocols.approve(connection, version.id, "Dr Test", NOON - timedelta(days=1))
        return found.id

    clinic_id = run(engine, begin)
    parts = context_on(Parts(settings, engine, sending, nudges))
    app = Flask("pages")
    app.extensions["aftercare"] = parts
    for blueprint in (survey.bp, plan.bp, unsubscribe.bp, look.bp):
        app.register_blueprint(blueprint)
    headers.guard(app)
    try:
        yield Phone(app, parts, clinic_id)
    finally:
        engine.dispose()


def at(days: float, hour: int = 12) -> datetime:
    """`hour` o'clock in New York, so many days after the session."""
    return NOON + timedelta(days=days, hours=hour - 12)


S1_FINE: dict[str, Any] = {
    "pain": "3", "compared": "same", "swelling": "mild", "signs": "none", "medicine": "none", "call": "no",
}  # fmt: skip

__all__ = ["NOON", "S1_FINE", "Phone", "at", "phone"]
