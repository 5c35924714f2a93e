"""The real Flask application, asked as clinics, providers and phones ask it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from twilio.request_validator import RequestValidator

from sandbox.signing import SigningKey
from service import time
from service.app import app_on, context_on
from service.context import Context
from service.parts import Parts
from service.settings import Settings
from simulation.history import History
from simulation.scheduler import Killed, Process, Scheduler
from simulation.story import Story


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: str
    commit: int
    """How many transactions had been committed when it did."""
    who: str
    """The actor that served it."""

    @property
    def is_yes(self) -> bool:
        return 200 <= self.status < 400


@dataclass(frozen=True, slots=True)
class Kept:
    """A 2xx, and the row that it promises is on record (P1)."""

    table: str
    column: str
    value: str
    answer: Answer
    micros: int


@dataclass
class Web:
    """The web processes, and how the world reaches them."""

    scheduler: Scheduler
    history: History
    story: Story
    dice: Random
    key: SigningKey
    app: Flask
    settings: Settings
    processes: list[Process] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    answers: dict[int, int] = field(default_factory=dict)
    _requests: int = 0

    def post(self, path: str, body: bytes, content_type: str, headers: Mapping[str, str]) -> Answer | None:
        """One POST; None when no answer comes back."""
        return self._ask("POST", path, body, {"Content-Type": content_type, **headers})

    def get(self, path: str) -> Answer | None:
        return self._ask("GET", path, b"", {})

    def post_form(self, path: str, fields: list[tuple[str, str]]) -> Answer | None:
        return self.post(path, urlencode(fields).encode(), "application/x-www-form-urlencoded", {})

    def post_json(self, path: str, body: Any, headers: Mapping[str, str]) -> Answer | None:
        return self.post(path, json.dumps(body).encode(), "application/json", headers)

    def as_twilio(self, target: str, form: Mapping[str, str], kept: tuple[str, str, str]) -> Answer | None:
        """A form signed like Twilio's; once more if the connection failed, never for an error status."""
        signature = RequestValidator(self.settings.twilio_auth_token.get_secret_value()).compute_signature(
            self.settings.public_url + target, form
        )
        body = urlencode(form).encode()
        for _ in range(2):
            answer = self.post(target, body, "application/x-www-form-urlencoded", {"X-Twilio-Signature": signature})
            if answer is not None:
                self._note(answer, *kept)
                return answer
            self.scheduler.sleep(1.0)
        return None

    def as_sendgrid(self, events: list[dict[str, Any]]) -> Answer | None:
        """Events, again and again with growing pauses until they are taken."""
        body = json.dumps(events).encode()
        # Repeats keep the timestamp, as SendGrid's do.
        headers = self.key.headers(str(int(time.real_now().timestamp())), body)
        for pause in (10.0, 60.0, 600.0, 3600.0, 7200.0, 7200.0, 14400.0):
            answer = self.post("/sendgrid/events", body, "application/json", headers)
            if answer is not None and answer.is_yes:
                for one in events:
                    self._note(answer, "receipts", "event_key", one["sg_event_id"])
                return answer
            self.scheduler.sleep(pause)
        return None

    def as_inbound_parse(self, body: bytes, boundary: str, key: str) -> Answer | None:
        """A mail, again and again until it is taken: the reply under `key`."""
        media_type = f"multipart/form-data; boundary={boundary}"
        for pause in (10.0, 60.0, 600.0, 3600.0, 7200.0, 7200.0, 14400.0):
            headers = self.key.headers(str(int(time.real_now().timestamp())), body)
            answer = self.post("/sendgrid/inbound", body, media_type, headers)
            if answer is not None and answer.is_yes:
                self._note(answer, "replies", "provider_key", key)
                return answer
            self.scheduler.sleep(pause)
        return None

    def as_clinic(self, api_key: str, kind: str, data: dict[str, Any], name: str, said_at: str | None) -> Answer | None:
        """An event, under one key until it is taken or refused for good."""
        body = {"type": kind, "data": data} | ({} if said_at is None else {"timestamp": said_at})
        headers = {"Authorization": f"Bearer {api_key}", "Idempotency-Key": name}
        pause = 1.0
        while True:
            answer = self.post_json("/v1/events", body, headers)
            if answer is not None and answer.status < 500:
                if answer.is_yes and kind != "patient.erased":
                    self._note(answer, "events", "key", name)
                return answer
            self.scheduler.sleep(pause)
            pause = min(pause * 2, 3600.0)

    def _note(self, answer: Answer, table: str, column: str, value: str) -> None:
        if answer.is_yes:
            self.kept.append(Kept(table, column, value, answer, self.scheduler.micros))

    def _ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer | None:
        alive = [one for one in self.processes if not one.dead]
        self.scheduler.pause("to the web")
        if not alive:
            return None
        self._requests += 1
        process = self.dice.choice(alive)
        if process.dead:
            return None
        name = f"{process.name} request {self._requests}"
        actor = self.scheduler.spawn(name, lambda: self._serve(method, path, body, headers, name), process)
        answer = self.scheduler.join(actor)
        if answer is Killed or not isinstance(answer, Answer):
            return None
        self.story.tell("http", method, path, answer.status)
        self.answers[answer.status] = self.answers.get(answer.status, 0) + 1
        return answer

    def _serve(self, method: str, path: str, body: bytes, headers: Mapping[str, str], name: str) -> Answer:
        answer = self.app.test_client().open(
            path, method=method, data=body, headers=dict(headers), environ_overrides={"RAW_URI": path}
        )
        return Answer(answer.status_code, answer.get_data(as_text=True), self.history.seq, name)


_made: list[Flask] = []
"""Made once a process: its views reach everything through the context, which each run brings along."""


def application(parts: Parts, scheduler: Scheduler) -> Flask:
    """The Flask application on these parts."""
    if not _made:
        _made.append(app_on(parts))
    _made[0].extensions["aftercare"] = _of_each_process(scheduler, lambda: context_on(parts))
    return _made[0]


def _of_each_process(scheduler: Scheduler, make: Callable[[], Context]) -> Context:
    """The context, of which each simulated process has its own where requests meet within one process."""
    made: dict[Process | None, Context] = {}

    def mine() -> Context:
        process = None if scheduler.current is None else scheduler.current.process
        if process not in made:
            made[process] = make()
        return made[process]

    return replace(
        make(),
        take_posted=lambda *asked: mine().take_posted(*asked),
        keep_receipts=lambda reported: mine().keep_receipts(reported),
        keep_reply=lambda incoming: mine().keep_reply(incoming),
    )
