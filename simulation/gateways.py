"""The workers' doors to the provider: the real hand-over and the real breaker, over a wire that is made up.

`SimulatedCourier` stands for `workers.gateways.courier.Courier`, `SimulatedSms` and `SimulatedMail` for the gateways
with their SDKs and sockets. What those promise is kept here to the letter: a deadline is asked right before the first
byte, a 4xx proves that nothing was taken, no answer proves nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Generic, TypeVar

from service import time
from service.care.lifecycle import TWILIO_STATUS, Channel
from simulation.loop import VirtualLoop, give
from simulation.provider import Answer, Provider, Taken
from simulation.scheduler import Process, Scheduler
from simulation.story import Story
from simulation.weather import Weather
from workers.gateways.breaker import Breaker
from workers.gateways.courier import Gateway, hand_over
from workers.gateways.handover import EmailParcel, Found, Outcome, Recognised, Sighting, SmsParcel, Unsent, Verdict
from workers.gateways.refusals import outcome_of_refusal

P = TypeVar("P", SmsParcel, EmailParcel)
_SKEW = timedelta(minutes=2)
LATEST_ARRIVAL = 22.0
"""Seconds after it was written at which a request may still arrive. With the lag of the provider's list this stays
under what `AFTERCARE_SETTLE_SECONDS` (60) allows for; what is beyond it, nobody can prove."""


class SimulatedCourier(Generic[P]):
    """Hands batches over from an actor of the worker's own process: what was a thread dies with its process."""

    def __init__(self, scheduler: Scheduler, process: Process, gateway: Gateway[P]) -> None:
        self.breaker = Breaker()
        self._scheduler = scheduler
        self._process = process
        self._gateway: Gateway[P] = gateway

    def submit(self, parcels: Sequence[P], *, deadline: float | None = None) -> Future[list[Verdict]]:
        answers: Future[list[Verdict]] = Future()

        def work() -> None:
            with VirtualLoop(self._scheduler) as loop:
                batch = hand_over(self._gateway, parcels, deadline=deadline, breaker=self.breaker)
                answers.set_result(loop.run_until_complete(batch))

        self._scheduler.spawn(f"{self._process.name} courier", work, self._process)
        return answers

    def close(self, seconds: float = 30.0) -> None:
        """Nothing outlives its process here."""


@dataclass(slots=True)
class _Fate:
    """What becomes of one request."""

    connects: float = 0.02
    refused: bool = False
    there: float | None = 0.03
    """Seconds to the provider; None: it never arrives."""
    back: float | None = 0.03
    """Seconds of the answer; None: it is lost."""
    instead: Answer | None = None
    """Answered without being looked at."""
    spoiled: Answer | None = None
    """Taken, and then answered so."""


