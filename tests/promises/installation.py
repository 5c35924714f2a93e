"""A real installation: processes, databases and queue are real; the stand-in provider in here is the witness."""

from __future__ import annotations

import json
import os
import signal
import time as real_time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import urllib3
from pydantic import SecretStr
from sqlalchemy import func, or_, select
from standardwebhooks import Webhook
from twilio.request_validator import RequestValidator

from sandbox.config import Config, Delays
from service import time
from service.care.lifecycle import State
from service.records import clinics
from service.records.database import reading
from service.records.sending_tables import messages
from tests.house import House, house
from tests.nursery import Born, bear
from tests.processes import free_port, wait_until
from tests.promises.population import counted, just_treated

QUICK = {
    "AFTERCARE_QUEUED_LEASE_SECONDS": 1,
    "AFTERCARE_SENDING_LEASE_SECONDS": 10,
    "AFTERCARE_SETTLE_SECONDS": 1,
    "AFTERCARE_PROVIDER_TIMEOUT_SECONDS": 3,
    "AFTERCARE_WEB_WORKERS": 1,
    "AFTERCARE_WEBHOOKS_ALLOW_PRIVATE": True,
    "AFTERCARE_LOG_LEVEL": "INFO",
    "AFTERCARE_REPLY_DOMAIN": "reply.clinic.example",
}

T = TypeVar("T")


