"""What the views are handed: made once in `app.py`, reached through the app that serves the request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from flask import current_app
from sqlalchemy import Connection, Engine

from service.identify import Doorkeeper
from service.lookout import Lookout
from service.nudges import Nudges
from service.records.plans import Sending
from service.records.receipts import Receipt
from service.records.replies import Incoming
from service.settings import Settings
from service.signatures import Signatures


class TakeIn(Protocol):
    """Takes an event in as if the clinic had posted it; see `service/api/inside.py`."""

    def __call__(
        self, clinic_id: int, key: str, raw: bytes, also: Callable[[Connection], None] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """The status and the answer: what the API would have said, a problem's body for a 4xx.

        `also` belongs into the same transaction, such as a line in the audit.
        """


class TakePosted(Protocol):
    """Takes in an event that a clinic posted; see `service/api/arrivals.py`."""

    def __call__(self, clinic_id: int, key: str, raw: bytes) -> tuple[int, str]:
        """The status and the answer, which is JSON. Raises Problem."""


@dataclass(frozen=True)
class Context:
    """The service's parts."""

    settings: Settings
    engine: Engine
    sending: Sending
    doorkeeper: Doorkeeper
    nudges: Nudges
    signatures: Signatures
    events: TakeIn
    lookout: Lookout
    take_posted: TakePosted
    keep_receipts: Callable[[Sequence[Receipt]], object]
    """On record and applied when it returns."""
    keep_reply: Callable[[Incoming], object]
    """On record when it returns, and a worker told to read it."""


def context() -> Context:
    return cast(Context, current_app.extensions["aftercare"])
