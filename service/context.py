"""What the views are handed: made once in `app.py`, reached through the app that serves the request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app
from sqlalchemy import Engine

from service.identify import Doorkeeper
from service.nudges import Nudges
from service.records.plans import Sending
from service.settings import Settings
from service.signatures import Signatures


@dataclass(frozen=True)
class Context:
    """The service's parts."""

    settings: Settings
    engine: Engine
    sending: Sending
    doorkeeper: Doorkeeper
    nudges: Nudges
    signatures: Signatures


def context() -> Context:
    return cast(Context, current_app.extensions["aftercare"])
