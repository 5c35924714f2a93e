"""Growth: what everything costs beside ten million planned messages, against an installation that has none.

The two installations stand side by side and take turns, so that a busy disk or a warm processor is in both. At size 0
both are empty: how far those ratios are from 1 is how far any other may be by chance.
"""

from __future__ import annotations

import logging
import random
import statistics
import time as world
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection, select, text

from benchmarks.figures import Figure
from benchmarks.fill import MESSAGES, fill, name, settle
from benchmarks.gateway import standin
from benchmarks.place import START, Place, place, treat
from service import time
from service.api import timelines
from service.care.lifecycle import Channel
from service.records import agenda, counts, erasure, messages, receipts, replies, sessions, silences, waiting
from service.records.database import reading, run
from service.records.receipts import Receipt
from service.records.replies import Incoming
from service.records.sending_tables import attempts
from workers import listen
from workers.clock import Clock
from workers.compose import Composer
from workers.deliver import Deliverer
from workers.gateways.courier import Courier
from workers.gateways.email import SendGridGateway
from workers.gateways.sms import TwilioGateway

SIZES = {"sqlite": (0, 100_000, 1_000_000), "postgresql": (0, 1_000_000, 10_000_000)}
ROUNDS = 9
_DUE = START + timedelta(minutes=16)
Timed = tuple[str, float]
"""An operation, and the seconds it took."""


def measure(kinds: tuple[str, ...], scale: float) -> Iterator[Figure]:
    """Ratios at each size, then what the rows take on disk."""
    # Nobody follows the nudges of this benchmark, and the clock says so at every look.
    logging.getLogger("service.nudges").setLevel(logging.ERROR)
    for kind in kinds:
        with standin() as provider, time.held(START), place(kind, provider) as empty, place(kind, provider) as full:
            pair = Pair(kind, Bench(empty, provider), Bench(full, provider), scale)
            for size in SIZES[kind]:
                pair.grow(int(size * scale))
                yield from pair.compare()
            yield from pair.on_disk()
            pair.close()


