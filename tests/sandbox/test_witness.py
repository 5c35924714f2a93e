"""The ledger, the controls and the process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from twilio.rest import Client

from sandbox.config import Config, Phone, parse_phones
from sandbox.server import Handle, start
from tests.processes import free_port
from tests.sandbox.listener import Listener, eventually

TO = "+12125550123"
FROM = "+12025550100"


def test_the_ledger_tells_repeats(sandbox: Handle, twilio: Client) -> None:
    """P2: the same words to the same number twice is what must never be seen."""
    for body in ("one", "two", "two"):
        twilio.messages.create(to=TO, from_=FROM, body=body)
    ledger = requests.get(f"{sandbox.url}/__sandbox/ledger", params={"after": 1}, timeout=5).json()
    assert [(entry["seq"], entry["body"]) for entry in ledger["entries"]] == [(2, "two"), (3, "two")]
    assert ledger["last"] == 3
    stats = requests.get(f"{sandbox.url}/__sandbox/stats", timeout=5).json()
    assert (stats["accepted"], stats["by_provider"]) == (3, {"twilio": 3})
    assert [(repeat["to"], repeat["body"], repeat["times"]) for repeat in stats["repeats"]] == [(TO, "two", 2)]


def test_the_ledgers_file_is_written_before_the_answer(tmp_path: Path) -> None:
    path = tmp_path / "var" / "ledger.jsonl"
    with start(Config(ledger_path=path)) as sandbox:
        client = Client(sandbox.config.account_sid, sandbox.config.auth_token)
        client.api.base_url = sandbox.url
        sids = []
        for n in range(3):
            sids.append(client.messages.create(to=TO, from_=FROM, body=str(n)).sid)
            assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == sids
        sandbox.reset()
        assert sandbox.entries() == []
        assert client.messages.list() == []
        client.messages.create(to=TO, from_=FROM, body="after")
        assert sandbox.entries()[0].seq == 4
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line.get("seq") for line in lines] == [1, 2, 3, None, 4]


def test_a_reset_drops_what_was_under_way(sandbox: Handle, service: Listener, twilio: Client) -> None:
    sandbox.fault("late", seconds=30)
    twilio.messages.create(to=TO, from_=FROM, body="hello", status_callback=f"{service.url}/s")
    assert requests.get(f"{sandbox.url}/__sandbox/pending", timeout=5).json() == {"pending": 2}
    assert requests.post(f"{sandbox.url}/__sandbox/reset", timeout=5).json() == {"reset": True}
    assert sandbox.pending == 0
    assert sandbox.faults.rules() == []


@pytest.mark.parametrize(
    ("reply", "target"),
    [
        ({"from": TO, "body": "7"}, "/twilio/inbound"),
        ({"from": TO, "to": FROM, "body": "", "media": ["https://example.com/a.jpg"]}, "/twilio/inbound"),
        ({"email": {"from": "ana@example.com", "to": "r+t@reply.example", "text": "7"}}, "/sendgrid/inbound"),
    ],
)
def test_replies_over_http(sandbox: Handle, service: Listener, reply: dict[str, object], target: str) -> None:
    assert requests.post(f"{sandbox.url}/__sandbox/reply", json=reply, timeout=5).status_code == 200
    assert sandbox.settle()
    assert [heard.target for heard in service.heard] == [target]


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"from": TO},
        {"from": "x", "body": "x"},
        {"from": TO, "body": 7},
        {"email": "x"},
        {"email": {"from": "a"}},
        [],
    ],
)
def test_a_reply_that_makes_no_sense_is_refused(sandbox: Handle, reply: object) -> None:
    answer = requests.post(f"{sandbox.url}/__sandbox/reply", json=reply, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_the_phone_keeps_its_words_when_the_provider_forgets_them(sandbox: Handle, twilio: Client) -> None:
    text = twilio.messages.create(to=TO, from_=FROM, body="hello")
    eventually(lambda: twilio.messages(text.sid).fetch().status == "delivered")
    twilio.messages(text.sid).update(body="")
    sandbox.reply(TO, "STOP", to=FROM)
    thread = requests.get(f"{sandbox.url}/__sandbox/thread", params={"number": TO}, timeout=5).json()["bubbles"]
    assert [(b["mine"], b["words"].split()[0], b["status"]) for b in thread] == [
        (False, "hello", "delivered"),
        (True, "STOP", "received"),
        (False, "You", "auto"),
    ]


def test_the_page_and_its_parts_are_served(sandbox: Handle) -> None:
    page = requests.get(sandbox.url, timeout=5)
    assert page.headers["Content-Type"].startswith("text/html")
    for part in ("phone.css", "phone.js"):
        assert f"/static/{part}" in page.text
        assert requests.get(f"{sandbox.url}/static/{part}", timeout=5).status_code == 200


def test_changes_are_pushed(sandbox: Handle) -> None:
    with requests.get(f"{sandbox.url}/__sandbox/changes", stream=True, timeout=5) as stream:
        lines = (line for line in stream.iter_lines() if line.startswith(b"data:"))
        first = int(next(lines)[5:])
        sandbox.reply(TO, "hello")
        assert int(next(lines)[5:]) > first


def test_phones_are_read_from_one_line() -> None:
    assert parse_phones("Patient=+12025550101/ana@example.com, Clinician=+12025550102") == (
        Phone("Patient", "+12025550101", "ana@example.com"),
        Phone("Clinician", "+12025550102"),
    )
    assert parse_phones("Clinician=+12025550102")[0].rings
    with pytest.raises(ValueError, match="Name="):
        parse_phones("just words")


def test_it_runs_as_a_process(tmp_path: Path) -> None:
    port = free_port()
    options = ["--port", str(port), "--auth-token", "t", "--ledger", str(tmp_path / "ledger.jsonl")]
    options += ["--key-file", str(tmp_path / "key.pem"), "--phones", "Patient=+12025550101"]
    options += ["--clock-file", str(tmp_path / "clock"), "--speed", "60"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox", *options], cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    ) as process:
        try:
            eventually(lambda: _answers(port), 15)
            key = requests.get(f"http://127.0.0.1:{port}/__sandbox/keys", timeout=5).json()["public_key"]
        finally:
            process.terminate()
        assert process.wait(10) == 0
    with start(Config(key_path=tmp_path / "key.pem")) as again:
        assert again.public_key == key


def _answers(port: int) -> bool:
    try:
        return bool(requests.get(f"http://127.0.0.1:{port}/__sandbox/pending", timeout=1).json() == {"pending": 0})
    except requests.ConnectionError:
        return False
