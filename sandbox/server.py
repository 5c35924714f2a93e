"""Start and stop a sandbox: one asyncio server, in its own thread when it shares a process with tests."""

from __future__ import annotations

import asyncio
import threading
import time as real_time
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from aiohttp import web

from sandbox.config import Config
from sandbox.controls import Controls
from sandbox.faults import Faults, Kind, Rule
from sandbox.house import House
from sandbox.ledger import Entry, Ledger
from sandbox.sendgrid_api import SendGridApi
from sandbox.signing import SigningKey
from sandbox.twilio_api import TwilioApi

T = TypeVar("T")
_MAX_REQUEST = 64 * 1024 * 1024
"""Above SendGrid's 30 MB, so that its own 413 is what a client sees."""


class Server:
    """A sandbox that listens. Everything here runs in its event loop."""

    def __init__(self, config: Config, ledger: Ledger, faults: Faults, key: SigningKey) -> None:
        self.house = House(config, ledger, faults, key)
        app = web.Application(client_max_size=_MAX_REQUEST)
        app.add_routes(TwilioApi(config, self.house.texts, self.house.carrier, ledger, faults).routes())
        app.add_routes(SendGridApi(config, self.house.mail_carrier, ledger, faults).routes())
        app.add_routes(Controls(self.house).routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)

    async def listen(self) -> int:
        """Bind, and say on which port."""
        await self._runner.setup()
        config = self.house.config
        site = web.TCPSite(self._runner, config.host, config.port, backlog=1024)
        await site.start()
        port: int = self._runner.addresses[0][1]
        return port

    async def close(self) -> None:
        await self.house.close()
        await self._runner.cleanup()
        self.house.ledger.close()


class Handle:
    """A sandbox running in a background thread. Every method may be called from any thread."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.ledger = Ledger(config.ledger_path)
        self.faults = Faults(config.seed)
        self._key = SigningKey(config.key_path)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sandbox", daemon=True)
        self._thread.start()
        self._server, port = self._run(self._begin())
        self.url = f"http://{config.host}:{port}"

    async def _begin(self) -> tuple[Server, int]:
        server = Server(self.config, self.ledger, self.faults, self._key)
        return server, await server.listen()

    @property
    def public_key(self) -> str:
        """SendGrid's webhook key: base64 of the DER public key."""
        return self._key.public

    @property
    def pending(self) -> int:
        """Callbacks, events and inbound messages that the service has not taken yet."""
        return self._server.house.postman.pending

    def entries(self, after: int = 0) -> list[Entry]:
        """What was accepted since entry number `after`."""
        return self.ledger.entries(after)

    def stats(self) -> dict[str, Any]:
        async def read() -> dict[str, Any]:
            return self._server.house.stats()

        return self._run(read())

    def fault(
        self,
        kind: Kind | str,
        *,
        on: str | Sequence[str] | None = None,
        to: str | None = None,
        count: int | None = None,
        probability: float = 1.0,
        **numbers: Any,
    ) -> Rule:
        """Add a fault, with the words of ``POST /__sandbox/faults``. Raises ValueError."""
        data = {"kind": str(kind), "to": to, "count": count, "probability": probability, **numbers}
        return self.faults.add(Rule.parse(data if on is None else {**data, "on": on}))

    def reply(self, number: str, body: str, to: str | None = None, media: Sequence[str] = ()) -> str:
        """Type `body` on the phone `number`; its message sid."""

        async def type_it() -> str:
            return self._server.house.carrier.hear(number, to, body, media).sid

        return self._run(type_it())

    def reply_by_mail(self, sender: str, to: str, text: str, subject: str = "", **more: Any) -> None:
        """Write an e-mail from `sender`; `more` as for `MailCarrier.hear`."""

        async def write_it() -> None:
            self._server.house.mail_carrier.hear(sender, to, text, subject, **more)

        self._run(write_it())

    def settle(self, timeout: float = 10.0) -> bool:
        """Wait until nothing is pending; False when something still was after `timeout` real seconds."""
        end = real_time.monotonic() + timeout
        while self.pending:
            if real_time.monotonic() > end:
                return False
            real_time.sleep(0.005)
        return True

    def reset(self) -> None:
        """As ``POST /__sandbox/reset``."""
        self._run(self._server.house.reset())

    def stop(self) -> None:
        """Close every connection and end the thread; a second call does nothing."""
        if self._loop.is_closed():
            return
        self._run(self._server.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)


def start(config: Config | None = None) -> Handle:
    """Start a sandbox in a background thread."""
    return Handle(config or Config())


async def serve(config: Config, ready: asyncio.Event | None = None) -> None:
    """Run a sandbox in this event loop until cancelled."""
    server = Server(config, Ledger(config.ledger_path), Faults(config.seed), SigningKey(config.key_path))
    try:
        await server.listen()
        if ready is not None:
            ready.set()
        await asyncio.Event().wait()
    finally:
        await server.close()
