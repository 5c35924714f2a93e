"""Clinics that post sessions, and patients who answer, write, worry, stop and start again, by a seed."""

from __future__ import annotations

import heapq
import itertools
import json
import random
import re
import time as real_time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import urllib3
from sqlalchemy import Connection
from standardwebhooks import Webhook

from sandbox.ledger import Entry
from service import time
from service.records import clinics, contacts, protocols
from tests.house import PROTOCOL, House, completed

_CLINICS = (
    ("Bayview", "America/Los_Angeles"), ("Aloha", "Pacific/Honolulu"), ("Prado", "Europe/Madrid"),
)  # fmt: skip
_SITES = ("knee", "shoulder", "lower_back", "neck", "rib")
_MEASURED = {"pain": 6, "peg": [6, 5, 5], "activity": "climb stairs", "activity_score": 4}
_WORDS = ("thank you", "a bit sore but fine", "gracias", "who is this?", "7", "can I go running?", "ok", "👍", "HELP")
_WORRIES = ("I have a high fever and chills", "my chest hurts and I cannot breathe", "tengo fiebre alta")
_LINK = re.compile(r"http://[^ ]+/s/[0-9A-Za-z_-]+")
_FIELD = re.compile(r'<input type="(radio|checkbox)" name="([^"]+)" value="([^"]+)"')


class Nature(StrEnum):
    """How a patient takes it."""

    SILENT = "silent"
    ANSWERS = "answers"
    WRITES = "writes"
    STOPS = "stops"
    WORRIES = "worries"


_SHARES = {Nature.SILENT: 35, Nature.ANSWERS: 35, Nature.WRITES: 15, Nature.STOPS: 12, Nature.WORRIES: 3}


@dataclass(frozen=True)
class _Clinic:
    id: int
    secret: str
    contact: str


@dataclass
class _Patient:
    number: int
    clinic: _Clinic
    nature: Nature
    phone: str
    texts: int = 0


@dataclass
class Told:
    """What the town counted."""

    posted: int = 0
    repeated: int = 0
    refused: int = 0
    """Answers that were no 2xx, and lost connections: all were sent again."""
    answered: int = 0
    written: int = 0
    stops: int = 0
    starts: int = 0
    different: list[str] = field(default_factory=list)
    """Repeats that did not get the first answer."""


