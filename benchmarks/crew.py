"""Real processes of one installation: clocks, workers, web and Redis, each with the processor time it took."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time as world
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import urllib3
from pydantic import SecretStr
from redis import Redis

from benchmarks.place import Place, place
from commands import embedded
from commands.leash import dies_with_parent
from service.nudges import connect
from service.settings import Settings

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Crew:
    """The processes at work in one place."""

    here: Place
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *arguments: str) -> None:
        """Start `aftercare` with these arguments; its output goes to the place's log."""
        with (self.here.folder / "log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", "commands.main", *arguments],
                env={**os.environ, **_environment(self.here.parts.settings)}, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True, preexec_fn=dies_with_parent(),
            )  # fmt: skip

    def serve(self) -> str:
        """Start the web server; its address, once it answers."""
        self.start("web", "web")
        url = f"http://127.0.0.1:{self.here.parts.settings.port}"
        http = urllib3.PoolManager(retries=False, timeout=1.0)
        self.wait(lambda: _answers(http, url + "/healthz"), 120)
        return url

    def wait_for_workers(self, number: int) -> None:
        """Until so many workers have reported to Redis."""
        redis: Redis = connect(self.here.parts.settings.redis_url)
        self.wait(lambda: int(redis.scard("rq:workers")) >= number, 120)

    def wait(self, true: Callable[[], bool], seconds: float) -> None:
        """Until `true()`. Ends the benchmark when a process is gone or the time is over."""
        until = world.monotonic() + seconds
        while not true():
            if gone := [name for name, process in self.running.items() if process.poll() is not None]:
                raise SystemExit(f"{', '.join(gone)} ended: {self.log()}")
            if world.monotonic() > until:
                raise SystemExit(f"waited {seconds:.0f} s in vain: {self.log()}")
            world.sleep(0.05)

    def log(self) -> str:
        path = self.here.folder / "log"
        return path.read_text("utf-8", "replace")[-2000:] if path.exists() else ""

    def processor_seconds(self) -> dict[str, float]:
        """Used so far, by process, children included."""
        return {name: processor_seconds([process.pid]) for name, process in self.running.items()}

    def stop(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def hands(kind: str, provider: str) -> Iterator[Crew]:
    """A place with a Redis of its own and nobody at work yet; everybody is gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="aftercare-bench-redis-") as folder,
        embedded.redis(Path(folder), {}) as redis,
    ):
        settings = {"AFTERCARE_REDIS_URL": redis, "AFTERCARE_PORT": _free_port(), "AFTERCARE_WEB_WORKERS": 1}
        with place(kind, provider, **settings) as here:
            made = Crew(here)
            try:
                yield made
            finally:
                made.stop()


def busy_seconds() -> float:
    """Processor time that the whole machine has spent since it started."""
    user, nice, system, _idle, _wait, irq, softirq, *_ = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    return sum(map(int, (user, nice, system, irq, softirq))) / _TICKS


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(settings: Settings) -> dict[str, str]:
    env = {"PYTHONUNBUFFERED": "1"}
    for name, info in Settings.model_fields.items():
        value = getattr(settings, name)
        if value is not None and info.alias:
            env[info.alias] = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    return env


def _answers(http: urllib3.PoolManager, url: str) -> bool:
    try:
        return http.request("GET", url).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def processor_seconds(processes: Collection[int], with_ended: bool = False) -> float:
    """Of these processes and of those they started: gunicorn's work is done by its children. `with_ended`: of children
    too that are gone, as RQ's are after every job."""
    counted = slice(11, 15 if with_ended else 13)
    total = 0.0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, rest = path.parent.name, path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(number) in processes or int(rest[1]) in processes:
            total += sum(map(int, rest[counted])) / _TICKS
    return total
