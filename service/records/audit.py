"""Who looked at or changed what, and when."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert

from service.records.ids import new_id
from service.records.tables import audit


def note(connection: Connection, clinic_id: int | None, actor: str, action: str, subject: str, at: datetime) -> None:
    """Write one line. `subject` names a row ("patient 123"), never a person."""
    connection.execute(
        insert(audit).values(id=new_id(), clinic_id=clinic_id, actor=actor, action=action, subject=subject, at=at)
    )