class Town:
    """Acts a little each time it is asked to."""

    def __init__(self, h: House, web: str, seed: int, sessions_a_minute: float) -> None:
        self._h = h
        self._web = web
        self._dice = random.Random(seed)
        self._every = 60 / sessions_a_minute
        self._http = urllib3.PoolManager(retries=False, timeout=10.0)
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._read = 0
        self._by_phone: dict[str, _Patient] = {}
        self.told = Told()
        self.accepted: dict[str, int] = {}
        """Clinic by session, of every event that was answered with a 2xx."""
        self._clinics = [self._open(*one) for one in ((None, ""), *_CLINICS)]
        self._numbers = itertools.count()
        self.open = True
        self._in(0, self._new_patient)

    def act(self) -> None:
        """Do what is due."""
        for entry in self._h.sandbox.entries(self._read):
            self._read = entry.seq
            self._gets(entry)
        for _ in range(20):
            if not self._agenda or self._agenda[0][0] > real_time.monotonic():
                break
            heapq.heappop(self._agenda)[2]()

    def close(self) -> None:
        """No more sessions; what patients have begun they still do."""
        self.open = False

    # the clinics

    def _open(self, name: str | None, timezone: str) -> _Clinic:
        vault = self._h.parts.sending.vault
        contact = f"+1312444{len(self._by_phone) + self._dice.randrange(1000):04d}"

        def work(connection: Connection) -> _Clinic:
            now = time.now()
            if name is None:
                clinic_id = self._h.clinic.id
            else:
                fields = {"name": name, "display_name": name, "phone": "202-555-0100", "timezone": timezone}
                clinic_id = clinics.add(connection, fields, now).id
                version = protocols.add(connection, clinic_id, PROTOCOL, now)
                protocols.approve(connection, version.id, "Dr Test", now)
            contacts.add(connection, vault, clinic_id, "Dr. Rivera", contact, None, now, on_call=True)
            return _Clinic(clinic_id, clinics.new_webhook_secret(connection, vault, clinic_id, now), contact)

        made: _Clinic = self._h.run(work)
        return made

    def _new_patient(self) -> None:
        if not self.open:
            return
        self._in(self._dice.expovariate(1 / self._every), self._new_patient)
        number = next(self._numbers)
        nature = self._dice.choices(list(_SHARES), list(_SHARES.values()))[0]
        clinic = self._dice.choice(self._clinics)
        patient = _Patient(number, clinic, nature, f"+1{312 + number // 10_000}555{number % 10_000:04d}")
        self._by_phone[patient.phone] = patient
        self._session(patient, 1)
        if self._dice.random() < 0.2:
            self._in(self._days(3), lambda: self._session(patient, 2))

    def _session(self, patient: _Patient, number: int) -> None:
        data = completed(
            session=f"s-{patient.number}-{number}",
            patient=f"p-{patient.number}",
            phone=patient.phone,
            email=f"p{patient.number}@example.net" if patient.number % 2 else None,
            locale=("en", "es")[patient.number % 3 == 0],
            site=_SITES[patient.number % len(_SITES)],
            # Many are told of late, so that every step of the twelve weeks comes due.
            ended_at=time.now() - timedelta(minutes=5, days=self._dice.choice((0, 0, self._dice.uniform(0, 70)))),
            baseline=_MEASURED if patient.number % 4 else None,
        )
        if data["session"]["baseline"] is None:
            del data["session"]["baseline"]
        body = json.dumps({"type": "session.completed", "data": data})
        self._post(patient.clinic, body, f"e-{patient.number}-{number}", data["session"]["id"], None)

    def _post(self, clinic: _Clinic, body: str, key: str, session: str, first: bytes | None) -> None:
        """Post until there is a 2xx, as a clinic's system should; now and then once more."""
        at = datetime.now(UTC)
        headers = {"Content-Type": "application/json", "webhook-id": key, "webhook-timestamp": str(int(at.timestamp())),
                   "webhook-signature": Webhook(clinic.secret).sign(key, at, body)}  # fmt: skip
        answer = self._ask("POST", f"{self._web}/v1/events", body=body.encode(), headers=headers)
        if answer is None or answer.status != 202:
            self.told.refused += 1
            self._in(1.0, lambda: self._post(clinic, body, key, session, first))
            return
        self.told.posted += first is None
        self.told.repeated += first is not None
        self.accepted[session] = clinic.id
        if first is not None and answer.data != first:
            self.told.different.append(session)
        if first is None and self._dice.random() < 0.1:
            self._in(self._dice.uniform(0, 20), lambda: self._post(clinic, body, key, session, answer.data))

    # the patients

    def _gets(self, entry: Entry) -> None:
        patient = self._by_phone.get(entry.to)
        if patient is None:
            if "ACK" in entry.body:  # a clinician's phone
                self._in(self._dice.uniform(0.3, 2), lambda: self._writes(entry.to, "ACK"))
            return
        patient.texts += 1
        wait = self._dice.uniform(0.2, 10)
        match patient.nature:
            case Nature.ANSWERS if (link := _LINK.search(entry.body)) is not None:
                self._in(wait, lambda: self._answers(link.group(), 5))
            case Nature.WRITES if self._dice.random() < 0.4:
                self._in(wait, lambda: self._writes(entry.to, self._dice.choice(_WORDS)))
            case Nature.WORRIES if patient.texts == 3:
                self._in(wait, lambda: self._writes(entry.to, self._dice.choice(_WORRIES)))
            case Nature.STOPS if patient.texts == 3:
                self._in(wait, lambda: self._stops(patient))

    def _stops(self, patient: _Patient) -> None:
        self.told.stops += 1
        self._writes(patient.phone, self._dice.choice(("STOP", "please stop texting me", "Alto")))
        if self._dice.random() < 0.4:
            self._in(self._days(1), lambda: self._starts(patient))

    def _starts(self, patient: _Patient) -> None:
        self.told.starts += 1
        self._writes(patient.phone, "START")

    def _writes(self, phone: str, words: str) -> None:
        self.told.written += 1
        self._h.sandbox.reply(phone, words)

    def _answers(self, link: str, tries: int) -> None:
        page = self._ask("GET", link)
        again = page is None or page.status == 503
        if page is not None and page.status == 200:
            fields = reversed(_FIELD.findall(page.data.decode()))
            chosen = {name: value for kind, name, value in fields if kind == "radio" or value == "none"}
            if not chosen:
                return  # the care plan, or answered already
            done = self._ask("POST", link, fields=chosen, encode_multipart=False, redirect=False)
            again = done is None or done.status == 503
            self.told.answered += not again
        if again and tries:
            self._in(2.0, lambda: self._answers(link, tries - 1))

    def _ask(self, method: str, url: str, **more: object) -> urllib3.BaseHTTPResponse | None:
        try:
            return self._http.request(method, url, **more)  # type: ignore[arg-type]
        except urllib3.exceptions.HTTPError:
            return None

    def _in(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (real_time.monotonic() + seconds, next(self._order), what))

    def _days(self, number: float) -> float:
        """Real seconds, give or take a half."""
        return time.real_seconds(timedelta(days=number)) * self._dice.uniform(0.5, 1.5)
