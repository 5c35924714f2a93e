"""What every process of an installation is made of, the web as well as the workers."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from service import time
from service.care.lifecycle import Channel
from service.nudges import Nudges, connect
from service.records import lanes, senders
from service.records.database import open_database, run
from service.records.key_check import open_vault
from service.records.migrate import is_current
from service.records.plans import Sending
from service.records.sealing import Vault, key_file
from service.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parts:
    """Settings, database, vault and nudges of one process."""

    settings: Settings
    engine: Engine
    sending: Sending
    nudges: Nudges


class NotMigrated(Exception):
    """The database lacks tables; the text says what to do."""


def open_parts(settings: Settings, pool_size: int = 8, nudge_rest: float = 0.0) -> Parts:
    """Follow the shared clock, open the database (migrated before), the vault and Redis.

    A database that does not answer is no reason not to start: whoever asks is told so meanwhile, and the keys, which
    could not be tried on it, are tried by /readyz.

    Raises key_check.WrongKeys when the keys are not this database's, ValueError when they are none, NotMigrated,
    SQLAlchemyError when the database does not answer and no keys are at hand.
    """
    if settings.clock_file is not None:
        time.use_clock_file(settings.clock_file, settings.clock_speed)
    engine = open_database(settings.database_url, pool_size=pool_size)
    try:
        vault = _vault(engine, settings)
    except BaseException:
        engine.dispose()
        raise
    return Parts(
        settings=settings,
        engine=engine,
        sending=make_sending(settings, vault),
        nudges=Nudges(connect(settings.redis_url), nudge_rest),
    )


def _vault(engine: Engine, settings: Settings) -> Vault:
    configured, path = settings.keys.get_secret_value(), settings.var / "keys"
    try:
        return open_vault(engine, configured, path)
    except SQLAlchemyError as error:
        try:
            migrated = is_current(engine)
        except SQLAlchemyError:
            if not configured and not path.exists():
                raise
            log.error("the database does not answer (%s): the keys were not tried on it", type(error).__name__)
            return Vault(configured or key_file(path))
        if migrated:
            raise
        raise NotMigrated("the database is not migrated; run `aftercare migrate` first") from None


def make_sending(settings: Settings, vault: Vault) -> Sending:
    """The vault and the senders of this installation."""
    return Sending(vault=vault, sms_sender=settings.sms_sender, email_sender=settings.sendgrid_from)


def ensure_senders(engine: Engine, settings: Settings) -> None:
    """Put the default senders on record, with their pace; what is planned for former ones goes by them from now on."""

    def work(connection: Connection) -> None:
        senders.ensure(connection, Channel.SMS, settings.sms_sender, settings.sms_segments_per_second)
        senders.ensure(connection, Channel.EMAIL, settings.sendgrid_from, 0.0)

    run(engine, work)
    for channel, sender in ((Channel.SMS, settings.sms_sender), (Channel.EMAIL, settings.sendgrid_from)):
        moved = 0
        while sender and (part := run(engine, partial(lanes.move_over, channel=channel, sender=sender))):
            moved += part
        if moved:
            log.info("%s planned messages go by another %s sender now", moved, channel)
