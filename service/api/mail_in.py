"""An e-mail as SendGrid's Inbound Parse posts it, read.

Whose it is follows from the address it was sent to, which carries a token that only the patient's mail had; never from
its `From`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from email.message import Message
from email.parser import HeaderParser
from html.parser import HTMLParser

from service.api.forms import decoded
from service.care.lifecycle import Channel
from service.problems import Problem
from service.records.replies import MOST_TEXT, Incoming
from service.records.sealing import token_key

_REPLY_ADDRESS = re.compile(r"r\+([A-Za-z0-9_-]{8,64})@(.+)")
_MOST_ADDRESS = 320
_MOST_SUBJECT = 1000
_ANSWERS = re.compile(
    r"(re|res|resp|respuesta|fwd?|reenv|rv|rif|enc|aw|wg|antw|sv|vs|tr|odp|r|i)\s*(\[\d+\])?\s*[:\uff1a]", re.I
)
"""What mail programs of several languages put before the subject of an answer, or of what is passed on."""
_MOST_HTML = 400_000


def incoming(fields: Mapping[str, bytes], files: int, domain: str) -> Incoming:
    """The reply in a mail. Raises Problem 400 for a form without an envelope."""
    envelope = _json(fields, "envelope")
    recipients = envelope.get("to")
    if not isinstance(recipients, list) or not all(isinstance(one, str) for one in recipients):
        raise Problem(400, "form_invalid", "The form has no envelope.")
    charsets = _json(fields, "charsets")
    headers = _headers(decoded(fields, "headers", _charset(charsets, "headers")))
    recipient, token = _addressed(recipients, domain)
    subject = decoded(fields, "subject", _charset(charsets, "subject"))
    text = _words(fields, charsets)
    sender = _printable(envelope.get("from")) or _printable(decoded(fields, "from", _charset(charsets, "from")))
    return Incoming(
        provider_key=_key(headers, token or recipient, sender, subject, text),
        channel=Channel.EMAIL,
        sender=sender,
        recipient=recipient,
        body=text,
        subject=_own_subject(subject, text),
        media=files,
        automatic=_is_automatic(headers, envelope.get("from")),
        link_key=None if token is None else token_key(token),
    )


def _addressed(recipients: list[str], domain: str) -> tuple[str, str | None]:
    """The reply address among the recipients and its token; else the first recipient and None."""
    for one in recipients:
        found = _REPLY_ADDRESS.fullmatch(one.strip())
        if found and (not domain or found[2].casefold() == domain.casefold()):
            # The token stays out of what is kept: only its hash is.
            return f"r+…@{_printable(found[2])}", found[1]
    return (_printable(recipients[0]) if recipients else ""), None


def _words(fields: Mapping[str, bytes], charsets: Mapping[str, object]) -> str:
    text = decoded(fields, "text", _charset(charsets, "text"))
    if not text.strip():
        text = _text_of_html(decoded(fields, "html", _charset(charsets, "html"))[:_MOST_HTML])
    return text[:MOST_TEXT]


def _own_subject(subject: str, text: str) -> str:
    """The subject where the sender may have written it: not the one that a mail program gives an answer.

    That of a mail without text is kept in any case: mail programs unsubscribe with one that has only a subject.
    """
    line = " ".join(subject.split())[:_MOST_SUBJECT]
    return "" if text.strip() and _ANSWERS.match(line) else line


def _key(headers: Message, recipient: str, sender: str, subject: str, text: str) -> str:
    """The same for every delivery of one mail. A sender chooses the Message-ID, hence the addresses beside it."""
    message_id = str(headers.get("Message-ID") or "").strip()
    told = [recipient, sender, message_id]
    if not message_id:
        told += [str(headers.get("Date") or ""), subject, text]
    return "mail " + hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _is_automatic(headers: Message, envelope_from: object) -> bool:
    """Whether a machine wrote it (RFC 3834, and what mail programs did before it)."""
    if envelope_from == "":
        return True  # the null sender: a bounce
    submitted = str(headers.get("Auto-Submitted") or "no").strip().casefold()
    precedence = str(headers.get("Precedence") or "").strip().casefold()
    suppress = str(headers.get("X-Auto-Response-Suppress") or "").casefold()
    content_type = str(headers.get("Content-Type") or "").casefold()
    return (
        not submitted.startswith("no")
        or precedence in ("auto_reply", "bulk", "junk", "list")
        or any(name in headers for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Reply-From", "List-Id"))
        or ("oof" in suppress and "autoreply" in suppress and "X-Auto-Reply" in headers)
        or content_type.startswith("multipart/report")
    )


def _headers(text: str) -> Message:
    return HeaderParser().parsestr(text[:100_000], headersonly=True)


def _json(fields: Mapping[str, bytes], name: str) -> dict[str, object]:
    try:
        found = json.loads(decoded(fields, name) or "{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Problem(400, "form_invalid", "The form is not one of Inbound Parse's.")
    return found


def _charset(charsets: Mapping[str, object], name: str) -> str:
    found = charsets.get(name)
    return found if isinstance(found, str) else "utf-8"


def _printable(value: object) -> str:
    """An address without control characters, bounded."""
    return "".join(char for char in value if char.isprintable())[:_MOST_ADDRESS] if isinstance(value, str) else ""


class _Words(HTMLParser):
    """The text of an HTML mail; quoted history is left out, as `>` lines are in plain text."""

    _SKIPPED = frozenset({"style", "script", "head", "title", "blockquote"})
    _BREAKS = frozenset({"br", "p", "div", "tr", "li"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._inside = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._inside += tag in self._SKIPPED
        if tag in self._BREAKS:
            self.found.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._SKIPPED and self._inside:
            self._inside -= 1

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.found.append(data)


def _text_of_html(html: str) -> str:
    parser = _Words()
    try:
        parser.feed(html)
        parser.close()
    except (ValueError, AssertionError):
        pass  # the parser gave up on broken markup: what it found before that is still the patient's
    return "".join(parser.found)
