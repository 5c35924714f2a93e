"""Twilio's own opt-out keywords: they work on a whole body only, and per sender."""

from __future__ import annotations

from enum import StrEnum

STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL", "REVOKE", "OPTOUT"})
START_WORDS = frozenset({"START", "YES", "UNSTOP"})
HELP_WORDS = frozenset({"HELP", "INFO"})


class Confirmation(StrEnum):
    """What Twilio itself answers; never seen by the account's API."""

    STOPPED = (
        "You have successfully been unsubscribed. You will not receive any more messages from this number. "
        "Reply START to resubscribe."
    )
    STARTED = (
        "You have successfully been re-subscribed to messages from this number. Reply HELP for help. "
        "Reply STOP to unsubscribe. Msg&Data Rates May Apply."
    )
    HELP = "Reply STOP to unsubscribe. Msg&Data Rates May Apply."


class OptOuts:
    """Who has blocked which sender (a messaging service counts as one sender)."""

    def __init__(self) -> None:
        self._blocked: set[tuple[str, str]] = set()

    def blocks(self, sender: str, number: str) -> bool:
        return (sender, number) in self._blocked

    def hear(self, sender: str, number: str, body: str) -> Confirmation | None:
        """Act on an inbound text; what Twilio answers by itself, if it does."""
        word = body.strip().upper()
        pair = (sender, number)
        if word in STOP_WORDS:
            # A second STOP is not confirmed again.
            fresh = pair not in self._blocked
            self._blocked.add(pair)
            return Confirmation.STOPPED if fresh else None
        if word in START_WORDS and pair in self._blocked:
            self._blocked.discard(pair)
            return Confirmation.STARTED
        return Confirmation.HELP if word in HELP_WORDS else None

    def clear(self) -> None:
        self._blocked.clear()
