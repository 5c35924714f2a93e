"""The witness: every message a stand-in accepted, in order, never changed afterwards.

"Exactly once" is proven against this, so an entry is written at the instant of acceptance, before any answer: a
message whose answer is lost is here all the same, and one that was refused is not.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted message (for an e-mail: one recipient's copy)."""

    seq: int
    """1, 2, 3… within one sandbox; goes on counting over a reset."""
    at: datetime
    provider: str
    """"twilio" or "sendgrid"."""
    id: str
    """Message sid, or the copy's sg_message_id."""
    to: str
    sender: str
    """Number, messaging service sid or e-mail address, as it was given."""
    body: str
    """The text, or the e-mail's plain text."""
    subject: str | None = None
    status_callback: str | None = None
    custom_args: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "at": self.at.isoformat()}


class Ledger:
    """Append-only; safe to read from other threads."""

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._last = 0
        self._file = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a", encoding="utf-8")

    def accept(
        self,
        at: datetime,
        provider: str,
        id: str,  # noqa: A002 - the field's name
        to: str,
        sender: str,
        body: str,
        subject: str | None = None,
        status_callback: str | None = None,
        custom_args: Mapping[str, str] | None = None,
    ) -> Entry:
        """Write one acceptance down; on disk (flushed to the system) before this returns."""
        with self._lock:
            self._last += 1
            entry = Entry(
                self._last, at, provider, id, to, sender, body, subject, status_callback, dict(custom_args or {})
            )
            self._entries.append(entry)
            if self._file is not None:
                self._file.write(json.dumps(entry.as_json(), ensure_ascii=False) + "\n")
                self._file.flush()
        return entry

    def entries(self, after: int = 0) -> list[Entry]:
        """Everything accepted since entry number `after`."""
        with self._lock:
            return [entry for entry in self._entries if entry.seq > after] if after else list(self._entries)

    def stats(self) -> dict[str, Any]:
        """Counts by provider, and every (to, subject, body) accepted more than once: what "exactly once" forbids."""
        entries = self.entries()
        seen = Counter((entry.provider, entry.to, entry.subject, entry.body) for entry in entries)
        return {
            "accepted": len(entries),
            "by_provider": dict(Counter(entry.provider for entry in entries)),
            "recipients": len({entry.to for entry in entries}),
            "last_seq": self._last,
            "repeats": [
                {"provider": provider, "to": to, "subject": subject, "body": body, "times": times}
                for (provider, to, subject, body), times in seen.items()
                if times > 1
            ],
        }

    def forget(self, at: datetime) -> None:
        """Start anew in memory. The file is never rewritten: it gets a line that says so."""
        with self._lock:
            self._entries.clear()
            if self._file is not None:
                self._file.write(json.dumps({"reset": at.isoformat(), "after": self._last}) + "\n")
                self._file.flush()

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None
