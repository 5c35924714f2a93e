"""P6: nothing that the supervisor started outlives it, and nothing that crashes stays down. With real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.processes import alive, children_of, wait_until

HEAD = """
import io, os, sys
from pathlib import Path
from commands.supervisor import Child, Supervisor
here = Path(sys.argv[1])
def python(code): return [sys.executable, "-u", "-c", code]
def file(name): return lambda: (here / name).exists()
LIVE = "import os, subprocess, sys, signal, time, pathlib; pathlib.Path(NAME + '.pid').write_text(str(os.getpid()));"
WAIT = "time.sleep(60)"
def live(name, more="", wait=WAIT, **options):
    return Child(name, python(LIVE.replace("NAME", repr(str(here / name))) + more + wait), **options)
GRANDCHILD = LIVE.replace("NAME", repr(str(here / "grand"))) + WAIT
HAS_CHILD = f"subprocess.Popen([sys.executable, '-c', {GRANDCHILD!r}]);"
"""


class Run:
    """A program in a process of its own that runs a Supervisor."""

    def __init__(self, folder: Path, body: str) -> None:
        self.folder = folder
        script = folder / "program.py"
        script.write_text(HEAD + textwrap.dedent(body))
        self.output = folder / "output"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, script, folder], stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
                # These tests may run under nohup, which children would inherit.
                preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
            )  # fmt: skip

    def pid(self, name: str, other_than: int | None = None) -> int:
        """The process id that child `name` wrote down, once it is not `other_than`."""
        path = self.folder / f"{name}.pid"
        wait_until(lambda: path.exists() and path.read_text() not in ("", str(other_than)))
        return int(path.read_text())

    def text(self) -> str:
        return self.output.read_text()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Run]]:
    runs: list[Run] = []

    def begin(body: str) -> Run:
        runs.append(Run(tmp_path, body))
        return runs[-1]

    yield begin
    for run in runs:
        if run.process.poll() is None:
            run.stop()
    for path in tmp_path.glob("*.pid"):
        pid = int(path.read_text())
        if alive(pid):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_and_is_no_failure(start: Callable[[str], Run], number: signal.Signals) -> None:
    run = start("sys.exit(Supervisor([live('a'), live('b')]).run())")
    pids = [run.pid("a"), run.pid("b")]
    assert run.stop(number) == 0
    assert not any(map(alive, pids))


def test_children_start_in_order_each_after_the_one_before_is_ready(start: Callable[[str], Run]) -> None:
    run = start("""
        first = live("first", f"time.sleep(0.4); pathlib.Path({str(here / 'ready')!r}).touch();", ready=file("ready"))
        second = live("second", f"print('ready' if pathlib.Path({str(here / 'ready')!r}).exists() else 'early');")
        Supervisor([first, second]).run()
    """)
    run.pid("second")
    wait_until(lambda: "second |" in run.text())
    assert "second | ready" in run.text()


def test_they_stop_by_their_order_each_after_the_one_before_is_gone(start: Callable[[str], Run]) -> None:
    """Workers finish what they hold while Redis is still there."""
    run = start("""
        say = "signal.signal(15, lambda *_: (time.sleep(0.3), print('gone', time.monotonic_ns()), os._exit(0)));"
        children = [live("redis", say, stop_order=9), live("web", say, stop_order=1), live("worker", say)]
        Supervisor(children, on_ready=(here / "all").touch).run()
    """)
    for name in ("redis", "web", "worker"):
        run.pid(name)
    time.sleep(0.2)
    assert run.stop() == 0
    gone = [line.split() for line in run.text().splitlines() if "| gone" in line]
    assert [words[0] for words in gone] == ["worker", "web", "redis"]
    moments = [int(words[3]) for words in gone]
    assert all(later - earlier > 0.3e9 for earlier, later in pairwise(moments))


def test_what_does_not_stop_is_killed(start: Callable[[str], Run]) -> None:
    run = start("Supervisor([live('deaf', 'signal.signal(15, signal.SIG_IGN); print(1);', grace=0.3)]).run()")
    pid = run.pid("deaf")
    wait_until(lambda: "deaf | 1" in run.text())
    began = time.monotonic()
    assert run.stop() == 0
    assert time.monotonic() - began < 3
    assert not alive(pid)
    assert "killed" in run.text()


def test_a_killed_child_is_started_again(start: Callable[[str], Run]) -> None:
    run = start("Supervisor([live('a'), live('b')]).run()")
    first, other = run.pid("a"), run.pid("b")
    os.kill(first, signal.SIGKILL)
    second = run.pid("a", other_than=first)
    assert alive(second)
    assert run.pid("b") == other
    assert "ended with status -9; starting it again" in run.text()
    run.stop()
    assert not alive(second)


def test_a_child_that_crashes_again_and_again_is_started_ever_more_slowly(start: Callable[[str], Run]) -> None:
    run = start("Supervisor([Child('x', python('raise SystemExit(3)'))]).run()")
    wait_until(lambda: "in 1 s" in run.text())
    pauses = [line.rsplit(" ", 2)[1] for line in run.text().splitlines() if "starting it again" in line]
    assert pauses[:3] == ["0.2", "0.5", "1"]


def test_what_a_crashed_child_started_does_not_stay(start: Callable[[str], Run]) -> None:
    run = start("""
        Supervisor([live("parent", HAS_CHILD)]).run()
    """)
    grandchild = run.pid("grand")
    os.kill(run.pid("parent"), signal.SIGKILL)
    wait_until(lambda: not alive(grandchild))


def test_the_end_of_a_child_that_does_not_restart_is_the_end_of_all(start: Callable[[str], Run]) -> None:
    run = start("""
        once = Child("once", python("raise SystemExit(7)"), restarts=False)
        sys.exit(Supervisor([live("a", ready=file("a.pid")), once]).run())
    """)
    pid = run.pid("a")
    assert run.process.wait(10) == 7
    assert not alive(pid)


@pytest.mark.parametrize("more", ["", "signal.signal(15, signal.SIG_IGN);"], ids=["gentle", "deaf"])
def test_killing_the_supervisor_leaves_no_orphans(start: Callable[[str], Run], more: str) -> None:
    """kill -9: neither children, nor theirs, nor the watcher."""
    run = start(f"""
        import commands.leash; commands.leash._GRACE_SECONDS = 1
        Supervisor([live("parent", HAS_CHILD + "{more}"), live("b")]).run()
    """)
    pids = [run.pid("parent"), run.pid("grand"), run.pid("b"), *children_of(run.process.pid)]
    assert len(set(pids)) == 4  # the two children, the grandchild, the watcher
    run.process.kill()
    run.process.wait()
    wait_until(lambda: not any(map(alive, pids)), seconds=12)


@pytest.mark.parametrize(
    ("child", "says"),
    [
        ("live('slow', ready=file('never'))", "slow was not ready after 0.5 s"),
        ("Child('dead', python('print(111); raise SystemExit(4)'), ready=file('never'))", "dead ended with status 4"),
    ],
)
def test_a_start_that_fails_says_why_and_leaves_nothing(start: Callable[[str], Run], child: str, says: str) -> None:
    run = start(f"Supervisor([live('a', ready=file('a.pid')), {child}], ready_timeout=0.5).run()")
    pid = run.pid("a")
    assert run.process.wait(10) != 0
    assert says in run.text()
    assert not alive(pid)
    if child.startswith("Child"):
        assert "dead | 111" in run.text()


def test_output_comes_in_whole_lines_under_the_childs_name(start: Callable[[str], Run]) -> None:
    run = start("""
        halves = "import time; print('one ', end='', flush=True); time.sleep(0.3); print('line'); print('rest', end='')"
        Supervisor([Child("talker", python(halves), restarts=False), live("b")]).run()
    """)
    run.process.wait(10)
    lines = run.text().splitlines()
    assert "talker | one line" in lines
    assert "talker | rest" in lines


def test_the_supervisor_is_idle_when_nothing_happens(start: Callable[[str], Run]) -> None:
    """A child that closes its output must not make it spin."""
    run = start("Supervisor([live('quiet', 'os.close(1); os.close(2);')]).run()")
    run.pid("quiet")
    time.sleep(0.3)
    before = cpu_seconds(run.process.pid)
    time.sleep(1)
    assert cpu_seconds(run.process.pid) - before < 0.1


def cpu_seconds(pid: int) -> float:
    if not Path("/proc/self/stat").exists():
        pytest.skip("no /proc here")
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
