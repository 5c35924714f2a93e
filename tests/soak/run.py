"""One soak from its start to its verdict."""

from __future__ import annotations

import json
import shutil
import tempfile
import time as real_time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from commands import embedded
from sandbox.config import Config, Delays
from service import own_redis, time
from service.care.lifecycle import Channel
from service.records import migrate
from service.records.database import reading
from service.records.messages import ROUTINE
from service.records.sending_tables import messages
from service.records.tables import consents, sessions
from tests import audit, servers
from tests.conftest import text
from tests.house import House, house
from tests.processes import free_port
from tests.promises.installation import environment
from tests.soak import verdict
from tests.soak.crew import Crew
from tests.soak.picture import svg
from tests.soak.town import Town
from tests.soak.verdict import Trend
from tests.soak.watch import Watch
from tests.soak.weather import Weather

SPEED = 504.0
"""Service seconds a second: three weeks an hour. Faster, and the minutes between two calls about an alert would be
shorter than a worker needs for one."""
KILLS = 20
"""In the whole run, more or less, and as many flushes and kills of Redis."""
SHORTEST_CALM_SECONDS, CALM_SECONDS = 15.0, 60.0
"""From the last fault to rest. The least is what a worker needs to find Redis again."""
_SETTINGS = {
    # In real seconds; at this speed each is eight minutes of the patients' time.
    "AFTERCARE_QUEUED_LEASE_SECONDS": 2,
    "AFTERCARE_SENDING_LEASE_SECONDS": 10,
    "AFTERCARE_SETTLE_SECONDS": 2,
    "AFTERCARE_RECEIPT_STALE_SECONDS": 30,
    "AFTERCARE_PROVIDER_TIMEOUT_SECONDS": 3,
    "AFTERCARE_WEB_WORKERS": 1,
    "AFTERCARE_LOG_LEVEL": "INFO",
    "AFTERCARE_REPLY_DOMAIN": "reply.clinic.example",
}


@dataclass(frozen=True)
class Options:
    minutes: float
    database: str
    """sqlite, postgresql (one of our own), or a URL of an empty database."""
    out: Path
    seed: int = 1
    sessions_a_minute: float = 60.0


@dataclass(frozen=True)
class Outcome:
    wrong: list[str]
    """What must not be; nothing is a pass."""
    facts: dict[str, object]


def soak(options: Options, say: Callable[[str], None]) -> Outcome:
    """Run it, write its JSON, picture and page to the folder that was given, and judge it."""
    shutil.rmtree(options.out, ignore_errors=True)
    logs = options.out / "logs"
    logs.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="aftercare-soak-") as scratch, _installation(options, Path(scratch)) as h:
        redis = embedded.prepare(Path(scratch), {})
        crew = Crew({**environment(h), "AFTERCARE_REDIS_URL": redis.url}, redis.argv, logs)
        try:
            outcome = _play(options, h, crew, redis.url, logs, say)
        finally:
            crew.dismiss()
            redis.release()
    _write(options.out, outcome)
    return outcome


def _play(options: Options, h: House, crew: Crew, redis_url: str, logs: Path, say: Callable[[str], None]) -> Outcome:
    kill_every = options.minutes * 60 / KILLS
    town = Town(h, h.parts.settings.public_url, options.seed, options.sessions_a_minute)
    weather = Weather(crew, h.sandbox, redis_url, options.seed, kill_every)
    watch = Watch(h.parts, crew)
    begun = real_time.monotonic()
    say(f"{len(crew.names)} processes, {options.minutes:g} min at {SPEED:g} times the speed, {options.database}; "
        f"a kill -9 every {kill_every:.0f} s; logs in {logs}")  # fmt: skip
    next_weighing, next_sample = 0.0, 60.0
    while (passed := real_time.monotonic() - begun) < options.minutes * 60:
        crew.mind()
        town.act()
        weather.turn()
        if passed >= next_weighing:
            crew.weigh()
            next_weighing += 5
        if passed >= next_sample:
            say(watch.sample(h.handed_over()).line())
            next_sample += 60
        real_time.sleep(0.25)
    half = (real_time.monotonic() - begun) / 2
    say("The weather clears; what is under way comes to its end.")
    town.close()
    weather.clear_up()
    late = _come_to_rest(h, crew, town, lambda: say(watch.sample(h.handed_over()).line()))
    trended = verdict.trends(crew.lives, half)
    expected, unexpected = verdict.errors_in(logs)
    wrong = verdict.judge(
        [one for sample in watch.samples for one in sample.doubles],
        [one for sample in watch.samples for one in sample.stuck],
        late,
        trended,
        unexpected,
        _broken_promises(h, town),
    )
    return Outcome(wrong, _facts(options, town, weather, watch, crew, trended, expected))


