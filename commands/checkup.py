"""What `aftercare doctor` looks at in the house itself: keys, database, Redis, processes, address, clinics."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

import urllib3
from redis import Redis, RedisError
from rq import Worker
from rq.serializers import JSONSerializer
from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from service import time
from service.care import emergencies
from service.care.protocol import Protocol
from service.care.rendering import Fields, RenderError, render
from service.care.segments import count
from service.care.text_rules import WORST_CASE
from service.nudges import QueueName, connect
from service.records import clinics, contacts, heartbeats, key_check, notices, protocols, senders
from service.records.database import open_database, reading
from service.records.migrate import is_current
from service.records.sealing import CannotOpen, Vault, new_token
from service.settings import Settings, is_loopback


class Level(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    """It works; somebody should look."""
    FAIL = "fail"
    """Something will not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    check: str
    level: Level
    said: str
    do: str = ""
    """What to do next; empty where there is nothing to do."""


def _ok(check: str, said: str) -> Finding:
    return Finding(check, Level.OK, said)


def _warn(check: str, said: str, do: str) -> Finding:
    return Finding(check, Level.WARN, said, do)


def _fail(check: str, said: str, do: str) -> Finding:
    return Finding(check, Level.FAIL, said, do)


def is_live(settings: Settings) -> bool:
    """Whether patients are to reach this installation: its public address leads elsewhere than to this machine."""
    return not is_loopback(settings.public_url)


def look_at_house(settings: Settings) -> Iterator[Finding]:
    """Everything that can be seen without asking the providers."""
    yield from _time_zones()
    vault, key_findings = _keys(settings)
    yield from key_findings
    yield from _database(settings, vault)
    yield from _redis(settings)
    yield from _address(settings)


def _time_zones() -> Iterator[Finding]:
    try:
        known = len(available_timezones())
        ZoneInfo("America/Denver")
    except (LookupError, OSError):
        known = 0
    if known < 400:
        yield _fail("time zones", "there is no time zone data", "install the tzdata package")
    else:
        yield _ok("time zones", f"{known} are known")


# Keys


def _keys(settings: Settings) -> tuple[Vault | None, list[Finding]]:
    configured = settings.keys.get_secret_value()
    path = settings.var / "keys"
    try:
        held = configured or path.read_text().strip()
    except FileNotFoundError:
        return None, [_warn("keys", "there is none yet", f"it is made at the first start, in {path}")]
    except OSError as error:
        return None, [_fail("keys", f"{path} cannot be read ({error.strerror})", "run this as the service's own user")]
    except UnicodeDecodeError:
        return None, [_fail("keys", f"{path} holds something else than keys", "put the right file back from your copy")]
    try:
        vault = Vault(held)
    except ValueError as error:
        return None, [_fail("keys", str(error), "mend AFTERCARE_KEYS; nothing can be opened without the right keys")]
    found = [_ok("keys", f"{len(vault.key_ids)}, sealing with {vault.key_ids[0]}")]
    if not configured:
        found = [*found, *_key_file(settings, path)]
    elif len(vault.key_ids) > 1 and any(vault.opens_with(key) for key in vault.key_ids[1:]):
        found.append(_warn("old keys", "there is more than one whole key", "run `aftercare keys rotate`"))
    return vault, found


def _key_file(settings: Settings, path: Path) -> Iterator[Finding]:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        yield _fail("key file", f"others may read {path}", f"chmod 600 {path}")
    elif is_live(settings):
        yield _warn("key file", f"the only copy may be {path}", "keep another elsewhere, or set AFTERCARE_KEYS")
    else:
        yield _ok("key file", f"only its owner reads {path}")


# Database


def _database(settings: Settings, vault: Vault | None) -> Iterator[Finding]:
    try:
        url = make_url(settings.database_url)
        kind = url.get_backend_name()
        if kind == "sqlite" and url.database and not Path(url.database).exists():
            yield _fail("database", "there is none yet", "run `aftercare migrate`")
            return
        engine = open_database(settings.database_url, pool_size=1)
    except (SQLAlchemyError, ValueError, ImportError) as error:
        # By its type: the text may quote the URL, password and all.
        yield _fail("database", f"its URL cannot be used ({type(error).__name__})", "mend AFTERCARE_DATABASE_URL")
        return
    try:
        with reading(engine) as connection:
            connection.execute(text("SELECT 1"))
        yield _ok("database", f"{kind} answers")
        if kind == "sqlite":
            yield from _disk(Path(str(url.database)))
        if not is_current(engine):
            yield _fail("schema", "the database lacks migrations", "run `aftercare migrate`")
            return
        yield _ok("schema", "current")
        yield from _records(settings, engine, vault)
    except SQLAlchemyError as error:
        yield _fail("database", f"{kind} does not answer ({type(error).__name__})", "mend AFTERCARE_DATABASE_URL")
    finally:
        engine.dispose()


