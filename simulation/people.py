"""Patients, clinics and their staff: what they do by themselves, and how they react to what arrives."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import unescape
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from service.care.lifecycle import Channel
from simulation.mails_in import MailsIn
from simulation.provider import Provider, Taken
from simulation.scheduler import SECOND, Scheduler
from simulation.story import Story
from simulation.web import Answer, Web

HOUR, DAY = 3600.0, 86400.0
SITES = ("knee_left", "knee_right", "shoulder_left", "lower_back", "ankle_right")
RED_FLAGS = (
    "I can't catch my breath", "chest pain", "my lips are swollen", "I fainted in the shower", "throat is closing up",
    "cant breathe and i dont know what to do",
)  # fmt: skip
STOPS = ("STOP", "stop", "Unsubscribe", "please stop texting me", "STOP ALL", "No more texts please")
STARTS = ("START", "UNSTOP")
WORDS = ("thank you", "ok", "3", "7", "10", "HELP", "when can I run again?", "yes", "no", "feeling better", "👍", "0")
_TOKEN = re.compile(r"/([sau])/([A-Za-z0-9]+)")
_SEEN = re.compile(r'name="seen" value="(\d+)"')
_INPUT = re.compile(r'<input type="(radio|checkbox|text)"([^>]*)>')
_NAME, _VALUE = re.compile(r'name="([^"]*)"'), re.compile(r'value="([^"]*)"')
CONSENT = {"wording": "I agree to care texts.", "source": "form"}


@dataclass
class Clinic:
    """A clinic of the run."""

    number: int
    row: int
    zone: str
    key: str
    """Its API key."""
    staff: list[str]
    """Phones of its contacts."""
    staff_mail: list[str]
    owner: int
    """Who enters what is taken in."""


@dataclass
class Patient:
    """What the world knows of a patient."""

    number: int
    id: str
    name: str
    clinic: Clinic
    zone: str | None
    locale: str
    phone: str | None
    email: str | None
    diligence: float
    """The chance that a survey is answered."""
    secret: str
    """Words that only they use: wherever these turn up, health information has."""
    sessions: list[str] = field(default_factory=list)

    @property
    def local(self) -> ZoneInfo:
        return ZoneInfo(self.zone or self.clinic.zone)


@dataclass(frozen=True, slots=True)
class Said:
    """A text from a phone: the sid it was posted under, and what was meant."""

    sid: str
    phone: str
    body: str
    kind: str
    """stop, start, flag or words."""
    micros: int
    answered: bool
    """The service has answered 2xx."""


@dataclass(frozen=True, slots=True)
class Flagged:
    """A red flag that the service has taken: in a reply (its sid) or in a survey (the actor that served it)."""

    how: str
    what: str
    micros: int


@dataclass
class People:
    """Everybody, and what they have said so far."""

    scheduler: Scheduler
    web: Web
    provider: Provider
    dice: Random
    story: Story
    sender: str
    mails_in: MailsIn
    patients: list[Patient] = field(default_factory=list)
    clinics: list[Clinic] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    flagged: list[Flagged] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    """The actors that thanked for a whole survey."""
    cancelled: dict[str, Answer] = field(default_factory=dict)
    """By session: the yes to its cancellation."""
    erased: dict[str, Answer] = field(default_factory=dict)
    calm_from: int = 0
    """From then on nobody does anything by himself."""
    _names: int = 0

    # what they do by themselves

    def begin(self, patient: Patient, ended_at: datetime, days: float) -> None:
        """Everything this patient and their clinic will do, drawn now and done when its time comes."""
        dice, start = self.dice, self._micros(ended_at)
        site = dice.choice(SITES)
        self._complete(patient, ended_at, site, self._report_delay())
        later = [start + int(DAY * SECOND * days * dice.random()) for _ in range(8)]
        if dice.random() < 0.15:
            moment = self._true(later[0]).replace(minute=0)
            self._complete(patient, moment, site if dice.random() < 0.7 else dice.choice(SITES), self._report_delay())
        if dice.random() < 0.08:
            # Treated at several places on one day: more texts than a day allows.
            for n, other in enumerate(one for one in SITES if one != site):
                self._complete(patient, ended_at + timedelta(minutes=n), other, self._report_delay())
        if dice.random() < 0.07:
            self._plan(later[1], "cancels", lambda: self._cancel(patient))
        if dice.random() < 0.10:
            self._plan(later[2], "updates", lambda: self._update(patient))
        if dice.random() < 0.06 and patient.phone:
            self._plan(later[3], "withdraws", lambda: self._consent(patient, Channel.SMS, given=False))
            if dice.random() < 0.5:
                again = later[3] + int(DAY * SECOND * 10 * dice.random())
                self._plan(again, "consents", lambda: self._consent(patient, Channel.SMS, given=True))
        if dice.random() < 0.03:
            self._plan(later[4], "erases", lambda: self._erase(patient))
        if patient.phone:
            self._plan_words(patient, later[5:])

    def _plan_words(self, patient: Patient, later: list[int]) -> None:
        dice, phone = self.dice, patient.phone
        assert phone is not None
        if dice.random() < (0.5 if phone in self.provider.bad_numbers else 0.10):
            self._plan(later[0], "stops", lambda: self.say(phone, dice.choice(STOPS), "stop"))
            if dice.random() < 0.4:
                again = later[0] + int(DAY * SECOND * 5 * dice.random())
                self._plan(again, "starts", lambda: self.say(phone, dice.choice(STARTS), "start"))
        if dice.random() < 0.25:
            self._plan(later[1], "red flag", lambda: self.say(phone, dice.choice(RED_FLAGS), "flag"))
        if dice.random() < 0.25:
            self._plan(later[2], "words", lambda: self.say(phone, f"{dice.choice(WORDS)}", "words"))
        if dice.random() < 0.05:
            self._plan(later[2], "secret", lambda: self.say(phone, f"my {patient.secret} feels odd", "words"))

    # events of a clinic

    def _complete(self, patient: Patient, ended_at: datetime, site: str, delay: float) -> None:
        dice = self.dice
        name = f"session-{patient.number}-{len(patient.sessions)}"
        patient.sessions.append(name)
        session: dict[str, Any] = {"id": name, "ended_at": ended_at.isoformat(), "site": site}
        if dice.random() < 0.4:
            session["next_session_at"] = (ended_at + timedelta(days=dice.randrange(5, 50))).isoformat()
        if dice.random() < 0.2:
            session["baseline"] = {"pain": dice.randrange(11), "activity": patient.secret, "activity_score": 4}
        said_at = ended_at.isoformat() if dice.random() < 0.5 else None

        def work() -> None:
            # As the patient is by now: an event that is posted late tells of the present phone.
            data = {"session": session, "patient": self._as_body(patient, ended_at)}
            self.web.as_clinic(patient.clinic.key, "session.completed", data, self._name("completed"), said_at)

        self._plan(self._micros(ended_at) + int(delay * SECOND), f"{name} ended", work)

    def _as_body(self, patient: Patient, at: datetime) -> dict[str, Any]:
        given = {"at": (at - timedelta(days=1)).isoformat(), **CONSENT}
        body: dict[str, Any] = {
            "id": patient.id, "given_name": patient.name, "phone": patient.phone, "email": patient.email,
            "timezone": patient.zone, "locale": patient.locale,
            "consent": {channel: given for channel, address in (("sms", patient.phone), ("email", patient.email))
                        if address},
        }  # fmt: skip
        return {name: value for name, value in body.items() if value is not None}

    def _cancel(self, patient: Patient) -> None:
        name = patient.sessions[0]
        data = {"session": {"id": name}}
        answer = self.web.as_clinic(patient.clinic.key, "session.cancelled", data, self._name("cancelled"), None)
        if answer is not None and answer.is_yes:
            self.cancelled[name] = answer

    def _update(self, patient: Patient) -> None:
        dice, kind = self.dice, self.dice.randrange(3)
        key = patient.clinic.key
        if kind == 0:
            change = {"id": patient.sessions[0], "next_session_at": None if dice.random() < 0.3 else (
                self._true() + timedelta(days=dice.randrange(3, 40))).isoformat()}  # fmt: skip
            self.web.as_clinic(key, "session.updated", {"session": change}, self._name("updated"), None)
            return
        if kind == 1 and patient.phone:
            patient.phone = phone_of(5000 + patient.number)
            body = {"id": patient.id, "phone": patient.phone}
        else:
            patient.zone = dice.choice([clinic.zone for clinic in self.clinics])
            body = {"id": patient.id, "timezone": patient.zone}
        self.web.as_clinic(key, "patient.updated", {"patient": body}, self._name("patient"), None)

    def _consent(self, patient: Patient, channel: Channel, given: bool) -> None:
        now = self._true().isoformat()
        word = {"at": now, **CONSENT} if given else {"withdrawn_at": now, "source": "phone call"}
        data = {"patient": {"id": patient.id, "consent": {channel.value: word}}}
        self.web.as_clinic(patient.clinic.key, "patient.updated", data, self._name("consent"), None)

    def _erase(self, patient: Patient) -> None:
        data = {"patient": {"id": patient.id}}
        answer = self.web.as_clinic(patient.clinic.key, "patient.erased", data, self._name("erased"), None)
        if answer is not None and answer.is_yes:
            self.erased[patient.id] = answer

    # what they say

    def say(self, phone: str, body: str, kind: str) -> None:
        """Write a text on this phone; it comes in as Twilio posts it."""
        sid = f"SM{self.dice.getrandbits(128):032x}"
        self.story.tell("says", phone, body)
        known = self.provider.opt_outs.hear(self.sender, phone, body)
        form = {
            "AccountSid": "AC" + "0" * 32, "Body": body, "From": phone, "MessageSid": sid, "SmsSid": sid,
            "NumMedia": "0", "NumSegments": "1", "SmsStatus": "received", "To": self.sender,
        }  # fmt: skip
        if known is not None and self.dice.random() < 0.5:
            form["OptOutType"] = {"STOPPED": "STOP", "STARTED": "START", "HELP": "HELP"}[known.name]
        micros = self.scheduler.micros
        answer = self.web.as_twilio("/twilio/inbound", form, ("replies", "provider_key", sid))
        taken = answer is not None and answer.is_yes
        self.said.append(Said(sid, phone, body, kind, micros, taken))
        if taken and kind == "flag":
            self.flagged.append(Flagged("reply", sid, self.scheduler.micros))

    # how they react

    def arrives(self, taken: Taken) -> None:
        """A message is on somebody's screen."""
        for clinic in self.clinics:
            if taken.to in clinic.staff or taken.to in clinic.staff_mail:
                self._staff_reads(taken)
                return
        readers = [one for one in self.patients if taken.to in (one.phone, one.email)]
        if not readers:
            return
        patient = self.dice.choice(readers)
        link = _TOKEN.search(taken.body)
        lucky = self.dice.random()
        if lucky < patient.diligence and link is not None and link[1] == "s":
            delay = self.dice.choice((60.0, HOUR, 6 * HOUR, 2 * DAY)) * self.dice.random()
            token = link[2]
            self._soon(f"{patient.id} answers", lambda: self._fill_in(patient, token), delay)
        elif taken.channel is Channel.SMS and lucky > 0.92:
            body = self.dice.choice(WORDS)
            self._soon(f"{patient.id} replies", lambda: self.say(taken.to, body, "words"), 60 + 600 * lucky)
        elif taken.channel is Channel.EMAIL and lucky > 0.985:
            way_out = next((found[0] for found in _TOKEN.finditer(taken.body) if found[1] == "u"), None)
            if way_out is not None:
                form = [("List-Unsubscribe", "One-Click")]
                self._soon(f"{patient.id} unsubscribes", lambda: self.web.post_form(way_out, form), 90)

        elif taken.channel is Channel.EMAIL and lucky > 0.85 and taken.reply_to is not None:
            self._soon(f"{patient.id} answers a mail", lambda: self.mails_in.answer(taken), 60 + 600 * lucky)

    def _staff_reads(self, taken: Taken) -> None:
        lucky = self.dice.random()
        link = _TOKEN.search(taken.body)
        if lucky < 0.06 and taken.channel is Channel.SMS:
            self._soon("staff acks", lambda: self.say(taken.to, "ACK", "words"), 60 + 20000 * lucky)
        elif lucky < 0.12 and link is not None and link[1] == "a":
            path = f"/a/{link[2]}"
            self._soon("staff takes on", lambda: self._take_on(path), 60 + 10000 * lucky)

    def _take_on(self, path: str) -> None:
        """Open the page behind a notice's link and press its button."""
        page = self.web.get(path)
        seen = None if page is None else _SEEN.search(page.body)
        if seen is not None:
            self.web.post_form(path, [("name", "Dr Day"), ("seen", seen[1])])

    def desk(self, clinic_row: int, alert: int, delay: float) -> None:
        """The clinic's desk comes to an alert at last."""
        clinic = next(one for one in self.clinics if one.row == clinic_row)
        headers = {"Authorization": f"Bearer {clinic.key}"}

        def work() -> None:
            closes = self.dice.random() < 0.7
            path = f"/v1/alerts/{alert}/" + ("close" if closes else "acknowledge")
            body = {"by": "Desk"} | ({"note": "called"} if closes else {})
            pause = 60.0
            while (answer := self.web.post_json(path, body, headers)) is None or answer.status >= 500:
                self.scheduler.sleep(pause)
                pause = min(pause * 2, HOUR)

        self._soon("desk", work, delay)

    def _fill_in(self, patient: Patient, token: str) -> None:
        """Open the page behind a link and answer what it asks."""
        path = f"/s/{token}"
        page = self.web.get(path)
        if page is None or page.status != 200 or "data-tap=" not in page.body:
            return
        chosen, emergency = self._choose(patient, page.body)
        if emergency is not None and self.dice.random() < 0.3:
            asked, value = emergency
            answer = self.web.post_form(f"{path}/tap", [("question", asked), (asked, value)])
            if answer is not None and answer.status == 200:
                self.flagged.append(Flagged("survey", answer.who, self.scheduler.micros))
            return
        if self.dice.random() < 0.1:
            chosen = chosen[: len(chosen) // 2]
            emergency = emergency if emergency in chosen else None
        answer = self.web.post_form(path, chosen)
        if answer is not None and answer.status == 303:
            self.answered.append(answer.who)
        if answer is not None and answer.status in (200, 303, 422) and emergency is not None:
            self.flagged.append(Flagged("survey", answer.who, self.scheduler.micros))

    def _choose(self, patient: Patient, page: str) -> tuple[list[tuple[str, str]], tuple[str, str] | None]:
        options: dict[str, list[tuple[str, bool]]] = {}
        for found in _INPUT.finditer(page):
            named, value = _NAME.search(found[2]), _VALUE.search(found[2])
            if named is not None:
                shown = patient.secret if found[1] == "text" else unescape(value[1] if value else "")
                options.setdefault(named[1], []).append((shown, "data-emergency" in found[2]))
        chosen, emergency = [], None
        for name, values in options.items():
            harmless = [value for value, loud in values if value == "none"]
            loud = [value for value, is_loud in values if is_loud]
            if loud and self.dice.random() < 0.06:
                pick = self.dice.choice(loud)
                emergency = (name, pick)
            else:
                pick = harmless[0] if harmless else self.dice.choice(values)[0]
            chosen.append((name, pick))
        return chosen, emergency

    # helpers

    def _soon(self, what: str, work: Callable[[], object], seconds: float) -> None:
        self.scheduler.spawn(what, work, delay=seconds)

    def _plan(self, micros: int, what: str, work: Callable[[], object]) -> None:
        if micros < self.calm_from:
            self.scheduler.at(max(micros, 0), lambda: self.scheduler.spawn(what, work))

    def _report_delay(self) -> float:
        lucky = self.dice.random()
        return 120 * lucky + (0 if lucky < 0.8 else HOUR if lucky < 0.95 else 2 * DAY)

    def _name(self, kind: str) -> str:
        self._names += 1
        return f"{kind}-{self._names}"

    def _micros(self, moment: datetime) -> int:
        return self.scheduler.at_moment(moment)

    def _true(self, micros: int | None = None) -> datetime:
        return self.scheduler.true(micros)


def phone_of(number: int) -> str:
    return f"+1202{5550000 + number:07d}"
