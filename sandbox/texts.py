"""Twilio's side of a text: what it keeps, how it shows it, how it finds it again."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from service import time

FINAL = frozenset({"delivered", "undelivered", "failed", "canceled", "received"})
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWO = frozenset("^{}\\[~]|€\f")
_GSM_ALL = _GSM | _GSM_TWO


@dataclass(slots=True)
class Text:
    """One message resource."""

    sid: str
    to: str
    sender: str | None
    """None until a messaging service has picked a number."""
    service_sid: str | None
    body: str
    status: str
    direction: str
    created: datetime
    updated: datetime
    sent: datetime | None = None
    send_at: datetime | None = None
    error_code: int | None = None
    status_callback: str | None = None
    media: tuple[str, ...] = ()
    segments: int = 0

    def move(self, status: str, error_code: int | None = None) -> None:
        self.status = status
        self.updated = time.real_now()
        if status == "sent":
            self.sent = self.updated
        if error_code is not None:
            self.error_code = error_code

    def as_json(self, account_sid: str) -> dict[str, Any]:
        uri = f"/2010-04-01/Accounts/{account_sid}/Messages/{self.sid}"
        return {
            "account_sid": account_sid,
            "api_version": "2010-04-01",
            "body": self.body,
            "date_created": rfc2822(self.created),
            "date_sent": rfc2822(self.sent) if self.sent else None,
            "date_updated": rfc2822(self.updated),
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": None,
            "from": self.sender,
            "messaging_service_sid": self.service_sid,
            "num_media": str(len(self.media)),
            "num_segments": str(self.segments),
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": self.to,
            "uri": f"{uri}.json",
        }


@dataclass(frozen=True, slots=True)
class Search:
    """The filters of a list request."""

    to: str | None = None
    sender: str | None = None
    sent_from: datetime | None = None
    """Inclusive, like `sent_until`; a message that was not sent yet matches neither."""
    sent_until: datetime | None = None

    def matches(self, text: Text) -> bool:
        if (self.to and text.to != self.to) or (self.sender and text.sender != self.sender):
            return False
        if self.sent_from is None and self.sent_until is None:
            return True
        # RFC 2822 dates have whole seconds: a filter made from one must match the message it was read from.
        sent = text.sent.replace(microsecond=0) if text.sent else None
        return (
            sent is not None
            and (self.sent_from is None or sent >= self.sent_from)
            and (self.sent_until is None or sent <= self.sent_until)
        )


@dataclass(slots=True)
class Texts:
    """All message resources of the account, oldest first."""

    _all: dict[str, Text] = field(default_factory=dict)
    _by_to: dict[str, dict[str, Text]] = field(default_factory=dict)

    def add(self, text: Text) -> None:
        self._all[text.sid] = text
        self._by_to.setdefault(text.to, {})[text.sid] = text

    def get(self, sid: str) -> Text | None:
        return self._all.get(sid)

    def delete(self, text: Text) -> None:
        self._all.pop(text.sid, None)
        self._by_to.get(text.to, {}).pop(text.sid, None)

    def page(self, search: Search, size: int, after: str | None) -> tuple[list[Text], bool]:
        """Up to `size` matches, newest first, older than the one with sid `after`; and whether there are more.

        The position is a message, not a number: texts that arrive between two pages neither repeat nor hide others.
        """
        pool = self._by_to.get(search.to, {}) if search.to else self._all
        found: list[Text] = []
        passed = after is None
        for text in reversed(pool.values()):
            if not passed:
                passed = text.sid == after
            elif search.matches(text):
                if len(found) == size:
                    return found, True
                found.append(text)
        return found, False

    def clear(self) -> None:
        self._all.clear()
        self._by_to.clear()


def new_sid(media: bool = False) -> str:
    return ("MM" if media else "SM") + secrets.token_hex(16)


def rfc2822(moment: datetime) -> str:
    """Whole seconds, "+0000", as Twilio writes dates."""
    return format_datetime(moment.astimezone(UTC))


def day_or_moment(value: str, end: bool) -> datetime:
    """Read a DateSent filter: a moment, or the start (or `end`) of a UTC day. Raises ValueError."""
    if "T" in value:
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    day = date.fromisoformat(value)
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return start + timedelta(days=1) - timedelta(microseconds=1) if end else start


def segments(body: str) -> int:
    """How many SMS segments a body takes: 160/153 GSM-7 septets or 70/67 UTF-16 units (3GPP TS 23.038)."""
    if _GSM_ALL.issuperset(body):
        septets = len(body) + sum(map(_GSM_TWO.__contains__, body))
        return 1 if septets <= 160 else -(-septets // 153)
    units = len(body.encode("utf-16-le")) // 2
    return 1 if units <= 70 else -(-units // 67)
