"""What was committed, in the order in which it was: the checker's view of the database.

Triggers on the tables hand every row that is inserted or changed to `note`. It becomes history when the transaction
commits, and is forgotten when it does not. What the product's own code says it did is not asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from service.records import desk_tables
from service.records.database import from_micros

metadata = desk_tables.imports.metadata

WATCHED: dict[str, tuple[str, ...]] = {
    "messages": (
        "patient_id", "session_id", "cause_id", "step", "channel", "survey", "priority", "due_at", "window_until",
        "state", "reason", "check_at", "handed_at", "tries",
    ),
    "attempts": ("message_id", "number", "token", "started_at", "outcome", "provider_id", "code"),
    "patients": (
        "clinic_id", "external_id", "timezone", "sms_consent", "email_consent", "phone_key", "email_key", "paused_at",
        "stopped_at", "erased_at",
    ),
    "sessions": ("external_id", "patient_id", "ended_at", "cancelled_at", "superseded_from", "protocol_id"),
    "responses": ("patient_id", "session_id", "survey", "changed_at", "completed_at"),
    "suppressions": ("clinic_id", "channel", "address_key", "reason", "lifted_at"),
    "events": ("key", "type", "status"),
    "receipts": ("event_key", "status", "applied_at"),
    "replies": ("provider_key", "sender_key", "handled_at", "meaning", "patient_id"),
    "alerts": (
        "clinic_id", "patient_id", "cause", "urgency", "since", "rounds", "next_notice_at", "acknowledged_at",
        "closed_at",
    ),
    "alert_events": ("alert_id", "kind", "at", "contact_id", "channel", "source"),
    "protocols": ("clinic_id", "version", "approved_at", "followers"),
    "imports": ("clinic_id", "phase", "position", "taken", "already", "check_at"),
    "webhook_endpoints": ("clinic_id", "disabled_at"),
    "webhook_events": ("patient_id", "type"),
    "webhook_deliveries": ("event_id", "endpoint_id", "state", "due_at"),
}  # fmt: skip
"""The columns of each table that a promise can be held against."""
_KEYS = {"webhook_deliveries": "event_id"}
"""What names a row where it has no id. A clinic has one endpoint at a time, and an event so one delivery."""

_MOMENTS = {
    name: tuple(place for place, column in enumerate(columns) if column.endswith(("_at", "_until", "_from")) or column
                in ("at", "since"))
    for name, columns in WATCHED.items()
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One row as a committed transaction left it."""

    seq: int
    """Of the transaction: 1, 2, 3… in order of commit."""
    micros: int
    """True virtual time of the commit."""
    who: str
    table: str
    row: int
    values: tuple[Any, ...]
    before: tuple[Any, ...] | None
    """None: it was inserted."""

    def __getitem__(self, column: str) -> Any:
        return self.values[_PLACES[self.table][column]]

    def was(self, column: str) -> Any:
        return None if self.before is None else self.before[_PLACES[self.table][column]]

    def changed(self, column: str) -> bool:
        place = _PLACES[self.table][column]
        return self.before is None or self.before[place] != self.values[place]


_PLACES = {name: {column: place for place, column in enumerate(columns)} for name, columns in WATCHED.items()}


@dataclass
class History:
    """Committed changes, oldest first."""

    changes: list[Change] = field(default_factory=list)
    seq: int = 0
    _rows: dict[tuple[str, int], tuple[Any, ...]] = field(default_factory=dict)

    def commit(self, micros: int, who: str, noted: list[tuple[str, int, tuple[Any, ...]]]) -> list[Change]:
        """Make what a transaction noted history."""
        self.seq += 1
        fresh = []
        for table, row, raw in noted:
            values = _opened(table, raw)
            change = Change(self.seq, micros, who, table, row, values, self._rows.get((table, row)))
            self._rows[table, row] = values
            fresh.append(change)
        self.changes += fresh
        return fresh

    def row(self, table: str, row: int) -> dict[str, Any] | None:
        """The row as it was last committed."""
        values = self._rows.get((table, row))
        return None if values is None else dict(zip(WATCHED[table], values, strict=True))

    def rows(self, table: str) -> Iterator[tuple[int, dict[str, Any]]]:
        for (name, row), values in self._rows.items():
            if name == table:
                yield row, dict(zip(WATCHED[table], values, strict=True))

    def of(self, *names: str) -> Iterator[Change]:
        return (change for change in self.changes if change.table in names)


def _opened(table: str, raw: tuple[Any, ...]) -> tuple[Any, ...]:
    values = list(raw)
    for place in _MOMENTS[table]:
        if isinstance(values[place], int):
            values[place] = from_micros(values[place])
    return tuple(values)


def triggers() -> Iterator[str]:
    """SQLite triggers that call the function `noted(table, id, values…)`."""
    for name, columns in WATCHED.items():
        table = metadata.tables[name]
        row = ", ".join(f"NEW.{table.c[column].name}" for column in columns)
        call = f"SELECT noted('{name}', NEW.{_KEYS.get(name, 'id')}, {row})"
        yield f"CREATE TRIGGER noted_{name}_new AFTER INSERT ON {name} BEGIN {call}; END"
        yield f"CREATE TRIGGER noted_{name} AFTER UPDATE OF {', '.join(columns)} ON {name} BEGIN {call}; END"


def at(moment: datetime | None) -> datetime:
    """A moment that has to be there."""
    assert moment is not None
    return moment
