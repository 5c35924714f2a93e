"""A run put into words: all of it, or what concerns one message and its patient."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from simulation.facts import Facts, Violation
from simulation.history import WATCHED, Change
from simulation.scheduler import SECOND
from simulation.story import Line

_EVERYBODYS = frozenset({"outage", "flushall", "clock jump", "power cut", "calm"})
_SOMEBODYS = frozenset({"death", "freeze", "database fails"})
_OF_A_PATIENT = ("sessions", "replies", "responses")
_AROUND = 300 * SECOND
"""How near a fault has to be to what is told about, to be told as well."""


def about(facts: Facts, lines: Iterable[Line], violation: Violation, most: int = 400) -> list[str]:
    """The lines about the message and the patient of a violation, and the faults around them."""
    rows = set(_rows_about(facts, violation))
    changes = [change for change in facts.history.changes if (change.table, change.row) in rows]
    tokens = {facts.history.row("attempts", row)["token"] for table, row in rows if table == "attempts"}  # type: ignore[index]
    names = tokens | {str(row) for _, row in rows}
    moments = [change.micros for change in changes if change.table != "patients"]
    actors = {change.who.partition(" ")[0] for change in changes}
    told = [(one.micros, one.seq, _changed(facts, one)) for one in changes]
    for micros, who, kind, what in lines:
        concerns = any(str(one) in names for one in what)
        trouble = kind in _EVERYBODYS or (kind in _SOMEBODYS and who.partition(" ")[0] in actors)
        if concerns or (trouble and any(abs(micros - other) < _AROUND for other in moments)):
            told.append((micros, 0, _line(facts, micros, who, kind, what)))
    return [text for _, _, text in sorted(told, key=lambda one: one[:2])][-most:]


def everything(facts: Facts, lines: Iterable[Line]) -> Iterator[str]:
    """Every line there is."""
    told = [(one.micros, one.seq, _changed(facts, one)) for one in facts.history.changes]
    told += [(micros, 0, _line(facts, micros, who, kind, what)) for micros, who, kind, what in lines]
    return (text for _, _, text in sorted(told, key=lambda one: one[:2]))


def _rows_about(facts: Facts, violation: Violation) -> Iterator[tuple[str, int]]:
    patients = {violation.patient}
    if violation.message is not None:
        yield "messages", violation.message
        message = facts.history.row("messages", violation.message)
        if message is not None:
            patients.add(message["patient_id"])
            yield "sessions", message["session_id"]
            yield "alerts", message["cause_id"]
        for row, attempt in facts.history.rows("attempts"):
            if attempt["message_id"] == violation.message:
                yield "attempts", row
    keys = set()
    for patient in patients - {None}:
        assert patient is not None
        yield "patients", patient
        for change in facts.by_row["patients", patient]:
            keys |= {change["phone_key"], change["email_key"]}
        for table in (
            _OF_A_PATIENT if violation.message is None else _OF_A_PATIENT[1:] if violation.promise == "P3" else ()
        ):
            yield from ((table, row) for row, one in facts.history.rows(table) if one["patient_id"] == patient)
        if violation.message is None:
            alerts = {row for row, one in facts.history.rows("alerts") if one["patient_id"] == patient}
            yield from (("alerts", row) for row in alerts)
            events = facts.history.rows("alert_events")
            yield from (("alert_events", row) for row, one in events if one["alert_id"] in alerts)
    for row, one in facts.history.rows("suppressions"):
        if one["address_key"] in keys:
            yield "suppressions", row


def _changed(facts: Facts, change: Change) -> str:
    columns = WATCHED[change.table]
    if change.before is None:
        known = zip(columns, change.values, strict=True)
        what = "new: " + ", ".join(f"{name}={_short(value)}" for name, value in known if value is not None)
    else:
        moved = [
            f"{name} {_short(old)} → {_short(new)}"
            for name, old, new in zip(columns, change.before, change.values, strict=True)
            if old != new
        ]
        what = ", ".join(moved) or "written as it was"
    return f"{_when(facts, change.micros)} {change.who:<22} commit {change.seq}: {change.table} {change.row}: {what}"


def _line(facts: Facts, micros: int, who: str, kind: str, what: tuple[object, ...]) -> str:
    return f"{_when(facts, micros)} {who:<22} {kind}: " + " ".join(" ".join(str(one).split())[:200] for one in what)


def _when(facts: Facts, micros: int) -> str:
    return f"{facts.true(micros):%m-%d %H:%M:%S.%f}"


def _short(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%m-%dT%H:%M:%S}"
    if isinstance(value, bytes):
        return value.hex()[:8]
    return "-" if value is None else str(value)