def _come_to_rest(h: House, crew: Crew, town: Town, tell: Callable[[], None]) -> list[str]:
    """Wait until nothing old is under way, tell how it stands, then stop the clocks and let the workers finish."""
    engine = h.parts.engine
    begun = real_time.monotonic()
    left: list[str] = []
    while (calm := real_time.monotonic() - begun) < SHORTEST_CALM_SECONDS or (left and calm < CALM_SECONDS):
        crew.mind()
        town.act()
        real_time.sleep(0.5)
        since = time.now() - timedelta(seconds=20 * time.speed())
        left = audit.overdue(engine, since) + audit.stuck(engine, since)
    tell()
    crew.retire("clock", "clock-2")
    until = real_time.monotonic() + CALM_SECONDS
    while real_time.monotonic() < until and audit.held(engine):
        crew.mind()
        real_time.sleep(0.25)
    h.sandbox.settle(10)
    return left + [f"still held when the clocks had stopped: {one}" for one in audit.held(engine)]


def _broken_promises(h: House, town: Town) -> list[str]:
    engine = h.parts.engine
    found = audit.against_the_ledger(engine, h.handed_over()) + audit.unexplained(engine)
    found += [f"the repeat of {session} got another answer" for session in town.told.different]
    with reading(engine) as connection:
        kept = {(row.clinic_id, row.external_id) for row in connection.execute(select(sessions))}
        found += [f"P1: {one} was answered 202 and is not on record" for one, clinic in town.accepted.items()
                  if (clinic, one) not in kept]  # fmt: skip
        latest = (
            select(consents.c.patient_id, func.max(consents.c.at).label("at"))
            .where(consents.c.channel == Channel.SMS)
            .group_by(consents.c.patient_id)
            .subquery()
        )
        stopped = (
            select(messages.c.id)
            .join(latest, latest.c.patient_id == messages.c.patient_id)
            .join(consents, (consents.c.patient_id == latest.c.patient_id) & (consents.c.at == latest.c.at))
            .where(
                consents.c.action == "revoked",
                messages.c.channel == Channel.SMS,
                messages.c.priority == ROUTINE,
                messages.c.handed_at > consents.c.at,
            )
        )
        found += [f"P3: message {one} went out after STOP" for one in connection.execute(stopped).scalars()]
    return found


def _facts(
    options: Options, town: Town, weather: Weather, watch: Watch, crew: Crew, trended: list[Trend],
    expected: Counter[str],
) -> dict[str, object]:  # fmt: skip
    samples = watch.samples
    return {
        "options": {**asdict(options), "out": str(options.out)},
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "weeks": options.minutes * 60 * SPEED / 604_800,
        "town": asdict(town.told),
        "happened": dict(weather.happened.most_common()),
        "journal": weather.journal,
        "ended_by_themselves": crew.ended,
        "handed_over": samples[-1].handed_over,
        "longest_lag_seconds": max(sample.lag for sample in samples),
        "cpu_percent_of_a_core": sum(sample.cpu for sample in samples) / len(samples),
        "memory": [asdict(one) for one in trended],
        "expected_errors": dict(expected.most_common()),
        "samples": [asdict(sample) for sample in samples],
        "lives": [asdict(life) for life in crew.lives],
        "picture": svg(crew.lives, samples),
    }


def _write(out: Path, outcome: Outcome) -> None:
    facts = dict(outcome.facts)
    (out / "memory.svg").write_text(str(facts.pop("picture")), "utf-8")
    (out / "soak.json").write_text(json.dumps({"wrong": outcome.wrong, **facts}, indent=1, default=str), "utf-8")
    kept = {name: value for name, value in facts.items() if name not in ("samples", "lives", "journal")}
    lines = ["# Soak", "", "passed" if not outcome.wrong else "**failed**", "", *(f"- {one}" for one in outcome.wrong)]
    lines += ["", "![Memory](memory.svg)", "", "```json", json.dumps(kept, indent=1, default=str), "```", ""]
    (out / "summary.md").write_text("\n".join(lines), "utf-8")


@contextmanager
def _installation(options: Options, scratch: Path) -> Iterator[House]:
    web = f"http://127.0.0.1:{free_port()}"
    # Late morning where the first clinic is: texts come within the minute.
    start = datetime.now(UTC).replace(hour=15, minute=0, second=0, microsecond=0)
    time.use_clock_file(scratch / "clock", SPEED, start)
    more = {**_SETTINGS, "AFTERCARE_PUBLIC_URL": web, "AFTERCARE_PORT": web.rpartition(":")[2],
            "AFTERCARE_CLOCK_SPEED": SPEED, "AFTERCARE_CLOCK_FILE": scratch / "clock"}  # fmt: skip
    config = Config(callback_base=web, delays=Delays(sent=0.05, delivered=0.3, retry=0.5))
    with (
        _database(options.database, options.out.absolute()) as url,
        house(url, own_redis.url_for(scratch), scratch, config, **more) as h,
    ):
        yield h


@contextmanager
def _database(wanted: str, out: Path) -> Iterator[str]:
    if wanted == "postgresql":
        settings = (*servers.OPTIONS, "synchronous_commit=on", "autovacuum=on")
        with servers.postgres(servers.find_binaries(), settings) as server:
            url = text(servers.create_database(server, "aftercare"))
            migrate.upgrade(url)
            yield url
        return
    url = f"sqlite:///{out}/aftercare.db" if wanted == "sqlite" else wanted
    migrate.upgrade(url)
    yield url
