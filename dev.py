#!/usr/bin/env python3
"""Everything a developer does here, from a bare Python: `python3 dev.py demo`, `python3 dev.py test`.

The first run builds `.venv` from the hash locks; later runs see from a stamp that nothing has changed and start at
once.
"""
# Old Pythons must get as far as the check below, so nothing in this file may need a 3.7+ *parser*.

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    import os
    import shutil
    import subprocess

    for _name in ("python3.14", "python3.13", "python3.12", "python3.11"):
        _other = shutil.which(_name)
        # A name on the PATH may be a version manager's shim with nothing behind it: ask before leaving.
        if _other and subprocess.call([_other, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            os.execv(_other, [_other, *sys.argv])  # noqa: S606
    sys.exit(
        "Aftercare needs Python 3.11 or newer; this is Python {}.{} ({}).\n"
        "Install one (python.org, your package manager, pyenv) and run: python3.11 dev.py {}".format(
            sys.version_info[0], sys.version_info[1], sys.executable, " ".join(sys.argv[1:])
        )
    )

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "aftercare-stamp"
BOOTSTRAP_LOCK = ROOT / "requirements-bootstrap.lock"
LOCKS = {"runtime": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}

USAGE = """\
usage: python3 dev.py <command> [arguments]

  demo [...]        the whole service against stand-in providers, on this machine
  test [...]        the tests on two cores (arguments go to pytest)
  soak [...]        an hour of load, faults and kill -9 on a real installation, and a verdict (--help)
  check             ruff, mypy --strict, import-linter
  bench [...]       the benchmarks
  simulate [...]    the service in virtual time, against everything that goes wrong
  run <program>     any program inside the environment
  lock [--upgrade]  write the lock files anew from pyproject.toml"""


def main(argv: list[str]) -> int:
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(USAGE)
        return 0 if argv else 2
    command, arguments = argv[0], argv[1:]
    if command == "demo":
        ensure_environment("runtime")
        return become(["aftercare", "demo", *arguments])
    if command == "bench":
        ensure_environment("dev")
        return become(["python", "-m", "benchmarks", *arguments])
    if command == "simulate":
        ensure_environment("dev")
        return become(["python", "-m", "simulation", *arguments], {"PYTHONHASHSEED": "0"})
    if command == "test":
        ensure_environment("dev")
        selection = [] if any(a.startswith("-m") for a in arguments) else ["-m", "not slow"]
        return become(["python", "-m", "pytest", "-n", "2", *selection, *arguments], quick_temporary_folder())
    if command == "soak":
        ensure_environment("dev")
        return become(["python", "-m", "tests.soak", *arguments])
    if command == "check":
        ensure_environment("dev")
        return check()
    if command == "run" and arguments:
        ensure_environment("dev")
        return become(arguments, cwd=None)
    if command == "lock":
        ensure_environment("dev")
        return write_locks(arguments)
    print(USAGE, file=sys.stderr)
    return 2


def check() -> int:
    """Run every static check, all of them even when one fails; 0 when all passed."""
    failed = []
    typed = "service workers commands sandbox simulation benchmarks"
    for line in ("ruff check .", f"mypy --strict {typed}", "lint-imports"):
        print(f"--- {line}", flush=True)
        if subprocess.run(line.split(), cwd=ROOT, env=environment(), check=False).returncode:
            failed.append(line)
    print("check: " + ("failed: " + ", ".join(failed) if failed else "all passed"))
    return 1 if failed else 0


def write_locks(arguments: list[str]) -> int:
    """Resolve pyproject.toml anew. Existing pins stay unless `--upgrade` is given."""
    compile_ = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
    compile_ += ["--no-emit-index-url", "--no-header", *arguments]
    # Each later lock is held to the pins of the one before it, so the three can be installed together.
    for inputs in (
        "pyproject.toml -o requirements.lock",
        "pyproject.toml --group dev --group bootstrap -c requirements.lock -o requirements-dev.lock",
        "--group bootstrap -c requirements-dev.lock -o requirements-bootstrap.lock",
    ):
        command = [*compile_, *inputs.split()]
        status = subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode
        if status:
            return status
    return 0


def quick_temporary_folder() -> "dict[str, str]":
    """Where the tests' databases go: into memory if there is plenty, so that no test waits for a disk."""
    memory = Path("/dev/shm")  # noqa: S108 - pytest makes a folder in it that only this user can enter
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 * 1024**3:
        return {"PYTEST_DEBUG_TEMPROOT": str(memory)}
    return {}


def become(command: list[str], more: "dict[str, str] | None" = None, cwd: "Path | None" = ROOT) -> int:
    """Turn this process into `command`: its signals, its output and its exit code are then simply its own."""
    env = {**environment(), **(more or {})}
    program = shutil.which(command[0], path=env["PATH"])
    if program is None:
        print(f"dev.py: no such program: {command[0]}", file=sys.stderr)
        return 127
    if cwd:
        os.chdir(cwd)
    sys.stdout.flush()
    os.execve(program, command, env)  # noqa: S606
    return 127  # never reached


def environment() -> "dict[str, str]":
    env = {**os.environ, "VIRTUAL_ENV": str(VENV), "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}
    for name in ("PYTHONHOME", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "UV_SYSTEM_PYTHON"):
        env.pop(name, None)  # each of these would install somewhere other than into .venv
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # every process would compile the libraries anew: 3 s each
    if "PIP_INDEX_URL" in env:
        env.setdefault("UV_DEFAULT_INDEX", env["PIP_INDEX_URL"])  # uv does not read pip's settings
    return env


def ensure_environment(kind: str) -> None:
    """Make `.venv` hold what the lock says; `kind` is runtime or dev (which includes runtime). Exits on failure."""
    if kind == "runtime" and is_current("dev"):
        return
    if is_current(kind):
        return
    check_this_python()
    with only_one_at_a_time():
        if is_current(kind):
            return
        steps = Steps(total=4)
        fresh = not belongs_here()
        STAMP.unlink(missing_ok=True)
        python = str(VENV / "bin" / "python")
        pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input"]
        make_venv = [sys.executable, "-m", "venv", "--clear", str(VENV)]
        steps.run("environment", make_venv if fresh else [python, "-m", "ensurepip"])
        steps.run("installer", [*pip, "install", "--require-hashes", "-r", str(BOOTSTRAP_LOCK)])
        sync = ["uv", "pip", "sync", "--require-hashes", "--python", python, str(BOOTSTRAP_LOCK), str(LOCKS[kind])]
        # uv is a native program and reads none of pip's settings: where it cannot run or reach anything, pip still may.
        by_pip = [*pip, "install", "--require-hashes", "-r", str(BOOTSTRAP_LOCK), "-r", str(LOCKS[kind])]
        steps.run("libraries", sync, otherwise=by_pip)
        in_place = ["--no-deps", "--no-build-isolation", "-e", str(ROOT)]
        steps.run(
            "aftercare",
            ["uv", "pip", "install", "--python", python, *in_place],
            otherwise=[*pip, "install", *in_place],
        )
        STAMP.write_text(stamp(kind))
        steps.finish()


def stamp(kind: str) -> str:
    """What `.venv` was built from. The path is in it because a moved checkout leaves dead paths in its scripts."""
    digest = hashlib.sha256()
    for path in (BOOTSTRAP_LOCK, LOCKS[kind], ROOT / "pyproject.toml"):
        digest.update(path.read_bytes())
    return f"{ROOT}\n{kind}\n{digest.hexdigest()}\n"


def is_current(kind: str) -> bool:
    try:
        # exists() follows the link: a Python that was upgraded away leaves it dangling.
        return STAMP.read_text() == stamp(kind) and (VENV / "bin" / "python").exists()
    except OSError:
        return False


def belongs_here() -> bool:
    """Whether the `.venv` that is there was finished once, at this path, with a Python that still exists."""
    try:
        return STAMP.read_text().startswith(f"{ROOT}\n") and (VENV / "bin" / "python").exists()
    except OSError:
        return False


def check_this_python() -> None:
    if os.name != "posix":
        sys.exit("Aftercare runs on Linux and macOS. On Windows, use WSL: wsl --install, then run this there.")
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        sys.exit(
            f"This Python {version} ({sys.executable}) cannot make virtual environments:\n"
            "its venv or ensurepip module is missing.\n"
            f"  Debian, Ubuntu:  sudo apt-get install python{version}-venv\n"
            f"  elsewhere:       install a complete Python {version} (python.org, Homebrew, pyenv)"
        )


class only_one_at_a_time:  # noqa: N801 - reads as a function where it is used
    """Two terminals may start at once; the second waits and then finds the work done."""

    def __enter__(self) -> None:
        import fcntl

        self.file = Path(__file__).open("rb")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("Another dev.py is setting up .venv; waiting for it…", file=sys.stderr, flush=True)
            fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self.file.close()


class Steps:
    """Runs programs one after another and says on stderr where it is: a live line on a terminal, else a line a step."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.number = 0
        self.started = time.monotonic()
        self.live = sys.stderr.isatty()

    def run(self, name: str, command: list[str], otherwise: "list[str] | None" = None) -> None:
        """Run `command`, or if that fails `otherwise`; exit with what it printed if neither works."""
        self.number += 1
        began = time.monotonic()
        stop = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(name, began, stop), daemon=True)
        if self.live:
            ticker.start()
        try:
            output = self._attempt(command)
            if output is not None and otherwise is not None:
                output = self._attempt(otherwise)
        finally:
            stop.set()
            if self.live:
                ticker.join()
        if output is not None:
            self._say(name, began, "failed", "\n")
            sys.exit("\n".join(output.strip().splitlines()[-40:]))
        self._say(name, began, "done", "\n")

    def finish(self) -> None:
        print(f"[ready] .venv in {time.monotonic() - self.started:.1f} s", file=sys.stderr, flush=True)

    def _attempt(self, command: list[str]) -> "str | None":
        """None when it worked, else what it printed."""
        env = environment()
        with tempfile.TemporaryFile("w+", errors="replace") as output:
            try:
                program = shutil.which(command[0], path=env["PATH"]) or command[0]
                # Its own group: Ctrl-C reaches only us, and we end it before we go.
                process = subprocess.Popen(
                    [program, *command[1:]], cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                    start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                return f"{command[0]}: {error}"
            try:
                status = process.wait()
            except BaseException:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait()
                raise
            output.seek(0)
            return None if status == 0 else f"$ {' '.join(command)}\n{output.read()}"

    def _tick(self, name: str, began: float, stop: threading.Event) -> None:
        while not stop.wait(0.1):
            self._say(name, began, "…", "")

    def _say(self, name: str, began: float, state: str, end: str) -> None:
        start = "\r\x1b[2K" if self.live else ""
        line = f"[{self.number}/{self.total}] {name:<12} {state} {time.monotonic() - began:.1f} s"
        print(start + line, end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    # A closed terminal or a stopped CI job should unwind like Ctrl-C does, not leave an installer running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        sys.exit(130)  # what a shell gives a program that Ctrl-C ended
