"""`aftercare up` as a whole, with a stand-in for the program whose parts it runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from commands.processes import PROCESSES
from tests.processes import alive, wait_until

STAND_IN = """
import os, sys, time
from pathlib import Path
import redis
name = "_".join(sys.argv[2:])
log = Path(sys.argv[1])
if name != "migrate":
    redis.Redis.from_url(os.environ["AFTERCARE_REDIS_URL"]).ping()
    assert (log / "migrate").exists()
(log / name).write_text(str(os.getpid()))
if name != "migrate":
    time.sleep(60)
"""
UP = """
import os, sys
from pathlib import Path
from commands.up import up
here = Path(sys.argv[1])
sys.exit(up(here / "var", os.environ, [sys.executable, str(here / "stand_in.py"), str(here / "log")]))
"""


def test_it_migrates_then_runs_everything_then_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    log = tmp_path / "log"
    log.mkdir()
    names = {"migrate", *("_".join(arguments) for arguments in PROCESSES.values())}
    environ = {name: value for name, value in os.environ.items() if name != "AFTERCARE_REDIS_URL"}
    run = subprocess.Popen(
        [sys.executable, "-c", UP, tmp_path],
        env={**environ, "PYTHONPATH": str(Path(__file__).parents[2])}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_until(lambda: {path.name for path in log.iterdir() if path.read_text()} == names, seconds=30)
        pids = [int(path.read_text()) for path in log.iterdir()]
        run.send_signal(signal.SIGINT)
        assert run.wait(30) == 0
        assert not any(map(alive, pids))
        assert not (tmp_path / "var" / "redis" / "socket").exists()
    finally:
        run.kill()
        run.wait()
