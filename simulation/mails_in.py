"""Answers that patients send by e-mail, as SendGrid's Inbound Parse posts them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from random import Random

from simulation.provider import Taken
from simulation.scheduler import Scheduler
from simulation.story import Story
from simulation.web import Web

WORDS = ("Thank you, all is well.", "When may I run again?", "3")
STOPS = ("STOP", "Please stop these emails", "unsubscribe")
_BOUNDARY = "xYzZY"


@dataclass(frozen=True, slots=True)
class Mail:
    """One answer: the key that it has to be on record under, who wrote, and whether that was an end."""

    key: str
    sender: str
    stops: bool


@dataclass
class MailsIn:
    """Carries them to the service, now and then twice."""

    scheduler: Scheduler
    dice: Random
    story: Story
    web: Web
    sent: list[Mail] = field(default_factory=list)

    def answer(self, mail: Taken) -> None:
        """Somebody answers a mail. Whose answer it is, the address alone says."""
        assert mail.reply_to is not None
        stops = self.dice.random() < 0.2
        body = self.dice.choice(STOPS if stops else WORDS)
        name = f"<{self.dice.getrandbits(64):016x}@mail.example>"
        self.story.tell("says", mail.to, body)
        token = mail.reply_to.partition("@")[0].removeprefix("r+")
        key = "mail " + hashlib.sha256(json.dumps([token, mail.to, name]).encode()).hexdigest()
        fields = {
            "headers": f"Message-ID: {name}\n",
            "envelope": json.dumps({"to": [mail.reply_to], "from": mail.to}),
            "subject": "Re: your check-in",
            "text": body,
        }
        self.sent.append(Mail(key, mail.to, stops))
        for _ in range(2 if self.dice.random() < 0.3 else 1):
            self.scheduler.spawn("mail in", lambda: self.web.as_inbound_parse(_form(fields), _BOUNDARY, key))


def _form(fields: dict[str, str]) -> bytes:
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return "".join([*parts, f"--{_BOUNDARY}--\r\n"]).encode()
