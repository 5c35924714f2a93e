"""The clinic developer's guide works as it stands there: every sample, against the real service over HTTP."""

from __future__ import annotations

import json
import re
import shlex
import string
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel
from sqlalchemy import Connection
from werkzeug.serving import make_server

from service import time
from service.api import bodies
from service.app import create_app
from service.records import clinics, protocols
from service.records.database import run
from service.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/integrate.md").read_text("utf-8")
NOW = datetime(2026, 3, 2, 20, 10, tzinfo=UTC)
"""When the guide's clinic posts."""


def samples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@dataclass(frozen=True)
class Service:
    """The running service and a clinic's keys."""

    url: str
    api_key: str
    secret: str

    def send(self, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        asked = urllib.request.Request(self.url + path, body, headers or {"Authorization": f"Bearer {self.api_key}"})
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def post(self, event: object, key: str) -> tuple[int, Any]:
        headers = {
            "Authorization": f"Bearer {self.api_key}",
            "Idempotency-Key": key,
            "Content-Type": "application/json",
        }
        return self.send("/v1/events", json.dumps(event).encode(), headers)


@pytest.fixture
def service(sqlite_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    settings = Settings(
        _env_file=None,
        database_url=sqlite_url,
        redis_url=redis_url,
        var=tmp_path,
        twilio_from="+12025550100",
        sendgrid_from="care@clinic.example",
    )
    app = create_app(settings)
    here = app.extensions["aftercare"]

    def found(connection: Connection) -> tuple[str, str]:
        fields = {"name": "C", "display_name": "C", "phone": "202-555-0100", "timezone": "America/New_York"}
        clinic = clinics.add(connection, fields, NOW)
        text = (ROOT / "templates/protocols/prolotherapy.yaml").read_text("utf-8")
        protocols.approve(connection, protocols.add(connection, clinic.id, text, NOW).id, "Dr. Test", NOW)
        secret = clinics.new_webhook_secret(connection, here.sending.vault, clinic.id, NOW)
        return clinics.new_api_key(connection, clinic.id, NOW), secret

    with time.held(NOW):
        key, secret = run(here.engine, found)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        made = Service(f"http://127.0.0.1:{server.server_port}", key, secret)
        monkeypatch.setenv("AFTERCARE_URL", made.url)
        monkeypatch.setenv("AFTERCARE_API_KEY", key)
        monkeypatch.setenv("AFTERCARE_WEBHOOK_SECRET", secret)
        yield made
        server.shutdown()
        thread.join()
        server.server_close()
        here.engine.dispose()


def as_curl_would(command: str, service: Service) -> tuple[int, Any]:
    """Send what this command line sends."""
    filled = string.Template(command.replace("\\\n", " ")).safe_substitute(
        AFTERCARE_URL=service.url, AFTERCARE_API_KEY=service.api_key
    )
    words = shlex.split(filled)
    assert words[:2] == ["curl", "--fail-with-body"]
    headers, body, url = {}, b"", ""
    rest = iter(words[2:])
    for word in rest:
        match word:
            case "--header":
                name, _, value = next(rest).partition(": ")
                headers[name] = value
            case "--data":
                body = next(rest).encode()
            case _:
                assert not word.startswith("-")
                url = word
    assert url.startswith(service.url)
    return service.send(url.removeprefix(service.url), body, headers)


def run_sample(code: str) -> dict[str, Any]:
    module: dict[str, Any] = {"__name__": "sample"}
    exec(compile(code, "docs/integrate.md", "exec"), module)
    return module


def test_curl_gets_the_answer_that_is_shown(service: Service) -> None:
    [command] = samples("sh")
    status, answer = as_curl_would(command, service)
    assert status == 202
    shown = next(sample for sample in map(json.loads, samples("json")) if "session" in sample)
    assert answer["session"] == shown["session"]
    assert {**answer["messages"][0], "id": None} == {**shown["messages"][0], "id": None}
    assert as_curl_would(command, service) == (status, answer)
    assert service.send("/v1/sessions/S-31")[1] == answer


def test_every_event_shown_is_taken(service: Service) -> None:
    [command] = samples("sh")
    as_curl_would(command, service)
    events = [sample for sample in map(json.loads, samples("json")) if "data" in sample]
    assert [event["type"] for event in events] == list(bodies.TYPES[1:])
    for event in events:
        status, answer = service.post(event, event["type"])
        assert status == 202, answer
    assert service.send("/v1/patients/P-7")[0] == 404


def test_the_python_samples_one_after_another(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    with_key, signed, batch, cursors = samples("python")
    first = run_sample(with_key)
    assert len(capsys.readouterr().out.splitlines()) == len(first["timeline"]["messages"]) > 5
    assert service.send("/v1/sessions/S-32")[1]["session"]["state"] == "active"

    run_sample(signed)
    assert service.send("/v1/sessions/S-32")[1]["session"]["state"] == "cancelled"

    run_sample(batch)
    assert "'/data/patient/timezone'" in capsys.readouterr().out
    patient = service.send("/v1/patients/P-8")[1]["patient"]
    assert (patient["locale"], patient["timezone"]) == ("es", None)

    everything = run_sample(cursors)["everything"]
    assert list(everything("/v1/replies", "replies")) == []
    assert list(everything("/v1/alerts", "alerts")) == []
    assert list(everything("/v1/answers", "answers")) == []


def test_the_sample_repeats_what_passes_and_not_what_is_wrong(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = run_sample(samples("python")[0])["post"]
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    with pytest.raises(urllib.error.HTTPError) as refused:
        post({"type": "session.cancelled", "data": {}}, "wrong")
    refused.value.close()
    assert (refused.value.code, pauses) == (422, [])
    monkeypatch.setenv("AFTERCARE_URL", "http://127.0.0.1:9")
    with pytest.raises(OSError, match="refused"):
        post({"type": "session.cancelled", "data": {"session": {"id": "S-9"}}}, "S-9")
    assert pauses == [1, 5, 30, 300]


def test_p10_the_problem_shown_is_the_real_one(service: Service) -> None:
    shown = next(sample for sample in map(json.loads, samples("json")) if "status" in sample)
    event = {
        "type": "session.completed",
        "data": {
            "session": {"id": "S-1", "ended_at": "2026-03-02T15:04:00", "site": "knee"},
            "patient": {"id": "P-1", "given_name": "Ann"},
        },
    }
    assert service.post(event, "bad") == (422, shown)


def _fields(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield name
        for inner in _models(field.annotation):
            yield from _fields(inner)


def _models(kind: Any) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    elif get_origin(kind) is not None or isinstance(kind, UnionType):
        for part in get_args(kind):
            yield from _models(part)


@pytest.mark.parametrize("event", get_args(bodies.AnyEvent), ids=lambda event: event.__name__)
def test_every_field_is_documented(event: type[BaseModel]) -> None:
    named = set(re.findall(r"[`\"](\w+)[`\"]", PAGE))
    found = set(_fields(event))
    assert len(found) > 3
    assert sorted(found - named) == []
