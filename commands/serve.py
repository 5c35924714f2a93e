"""The processes of an installation, each in the foreground until a signal ends it: web, clock, worker."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from gunicorn.app.base import BaseApplication
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from commands.installation import database_answers, opened, read_settings
from service import crashpoints, logs
from service.api import inside, metrics
from service.app import create_app
from service.nudges import QueueName, connect
from service.parts import ensure_senders
from service.records import migrate as migrations
from service.settings import Settings
from workers import jobs
from workers.clock import Clock

log = logging.getLogger(__name__)


@click.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    settings = read_settings()
    logs.configure(settings.log_level)
    migrations.upgrade(settings.database_url)
    click.echo("The database has the newest schema.", err=True)


@click.command()
def web() -> None:
    """Serve the API, the pages and the providers' webhooks."""
    settings = _begin()
    opened(settings).engine.dispose()  # what is not there is said here, in a line; each process then opens its own
    # Each process answers /metrics for all of them.
    counts, server = Path(tempfile.mkdtemp(prefix="aftercare-web-")), os.getpid()
    metrics.add_up_in(counts)
    try:
        serve(lambda: create_app(settings), settings)
    finally:
        if os.getpid() == server:  # the processes it forked end through here as well
            shutil.rmtree(counts, ignore_errors=True)


def serve(make: Callable[[], Any], settings: Settings) -> None:
    """Serve what `make` makes in every process, until a signal ends it."""
    _Gunicorn(
        make,
        {
            "bind": f"{settings.host}:{settings.port}",
            "workers": settings.web_workers,
            "threads": settings.web_threads,
            "worker_class": "gthread",
            "graceful_timeout": 20,
            "timeout": 60,
            "keepalive": 30,
            "accesslog": None,
            "errorlog": "-",
            "loglevel": "warning",
            "proc_name": "aftercare-web",
            "control_socket_disable": True,
        },
    ).run()


@click.command()
def clock() -> None:
    """Find what is due and nudge the workers."""
    settings = _begin()
    parts = opened(settings)
    with database_answers():
        ensure_senders(parts.engine, settings)
    stopped = _on_signal()
    Clock(parts, f"clock {socket.gethostname()} {os.getpid()}").run(stopped)


@click.command()
@click.option("--queue", type=click.Choice([name.value for name in QueueName]), required=True)
def worker(queue: str) -> None:
    """Work off one queue."""
    settings = _begin()
    parts = opened(settings)
    if not parts.nudges.reachable():
        raise click.ClickException("no Redis answers: run `aftercare up`, or set AFTERCARE_REDIS_URL to one that does")
    name = QueueName(queue)
    jobs.wire(name, parts, inside.Rows(parts.sending))
    # Without fork: a process a job would cost more than the job. One that is killed is restarted by its supervisor.
    redis = connect(settings.redis_url, blocking=True)
    rq = _Worker(
        [Queue(queue, connection=redis, serializer=JSONSerializer)],
        connection=redis,
        serializer=JSONSerializer,
        name=f"{queue}-{socket.gethostname()}-{os.getpid()}",
    )
    rq.log_result_lifespan = False
    try:
        rq.work(logging_level="WARNING", with_scheduler=False)
    finally:
        jobs.close()
    sys.exit(0)


def _begin() -> Settings:
    """What every process that runs on begins with."""
    try:
        crashpoints.arm()
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    settings = read_settings()
    logs.configure(settings.log_level)
    return settings


class _Worker(SimpleWorker):
    """RQ waits for its job when it is asked to end; a job of two thousand messages must know of it."""

    def handle_warm_shutdown_request(self) -> None:
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
        jobs.stop()


class _Gunicorn(BaseApplication):  # type: ignore[misc]
    def __init__(self, make: Callable[[], Any], options: dict[str, Any]) -> None:
        self._make = make
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        return self._make()


def _on_signal() -> Callable[[], bool]:
    """Becomes true once this process was asked to stop."""
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda which, _frame: asked.append(which))
    return lambda: bool(asked)
