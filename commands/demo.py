"""`aftercare demo`: a whole installation with stand-in providers, a real signed event over HTTP, and fast time."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import urllib3
from sqlalchemy import Connection

from commands import demo_check, embedded
from commands.demo_drive import CLINICIAN, Driver, Patient, cast_of
from commands.processes import PROCESSES
from commands.supervisor import Child, Supervisor
from sandbox.config import Config
from sandbox.signing import SigningKey
from service import time
from service.care.roles import Role
from service.parts import Parts, open_parts
from service.records import clinics, contacts, migrate, protocols, staff
from service.records.database import run
from service.records.library import TEMPLATES
from service.records.sealing import new_key
from service.settings import Settings

OWNER, OWNER_EMAIL = "Dr. Rivera", "rivera@clinic.example"
_PROGRAM = (sys.executable, "-m", "commands.main")
_PROGRESS = Callable[[str], None]
CLINIC_PHONE = "202-555-0100"
_CARE_PLAN = {
    "comfort": {
        "heat": "A warm pack for 15 minutes, as often as it feels good.",
        "ice": "Ask us before you use ice.",
        "activity": "Walk a little every day. Leave sports for two weeks.",
        "follow_up": "Come back when we agreed to, or call us.",
    }
}
"""An example of a clinic's own words. `medicines` is left out: the page then says to ask."""


@dataclass(frozen=True)
class Stage:
    """Where the demonstration plays: its folder, its addresses, what every process is told."""

    folder: Path
    web: str
    sandbox: str
    env: dict[str, str]
    settings: Settings
    start: datetime


@click.command()
@click.option("--once", is_flag=True, help="Run twelve weeks to their end without waiting for anybody, then stop.")
@click.option("--json", "as_json", is_flag=True, help="With --once: print the whole timeline as JSON.")
@click.option("--patients", default=3, show_default=True, type=click.IntRange(min=1), help="With --once: how many.")
@click.option(
    "--speed",
    default=1440.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Service seconds a second; 1440: a day a minute.",
)
def demo(once: bool, as_json: bool, patients: int, speed: float) -> None:
    """Show the whole service at work on this machine: no accounts, nothing sent anywhere, nothing left behind."""
    folder = Path(tempfile.mkdtemp(prefix="aftercare-demo-"))
    try:
        status = _once(folder, patients, as_json) if once else _live(folder, speed)
    except embedded.NoServer as error:
        raise click.ClickException(str(error)) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(status)


def _say(line: str) -> None:
    click.echo(line, err=True)


def _once(folder: Path, patients: int, as_json: bool) -> int:
    """The whole course at once: time stands while anything is in flight, then jumps to what is due next."""
    outcome: dict[str, Any] = {}

    def play(stage: Stage, parts: Parts, clinic: clinics.Clinic, secret: str) -> None:
        driver = Driver(stage.web, stage.sandbox, parts, secret, _say)
        cast = cast_of(patients, time.now())
        driver.play(cast)
        outcome.update(demo_check.check(parts, clinic, cast, driver.ledger()))

    status = _perform(folder, 1.0, _say, play, quiet=True)
    if not outcome:
        _say("The demonstration did not get to its end.")
        return status or 1
    if as_json:
        click.echo(json.dumps(outcome, indent=1, default=str))
    else:
        demo_check.tell(outcome)
    return 0 if outcome["ok"] else 1


def _live(folder: Path, speed: float) -> int:
    """For somebody at the screen: one patient, the phone page, and time at a pace that can be watched."""

    def play(stage: Stage, parts: Parts, _clinic: clinics.Clinic, secret: str) -> None:
        # Starting up took a while, which at this speed is half a day.
        time.start_at(stage.start)
        driver = Driver(stage.web, stage.sandbox, parts, secret, _say)
        patient = Patient.ana(time.now())
        driver.post_session(patient)
        minutes = 86_400 / speed / 60
        click.echo(
            f"\n  A clinic has just posted a session of {patient.given_name}'s. One day now takes {minutes:.1f} min."
            "\n\n"
            f"  Open this page:    {stage.sandbox}/   (the clinic's desk beside two phones)\n"
            f"  The API's docs:    {stage.web}/docs\n\n"
            f"  At the desk you are {OWNER}, {OWNER_EMAIL}; the password is yours to choose.\n"
            "  On Ana's phone, open a link and answer: a fever rings the clinician's phone and opens an alert at the\n"
            "  desk. Or type STOP, and see the rest cancelled, each with its reason.\n"
            "  Ctrl-C stops everything and leaves nothing behind.\n"
        )
        _open_in_browser(stage.sandbox + "/")
        driver.narrate()

    return _perform(folder, speed, _say, play, quiet=True)


def _perform(
    folder: Path,
    speed: float,
    say: _PROGRESS,
    play: Callable[[Stage, Parts, clinics.Clinic, str], None],
    quiet: bool,
) -> int:
    """Start everything, let `play` have the stage, stop everything."""
    say("Starting: database, Redis, stand-in providers, web, clock, workers …")
    stage = _set_stage(folder, speed)
    server = embedded.prepare(folder, {})
    settings = Settings.model_validate({**_by_alias(stage.env), "AFTERCARE_REDIS_URL": server.url})
    migrate.upgrade(settings.database_url)
    parts = open_parts(settings)
    clinic, secret = _found_clinic(parts)
    desk = f"{stage.web}/desk/join/{_invite_owner(parts, clinic)}"
    failed: list[BaseException] = []

    def perform() -> None:
        try:
            play(stage, parts, clinic, secret)
        except BaseException as error:  # told below, after everything has stopped
            failed.append(error)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    player = threading.Thread(target=perform, daemon=True)
    log = (folder / "log").open("w") if quiet else None
    try:
        supervisor = Supervisor(
            [server.child(), *_children(stage, server.url, desk)], output=log or sys.stderr, on_ready=player.start
        )
        status = supervisor.run()
    finally:
        server.release()
        parts.engine.dispose()
    if failed:
        _tell_failure(failed[0], folder / "log")
        return 1
    return status


