"""A whole installation in one process, for tests: real database, real sandbox over HTTP, the service's own parts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select, text, update

from sandbox import server
from sandbox.config import Config, Delays
from sandbox.ledger import Entry
from service import time
from service.api import intake
from service.api.bodies import EVENT
from service.care.lifecycle import Channel, Reason, State
from service.nudges import QueueName
from service.parts import Parts, ensure_senders, open_parts
from service.records import agenda, clinics, messages, protocols, sessions
from service.records.clinics import Clinic
from service.records.database import reading, run
from service.records.library import TEMPLATES
from service.records.sealing import new_key
from service.records.sending_tables import attempts as attempt_rows
from service.records.sending_tables import messages as message_rows
from service.records.sending_tables import senders as sender_rows
from service.records.webhook_tables import webhook_deliveries as hook_rows
from service.settings import Settings
from workers.compose import Composer
from workers.deliver import Deliverer
from workers.gateways.courier import Courier
from workers.gateways.email import SendGridGateway
from workers.gateways.sms import TwilioGateway
from workers.reconcile import Reconciler

PROTOCOL = (TEMPLATES / "protocols" / "prolotherapy.yaml").read_text("utf-8")
_numbers = itertools.count(1)


def settings_for(database_url: str, redis_url: str, sandbox_url: str, folder: Path, **more: Any) -> Settings:
    """Settings that point everything at this machine."""
    values: dict[str, Any] = {
        "AFTERCARE_VAR": folder,
        "AFTERCARE_DATABASE_URL": database_url,
        "AFTERCARE_REDIS_URL": redis_url,
        "AFTERCARE_PUBLIC_URL": "http://127.0.0.1:8000",
        "AFTERCARE_KEYS": new_key(),
        **Config().told(sandbox_url),
        "TWILIO_FROM": Config().sender,
        "SENDGRID_FROM": "care@clinic.example",
        "AFTERCARE_SMS_SEGMENTS_PER_SECOND": 0,
        "AFTERCARE_PROVIDER_TIMEOUT_SECONDS": 2,
        "AFTERCARE_SETTLE_SECONDS": 0,
    }
    return Settings(_env_file=None, **{**values, **more})


@dataclass
class House:
    """Parts, a clinic and a way to make things happen."""

    parts: Parts
    sandbox: server.Handle
    clinic: Clinic
    couriers: list[Courier[Any]] = field(default_factory=list)

    def run(self, work: Any) -> Any:
        return run(self.parts.engine, work)

    def post(
        self, kind: str, data: dict[str, Any], key: str | None = None, now: datetime | None = None
    ) -> dict[str, Any]:
        """Take an event in, as the API does once it has identified the clinic."""
        raw = dumps({"type": kind, "data": data})
        event = EVENT.validate_json(raw)
        name = key or f"event-{next(_numbers)}"
        answer: dict[str, Any] = self.run(
            lambda connection: intake.take_in(
                connection, self.parts.sending, self.clinic.id, name, raw, event, now or time.now()
            )
        ).answer
        return answer

    def complete(self, **changes: Any) -> dict[str, Any]:
        """A session that has just ended."""
        return self.post("session.completed", completed(**changes))

    def session_id(self, external_id: str) -> int:
        with reading(self.parts.engine) as connection:
            found = sessions.find(connection, self.clinic.id, external_id)
        assert found is not None
        return found.id

    def states(self, external_id: str) -> dict[tuple[str, str], tuple[str, str]]:
        """(step, channel) to (state, reason) of a session's messages."""
        with reading(self.parts.engine) as connection:
            rows = messages.of_session(connection, self.session_id(external_id))
        return {(row["step"], row["channel"]): (row["state"], row["reason"]) for row in rows}

    def deliverer(self, **changes: Any) -> Deliverer:
        settings = self.parts.settings.model_copy(update=changes)
        sms = Courier(
            TwilioGateway(
                settings.twilio_account_sid,
                settings.twilio_auth_token.get_secret_value(),
                settings.twilio_url,
                concurrency=settings.sms_concurrency,
                read_timeout=settings.provider_timeout_seconds,
            )
        )
        email = Courier(
            SendGridGateway(
                settings.sendgrid_api_key.get_secret_value(),
                settings.sendgrid_url,
                read_timeout=settings.provider_timeout_seconds,
            )
        )
        self.couriers += [sms, email]
        return Deliverer(settings, self.parts.engine, self.parts.sending, Composer(settings.public_url), sms, email)

    def queue_due(self, limit: int = 5000) -> list[int]:
        """What the clock does about due messages, without the nudge."""

        def work(connection: Connection) -> list[int]:
            found = []
            for channel, sender in ((Channel.SMS, self.parts.sending.sms_sender),
                                    (Channel.EMAIL, self.parts.sending.email_sender)):  # fmt: skip
                for priority in (messages.URGENT, messages.ROUTINE):
                    found += agenda.queue_due(connection, channel, sender, priority, limit, time.now(), time.later(30))
            return [one for one, _ in found]

        ids: list[int] = self.run(work)
        return ids

    def deliver_due(self, deliverer: Deliverer | None = None) -> list[int]:
        ids = self.queue_due()
        (deliverer or self.deliverer()).deliver(ids)
        return ids

    def sql(self, statement: str, **values: Any) -> list[Any]:
        with self.parts.engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []

    def handed_over(self) -> list[Entry]:
        """The witness: what the provider took, in order."""
        return self.sandbox.entries()

    def in_doubt(self) -> list[int]:
        """Messages whose end nobody told us, and whose lease is over."""
        with reading(self.parts.engine) as connection:
            return [one.id for one in agenda.lapsed(connection, time.now(), 5000) if one.state is State.SENDING]

    def reconcile(self, ids: Sequence[int] | None = None) -> int:
        """Ask the provider about what is in doubt (or about `ids`); returns how many were settled."""
        settings = self.parts.settings
        gateway = TwilioGateway(
            settings.twilio_account_sid,
            settings.twilio_auth_token.get_secret_value(),
            settings.twilio_url,
            read_timeout=settings.provider_timeout_seconds,
        )
        reconciler = Reconciler(self.parts, gateway)
        try:
            return reconciler.reconcile(self.in_doubt() if ids is None else ids)
        finally:
            reconciler.close()

    def hurry(self) -> None:
        """Let every lease and every pause before a question be over."""
        past = time.now() - timedelta(seconds=1)
        begun = time.real_now() - timedelta(seconds=self.parts.settings.sending_lease_seconds)
        with self.parts.engine.begin() as connection:
            connection.execute(update(message_rows).where(message_rows.c.check_at.is_not(None)).values(check_at=past))
            held = hook_rows.c.state.in_(("queued", "posting"))
            connection.execute(update(hook_rows).where(held).values(due_at=past))
            leased = select(message_rows.c.id).where(message_rows.c.check_at.is_not(None))
            in_hand = attempt_rows.c.message_id.in_(leased) & attempt_rows.c.outcome.is_(None)
            younger = attempt_rows.c.started_at > begun
            connection.execute(update(attempt_rows).where(in_hand, younger).values(started_at=begun))

    def open_gates(self) -> None:
        """Let every pause after a fault be over: back-offs, a closed sender."""
        self.make_due()
        with self.parts.engine.begin() as connection:
            connection.execute(update(sender_rows).values(closed_until=None, failures=0))

    def make_due(self) -> None:
        """Let every back-off of a message be over."""
        held = (Reason.RETRY_LATER, Reason.PROVIDER_BUSY, Reason.CHANNEL_PAUSED)
        with self.parts.engine.begin() as connection:
            connection.execute(
                update(message_rows)
                .where(message_rows.c.state == State.PLANNED, message_rows.c.reason.in_(held))
                .values(due_at=time.now())
            )

    def close(self) -> None:
        for courier in self.couriers:
            courier.close(1.0)
        self.parts.engine.dispose()


