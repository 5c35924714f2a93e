"""Alerts as a clinic reads and answers them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from flask import request
from sqlalchemy import Connection

from service import time
from service.api.bodies import check_json
from service.api.settled import settled
from service.context import context
from service.identify import body_of, cursor
from service.problems import FieldProblem, Problem
from service.records import alert_history, alerts, audit, patients
from service.records.alert_history import AlertEvent
from service.records.alerts import Alert
from service.records.database import run
from service.records.ids import age, row_id
from service.records.sealing import Vault

bp = APIBlueprint("alerts", __name__, tag="Alerts")

_MOST_BYTES = 65_536
_LONGEST_NAME, _LONGEST_NOTE = 120, 4000
_SEEN = re.compile("[0-9]{1,19}")


@bp.get("/v1/alerts")
def list_alerts() -> dict[str, Any]:
    """Alerts, oldest first, with their history: those not closed yet, or with `state=all` every one."""
    here = context()
    clinic_id = here.doorkeeper.owner_of_key(request)
    after, limit = cursor()
    state = request.args.get("state", "open")
    if state not in ("open", "all"):
        raise Problem(400, "state_invalid", "state must be open or all.")

    def read(connection: Connection) -> list[Alert]:
        return alerts.page(connection, clinic_id, after, limit, closed_too=state == "all")

    found = settled(here.engine, read, lambda one: age(one.id), lambda one: one.id)

    def work(connection: Connection) -> dict[str, Any]:
        audit.note_all(connection, clinic_id, "api", "alert.read", [f"alert {one.id}" for one in found], time.now())
        return {
            "alerts": _shown(connection, here.sending.vault, found),
            "next": str(found[-1].id) if found else str(after),
        }

    return run(here.engine, work)


@bp.post("/v1/alerts/<alert_id>/acknowledge")
def acknowledge(alert_id: str) -> dict[str, Any]:
    """Take an alert on, by name: `{"by": "…"}`. Repeats change nothing; the first name stays.

    With the alert's `seen` beside the name it is refused (409) where more was said since.
    """
    here = context()
    clinic_id = here.doorkeeper.owner_of_key(request)
    said, seen = _decision({"by": _LONGEST_NAME})

    def work(connection: Connection) -> dict[str, Any]:
        alert = _get(connection, clinic_id, alert_id)
        with _as_it_was_read():
            alerts.acknowledge(connection, clinic_id, alert.id, said["by"], "api", time.now(), seen=seen)
        return _one(connection, here.sending.vault, clinic_id, alert.id)

    return run(here.engine, work)


@bp.post("/v1/alerts/<alert_id>/close")
def close(alert_id: str) -> dict[str, Any]:
    """Take an alert off the worklist: `{"by": "…", "note": "…"}`. Repeats change nothing.

    With the alert's `seen` beside them it is refused (409) where more was said since.
    """
    here = context()
    clinic_id = here.doorkeeper.owner_of_key(request)
    said, seen = _decision({"by": _LONGEST_NAME, "note": _LONGEST_NOTE})

    def work(connection: Connection) -> dict[str, Any]:
        alert = _get(connection, clinic_id, alert_id)
        note, by = said["note"], said["by"]
        with _as_it_was_read():
            alerts.close(connection, here.sending.vault, clinic_id, alert.id, note, by, time.now(), seen=seen)
        return _one(connection, here.sending.vault, clinic_id, alert.id)

    return run(here.engine, work)


@contextmanager
def _as_it_was_read() -> Iterator[None]:
    try:
        yield
    except alerts.Overtaken:
        detail = "More was said since this alert was read: read it again, and decide with its new seen."
        raise Problem(409, "alert_overtaken", detail) from None


def _get(connection: Connection, clinic_id: int, alert_id: str) -> Alert:
    row = row_id(alert_id)
    try:
        if row is None:
            raise LookupError
        return alerts.get(connection, clinic_id, row)
    except LookupError:
        raise Problem(404, "alert_unknown", "This clinic has no such alert.") from None


def _decision(longest: dict[str, int]) -> tuple[dict[str, str], int | None]:
    """These fields of the body, all of them texts that say something, and what its writer had seen. Raises Problem."""
    raw = body_of(request, _MOST_BYTES, ("application/json",))
    check_json(raw)
    body = json.loads(raw)
    if not isinstance(body, dict):
        raise Problem(422, "invalid_body", "The body must be an object.")
    problems = [
        FieldProblem(f"/{name}", f"must be a text of 1 to {most} characters")
        for name, most in longest.items()
        if not _says_something(body.get(name), most)
    ]
    seen = None
    if "seen" in body:
        if isinstance(body["seen"], str) and _SEEN.fullmatch(body["seen"]):
            seen = int(body["seen"])
        else:
            problems.append(FieldProblem("/seen", "must be the seen of the alert, as it was read"))
    if set(body) - {*longest, "seen"}:
        problems.append(FieldProblem("", "only takes " + ", ".join([*sorted(longest), "seen"])))
    if problems:
        raise Problem(422, "invalid_body", "The body has fields that cannot be accepted.", problems)
    return {name: body[name].strip() for name in longest}, seen


def _says_something(value: object, most: int) -> bool:
    # PostgreSQL stores neither NUL nor half a surrogate pair.
    return (
        isinstance(value, str)
        and 0 < len(value.strip()) <= most
        and "\x00" not in value
        and not any("\ud800" <= letter <= "\udfff" for letter in value)
    )


def _one(connection: Connection, vault: Vault, clinic_id: int, alert_id: int) -> dict[str, Any]:
    return {"alert": _shown(connection, vault, [alerts.get(connection, clinic_id, alert_id)])[0]}


def _shown(connection: Connection, vault: Vault, found: Sequence[Alert]) -> list[dict[str, Any]]:
    histories = alert_history.history(connection, vault, [one.id for one in found])
    names = {one: patients.get(connection, vault, one).external_id for one in {alert.patient_id for alert in found}}
    return [_alert(one, names[one.patient_id], histories[one.id]) for one in found]


def _alert(alert: Alert, patient: str, history: Sequence[AlertEvent]) -> dict[str, Any]:
    return {
        "id": str(alert.id),
        "state": alert.state,
        "urgency": alert.urgency,
        "cause": alert.cause,
        "patient": {"id": patient},
        "opened_at": _iso(alert.opened_at),
        "acknowledged_at": _iso(alert.acknowledged_at),
        "acknowledged_by": alert.acknowledged_by,
        "next_notice_at": _iso(alert.next_notice_at),
        "closed_at": _iso(alert.closed_at),
        "closed_by": alert.closed_by,
        "seen": str(alert_history.newest_in(history)),
        "history": [_event(event) for event in history],
    }


def _event(event: AlertEvent) -> dict[str, Any]:
    line = {
        "kind": event.kind,
        "at": _iso(event.at),
        "source": event.source,
        "urgency": event.urgency,
        "contact": None if event.contact_id is None else str(event.contact_id),
        "channel": event.channel,
        "round": event.round,
        "by": event.by,
        "details": event.details,
    }
    return {name: value for name, value in line.items() if value is not None}


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
