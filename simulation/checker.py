"""The promises, held against a finished run. Pure: it reads what happened and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from simulation import check_alerts, check_changes, check_hooks, check_rest, check_sending
from simulation.facts import Facts, Violation

PROMISES: dict[str, Callable[[Facts], Iterator[Violation]]] = {
    "P1": check_rest.kept,
    "P2": check_sending.once,
    "P3": lambda facts: check_sending.Wanted(facts).violations(),
    "P4": check_sending.on_time,
    "P5": check_rest.punctual,
    "P6": lambda facts: chain(check_rest.at_rest(facts), check_rest.unbroken(facts)),
    "P7": check_rest.explained,
    "P8": check_rest.private,
    "P9": check_alerts.heard,
    "webhooks": check_hooks.told,
    "changes": check_changes.changes,
}


def check(facts: Facts) -> list[Violation]:
    """Every violation, by promise."""
    return [violation for promise in PROMISES.values() for violation in promise(facts)]
