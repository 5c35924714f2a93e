"""How soon a person must look at something a patient said, or did not say."""

from __future__ import annotations

from enum import StrEnum


class Urgency(StrEnum):
    """How soon a person must look."""

    EMERGENCY = "emergency"
    """The patient is told to call the emergency number at once; the on-call contact is paged."""
    URGENT = "urgent"
    """Call back within the hour while open."""
    NEXT_BUSINESS_DAY = "next_business_day"
    WATCH = "watch"
    """On the worklist."""

    @property
    def rank(self) -> int:
        """3 for an emergency down to 0."""
        return 3 - list(Urgency).index(self)
