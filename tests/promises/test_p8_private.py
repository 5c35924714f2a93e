"""P8: nothing about the patient where others could read it, and contact data and free text sealed at rest.

A week of a patient with a name, a number, an address and words that occur nowhere else; then every byte is searched
that the installation has sent, stored or said.
"""

from __future__ import annotations

import base64
import binascii
import logging
import re
import zlib
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import text
from twilio.request_validator import RequestValidator

from service import time
from service.app import create_app
from service.care.health_words import telling
from service.nudges import QueueName, connect
from service.records import clinics
from service.records.database import reading
from service.records.tables import metadata
from tests.house import House
from tests.processes import wait_until
from tests.promises.conftest import NOWHERE
from tests.promises.installation import Installation
from tests.promises.population import phone, treat
from workers import jobs, listen
from workers.clock import Clock

NAME, MAIL = "Xanthippe", "xanthippe.q@example.net"
ACTIVITY = "pruning my quinces"
REPLY = "it feels wobbly since Thursday, call my brother Zebedee"
SECRETS = (NAME, MAIL, "xanthippe", phone(0), phone(0)[2:], "555-0000", ACTIVITY, "quinces", "wobbly", "Zebedee")


def lived_through(h: House, caplog: pytest.LogCaptureFixture) -> Any:
    """Texts and mails of a week, a reply, refusals, a doubled event; the web's client is returned."""
    caplog.set_level(logging.DEBUG)
    app = create_app(h.parts.settings)
    client = app.test_client()
    treat(h, 0, email=False, phone=phone(0), baseline={"pain": 7, "activity": ACTIVITY, "activity_score": 3})
    h.post("patient.updated", {"patient": {"id": "patient-0", "given_name": NAME, "email": MAIL,
           "consent": {"email": {"at": "2026-01-01T10:00:00Z", "wording": "Yes.", "source": "form"}}}})  # fmt: skip
    clock = Clock(h.parts, "clock of a test")
    deliverer = h.deliverer()
    start = time.now()
    for hours in (0, 1, 24, 30, 48, 72, 78, 120, 168):
        with time.held(start + timedelta(hours=hours)):
            h.deliver_due(deliverer)
            h.sandbox.fault("error_after", count=1)
            clock.look()
            h.reconcile()
    form = {"MessageSid": "SM" + "1" * 32, "From": phone(0), "To": h.parts.sending.sms_sender, "Body": REPLY,
            "NumMedia": "0", "AccountSid": h.parts.settings.twilio_account_sid}  # fmt: skip
    validator = RequestValidator(h.parts.settings.twilio_auth_token.get_secret_value())
    signed = {"X-Twilio-Signature": validator.compute_signature(f"{NOWHERE}/twilio/inbound", form)}
    assert client.post("/twilio/inbound", data=form, headers=signed).status_code < 300
    clock.look()
    unread = [row[0] for row in h.sql("SELECT id FROM replies")]
    assert unread
    listen.handle(h.parts.engine, h.parts.sending, h.parts.nudges, unread)
    key = h.run(lambda c: clinics.new_api_key(c, h.clinic.id, time.now()))
    shown = client.get("/v1/sessions/session-0", headers={"Authorization": f"Bearer {key}"})
    assert shown.status_code == 200
    h.deliver_due(deliverer)
    return client


def found_in(what: bytes, secrets: Iterable[str] = SECRETS) -> list[str]:
    low = what.lower()
    return [one for one in secrets if one.lower().encode() in low or one.encode().hex().encode() in low]