def completed(
    session: str = "s1", patient: str = "p1", phone: str | None = "+12025550123", email: str | None = None, **more: Any
) -> dict[str, Any]:
    """The data of a session.completed event."""
    consent = {}
    given = {"at": "2026-01-01T10:00:00Z", "wording": "I agree to care texts.", "source": "form"}
    if phone is not None:
        consent["sms"] = given
    if email is not None:
        consent["email"] = given
    ended_at = more.pop("ended_at", time.now() - timedelta(minutes=1))
    who = {"id": patient, "given_name": "Ana", "phone": phone, "email": email, "consent": consent,
           "timezone": more.pop("timezone", None), "locale": more.pop("locale", None)}  # fmt: skip
    return {
        "session": {
            "id": session,
            "ended_at": ended_at if isinstance(ended_at, str) else ended_at.isoformat(),
            "site": more.pop("site", "knee"),
            **more,
        },
        "patient": {name: value for name, value in who.items() if value is not None},
    }


def dumps(value: Any) -> bytes:
    import json

    return json.dumps(value).encode()


@contextmanager
def house(
    database_url: str, redis_url: str, folder: Path, config: Config | None = None, **more: Any
) -> Iterator[House]:
    """An installation with one clinic whose protocol is approved. `config` is the sandbox's."""
    with server.start(config or Config(delays=Delays(sent=0, delivered=0, event_batch=0))) as sandbox:
        more.setdefault("SENDGRID_EVENT_PUBLIC_KEY", sandbox.public_key)
        parts = open_parts(settings_for(database_url, redis_url, sandbox.url, folder, **more))
        ensure_senders(parts.engine, parts.settings)

        def found(connection: Connection) -> Clinic:
            clinic = clinics.add(
                connection,
                {
                    "name": "Riverside",
                    "display_name": "Riverside",
                    "phone": "202-555-0100",
                    "timezone": "America/New_York",
                },
                time.now(),
            )
            version = protocols.add(connection, clinic.id, PROTOCOL, time.now())
            protocols.approve(connection, version.id, "Dr Test", time.now())
            return clinic

        made = House(parts, sandbox, run(parts.engine, found))
        try:
            yield made
        finally:
            made.close()


__all__ = ["House", "QueueName", "completed", "house"]
