"""SendGrid's event posts, read: an array of events, each with our `custom_args` flattened into it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from service.care.lifecycle import SENDGRID_EVENT, Channel
from service.problems import Problem
from service.records.receipts import Receipt

MOST_EVENTS = 10_000

_ABOUT_PEOPLE = frozenset({"spamreport", "unsubscribe", "group_unsubscribe"})
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,200}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,24}")
_STATUS_CODE = re.compile(r"[0-9.]{1,16}")
_SERVER_PART = re.compile(r"\.(?:filter|recv)")
"""From here on `sg_message_id` names SendGrid's machines; before it stands the `X-Message-Id` of the send."""
_DROPPED = (
    ("unsubscribe", "unsubscribed"),
    ("spam report", "spam"),
    ("bounce", "bounced"),
    ("invalid", "invalid"),
)


def receipts(body: bytes) -> list[Receipt]:
    """The events that matter to us. Raises Problem 400 for a body that is no array of objects."""
    try:
        events = json.loads(body)
    except (ValueError, RecursionError):
        raise Problem(400, "json_invalid", "The body is not JSON.") from None
    if not isinstance(events, list) or len(events) > MOST_EVENTS or not all(isinstance(one, dict) for one in events):
        raise Problem(400, "json_invalid", f"The body must be an array of at most {MOST_EVENTS} events.")
    found = (_receipt(event) for event in events)
    return [one for one in found if one is not None]


def _receipt(event: Mapping[str, Any]) -> Receipt | None:
    kind = event.get("event")
    if kind not in SENDGRID_EVENT and kind not in _ABOUT_PEOPLE:
        return None  # opens and clicks are switched off; whatever is new must not stop the rest of the array
    status = "blocked" if kind == "bounce" and event.get("type") == "blocked" else str(kind)
    # In "deferred" SendGrid writes its own count of attempts over our argument: then the id must do.
    token, provider_id = _text(event, "aftercare_attempt", _TOKEN), _provider_id(event)
    if token is None and provider_id is None:
        return None
    return Receipt(
        event_key=_key(event, status),
        channel=Channel.EMAIL,
        status=status,
        provider_id=provider_id,
        token=token,
        code=_why_dropped(event) if status == "dropped" else _text(event, "status", _STATUS_CODE),
        occurred_at=_moment(event.get("timestamp")),
    )


def _key(event: Mapping[str, Any], status: str) -> str:
    known = _text(event, "sg_event_id", _PRINTABLE)
    if known is not None and len(known) <= 128:
        return known
    told = json.dumps([known, event.get("sg_message_id"), event.get("email"), event.get("timestamp"), status])
    return "sha256:" + hashlib.sha256(told.encode()).hexdigest()


def _provider_id(event: Mapping[str, Any]) -> str | None:
    whole = _text(event, "sg_message_id", _PRINTABLE)
    return None if whole is None else _SERVER_PART.split(whole)[0]


def _why_dropped(event: Mapping[str, Any]) -> str | None:
    """Why SendGrid did not try, in one word of ours; its own sentence may hold the address."""
    said = str(event.get("reason", "")).casefold()
    return next((word for sign, word in _DROPPED if sign in said), None)


def _text(event: Mapping[str, Any], name: str, shape: re.Pattern[str]) -> str | None:
    value = event.get(name)
    return value if isinstance(value, str) and shape.fullmatch(value) else None


def _moment(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 4e9:
        return None
    return datetime.fromtimestamp(value, UTC)
