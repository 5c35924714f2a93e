"""E-mails through SendGrid: the real SDK over our own connections.

SendGrid is not for health information: what comes here are generic words and an opaque link.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Coroutine
from typing import Any
from urllib.parse import urlsplit

import python_http_client
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import (
    ClickTracking,
    Content,
    CustomArg,
    Email,
    Header,
    Mail,
    OpenTracking,
    Personalization,
    To,
    TrackingSettings,
)

from workers.gateways.call import Call, MaybeSent, NotSent, current
from workers.gateways.handover import EmailParcel, Outcome, Verdict
from workers.gateways.http1 import Answer
from workers.gateways.pool import Pool
from workers.gateways.quiet import silence
from workers.gateways.refusals import outcome_of_refusal
from workers.gateways.waiting import seconds_to_wait

silence()

SENDGRID = "https://api.sendgrid.com"


class SendGridGateway:
    """Implements `EmailGateway`. Use one from a single event loop, and close it there."""

    def __init__(
        self,
        api_key: str,
        base_url: str | None = None,
        *,
        concurrency: int = 512,
        connect_timeout: float = 5.0,
        read_timeout: float = 20.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`base_url` stands in for SendGrid's own address; the time-outs are seconds. HTTP proxies are not used."""
        origin = (base_url or SENDGRID).rstrip("/")
        self._pool = Pool(
            origin, limit=concurrency, connect_timeout=connect_timeout, read_timeout=read_timeout, tls=tls
        )
        self._sdk = SendGridAPIClient(api_key, host=origin)
        self._sdk.client = _PooledClient(self._pool, origin, self._sdk.client.request_headers, version=3)

    async def send(self, parcel: EmailParcel, *, deadline: float | None = None) -> Verdict:
        """See `EmailGateway.send`."""
        with Call(deadline) as call:
            try:
                sending: Coroutine[Any, Any, Answer] = self._sdk.send(_mail(parcel))
                answer = await sending
            except NotSent as why:
                return Verdict(parcel.token, Outcome.NOT_SENT, code=str(why))
            except MaybeSent as why:
                return Verdict(parcel.token, Outcome.AMBIGUOUS, code=str(why))
            except Exception:
                # Words that cannot be put into a request. What was raised is not logged: it may quote the parcel.
                outcome = Outcome.AMBIGUOUS if call.written else Outcome.REJECTED
                return Verdict(parcel.token, outcome, code="unwritable")
        if 200 <= answer.status < 300:
            return Verdict(parcel.token, Outcome.ACCEPTED, provider_id=answer.headers.get("x-message-id"))
        # The body adds nothing: SendGrid's errors have no codes, and a 413 even comes as HTML.
        code = str(answer.status)
        outcome = outcome_of_refusal(answer.status, code)
        return Verdict(parcel.token, outcome, code=code, retry_after=seconds_to_wait(answer.headers))

    async def close(self) -> None:
        """Drop the connections."""
        await self._pool.close()


def _mail(parcel: EmailParcel) -> Mail:
    mail = Mail()
    mail.from_email = Email(parcel.sender, parcel.sender_name)
    mail.subject = parcel.subject
    if parcel.reply_to is not None:
        mail.reply_to = Email(parcel.reply_to)
    person = Personalization()
    person.add_to(To(parcel.to))
    person.add_custom_arg(CustomArg("aftercare_attempt", parcel.token))
    mail.add_personalization(person)
    mail.add_content(Content("text/plain", parcel.text))
    mail.add_content(Content("text/html", parcel.html))
    mail.add_header(Header("List-Unsubscribe", f"<{parcel.unsubscribe_url}>"))
    mail.add_header(Header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    tracking = TrackingSettings()  # tracking rewrites the links and tells SendGrid who opened what
    tracking.click_tracking = ClickTracking(enable=False, enable_text=False)
    tracking.open_tracking = OpenTracking(enable=False)
    mail.tracking_settings = tracking
    return mail


class _PooledClient(python_http_client.Client):  # type: ignore[misc]
    """The SDK's door to the network. Its own opens a connection for each request, blocks, and logs the key."""

    def __init__(self, pool: Pool, host: str, headers: dict[str, str], **rest: Any) -> None:
        super().__init__(host, request_headers=headers, **rest)
        self._pool = pool

    def _build_client(self, name: str | None = None) -> _PooledClient:
        path = [*self._url_path, name] if name else self._url_path
        return _PooledClient(self._pool, self.host, self.request_headers, version=self._version, url_path=path)

    async def post(self, request_body: dict[str, Any], **_: object) -> Answer:
        """One exchange, whatever its status. Raises NotSent or MaybeSent."""
        headers = {**self.request_headers, "Content-Type": "application/json", "Accept-Encoding": "identity"}
        call = current()
        return await self._pool.request(
            "POST",
            urlsplit(self._build_url(None)).path,
            headers,
            json.dumps(request_body).encode("ascii"),
            call.begin_writing if call else None,
        )
