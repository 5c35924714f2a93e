"""How old a row must be before nothing can appear in front of it any more.

A row's place (its id, or the moment of its last change) is drawn inside its transaction and seen once that commits: of
two rows the later may be seen first, and a reader whose cursor has passed it would never see the other.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

SKEW_SECONDS = 1.0
"""How far the clocks of an installation's machines may differ, and how long a transaction may read before it writes."""
SAME_CLOCK_SECONDS = 0.05
"""With SQLite there is one writer at a time, on one machine: a place is drawn in the order of commits."""

# Who has locked or written anything has a transaction id. Readers, such as a long backup, do not count.
_OLDEST_WRITER = text(
    "SELECT max(extract(epoch FROM clock_timestamp() - xact_start)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()"
)


def settled_age(connection: Connection) -> float:
    """Real seconds: what was drawn longer ago than this has everything in front of it that it will ever have.

    Ask in a transaction of its own, before the rows are read.
    """
    if connection.dialect.name != "postgresql":
        return SAME_CLOCK_SECONDS
    oldest = connection.execute(_OLDEST_WRITER).scalar_one()
    return float(oldest or 0.0) + SKEW_SECONDS
