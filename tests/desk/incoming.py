"""Texts and mails that come in at the desk's two clinics, read as a worker reads them."""

from __future__ import annotations

import itertools
from typing import Any

from service import time
from service.care.lifecycle import Channel
from service.records import replies
from service.records.database import run
from service.records.replies import Incoming
from tests.desk.desk import Desk
from tests.desk.practice import Silent
from workers import listen

_numbers = itertools.count(5_000_000)


def says(desk: Desk, sender: str, body: str, recipient: str = "", **more: Any) -> int:
    """A text from this number; returns the reply's id."""
    here = desk.here
    channel = more.pop("channel", Channel.SMS)
    incoming = Incoming(f"SM{next(_numbers):032}", channel, sender, recipient or here.sending.sms_sender, body, **more)
    kept = run(here.engine, lambda connection: replies.keep(connection, here.sending.vault, incoming, time.now()))
    assert kept is not None
    assert listen.handle(here.engine, here.sending, Silent(), [kept]) == 1  # type: ignore[arg-type]
    return kept
