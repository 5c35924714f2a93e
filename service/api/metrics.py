"""Metrics for Prometheus: how requests went, how the installation stands. Labels are closed lists, never an id (P8)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess, values
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import RedisError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from service import time
from service.care.lifecycle import Channel, State
from service.nudges import Nudges
from service.records import counts, heartbeats
from service.records.counts import Standing
from service.records.database import reading

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_IN_FLIGHT = (State.QUEUED, State.SENDING, State.ACCEPTED, State.SENT)
_MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"


def add_up_in(folder: Path) -> None:
    """Let the processes of one server keep their counts in an empty `folder`, so that each answers for all of them.

    Call it before the application is made, in the process that the others are forked from.
    """
    os.environ[_MULTIPROCESS] = str(folder)
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]  # chosen at import otherwise


class Requests:
    """What this web process answered, or after `add_up_in` all of the server's."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._answers = Counter(
            "aftercare_http_requests",
            "Requests answered, by route and status.",
            ("method", "rule", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "aftercare_http_request_seconds",
            "How long requests took.",
            ("rule",),
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=self.registry,
        )

    def note(self, method: str, rule: str, status: int, seconds: float) -> None:
        """Count one. `rule` is the route as it was declared, so that no path's token or id becomes a label."""
        self._answers.labels(method if method in _METHODS else "other", rule, str(status)).inc()
        self._seconds.labels(rule).observe(seconds)

    def text(self) -> bytes:
        if not os.environ.get(_MULTIPROCESS):
            return generate_latest(self.registry)
        together = CollectorRegistry()
        multiprocess.MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)


@dataclass(frozen=True, slots=True)
class Installation(Collector):
    """The installation as the database and Redis show it at this moment: the same from every web process."""

    engine: Engine
    nudges: Nudges

    def text(self) -> bytes:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        yield from self._database()
        yield from self._redis()

    def _database(self) -> Iterator[Metric]:
        try:
            with reading(self.engine) as connection:
                standing = counts.read(connection, time.now(), time.real_now())
                age = heartbeats.age_seconds(connection, heartbeats.CLOCK, time.real_now())
        except SQLAlchemyError:
            yield _one("aftercare_database_up", "1 if the database answered.", 0)
            return
        yield _one("aftercare_database_up", "1 if the database answered.", 1)
        if age is not None:
            yield _one("aftercare_clock_heartbeat_age_seconds", "Real seconds since a clock last looked.", age)
        yield from _messages(standing)
        yield from _backlog(standing)
        yield from _senders(standing)

    def _redis(self) -> Iterator[Metric]:
        try:
            depths = self.nudges.depths()
        except RedisError:
            yield _one("aftercare_redis_up", "1 if Redis answered.", 0)
            return
        yield _one("aftercare_redis_up", "1 if Redis answered.", 1)
        queues = GaugeMetricFamily("aftercare_queue_jobs", "Nudges waiting for a worker.", labels=("queue",))
        for queue, depth in depths.items():
            queues.add_metric([queue], depth)
        yield queues


def _messages(standing: Standing) -> Iterator[Metric]:
    overdue = GaugeMetricFamily(
        "aftercare_messages_overdue",
        f"Messages past their due time that are not queued yet; counted up to {counts.MOST}.",
        labels=("channel", "priority"),
    )
    oldest = GaugeMetricFamily(
        "aftercare_messages_overdue_seconds", "How long the oldest of them has waited.", labels=("channel",)
    )
    in_flight = GaugeMetricFamily(
        "aftercare_messages_in_flight",
        f"Messages between their due time and their end; counted up to {counts.MOST} in all.",
        labels=("channel", "state"),
    )
    for channel in Channel:
        for priority in ("urgent", "routine"):
            overdue.add_metric([channel, priority], standing.overdue.get((channel, priority), 0))
        oldest.add_metric([channel], standing.overdue_seconds.get(channel, 0.0))
        for state in _IN_FLIGHT:
            in_flight.add_metric([channel, state], standing.in_flight.get((channel, state), 0))
    yield from (overdue, oldest, in_flight)
    yield _one(
        "aftercare_messages_checking",
        "Messages whose hand-over had no clear answer: the provider is being asked.",
        standing.checking,
    )


def _backlog(standing: Standing) -> Iterator[Metric]:
    yield _one("aftercare_replies_unhandled", "Replies stored and not yet read.", standing.unhandled_replies)
    yield _one(
        "aftercare_replies_unhandled_seconds", "How long the oldest has waited.", standing.unhandled_seconds or 0.0
    )
    yield _one("aftercare_receipts_unapplied", "Receipts stored and not yet applied.", standing.unapplied_receipts)
    yield _one(
        "aftercare_receipts_unapplied_seconds", "How long the oldest has waited.", standing.unapplied_seconds or 0.0
    )
    rows = GaugeMetricFamily(
        "aftercare_rows_last_minute", f"Rows made in the last minute; counted up to {counts.MOST}.", labels=("table",)
    )
    for table, number in standing.lately.items():
        rows.add_metric([table], number)
    yield rows


def _senders(standing: Standing) -> Iterator[Metric]:
    paused = GaugeMetricFamily(
        "aftercare_senders_paused", "Senders paused because the provider refuses their settings.", labels=("channel",)
    )
    closed = GaugeMetricFamily(
        "aftercare_senders_closed", "Senders held back by the breaker or a Retry-After.", labels=("channel",)
    )
    for channel in Channel:
        paused.add_metric([channel], standing.paused_senders.get(channel, 0))
        closed.add_metric([channel], standing.closed_senders.get(channel, 0))
    yield from (paused, closed)
    notices = GaugeMetricFamily("aftercare_notices_open", "What the operator must know.", labels=("kind",))
    for kind, number in standing.notices.items():
        notices.add_metric([kind], number)
    yield notices


def _one(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)
