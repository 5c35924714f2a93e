"""In: events, receipts and replies, beside a bare insert of the very same rows and beside an empty view."""

from __future__ import annotations

import json
import tempfile
import time as world
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlencode

from sqlalchemy import Connection, insert, select, update
from standardwebhooks import Webhook
from twilio.request_validator import RequestValidator

from benchmarks import bare
from benchmarks.figures import Figure
from benchmarks.knock import Knocked, knock, request
from benchmarks.place import START, Place, place, session, treat
from benchmarks.serving import empty, web
from commands import embedded
from sandbox.signing import SigningKey
from service import time
from service.api import arrivals
from service.care.lifecycle import Channel, State
from service.records import clinics, replies, reply_tables
from service.records.database import reading, run
from service.records.ids import new_ids
from service.records.replies import Incoming
from service.records.sealing import new_token
from service.records.sending_tables import attempts, messages, receipts
from workers import listen

CONNECTIONS = 4
RUSH = 32
"""Requests at once when a group of clinics posts its Monday."""
BATCH = 100
"""Lines a transaction, as the service commits them."""
POSTED = 1000
"""Lines a posted batch."""
PUBLIC = "https://a.example"
NUMBER = "+12025550199"


def measure(kinds: tuple[str, ...], scale: float) -> Iterator[Figure]:
    """Events alone and by the hundred, straight into the records and through the web server; receipts; replies."""
    count = int(2_000 * scale)
    with empty() as port:
        nothing = knock(port, [request("/", session(n), {"Content-Type": "application/json"}) for n in range(count)], 4)
        yield from _through("empty view", nothing)
    for kind in kinds:
        yield from _records(kind, count)
        key = SigningKey()
        with _redis() as redis:
            settings = {"AFTERCARE_REDIS_URL": redis, "SENDGRID_EVENT_PUBLIC_KEY": key.public}
            with place(kind, **settings) as here:
                with web(here) as port:
                    yield from _events(here, port, count, nothing)
                    yield from _receipts(here, port, count, key)
                    yield from _replies(here, port, count)
                yield from _read(here, count // 4)


@contextmanager
def _redis() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="aftercare-bench-") as folder, embedded.redis(Path(folder), {}) as url:
        yield url


# Straight into the records


def _records(kind: str, count: int) -> Iterator[Figure]:
    """Without the web: the service's own code, and the ceiling."""
    with _redis() as redis, time.held(START), place(kind, AFTERCARE_REDIS_URL=redis) as here:
        treat(here, range(100), BATCH)
        bare.clear(here)
        rush = _at_once(here, range(1_000, 1_000 + count))
        yield Figure("in", f"{kind} events, {RUSH} requests at once: taken in", rush, "events/s")
        for at_a_time in (1, BATCH):
            bare.clear(here)
            begun = world.perf_counter()
            treat(here, range(count), at_a_time)
            ours = count / (world.perf_counter() - begun)
            ceiling = bare.insert(here, bare.traces(here), at_a_time)
            name = f"{kind} events, {at_a_time} a transaction"
            yield Figure("in", f"{name}: bare insert", ceiling, "events/s")
            yield Figure("in", f"{name}: taken in", ours, "events/s")
            yield Figure("in", f"{name}: share", ours / ceiling, "", "the bare insert")
            if at_a_time == 1:
                yield Figure("in", f"{kind} events, {RUSH} requests at once: share", rush / ceiling, "", "the same")


def _at_once(here: Place, numbers: range) -> float:
    """Events a second, each a request of its own, by the way in that the API has. Each waits for its own answer."""
    take = arrivals.taking_posted(here.parts.engine, here.parts.sending, here.parts.nudges)
    bodies = [(f"bench-{number}", session(number)) for number in numbers]
    with ThreadPoolExecutor(RUSH) as pool:
        begun = world.perf_counter()
        list(pool.map(lambda one: take(here.clinic_id, *one), bodies))
        return len(bodies) / (world.perf_counter() - begun)


# Through the web server


def _events(here: Place, port: int, count: int, nothing: Knocked) -> Iterator[Figure]:
    secret = run(
        here.parts.engine,
        lambda c: clinics.new_webhook_secret(c, here.parts.sending.vault, here.clinic_id, time.now()),
    )
    knock(port, [_event(secret, 1_000_000 + n) for n in range(50)], CONNECTIONS)  # warm
    for connections in (1, CONNECTIONS, RUSH):
        numbers = range(connections * count, (connections + 1) * count)
        made = knock(port, [_event(secret, n) for n in numbers], connections)
        yield from _through(f"{here.kind} events, {connections} at a time", made)
    yield Figure("in", f"{here.kind} events: share", made.rate / nothing.rate, "", "the empty view")
    for clients in (1, 2):
        starts = range(clients * 100_000, clients * 100_000 + max(count * 2, POSTED), POSTED)
        made = knock(port, [_batch(secret, range(start, start + POSTED)) for start in starts], clients)
        name = f"{here.kind} events, batches of {POSTED} by {clients}"
        yield Figure("in", name, len(starts) * POSTED / made.seconds, "events/s")


def _event(secret: str, number: int) -> bytes:
    return _signed("/v1/events", secret, f"e{number}", session(number, time.now()), "application/json")


def _batch(secret: str, numbers: range) -> bytes:
    lines = b"\n".join(session(n, time.now()) for n in numbers)
    return _signed("/v1/events/batch", secret, f"b{numbers.start}", lines, "application/x-ndjson")


