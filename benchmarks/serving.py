"""The web server as `aftercare web` runs it, and the same server around a view that does nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from flask import Flask, Response
from pydantic import SecretStr

from benchmarks.place import Place
from commands.serve import serve
from service.settings import Settings

_START_SECONDS = 30.0


@contextmanager
def web(here: Place) -> Iterator[int]:
    """`aftercare web` for this installation; its port."""
    with _started(["commands.main", "web"], _environment(here.parts.settings)) as port:
        yield port


@contextmanager
def empty() -> Iterator[int]:
    """The same gunicorn around an empty Flask view; its port."""
    with _started([__name__], {}) as port:
        yield port


@contextmanager
def _started(program: list[str], environment: Mapping[str, str]) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    env = {**os.environ, **environment, "AFTERCARE_PORT": str(port), "AFTERCARE_LOG_LEVEL": "WARNING"}
    with subprocess.Popen([sys.executable, "-m", *program], env=env) as process:
        try:
            _wait_for(port, process)
            yield port
        finally:
            process.terminate()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("the web server did not start")


def _environment(settings: Settings) -> dict[str, str]:
    found = {}
    for name, info in type(settings).model_fields.items():
        value = getattr(settings, name)
        if value is not None and info.alias:
            found[info.alias] = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    return found


def _empty() -> Flask:
    app = Flask("empty")

    @app.post("/")
    def _view() -> Response:
        return Response("{}", 202, content_type="application/json")

    return app


if __name__ == "__main__":
    serve(_empty, Settings(_env_file=None))
