"""How long the clocks of a run may sleep: looks that would find nothing are left out."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

from service.records.database import to_micros
from simulation.scheduler import SECOND, Scheduler

LONGEST_IDLE = timedelta(hours=6)
"""Virtual time a clock may leave out when nothing is due: it also minds what no due time tells of."""
_DUE = (
    "SELECT min(check_at) FROM messages WHERE check_at IS NOT NULL",
    "SELECT min(next_notice_at) FROM alerts WHERE next_notice_at IS NOT NULL",
    "SELECT min(received_at) + 2000000 FROM replies WHERE handled_at IS NULL",
    # A receipt whose attempt has become known.
    "SELECT 0 FROM receipts JOIN attempts ON attempts.provider_id = receipts.provider_id"
    " WHERE applied_at IS NULL LIMIT 1",
    "SELECT min(due_at) FROM webhook_deliveries WHERE state IN ('waiting', 'queued', 'posting')",
    "SELECT min(check_at) FROM imports",
    "SELECT 0 FROM protocols WHERE followers IS NOT NULL LIMIT 1",
)


class Idle:
    """Looks at the database from outside, without a boundary."""

    def __init__(self, path: Path, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._looker = sqlite3.connect(path, isolation_level=None)

    def until(self) -> int:
        """Virtual time before which a look of a clock can find nothing, as things are."""
        wall = to_micros(self._scheduler.wall())
        moments = [wall + int(LONGEST_IDLE.total_seconds()) * SECOND]
        for channel, sender, paused, closed in self._looker.execute(
            "SELECT channel, sender, paused_at, closed_until FROM senders"
        ):
            for priority in (0, 1):
                (due,) = self._looker.execute(
                    "SELECT min(due_at) FROM messages WHERE state = 'planned' AND channel = ? AND sender = ?"
                    " AND priority = ?",
                    (channel, sender, priority),
                ).fetchone()
                if due is not None:
                    held = paused + 15 * 60 * SECOND if paused is not None and priority == 1 else 0
                    moments.append(max(due, held, closed or 0))
        for query in _DUE:
            (moment,) = self._looker.execute(query).fetchone() or (None,)
            if moment is not None:
                moments.append(moment)
        return self._scheduler.micros + min(moments) - wall

    def close(self) -> None:
        self._looker.close()
