"""What an installation is furnished with: settings, a migrated database, and what is made once a process."""

from __future__ import annotations

import tempfile
from base64 import b64encode
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from sandbox.signing import SigningKey
from service.records import migrate
from service.records.library import TEMPLATES
from service.settings import Settings
from workers.compose import Composer

PUBLIC = "https://care.example"
SENDER = "+15005550006"
MAIL_SENDER = "care@clinic.example"
PROTOCOL = (TEMPLATES / "protocols" / "prolotherapy.yaml").read_text("utf-8")
LATER = PROTOCOL.replace("    day: 3\n", "    day: 4\n").replace("    day: 7\n", "    day: 8\n")
"""Another version of it."""
LATER_DAYS = {"day3": 4, "day7": 8}
"""The steps that come a day later in it, and on which day."""


@cache
def composer() -> Composer:
    """Holds templates and nothing else."""
    return Composer(PUBLIC)


@cache
def key() -> SigningKey:
    return SigningKey()


@cache
def template() -> Path:
    """A migrated database, made once a process."""
    path = Path(tempfile.mkdtemp(prefix="aftercare-simulation-")) / "template.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


def settings_for(folder: Path, database: Path, dice: Random) -> Settings:
    values: dict[str, Any] = {
        "AFTERCARE_VAR": folder,
        "AFTERCARE_DATABASE_URL": f"sqlite:///{database}",
        "AFTERCARE_REDIS_URL": "redis://127.0.0.1:9/0",
        "AFTERCARE_PUBLIC_URL": PUBLIC,
        # From the seed, like all chance: keyed hashes decide orders.
        "AFTERCARE_KEYS": f"sim:{b64encode(dice.randbytes(32)).decode()}",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "a-token",
        "TWILIO_FROM": SENDER,
        "SENDGRID_API_KEY": "SG.key",
        "SENDGRID_FROM": MAIL_SENDER,
        "AFTERCARE_REPLY_DOMAIN": "reply.care.example",
        "SENDGRID_EVENT_PUBLIC_KEY": key().public,
        # Small enough that several parts of one job are on the wire at a time.
        "AFTERCARE_BATCH_SIZE": dice.choice((1, 3, 10, 500)),
        "AFTERCARE_SMS_SEGMENTS_PER_SECOND": dice.choice((0, 0, 10, 10, 10, 2)),
    }
    return Settings(_env_file=None, **values)
