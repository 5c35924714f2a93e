"""`aftercare doctor`: finds what will not work, says what to do, and never shows a secret."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import Connection, Engine

from commands import checkup_providers
from commands.checkup import Level
from commands.doctor import doctor
from service import time
from service.care.lifecycle import Channel
from service.nudges import QueueName
from service.records import clinics, contacts, heartbeats, notices, protocols, senders
from service.records.database import run
from service.records.sealing import Vault
from service.settings import Settings
from tests.ops.conftest import ClinicAtHand, Run, settings_for
from workers.gateways.check import NoAnswer, Refused, TwilioCheck, sendgrid_scopes

Findings = dict[str, tuple[str, str, str]]


class Provider:
    """An HTTP server that answers as it was told, by path; and 404 elsewhere."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = provider.answers.get(self.path.split("?")[0], (404, {"code": 20404, "message": "no"}))
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.server.shutdown()
    made.server.server_close()


def examine(_environment: Run, *options: str, status: int | None = None) -> Findings:
    result = CliRunner().invoke(doctor, ["--json", *options], catch_exceptions=False)
    found = {one["check"]: (one["level"], one["said"], one["do"]) for one in json.loads(result.output)}
    assert result.exit_code == any(level == Level.FAIL for level, _, _ in found.values())
    if status is not None:
        assert result.exit_code == status
    return found


def levels(found: Findings) -> dict[str, str]:
    return {check: level for check, (level, _, _) in found.items()}


