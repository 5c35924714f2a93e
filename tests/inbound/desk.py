"""A service with one clinic, posted to as the providers post, and read as a worker reads."""

from __future__ import annotations

import itertools
import json
import secrets
import time as world
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, select, text, update
from twilio.request_validator import RequestValidator
from werkzeug.test import TestResponse

from sandbox.signing import SigningKey
from service import time
from service.api import errors, headers, intake, replies, webhooks
from service.api.bodies import parse_event
from service.app import context_on
from service.care.lifecycle import Channel, Reason, State
from service.nudges import QueueName
from service.pages import unsubscribe
from service.parts import Parts, ensure_senders, make_sending
from service.records import attempts, clinics, messages, outbox, protocols
from service.records.attempts import Draft, Settled
from service.records.clinics import Clinic
from service.records.database import open_database, run
from service.records.messages import Move
from service.records.patients import normal
from service.records.plans import Sending
from service.records.sealing import Vault, new_key, new_token
from service.records.sending_tables import messages as message_rows
from service.settings import Settings
from service.signatures import Signatures
from tests.house import PROTOCOL, completed
from workers import listen

PUBLIC = "https://care.example"
TOKEN = "a-twilio-auth-token"
NUMBER = "+12025550199"
PHONE = "+12025550123"
MAIL = "ana@mail.example"
REPLY_DOMAIN = "in.care.example"
KEY = SigningKey()
_numbers = itertools.count(1)


class Nudged:
    """Takes nudges down instead of enqueuing them."""

    def __init__(self) -> None:
        self.sent: list[tuple[QueueName, list[int]]] = []
        self.woken = 0

    def send(self, queue: QueueName, ids: Sequence[int]) -> bool:
        self.sent.append((queue, list(ids)))
        return True

    def wake_clock(self) -> None:
        self.woken += 1


def sid() -> str:
    return "SM" + secrets.token_hex(16)


def settings_for(database_url: str, folder: Path) -> Settings:
    return Settings(
        _env_file=None,
        **{
            "AFTERCARE_VAR": folder,
            "AFTERCARE_DATABASE_URL": database_url,
            "AFTERCARE_PUBLIC_URL": PUBLIC,
            "AFTERCARE_KEYS": new_key(),
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_FROM": NUMBER,
            "SENDGRID_FROM": "care@clinic.example",
            "SENDGRID_EVENT_PUBLIC_KEY": KEY.public,
            "AFTERCARE_REPLY_DOMAIN": REPLY_DOMAIN,
        },
    )


@dataclass
class Tried:
    """An attempt that was begun, and the message it is about."""

    message_id: int
    attempt_id: int
    token: str
    link_token: str
    sid: str


