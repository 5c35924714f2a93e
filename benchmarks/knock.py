"""Clients in a process of their own: kept-alive connections, each of which posts as soon as it has its answer."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import quantiles

RECEIVE = 1 << 16


@dataclass(frozen=True, slots=True)
class Knocked:
    """What came of a number of requests, each as soon as its connection was free."""

    seconds: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, which: int) -> float:
        """In milliseconds."""
        return quantiles(self.latencies, n=100)[which - 1] * 1000


def request(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """A POST, ready to be sent."""
    lines = [f"POST {path} HTTP/1.1", "Host: a.example", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def knock(port: int, requests: Sequence[bytes], connections: int) -> Knocked:
    """Post all of them over so many connections; every answer must be a 2xx."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_knock, port, list(requests), connections).result()


def _knock(port: int, requests: list[bytes], connections: int) -> Knocked:
    begun = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        parts = [requests[place::connections] for place in range(connections)]
        latencies = [one for part in pool.map(_client, [port] * connections, parts) for one in part]
    return Knocked(time.perf_counter() - begun, latencies)


def _client(port: int, requests: list[bytes]) -> list[float]:
    latencies = []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for raw in requests:
            begun = time.perf_counter()
            connection.sendall(raw)
            _answer(connection)
            latencies.append(time.perf_counter() - begun)
    return latencies


def _answer(connection: socket.socket) -> None:
    """Read one answer to its end. Raises RuntimeError for anything but a 2xx."""
    head, _, rest = _until(connection, b"", b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 2"):
        raise RuntimeError(f"answered {head[:200]!r} {rest[:500]!r}")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in head.split(b"\r\n"))}
    if fields.get(b"transfer-encoding") == b"chunked":
        _until(connection, b"\r\n" + rest, b"\r\n0\r\n\r\n")
        return
    missing = int(fields.get(b"content-length", b"0")) - len(rest)
    while missing > 0:
        missing -= len(connection.recv(RECEIVE))


def _until(connection: socket.socket, got: bytes, end: bytes) -> tuple[bytes, bytes, bytes]:
    while end not in got:
        more = connection.recv(RECEIVE)
        if not more:
            raise RuntimeError("the server hung up")
        got += more
    return got.partition(end)
