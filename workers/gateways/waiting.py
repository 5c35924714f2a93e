"""How long a provider asks us to wait."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from service.time import now

LONGEST = 24 * 3600.0
"""Seconds. A larger number is a mistake on their side: the day's cap has an error code of its own."""


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds from Retry-After (a number or an HTTP date), else from X-RateLimit-Reset (a Unix time); None without.

    `headers` has its names in lower case. A date is measured from the answer's own Date where it has one, so that a
    clock that is off does no harm.
    """
    asked = headers.get("retry-after", "").strip()
    wait = _number(asked)
    if wait is None:
        moment = _moment(asked)
        if moment is None:
            reset = _number(headers.get("x-ratelimit-reset", "").strip())
            moment = datetime.fromtimestamp(reset, UTC) if reset is not None and reset < 1e11 else None
        if moment is None:
            return None
        wait = (moment - (_moment(headers.get("date", "")) or now())).total_seconds()
    return min(max(wait, 0.0), LONGEST)


def _number(text: str) -> float | None:
    return float(text) if text.isascii() and text.replace(".", "", 1).isdigit() else None


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
