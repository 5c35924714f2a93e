"""A whole installation: every process of it, and the sandbox's beside them. None of its parts is in this process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote

from commands.processes import MIGRATE, PROCESSES
from sandbox.config import Config
from sandbox.signing import SigningKey
from service.records.sealing import new_key
from tests.nursery import Born, bear
from tests.processes import free_port, wait_until

ROOT = Path(__file__).parents[2]
_MOVE = """
import sys
from datetime import datetime, timedelta
from pathlib import Path
from service import time
time.use_clock_file(Path(sys.argv[1]), 1.0, datetime.fromisoformat(sys.argv[2]))
time.jump_to(time.now() + timedelta(hours=float(sys.argv[3])))
"""


@dataclass(frozen=True)
class Running:
    """Where it is reached, and what every process of it is told."""

    web: str
    sandbox: str
    folder: Path
    env: dict[str, str]

    def aftercare(self, *arguments: str) -> str:
        """What a command says."""
        said = self.folder / "said"
        said.unlink(missing_ok=True)
        command = bear(arguments, self.env, said)
        command.wait()
        assert command.returncode == 0, said.read_text("utf-8")
        return said.read_text("utf-8")

    def let_pass(self, hours: float) -> None:
        """Move the clock that all its processes share."""
        # In a process of its own: the clock of this one is the world's.
        move = [sys.executable, "-c", _MOVE, str(self.folder / "clock"), _START.isoformat(), str(hours)]
        subprocess.run(move, cwd=ROOT, check=True)

    def words(self, number: str) -> str:
        """What is on a phone."""
        return "\n".join(one["words"] for one in self._ask(f"thread?number={quote(number)}")["bubbles"])

    def letters(self, address: str) -> str:
        """What is in a mailbox."""
        found = self._ask(f"mailbox?address={quote(address)}")["mails"]
        return "\n".join(self._ask(f"mail?id={quote(one['id'])}")["text"] for one in found)

    def texts_back(self, number: str, words: str) -> None:
        """Somebody types an answer on their phone."""
        body = json.dumps({"from": number, "body": words}).encode()
        request = urllib.request.Request(f"{self.sandbox}/__sandbox/reply", body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request).close()

    def _ask(self, what: str) -> Any:
        with urllib.request.urlopen(f"{self.sandbox}/__sandbox/{what}") as answer:
            return json.load(answer)


_START = datetime.now(UTC).replace(hour=15, minute=0, second=0, microsecond=0) - timedelta(days=1)
"""In the middle of a day in the United States, whenever the test runs."""


@contextmanager
def running(folder: Path, database_url: str, redis_url: str) -> Iterator[Running]:
    """Everything that `aftercare up` starts, on this database; gone at the end."""
    web_port, sandbox_port = free_port(), free_port()
    web, sandbox = f"http://127.0.0.1:{web_port}", f"http://127.0.0.1:{sandbox_port}"
    signing, config = SigningKey(folder / "sendgrid-key.pem"), Config()
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AFTERCARE_", "TWILIO_"))},
        "AFTERCARE_VAR": str(folder),
        "AFTERCARE_DATABASE_URL": database_url,
        "AFTERCARE_REDIS_URL": redis_url,
        "AFTERCARE_PUBLIC_URL": web,
        "AFTERCARE_HOST": "127.0.0.1",
        "AFTERCARE_PORT": str(web_port),
        "AFTERCARE_WEB_WORKERS": "1",
        "AFTERCARE_KEYS": new_key(),
        "AFTERCARE_CLOCK_FILE": str(folder / "clock"),
        **config.told(sandbox),
        "AFTERCARE_WEBHOOKS_ALLOW_PRIVATE": "true",
        "AFTERCARE_LOG_LEVEL": "WARNING",
        "TWILIO_MESSAGING_SERVICE_SID": config.messaging_service_sid,
        "SENDGRID_FROM": "care@clinic.example",
        "SENDGRID_EVENT_PUBLIC_KEY": signing.public,
    }
    carriers = [
        sys.executable, "-m", "sandbox", "--port", str(sandbox_port), "--callback-base", web, "--no-magic",
        "--messaging-service-sid", config.messaging_service_sid, "--key-file", str(folder / "sendgrid-key.pem"),
        "--clock-file", str(folder / "clock"),
    ]  # fmt: skip
    made = Running(web, sandbox, folder, env)
    made.let_pass(0)
    made.aftercare(*MIGRATE)
    born: list[Born] = []
    with subprocess.Popen(carriers, cwd=ROOT) as postman:
        try:
            born += [bear(arguments, env, folder / "log") for arguments in PROCESSES.values()]
            wait_until(lambda: _answers(f"{web}/readyz") and _answers(f"{sandbox}/__sandbox/pending"), seconds=60)
            yield made
        finally:
            for process in born:
                process.kill()
            postman.terminate()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
