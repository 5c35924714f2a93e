"""Every read of what patients said is noted, by whom and what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from service import time
from service.context import context
from service.records import audit
from service.records.database import run


def note_read(clinic_id: int, action: str, subject: str) -> None:
    """A program of the clinic's read `subject`."""
    run(context().engine, lambda connection: audit.note(connection, clinic_id, "api", action, subject, time.now()))


def note_page(clinic_id: int, action: str, what: str, rows: Sequence[Any]) -> None:
    """The same of a page of rows, if there are any."""
    if rows:
        note_read(clinic_id, action, f"{what} {rows[0].id} to {rows[-1].id} ({len(rows)})")
