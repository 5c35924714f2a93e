"""One installation: its processes, the faults that befall them, and the supervisor that starts them anew."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Connection

from sandbox.signing import SigningKey
from service.care.lifecycle import Channel
from service.nudges import QueueName
from service.parts import Parts, ensure_senders, make_sending
from service.records import clinics, contacts, migrate, protocols
from service.records.database import run, to_micros
from service.settings import Settings
from simulation import web as web_side
from simulation.database import Database
from simulation.gateways import SimulatedCourier, SimulatedMail, SimulatedSms, Wire
from simulation.history import Change, History
from simulation.nudges import SimulatedNudges
from simulation.people import Clinic, People
from simulation.provider import Provider, Taken
from simulation.scheduler import SECOND, Actor, Process, Scheduler
from simulation.story import Story
from simulation.web import Web
from simulation.weather import CALM, Weather
from workers import listen as listening
from workers.clock import Clock
from workers.compose import TEMPLATES, Composer
from workers.deliver import Deliverer
from workers.reconcile import Reconciler

PUBLIC = "https://care.example"
SENDER = "+15005550006"
MAIL_SENDER = "care@clinic.example"
ROLES = {
    "clock": 2, "sms": 2, "email": 1, "urgent": 2, "reconcile": 2, "listen": 2, "web": 2,
}  # fmt: skip
_QUEUES = {"sms": QueueName.SMS, "email": QueueName.EMAIL, "urgent": QueueName.URGENT}
_LONGEST_IDLE = 6 * 3600 * SECOND
"""Virtual time a clock may leave out when nothing is due: it also minds what no due time tells of."""
_BROKEN = ("20003", "63038")


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
        shutil.copyfile(_template(), self._path)
        self.settings = _settings(folder, self._path, dice)
        self.database = Database(self.settings.database_url, scheduler, self.history, story)
        self.nudges = SimulatedNudges(scheduler, dice, story)
        self.parts = Parts(
            settings=self.settings,
            engine=self.database.engine,
            sending=make_sending(self.settings),
            nudges=self.nudges,  # type: ignore[arg-type]
        )
        self.provider = Provider(scheduler, dice, story, lambda: self.history.seq)
        self.wire = Wire(scheduler, self.provider, dice, story, self.settings.provider_timeout_seconds, weather)
        self.web = Web(scheduler, self.history, story, dice, _key(), web_side.application(self.parts), self.settings)
        self.people = People(scheduler, self.web, self.provider, dice, story, SENDER)
        self.down_until = 0
        self._looker = sqlite3.connect(self._path, isolation_level=None)
        self._desks: dict[int, datetime] = {}
        self._started: dict[str, int] = {}

        self.database.fault = self._database_fails
        self.database.on_commit = self._committed
        self.nudges.quiet_until = self._quiet_until
        self.provider.on_report = self._report
        self.provider.on_arrival = lambda taken: self.people.arrives(taken)
        scheduler.on_boundary = self._boundary
        scheduler.on_end = self._ended
        self.set_weather(weather)

    def set_weather(self, weather: Weather) -> None:
        self.weather = self.nudges.weather = self.provider.weather = self.wire.weather = weather

    def calm_down(self) -> None:
        """Faults end here."""
        self.story.tell("calm")
        self.set_weather(CALM)
        self.down_until = self.nudges.away_until = 0
        self.provider.down_until = dict.fromkeys(Channel, 0)
        self.provider.refuses.clear()

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
        staff = [f"+12025558{number}{n:02d}" for n in range(3)]
        mails = [f"staff{n}@clinic{number}.example" for n in range(2)]
        for n, phone in enumerate(staff):
            mail = mails[n] if n < len(mails) else None
            contacts.add(connection, vault, clinic.id, f"Staff {n}", phone, mail, now, on_call=n == 1)
        return Clinic(number, clinic.id, zone, clinics.new_api_key(connection, clinic.id, now), staff, mails)

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
        handle = self._worker(role, process)
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
        if role == "reconcile":
            return Reconciler(parts, SimulatedSms(self.wire)).reconcile
        sms = SimulatedCourier(self.scheduler, process, SimulatedSms(self.wire))
        mail = SimulatedCourier(self.scheduler, process, SimulatedMail(self.wire))
        return Deliverer(parts.settings, parts.engine, parts.sending, _composer(), sms, mail).deliver  # type: ignore[arg-type]

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
                self.scheduler.at(end, lambda: self.provider.refuses.pop(channel, None) and None)
            case _:
                self.provider.down_how = dice.choice(("refused", "lost", "answer lost", "503", "503 taken", "429", "slow"))
                for channel in Channel:
                    if kind == "both" or (kind == "texts") is (channel is Channel.SMS):
                        self.provider.down_until[channel] = end
        self.story.tell("outage", kind, round(seconds), self.provider.down_how)

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

    # what the world hears

    def _report(self, taken: Taken) -> None:
        """Send a receipt, or what becomes of it."""
        dice, weather = self._dice, self.weather
        status, code = taken.status, taken.code
        lucky = dice.random()
        if lucky < weather.receipt_lost:
            self.story.tell("receipt lost", taken.token, status)
            return
        times = 2 if dice.random() < weather.receipt_doubled else 1
        event = self._mail_event(taken) if taken.channel is Channel.EMAIL else None
        for _ in range(times):
            delay = 0.3 * dice.random()
            if dice.random() < weather.receipt_late:
                delay = dice.choice((5.0, 60.0, 3600.0, 40000.0)) * dice.random()

            def work() -> None:
                if event is not None:
                    self.web.as_sendgrid([event])
                    return
                form = {"AccountSid": "AC" + "0" * 32, "MessageSid": taken.id, "MessageStatus": status, "To": taken.to}
                if code is not None:
                    form["ErrorCode"] = code
                kept = ("receipts", "event_key", f"{taken.id} {status}")
                self.web.as_twilio(f"/twilio/status?a={taken.token}", form, kept)

            self.scheduler.spawn("receipt", work, delay=delay)

    def _mail_event(self, taken: Taken) -> dict[str, Any]:
        status = taken.status
        event: dict[str, Any] = {
            "event": "bounce" if status == "blocked" else status,
            "email": taken.to,
            "sg_event_id": self._dice.randbytes(12).hex(),
            "sg_message_id": f"{taken.id}.recvd-0",
            "timestamp": int(self.scheduler.true().timestamp()),
        }
        if status != "deferred":
            event["aftercare_attempt"] = taken.token
        if status in ("bounce", "blocked"):
            event |= {"type": status, "status": "5.1.1"}
        if status == "dropped":
            event["reason"] = "Bounced Address"
        return event

    def _committed(self, changes: list[Change]) -> None:
        # A notice that went wrong is gone round at the next look, which no due time tells of.
        self.nudges.something_changed(any(map(_went_wrong, changes)))
        for change in changes:
            if change.table == "alerts" and change["closed_at"] is None and change["acknowledged_at"] is None:
                if self._desks.get(change.row) != change["since"]:
                    self._desks[change.row] = change["since"]
                    hours = 2.5 if change["next_notice_at"] is not None else 48.0
                    self.people.desk(change["clinic_id"], change.row, 600 + 3600 * hours * self._dice.random())

    def _quiet_until(self) -> int:
        """Virtual time before which a look of a clock can find nothing, as things are."""
        wall = to_micros(self.scheduler.wall())
        moments = [wall + _LONGEST_IDLE]
        for channel, sender, paused, closed in self._looker.execute(
            "SELECT channel, sender, paused_at, closed_until FROM senders"
        ):
            for priority in (0, 1):
                (due,) = self._looker.execute(
                    "SELECT min(due_at) FROM messages WHERE state = 'planned' AND channel = ? AND sender = ?"
                    " AND priority = ?",
                    (channel, sender, priority),
                ).fetchone()
                if due is not None:
                    held = paused + 15 * 60 * SECOND if paused is not None and priority == 1 else 0
                    moments.append(max(due, held, closed or 0))
        for query in (
            "SELECT min(check_at) FROM messages WHERE check_at IS NOT NULL",
            "SELECT min(next_notice_at) FROM alerts WHERE next_notice_at IS NOT NULL",
            "SELECT min(received_at) + 2000000 FROM replies WHERE handled_at IS NULL",
            # A receipt whose attempt has become known.
            "SELECT 0 FROM receipts JOIN attempts ON attempts.provider_id = receipts.provider_id"
            " WHERE applied_at IS NULL LIMIT 1",
        ):
            (moment,) = self._looker.execute(query).fetchone() or (None,)
            if moment is not None:
                moments.append(moment)
        return self.scheduler.micros + min(moments) - wall

    def close(self) -> None:
        self._looker.close()
        self.parts.engine.dispose()


def _went_wrong(change: Change) -> bool:
    return (
        change.table == "messages"
        and change["step"].startswith("alert_notice")
        and change["state"] in ("failed", "undelivered", "skipped", "expired", "unknown")
    )


class _Heard(logging.Handler):
    """Everything that was logged, as it was before any redaction."""

    def __init__(self, lines: set[str]) -> None:
        super().__init__(logging.DEBUG)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.add(record.getMessage())


@contextmanager
def listening_to_logs(lines: set[str]) -> Iterator[None]:
    """Collect what the product logs, and print none of it."""
    root, handler = logging.getLogger(), _Heard(lines)
    before, level = root.handlers[:], root.level
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.handlers[:] = before
        root.setLevel(level)


PROTOCOL = (TEMPLATES / "protocols" / "prolotherapy.yaml").read_text("utf-8")


@cache
def _composer() -> Composer:
    """Holds templates and nothing else."""
    return Composer(PUBLIC)


@cache
def _key() -> SigningKey:
    return SigningKey()


@cache
def _template() -> Path:
    """A migrated database, made once a process."""
    path = Path(tempfile.mkdtemp(prefix="aftercare-simulation-")) / "template.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


def _settings(folder: Path, database: Path, dice: Random) -> Settings:
    values: dict[str, Any] = {
        "AFTERCARE_VAR": folder,
        "AFTERCARE_DATABASE_URL": f"sqlite:///{database}",
        "AFTERCARE_REDIS_URL": "redis://127.0.0.1:9/0",
        "AFTERCARE_PUBLIC_URL": PUBLIC,
        # From the seed, like all chance: keyed hashes decide orders.
        "AFTERCARE_KEYS": f"sim:{b64encode(dice.randbytes(32)).decode()}",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "a-token",
        "TWILIO_FROM": SENDER,
        "SENDGRID_API_KEY": "SG.key",
        "SENDGRID_FROM": MAIL_SENDER,
        "SENDGRID_EVENT_PUBLIC_KEY": _key().public,
        # Small enough that several parts of one job are on the wire at a time.
        "AFTERCARE_BATCH_SIZE": dice.choice((1, 3, 10, 500)),
        "AFTERCARE_SMS_SEGMENTS_PER_SECOND": dice.choice((0, 0, 10, 10, 10, 2)),
    }
    return Settings(_env_file=None, **values)
