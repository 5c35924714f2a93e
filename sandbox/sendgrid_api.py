"""SendGrid's Mail Send over HTTP."""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
from collections.abc import Iterable

from aiohttp import web

from sandbox import answers, magic, mail_rules
from sandbox.config import Config
from sandbox.faults import Fault, Faults, Kind, Plan, Point
from sandbox.ledger import Ledger
from sandbox.mail_carrier import MailCarrier
from sandbox.mail_rules import Complaint
from sandbox.mails import Mail, copies
from service import time

_BODY_LIMIT = 30 * 1024 * 1024
_RATE = 10_000
_TOO_LARGE = (
    "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n"
    "<center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
_REFUSALS = {
    401: "The provided authorization grant is invalid, expired, or revoked",
    403: "The from address does not match a verified Sender Identity. "
    "Mail cannot be sent until this error is resolved.",
}


class SendGridApi:
    """Handlers for one API key."""

    def __init__(self, config: Config, carrier: MailCarrier, ledger: Ledger, faults: Faults) -> None:
        self._config = config
        self._carrier = carrier
        self._ledger = ledger
        self._faults = faults
        self._authorization = f"Bearer {config.sendgrid_key}".encode()

    def routes(self) -> Iterable[web.RouteDef]:
        yield web.post("/v3/mail/send", self.send)
        yield web.get("/v3/scopes", self.scopes, allow_head=False)

    async def scopes(self, request: web.Request) -> web.StreamResponse:
        if not self._known(request):
            return _no(401, Complaint(_REFUSALS[401]))
        return web.json_response({"scopes": ["mail.send"]})

    def _known(self, request: web.Request) -> bool:
        return hmac.compare_digest(request.headers.get("Authorization", "").encode(), self._authorization)

    async def send(self, request: web.Request) -> web.StreamResponse:
        answer = await self._send(request)
        if not answer.prepared:
            answer.headers.update(_rate_headers(answer.status == 429))
        return answer

    async def _send(self, request: web.Request) -> web.StreamResponse:
        if not self._known(request):
            return _no(401, Complaint(_REFUSALS[401]))
        if request.content_type != "application/json":
            return _no(415, Complaint("Content-Type should be application/json."))
        if (request.content_length or 0) > _BODY_LIMIT:
            return _too_large()
        try:
            payload = json.loads(await request.read())
        except (ValueError, RecursionError):
            return _no(400, Complaint("Bad Request"))
        recipients = _recipients(payload)
        own = {to: magic.of_address(to) for to in recipients} if self._config.magic else {}
        for_request = tuple(fault for faults in own.values() for fault in faults if fault.kind is not Kind.FAIL)
        plan = self._faults.plan(Point.SEND, recipients, for_request)
        if (spoilt := await answers.before(request, plan, _trouble)) is not None:
            return spoilt
        if complaints := mail_rules.check(payload):
            return _no(400, *complaints)
        if self._config.verified_senders and payload["from"]["email"] not in self._config.verified_senders:
            return _no(403, Complaint(_REFUSALS[403], "from"))
        if payload.get("mail_settings", {}).get("sandbox_mode", {}).get("enable") is True:
            return web.Response(status=200)
        message_id = secrets.token_urlsafe(16)
        lives = [self._accept(mail, plan, own.get(mail.to, ())) for mail in copies(payload, message_id)]
        if plan.has(Kind.EARLY):
            for life in lives:
                await life
        return await answers.after(
            request, plan, web.Response(status=202, headers={"X-Message-Id": message_id}), _trouble
        )

    def _accept(self, mail: Mail, plan: Plan, own: tuple[Fault, ...]) -> asyncio.Task[None]:
        self._ledger.accept(
            time.now(),
            "sendgrid",
            mail.id,
            mail.to,
            mail.sender,
            mail.text or mail.html,
            mail.subject,
            custom_args=mail.custom_args,
        )
        return self._carrier.take(mail, plan, own)


def _recipients(payload: object) -> list[str]:
    """The addresses in a request that may not be valid yet: faults can strike before it is checked."""
    blocks = payload.get("personalizations") if isinstance(payload, dict) else None
    people = [
        person
        for block in (blocks if isinstance(blocks, list) else ())
        if isinstance(block, dict)
        for field in ("to", "cc", "bcc")
        if isinstance(block.get(field), list)
        for person in block[field]
    ]
    return [
        person["email"].lower()
        for person in people
        if isinstance(person, dict) and isinstance(person.get("email"), str)
    ]


def _trouble(fault: Fault) -> web.Response:
    if fault.kind is Kind.RATE_LIMITED:
        answer = _no(429, Complaint("too many requests"))
        answer.headers["Retry-After"] = f"{fault.retry_after:g}"
        return answer
    if fault.kind is Kind.REFUSE:
        return (
            _too_large() if fault.code == 413 else _no(fault.code, Complaint(_REFUSALS.get(fault.code, "Bad Request")))
        )
    return _no(fault.status, Complaint("An internal server error has occurred"))


def _no(status: int, *complaints: Complaint) -> web.Response:
    body = json.dumps({"errors": [complaint.as_json() for complaint in complaints]})
    return web.Response(status=status, text=body, content_type="application/json")


def _too_large() -> web.Response:
    return web.Response(status=413, text=_TOO_LARGE, content_type="text/html")


def _rate_headers(used_up: bool) -> dict[str, str]:
    reset = int(time.now().timestamp()) // 60 * 60 + 60
    return {
        "X-RateLimit-Limit": str(_RATE),
        "X-RateLimit-Remaining": "0" if used_up else str(_RATE - 1),
        "X-RateLimit-Reset": str(reset),
    }
