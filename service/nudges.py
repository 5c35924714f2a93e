"""Nudges: RQ jobs that carry ids and nothing else, and are only ever a hint.

Whoever is nudged claims the rows itself; a lost nudge is repeated by the clock, a doubled one finds nothing to do. So
nothing here may fail a request: when Redis is away, the clock's own look at the database takes over within a second.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from enum import StrEnum

from redis import Redis, RedisError
from rq import Queue
from rq.serializers import JSONSerializer

log = logging.getLogger(__name__)


class QueueName(StrEnum):
    """One worker serves one queue: a worker on several loses what it popped when it is killed."""

    SMS = "deliver-sms"
    EMAIL = "deliver-email"
    URGENT = "urgent"
    """Alerts and answers to patients, on both channels: never behind a burst of the plan."""
    RECONCILE = "reconcile"
    LISTEN = "listen"
    HOOKS = "hooks"
    """Webhooks out, to clinics."""
    IMPORTS = "imports"
    """Files that people take in: long work that no text may wait behind."""


JOBS: dict[QueueName, str] = {
    QueueName.SMS: "workers.jobs.deliver",
    QueueName.EMAIL: "workers.jobs.deliver",
    QueueName.URGENT: "workers.jobs.deliver",
    QueueName.RECONCILE: "workers.jobs.reconcile",
    QueueName.LISTEN: "workers.jobs.listen",
    QueueName.HOOKS: "workers.jobs.post_webhooks",
    QueueName.IMPORTS: "workers.jobs.take_in_files",
}
"""By dotted name: the service never imports the workers."""

WAKE = "aftercare:wake"
_KEEP_SECONDS = 3600


class Nudges:
    """Puts jobs on queues and wakes the clock."""

    def __init__(self, redis: Redis, rest_seconds: float = 0.0) -> None:
        """`rest_seconds`: how long Redis is left alone after it did not answer. For whoever keeps people waiting."""
        self._redis = redis
        self._rest_seconds = rest_seconds
        self._resting_until = 0.0
        self._queues = {
            name: Queue(name, connection=redis, serializer=JSONSerializer, default_timeout=-1) for name in QueueName
        }

    def send(self, queue: QueueName, ids: Sequence[int]) -> bool:
        """Nudge a worker about rows. False when Redis could not take it: the clock will try again."""
        if self._rests():
            return False
        try:
            self._queues[queue].enqueue(
                JOBS[queue],
                [str(one) for one in ids],
                description=queue.value,  # the default would store the arguments a second time
                result_ttl=0,
                failure_ttl=_KEEP_SECONDS,
                ttl=_KEEP_SECONDS,
            )
        except RedisError as error:
            self._rest()
            log.warning("a nudge was lost, the clock will repeat it: %s", type(error).__name__)
            return False
        return True

    def wake_clock(self) -> None:
        """Tell the clock that something may be due now."""
        if self._rests():
            return
        try:
            # A short list that the clock pops from; more than one entry would only wake it for nothing.
            pipe = self._redis.pipeline(transaction=False)
            pipe.lpush(WAKE, b"1")
            pipe.ltrim(WAKE, 0, 0)
            pipe.expire(WAKE, 5)
            pipe.execute()
        except RedisError:
            self._rest()  # the clock wakes by itself within a second

    def wait_for_wake(self, seconds: float) -> bool:
        """Sleep until woken, `seconds` at most. Raises RedisError when Redis is away."""
        return self._redis.blpop([WAKE], timeout=max(seconds, 0.01)) is not None

    def reachable(self) -> bool:
        try:
            return bool(self._redis.ping())
        except RedisError:
            return False

    def depths(self) -> dict[str, int]:
        """Jobs waiting a queue. Raises RedisError."""
        return {name.value: self._queues[name].count for name in QueueName}

    def _rest(self) -> None:
        self._resting_until = time.monotonic() + self._rest_seconds

    def _rests(self) -> bool:
        return time.monotonic() < self._resting_until


def connect(url: str, blocking: bool = False) -> Redis:
    """A client with time-outs short enough that a dead Redis never holds up a request.

    `blocking` is for a worker, whose one call waits for minutes.
    """
    return Redis.from_url(
        url,
        socket_timeout=None if blocking else 2,  # more than the clock's longest sleep, which is a call as well
        socket_connect_timeout=5 if blocking else 1,
        health_check_interval=30,
    )