def _disk(path: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(path.parent).free
    if not os.access(path, os.W_OK):
        yield _fail("disk", f"{path} cannot be written", "run this as the service's own user")
    elif free < 1_000_000_000:
        yield _warn("disk", f"{free // 1_000_000} MB are free", "make room: a full disk stops everything")
    else:
        yield _ok("disk", f"{free // 1_000_000_000} GB are free")


def _records(settings: Settings, engine: Engine, vault: Vault | None) -> Iterator[Finding]:
    with reading(engine) as connection:
        yield from _clock(connection)
        if not key_check.is_opened_by(connection, vault):
            said = "no key at hand opens this database: nothing starts"
            yield _fail("sealed values", said, f"put the right keys back: AFTERCARE_KEYS, or {settings.var / 'keys'}")
            vault = None
        for key in key_check.missing_lookups(connection, vault) if vault else ():
            said = f"AFTERCARE_KEYS lacks {key}, by which some STOPs and erasures are found: nothing starts"
            yield _fail(
                "former key", said, f"put it back, last, as `{key}:index:…`; `aftercare keys rotate` printed it"
            )
        yield from _clinics(connection, settings, vault)
        for lane in senders.all_of(connection):
            if lane.paused_at is not None:
                said = f"{lane.channel} has been paused since {lane.paused_at:%Y-%m-%d %H:%M} UTC by {lane.paused_code}"
                yield _fail("sender", said, "mend the provider's settings; it is tried again by itself")
        for notice in notices.open_ones(connection):
            yield _warn(
                "notice", f"{notice['kind']}, {notice['count']} times: {notice['detail']}", "see docs/operate.md"
            )


def _clock(connection: Connection) -> Iterator[Finding]:
    age = heartbeats.age_seconds(connection, heartbeats.CLOCK, time.real_now())
    if age is None or age > 30:
        said = "none has ever looked" if age is None else f"it last looked {age:.0f} s ago"
        yield _fail("clock", said, "start `aftercare clock`, or everything with `aftercare up`")
    else:
        yield _ok("clock", f"it looked {age:.0f} s ago")


def _clinics(connection: Connection, settings: Settings, vault: Vault | None) -> Iterator[Finding]:
    every = clinics.all_of(connection)
    if not every:
        yield _warn("clinics", "there is none", "take one on: aftercare clinic add")
        return
    yield _ok("clinics", f"{len(every)}")
    if vault is not None:
        try:
            clinics.webhook_secrets(connection, vault, time.now())
            for clinic in every:
                contacts.of_clinic(connection, vault, clinic.id)
            yield _ok("sealed values", "the keys open them")
        except CannotOpen as error:
            yield _fail("sealed values", str(error), "put the right keys back into AFTERCARE_KEYS")
            vault = None  # what else is sealed says no more
    for clinic in every:
        yield from _clinic(connection, settings, vault, clinic)


def _clinic(
    connection: Connection, settings: Settings, vault: Vault | None, clinic: clinics.Clinic
) -> Iterator[Finding]:
    name = f"clinic {clinic.id}"
    versions = protocols.of_clinic(connection, clinic.id)
    if not any(version.approved_at for version in versions):
        approve = f"aftercare protocol approve --clinic {clinic.id} --by NAME"
        yield _warn(name, "no protocol is approved: nothing is sent", approve)
    if wrong := emergencies.misfit(clinic.emergency_number, clinic.phone, clinic.timezone):
        yield _warn(name, wrong, "mend the number at the desk, under Settings, Clinic, or the time zone")
    if vault is not None and not contacts.of_clinic(connection, vault, clinic.id):
        add = f"aftercare contact add --clinic {clinic.id} --name NAME --phone PHONE"
        yield _warn(name, "nobody is named to be told of alerts: they go to the clinic's own phone and e-mail", add)
    link = settings.public_url + "/s/" + new_token()
    for version in {one.name: one for one in versions}.values():
        long = sorted(_too_long(protocols.parsed(connection, version.id), clinic, link))
        if long:
            said = (
                f"{version.name}: with links of {len(link)} characters these texts take two segments: {', '.join(long)}"
            )
            yield _warn(name, said, "shorten AFTERCARE_PUBLIC_URL, the clinic's display name or the texts")


def _too_long(protocol: Protocol, clinic: clinics.Clinic, link: str) -> set[str]:
    """The steps whose text takes more than one segment with this clinic's own values."""
    fields = Fields(
        clinic=clinic.display_name,
        link=link,
        phone=clinic.phone,
        emerg=clinic.emergency_number,
        name=WORST_CASE.name,
    )
    found = set()
    for step in protocol.steps:
        for language, wording in [*step.words.items(), *step.reminder_words.items()]:
            if wording.sms is None:
                continue
            try:
                sent = render(wording.sms, replace(fields, hours=clinic.hours_in(language)))
            except RenderError:
                continue  # the linter's business
            if count(sent).segments > 1:
                found.add(f"{step.id} ({language})")
    return found


# Redis and the workers


def _redis(settings: Settings) -> Iterator[Finding]:
    client = connect(settings.redis_url)
    try:
        client.ping()
        yield _ok("redis", "answers")
        yield from _redis_settings(client)
        yield from _workers(client)
    except RedisError as error:
        said = f"does not answer ({type(error).__name__}); nudges are lost"
        yield _fail("redis", said, "start it, or run `aftercare up`, or mend AFTERCARE_REDIS_URL")
    finally:
        client.close()


def _redis_settings(client: Redis) -> Iterator[Finding]:
    try:
        asked = {name: str(client.config_get(name).get(name, "")) for name in ("maxmemory-policy", "appendonly")}
    except RedisError:
        yield _warn("redis settings", "it does not show them", "see that its policy is noeviction and AOF is on")
        return
    if asked["maxmemory-policy"] != "noeviction":
        yield _warn("redis eviction", f"maxmemory-policy is {asked['maxmemory-policy']}", "set it to noeviction")
    else:
        yield _ok("redis eviction", "none")
    if asked["appendonly"] != "yes":
        # Nothing is lost without it (P5): a restart only costs the seconds until the clock nudges again.
        yield _warn("redis persistence", "off: after a restart messages go out some seconds late", "set appendonly yes")
    else:
        yield _ok("redis persistence", "on")


def _workers(client: Redis) -> Iterator[Finding]:
    living: set[str] = set()
    for worker in Worker.all(connection=client, serializer=JSONSerializer):
        living.update(worker.queue_names())
    missing = [queue.value for queue in QueueName if queue.value not in living]
    if missing:
        said = f"no worker serves {', '.join(missing)}"
        yield _fail(
            "workers", said, f"start `aftercare worker --queue {missing[0]}`, or everything with `aftercare up`"
        )
    else:
        yield _ok("workers", "every queue has one")


# The address


def _address(settings: Settings) -> Iterator[Finding]:
    parts = urlsplit(settings.public_url)
    if not is_live(settings):
        yield _warn("public address", "leads to this machine only: links work nowhere else", "set AFTERCARE_PUBLIC_URL")
    elif parts.scheme != "https":
        yield _fail(
            "public address", "is not https", "put a TLS proxy in front, and https:// into AFTERCARE_PUBLIC_URL"
        )
    elif "_" in (parts.hostname or ""):
        yield _fail("public address", "has an underscore: Twilio refuses it for callbacks", "use another host name")
    else:
        yield _ok("public address", f"{parts.scheme}, links of {len(settings.public_url) + 14} characters")
    yield _reached(settings)


def _reached(settings: Settings) -> Finding:
    start = "start `aftercare web`, and see that the proxy leads to it"
    try:
        answer = urllib3.request(
            "GET", settings.public_url + "/healthz", timeout=5.0, retries=False, redirect=False, preload_content=True
        )
    except urllib3.exceptions.HTTPError as error:
        return _fail("web", f"nothing answers at the public address ({type(error).__name__})", start)
    if answer.status != 200 or b'"ok"' not in answer.data[:200]:
        return _fail("web", f"something else answers at the public address (HTTP {answer.status})", start)
    return _ok("web", "answers at the public address")
