"""E-mails through SendGrid: the real SDK over kept-alive connections.

SendGrid is not for health information: what comes here are generic words and an opaque link.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import python_http_client
import urllib3
from python_http_client.exceptions import HTTPError
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
from urllib3.connection import HTTPConnection, HTTPSConnection

from workers.gateways.call import Call, NotSent, calling, current
from workers.gateways.handover import EmailParcel, Outcome, Unsent, Verdict
from workers.gateways.pool import trusted
from workers.gateways.quiet import silence
from workers.gateways.waiting import seconds_to_wait

silence()

SENDGRID = "https://api.sendgrid.com"


class SendGridGateway:
    """Implements `EmailGateway`. The SDK blocks, so each hand-over has one of `threads` threads for its time."""

    def __init__(
        self,
        api_key: str,
        base_url: str | None = None,
        *,
        threads: int = 32,
        connect_timeout: float = 5.0,
        read_timeout: float = 20.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`base_url` stands in for SendGrid's own address; the time-outs are seconds. HTTP proxies are not used."""
        origin = (base_url or SENDGRID).rstrip("/")
        pool = _pool(origin, threads, urllib3.Timeout(connect=connect_timeout, read=read_timeout), tls)
        self._sdk = SendGridAPIClient(api_key, host=origin)
        self._sdk.client = _PooledClient(pool, origin, self._sdk.client.request_headers, version=3)
        self._pool = pool
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="sendgrid")
        self._slots = asyncio.Semaphore(threads)
        # urllib3 bounds each read, not their sum: a server that drips could hold a hand-over for ever.
        self._longest = connect_timeout + 2 * read_timeout

    async def send(self, parcel: EmailParcel, *, deadline: float | None = None) -> Verdict:
        """See `EmailGateway.send`."""
        async with self._slots:  # so that no hand-over waits unseen in the executor's queue
            with calling(deadline) as call:
                answer = asyncio.get_running_loop().run_in_executor(
                    self._threads, copy_context().run, self._send, parcel, call
                )
                try:
                    return await asyncio.wait_for(answer, self._longest)
                except TimeoutError:
                    # The thread may be anywhere; after this it must not begin to write.
                    call.deadline = 0.0
                    return Verdict(parcel.token, Outcome.AMBIGUOUS, code="timeout")

    def _send(self, parcel: EmailParcel, call: Call) -> Verdict:
        try:
            answer = self._sdk.send(_mail(parcel))
        except NotSent as why:
            return Verdict(parcel.token, Outcome.NOT_SENT, code=str(why))
        except HTTPError as refusal:
            return _refused(parcel, refusal)
        except (OSError, urllib3.exceptions.HTTPError) as broken:
            if not call.written:
                return Verdict(parcel.token, Outcome.NOT_SENT, code=Unsent.CONNECT)
            timed_out = isinstance(broken, urllib3.exceptions.TimeoutError | TimeoutError)
            return Verdict(parcel.token, Outcome.AMBIGUOUS, code="timeout" if timed_out else "dropped")
        except Exception:
            # Written: an answer that cannot be read. Not written: words that cannot be put into a request.
            # What was raised is not logged, since it may quote the parcel.
            if call.written:
                return Verdict(parcel.token, Outcome.AMBIGUOUS, code="unreadable")
            return Verdict(parcel.token, Outcome.REJECTED, code="unwritable")
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Verdict(parcel.token, Outcome.ACCEPTED, provider_id=headers.get("x-message-id"))

    async def close(self) -> None:
        """Drop the connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._pool.close()


def _mail(parcel: EmailParcel) -> dict[str, Any]:
    mail = Mail()
    mail.from_email = Email(parcel.sender, parcel.sender_name)
    mail.subject = parcel.subject
    if parcel.reply_to is not None:
        mail.reply_to = Email(parcel.reply_to)
    person = Personalization()
    person.add_to(To(parcel.to))
    person.add_custom_arg(CustomArg("attempt", parcel.token))
    mail.add_personalization(person)
    mail.add_content(Content("text/plain", parcel.text))
    mail.add_content(Content("text/html", parcel.html))
    mail.add_header(Header("List-Unsubscribe", f"<{parcel.unsubscribe_url}>"))
    mail.add_header(Header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    tracking = TrackingSettings()  # tracking rewrites the links and tells SendGrid who opened what
    tracking.click_tracking = ClickTracking(enable=False, enable_text=False)
    tracking.open_tracking = OpenTracking(enable=False)
    mail.tracking_settings = tracking
    body: dict[str, Any] = mail.get()
    return body


def _refused(parcel: EmailParcel, refusal: HTTPError) -> Verdict:
    status = int(refusal.status_code)
    headers = {name.lower(): value for name, value in refusal.headers.items()}
    return Verdict(parcel.token, _outcome(status), code=str(status), retry_after=seconds_to_wait(headers))


def _outcome(status: int) -> Outcome:
    """What an answer other than 2xx means. The body adds nothing: a 413 even comes as HTML."""
    if status in (301, 307, 308):
        return Outcome.MISCONFIGURED  # "ask over there": nothing was done here (RFC 9110, 15.4)
    if not 400 <= status < 500 or status == 408:
        return Outcome.AMBIGUOUS
    if status == 429:
        return Outcome.BUSY
    if status in (401, 403, 404, 405, 407):
        return Outcome.MISCONFIGURED  # key, permission, or an address that is not the API's: true of every message
    return Outcome.REJECTED


class _Response:
    """What the SDK expects of urllib, out of a urllib3 answer."""

    def __init__(self, answer: urllib3.BaseHTTPResponse) -> None:
        self._answer = answer

    def getcode(self) -> int:
        return self._answer.status

    def read(self) -> bytes:
        return self._answer.data

    def info(self) -> Mapping[str, str]:
        return self._answer.headers


class _PooledClient(python_http_client.Client):  # type: ignore[misc]
    """The SDK's HTTP client, which opens a connection for each request, over a pool instead."""

    def __init__(self, pool: urllib3.HTTPConnectionPool, host: str, headers: dict[str, str], **rest: Any) -> None:
        super().__init__(host, request_headers=headers, **rest)
        self._pool = pool

    def _build_client(self, name: str | None = None) -> _PooledClient:
        path = [*self._url_path, name] if name else self._url_path
        return _PooledClient(self._pool, self.host, self.request_headers, version=self._version, url_path=path)

    def _make_request(self, opener: object, request: Any, timeout: float | None = None) -> _Response:  # noqa: ARG002
        answer = self._pool.urlopen(
            request.get_method(), request.selector, body=request.data, headers=dict(request.header_items()), retries=False
        )
        if answer.status >= 300:
            raise HTTPError(answer.status, answer.reason, answer.data, answer.headers)
        return _Response(answer)


