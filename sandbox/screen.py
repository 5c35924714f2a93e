"""What the phones show: bubbles by number, mails by mailbox, and a signal when anything changes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.mails import Mail
from sandbox.texts import Text

THREAD_LENGTH = 200
PEOPLE = 200


@dataclass(frozen=True, slots=True)
class Bubble:
    """One text on a phone. It keeps its own words: redaction at the provider does not reach into phones."""

    at: datetime
    mine: bool
    """Typed on this phone."""
    peer: str
    words: str
    text: Text | None
    """None for what the provider itself says."""
    media: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        text = self.text
        return {
            "at": self.at.isoformat(),
            "mine": self.mine,
            "peer": self.peer,
            "words": self.words,
            "media": list(self.media),
            "status": text.status if text else "auto",
            "error": text.error_code if text else None,
        }


@dataclass(slots=True)
class Screen:
    """The phones' memory. `version` grows with every change."""

    version: int = 0
    bubbles: dict[str, list[Bubble]] = field(default_factory=dict)
    mails: dict[str, list[Mail]] = field(default_factory=dict)
    _waiting: set[asyncio.Event] = field(default_factory=set)

    def changed(self) -> None:
        self.version += 1
        for event in self._waiting:
            event.set()

    def show_text(self, number: str, bubble: Bubble) -> None:
        # Re-inserting keeps `bubbles` ordered by latest text.
        thread = self.bubbles.pop(number, [])
        thread.append(bubble)
        self.bubbles[number] = thread
        self.changed()

    def show_mail(self, mail: Mail) -> None:
        box = self.mails.pop(mail.to, [])
        box.append(mail)
        self.mails[mail.to] = box
        self.changed()

    def find_mail(self, mail_id: str) -> Mail | None:
        return next((mail for box in self.mails.values() for mail in box if mail.id == mail_id), None)

    def last_outbound(self, number: str) -> Text | None:
        """The latest text the account sent to `number`: whom a reply goes to."""
        thread = self.bubbles.get(number, ())
        return next((b.text for b in reversed(thread) if not b.mine and b.text is not None), None)

    def people(self) -> list[dict[str, Any]]:
        """The most recent threads and mailboxes, newest first."""
        rows = [
            {
                "kind": "sms",
                "address": number,
                "count": len(thread),
                "last": thread[-1].words[:80],
                "at": thread[-1].at.isoformat(),
                "mine": thread[-1].mine,
            }
            for number, thread in list(self.bubbles.items())[-PEOPLE:]
        ] + [
            {
                "kind": "email",
                "address": address,
                "count": len(box),
                "last": box[-1].subject,
                "at": box[-1].at.isoformat(),
                "mine": False,
            }
            for address, box in list(self.mails.items())[-PEOPLE:]
        ]
        return sorted(rows, key=lambda row: str(row["at"]), reverse=True)

    def thread(self, number: str) -> list[dict[str, Any]]:
        return [bubble.as_json() for bubble in self.bubbles.get(number, [])[-THREAD_LENGTH:]]

    def mailbox(self, address: str) -> list[dict[str, Any]]:
        """Newest first, without the HTML."""
        return [mail.summary() for mail in reversed(self.mails.get(address, [])[-THREAD_LENGTH:])]

    async def wait(self, seen: int, seconds: float) -> bool:
        """Wait until something changed since version `seen`; False when nothing did for `seconds`."""
        if self.version != seen:
            return True
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            return False
        finally:
            self._waiting.discard(event)
        return True

    def clear(self) -> None:
        self.bubbles.clear()
        self.mails.clear()
        self.changed()