def public_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def test_a_fresh_machine_is_told_what_comes_first(
    run_command: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AFTERCARE_DATABASE_URL", f"sqlite:///{tmp_path}/none.db")
    monkeypatch.setenv("AFTERCARE_VAR", str(tmp_path / "empty"))
    monkeypatch.setenv("AFTERCARE_REDIS_URL", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("AFTERCARE_PUBLIC_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "")
    found = examine(run_command, status=1)
    assert found["database"][0] == "fail"
    assert "aftercare migrate" in found["database"][2]
    assert levels(found)["keys"] == "warn"
    assert not (tmp_path / "empty" / "keys").exists()  # it looks and leaves no trace
    assert levels(found)["redis"] == "fail"
    assert levels(found)["twilio"] == "fail"
    assert levels(found)["web"] == "fail"
    assert not (tmp_path / "none.db").exists()


def test_a_whole_installation_is_well(
    run_command: Run,
    settings: Settings,
    clinic: ClinicAtHand,
    engine: Engine,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run(engine, lambda connection: heartbeats.beat(connection, "clock here 1", time.real_now()))
    provider.answers["/healthz"] = (200, {"status": "ok"})
    provider.answers[f"/2010-04-01/Accounts/{settings.twilio_account_sid}/Messages.json"] = (200, {"messages": []})
    monkeypatch.setenv("AFTERCARE_PUBLIC_URL", provider.url)
    monkeypatch.setenv("AFTERCARE_TWILIO_URL", provider.url)
    monkeypatch.setenv("AFTERCARE_SENDGRID_URL", provider.url)
    monkeypatch.setenv("SENDGRID_EVENT_PUBLIC_KEY", public_key())
    redis = Redis.from_url(settings.redis_url)
    queues = [Queue(name, connection=redis, serializer=JSONSerializer) for name in QueueName]
    worker = SimpleWorker(queues, connection=redis, serializer=JSONSerializer, name="all")
    worker.register_birth()  # type: ignore[no-untyped-call]
    try:
        found = examine(run_command)
    finally:
        worker.register_death()  # type: ignore[no-untyped-call]
    assert {check: line for check, line in found.items() if line[0] == "fail"} == {}
    assert levels(found)["workers"] == "ok"
    assert levels(found)["sealed values"] == "ok"
    assert levels(found)["stand-in"] == "warn"
    assert levels(found)[f"clinic {clinic.id}"] == "warn"  # nobody is named for alerts


def test_what_goes_wrong_in_the_house_is_found(
    run_command: Run, settings: Settings, clinic: ClinicAtHand, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(connection: Connection) -> None:
        senders.pause(connection, Channel.SMS, "+12025550100", "20003", time.now())
        notices.raise_notice(connection, "channel_paused", "sms", "Twilio refuses the account", time.now())
        heartbeats.beat(connection, "clock here 1", time.real_now())

    run(engine, work)
    (settings.var / "keys").chmod(0o644)
    monkeypatch.setenv("AFTERCARE_PUBLIC_URL", "http://care_service.example")
    found = examine(run_command, "--offline", status=1)
    assert "chmod 600" in found["key file"][2]
    assert "20003" in found["sender"][1]
    assert "Twilio refuses" in found["notice"][1]
    assert "https" in found["public address"][2]
    assert "deliver-sms" in found["workers"][1]
    assert "twilio" not in found  # --offline
    text = json.dumps(found)
    for secret in (settings.twilio_auth_token.get_secret_value(), clinic.api_key, clinic.webhook_secret):
        assert f'"{secret}"' not in text
    monkeypatch.setenv("AFTERCARE_KEYS", "k2:" + base64.b64encode(b"x" * 32).decode())
    assert "right keys" in examine(run_command, "--offline")["sealed values"][2]


def test_long_addresses_are_weighed_against_the_texts(
    run_command: Run, clinic: ClinicAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFTERCARE_PUBLIC_URL", "https://patient-communication.some-hospital-trust.example")
    level, said, _ = examine(run_command, "--offline")[f"clinic {clinic.id}"]
    assert level == "warn"
    assert "two segments" in said


def test_an_emergency_number_of_another_country_is_told(run_command: Run, clinic: ClinicAtHand, engine: Engine) -> None:
    run(engine, lambda connection: clinics.change(connection, clinic.id, {"timezone": "Europe/Madrid"}))
    found = run_command(doctor, "--offline", status=1).output
    assert "call 911" in found
    assert "Spain" in found


def test_an_unapproved_protocol_is_told(run_command: Run, clinic: ClinicAtHand, engine: Engine) -> None:
    def work(connection: Connection) -> None:
        other = clinics.add(connection, {"name": "B", "display_name": "B", "phone": "202-555-0101"}, time.now())
        protocols.add(connection, other.id, Path("templates/protocols/prolotherapy.yaml").read_text(), time.now())

    run(engine, work)
    result = run_command(doctor, "--offline", status=1)
    assert "no protocol is approved" in result.output
    assert "aftercare protocol approve" in result.output
    assert "will not work" in result.output


def test_people_sealed_with_lost_keys_are_told(
    run_command: Run, settings: Settings, clinic: ClinicAtHand, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so, and does not end in a traceback, whatever it was that the keys do not open."""
    vault = Vault((settings.var / "keys").read_text().strip())
    run(engine, lambda c: contacts.add(c, vault, clinic.id, "Dr Ann", "+12025550111", None, time.now()))
    monkeypatch.setenv("AFTERCARE_KEYS", "k2:" + base64.b64encode(b"x" * 32).decode())
    assert levels(examine(run_command, "--offline", status=1))["sealed values"] == "fail"
    run(engine, lambda c: c.exec_driver_sql("DELETE FROM clinic_keys"))
    assert levels(examine(run_command, "--offline", status=1))["sealed values"] == "fail"


@pytest.mark.parametrize(
    "url", ["nonsense", "postgresql://u:hush@[::1/x", "mysql://u:hush@h/x", "postgresql://u:hush@127.0.0.1:1/x"]
)
def test_a_database_url_that_cannot_be_used_is_told(
    run_command: Run, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("AFTERCARE_DATABASE_URL", url)
    found = examine(run_command, "--offline", status=1)
    assert found["database"][0] == "fail"
    assert "hush" not in json.dumps(found)


def test_a_key_file_of_something_else_is_told(
    run_command: Run, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFTERCARE_KEYS", "")
    (settings.var / "keys").write_bytes(b"\xff\xfe")
    assert levels(examine(run_command, "--offline", status=1))["keys"] == "fail"


ACCOUNT = "AC" + "0" * 32
SERVICE = "MG" + "0" * 32


@pytest.mark.parametrize(
    ("account", "sender", "levels_wanted", "said"),
    [
        ({"status": "active", "type": "Full"}, SERVICE, ["ok", "ok"], "active"),
        ({"status": "active", "type": "Trial"}, SERVICE, ["warn", "ok"], "verified numbers"),
        ({"status": "suspended", "type": "Full"}, SERVICE, ["fail", "ok"], "suspended"),
        ({"status": "active", "type": "Full"}, "MG" + "1" * 32, ["ok", "fail"], "does not have it"),
        ({"status": "active", "type": "Full"}, "+12025550100", ["ok", "ok"], "has it"),
        ({"status": "active", "type": "Full"}, "+12025550999", ["ok", "fail"], "does not have it"),
        ({"status": "active", "type": "Full"}, "Clinic", ["ok", "fail"], "neither"),
        ({"status": "active", "type": "Full"}, "", ["ok", "fail"], "none"),
        (None, SERVICE, ["fail"], "refuses the account"),
    ],
)
def test_twilio_is_asked(
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    account: dict[str, str] | None,
    sender: str,
    levels_wanted: list[str],
    said: str,
) -> None:
    base = f"/2010-04-01/Accounts/{ACCOUNT}"
    owned = {"phone_number": "+12025550100", "sid": "PN" + "0" * 32}
    numbers = {"incoming_phone_numbers": [owned] if sender == "+12025550100" else []}
    provider.answers = {
        f"{base}.json": (401, {"code": 20003, "message": "Authenticate"}) if account is None else (200, account),
        f"{base}/IncomingPhoneNumbers.json": (200, numbers),
        f"/v1/Services/{SERVICE}": (200, {"sid": SERVICE}),
    }
    to_provider = TwilioCheck(ACCOUNT, "token", provider.url)
    monkeypatch.setattr(checkup_providers, "TwilioCheck", lambda *_: to_provider)
    settings = settings_for("sqlite://", "redis://x", tmp_path, twilio_from=sender)
    found = list(checkup_providers._twilio(settings))
    assert [one.level for one in found] == levels_wanted
    assert any(said in one.said for one in found)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ((200, {"scopes": ["mail.send"]}), frozenset({"mail.send"})),
        ((401, {"errors": []}), Refused),
        ((403, b"<html>"), Refused),
        ((200, b"not json"), NoAnswer),
        ((500, b""), Refused),
    ],
)
def test_sendgrid_is_asked(provider: Provider, answer: tuple[int, Any], outcome: Any) -> None:
    provider.answers["/v3/scopes"] = answer
    if isinstance(outcome, frozenset):
        assert sendgrid_scopes("SG.secret", provider.url) == outcome
        return
    with pytest.raises(outcome) as error:
        sendgrid_scopes("SG.secret", provider.url)
    assert "SG." not in str(error.value)


def test_a_provider_that_is_away_is_no_refusal() -> None:
    with pytest.raises(NoAnswer):
        TwilioCheck(ACCOUNT, "token", "http://127.0.0.1:1").account()
    with pytest.raises(NoAnswer):
        sendgrid_scopes("SG.secret", "http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("changes", "scopes", "wanted"),
    [
        ({}, {"mail.send"}, {"sendgrid": "ok", "sendgrid sender": "ok", "sendgrid signature": "ok"}),
        ({}, {"stats.read"}, {"sendgrid": "fail"}),
        ({}, {f"x{one}" for one in range(20)} | {"mail.send"}, {"sendgrid": "warn"}),
        ({"sendgrid_from": "nobody"}, {"mail.send"}, {"sendgrid sender": "fail"}),
        ({"sendgrid_event_public_key": "AAAA"}, {"mail.send"}, {"sendgrid signature": "fail"}),
        ({"sendgrid_event_public_key": ""}, {"mail.send"}, {"sendgrid signature": "fail"}),
        ({"sendgrid_api_key": ""}, set(), {"sendgrid": "warn"}),
        ({"sendgrid_url": "http://127.0.0.1:1"}, set(), {"stand-in": "fail"}),
    ],
)
def test_the_mail_settings_are_weighed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changes: dict[str, str], scopes: set[str], wanted: dict[str, str]
) -> None:
    monkeypatch.setattr(checkup_providers, "sendgrid_scopes", lambda *_: frozenset(scopes))
    monkeypatch.setattr(checkup_providers, "_twilio", lambda _settings: iter(()))
    given = {"sendgrid_event_public_key": public_key(), "email_reply_domain": "reply.example", **changes}
    settings = settings_for("sqlite://", "redis://x", tmp_path, **given)
    found = {one.check: one.level.value for one in checkup_providers.look_at_providers(settings)}
    assert {check: found[check] for check in wanted} == wanted
