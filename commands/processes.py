"""The processes of one installation: what `aftercare up` starts here and docker-compose.yml starts elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

QUEUES: Final = ("deliver-sms", "deliver-email", "urgent", "listen", "reconcile", "hooks", "imports")
"""One worker each. Texts and e-mails are apart so that one slow provider never holds up the other; `urgent` carries
safety messages and alerts, which wait behind nothing."""

MIGRATE: Final = ("migrate",)
"""Runs to its end before any of `PROCESSES` starts."""

PROCESSES: Final[Mapping[str, tuple[str, ...]]] = {
    "web": ("web",),
    "clock": ("clock",),
    **{queue: ("worker", "--queue", queue) for queue in QUEUES},
}
"""Name to the arguments of `aftercare`, in starting order."""
