"""The webhook job: claim, sign, post, record; in order for each patient, never waiting long for anyone.

A post is done at least once: the claim commits before it, the record after, and a worker that dies in between leaves
a lease behind after which the event goes out again under the same webhook-id.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from sqlalchemy import Connection
from standardwebhooks import Webhook

from service import crashpoints, time
from service.crashpoints import Point
from service.outward import Refused, check_url, may_go_to
from service.parts import Parts
from service.records import hook_deliveries, hooks
from service.records.database import run
from service.records.hook_deliveries import Answer, Post
from service.records.sealing import CannotOpen

log = logging.getLogger(__name__)

CONNECT_SECONDS, TOTAL_SECONDS = 5.0, 10.0
LEASE_SECONDS = 60.0
"""Longer than any post can take, so that the same event is not on the wire twice while its worker lives."""
IN_FLIGHT, IN_FLIGHT_EACH = 64, 8
"""Posts at a time, of one worker, and to one endpoint: a slow endpoint leaves room for the others."""
JOB_SECONDS = 15.0
"""A job takes on nothing new after this: what is left goes back to the clock, behind the events of others."""
MOST_READ = 4096

T = TypeVar("T")


class WebhookPoster:
    """Posts webhooks. One lives as long as its worker, with an event loop and a pool of connections of its own."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._allow_private = parts.settings.webhooks_allow_private
        self._loop = asyncio.new_event_loop()
        self._session: aiohttp.ClientSession | None = None

    def deliver(self, event_ids: Sequence[int]) -> int:
        """Post the queued deliveries of these events and what waits behind them; returns how many posts were made."""
        return self._wait(self._deliver(list(event_ids)))

    def close(self) -> None:
        if self._session is not None:
            self._wait(self._session.close())
        self._loop.close()

    async def _deliver(self, ids: list[int]) -> int:
        until = time.monotonic() + JOB_SECONDS
        in_flight: dict[asyncio.Task[Answer], Post] = {}
        posts = 0
        while True:
            if time.monotonic() < until:
                for post in self._claim(ids, in_flight):
                    in_flight[asyncio.ensure_future(self._post(post))] = post
                    posts += 1
            if not in_flight:
                break
            done, _ = await asyncio.wait(in_flight, return_when=asyncio.FIRST_COMPLETED)
            ids += self._record([(in_flight.pop(task), task.result()) for task in done])
        if ids:
            run(self._parts.engine, lambda connection: hook_deliveries.release(connection, ids, time.now()))
        return posts

    def _claim(self, ids: list[int], in_flight: dict[asyncio.Task[Answer], Post]) -> list[Post]:
        busy = Counter(post.endpoint_id for post in in_flight.values())
        room = IN_FLIGHT - len(in_flight)
        if not ids or room <= 0:
            return []
        posts = run(
            self._parts.engine,
            lambda connection: hook_deliveries.claim(
                connection, ids, busy, IN_FLIGHT_EACH, room, time.later(LEASE_SECONDS)
            ),
        )
        if posts:
            crashpoints.reached(Point.HOOKS_CLAIMED)
        return posts

    def _record(self, results: Sequence[tuple[Post, Answer]]) -> list[int]:
        """Write down what came of these posts; returns the events that may go now."""
        crashpoints.reached(Point.HOOKS_ANSWERED)

        def work(connection: Connection) -> list[int]:
            now, freed = time.now(), []
            for post, answer in results:
                hook_deliveries.record(connection, post, answer, now)
                freed += hook_deliveries.next_in_line(connection, post, time.later(LEASE_SECONDS))
            crashpoints.reached(Point.HOOKS_RECORDING)
            return freed

        for post, answer in results:
            if not answer.arrived:
                log.warning("webhook endpoint %s: %s", post.endpoint_id, answer.error or answer.status)
        freed = run(self._parts.engine, work)
        crashpoints.reached(Point.HOOKS_RECORDED)
        return freed

    async def _post(self, post: Post) -> Answer:
        vault = self._parts.sending.vault
        try:
            check_url(post.url, self._allow_private)
            body = hooks.body_of(vault, post.event)
            secrets = [vault.open(post.secret, post.endpoint_id)]
            secrets += [vault.open(old.secret, old.id) for old in post.old_secrets]
        except Refused:
            return Answer(None, "address_refused")
        except CannotOpen:
            return Answer(None, "cannot_open")
        try:
            return await self._exchange(post.url, body.encode(), _signed(secrets, post.event_id, body))
        except TimeoutError:
            return Answer(None, "timeout")
        except aiohttp.ClientSSLError:
            return Answer(None, "tls")
        except aiohttp.ClientConnectorError as error:
            return Answer(None, "address_refused" if isinstance(error.os_error, _Guarded) else "unreachable")
        except (aiohttp.ClientError, OSError, ValueError):
            return Answer(None, "no_answer")

    async def _exchange(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        if self._session is None:
            self._session = self._open_session()
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            # Read so that the connection can be used again; a longer body is cut off with its connection.
            await answer.content.read(MOST_READ)
            if not answer.content.at_eof():
                answer.close()
            return Answer(answer.status, None, _retry_after(answer))

    def _open_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=IN_FLIGHT, limit_per_host=IN_FLIGHT_EACH, resolver=_GuardedResolver(self._allow_private)
            ),
            timeout=aiohttp.ClientTimeout(total=TOTAL_SECONDS, connect=CONNECT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"User-Agent": "Aftercare-Webhooks/1"},
        )

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)


class _Guarded(OSError):
    """The name led where webhooks may not go."""


class _GuardedResolver(AbstractResolver):
    """Looks names up, and keeps only addresses that webhooks may go to: what is connected to is what was checked."""

    def __init__(self, allow_private: bool) -> None:
        self._resolver = aiohttp.ThreadedResolver()
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        kept = [one for one in found if may_go_to(one["host"], self._allow_private)]
        if not kept:
            raise _Guarded("the name leads to a private or special address")
        return kept

    async def close(self) -> None:
        await self._resolver.close()


def _signed(secrets: Sequence[str], event_id: int, body: str) -> dict[str, str]:
    name = hooks.webhook_id(event_id)
    # Of the post, not of the event: receivers refuse what is minutes old, in their own time.
    at = time.real_now()
    return {
        "Content-Type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(name, at, body) for secret in secrets),
    }


def _retry_after(answer: aiohttp.ClientResponse) -> float | None:
    """Seconds that a busy endpoint asks for, given as a number or as a date."""
    asked = answer.headers.get("Retry-After", "").strip()
    if answer.status not in (429, 503) or not asked:
        return None
    if asked.isascii() and asked.isdigit() and len(asked) < 9:
        return float(asked)
    try:
        moment = parsedate_to_datetime(asked)
    except (ValueError, TypeError):
        return None
    aware: datetime = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max((aware - time.real_now()).total_seconds(), 0.0)
