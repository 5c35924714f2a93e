"""Carries webhooks to the service, and counts those still on their way."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp
from twilio.request_validator import RequestValidator
from yarl import URL

from sandbox.config import Config


class Errand:
    """One webhook that was promised and has not been delivered yet."""

    __slots__ = ()


class Postman:
    """Sends webhooks. Must be made inside the event loop that uses it."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._validator = RequestValidator(config.auth_token)
        self._errands: set[Errand] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self.outcomes: Counter[str] = Counter()
        """Webhook tries by outcome: "ok", "refused <status>", "unreachable"."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=100),
            timeout=aiohttp.ClientTimeout(total=config.webhook_timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    @property
    def pending(self) -> int:
        """Webhooks promised and not yet delivered or given up."""
        return len(self._errands)

    def promise(self) -> Errand:
        errand = Errand()
        self._errands.add(errand)
        return errand

    def settle(self, errand: Errand) -> None:
        self._errands.discard(errand)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` in the background until it ends or the sandbox is reset."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def forget(self) -> None:
        """Drop everything under way, and wait until it is dropped."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._errands.clear()
        self.outcomes.clear()

    async def close(self) -> None:
        await self.forget()
        await self._session.close()

    async def post_as_twilio(self, url: str, form: Mapping[str, str]) -> None:
        """POST a form signed like Twilio's; once more if the connection failed, never for an error status."""
        # Only the fragment stays home: the rest of the URL goes over the wire, and into the signature, byte for byte.
        target = url.partition("#")[0]
        signature = self._validator.compute_signature(target, form)
        headers = {
            "X-Twilio-Signature": signature,
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "User-Agent": "TwilioProxy/1.1",
            "I-Twilio-Idempotency-Token": str(uuid.uuid4()),
        }
        body = urlencode(form).encode()
        if await self._try(target, body, headers) is None:
            await asyncio.sleep(self._config.delays.retry)
            await self._try(target, body, headers)

    async def post_until_taken(
        self, url: str, body: bytes, headers: Callable[[], Mapping[str, str]], give_up_on_4xx: bool
    ) -> None:
        """POST like SendGrid: again and again, with growing pauses, until a 2xx or `event_retry_seconds` are over."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._config.event_retry_seconds
        pause = self._config.delays.retry
        while True:
            status = await self._try(url, body, headers())
            taken = status is not None and status < 300
            given_up = give_up_on_4xx and status is not None and 400 <= status < 500
            if taken or given_up or loop.time() + pause > end:
                return
            await asyncio.sleep(pause)
            pause *= 2

    async def one_click(self, url: str) -> int | None:
        """The RFC 8058 POST of a mail program's own unsubscribe button; the status, None if unreachable."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._try(url, b"List-Unsubscribe=One-Click", headers)

    async def _try(self, url: str, body: bytes, headers: Mapping[str, str]) -> int | None:
        try:
            target = URL(url, encoded=True)
            async with self._session.post(target, data=body, headers=headers, allow_redirects=False) as answer:
                await answer.read()
                self.outcomes["ok" if answer.status < 300 else f"refused {answer.status}"] += 1
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            self.outcomes["unreachable"] += 1
            return None
