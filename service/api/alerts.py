"""Alerts as a clinic reads and answers them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from flask import request
from sqlalchemy import Connection

from service import time
from service.api.bodies import check_json
from service.context import context
from service.identify import body_of, cursor
from service.problems import FieldProblem, Problem
from service.records import alert_history, alerts, audit, patients
from service.records.alert_history import AlertEvent
from service.records.alerts import Alert
from service.records.database import run
from service.records.sealing import Vault

bp = APIBlueprint("alerts", __name__, tag="Alerts")

_MOST_BYTES = 65_536
_LONGEST_NAME, _LONGEST_NOTE = 120, 4000


@bp.get("/v1/alerts")
def list_alerts() -> dict[str, Any]:
    """Alerts, oldest first, with their history: those not closed yet, or with `state=all` every one."""
    here = context()
    clinic_id = here.doorkeeper.owner_of_key(request)
    after, limit = cursor()
    state = request.args.get("state", "open")
    if state not in ("open", "all"):
        raise Problem(400, "state_invalid", "state must be open or all.")

    def work(connection: Connection) -> dict[str, Any]:
        found = alerts.page(connection, clinic_id, after, limit, closed_too=state == "all")
        for one in found:
            audit.note(connection, clinic_id, "api", "alert.read", f"alert {one.id}", time.now())
        return {
            "alerts": _shown(connection, here.sending.vault, found),
            "next": str(found[-1].id) if found else str(after),
        }

    return run(here.engine, work)


@bp.post("/v1/alerts/<alert_id>/acknowledge")
def acknowledge(alert_id: str) -> dict[str, Any]:
    """Take an alert on, by name: `{"by": "…"}`. Repeats change nothing; the first name stays."""
    here = context()
    clinic_id = here.doorkeeper.owner_of_key(request)
    said = _fields({"by": _LONGEST_NAME})

    def work(connection: Connection) -> dict[str, Any]:
        alert = _get(connection, clinic_id, alert_id)
        alerts.acknowledge(connection, clinic_id, alert.id, said["by"], "api", time.now())
        return _one(connection, here.sending.vault, clinic_id, alert.id)

    return run(here.engine, work)


@bp.post("/v1/alerts/<alert_id>/close")
def close(alert_id: str) -> dict[str, Any]:
    """Take an alert off the worklist: `{"by": "…", "note": "…"}`. Repeats change nothing."""
    here = context()
    clinic_id = here.doorkeeper.owner_of_key(request)
    said = _fields({"by": _LONGEST_NAME, "note": _LONGEST_NOTE})

    def work(connection: Connection) -> dict[str, Any]:
        alert = _get(connection, clinic_id, alert_id)
        alerts.close(connection, here.sending.vault, clinic_id, alert.id, said["note"], said["by"], time.now())
        return _one(connection, here.sending.vault, clinic_id, alert.id)

    return run(here.engine, work)


def _get(connection: Connection, clinic_id: int, alert_id: str) -> Alert:
    try:
        if not alert_id.isascii() or not alert_id.isdigit() or len(alert_id) > 19 or int(alert_id) >= 2**63:
            raise LookupError
        return alerts.get(connection, clinic_id, int(alert_id))
    except LookupError:
        raise Problem(404, "alert_unknown", "This clinic has no such alert.") from None


def _fields(longest: dict[str, int]) -> dict[str, str]:
    """These fields of the body, all of them texts that say something. Raises Problem."""
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
    if set(body) - set(longest):
        problems.append(FieldProblem("", "only takes " + " and ".join(sorted(longest))))
    if problems:
        raise Problem(422, "invalid_body", "The body has fields that cannot be accepted.", problems)
    return {name: body[name].strip() for name in longest}


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
