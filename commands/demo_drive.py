"""Who plays in the demonstration, and the hand that moves time."""

from __future__ import annotations

import json
import re
import time as real_time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import urllib3
from sqlalchemy import text
from standardwebhooks import Webhook

from service import time
from service.parts import Parts
from service.records.database import Moment, reading

_ZONES = ("America/New_York", "America/Denver", "America/Los_Angeles", "America/Phoenix", "Pacific/Honolulu")
_SITES = ("knee", "shoulder", "lower_back", "neck", "rib")
_STOP_AFTER = timedelta(days=4)
_LONGEST_WAIT = 60.0
CLINICIAN = "+12025550199"
_LINK = re.compile(r"http://[^ ]+/s/[0-9A-Za-z]+")
_FIELD = re.compile(r'<input type="(radio|checkbox)" name="([^"]+)" value="([^"]+)"')
_WORRY = "fever"


@dataclass(frozen=True)
class Patient:
    """One patient of the demonstration."""

    number: int
    given_name: str
    phone: str
    email: str
    timezone: str
    locale: str
    site: str
    ended_at: datetime
    stops: bool = False
    """Types STOP four days in."""
    answers: bool = False
    """Fills in every survey as soon as its link comes."""
    worries: bool = False
    """Ticks a warning sign on day 3."""

    @property
    def id(self) -> str:
        return f"patient-{self.number}"

    @property
    def session(self) -> str:
        return f"session-{self.number}"

    @classmethod
    def ana(cls, now: datetime) -> Patient:
        """The one whose phone is on the screen."""
        return cls(1, "Ana", "+12025550123", "ana@patient.example", _ZONES[0], "en", "knee", now - timedelta(minutes=5))


def cast_of(number: int, now: datetime) -> list[Patient]:
    """So many patients, over several languages, zones, sites and times of day.

    Of three, one is silent, one answers (the first of these has a warning sign to tell), and one types STOP.
    """
    return [
        Patient(
            number=place,
            given_name=f"Pat{place}",
            phone=f"+1{202 + place // 10_000}555{place % 10_000:04d}",
            email=f"pat{place}@patient.example",
            timezone=_ZONES[place % len(_ZONES)],
            locale="es" if place % 2 else "en",
            site=_SITES[place % len(_SITES)],
            ended_at=now - timedelta(minutes=5 + 10 * (place % 20)),
            stops=place % 3 == 2,
            answers=place % 3 == 1,
            worries=place == 1,
        )
        for place in range(number)
    ]