def _begin_writing(connection: HTTPConnection) -> None:
    # Connect first, so that a slow connect counts against the deadline and a failed one as never sent.
    if connection.is_closed:
        connection.connect()
    call = current()
    if call is not None:
        call.begin_writing()


class _Plain(HTTPConnection):
    def request(self, *args: Any, **kwargs: Any) -> None:
        _begin_writing(self)
        super().request(*args, **kwargs)


class _Secure(HTTPSConnection):
    def request(self, *args: Any, **kwargs: Any) -> None:
        _begin_writing(self)
        super().request(*args, **kwargs)


def _pool(origin: str, size: int, timeout: urllib3.Timeout, tls: ssl.SSLContext | None) -> urllib3.HTTPConnectionPool:
    url = urllib3.util.parse_url(origin)
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("a provider's address starts with http:// or https://")
    pool: urllib3.HTTPConnectionPool
    if url.scheme == "https":
        pool = urllib3.HTTPSConnectionPool(
            url.host, url.port, maxsize=size, timeout=timeout, ssl_context=tls or trusted()
        )
        pool.ConnectionCls = _Secure
    else:
        pool = urllib3.HTTPConnectionPool(url.host, url.port, maxsize=size, timeout=timeout)
        pool.ConnectionCls = _Plain
    return pool
