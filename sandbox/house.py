"""Everything one running sandbox is made of, wired once."""

from __future__ import annotations

import asyncio
from typing import Any

from sandbox.carrier import Carrier
from sandbox.config import Config
from sandbox.faults import Faults
from sandbox.ledger import Ledger
from sandbox.mail_carrier import MailCarrier
from sandbox.opt_outs import OptOuts
from sandbox.postman import Postman
from sandbox.screen import Screen
from sandbox.signing import SigningKey
from sandbox.texts import Texts
from service import time


class House:
    """Must be made inside the event loop that serves it."""

    def __init__(self, config: Config, ledger: Ledger, faults: Faults, key: SigningKey) -> None:
        self.config = config
        self.ledger = ledger
        self.faults = faults
        self.key = key
        self.texts = Texts()
        self.screen = Screen()
        self.opt_outs = OptOuts()
        self.postman = Postman(config)
        self.carrier = Carrier(config, self.texts, self.screen, self.postman, self.opt_outs)
        self.mail_carrier = MailCarrier(config, self.screen, self.postman, key)
        self.closing = False

    def stats(self) -> dict[str, Any]:
        """The ledger's counts, what became of webhooks, and what is still on its way."""
        return {
            **self.ledger.stats(),
            "pending": self.postman.pending,
            "webhooks": dict(self.postman.outcomes),
            "faults_struck": sum(rule.struck for rule in self.faults.rules()),
        }

    async def reset(self) -> None:
        """Forget everything but the signing key and the ledger's file and numbering."""
        await self.postman.forget()
        self.mail_carrier.forget()
        self.texts.clear()
        self.screen.clear()
        self.opt_outs.clear()
        self.faults.clear()
        self.ledger.forget(time.now())

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(0 if self.closing else seconds)

    async def close(self) -> None:
        self.closing = True
        self.screen.changed()
        await self.postman.close()