@dataclass
class Desk:
    """What the tests talk to."""

    settings: Settings
    engine: Engine
    sending: Sending
    clinic: Clinic
    client: FlaskClient
    nudged: Nudged

    # what the clinic does

    def complete(self, clinic: Clinic | None = None, **changes: Any) -> None:
        changes.setdefault("email", MAIL)
        raw = json.dumps({"type": "session.completed", "data": completed(**changes)}).encode()
        event = parse_event(raw, time.now())
        self.run(
            lambda connection: intake.take_in(
                connection, self.sending, (clinic or self.clinic).id, f"event {next(_numbers)}", raw, event, time.now()
            )
        )

    def second_clinic(self, sender: str = "") -> Clinic:
        return self.run(lambda connection: make_clinic(connection, "Lakeside", sender))

    # what the send job does

    def begin(self, step: str = "day1", channel: Channel = Channel.SMS, patient: str = "p1") -> Tried:
        """Claim a message and put its attempt on record; the create call has not answered."""

        def work(connection: Connection) -> Tried:
            row = connection.execute(
                text(
                    "SELECT m.id, m.tries FROM messages m JOIN patients p ON p.id = m.patient_id"
                    " WHERE m.step = :step AND m.channel = :channel AND p.external_id = :patient"
                    " AND m.state IN ('planned', 'queued')"
                ),
                {"step": step, "channel": channel, "patient": patient},
            ).one()
            connection.execute(
                update(message_rows)
                .where(message_rows.c.id == row.id)
                .values(due_at=time.now(), window_until=time.now() + timedelta(hours=24), state=State.QUEUED)
            )
            outbox.take(connection, [row.id], time.now(), time.later(120))
            tried = Tried(row.id, 0, secrets.token_urlsafe(12), new_token(), sid())
            address = PHONE if channel is Channel.SMS else MAIL
            draft = Draft(
                message_id=row.id,
                number=row.tries + 1,
                token=tried.token,
                link_token=tried.link_token,
                address=address,
                address_key=self.sending.vault.index(normal(channel, address)),
                body="a text",
            )
            tried.attempt_id = attempts.write(connection, self.sending.vault, [draft], world_now())[0]
            return tried

        return self.run(work)

    def accept(self, tried: Tried) -> None:
        """Record that the create call answered."""

        def work(connection: Connection) -> None:
            attempts.settle(connection, [Settled(tried.attempt_id, "accepted", tried.sid)], time.now())
            move = Move(tried.message_id, State.ACCEPTED, Reason.HANDED_OVER, check_at=time.later(60))
            messages.move(connection, [move], only_from=(State.SENDING,))

        self.run(work)

    def hand_over(self, step: str = "day1", channel: Channel = Channel.SMS, patient: str = "p1") -> Tried:
        tried = self.begin(step, channel, patient)
        self.accept(tried)
        return tried

    # what the providers do

    def post_twilio(self, target: str, form: Mapping[str, Any], **changes: Any) -> TestResponse:
        signed_url = changes.pop("signed_url", PUBLIC + target)
        signature = RequestValidator(changes.pop("token", TOKEN)).compute_signature(signed_url, form)
        # As a server hands the target on: the test client alone would tidy it up.
        raw = {"RAW_URI": target, **changes.pop("environ_overrides", {})}
        return self.client.post(
            target,
            data=urlencode(form),
            content_type="application/x-www-form-urlencoded",
            headers={"X-Twilio-Signature": signature},
            environ_overrides=raw,
            **changes,
        )

    def status(self, tried: Tried, status: str, code: int | None = None, with_token: bool = True) -> TestResponse:
        form = {"AccountSid": "AC" + "0" * 32, "MessageSid": tried.sid, "MessageStatus": status, "To": PHONE}
        if code is not None:
            form["ErrorCode"] = str(code)
        return self.post_twilio("/twilio/status" + (f"?a={tried.token}" if with_token else ""), form)

    def text_in(self, body: str, sender: str = PHONE, to: str = NUMBER, **more: Any) -> TestResponse:
        form = {"MessageSid": sid(), "From": sender, "To": to, "Body": body, "NumMedia": "0", **more}
        return self.post_twilio("/twilio/inbound", form)

    def post_sendgrid(self, target: str, body: bytes, content_type: str, **more: str) -> TestResponse:
        signed = KEY.headers(str(int(world.time())), body) | more
        return self.client.post(target, data=body, content_type=content_type, headers=signed)

    def events(self, *events: Mapping[str, Any]) -> TestResponse:
        return self.post_sendgrid("/sendgrid/events", json.dumps(events).encode(), "application/json")

    def mail_in(self, to: str, body: str, subject: str = "Re: Your check-in", **more: Any) -> TestResponse:
        told = {"Message-ID": f"<{secrets.token_hex(8)}@mail.example>", **more.pop("headers", {})}
        fields = {
            "headers": "".join(f"{name}: {value}\n" for name, value in told.items()).encode(),
            "envelope": json.dumps({"to": [to], "from": more.pop("sender", MAIL)}).encode(),
            "subject": subject.encode(),
            "text": body.encode(more.get("charset", "utf-8")),
            "charsets": json.dumps({"text": more.pop("charset", "utf-8")}).encode(),
        }
        return self.post_sendgrid("/sendgrid/inbound", form_data(fields), "multipart/form-data; boundary=xYzZY")

    # what the workers do

    def listen(self) -> int:
        """Follow every nudge to `listen` there was."""
        ids = [one for queue, some in self.nudged.sent if queue is QueueName.LISTEN for one in some]
        return listen.handle(self.engine, self.sending, self.nudged, ids)

    def says(self, body: str, sender: str = PHONE, **more: Any) -> None:
        """A text from a patient, taken in and read."""
        assert self.text_in(body, sender, **more).status_code == 200
        self.listen()

    # what is on record

    def run(self, work: Any) -> Any:
        return run(self.engine, work)

    def sql(self, statement: str, **values: Any) -> list[Any]:
        with self.engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []

    def state(self, tried: Tried) -> tuple[str, str]:
        return self.state_of(tried.message_id)

    def state_of(self, message_id: int) -> tuple[str, str]:
        row = self.sql("SELECT state, reason FROM messages WHERE id = :id", id=message_id)[0]
        return row.state, row.reason

    def message(self, tried: Tried) -> Any:
        with self.engine.begin() as connection:
            return connection.execute(select(message_rows).where(message_rows.c.id == tried.message_id)).one()

    def answers(self) -> list[str]:
        """The steps of the answers that were planned, in order."""
        return [row.step for row in self.sql("SELECT step FROM messages WHERE priority = 0 ORDER BY id")]

    def waiting(self, channel: str = "sms", patient: str = "p1") -> int:
        return self.sql(
            "SELECT count(*) AS n FROM messages m JOIN patients p ON p.id = m.patient_id WHERE m.channel = :channel"
            " AND p.external_id = :patient AND m.state IN ('planned', 'queued') AND m.priority = 1",
            channel=channel,
            patient=patient,
        )[0].n

    def replies(self) -> list[Any]:
        return self.sql("SELECT * FROM replies ORDER BY id")

    def alerts(self) -> list[tuple[str, str, str]]:
        """(patient, cause, urgency) of every alert, the oldest first."""
        rows = self.sql(
            "SELECT p.external_id AS patient, a.cause, a.urgency FROM alerts a JOIN patients p ON p.id = a.patient_id"
            " ORDER BY a.id"
        )
        return [(row.patient, row.cause, row.urgency) for row in rows]

    def suppressed(self, channel: str = "sms") -> list[str]:
        rows = self.sql(
            "SELECT reason FROM suppressions WHERE lifted_at IS NULL AND channel = :channel ORDER BY reason",
            channel=channel,
        )
        return [row.reason for row in rows]

    def stored(self) -> int:
        return sum(self.sql(f"SELECT count(*) AS n FROM {table}")[0].n for table in ("receipts", "replies"))