def test_p8_a_week_leaves_nothing_readable_behind(h: House, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    client = lived_through(h, caplog)

    texts = [entry for entry in h.handed_over() if entry.provider == "twilio"]
    mails = [entry for entry in h.handed_over() if entry.provider == "sendgrid"]
    assert len(texts) > 4
    assert mails
    for entry in [*texts, *mails]:
        assert telling(entry.body) == []
        assert telling(entry.subject or "") == []
        for url in [*re.findall(r"https?://\S+", entry.body), entry.status_callback or ""]:
            assert found_in(url.encode(), [*SECRETS, "session-0", "patient-0", "knee", "riverside"]) == []
        assert found_in(repr(entry.custom_args).encode(), [*SECRETS, "patient-0", "session-0", "knee"]) == []
    for entry in texts:
        assert found_in(entry.body.encode()) == []  # a text may lie open on a locked phone
    for entry in mails:
        assert found_in(entry.body.encode(), set(SECRETS) - {NAME, "xanthippe"}) == []

    assert found_in(everything_in_redis(h)) == []
    said = "\n".join(
        f"{record.name} {record.getMessage()} {record.__dict__}"
        for record in caplog.records
        if not record.name.startswith(OTHERS)
    )
    assert found_in(said.encode()) == []
    metrics = client.get("/metrics")
    assert metrics.status_code in (200, 401, 403)
    assert found_in(metrics.data, [*SECRETS, "patient-0", "session-0", "knee"]) == []
    stored = everything_stored(h, tmp_path)
    assert len(stored) > 10_000
    assert found_in(stored) == []


OTHERS = ("faker", "hypothesis", "sandbox")


def everything_in_redis(h: House) -> bytes:
    """Every key and value; RQ keeps its jobs compressed."""
    parts: list[bytes] = []
    with redis.Redis.from_url(h.parts.settings.redis_url) as client:
        for key in client.scan_iter(count=1000):
            parts += [key, client.dump(key) or b""]
            if client.type(key) == b"hash":
                for name, value in client.hgetall(key).items():
                    parts += [name, value, _unzipped(value)]
            if client.type(key) == b"stream":
                for _, fields in client.xrange(key):
                    for value in fields.values():
                        parts += [value, _unzipped(_from_base64(value))]
    assert parts, "the clock must have nudged somebody"
    return b"\n".join(parts)


def test_p8_redis_keeps_no_words_of_a_job_that_failed(h: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """RQ keeps the traceback of a failed job for an hour, and a database's error may quote a row."""

    def fail(ids: object) -> int:
        with h.parts.engine.connect() as connection:
            connection.execute(text("INSERT INTO nowhere VALUES (:name)"), {"name": NAME})
        raise ValueError(f"{NAME} at {MAIL}")

    queue, of = QueueName.LISTEN, h.parts.settings.redis_url
    for failing in (fail, lambda ids: [][0] if NAME in f"{NAME} {ids}" else 0):
        monkeypatch.setattr(jobs, "_wired", jobs._Wired(failing))
        h.parts.nudges.send(queue, [1])
        rq = Queue(queue, connection=connect(of), serializer=JSONSerializer)
        worker = SimpleWorker([rq], connection=connect(of, blocking=True), serializer=JSONSerializer)
        worker.work(burst=True, with_scheduler=False)
    kept = everything_in_redis(h)
    assert b"JobFailed: ProgrammingError" in kept or b"JobFailed: OperationalError" in kept
    assert b"JobFailed: IndexError" in kept
    assert found_in(kept) == []
    assert b"nowhere" not in kept


def _from_base64(value: bytes) -> bytes:
    try:
        return base64.b64decode(value)
    except binascii.Error:
        return b""


def _unzipped(value: bytes) -> bytes:
    try:
        return zlib.decompress(value)
    except zlib.error:
        return b""


def everything_stored(h: House, folder: Path) -> bytes:
    """The database's bytes: its files where they are here, and every row of every table either way."""
    parts = []
    with reading(h.parts.engine) as connection:
        for table in metadata.sorted_tables:
            if connection.dialect.name == "postgresql":
                rows = connection.execute(text(f'SELECT t::text FROM "{table.name}" AS t')).scalars().all()
                parts += [row.encode() for row in rows]
            else:
                parts += [repr(tuple(row)).encode() for row in connection.execute(table.select())]
    parts += [path.read_bytes() for path in folder.glob("aftercare.db*")]
    return b"\n".join(parts)


def test_p8_the_search_itself_finds_what_is_there(h: House) -> None:
    """Else the test above would prove nothing."""
    with redis.Redis.from_url(h.parts.settings.redis_url) as client:
        client.hset("job", "data", zlib.compress(f"to {phone(0)}".encode()))
    assert found_in(everything_in_redis(h)) != []
    h.sql("UPDATE clinics SET display_name = :name", name=NAME)
    assert found_in(everything_stored(h, Path("/nonexistent"))) != []
    assert found_in(MAIL.encode().hex().encode()) != []


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_p8_real_processes_at_their_most_talkative(place: Installation) -> None:
    """Every process logs all it can, while things go wrong around it."""
    loud = {"AFTERCARE_LOG_LEVEL": "DEBUG"}
    place.h.sandbox.fault("error_after", on="twilio.create", count=2)
    place.h.sandbox.fault("refuse", on="twilio.create", code=21211, count=1)
    place.serve(**loud)
    for number in range(6):
        assert place.post(number, email=True).status == 202
    assert place.send("session.completed", {"patient": {"phone": phone(0), "given_name": NAME}}, "bad").status == 422
    place.clock(**loud)
    for queue in ("deliver-sms", "deliver-email", "reconcile", "listen", "urgent"):
        place.worker(queue, **loud)
    place.comes_to_rest(60)
    place.h.sandbox.reply(phone(5), REPLY)
    assert place.h.sandbox.settle(20)
    # Before it is read nothing is open, and what answers it may be under way a moment after.
    wait_until(lambda: not place.h.sql("SELECT id FROM replies WHERE handled_at IS NULL"), 30)
    place.comes_to_rest(30)
    said = (place.folder / "log").read_bytes()
    assert said
    every = [*SECRETS, *(phone(n) for n in range(6)), *(phone(n)[1:] for n in range(6)), "patient0@", "Ana"]
    assert found_in(said, every) == []
    assert place.h.parts.settings.twilio_auth_token.get_secret_value().encode() not in said
    assert place.h.parts.settings.sendgrid_api_key.get_secret_value().encode() not in said