def _signed(path: str, secret: str, key: str, body: bytes, media_type: str) -> bytes:
    at = datetime.now(UTC)
    headers = {
        "Content-Type": media_type,
        "webhook-id": key,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(key, at, body.decode()),
    }
    return request(path, body, headers)


def _receipts(here: Place, port: int, count: int, key: SigningKey) -> Iterator[Figure]:
    texts = run(here.parts.engine, lambda c: _handed_over(c, Channel.SMS, count))
    for connections, part in ((CONNECTIONS, texts[: count // 2]), (RUSH, texts[count // 2 :])):
        made = knock(port, [_status(token, sid) for token, sid in part], connections)
        yield from _through(f"{here.kind} status callbacks, {connections} at a time", made)
    yield from _beside(f"{here.kind} status callbacks", made, bare.again(here, receipts))
    mails = run(here.parts.engine, lambda c: _handed_over(c, Channel.EMAIL, count))
    parts = [mails[start : start + BATCH] for start in range(0, len(mails), BATCH)]
    made = knock(port, [_mail_events(part, key) for part in parts], CONNECTIONS)
    yield Figure("in", f"{here.kind} mail events, {BATCH} a post", len(mails) / made.seconds, "receipts/s")


def _handed_over(connection: Connection, channel: Channel, count: int) -> list[tuple[str, str]]:
    """Put messages on record as accepted by their provider; (token, provider's id) of each attempt."""
    waiting = (messages.c.state == State.PLANNED) & (messages.c.channel == channel)
    ids = list(connection.execute(select(messages.c.id).where(waiting).limit(count)).scalars())
    now = time.now()
    connection.execute(
        update(messages).where(messages.c.id.in_(ids)).values(state=State.ACCEPTED, handed_at=now, tries=1)
    )
    made = [(new_token(), "SM" + token_hex(16)) for _ in ids]
    rows = [
        {
            "id": row, "message_id": message_id, "number": 1, "token": token, "address": b"-", "address_key": b"-",
            "body_key": b"-", "started_at": now, "outcome": "accepted", "provider_id": sid, "settled_at": now,
            "checks": 0,
        }
        for row, message_id, (token, sid) in zip(new_ids(len(ids)), ids, made, strict=True)
    ]  # fmt: skip
    connection.execute(insert(attempts), rows)
    return made


def _status(token: str, sid: str) -> bytes:
    path = f"/twilio/status?a={token}"
    return _form(path, {"MessageSid": sid, "MessageStatus": "delivered", "To": "+12025550123", "From": NUMBER})


def _text(number: int, body: str) -> bytes:
    fields = {"MessageSid": "SM" + token_hex(16), "From": f"+1{2_020_000_000 + number}", "To": NUMBER, "Body": body}
    return _form("/twilio/inbound", fields)


def _form(path: str, fields: dict[str, str]) -> bytes:
    signature = RequestValidator("token").compute_signature(PUBLIC + path, fields)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
    return request(path, urlencode(fields).encode(), headers)


def _mail_events(those: Sequence[tuple[str, str]], key: SigningKey) -> bytes:
    at = int(world.time())
    body = json.dumps(
        [
            {
                "event": "delivered", "sg_event_id": token_hex(11), "sg_message_id": f"{sid}.filter", "timestamp": at,
                "email": "p@patient.example", "aftercare_attempt": token,
            }
            for token, sid in those
        ]
    ).encode()  # fmt: skip
    return request("/sendgrid/events", body, {"Content-Type": "application/json", **key.headers(str(at), body)})


def _replies(here: Place, port: int, count: int) -> Iterator[Figure]:
    for connections in (CONNECTIONS, RUSH):
        made = knock(port, [_text(connections * count + n, "4") for n in range(count)], connections)
        yield from _through(f"{here.kind} texts from patients, {connections} at a time", made)
    yield from _beside(f"{here.kind} texts from patients", made, bare.again(here, reply_tables.replies))


def _read(here: Place, count: int) -> Iterator[Figure]:
    """The same process that a worker is, reading what was kept."""

    def keep(connection: Connection, number: int) -> int:
        sender = f"+1{2_020_000_000 + number}"
        one = Incoming("SM" + token_hex(16), Channel.SMS, sender, NUMBER, "It hurts a bit but I can walk, thank you")
        kept = replies.keep(connection, here.parts.sending.vault, one, time.now())
        assert kept is not None
        return kept

    with reading(here.parts.engine) as connection:
        pending = replies.unhandled(connection, time.now(), 1_000_000)
    listen.handle(here.parts.engine, here.parts.sending, here.parts.nudges, pending)
    numbers = range(4 * count * CONNECTIONS, 4 * count * CONNECTIONS + count)
    ids = run(here.parts.engine, lambda c: [keep(c, number) for number in numbers])
    begun = world.perf_counter()
    read = listen.handle(here.parts.engine, here.parts.sending, here.parts.nudges, ids)
    yield Figure("in", f"{here.kind} replies read by one worker", read / (world.perf_counter() - begun), "replies/s")


def _beside(name: str, made: Knocked, ceiling: float) -> Iterator[Figure]:
    yield Figure("in", f"{name}: bare insert, one a transaction", ceiling, "rows/s")
    yield Figure("in", f"{name}: share", made.rate / ceiling, "", "the bare insert")


def _through(name: str, made: Knocked) -> Iterator[Figure]:
    yield Figure("in", name, made.rate, "requests/s")
    yield Figure("in", f"{name}: half within", made.percentile(50), "ms")
    yield Figure("in", f"{name}: 99 of 100 within", made.percentile(99), "ms")
