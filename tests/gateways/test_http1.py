"""Reading answers: however the bytes are cut, the same answer; whatever is not one, BadAnswer."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import itertools
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from tests.gateways.scripted import HANG, Bytes, answer, scripted
from workers.gateways.call import MaybeSent, NotSent
from workers.gateways.http1 import MOST_BODY, Answer, AnswerReader, BadAnswer, request_bytes
from workers.gateways.pool import Pool

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def read(pieces: list[bytes], *, end: bool = False) -> tuple[Answer | None, bool]:
    """The answer, and whether the connection may be used again."""
    reader, got = AnswerReader(), None
    for piece in pieces:
        got = reader.feed(piece)
        if got is not None:
            break
    if got is None and end:
        got = reader.end()
    return got, reader.reusable


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges) if a != b]


@given(body=st.binary(max_size=200), chunks=st.lists(st.integers(1, 40), max_size=8), places=st.lists(st.integers(0)))
def test_cuts_do_not_matter(body: bytes, chunks: list[int], places: list[int]) -> None:
    by_length = (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )
    by_chunks, rest = CHUNKED, body
    for size in [*chunks, len(body) or 1]:
        part, rest = rest[:size], rest[size:]
        if part:
            by_chunks += b"%x;ext=1\r\n%s\r\n" % (len(part), part)
    by_chunks += b"0\r\nTrailer: x\r\n\r\n"
    for data in (by_length, by_chunks):
        got, reusable = read(cut(data, places))
        assert got is not None
        assert (got.status, got.body, reusable) == (200, body, True)


@given(st.binary(max_size=300), st.lists(st.integers(0)))
def test_rubbish_is_bad_or_unfinished(data: bytes, places: list[int]) -> None:
    for start in (b"", b"HTTP/1.1 200 OK\r\n", CHUNKED):
        with contextlib.suppress(BadAnswer):
            read(cut(start + data, places), end=True)


@pytest.mark.parametrize(
    ("data", "body", "reusable"),
    [
        (b"HTTP/1.1 204 No\r\n\r\n", b"", True),
        (b"HTTP/1.1 304\r\nContent-Length: 9\r\n\r\n", b"", True),
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", b"to the end", False),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", b"x", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", b"x", False),
        (b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx", b"x", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n", b"x", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", b"x", True),
    ],
)
def test_where_an_answer_ends(data: bytes, body: bytes, reusable: bool) -> None:
    got, again = read([data], end=True)
    assert got is not None
    assert (got.body, again) == (body, reusable)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1_0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MOST_BODY + 1),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: 1\r\n folded\r\n\r\n",
        CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n",
        CHUNKED + b"5\r\nhelloo\r\n0\r\n\r\n",
        CHUNKED + b"FFFFFFFF\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000,
    ],
)
def test_what_is_not_an_answer(data: bytes) -> None:
    with pytest.raises(BadAnswer):
        read([data])


@pytest.mark.parametrize(
    ("target", "headers"),
    [("/a b", {}), ("/a\r\nX: y", {}), ("/é", {}), ("/a", {"X": "1\r\nY: 2"}), ("/a", {"X\n": "1"})],
)
def test_nothing_smuggles_a_line_in(target: str, headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"percent|line"):
        request_bytes("POST", target, "h", headers, b"")


def pool(url: str, limit: int = 4, tls: ssl.SSLContext | None = None) -> Pool:
    return Pool(url, limit=limit, connect_timeout=1.0, read_timeout=0.5, tls=tls)


def test_connections_are_kept_and_never_more_than_the_limit() -> None:
    async def play() -> tuple[int, int, int]:
        async with scripted(answer(200, {}), delay=0.01) as provider:
            connections = pool(provider.url)
            for _ in range(3):
                await asyncio.gather(*(connections.request("GET", "/", {}) for _ in range(20)))
            await connections.close()
            return provider.connections, provider.most_in_flight, len(provider.requests)

    assert asyncio.run(play()) == (4, 4, 60)


def test_an_old_idle_connection_is_not_trusted() -> None:
    async def play() -> int:
        async with scripted(answer(200, {})) as provider:
            connections = Pool(provider.url, limit=1, connect_timeout=1, read_timeout=1, idle_seconds=0.02)
            await connections.request("GET", "/", {})
            await asyncio.sleep(0.05)
            await connections.request("GET", "/", {})
            await connections.close()
            return provider.connections

    assert asyncio.run(play()) == 2


def test_bytes_that_nobody_asked_for_are_never_the_next_answer() -> None:
    stray = answer(200, b"real").pieces[0] + answer(200, b"stray").pieces[0]

    async def play() -> tuple[bytes, int]:
        async with scripted(Bytes((stray,)), answer(200, b"own")) as provider:
            connections = pool(provider.url)
            await connections.request("GET", "/", {})
            second = await connections.request("GET", "/", {})
            await connections.close()
            return second.body, provider.connections

    assert asyncio.run(play()) == (b"own", 2)


def test_a_server_that_drips_is_given_up_in_time() -> None:
    """The time-out is for the whole answer: a byte now and then does not renew it."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        for _byte in range(20):
            writer.write(b"x")
            await asyncio.sleep(0.1)
        writer.close()

    async def play() -> float:
        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        connections = pool(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        start = asyncio.get_running_loop().time()
        with pytest.raises(MaybeSent, match="timeout"):
            await connections.request("GET", "/", {})
        server.close()
        return asyncio.get_running_loop().time() - start

    assert asyncio.run(play()) < 1.0


def test_closing_ends_what_is_under_way() -> None:
    async def play() -> None:
        async with scripted(HANG) as provider:
            connections = pool(provider.url)
            request = asyncio.create_task(connections.request("GET", "/", {}))
            await asyncio.sleep(0.05)
            await connections.close()
            with pytest.raises(MaybeSent):
                await request

    asyncio.run(play())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stand-in")])
    today = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.mark.parametrize("trusting", [True, False])
def test_tls(certificate: Path, trusting: bool) -> None:
    """Over TLS as in the clear; and a certificate that does not hold means that nothing was sent."""
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(certificate)
    theirs = ssl.create_default_context(cafile=str(certificate)) if trusting else None

    async def play() -> tuple[list[Answer | BaseException], int, int]:
        async with scripted(answer(201, {"ok": 1}), tls=ours) as provider:
            connections = pool(provider.url, limit=2, tls=theirs)
            asked = [connections.request("POST", "/x", {}, b"a" * 100_000) for _ in range(6)]
            answers = await asyncio.gather(*asked, return_exceptions=True)
            await connections.close()
            return answers, len(provider.requests), provider.connections

    answers, requests, connections = asyncio.run(play())
    if trusting:
        assert [got.status for got in answers if isinstance(got, Answer)] == [201] * 6
        assert (requests, connections) == (6, 2)
    else:
        assert all(isinstance(got, NotSent) for got in answers)
        assert requests == 0
