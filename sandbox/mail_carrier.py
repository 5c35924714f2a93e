"""What happens to an e-mail after it was accepted, and how replies by mail come in."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import format_datetime, make_msgid
from typing import Any

from sandbox.config import Config
from sandbox.faults import Fault, Kind, Plan
from sandbox.mails import Mail
from sandbox.postman import Errand, Postman
from sandbox.screen import Screen
from sandbox.signing import SigningKey
from service import time

_REASONS = {
    "bounce": ("550 5.1.1 The email account that you tried to reach does not exist.", "5.1.1"),
    "blocked": ("554 5.7.1 Message rejected by the recipient's policy.", "5.7.1"),
    "deferred": ("451 4.7.1 Please try again later.", "4.7.1"),
    "dropped": ("Bounced Address", "5.0.0"),
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a reply by mail."""

    name: str
    content_type: str
    content: bytes


class MailCarrier:
    """Delivers mail, and reports it in batches to the event webhook."""

    def __init__(self, config: Config, screen: Screen, postman: Postman, key: SigningKey) -> None:
        self._config = config
        self._screen = screen
        self._postman = postman
        self._key = key
        self._dead: set[str] = set()
        self._queue: list[tuple[dict[str, Any], Errand]] = []
        self._flushing: asyncio.Task[None] | None = None

    def take(self, mail: Mail, plan: Plan, own: tuple[Fault, ...]) -> asyncio.Task[None]:
        """Start the life of an accepted e-mail; `own` is what its recipient's address does wrong by itself."""
        fail = next((fault for fault in own if fault.kind is Kind.FAIL), None) or plan.find(Kind.FAIL)
        # SendGrid does not try an address again that has bounced before.
        end = "dropped" if mail.to in self._dead else fail.event if fail else "delivered"
        if end == "bounce":
            self._dead.add(mail.to)
        moves = self._moves(end, plan)
        silent = plan.has(Kind.NEVER)
        times = 2 if plan.has(Kind.DOUBLED) else 1
        promised = [] if silent else [self._postman.promise() for _ in range(len(moves) * times)]
        return self._postman.start(self._live(mail, plan, moves, promised))

    def hear(
        self,
        sender: str,
        to: str,
        text: str,
        subject: str = "",
        html: str = "",
        in_reply_to: str | None = None,
        attachments: Sequence[Attachment] = (),
    ) -> None:
        """An e-mail written on the phone page, passed on through Inbound Parse."""
        boundary = f"xYzZY{secrets.token_hex(8)}"
        fields = _parse_fields(sender, to, subject, text, html, in_reply_to, attachments)
        body = _multipart(boundary, fields, attachments)
        self._postman.start(self._pass_on(body, boundary, self._postman.promise()))

    def forget(self) -> None:
        self._dead.clear()
        self._queue.clear()
        self._flushing = None

    def _moves(self, end: str, plan: Plan) -> list[tuple[float, str]]:
        delays = self._config.delays
        if end == "dropped":
            return [(delays.sent, "dropped")]
        moves = [(delays.sent, "processed")]
        if plan.has(Kind.STUCK):
            return moves
        if end in ("deferred", "spamreport"):
            middle = (delays.sent + delays.delivered) / 2
            first, last = ("deferred", "delivered") if end == "deferred" else ("delivered", "spamreport")
            return [*moves, (middle, first), (delays.delivered, last)]
        return [*moves, (delays.delivered, end)]

    async def _live(
        self, mail: Mail, plan: Plan, moves: Sequence[tuple[float, str]], promised: Sequence[Errand]
    ) -> None:
        early, late = plan.has(Kind.EARLY), plan.find(Kind.LATE)
        passed = 0.0
        events: list[dict[str, Any]] = []
        for at, name in moves:
            if not early:
                await asyncio.sleep(max(0.0, at - passed))
                passed = max(at, passed)
            mail.status = name
            if name in ("delivered", "spamreport"):
                self._deliver(mail, name)
            event = self._event(mail, name)
            events += [event] * (2 if plan.has(Kind.DOUBLED) else 1)
            if promised and not late and not plan.has(Kind.REVERSED):
                fresh = len(events) - 1 if not plan.has(Kind.DOUBLED) else len(events) - 2
                for n in range(fresh, len(events)):
                    self._report(events[n], promised[n])
        if promised and (late or plan.has(Kind.REVERSED)):
            await asyncio.sleep(late.seconds if late else 0.0)
            order = reversed(events) if plan.has(Kind.REVERSED) else events
            for event, errand in zip(order, promised, strict=True):
                self._report(event, errand)
        if early and self._flushing is not None:
            await asyncio.shield(self._flushing)

    def _deliver(self, mail: Mail, name: str) -> None:
        if name == "delivered":
            self._screen.show_mail(mail)
        else:
            self._screen.changed()

    def _event(self, mail: Mail, name: str) -> dict[str, Any]:
        event: dict[str, Any] = {
            **mail.custom_args,
            "email": mail.to,
            "event": "bounce" if name == "blocked" else name,
            "sg_event_id": base64.urlsafe_b64encode(secrets.token_bytes(24)).decode(),
            "sg_message_id": mail.id,
            "smtp-id": f"<{mail.id.partition('.')[0]}@geopod-ismtpd-0>",
            "timestamp": int(time.now().timestamp()),
        }
        if mail.categories:
            event["category"] = list(mail.categories)
        if name in ("bounce", "blocked"):
            event["type"] = name
        if name in _REASONS:
            said, code = _REASONS[name]
            event |= {"response" if name == "deferred" else "reason": said, "status": code}
        if name == "deferred":
            event["attempt"] = "1"
        if name == "delivered":
            event["response"] = "250 2.0.0 OK"
        return event

    def _report(self, event: dict[str, Any], errand: Errand) -> None:
        self._queue.append((event, errand))
        if self._flushing is None or self._flushing.done():
            self._flushing = self._postman.start(self._flush())

    async def _flush(self) -> None:
        """Gather for a moment, then POST one array; anything that arrives meanwhile goes into the next one."""
        while self._queue:
            await asyncio.sleep(self._config.delays.event_batch)
            batch, self._queue = self._queue[:1000], self._queue[1000:]
            body = json.dumps([event for event, _ in batch]).encode()
            await self._postman.post_until_taken(
                f"{self._config.callback_base}/sendgrid/events",
                body,
                lambda body=body: self._signed(body, "application/json"),  # type: ignore[misc]
                give_up_on_4xx=False,
            )
            for _, errand in batch:
                self._postman.settle(errand)

    async def _pass_on(self, body: bytes, boundary: str, errand: Errand) -> None:
        await self._postman.post_until_taken(
            f"{self._config.callback_base}/sendgrid/inbound",
            body,
            lambda: self._signed(body, f"multipart/form-data; boundary={boundary}"),
            give_up_on_4xx=True,
        )
        self._postman.settle(errand)

    def _signed(self, body: bytes, content_type: str) -> Mapping[str, str]:
        # The world's time, as a receiver's tolerance is: a fast clock is the service's, not that of its network.
        timestamp = str(int(time.real_now().timestamp()))
        return {"Content-Type": content_type, "User-Agent": "SendGrid Event API", **self._key.headers(timestamp, body)}


