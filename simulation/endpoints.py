"""Clinics' own systems, which webhooks are posted to, and the wire that leads there.

`SimulatedSession` stands for `aiohttp.ClientSession`; all that `WebhookPoster` makes of it is real.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import aiohttp
from standardwebhooks import Webhook, WebhookVerificationError

from service.parts import Parts
from service.records.hooks import Type
from simulation.loop import VirtualLoop, give
from simulation.scheduler import SECOND, Scheduler
from simulation.story import Story
from simulation.weather import Weather
from workers.hooks import TOTAL_SECONDS, WebhookPoster

_QUIET_TYPES = tuple(kind for kind in Type if kind is not Type.MESSAGE)
_FAULTS = ("refused", "lost", "answer lost", "cut", "late", "slow", "500", "503", "429")
_DOWN = ("refused", "lost", "500", "503")


@dataclass
class Reply:
    """What `WebhookPoster` reads of an answer."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> Reply:
        return self

    async def read(self, _: int) -> bytes:
        return b""

    def at_eof(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Got:
    """A post that arrived."""

    micros: int
    event: int
    body: bytes
    took: bool
    """The system stored it: it will answer 2xx, whether that is heard or not."""


@dataclass
class Endpoint:
    """The system of one clinic."""

    clinic: int
    row: int
    url: str
    secret: str
    types: str | tuple[str, ...]
    got: list[Got] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """What a receiver has to complain of."""
    down_until: int = 0
    down_how: str = ""
    _bodies: dict[int, bytes] = field(default_factory=dict)

    def wants(self, kind: str) -> bool:
        return self.types == "*" or kind in self.types

    def receive(self, micros: int, body: bytes, headers: Mapping[str, str], answer: Reply) -> Reply:
        """What it answers: what it was drawn to, if the signature holds."""
        try:
            Webhook(self.secret).verify(body, dict(headers), json_parse=False)
        except WebhookVerificationError as error:
            if "timestamp" not in str(error):  # a worker stood still between signing and posting
                self.wrong.append(f"{headers.get('webhook-id')} does not verify: {error}")
            return Reply(401)
        event = int(headers["webhook-id"].removeprefix("evt_"))
        if self._bodies.setdefault(event, body) != body:
            self.wrong.append(f"evt_{event} came again with another body")
        self.got.append(Got(micros, event, body, answer.status < 300))
        return answer


@dataclass
class Endpoints:
    """All of them."""

    scheduler: Scheduler
    dice: Random
    story: Story
    weather: Weather = field(default_factory=Weather)
    by_url: dict[str, Endpoint] = field(default_factory=dict)

    def draw_types(self) -> str | tuple[str, ...]:
        """What a new one hears of: of every move of a message in some runs, since that is most of the work."""
        return "*" if self.dice.random() < 0.4 else _QUIET_TYPES

    def go_down(self, seconds: float) -> None:
        """One of them is away."""
        if self.by_url:
            one = self.dice.choice(list(self.by_url.values()))
            one.down_until = self.scheduler.micros + int(seconds * SECOND)
            one.down_how = self.dice.choice(_DOWN)

    def calm_down(self) -> None:
        for one in self.by_url.values():
            one.down_until = 0

    def fate(self, endpoint: Endpoint) -> str:
        """Drawn for each post."""
        if self.scheduler.micros < endpoint.down_until:
            kind = endpoint.down_how
        elif self.dice.random() < self.weather.endpoint:
            kind = self.dice.choice(_FAULTS)
        else:
            return "taken"
        self.story.tell("endpoint", endpoint.url, kind)
        return kind


@dataclass
class _Exchange:
    """One post under way."""

    endpoints: Endpoints
    url: str
    body: bytes
    headers: Mapping[str, str]

    async def __aenter__(self) -> Reply:
        dice, scheduler = self.endpoints.dice, self.endpoints.scheduler
        endpoint = self.endpoints.by_url[self.url]
        kind = self.endpoints.fate(endpoint)
        await asyncio.sleep(0.05 * dice.random())
        if kind == "refused":
            raise ConnectionRefusedError
        loop = asyncio.get_running_loop()
        coming: asyncio.Future[Reply] = loop.create_future()
        there = 0.1 * dice.random()
        match kind:
            case "late":
                there = TOTAL_SECONDS * (1 + dice.random())
            case "slow":
                there = TOTAL_SECONDS * 0.9 * dice.random()
        answer = _answer(kind, dice)

        def at_endpoint() -> None:
            given = endpoint.receive(scheduler.micros, self.body, self.headers, answer)
            if kind != "answer lost":
                scheduler.after(0.1, lambda: give(loop, coming, given))

        if kind != "lost":
            scheduler.after(there, at_endpoint)
        done, _ = await asyncio.wait([coming], timeout=TOTAL_SECONDS)
        if not done:
            raise TimeoutError
        if kind == "cut":
            raise aiohttp.ServerDisconnectedError
        return coming.result()

    async def __aexit__(self, *_: object) -> None:
        """There is no connection."""


def _answer(kind: str, dice: Random) -> Reply:
    if kind == "500":
        return Reply(500)
    if kind in ("503", "429"):
        asked = dice.choice((None, "20", "600"))
        return Reply(int(kind), {} if asked is None else {"Retry-After": asked})
    return Reply(204)


@dataclass
class SimulatedSession:
    """What `WebhookPoster` asks of its session."""

    endpoints: Endpoints

    def post(self, url: str, *, data: bytes, headers: Mapping[str, str], **_: Any) -> _Exchange:
        return _Exchange(self.endpoints, url, data, headers)

    async def close(self) -> None:
        """There are no connections."""


class SimulatedPoster(WebhookPoster):
    """The real one, over a wire that is made up."""

    def __init__(self, parts: Parts, endpoints: Endpoints) -> None:
        super().__init__(parts)
        self._endpoints = endpoints

    def _open_session(self) -> aiohttp.ClientSession:
        return SimulatedSession(self._endpoints)  # type: ignore[return-value]

    @property
    def loop(self) -> VirtualLoop:
        """To be left when the process dies, with what is under way."""
        assert isinstance(self._loop, VirtualLoop)
        return self._loop
