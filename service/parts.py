"""What every process of an installation is made of, the web as well as the workers."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from service import time
from service.care.lifecycle import Channel
from service.nudges import Nudges, connect
from service.records import senders
from service.records.database import open_database, run
from service.records.plans import Sending
from service.records.sealing import Vault, load_or_make_keys
from service.settings import Settings


@dataclass(frozen=True)
class Parts:
    """Settings, database, vault and nudges of one process."""

    settings: Settings
    engine: Engine
    sending: Sending
    nudges: Nudges


def open_parts(settings: Settings, pool_size: int = 8, nudge_rest: float = 0.0) -> Parts:
    """Follow the shared clock, open the database (migrated before), the vault and Redis."""
    if settings.clock_file is not None:
        time.use_clock_file(settings.clock_file, settings.clock_speed)
    return Parts(
        settings=settings,
        engine=open_database(settings.database_url, pool_size=pool_size),
        sending=make_sending(settings),
        nudges=Nudges(connect(settings.redis_url), nudge_rest),
    )


def make_sending(settings: Settings) -> Sending:
    """The vault and the senders of this installation."""
    keys = load_or_make_keys(settings.keys.get_secret_value(), settings.var / "keys")
    return Sending(vault=Vault(keys), sms_sender=settings.sms_sender, email_sender=settings.sendgrid_from)


def ensure_senders(engine: Engine, settings: Settings) -> None:
    """Put the default senders on record, with their pace."""

    def work(connection: Connection) -> None:
        senders.ensure(connection, Channel.SMS, settings.sms_sender, settings.sms_segments_per_second)
        senders.ensure(connection, Channel.EMAIL, settings.sendgrid_from, 0.0)

    run(engine, work)
