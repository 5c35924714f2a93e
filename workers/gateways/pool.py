"""Kept-alive HTTP/1.1 connections to one provider, from one event loop.

Nothing here ever repeats a request. A failure before the first byte is `NotSent`; any failure after it is
`MaybeSent`, also when the server closed a kept-alive connection just as it was used again: it may have read it.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Callable
from urllib.parse import urlsplit

import certifi

from workers.gateways.call import MaybeSent, NotSent
from workers.gateways.handover import Unsent
from workers.gateways.http1 import Answer, AnswerReader, BadAnswer, request_bytes


def trusted() -> ssl.SSLContext:
    """Checks certificates against the machine's store (or SSL_CERT_FILE) and, for bare containers, certifi's."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


class Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    __slots__ = ("_answer", "_reader", "_timer", "_transport", "idle_since", "reusable")

    def __init__(self) -> None:
        self.reusable = True
        self.idle_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._reader = AnswerReader()
        self._answer: asyncio.Future[Answer] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    @property
    def is_open(self) -> bool:
        return self.reusable and self._transport is not None and not self._transport.is_closing()

    def exchange(self, request: bytes, seconds: float) -> asyncio.Future[Answer]:
        """Write `request`; its whole answer, or MaybeSent after `seconds`."""
        assert self._transport is not None
        loop = asyncio.get_running_loop()
        self._reader = AnswerReader()
        self._answer = loop.create_future()
        self._timer = loop.call_later(seconds, self._fail, "timeout")
        self._transport.write(request)
        return self._answer

    def abort(self) -> None:
        """Drop the connection now."""
        self.reusable = False
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._answer is None:
            self.abort()  # unasked (a 408 before closing): the next request would take it for its own answer
            return
        try:
            answer = self._reader.feed(data)
        except BadAnswer:
            self._fail("unreadable")
            return
        if answer is not None:
            self._finish(answer)

    def eof_received(self) -> bool:
        if self._answer is not None:
            try:
                self._finish(self._reader.end())
            except BadAnswer:
                self._fail("dropped")
        self.reusable = False
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.reusable = False
        if self._answer is not None:
            self._fail("dropped")

    def _finish(self, answer: Answer) -> None:
        self.reusable = self._reader.reusable
        pending = self._settle()
        if pending is not None:
            pending.set_result(answer)

    def _fail(self, why: str) -> None:
        pending = self._settle()
        if pending is not None:
            pending.set_exception(MaybeSent(why))
        self.abort()

    def _settle(self) -> asyncio.Future[Answer] | None:
        """Stop waiting for an answer; the future, unless it is done or was cancelled."""
        if self._timer is not None:
            self._timer.cancel()
        pending, self._answer = self._answer, None
        return pending if pending is not None and not pending.done() else None


class Pool:
    """At most `limit` connections to `origin`, opened when needed and kept for `idle_seconds`."""

    def __init__(
        self,
        origin: str,
        *,
        limit: int,
        connect_timeout: float,
        read_timeout: float,
        idle_seconds: float = 20.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`origin` is ``http[s]://host[:port]``. `read_timeout` runs from the write to the end of the answer."""
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("a provider's address starts with http:// or https://")
        self._host = parts.hostname
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._host_header = parts.netloc.rpartition("@")[2]
        self._tls = (tls or trusted()) if parts.scheme == "https" else None
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._idle_seconds = idle_seconds
        self._slots = asyncio.Semaphore(limit)
        self._idle: deque[Connection] = deque()
        self._busy: set[Connection] = set()

    async def request(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes = b"",
        before_write: Callable[[], None] | None = None,
    ) -> Answer:
        """The answer to one request. Raises NotSent or MaybeSent.

        `before_write` is called when all that is left is to write, and may raise NotSent.
        """
        request = request_bytes(method, target, self._host_header, headers, body)
        async with self._slots:
            connection = self._kept() or await self._open()
            self._busy.add(connection)
            try:
                if before_write is not None:
                    before_write()
                return await connection.exchange(request, self._read_timeout)
            except asyncio.CancelledError:
                connection.abort()  # its answer would come when nobody waits for it
                raise
            finally:
                self._busy.discard(connection)
                if connection.is_open:
                    connection.idle_since = time.monotonic()
                    self._idle.append(connection)
                else:
                    connection.abort()

    async def close(self) -> None:
        """Drop every connection; requests under way end as MaybeSent."""
        for connection in [*self._idle, *self._busy]:
            connection.abort()
        self._idle.clear()
        await asyncio.sleep(0)  # lets the transports close their sockets

    def _kept(self) -> Connection | None:
        # Newest first, so that after a rush the others grow old; and old ones are dropped rather than used, since
        # the server may be closing them at this moment and that would make the request ambiguous.
        horizon = time.monotonic() - self._idle_seconds
        while self._idle and (self._idle[0].idle_since < horizon or not self._idle[0].is_open):
            self._idle.popleft().abort()
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        return None

    async def _open(self) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_timeout):
                _, connection = await loop.create_connection(
                    Connection, self._host, self._port, ssl=self._tls, happy_eyeballs_delay=0.25
                )
        except (OSError, UnicodeError):  # refused, unresolved, time-out, a certificate that does not hold
            raise NotSent(Unsent.CONNECT) from None
        return connection
