"""What may go away under an installation, and what is seen when it does."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

BOTH = ("sqlite", "postgresql")


class Outage(StrEnum):
    """Everything that the processes depend on, in every way that it fails."""

    REDIS_KILLED = "redis.killed"
    """Redis is killed with messages queued, and comes back empty after two seconds."""
    REDIS_FLUSHED = "redis.flushed"
    """FLUSHALL, five times a second for two seconds, with messages queued."""
    REDIS_FULL = "redis.full"
    """Redis is at `maxmemory` with `noeviction`: it refuses every write for three seconds."""
    REDIS_SLOW = "redis.slow"
    """Every packet to and from Redis takes a quarter of a second."""
    REDIS_HANGS = "redis.hangs"
    """Redis takes connections and does not answer for eight seconds."""
    POSTGRESQL_RESTARTED = "postgresql.restarted"
    """A fast restart, with texts on the wire: every connection is closed, new ones are refused for a second."""
    POSTGRESQL_CRASHED = "postgresql.crashed"
    """An immediate stop, as after a power cut, with texts on the wire; then recovery from its log."""
    POSTGRESQL_FULL = "postgresql.connections_used_up"
    """Somebody else holds every connection for three seconds; web and worker are restarted meanwhile."""
    SQLITE_DISK_FULL = "sqlite.disk_full"
    """The disk that holds the database is filled to its last byte, with texts on the wire."""
    SQLITE_LOCKED = "sqlite.locked"
    """Another program holds SQLite's write lock for three seconds."""
    PROVIDER_SLOW = "provider.slow"
    """Every hand-over takes two seconds."""
    PROVIDER_DOWN = "provider.down"
    """Nobody listens at the provider for two and a half hours (twelve seconds on a fast clock)."""
    PROVIDER_FLAPS = "provider.flaps"
    """For six seconds it breaks connections before or after taking a text, answers with garbage, or works, in turns."""


@dataclass(frozen=True)
class Seen:
    outage: Outage
    seen: str
    databases: tuple[str, ...] = BOTH


_PG, _LITE = ("postgresql",), ("sqlite",)

OUTAGES = (
    Seen(Outage.REDIS_KILLED, "`/readyz` names redis; events are taken in at once; the clock repeats the lost nudges"),
    Seen(Outage.REDIS_FLUSHED, "nothing at the web; the clock repeats the lost nudges"),
    Seen(Outage.REDIS_FULL, "events are taken in; nudges are refused and repeated by the clock; workers that could not "
         "write are started again"),
    Seen(Outage.REDIS_SLOW, "events are taken in, a packet's time later"),
    Seen(Outage.REDIS_HANGS, "`/readyz` names redis; events are taken in, the first ones seconds late"),
    Seen(Outage.POSTGRESQL_RESTARTED, "`/readyz` names database; events get 503 with Retry-After, the repeat is taken "
         "in once; what was on the wire is asked for at the provider", _PG),
    Seen(Outage.POSTGRESQL_CRASHED, "the same", _PG),
    Seen(Outage.POSTGRESQL_FULL, "`/readyz` names database; events get 503 with Retry-After", _PG),
    Seen(Outage.SQLITE_DISK_FULL, "events get 503 with Retry-After; what was on the wire is asked for at the provider",
         _LITE),
    Seen(Outage.SQLITE_LOCKED, "events wait and are taken in", _LITE),
    Seen(Outage.PROVIDER_SLOW, "nothing"),
    Seen(Outage.PROVIDER_DOWN, "texts are tried again with growing pauses; two whose window closes meanwhile expire "
         "with that reason, the others go out late"),
    Seen(Outage.PROVIDER_FLAPS, "answers are lost; each text is looked for at the provider before it is sent again"),
)  # fmt: skip