def _set_stage(folder: Path, speed: float) -> Stage:
    web_port, sandbox_port = _free_port(), _free_port()
    web, sandbox = f"http://127.0.0.1:{web_port}", f"http://127.0.0.1:{sandbox_port}"
    signing = SigningKey(folder / "sendgrid-key.pem")
    config = Config()
    env = {
        "AFTERCARE_VAR": str(folder),
        "AFTERCARE_DATABASE_URL": f"sqlite:///{folder}/aftercare.db",
        "AFTERCARE_PUBLIC_URL": web,
        "AFTERCARE_HOST": "127.0.0.1",
        "AFTERCARE_PORT": str(web_port),
        "AFTERCARE_WEB_WORKERS": "1",
        "AFTERCARE_KEYS": new_key(),
        "AFTERCARE_CLOCK_FILE": str(folder / "clock"),
        "AFTERCARE_CLOCK_SPEED": str(speed),
        **config.told(sandbox),
        "AFTERCARE_DESK_FRAMED_BY": sandbox,
        "AFTERCARE_REPLY_DOMAIN": "reply.clinic.example",
        "AFTERCARE_SMS_SEGMENTS_PER_SECOND": "0",
        "AFTERCARE_LOG_LEVEL": "WARNING",
        "TWILIO_MESSAGING_SERVICE_SID": config.messaging_service_sid,
        "SENDGRID_FROM": "care@clinic.example",
        "SENDGRID_EVENT_PUBLIC_KEY": signing.public,
    }
    # Ten in the morning where the clinic is: the first texts come within the minute.
    start = datetime.now(UTC).replace(hour=15, minute=0, second=0, microsecond=0) - timedelta(days=1)
    time.use_clock_file(folder / "clock", speed, start)
    return Stage(folder, web, sandbox, env, Settings.model_validate(_by_alias(env)), start)


def _by_alias(env: dict[str, str]) -> dict[str, Any]:
    return {**env, "_env_file": None}


def _children(stage: Stage, redis_url: str, desk: str) -> list[Child]:
    env = {**stage.env, "AFTERCARE_REDIS_URL": redis_url, "PYTHONUNBUFFERED": "1"}
    patient = Patient.ana(time.now())
    sandbox = [
        sys.executable, "-m", "sandbox", "--port", stage.sandbox.rpartition(":")[2], "--callback-base", stage.web,
        "--messaging-service-sid", Config().messaging_service_sid, "--key-file", str(stage.folder / "sendgrid-key.pem"),
        "--clock-file", str(stage.folder / "clock"), "--no-magic", "--sent-delay", "0", "--delivered-delay", "0.01",
        "--beside", desk, "--phones", f"{patient.given_name}={patient.phone}/{patient.email},Clinician={CLINICIAN}",
    ]  # fmt: skip
    children = [
        Child("sandbox", sandbox, env=env, stop_order=50, ready=lambda: _answers(stage.sandbox + "/__sandbox/pending"))
    ]
    for name, arguments in PROCESSES.items():
        ready = (lambda: _answers(stage.web + "/healthz")) if name == "web" else None
        order = {"web": 2, "clock": 0}.get(name, 1)
        children.append(Child(name, [*_PROGRAM, *arguments], env=env, stop_order=order, ready=ready))
    return children


def _found_clinic(parts: Parts) -> tuple[clinics.Clinic, str]:
    """The demo's clinic, with its protocol approved by "demo"."""

    def work(connection: Connection) -> tuple[clinics.Clinic, str]:
        now = time.now()
        clinic = clinics.add(
            connection,
            {
                "name": "Riverside Clinic",
                "display_name": "Riverside",
                "phone": CLINIC_PHONE,
                "email": "desk@clinic.example",
                "timezone": "America/New_York",
                "care_plan": _CARE_PLAN,
            },
            now,
        )
        body = (TEMPLATES / "protocols" / "prolotherapy.yaml").read_text("utf-8")
        version = protocols.add(connection, clinic.id, body, now)
        protocols.approve(connection, version.id, "demo", now)
        contacts.add(connection, parts.sending.vault, clinic.id, OWNER, CLINICIAN, None, now, on_call=True)
        return clinic, clinics.new_webhook_secret(connection, parts.sending.vault, clinic.id, now)

    return run(parts.engine, work)


def _invite_owner(parts: Parts, clinic: clinics.Clinic) -> str:
    """The token of the link with which the clinic's owner comes to the desk."""

    def work(connection: Connection) -> str:
        owner = staff.add(connection, parts.sending.vault, clinic.id, OWNER, OWNER_EMAIL, Role.OWNER, time.now())
        return staff.invite(connection, owner.id, time.real_now())

    return run(parts.engine, work)


def _open_in_browser(page: str) -> None:
    # Without a screen it would be a browser in this very terminal.
    if sys.stdout.isatty() and (sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY")):
        webbrowser.open(page)


def _tell_failure(error: BaseException, log: Path) -> None:
    _say(f"The demonstration failed: {type(error).__name__}: {error}")
    if log.exists():
        _say("The last lines of its log:")
        for line in log.read_text("utf-8", "replace").splitlines()[-30:]:
            _say("  " + line)


def _answers(url: str) -> bool:
    try:
        return bool(urllib3.request("GET", url, timeout=1.0, retries=False).status == 200)
    except urllib3.exceptions.HTTPError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
