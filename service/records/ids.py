"""Row ids: 63 bits, made by the process that inserts, ordered by time.

41 bits of milliseconds and 22 random ones. Ids are known before the insert, so that a row's id can be bound into what
is sealed in it and a session's twenty messages need no round trip to learn theirs. Two processes may draw the same id
in the same millisecond about once in 100 000 tries under full load; the insert then fails on its primary key and
`database.run` repeats the transaction with new ones.
"""

from __future__ import annotations

import secrets
import threading
import time
from datetime import datetime

_EPOCH_MS = 1_704_067_200_000  # 2024-01-01
_lock = threading.Lock()
_last = 0


def new_id() -> int:
    """One id, larger than any this process made before."""
    return new_ids(1)[0]


def new_ids(count: int) -> range:
    """`count` consecutive ids."""
    global _last
    with _lock:
        fresh = ((time.time_ns() // 1_000_000 - _EPOCH_MS) << 22) | secrets.randbits(22)
        first = max(fresh, _last + 1)
        _last = first + count - 1
        return range(first, first + count)


def age(row_id: int) -> float:
    """Real seconds since the id was drawn."""
    return time.time() - ((row_id >> 22) + _EPOCH_MS) / 1000


def first_at(moment: datetime) -> int:
    """The smallest id that can be drawn from `moment` (real time) on."""
    return max(int(moment.timestamp() * 1000) - _EPOCH_MS, 0) << 22


def row_id(text: str | None) -> int | None:
    """The id of a row as somebody outside writes it; None for what no row can have."""
    digits = text or ""
    found = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 19 else 0
    return found if 0 < found < 2**63 else None
