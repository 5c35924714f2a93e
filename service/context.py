"""What the views are handed: made once in `app.py`, reached through the app that serves the request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, cast

from flask import current_app
from sqlalchemy import Connection, Engine

from service.identify import Doorkeeper
from service.lookout import Lookout
from service.nudges import Nudges
from service.records.plans import Sending
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


def context() -> Context:
    return cast(Context, current_app.extensions["aftercare"])
