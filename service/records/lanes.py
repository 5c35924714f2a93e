"""What is planned moves over when the installation sends from another number, service or address than before."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Connection, TextClause, text

from service.care.lifecycle import Channel
from service.records import clinics, senders

PART = 5000
"""Messages that move in one transaction: whoever wants one of them waits a moment."""


def move_over(connection: Connection, channel: Channel, sender: str) -> int:
    """Move some planned messages to the default `sender` from those that nobody uses any more; returns how many.

    What is queued or on its way keeps its sender: a worker may have it. 0 says that nothing is left.
    """
    in_use = {sender, *(clinics.senders(connection).values() if channel is Channel.SMS else ())}
    moved = 0
    for one in senders.all_of(connection):
        if one.channel is channel and one.sender not in in_use:
            values = {"channel": channel, "former": one.sender, "sender": sender, "limit": PART - moved}
            moved += connection.execute(_moving(connection.dialect.name), values).rowcount
    return moved


@cache
def _moving(dialect: str) -> TextClause:
    # What is due first goes first, down the index of what is due: where nothing is left, that is one look.
    planned = (
        "SELECT id FROM messages WHERE state = 'planned' AND channel = :channel AND sender = :former"
        " ORDER BY priority, due_at LIMIT :limit"
    )
    some = f"= ANY (ARRAY({planned} FOR UPDATE))" if dialect == "postgresql" else f"IN ({planned})"
    return text(f"UPDATE messages SET sender = :sender WHERE id {some} AND state = 'planned'")