def world_now() -> datetime:
    return time.real_now()


def form_data(fields: Mapping[str, bytes], boundary: str = "xYzZY") -> bytes:
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + content + b"\r\n"
        for name, content in fields.items()
    ]
    return b"".join([*parts, f"--{boundary}--\r\n".encode()])


def make_clinic(connection: Connection, name: str, sender: str = "") -> Clinic:
    clinic = clinics.add(
        connection, {"name": name, "display_name": name, "phone": "202-555-0100", "sender": sender}, time.now()
    )
    version = protocols.add(connection, clinic.id, PROTOCOL, time.now())
    protocols.approve(connection, version.id, "Dr Test", time.now())
    return clinic


def open_desk(database_url: str, folder: Path) -> Desk:
    settings = settings_for(database_url, folder)
    engine = open_database(database_url, pool_size=2)
    sending, nudged = make_sending(settings, Vault(settings.keys.get_secret_value())), Nudged()
    ensure_senders(engine, settings)
    app = APIFlask("inbound")
    here = context_on(Parts(settings, engine, sending, nudged))  # type: ignore[arg-type]
    app.extensions["aftercare"] = replace(here, signatures=Signatures(PUBLIC, TOKEN, KEY.public, ""))
    for blueprint in (webhooks.bp, replies.bp, unsubscribe.bp):
        app.register_blueprint(blueprint)
    errors.handle(app)
    headers.guard(app)
    clinic = run(engine, lambda connection: make_clinic(connection, "Riverside"))
    return Desk(settings, engine, sending, clinic, app.test_client(), nudged)
