"""What the web server may say while something it depends on is away."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field

import urllib3

from tests.promises.installation import Installation


@dataclass
class Visitor:
    """Asks for everything again and again, as clinics, providers, patients and load balancers do."""

    place: Installation
    taken: list[int] = field(default_factory=list)
    """The events that were answered 202."""
    refused: list[int] = field(default_factory=list)
    """The events that were answered 503: to be sent again."""
    waited: list[float] = field(default_factory=list)
    """The seconds that each event took."""
    away: set[str] = field(default_factory=set)
    """Which parts `/readyz` has said are away."""
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(100))

    def calls(self) -> None:
        """One round."""
        self._probes()
        self._posts_rubbish()
        number = next(self._numbers)
        begun = time.monotonic()
        answer = self.place.post(number)
        self.waited.append(time.monotonic() - begun)
        assert answer.status == 202 or _is_honest(answer), (answer.status, answer.data)
        (self.taken if answer.status == 202 else self.refused).append(number)

    def sends_again(self) -> None:
        """What was refused, under the same ids: now it is taken."""
        for number in self.refused:
            answer = self.place.post(number)
            assert answer.status == 202, answer.data
        self.taken += self.refused
        self.refused.clear()

    def _probes(self) -> None:
        assert self.place.ask("GET", f"{self.place.web}/healthz").status == 200
        answer = self.place.ask("GET", f"{self.place.web}/readyz")
        assert answer.status in (200, 503)
        if answer.status == 503:
            self.away |= {error["pointer"].strip("/") for error in answer.json()["errors"]}

    def _posts_rubbish(self) -> None:
        """P10: bad input gets its 4xx, also now; where only the records could tell, 503."""
        web = self.place.web
        assert self.place.ask("POST", f"{web}/v1/events", body=b"{}").status in (401, 415)
        assert self.place.ask("POST", f"{web}/twilio/inbound", body=b"").status == 403
        assert self.place.ask("POST", f"{web}/sendgrid/events", body=b"").status == 401
        for answer in (
            self.place.signed("/v1/events", "{", "rubbish-1"),
            self.place.signed("/v1/events", '{"type": "session.completed"}', "rubbish-2"),
            self.place.ask("GET", f"{web}/s/nobodys-link"),
            self.place.ask("GET", f"{web}/v1/replies", headers={"Authorization": "Bearer nobodys"}),
        ):
            assert 400 <= answer.status < 500 or _is_honest(answer), (answer.status, answer.data)


def _is_honest(answer: urllib3.BaseHTTPResponse) -> bool:
    """Whether it says in so many words that it is not the caller's fault, and when to come again."""
    return (
        answer.status == 503
        and answer.headers["Content-Type"] == "application/problem+json"
        and int(answer.headers["Retry-After"]) > 0
        and answer.json()["type"].endswith("try_again")
    )
