"""Signs of life of the processes that answer no HTTP. In real time, also where the service's clock runs fast."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, func, or_, select, update

from service.records.database import upsert
from service.records.tables import heartbeats

CLOCK = "clock"
"""What the names of all clocks begin with. Several may run, as "clock HOST PID": one alive is enough."""
EVERY = timedelta(seconds=1)
_FORGOTTEN_AFTER = timedelta(days=7)


_BEAT = (
    update(heartbeats)
    .where(heartbeats.c.name == bindparam("known"), heartbeats.c.at <= bindparam("before"))
    .values(at=bindparam("now"))
)


def beat(connection: Connection, name: str, at: datetime) -> None:
    """Note that `name` is alive. May be called at every turn: more than one write a second is left out."""
    if connection.execute(_BEAT, {"known": name, "before": at - EVERY, "now": at}).rowcount:
        return
    # A new name, as a rule: the time to drop those of processes long gone.
    connection.execute(heartbeats.delete().where(heartbeats.c.at < at - _FORGOTTEN_AFTER))
    # Nothing to do on conflict: it was noted within the last second, by us or by a process of the same name.
    fresh = upsert(connection.dialect.name, heartbeats).values(name=name, at=at)
    connection.execute(fresh.on_conflict_do_nothing())


def age_seconds(connection: Connection, name: str, now: datetime) -> float | None:
    """Seconds since the last sign of life of `name`, or of the liveliest "name …"; None where there never was one."""
    latest = connection.execute(
        select(func.max(heartbeats.c.at)).where(
            or_(heartbeats.c.name == name, heartbeats.c.name.startswith(name + " ", autoescape=True))
        )
    ).scalar()
    return None if latest is None else max(0.0, (now - latest).total_seconds())
