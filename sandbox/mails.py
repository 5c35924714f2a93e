"""One recipient's copy of an e-mail, as SendGrid keeps it and as the mailbox shows it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service import time


@dataclass(slots=True)
class Mail:
    """An accepted e-mail."""

    id: str
    """sg_message_id: the answer's X-Message-Id, a dot, and where it went inside SendGrid."""
    to: str
    sender: str
    sender_name: str
    reply_to: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]
    custom_args: Mapping[str, str]
    categories: tuple[str, ...]
    at: datetime
    status: str = "accepted"

    @property
    def unsubscribe_url(self) -> str | None:
        """The https? target of List-Unsubscribe, if RFC 8058 lets a mail program POST to it."""
        lower = {name.lower(): value for name, value in self.headers.items()}
        if lower.get("list-unsubscribe-post", "").replace(" ", "") != "List-Unsubscribe=One-Click":
            return None
        match = re.search(r"<(https?://[^>\s]+)>", lower.get("list-unsubscribe", ""))
        return match[1] if match else None

    def summary(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "at": self.at.isoformat(),
            "from": self.sender,
            "from_name": self.sender_name,
            "subject": self.subject,
            "preview": " ".join(self.text.split())[:100],
            "status": self.status,
        }

    def as_json(self) -> dict[str, Any]:
        return {
            **self.summary(),
            "to": self.to,
            "reply_to": self.reply_to,
            "text": self.text,
            "html": self.html,
            "headers": dict(self.headers),
            "one_click": self.unsubscribe_url is not None,
        }


def copies(payload: Mapping[str, Any], message_id: str) -> list[Mail]:
    """Every recipient's copy of a valid send request (see `mail_rules.check`)."""
    return [
        _copy(payload, block, person["email"], f"{message_id}.recvd-{secrets.token_hex(5)}-{n}")
        for n, block in enumerate(payload["personalizations"])
        for field in ("to", "cc", "bcc")
        for person in block.get(field, ())
    ]


def _copy(payload: Mapping[str, Any], block: Mapping[str, Any], to: str, mail_id: str) -> Mail:
    parts = {part["type"]: part["value"] for part in payload.get("content", ())}
    sender = block.get("from") or payload["from"]
    replies = payload.get("reply_to") or (payload.get("reply_to_list") or [sender])[0]
    swaps = block.get("substitutions", {})
    return Mail(
        id=mail_id,
        to=to.lower(),
        sender=sender["email"],
        sender_name=sender.get("name") or "",
        reply_to=replies["email"],
        subject=_swap(block.get("subject") or payload.get("subject", ""), swaps),
        text=_swap(parts.get("text/plain", ""), swaps),
        html=_swap(parts.get("text/html", ""), swaps),
        headers={**payload.get("headers", {}), **block.get("headers", {})},
        custom_args={**payload.get("custom_args", {}), **block.get("custom_args", {})},
        categories=tuple(payload.get("categories", ())),
        at=time.now(),
    )


def _swap(words: str, swaps: Mapping[str, str]) -> str:
    for tag, value in swaps.items():
        words = words.replace(tag, value)
    return words
