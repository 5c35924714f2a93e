"""What an installation stands on, looked at from outside: Redis, its address, its providers, its keys, time zones.

Changes nothing: no file is made, nothing is sent.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from redis import Redis, RedisError
from rq import Worker

from commands.finding import Finding, fail, ok, warn
from service import own_redis
from service.nudges import QueueName, connect
from service.records.sealing import Vault
from service.settings import Settings, is_loopback
from workers.gateways.check import Answer, Standing, is_event_key, sendgrid_key, twilio_account

LINK_CHARACTERS = 30
"""What the shipped wordings leave for a link in a text of one segment."""
TOKEN_CHARACTERS = 11
_REACH_SECONDS = 5.0
_ZONES = ("America/New_York", "America/Los_Angeles", "Europe/London")


def look(settings: Settings) -> Iterator[Finding]:
    """Every check that needs no database."""
    yield _keys(settings)
    yield from _redis(settings)
    yield from _public_url(settings)
    yield from _twilio(settings)
    yield from _sendgrid(settings)
    yield _zone_data()
    if settings.clock_file is not None:
        yield warn(
            "clock", "the clock runs for a demonstration", "remove AFTERCARE_CLOCK_SPEED and AFTERCARE_CLOCK_FILE"
        )


def read_keys(settings: Settings) -> str | None:
    """The sealing keys, if there are any yet: unlike the service, this makes none. Raises OSError."""
    configured = settings.keys.get_secret_value()
    path = settings.var / "keys"
    return configured or (path.read_text().strip() if path.exists() else None)


def _keys(settings: Settings) -> Finding:
    path = settings.var / "keys"
    try:
        keys = read_keys(settings)
        if keys is None:
            return warn("keys", "there are none yet; the first start makes some", "or set AFTERCARE_KEYS")
        Vault(keys)
        mode = None if settings.keys.get_secret_value() else stat.S_IMODE(path.stat().st_mode)
    except (OSError, UnicodeError):
        return fail("keys", f"{path} cannot be read", "run this as the user that the service runs as")
    except ValueError as error:
        return fail("keys", str(error), "restore the keys from your copy: without them nothing sealed can be read")
    if mode is None:
        return ok("keys", "from AFTERCARE_KEYS")
    if mode & 0o077:
        return fail("keys", f"others on this machine may read {path}", f"chmod 600 {path}")
    return warn("keys", f"made by the service, in {path}", "keep a copy elsewhere, and never beside the database's")


def _redis(settings: Settings) -> Iterator[Finding]:
    embedded = settings.redis_url == own_redis.url_for(settings.var)
    with connect(settings.redis_url) as client:
        try:
            client.ping()
        except (RedisError, OSError):
            if embedded:
                yield fail(
                    "redis", "the embedded one is not running", "start `aftercare up`, or set AFTERCARE_REDIS_URL"
                )
            else:
                yield fail("redis", "does not answer", "start it, or mend AFTERCARE_REDIS_URL")
            return
        yield from _redis_habits(client)
        yield from _workers(client)


def _redis_habits(client: Redis) -> Iterator[Finding]:
    try:
        policy = _text(client.config_get("maxmemory-policy")["maxmemory-policy"])
        kept = _text(client.config_get("appendonly")["appendonly"])
    except (RedisError, KeyError):
        yield warn(
            "redis", "answers, but does not tell its settings", "see to maxmemory-policy noeviction, appendonly yes"
        )
        return
    if policy == "noeviction":
        yield ok("redis", "answers, and evicts nothing")
    else:
        yield warn("redis", f"drops nudges when it is full ({policy})", "set maxmemory-policy noeviction")
    if kept != "yes":
        yield warn("redis", "forgets its queues when it restarts; messages are then late", "set appendonly yes")


def _workers(client: Redis) -> Iterator[Finding]:
    try:
        served = {queue for worker in Worker.all(connection=client) for queue in worker.queue_names()}
    except (RedisError, ValueError) as error:
        yield warn("workers", f"cannot be listed ({type(error).__name__})", "look at their logs")
        return
    unserved = [name.value for name in QueueName if name.value not in served]
    if unserved:
        todo = "start " + ", ".join(f"`aftercare worker --queue {name}`" for name in unserved)
        yield fail("workers", "nobody works on " + ", ".join(unserved), todo)
    else:
        yield ok("workers", "every queue has one")


def _public_url(settings: Settings) -> Iterator[Finding]:
    address = urlsplit(settings.public_url)
    if address.scheme not in ("http", "https") or not address.hostname:
        yield fail("public url", "is no web address", "set AFTERCARE_PUBLIC_URL, such as https://care.example")
        return
    if is_loopback(settings.public_url):
        yield warn("public url", "leads to this machine only: no patient can open a link", "set AFTERCARE_PUBLIC_URL")
    elif address.scheme != "https":
        yield fail(
            "public url", "is not https: answers would travel in the open", "set AFTERCARE_PUBLIC_URL to https://…"
        )
    yield _reached(settings.public_url)
    length = len(f"{settings.public_url}/s/") + TOKEN_CHARACTERS
    if length > LINK_CHARACTERS:
        said = f"links have {length} characters, more than {LINK_CHARACTERS}: texts may take two segments"
        yield warn("links", said, "a shorter host name saves that")
    else:
        yield ok("links", f"have {length} characters")


def _reached(url: str) -> Finding:
    todo = "start `aftercare web`, and look at the proxy and the name"
    try:
        with build_opener(ProxyHandler({})).open(f"{url}/healthz", timeout=_REACH_SECONDS) as answer:
            status = answer.status
    except HTTPError as refusal:
        status = refusal.code
    except (OSError, HTTPException, ValueError) as error:
        return warn("public url", f"was not reached from here ({type(error).__name__})", todo)
    if status == 200:
        return ok("public url", "reached")
    return warn("public url", f"answers {status} to /healthz", todo)


def _twilio(settings: Settings) -> Iterator[Finding]:
    token = settings.twilio_auth_token.get_secret_value()
    if not settings.twilio_account_sid or not token:
        yield fail("twilio", "no texts can go out", "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN")
        return
    answer = twilio_account(settings.twilio_account_sid, token, settings.twilio_url)
    yield _told("twilio", answer, "mend TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN", "see to the account at Twilio")
    if settings.sms_sender:
        kind = "a messaging service" if settings.twilio_messaging_service_sid else "a number"
        yield ok("twilio sender", kind)
    else:
        yield fail("twilio sender", "there is none", "set TWILIO_MESSAGING_SERVICE_SID or TWILIO_FROM")


def _sendgrid(settings: Settings) -> Iterator[Finding]:
    key = settings.sendgrid_api_key.get_secret_value()
    if not key:
        yield fail("sendgrid", "no e-mails can go out", "set SENDGRID_API_KEY")
    else:
        answer = sendgrid_key(key, settings.sendgrid_url)
        yield _told("sendgrid", answer, "mend SENDGRID_API_KEY", "give the key the scope mail.send")
    if settings.sendgrid_from:
        yield ok("sendgrid sender", "set")
    else:
        yield fail("sendgrid sender", "there is none", "set SENDGRID_FROM to a verified sender")
    if not settings.sendgrid_event_public_key:
        yield warn("sendgrid events", "refused: nobody hears of bounces", "set SENDGRID_EVENT_PUBLIC_KEY")
    elif not is_event_key(settings.sendgrid_event_public_key):
        yield fail("sendgrid events", "the public key is none", "copy SENDGRID_EVENT_PUBLIC_KEY again")
    else:
        yield ok("sendgrid events", "the public key can be used")
    if settings.sendgrid_inbound_public_key and not is_event_key(settings.sendgrid_inbound_public_key):
        yield fail("sendgrid mail in", "the public key is none", "copy SENDGRID_INBOUND_PUBLIC_KEY again")


def _told(about: str, answer: Answer, if_refused: str, if_limited: str) -> Finding:
    match answer.standing:
        case Standing.GOOD:
            return ok(about, "knows us")
        case Standing.LIMITED:
            return warn(about, f"knows us, but: {answer.said}", if_limited)
        case Standing.REFUSED:
            return fail(about, f"refuses us ({answer.said})", if_refused)
        case Standing.UNREACHABLE:
            return fail(
                about, f"was not reached ({answer.said})", "look at the network, and at the provider's status page"
            )


def _zone_data() -> Finding:
    try:
        for name in _ZONES:
            ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        return fail("time zones", "their data is missing", "pip install tzdata")
    return ok("time zones", "their data is there")


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
