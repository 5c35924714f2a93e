"""Faults on demand: what may go wrong with a request or with what follows it, and which requests it hits."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self


class Point(StrEnum):
    """Where a fault can strike."""

    CREATE = "twilio.create"
    FETCH = "twilio.fetch"
    LIST = "twilio.list"
    UPDATE = "twilio.update"
    DELETE = "twilio.delete"
    SEND = "sendgrid.send"


class Kind(StrEnum):
    """What goes wrong."""

    LATENCY = "latency"
    """Answer `seconds` later; combines with any other."""
    # nothing is accepted
    RATE_LIMITED = "rate_limited"
    """429 with Retry-After: `retry_after`."""
    ERROR_BEFORE = "error_before"
    """`status` (default 503)."""
    DROP_BEFORE = "drop_before"
    """The connection dies."""
    REFUSE = "refuse"
    """Twilio: error `code` at create; SendGrid: HTTP status `code`."""
    # accepted, but the answer is spoilt
    ERROR_AFTER = "error_after"
    """`status` (default 500)."""
    DROP_AFTER = "drop_after"
    """The connection dies."""
    TRUNCATED = "truncated"
    """Half the JSON in a well-formed HTTP answer."""
    TORN = "torn"
    """Half the bytes that Content-Length promised, then the connection dies."""
    HANG = "hang"
    """No answer for `seconds` (default 60), then the connection dies."""
    # accepted and answered, but what follows is odd
    FAIL = "fail"
    """Twilio: undelivered or failed with `code`; SendGrid: the event `event` (bounce, blocked, dropped…)."""
    EARLY = "early"
    """All callbacks arrive before the answer."""
    LATE = "late"
    """Callbacks come `seconds` later than the message moves."""
    DOUBLED = "doubled"
    """Every callback comes twice."""
    REVERSED = "reversed"
    """Last callback first."""
    NEVER = "never"
    """No callbacks; the message moves all the same."""
    STUCK = "stuck"
    """The message stays "sent" (SendGrid: "processed") for ever."""


BEFORE = frozenset({Kind.RATE_LIMITED, Kind.ERROR_BEFORE, Kind.DROP_BEFORE, Kind.REFUSE})
AFTER = frozenset({Kind.ERROR_AFTER, Kind.DROP_AFTER, Kind.TRUNCATED, Kind.TORN, Kind.HANG})
EVENTS = frozenset({"bounce", "blocked", "dropped", "deferred", "spamreport"})
_CREATING = (Point.CREATE, Point.SEND)
_SECONDS = {Kind.LATENCY: 1.0, Kind.HANG: 60.0, Kind.LATE: 5.0}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, with its numbers. Times are real seconds."""

    kind: Kind
    seconds: float = 0.0
    status: int = 503
    code: int = 0
    retry_after: float = 1.0
    event: str = "bounce"

    @classmethod
    def of(cls, kind: Kind, **numbers: Any) -> Self:
        """A fault with the defaults of its kind. Raises ValueError for numbers that make no sense."""
        numbers.setdefault("seconds", _SECONDS.get(kind, 0.0))
        numbers.setdefault("status", 500 if kind is Kind.ERROR_AFTER else 503)
        for name in ("seconds", "status", "code", "retry_after"):
            value = numbers.get(name, 0)
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise ValueError(f"{name} must be a number, not negative")
        for name in ("status", "code"):
            if not isinstance(numbers.get(name, 0), int):
                raise ValueError(f"{name} must be a whole number")
        if not 500 <= numbers["status"] <= 599:
            raise ValueError("status must be 500 to 599")
        if numbers.get("event", "bounce") not in EVENTS:
            raise ValueError(f"event must be one of {sorted(EVENTS)}")
        if kind is Kind.REFUSE and not numbers.get("code"):
            raise ValueError("refuse needs a code")
        return cls(kind, **numbers)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that goes wrong with one request."""

    faults: tuple[Fault, ...] = ()

    def find(self, kind: Kind) -> Fault | None:
        return next((fault for fault in self.faults if fault.kind is kind), None)

    def first(self, kinds: frozenset[Kind]) -> Fault | None:
        return next((fault for fault in self.faults if fault.kind in kinds), None)

    def has(self, kind: Kind) -> bool:
        return self.find(kind) is not None

    @property
    def latency(self) -> float:
        return sum(fault.seconds for fault in self.faults if fault.kind is Kind.LATENCY)


NOTHING = Plan()


@dataclass(slots=True)
class Rule:
    """A fault, and which requests it strikes."""

    fault: Fault
    on: frozenset[Point] = frozenset(_CREATING)
    to: str | None = None
    """Only requests to this number or address."""
    count: int | None = None
    """How many more requests it strikes; None: no end."""
    probability: float = 1.0
    id: int = 0
    struck: int = field(default=0)

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Self:
        """Read the JSON of ``POST /__sandbox/faults``. Raises ValueError with a sentence about what is wrong."""
        known = {"kind", "on", "to", "count", "probability", "seconds", "status", "code", "retry_after", "event"}
        if unknown := set(data) - known:
            raise ValueError(f"unknown fields: {sorted(unknown)}")
        numbers = {name: data[name] for name in known & set(data) if name in Fault.__slots__ and name != "kind"}
        fault = Fault.of(Kind(str(data.get("kind"))), **numbers)
        on = data.get("on", list(_CREATING))
        points = frozenset(Point(point) for point in ([on] if isinstance(on, str) else on))
        count, probability, to = data.get("count"), data.get("probability", 1.0), data.get("to")
        if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
            raise ValueError("count must be a whole number from 1, or null")
        if isinstance(probability, bool) or not isinstance(probability, int | float) or not 0 <= probability <= 1:
            raise ValueError("probability must be 0 to 1")
        if to is not None and not isinstance(to, str):
            raise ValueError("to must be a string or null")
        return cls(fault, points, to, count, float(probability))

    def as_json(self) -> dict[str, Any]:
        fault = {name: getattr(self.fault, name) for name in Fault.__slots__}
        return {
            **fault,
            "id": self.id,
            "on": sorted(self.on),
            "to": self.to,
            "count": self.count,
            "probability": self.probability,
            "struck": self.struck,
        }


class Faults:
    """The rules in force. At most one rule that decides the answer strikes a request; all others add up."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._rules: list[Rule] = []
        self._dice = random.Random(seed)  # noqa: S311 - repeatable dice, no secret

    def add(self, rule: Rule) -> Rule:
        with self._lock:
            rule.id = next(self._ids)
            self._rules.append(rule)
        return rule

    def rules(self) -> list[Rule]:
        with self._lock:
            return list(self._rules)

    def clear(self) -> None:
        """Drop all rules and pick the dice up again from the seed."""
        with self._lock:
            self._rules.clear()
            self._dice.seed(self._seed)

    def plan(self, point: Point, recipients: Iterable[str], magic: tuple[Fault, ...] = ()) -> Plan:
        """What goes wrong with this request; uses up counts and dice."""
        if not self._rules and not magic:
            return NOTHING
        chosen = list(magic)
        to = set(recipients)
        with self._lock:
            for rule in self._rules:
                if point not in rule.on or (rule.to is not None and rule.to not in to) or rule.count == 0:
                    continue
                decides = BEFORE | AFTER
                if rule.fault.kind in decides and any(fault.kind in decides for fault in chosen):
                    continue
                if rule.probability < 1.0 and self._dice.random() >= rule.probability:
                    continue
                rule.struck += 1
                if rule.count is not None:
                    rule.count -= 1
                chosen.append(rule.fault)
        return Plan(tuple(chosen))