@dataclass
class Pair:
    """An installation without a future, and one with."""

    kind: str
    empty: Bench
    full: Bench
    scale: float
    size: int = 0

    def grow(self, size: int) -> None:
        """Bring the full one to `size` planned messages."""
        for _ in fill(self.full.here, range(self.size // MESSAGES, size // MESSAGES)):
            pass
        self.size = size
        self.empty.filled = self.full.filled = 0
        self.full.filled = size // MESSAGES
        for bench in (self.empty, self.full):
            settle(bench.here)

    def compare(self) -> Iterator[Figure]:
        """Take turns at every operation; the median of the turns, and of their ratios."""
        self._take_turns(self.empty, self.full)  # to get warm
        for bench in (self.empty, self.full):
            settle(bench.here)
        without: dict[str, list[float]] = {}
        beside: dict[str, list[float]] = {}
        for number in range(ROUNDS):
            if number % 2:
                second, first = self._take_turns(self.full, self.empty)
            else:
                first, second = self._take_turns(self.empty, self.full)
            for into, round_ in ((without, first), (beside, second)):
                for operation, seconds in round_:
                    into.setdefault(operation, []).append(seconds)
        for operation in without:
            ratios = [after / before for before, after in zip(without[operation], beside[operation], strict=True)]
            title = f"{self.kind} {self.size:,} {operation}"
            yield Figure("growth", title, statistics.median(beside[operation]) * 1000, "ms")
            yield Figure("growth", title, statistics.median(ratios), "times", against="the empty table")

    def _take_turns(self, one: Bench, other: Bench) -> tuple[list[Timed], list[Timed]]:
        with time.held(_DUE):
            pairs = list(zip(one.round(self.scale), other.round(self.scale), strict=True))
        return [mine for mine, _ in pairs], [theirs for _, theirs in pairs]

    def on_disk(self) -> Iterator[Figure]:
        """Bytes a planned message, by table and index."""
        if not self.size:
            return
        with reading(self.full.here.parts.engine) as connection:
            if self.kind == "sqlite":
                settled = "SELECT name, sum(pgsize) FROM dbstat WHERE name IN (SELECT name FROM sqlite_schema"
                rows = connection.execute(text(f"{settled} WHERE tbl_name = 'messages') GROUP BY name ORDER BY 2 DESC"))
            else:
                rows = connection.execute(
                    text(
                        "SELECT relname, pg_relation_size(oid) FROM pg_class WHERE relname = 'messages' OR oid IN"
                        " (SELECT indexrelid FROM pg_index WHERE indrelid = 'messages'::regclass) ORDER BY 2 DESC"
                    )
                )
            sizes = [(str(row[0]), int(row[1])) for row in rows]
            total = connection.execute(text("SELECT count(*) FROM messages")).scalar_one()
        for relation, size in [("all", sum(size for _, size in sizes)), *sizes]:
            yield Figure("growth", f"{self.kind} {self.size:,} on disk: {relation}", size / total, "bytes a message")

    def close(self) -> None:
        self.empty.close()
        self.full.close()


@dataclass
class Bench:
    """One installation, and everything that is timed on it."""

    here: Place
    provider: str
    filled: int = 0
    treated: int = 0
    replied: int = 0

    def __post_init__(self) -> None:
        parts = self.here.parts
        settings = parts.settings
        self._sms = Courier(TwilioGateway(settings.twilio_account_sid, "token", self.provider, concurrency=256))
        self._email = Courier(SendGridGateway("key", self.provider))
        self._deliverer = Deliverer(
            settings, parts.engine, parts.sending, Composer(settings.public_url), self._sms, self._email
        )
        self._clock = Clock(parts, "bench")

    def round(self, scale: float) -> Iterator[Timed]:
        """Every operation once over; seconds for one of each."""
        many = max(int(150 * scale), 10)
        yield "event in", _timed(lambda: self._events(many)) / many
        ids: list[int] = []
        yield "queue_due, a message", _timed(lambda: ids.extend(self._queue(many))) / many
        yield "out, a message", _timed(lambda: self._deliverer.deliver(ids)) / many
        yield "receipt", self._receipts(ids) / many
        yield "reply kept and read", _timed(lambda: self._replies(many // 4)) / (many // 4)
        # E-mails of the same hour, so that nothing is due while the clock looks for what is.
        self._deliverer.deliver(self._queue(many, Channel.EMAIL))
        self._clock.look()
        yield "clock's look, nothing due", _each(20, self._clock.look)
        for operation, work in self._reads().items():
            yield operation, _each(20, partial(self._read, work))
        yield "timeline", _timed(lambda: self._timelines(many)) / many
        yield "retention", _each(5, lambda: run(self.here.parts.engine, self._forget))

    def _reads(self) -> dict[str, Callable[[Connection], object]]:
        sender, now = self.here.parts.sending.sms_sender, time.now()
        return {
            "next_due": agenda.next_due,
            "lapsed": lambda c: agenda.lapsed(c, now, 500),
            "queued": lambda c: agenda.queued(c, Channel.SMS, sender, 8000),
            "what else waits": lambda c: waiting.at(c, now, now),
            "metrics": lambda c: counts.read(c, now, time.real_now()),
            "silences": lambda c: silences.find(c, now + timedelta(days=1)),
        }

    def _read(self, work: Callable[[Connection], object]) -> None:
        with reading(self.here.parts.engine) as connection:
            work(connection)

    def _events(self, many: int) -> None:
        with time.held(START):
            treat(self.here, range(self.treated, self.treated + many), at_a_time=1)
        self.treated += many

    def _queue(self, many: int, channel: Channel = Channel.SMS) -> list[int]:
        sending = self.here.parts.sending
        sender = sending.sms_sender if channel is Channel.SMS else sending.email_sender
        found = run(
            self.here.parts.engine,
            lambda c: agenda.queue_due(c, channel, sender, messages.ROUTINE, many, time.now(), time.later(600)),
        )
        return [one for one, _ in found]

    def _receipts(self, ids: list[int]) -> float:
        """Seconds to take a receipt for each in, one at a time, as the provider posts them."""
        with reading(self.here.parts.engine) as connection:
            rows = connection.execute(
                select(attempts.c.token, attempts.c.provider_id).where(attempts.c.message_id.in_(ids))
            ).all()
        parts = self.here.parts
        found = [Receipt(f"{one.provider_id} sent", Channel.SMS, "sent", one.provider_id, one.token) for one in rows]

        def take(one: Receipt, connection: Connection) -> int:
            return receipts.take_in(connection, parts.sending, parts.settings, [one], time.now())

        def all_of_them() -> None:
            for one in found:
                run(parts.engine, partial(take, one))

        return _timed(all_of_them)

    def _replies(self, many: int) -> None:
        parts = self.here.parts
        for number in range(self.replied, self.replied + many):
            incoming = Incoming(f"MM{number}", Channel.SMS, f"+1{2_020_000_000 + number}", "+12025550100", "thank you")
            kept = run(
                parts.engine, partial(replies.keep, vault=parts.sending.vault, incoming=incoming, now=time.now())
            )
            assert kept is not None
            listen.handle(parts.engine, parts.sending, parts.nudges, [kept])
        self.replied += many

    def _timelines(self, many: int) -> None:
        """Of sessions anywhere in the table."""
        pick = random.Random(self.treated)  # noqa: S311
        for _ in range(many):
            wanted = name(pick.randrange(self.filled)) if self.filled else f"s{pick.randrange(self.treated)}"
            with reading(self.here.parts.engine) as connection:
                session = sessions.find(connection, self.here.clinic_id, wanted)
                assert session is not None
                timelines.timeline(connection, session)

    def _forget(self, connection: Connection) -> int:
        return erasure.forget_old(connection, time.now(), self.here.parts.settings.retention_days)

    def close(self) -> None:
        self._sms.close()
        self._email.close()


def _timed(work: Callable[[], object]) -> float:
    begun = world.perf_counter()
    work()
    return world.perf_counter() - begun


def _each(number: int, work: Callable[[], object]) -> float:
    """Seconds for one of `number` in a row."""

    def all_of_them() -> None:
        for _ in range(number):
            work()

    return _timed(all_of_them) / number
