"""One installation: its processes, the faults that befall them, and the supervisor that starts them anew."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from service.api.inside import Rows
from service.care.lifecycle import Channel
from service.care.roles import Role
from service.nudges import QueueName
from service.parts import Parts, ensure_senders, make_sending
from service.records import approval, clinics, contacts, hook_endpoints, protocols, staff
from service.records.approval import Signature
from service.records.database import run
from service.records.sealing import Vault
from service.records.switching import Followers
from simulation import web as web_side
from simulation.database import Database
from simulation.endpoints import Endpoint, Endpoints, SimulatedPoster
from simulation.files import Files
from simulation.furniture import LATER, PROTOCOL, SENDER, composer, key, settings_for, template
from simulation.gateways import SimulatedCourier, SimulatedMail, SimulatedSms, Wire
from simulation.history import Change, History
from simulation.idle import Idle
from simulation.mails_in import MailsIn
from simulation.nudges import SimulatedNudges
from simulation.people import Clinic, People
from simulation.provider import Provider
from simulation.reports import Reports
from simulation.scheduler import SECOND, Actor, Process, Scheduler
from simulation.story import Story
from simulation.weather import CALM, Weather
from simulation.web import Web
from workers import listen as listening
from workers.clock import Clock
from workers.deliver import Deliverer
from workers.importing import Importer
from workers.reconcile import Reconciler

ROLES = {
    "clock": 2, "sms": 2, "email": 1, "urgent": 2, "reconcile": 2, "listen": 2, "hooks": 2, "imports": 2, "web": 2,
}  # fmt: skip
_QUEUES = {"sms": QueueName.SMS, "email": QueueName.EMAIL, "urgent": QueueName.URGENT}
_DOWN = ("refused", "lost", "answer lost", "503", "503 taken", "429", "slow")
_BROKEN = ("20003", "63038")
_LISTENS = 0.35
"""The chance that a clinic has a system of its own that is told."""


class Installation:
    """Everything of one run that is not the world outside."""

    def __init__(self, scheduler: Scheduler, dice: Random, story: Story, weather: Weather, folder: Path) -> None:
        self.scheduler = scheduler
        self.story = story
        self.history = History()
        self.weather = weather
        self.logged: set[str] = set()
        self.failed_jobs: dict[str, int] = {}
        self._dice = dice
        self._path = folder / "simulation.db"
        shutil.copyfile(template(), self._path)
        self.settings = settings_for(folder, self._path, dice)
        self.database = Database(self.settings.database_url, scheduler, self.history, story)
        self.nudges = SimulatedNudges(scheduler, dice, story)
        self.parts = Parts(
            settings=self.settings,
            engine=self.database.engine,
            sending=make_sending(self.settings, Vault(self.settings.keys.get_secret_value())),
            nudges=self.nudges,  # type: ignore[arg-type]
        )
        self.provider = Provider(scheduler, dice, story, lambda: self.history.seq)
        self.wire = Wire(scheduler, self.provider, dice, story, self.settings.provider_timeout_seconds, weather)
        self.web = Web(
            scheduler, self.history, story, dice, key(), web_side.application(self.parts, scheduler), self.settings
        )
        self.people = People(
            scheduler, self.web, self.provider, dice, story, SENDER, MailsIn(scheduler, dice, story, self.web)
        )
        self.reports = Reports(scheduler, dice, story, self.web)
        self.endpoints = Endpoints(scheduler, dice, story)
        self.files = Files(scheduler, dice, self.parts)
        self.switches: dict[int, Followers] = {}
        """By clinic: who was to follow the version that was signed in the middle of the run."""
        self.down_until = 0
        self._idle = Idle(self._path, scheduler)
        self._desks: dict[int, datetime] = {}
        self._started: dict[str, int] = {}

        self.database.fault = self._database_fails
        self.database.on_commit = self._committed
        self.nudges.quiet_until = self._idle.until
        self.provider.on_report = self.reports.send
        self.provider.on_arrival = lambda taken: self.people.arrives(taken)
        scheduler.on_boundary = self._boundary
        scheduler.on_end = self._ended
        self.set_weather(weather)

    def set_weather(self, weather: Weather) -> None:
        self.weather = self.nudges.weather = self.provider.weather = self.wire.weather = weather
        self.reports.weather = self.endpoints.weather = weather

    def calm_down(self) -> None:
        """Faults end here."""
        self.story.tell("calm")
        self.set_weather(CALM)
        self.down_until = self.nudges.away_until = 0
        self.provider.down_until = dict.fromkeys(Channel, 0)
        self.provider.refuses.clear()
        self.endpoints.calm_down()

    # setting up

    def found(self, zones: list[str]) -> None:
        """Make the clinics, and start everything."""
        ensure_senders(self.parts.engine, self.settings)
        for number, zone in enumerate(zones):
            self.people.clinics.append(run(self.parts.engine, lambda c: self._clinic(c, number, zone)))  # noqa: B023
        for role, most in ROLES.items():
            for _ in range(self._dice.randint(1, most)):
                self.start(role)

    def _clinic(self, connection: Connection, number: int, zone: str) -> Clinic:
        now, vault = self.scheduler.true(), self.parts.sending.vault
        fields = {"name": f"Clinic {number}", "display_name": f"Clinic{number}", "phone": f"+1 202 555 90{number:02d}",
                  "timezone": zone, "locale": "es" if "Madrid" in zone else "en",
                  "email": f"desk{number}@clinic.example"}  # fmt: skip
        clinic = clinics.add(connection, fields, now)
        version = protocols.add(connection, clinic.id, PROTOCOL, now)
        protocols.approve(connection, version.id, "Dr Seed", now)
        phones = [f"+12025558{number}{n:02d}" for n in range(3)]
        mails = [f"staff{n}@clinic{number}.example" for n in range(2)]
        for n, phone in enumerate(phones):
            mail = mails[n] if n < len(mails) else None
            contacts.add(connection, vault, clinic.id, f"Staff {n}", phone, mail, now, on_call=n == 1)
        if self._dice.random() < _LISTENS:
            url, types = f"https://clinic{number}.example/aftercare", self.endpoints.draw_types()
            endpoint, secret = hook_endpoints.add(connection, vault, clinic.id, url, types, now)
            self.endpoints.by_url[url] = Endpoint(clinic.id, endpoint.id, url, secret, types)
        owner = staff.add(connection, vault, clinic.id, "Owner", f"owner@clinic{number}.example", Role.OWNER, now)
        api_key = clinics.new_api_key(connection, clinic.id, now)
        return Clinic(number, clinic.id, zone, api_key, phones, mails, owner.id)

    def start(self, role: str) -> None:
        """Start a process of this kind, with nothing left of the one before."""
        number = self._started[role] = self._started.get(role, 0) + 1
        skew = int(2 * SECOND * (self._dice.random() * 2 - 1)) if self.weather.jumps_a_week else 0
        process = Process(f"{role}-{number}", skew=skew)
        if role == "web":
            self.web.processes = [one for one in self.web.processes if not one.dead] + [process]
            return
        self.scheduler.spawn(process.name, lambda: self._main(role, process), process, delay=self._dice.random())

    def _main(self, role: str, process: Process) -> None:
        if role == "clock":
            Clock(self.parts, process.name).run(lambda: False)
            return
        queue = _QUEUES.get(role) or QueueName(role)
        if role == "hooks":
            poster = SimulatedPoster(self.parts, self.endpoints)
            with poster.loop:
                self._serve(role, queue, poster.deliver)
        self._serve(role, queue, self._worker(role, process))

    def _serve(self, role: str, queue: QueueName, handle: Callable[[list[int]], Any]) -> None:
        while True:
            ids = self.nudges.pop(queue)
            try:
                handle(ids)
            except Exception as error:  # as RQ does: the job is lost, its worker goes on
                name = f"{role}: {type(error).__name__}"
                self.failed_jobs[name] = self.failed_jobs.get(name, 0) + 1
                self.story.tell("job failed", role, type(error).__name__)

    def _worker(self, role: str, process: Process) -> Callable[[list[int]], Any]:
        parts = self.parts
        if role == "listen":
            return lambda ids: listening.handle(parts.engine, parts.sending, parts.nudges, ids)
        if role == "imports":
            return Importer(parts, Rows(parts.sending)).work_on
        if role == "reconcile":
            return Reconciler(parts, SimulatedSms(self.wire)).reconcile
        sms = SimulatedCourier(self.scheduler, process, SimulatedSms(self.wire))
        mail = SimulatedCourier(self.scheduler, process, SimulatedMail(self.wire))
        return Deliverer(parts.settings, parts.engine, parts.sending, composer(), sms, mail).deliver  # type: ignore[arg-type]

    # faults

    def _boundary(self, actor: Actor, where: str) -> None:
        weather = self.weather
        if not weather.death and not weather.freeze:
            return
        lucky = self._dice.random()
        if lucky < weather.death:
            self.die(actor.process)
        elif lucky < weather.death + weather.freeze:
            seconds = self._dice.choice((1.0, 20.0, 90.0, 400.0)) * self._dice.random()
            self.story.tell("freeze", actor.process.name, round(seconds, 1), where)
            actor.process.frozen_until = self.scheduler.micros + int(seconds * SECOND)

    def die(self, process: Process) -> None:
        """End a process as kill -9 does; the supervisor starts another after a while."""
        role = process.name.partition("-")[0]
        self.scheduler.after(0.5 + 20 * self._dice.random() ** 3, lambda: self.start(role))
        self.scheduler.kill(process)

    def _ended(self, actor: Actor) -> None:
        self.database.ended(actor)
        if actor.process.mortal and not actor.process.dead and actor.name == actor.process.name:
            raise AssertionError(f"{actor.name} ended by itself: {actor.result!r}")

    def _database_fails(self, what: str) -> bool:
        actor = self.scheduler.current
        if actor is None:
            return False
        if what == "answer":
            fails = self._dice.random() < self.weather.commit_answer
        else:
            fails = self.scheduler.micros < self.down_until or self._dice.random() < self.weather.database
        if fails:
            self.story.tell("database fails", what)
        return fails

    def plan_faults(self, until: int) -> None:
        """Draw everything that befalls the whole installation before `until`."""
        weeks = until / (7 * 86400 * SECOND)
        plan = (
            (self.weather.outages_a_week, self._outage),
            (self.weather.flushes_a_week, self.nudges.flush_all),
            (self.weather.jumps_a_week, self._jump),
            (self.weather.death * 500, self._power_cut),
            (self.weather.endpoint * 4, self._endpoint_outage),
        )
        for rate, what in plan:
            for _ in range(int(rate * weeks + self._dice.random())):
                self.scheduler.at(int(until * self._dice.random()), what)

    def _outage(self) -> None:
        dice = self._dice
        seconds = dice.choice((20.0, 200.0, 1000.0, 4000.0)) * dice.random()
        end = self.scheduler.micros + int(seconds * SECOND)
        match kind := dice.choice(("texts", "mails", "both", "database", "queue", "settings")):
            case "database":
                self.down_until = self.scheduler.micros + int(min(seconds, 600.0) * SECOND)
            case "queue":
                self.nudges.away_until = end
                self.nudges.flush_all()
            case "settings":
                channel = dice.choice(tuple(Channel))
                self.provider.refuses[channel] = dice.choice(_BROKEN) if channel is Channel.SMS else "401"
                self.scheduler.at(end, lambda: self.provider.refuses.pop(channel, None))
            case _:
                self.provider.down_how = dice.choice(_DOWN)
                for channel in Channel:
                    if kind == "both" or (kind == "texts") is (channel is Channel.SMS):
                        self.provider.down_until[channel] = end
        self.story.tell("outage", kind, round(seconds), self.provider.down_how)

    def _endpoint_outage(self) -> None:
        seconds = self._dice.choice((600.0, 7200.0, 86400.0)) * self._dice.random()
        self.story.tell("outage", "endpoint", round(seconds))
        self.endpoints.go_down(seconds)

    def plan_changes(self, until: int) -> None:
        """Draw what clinics do at their desks before `until`: with endpoints, files, and other versions."""
        dice = self._dice
        for endpoint in self.endpoints.by_url.values():
            moments = sorted(int(until * dice.random()) for _ in range(3))
            if dice.random() < 0.3:
                self._at_desk(moments[0], "pauses", hook_endpoints.pause, endpoint.row)
                self._at_desk(moments[1], "resumes", hook_endpoints.resume, endpoint.row)
            if dice.random() < 0.2:
                self._at_desk(moments[2], "removes", hook_endpoints.disable, endpoint.row)
        for clinic in self.people.clinics:
            self.files.plan(clinic, until)
            if dice.random() < 0.4:
                self.switches[clinic.row] = dice.choice(tuple(Followers))
                self._at_desk(int(until * dice.random()), "signs", self._sign, clinic.row)

    def _sign(self, connection: Connection, clinic: int, now: datetime) -> None:
        """Another version of the clinic's protocol, once."""
        if len(protocols.of_clinic(connection, clinic)) == 1:
            version = protocols.add(connection, clinic, LATER, now)
            signature = Signature("Dr New", "Dr New", self.switches[clinic], now)
            approval.sign_version(connection, clinic, version.id, signature)

    def _at_desk(self, micros: int, name: str, act: Callable[[Connection, int, datetime], object], row: int) -> None:
        """Somebody does something, again until it is done."""

        def until_done() -> None:
            while True:
                try:
                    run(self.parts.engine, lambda connection: act(connection, row, self.scheduler.wall()))
                except OperationalError:
                    self.scheduler.sleep(30.0)
                else:
                    return

        self.scheduler.at(micros, lambda: self.scheduler.spawn(name, until_done))

    def _jump(self) -> None:
        # Machines' clocks must agree to some seconds: docs/promises.md. So far, and no further.
        self.scheduler.offset = int(2 * SECOND * (self._dice.random() * 2 - 1))
        self.story.tell("clock jump", self.scheduler.offset / SECOND)

    def _power_cut(self) -> None:
        """Everything dies at one moment."""
        self.story.tell("power cut")
        for process in [*self.web.processes, *{actor.process for actor in self._alive()}]:
            if not process.dead:
                self.die(process)

    def _alive(self) -> list[Actor]:
        found = {entry[3] for entry in self.scheduler._heap if isinstance(entry[3], Actor)}
        return sorted((one for one in found if one.process.mortal and not one.done), key=lambda one: one.label)

    # what follows a commit

    def _committed(self, changes: list[Change]) -> None:
        # A notice that went wrong is gone round at the next look, which no due time tells of.
        self.nudges.something_changed(any(map(_went_wrong, changes)))
        for change in changes:
            stands = change.table == "alerts" and change["closed_at"] is None and change["acknowledged_at"] is None
            if stands and self._desks.get(change.row) != change["since"]:
                self._desks[change.row] = change["since"]
                hours = 2.5 if change["next_notice_at"] is not None else 48.0
                self.people.desk(change["clinic_id"], change.row, 600 + 3600 * hours * self._dice.random())

    def close(self) -> None:
        self._idle.close()
        self.parts.engine.dispose()


def _went_wrong(change: Change) -> bool:
    return (
        change.table == "messages"
        and change["step"].startswith("alert_notice")
        and change["state"] in ("failed", "undelivered", "skipped", "expired", "unknown")
    )