class Driver:
    """Posts events as a clinic does, types on phones, and moves time on when nothing is in flight."""

    def __init__(self, web: str, sandbox: str, parts: Parts, secret: str, say: Callable[[str], None]) -> None:
        self._web = web
        self._sandbox = sandbox
        self._parts = parts
        self._secret = secret
        self._say = say
        self._http = urllib3.PoolManager(retries=False, timeout=30.0)
        self._read = 0

    def play(self, cast: Sequence[Patient]) -> None:
        """The whole course of every patient, at the greatest speed."""
        for patient in cast:
            self.post_session(patient)
        self._say(f"{len(cast)} sessions posted; time begins to run.")
        begun = time.now()
        stopping = [patient for patient in cast if patient.stops]
        told = begun
        while (due := self._settle()) is not None:
            if self._answer(cast):
                continue
            if stopping and due > begun + _STOP_AFTER:
                for patient in stopping:
                    self._type(patient.phone, "STOP")
                stopping = []
                continue
            if due - told > timedelta(days=7):
                told = due
                self._say(f"  {due:%d %b}: {len(self.ledger())} messages handed over")
            time.jump_to(due)
            self._parts.nudges.wake_clock()

    def post_session(self, patient: Patient) -> dict[str, Any]:
        """A signed session.completed, over HTTP. Raises RuntimeError when the service refuses it."""
        given = {"at": patient.ended_at.isoformat(), "wording": "I agree to care texts and e-mails.", "source": "form"}
        body = json.dumps(
            {
                "type": "session.completed",
                "data": {
                    "session": {
                        "id": patient.session,
                        "ended_at": patient.ended_at.isoformat(),
                        "site": patient.site,
                        "baseline": {"pain": 6, "peg": [6, 5, 5], "activity": "climb stairs", "activity_score": 4},
                    },
                    "patient": {
                        "id": patient.id,
                        "given_name": patient.given_name,
                        "phone": patient.phone,
                        "email": patient.email,
                        "timezone": patient.timezone,
                        "locale": patient.locale,
                        "consent": {"sms": given, "email": given},
                    },
                },
            }
        )
        name, at = f"demo-{patient.number}", datetime.now(UTC)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": name,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(self._secret).sign(name, at, body),
        }
        answer = self._http.request("POST", f"{self._web}/v1/events", body=body.encode(), headers=headers)
        if answer.status != 202:
            raise RuntimeError(f"the event was answered {answer.status}: {answer.data.decode()}")
        told: dict[str, Any] = json.loads(answer.data)
        return told

    def ledger(self, after: int = 0) -> list[dict[str, Any]]:
        """What the stand-in providers took, in order, behind the entry `after`."""
        answer = self._http.request("GET", f"{self._sandbox}/__sandbox/ledger?after={after}")
        entries: list[dict[str, Any]] = json.loads(answer.data)["entries"]
        return entries

    def narrate(self) -> None:
        """Say what happens to the messages, for as long as the demonstration runs."""
        known: dict[int, tuple[str, str]] = {}
        while True:
            with reading(self._parts.engine) as connection:
                rows = connection.execute(
                    text("SELECT id, step, channel, state, reason FROM messages ORDER BY due_at, id")
                ).all()
            for row in rows:
                before = known.get(row.id)
                known[row.id] = (row.state, row.reason)
                if before is not None and before[0] != row.state and row.state not in ("queued", "sending", "accepted"):
                    self._say(
                        f"  {time.now():%a %d %b %H:%M} UTC  {row.step:<18} {row.channel:<5} {row.state} ({row.reason})"
                    )
            real_time.sleep(0.5)

    def _answer(self, cast: Sequence[Patient]) -> bool:
        """Fill in the surveys that came since the last look, and take on alerts; True when anything was done."""
        fresh = self.ledger(self._read)
        self._read = max([self._read, *(entry["seq"] for entry in fresh)])
        answering = {patient.phone: patient for patient in cast if patient.answers}
        done = False
        for entry in fresh:
            if entry["to"] == CLINICIAN and "ACK" in entry["body"]:
                self._type(CLINICIAN, "ACK")
                done = True
            elif entry["to"] in answering and (link := _LINK.search(entry["body"])):
                done = self._fill_in(link.group(), answering[entry["to"]]) or done
        return done

    def _fill_in(self, link: str, patient: Patient) -> bool:
        """Send one survey; False where the link opens none. Raises RuntimeError when the page does not take it."""
        page = self._http.request("GET", link).data.decode()
        fields = _FIELD.findall(page)
        if not fields:
            return False
        chosen: dict[str, str] = {}
        for kind, name, value in fields:
            if kind == "radio" and name not in chosen:
                chosen[name] = "2" if value == "0" else value
            elif kind == "checkbox" and (value == "none" or (patient.worries and value == _WORRY)):
                chosen[name] = _WORRY if chosen.get(name) == _WORRY else value
        answer = self._http.request("POST", link, fields=chosen, encode_multipart=False, redirect=False)
        if answer.status not in (200, 303):
            raise RuntimeError(f"the survey page answered {answer.status}")
        return True

    def _type(self, phone: str, words: str) -> None:
        body = json.dumps({"from": phone, "body": words}).encode()
        self._http.request(
            "POST", f"{self._sandbox}/__sandbox/reply", body=body, headers={"Content-Type": "application/json"}
        )

    def _settle(self) -> datetime | None:
        """Wait until nothing is in flight; when the next message is due, or None when none is planned any more."""
        deadline = real_time.monotonic() + _LONGEST_WAIT
        still = 0
        while real_time.monotonic() < deadline:
            busy, due = self._look()
            still = 0 if busy else still + 1
            # Two looks in a row: a webhook may be on its way between the sandbox and us at the first.
            if still >= 2:
                return due
            real_time.sleep(0.004)
        raise RuntimeError("something stays in flight: " + self._in_flight())

    def _look(self) -> tuple[bool, datetime | None]:
        pending = json.loads(self._http.request("GET", f"{self._sandbox}/__sandbox/pending").data)["pending"]
        now = time.now()
        with reading(self._parts.engine) as connection:
            going = connection.execute(
                text("SELECT 1 FROM messages WHERE state IN ('queued', 'sending', 'accepted', 'sent') LIMIT 1")
            ).first()
            unread = connection.execute(text("SELECT 1 FROM replies WHERE handled_at IS NULL LIMIT 1")).first()
            first = connection.execute(
                text("SELECT MIN(due_at) AS due FROM messages WHERE state = 'planned'").columns(due=Moment)
            ).scalar_one()
        busy = bool(pending or going or unread or (first is not None and first <= now))
        return busy, first

    def _in_flight(self) -> str:
        with reading(self._parts.engine) as connection:
            rows = connection.execute(
                text("SELECT step, channel, state, reason FROM messages WHERE state IN "
                     "('queued', 'sending', 'accepted', 'sent') LIMIT 5")
            ).all()  # fmt: skip
        return "; ".join(f"{row.step} {row.channel} {row.state} {row.reason}" for row in rows) or "a webhook or a reply"