def _parse_fields(
    sender: str, to: str, subject: str, text: str, html: str, in_reply_to: str | None, files: Sequence[Attachment]
) -> dict[str, str]:
    domain = sender.rpartition("@")[2]
    headers = {
        "From": sender,
        "To": to,
        "Subject": subject,
        "Date": format_datetime(time.now()),
        "Message-ID": make_msgid(domain=domain or "localhost"),
        "MIME-Version": "1.0",
    }
    if in_reply_to:
        headers |= {"In-Reply-To": in_reply_to, "References": in_reply_to}
    fields = {
        "headers": "".join(f"{name}: {value}\n" for name, value in headers.items()),
        "dkim": f"{{@{domain} : pass}}",
        "to": to,
        "from": sender,
        "text": text,
        "sender_ip": "127.0.0.1",
        "envelope": json.dumps({"to": [to], "from": sender}),
        "attachments": str(len(files)),
        "subject": subject,
        "charsets": json.dumps(dict.fromkeys(("to", "from", "subject", "text", "html"), "UTF-8")),
        "SPF": "pass",
    }
    if html:
        fields["html"] = html
    if files:
        fields["attachment-info"] = json.dumps(
            {
                f"attachment{n}": {"filename": f.name, "name": f.name, "type": f.content_type}
                for n, f in enumerate(files, 1)
            }
        )
    return fields


def _multipart(boundary: str, fields: Mapping[str, str], files: Sequence[Attachment]) -> bytes:
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for n, file in enumerate(files, 1):
        quoted = file.name.replace('"', "%22").replace("\r", "").replace("\n", "")
        parts.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="attachment{n}"; filename="{quoted}"\r\n'
            f"Content-Type: {file.content_type}\r\n\r\n".encode()
            + file.content
            + b"\r\n"
        )
    return b"".join([*parts, f"--{boundary}--\r\n".encode()])