@dataclass
class Wire:
    """The network between a worker and the provider."""

    scheduler: Scheduler
    provider: Provider
    dice: Random
    story: Story
    timeout: float
    weather: Weather

    def fate(self, channel: Channel) -> _Fate:
        """Drawn for each request."""
        dice = self.dice
        fate = _Fate(0.02 * dice.random(), False, 0.1 * dice.random(), 0.1 * dice.random())
        if self.provider.is_down(channel):
            kind = self.provider.down_how
        elif dice.random() < self.weather.hand_over:
            kind = dice.choice(("refused", "lost", "answer lost", "late", "slow", "503", "503 taken", "429", "408"))
        else:
            return fate
        self.story.tell("wire", channel.value, kind)
        match kind:
            case "refused":
                fate.refused = True
            case "lost":
                fate.there = None
            case "answer lost":
                fate.back = None
            case "late":
                fate.there = self.timeout + (LATEST_ARRIVAL - self.timeout) * dice.random()
            case "slow":
                fate.there = self.timeout * dice.random()
            case "503":
                fate.instead = Answer(503)
            case "503 taken":
                fate.spoiled = Answer(503)
            case "429":
                code = dice.choice(("20429", None, "30022", "21611"))
                fate.instead = Answer(429, code, retry_after=dice.choice((None, 1.0, 30.0)))
            case "408":
                fate.instead = Answer(408)
        return fate

    async def exchange(
        self, channel: Channel, deadline: float | None, arrive: Callable[[], Answer]
    ) -> Answer | Unsent | None:
        """One request: the answer, why nothing was written, or None when no answer came."""
        fate = self.fate(channel)
        await asyncio.sleep(fate.connects)
        if fate.refused:
            return Unsent.CONNECT
        if deadline is not None and time.monotonic() >= deadline:
            return Unsent.DEADLINE
        loop = asyncio.get_running_loop()
        coming: asyncio.Future[Answer] = loop.create_future()

        def at_provider() -> None:
            answer = fate.instead or arrive()
            if answer.status < 300 and fate.spoiled is not None:
                answer = fate.spoiled
            if fate.back is not None:
                self.scheduler.after(fate.back, lambda: give(loop, coming, answer))

        if fate.there is not None:
            self.scheduler.after(fate.there, at_provider)
        patience = self.timeout if self.dice.random() < 0.7 else self.timeout * self.dice.random()  # or it is cut off
        done, _ = await asyncio.wait([coming], timeout=patience)
        return coming.result() if done else None


def _verdict(token: str, answer: Answer | Unsent | None) -> Verdict:
    if answer is None:
        return Verdict(token, Outcome.AMBIGUOUS, code="timeout")
    if isinstance(answer, Unsent):
        return Verdict(token, Outcome.NOT_SENT, code=answer)
    if answer.status < 300:
        return Verdict(token, Outcome.ACCEPTED, provider_id=answer.id)
    code = answer.code or str(answer.status)
    return Verdict(token, outcome_of_refusal(answer.status, code), code=code, retry_after=answer.retry_after)


class SimulatedSms:
    """Implements `SmsGateway`."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def send(self, parcel: SmsParcel, *, deadline: float | None = None) -> Verdict:
        arrive = self._wire.provider.take_text
        return _verdict(parcel.token, await self._wire.exchange(Channel.SMS, deadline, lambda: arrive(parcel)))

    async def find(self, to: str, is_it: Recognised, since: datetime, until: datetime) -> Found:
        """ABSENT only when the whole list was read and it is not there."""
        if not await self._reads():
            return Found(Sighting.UNPROVABLE)
        could_be_it = False
        for one in self._wire.provider.listed(to):
            if since - _SKEW <= one.created <= until + _SKEW:
                seen = is_it(one.id, one.body)
                if seen is Sighting.PRESENT:
                    return _found(one)
                could_be_it = could_be_it or seen is Sighting.UNPROVABLE
        return Found(Sighting.UNPROVABLE if could_be_it else Sighting.ABSENT)

    async def status(self, provider_id: str) -> Found:
        if not await self._reads():
            return Found(Sighting.UNPROVABLE)
        one = self._wire.provider.fetch(provider_id)
        return Found(Sighting.ABSENT, provider_id) if one is None else _found(one)

    async def close(self) -> None:
        """There are no connections."""

    async def _reads(self) -> bool:
        wire = self._wire
        await asyncio.sleep(0.2 * wire.dice.random())
        failed = wire.provider.is_down(Channel.SMS) or wire.dice.random() < wire.weather.look_up
        if failed:
            wire.story.tell("wire", "look-up", "failed")
        return not failed


class SimulatedMail:
    """Implements `EmailGateway`."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def send(self, parcel: EmailParcel, *, deadline: float | None = None) -> Verdict:
        arrive = self._wire.provider.take_mail
        return _verdict(parcel.token, await self._wire.exchange(Channel.EMAIL, deadline, lambda: arrive(parcel)))

    async def close(self) -> None:
        """There are no connections."""


def _found(one: Taken) -> Found:
    return Found(Sighting.PRESENT, one.id, TWILIO_STATUS.get(one.status), one.code)