@dataclass
class Installation:
    """Processes that may be killed, and the house they belong to."""

    h: House
    env: dict[str, str]
    folder: Path
    web: str
    secret: str
    _posted: dict[int, dict[str, Any]] = field(default_factory=dict)
    running: list[Born] = field(default_factory=list)
    _held: ExitStack = field(default_factory=ExitStack)
    _http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False, timeout=20.0))

    def start(self, *arguments: str, **env: str) -> Born:
        """Start `aftercare` with these arguments; its output goes to the log."""
        process = bear(arguments, {**os.environ, **self.env, **env}, self.folder / "log")
        self.running.append(process)
        return process

    def worker(self, queue: str = "deliver-sms", **env: str) -> Born:
        return self.start("worker", "--queue", queue, **env)

    def clock(self, **env: str) -> Born:
        return self.start("clock", **env)

    def serve(self, **env: str) -> Born:
        """The web server, once it answers."""
        process = self.start("web", **env)
        wait_until(lambda: process.returncode is not None or self._answers(), 30)
        assert process.returncode is None, self.log()
        return process

    def kill(self, process: Born) -> None:
        process.kill()

    def died(self, process: Born, seconds: float = 20) -> None:
        """Wait until the process has killed itself at its crash point."""
        wait_until(lambda: process.returncode is not None, seconds)
        assert process.returncode == -signal.SIGKILL, self.log()

    def post(self, number: int, **changes: Any) -> urllib3.BaseHTTPResponse:
        """A signed session.completed over HTTP, as a clinic posts it; posted again it is the very same event."""
        data = self._posted.setdefault(number, just_treated(number, **changes))
        return self.send("session.completed", data, f"posted-{number}")

    def send(self, kind: str, data: dict[str, Any], key: str) -> urllib3.BaseHTTPResponse:
        return self.signed("/v1/events", json.dumps({"type": kind, "data": data}), key)

    def send_batch(self, lines: Sequence[bytes], key: str) -> urllib3.BaseHTTPResponse:
        """Signed events, a line each."""
        return self.signed("/v1/events/batch", b"\n".join(lines).decode(), key, "application/x-ndjson")

    def signed(self, path: str, body: str, key: str, media_type: str = "application/json") -> urllib3.BaseHTTPResponse:
        """Post as the clinic's system does."""
        at = datetime.now(UTC)
        headers = {
            "Content-Type": media_type,
            "webhook-id": key,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(self.secret).sign(key, at, body),
        }
        return self.ask("POST", self.web + path, body=body.encode(), headers=headers)

    def as_twilio(self, path: str, form: dict[str, str]) -> int:
        """Post as the provider does, once; the status of the answer."""
        settings = self.h.parts.settings
        form = {"AccountSid": settings.twilio_account_sid, **form}
        validator = RequestValidator(settings.twilio_auth_token.get_secret_value())
        headers = {"X-Twilio-Signature": validator.compute_signature(self.web + path, form)}
        return self.ask("POST", self.web + path, fields=form, encode_multipart=False, headers=headers).status

    def ask(self, method: str, url: str, **more: Any) -> urllib3.BaseHTTPResponse:
        """One request; raises urllib3's HTTPError where no answer comes."""
        return self._http.request(method, url, **more)

    def until_closed(self, held: AbstractContextManager[T]) -> T:
        """Enter `held`, which is left when the installation is closed."""
        return self._held.enter_context(held)

    def handed_over(self) -> dict[str, int]:
        return dict(counted(self.h.handed_over()))

    def open_ends(self) -> int:
        """Messages that are due or under way and not at the provider yet."""
        due = (messages.c.state == State.PLANNED) & (messages.c.due_at <= time.now())
        under_way = messages.c.state.in_((State.QUEUED, State.SENDING))
        with reading(self.h.parts.engine) as connection:
            return connection.execute(
                select(func.count()).select_from(messages).where(or_(due, under_way))
            ).scalar_one()

    def comes_to_rest(self, seconds: float = 40, still: float = 1.5) -> None:
        """Wait until nothing is open, then longer than a nudge's lease: what would be doubled has had its chance."""
        try:
            wait_until(lambda: self.open_ends() == 0, seconds)
        except AssertionError:
            rows = self.h.sql("SELECT state, reason, channel, count(*) FROM messages GROUP BY 1, 2, 3")
            raise AssertionError(f"left open: {rows}\n{self.log()}") from None
        real_time.sleep(still)
        assert self.open_ends() == 0

    def supervised(self, seconds: float = 60) -> None:
        """Wait until nothing is open, starting again whatever ended by itself, as a supervisor does."""

        def at_rest() -> bool:
            for process in [one for one in self.running if one.returncode not in (None, -signal.SIGKILL)]:
                self.running.remove(process)
                self.start(*process.arguments)
            return self.open_ends() == 0

        wait_until(at_rest, seconds)

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text("utf-8", "replace")[-4000:] if path.exists() else ""

    def _answers(self) -> bool:
        try:
            return bool(self._http.request("GET", f"{self.web}/healthz", timeout=1.0).status == 200)
        except urllib3.exceptions.HTTPError:
            return False

    def close(self) -> None:
        for process in self.running:
            process.kill()
        self._held.close()
        self._http.clear()


@contextmanager
def installed(
    database_url: str, redis_url: str, folder: Path, delays: Delays | None = None, **more: Any
) -> Iterator[Installation]:
    """An installation whose processes are yet to be started; all of them are gone afterwards."""
    port = free_port()
    web = f"http://127.0.0.1:{port}"
    values = {**QUICK, "AFTERCARE_PUBLIC_URL": web, "AFTERCARE_PORT": port, **more}
    config = Config(callback_base=web, delays=delays or Delays(sent=0, delivered=0.02, event_batch=0, retry=0.1))
    with house(database_url, redis_url, folder, config=config, **values) as h:
        secret = h.run(lambda c: clinics.new_webhook_secret(c, h.parts.sending.vault, h.clinic.id, time.now()))
        made = Installation(h, environment(h), folder, web, secret)
        try:
            yield made
        finally:
            made.close()


def environment(h: House) -> dict[str, str]:
    """The house's settings as the environment of a process."""
    env = {"PYTHONUNBUFFERED": "1"}
    for name, info in type(h.parts.settings).model_fields.items():
        value = getattr(h.parts.settings, name)
        if value is not None and info.alias:
            env[info.alias] = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    return env
