"""What an installation's database says of it: schema, clock, clinics, notices. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from commands.finding import Finding, fail, ok, warn
from commands.surroundings import read_keys
from service import time
from service.records import clinics, contacts, heartbeats, notices, protocols
from service.records.clinics import Clinic
from service.records.database import open_database, reading
from service.records.migrate import is_current
from service.records.sealing import CannotOpen, Vault
from service.settings import Settings

OLDEST_HEARTBEAT = 30.0
"""Real seconds, as in /readyz."""


def look(settings: Settings) -> Iterator[Finding]:
    """Every check of the database, as far as it can be had."""
    try:
        url = make_url(settings.database_url)
    except ArgumentError:
        yield fail("database", "AFTERCARE_DATABASE_URL is no URL", "such as postgresql://user@host/name")
        return
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        # Connecting would make it.
        yield fail("database", "there is none yet", "run `aftercare migrate`")
        return
    try:
        engine = open_database(settings.database_url, pool_size=1)
    except (SQLAlchemyError, ImportError) as error:
        yield fail("database", f"cannot be opened ({type(error).__name__})", "mend AFTERCARE_DATABASE_URL")
        return
    try:
        yield from _database(engine, settings)
    except SQLAlchemyError as error:
        # By its type: what drivers say may quote the URL, password and all.
        yield fail("database", f"does not answer ({type(error).__name__})", "start it, or mend AFTERCARE_DATABASE_URL")
    finally:
        engine.dispose()


def _database(engine: Engine, settings: Settings) -> Iterator[Finding]:
    if not is_current(engine):
        yield fail("database", "answers, but its schema is another version's", "run `aftercare migrate`")
        return
    yield ok("database", "answers, and its schema is the newest")
    with reading(engine) as connection:
        yield _clock(connection)
        yield from _clinics(connection, settings)
        yield from _notices(connection)


def _clock(connection: Connection) -> Finding:
    age = heartbeats.age_seconds(connection, heartbeats.CLOCK, time.real_now())
    if age is None:
        return fail("clock", "none has run yet", "start `aftercare clock`")
    if age > OLDEST_HEARTBEAT:
        return fail("clock", f"last looked {age:.0f} s ago", "start `aftercare clock`")
    return ok("clock", "looks")


def _clinics(connection: Connection, settings: Settings) -> Iterator[Finding]:
    found = clinics.all_of(connection)
    if not found:
        yield warn("clinics", "there is none yet", "run `aftercare clinic add`")
    vault = _vault(settings)
    for clinic in found:
        yield from _clinic(connection, clinic, vault)


def _clinic(connection: Connection, clinic: Clinic, vault: Vault | None) -> Iterator[Finding]:
    about = f"clinic {clinic.id}"
    try:
        ZoneInfo(clinic.timezone)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        yield fail(about, "its time zone is unknown here", "update tzdata, or mend the clinic's time zone")
    approved = [one for one in protocols.of_clinic(connection, clinic.id) if one.approved_by]
    if approved:
        yield ok(about, "has an approved protocol")
    else:
        yield fail(about, "has no approved protocol: nothing goes out", "run `aftercare protocol approve`")
    if vault is None:
        return
    try:
        people = contacts.of_clinic(connection, vault, clinic.id)
    except CannotOpen:
        yield fail(
            about, "what is on record was sealed with other keys", "put the old ones back behind the current one"
        )
        return
    if people:
        yield ok(about, f"has {len(people)} to tell of alerts")
    else:
        yield warn(about, "has nobody to tell of alerts but its own phone and e-mail", "run `aftercare contact add`")


def _vault(settings: Settings) -> Vault | None:
    try:
        keys = read_keys(settings)
        return None if keys is None else Vault(keys)
    except (OSError, ValueError):
        return None  # said already, where keys are looked at


def _notices(connection: Connection) -> Iterator[Finding]:
    for notice in notices.open_ones(connection):
        times = "" if notice["count"] == 1 else f", {notice['count']} times"
        yield warn("notice", f"{notice['kind']} ({notice['subject']}){times}: {notice['detail']}", "see to its cause")
