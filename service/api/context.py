"""What the views are handed: made once in `app.py`, reached through the app that serves the request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from flask import current_app
from sqlalchemy import Engine

from service.api.identify import Doorkeeper
from service.nudges import Nudges
from service.records.plans import Sending
from service.settings import Settings


@dataclass(frozen=True)
class Context:
    """The service's parts."""

    settings: Settings
    engine: Engine
    sending: Sending
    doorkeeper: Doorkeeper
    nudges: Nudges
    verify_twilio: Callable[[str, dict[str, str], str], bool]
    """(url, form, signature): whether Twilio signed it."""
    verify_sendgrid_events: Callable[[bytes, str, str], bool]
    """(body, signature, timestamp): whether SendGrid signed it."""
    verify_sendgrid_inbound: Callable[[bytes, str, str], bool]


def context() -> Context:
    return cast(Context, current_app.extensions["aftercare"])
