"""A provider that answers exactly what a test scripted: any status, any bytes, a dropped connection, silence."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

SID = "SM" + "0123456789abcdef" * 2


@dataclass(frozen=True)
class Bytes:
    """Answer with these bytes, piece by piece; then perhaps close."""

    pieces: tuple[bytes, ...]
    close: bool = False


DROP = Bytes((), close=True)
HANG = "hang"
Act = Bytes | str


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode(), keep_blank_values=True).items()}

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.target).query).items()}


def answer(status: int, body: Any = b"", headers: dict[str, str] | None = None, *, close: bool = False) -> Bytes:
    """A well-formed answer; anything but bytes goes as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return Bytes(("\r\n".join(lines).encode() + b"\r\n\r\n" + content,), close)


def created(**changes: Any) -> Bytes:
    return answer(201, message(**changes))


def message(**changes: Any) -> dict[str, Any]:
    """A message as Twilio shows it."""
    return {
        "sid": SID,
        "status": "queued",
        "error_code": None,
        "num_segments": "1",
        "direction": "outbound-api",
        "body": "Hello",
        "date_created": "Thu, 24 Aug 2023 05:01:45 +0000",
        "date_sent": None,
        **changes,
    }


def refusal(status: int, code: int | None, headers: dict[str, str] | None = None) -> Bytes:
    """An error as Twilio shows it, quoting the number as Twilio does."""
    return answer(status, {"code": code, "message": "The 'To' number +15551234567 is not", "status": status}, headers)


@dataclass
class Scripted:
    """The running provider: `acts` are played one for each request, the last one for all that follow."""

    acts: list[Act]
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    most_in_flight: int = 0
    delay: float = 0.0
    url: str = ""
    _in_flight: int = 0
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def hang_up(self) -> None:
        """Close every connection from this side."""
        for writer in self._writers:
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        method, target, _ = first.split(" ")
        self.requests.append(Request(method, target, headers, body))
        self._in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight)
        act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
        await asyncio.sleep(self.delay)
        self._in_flight -= 1
        if not isinstance(act, Bytes):
            await asyncio.sleep(30)
            return False
        for piece in act.pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        return not act.close


@asynccontextmanager
async def scripted(*acts: Act, delay: float = 0.0, tls: ssl.SSLContext | None = None) -> AsyncIterator[Scripted]:
    """Run a scripted provider on a free port."""
    provider = Scripted(list(acts) or [created()], delay=delay)
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0, ssl=tls, backlog=1024)
    provider.url = f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield provider
    finally:
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            if getattr(task.get_coro(), "__qualname__", "") == "Scripted.serve":
                task.cancel()
        await asyncio.sleep(0)
