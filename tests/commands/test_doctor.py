"""`aftercare doctor` finds what is wrong, says what to do, and gives nothing away."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner
from rq import SimpleWorker
from sqlalchemy import Connection

from commands.finding import Level
from commands.main import main
from sandbox import server
from service import time
from service.nudges import QueueName
from service.records import clinics, contacts, heartbeats, notices, protocols
from service.records.database import open_database, run
from service.records.sealing import Vault, new_key
from service.settings import Settings
from tests.house import PROTOCOL, settings_for
from workers.gateways.check import Standing, is_event_key, sendgrid_key, twilio_account

Change = Callable[["Patient"], None]


@dataclass
class Patient:
    """An installation to look at: what the environment says, and its database."""

    environ: dict[str, str]
    settings: Settings
    sandbox: server.Handle

    def asked(self, monkeypatch: pytest.MonkeyPatch) -> tuple[int, list[dict[str, Any]], str]:
        """Exit status, findings, and all that was printed either way."""
        with monkeypatch.context() as patch:
            for name in Settings.model_fields.values():
                patch.delenv(str(name.alias), raising=False)
            for key, value in self.environ.items():
                patch.setenv(key, value)
            told = CliRunner().invoke(main, ["doctor", "--json"], catch_exceptions=False)
            shown = CliRunner().invoke(main, ["doctor"], catch_exceptions=False)
        assert told.exit_code == shown.exit_code
        return told.exit_code, json.loads(told.stdout), told.output + shown.output

    def change(self, work: Callable[[Connection], Any]) -> Any:
        engine = open_database(self.settings.database_url, pool_size=1)
        try:
            return run(engine, work)
        finally:
            engine.dispose()


@pytest.fixture
def workers(redis_url: str) -> Iterator[None]:
    """One on every queue, as far as Redis knows."""
    with redis.Redis.from_url(redis_url) as client:
        made = [SimpleWorker([name.value], connection=client, name=f"worker of {name.value}") for name in QueueName]
        for one in made:
            one.register_birth()  # type: ignore[no-untyped-call]
        yield


@pytest.fixture
def patient(sqlite_url: str, redis_url: str, workers: None, tmp_path: Path) -> Iterator[Patient]:
    """One that only lacks an address in the world."""
    with server.start() as sandbox:
        settings = settings_for(
            sqlite_url, redis_url, sandbox.url, tmp_path, SENDGRID_EVENT_PUBLIC_KEY=sandbox.public_key
        )
        environ = {}
        for name, field in Settings.model_fields.items():
            value = getattr(settings, name)
            if field.alias and name != "clock_file":
                environ[field.alias] = str(value.get_secret_value() if hasattr(value, "get_secret_value") else value)
        made = Patient(environ, settings, sandbox)
        made.change(_furnish(settings))
        yield made


def _furnish(settings: Settings) -> Callable[[Connection], None]:
    vault = Vault(settings.keys.get_secret_value())

    def work(connection: Connection) -> None:
        now = time.now()
        fields = {"name": "Hill", "display_name": "Hill", "phone": "202-555-0100", "timezone": "America/Denver"}
        clinic = clinics.add(connection, fields, now)
        protocols.approve(connection, protocols.add(connection, clinic.id, PROTOCOL, now).id, "Dr Test", now)
        contacts.add(connection, vault, clinic.id, "Dr Ann", "+12025550111", None, now)
        heartbeats.beat(connection, heartbeats.CLOCK, time.real_now())

    return work


def test_a_healthy_installation_has_nothing_that_fails(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    status, findings, _ = patient.asked(monkeypatch)
    assert [one for one in findings if one["level"] == Level.FAIL] == []
    assert status == 0
    good = {one["about"] for one in findings if one["level"] == Level.OK}
    assert {"database", "clock", "redis", "workers", "twilio", "sendgrid", "sendgrid events", "time zones"} <= good


def test_every_complaint_says_what_to_do(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    patient.environ |= {"TWILIO_AUTH_TOKEN": "wrong", "SENDGRID_FROM": "", "AFTERCARE_REDIS_URL": "redis://127.0.0.1:1"}
    _, findings, _ = patient.asked(monkeypatch)
    assert all(one["todo"] for one in findings if one["level"] != Level.OK)


def _set(**environ: str) -> Change:
    return lambda patient: patient.environ.update(environ)


def _write(statement: str) -> Change:
    return lambda patient: patient.change(lambda connection: connection.exec_driver_sql(statement))


def _stale(patient: Patient) -> None:
    _write("DELETE FROM heartbeats")(patient)
    patient.change(lambda c: heartbeats.beat(c, heartbeats.CLOCK, time.real_now() - timedelta(minutes=2)))


def _notice(patient: Patient) -> None:
    patient.change(lambda c: notices.raise_notice(c, "channel_paused", "sms", "refused with 21212", time.now()))


def _without_workers(patient: Patient) -> None:
    with redis.Redis.from_url(patient.settings.redis_url) as client:
        client.flushall()


def _open_key_file(patient: Patient) -> None:
    _set(AFTERCARE_KEYS="")(patient)
    file = patient.settings.var / "keys"
    file.write_text(patient.settings.keys.get_secret_value())
    file.chmod(0o644)


ILLS: dict[str, tuple[Change, str, Level]] = {
    "twilio refuses": (_set(TWILIO_AUTH_TOKEN="wrong"), "twilio", Level.FAIL),
    "no twilio": (_set(TWILIO_ACCOUNT_SID=""), "twilio", Level.FAIL),
    "twilio away": (_set(AFTERCARE_TWILIO_URL="http://127.0.0.1:1"), "twilio", Level.FAIL),
    "no number": (_set(TWILIO_FROM=""), "twilio sender", Level.FAIL),
    "sendgrid refuses": (_set(SENDGRID_API_KEY="SG.wrong.key"), "sendgrid", Level.FAIL),
    "sendgrid away": (_set(AFTERCARE_SENDGRID_URL="http://127.0.0.1:1"), "sendgrid", Level.FAIL),
    "no from": (_set(SENDGRID_FROM=""), "sendgrid sender", Level.FAIL),
    "no event key": (_set(SENDGRID_EVENT_PUBLIC_KEY=""), "sendgrid events", Level.WARN),
    "bad event key": (_set(SENDGRID_EVENT_PUBLIC_KEY="bm8ga2V5"), "sendgrid events", Level.FAIL),
    "no https": (_set(AFTERCARE_PUBLIC_URL="http://care.invalid"), "public url", Level.FAIL),
    "no url": (_set(AFTERCARE_PUBLIC_URL="care"), "public url", Level.FAIL),
    "loopback": (_set(), "public url", Level.WARN),
    "long links": (_set(AFTERCARE_PUBLIC_URL="https://a-very-long-name.care.invalid"), "links", Level.WARN),
    "other keys": (_set(AFTERCARE_KEYS=new_key()), "clinic", Level.FAIL),
    "bad keys": (_set(AFTERCARE_KEYS="aa:bb"), "keys", Level.FAIL),
    "readable keys": (_open_key_file, "keys", Level.FAIL),
    "no database": (_set(AFTERCARE_DATABASE_URL="sqlite:////nowhere/at.db"), "database", Level.FAIL),
    "no database url": (_set(AFTERCARE_DATABASE_URL="nonsense"), "database", Level.FAIL),
    "database away": (_set(AFTERCARE_DATABASE_URL="postgresql://u:hush@127.0.0.1:1/x"), "database", Level.FAIL),
    "old schema": (_write("UPDATE alembic_version SET version_num = '0000'"), "database", Level.FAIL),
    "no clock": (_write("DELETE FROM heartbeats"), "clock", Level.FAIL),
    "dead clock": (_stale, "clock", Level.FAIL),
    "no redis": (_set(AFTERCARE_REDIS_URL="redis://127.0.0.1:1"), "redis", Level.FAIL),
    "no embedded redis": (_set(AFTERCARE_REDIS_URL=""), "redis", Level.FAIL),
    "no workers": (_without_workers, "workers", Level.FAIL),
    "no approval": (_write("UPDATE protocols SET approved_by = NULL"), "clinic", Level.FAIL),
    "no contacts": (_write("DELETE FROM contacts"), "clinic", Level.WARN),
    "unknown zone": (_write("UPDATE clinics SET timezone = 'Mars/Olympus'"), "clinic", Level.FAIL),
    "a notice": (_notice, "notice", Level.WARN),
}


@pytest.mark.parametrize(("change", "about", "level"), ILLS.values(), ids=ILLS)
def test_an_ill_is_found(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, change: Change, about: str, level: Level
) -> None:
    change(patient)
    status, findings, _ = patient.asked(monkeypatch)
    assert level in {one["level"] for one in findings if one["about"].split(" 3")[0] == about}, findings
    assert status == (1 if Level.FAIL in {one["level"] for one in findings} else 0)
    assert status == 1 or level is Level.WARN


def test_redis_that_drops_nudges_is_noticed(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    with redis.Redis.from_url(patient.settings.redis_url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("appendonly", "no")
        try:
            status, findings, _ = patient.asked(monkeypatch)
        finally:
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("appendonly", "yes")
    assert [one["level"] for one in findings if one["about"] == "redis"] == [Level.WARN, Level.WARN]
    assert status == 0


def test_nothing_secret_is_printed(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    """P8: whatever is wrong, no key, token, password, phone or name is in the output."""
    settings = patient.settings
    secrets = {settings.keys.get_secret_value(), settings.twilio_auth_token.get_secret_value(),
               settings.sendgrid_api_key.get_secret_value(), "hush", "+12025550111", "Dr Ann"}  # fmt: skip
    for change in (_set(), *(change for change, _, _ in ILLS.values())):
        before = dict(patient.environ)
        if change is not _stale:
            change(patient)
        _, _, output = patient.asked(monkeypatch)
        assert [one for one in secrets if one in output] == []
        patient.environ = before


def test_looking_makes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields.values():
        monkeypatch.delenv(str(name.alias), raising=False)
    monkeypatch.setenv("AFTERCARE_PUBLIC_URL", "http://127.0.0.1:1")
    found = CliRunner().invoke(main, ["doctor"], catch_exceptions=False)
    assert found.exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_providers_are_asked_and_nothing_is_sent(patient: Patient) -> None:
    settings, url = patient.settings, patient.sandbox.url
    account, token = settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value()
    assert twilio_account(account, token, url).standing is Standing.GOOD
    assert twilio_account(account, "other", url).standing is Standing.REFUSED
    assert twilio_account("AC" + "0" * 32, token, url).standing is Standing.REFUSED
    assert sendgrid_key(settings.sendgrid_api_key.get_secret_value(), url).standing is Standing.GOOD
    assert sendgrid_key("SG.other", url).standing is Standing.REFUSED
    assert patient.sandbox.entries() == []


@pytest.mark.parametrize("key", ["", "x", "é", "bm8ga2V5", base64.b64encode(b"\x30" * 91).decode()])
def test_what_is_no_event_key_is_none(key: str) -> None:
    assert not is_event_key(key)
