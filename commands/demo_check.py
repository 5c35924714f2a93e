"""Whether what happened in the demonstration is what the protocol says.

The witness is the stand-in providers' ledger, not our own tables; what should have happened is planned afresh, by the
pure rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click
from sqlalchemy import text

from commands.demo_drive import CLINICIAN, Patient
from service.care.lifecycle import SENTENCES, Channel, Reason, State
from service.care.localtime import is_open
from service.care.planning import PlanFacts, PlannedMessage, plan
from service.parts import Parts
from service.records import messages, protocols, sessions
from service.records.clinics import Clinic
from service.records.database import Moment, reading

_WENT = ("accepted", "sent", "delivered", "undelivered")


def check(parts: Parts, clinic: Clinic, cast: Sequence[Patient], ledger: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The whole story as JSON, with every deviation named."""
    wrong: list[str] = []
    told = []
    with reading(parts.engine) as connection:
        tokens = connection.execute(text("SELECT token, message_id FROM attempts")).all()
        message_of = {row.token: row.message_id for row in tokens}
        handed = [(entry, message_of.get(_token(entry))) for entry in ledger]
        times = Counter(message for _, message in handed if message is not None)
        stops = _stops(connection)
        for entry, message in handed:
            # Twilio's own confirmation of STOP is no message of ours.
            if message is None and _token(entry) is not None:
                wrong.append(f"the provider took something that is not on record: {entry['id']}")
        at_of = {message: datetime.fromisoformat(entry["at"]) for entry, message in handed if message is not None}
        alerts = [
            {"cause": row.cause, "urgency": row.urgency, "acknowledged_by": row.acknowledged_by}
            for row in connection.execute(text("SELECT cause, urgency, acknowledged_by FROM alerts ORDER BY id"))
        ]
        wrong += _unheard(cast, alerts, ledger)
        for patient in cast:
            session = sessions.find(connection, clinic.id, patient.session)
            if session is None or session.protocol_id is None:
                wrong.append(f"{patient.session} is not on record")
                continue
            rows = messages.of_session(connection, session.id)
            protocol = protocols.parsed(connection, session.protocol_id)
            expected = {
                (one.step, one.channel.value): one
                for one in plan(protocol, _facts(patient, clinic, session.has_baseline, rows))
            }
            stop_at = stops.get(session.patient_id)
            wrong += _deviations(patient, clinic, rows, expected, times, at_of, stop_at)
            told.append({"patient": patient.id, "session": patient.session, "stopped_at": stop_at,
                         "messages": [_told(row, at_of.get(row["id"])) for row in rows]})  # fmt: skip
    return {
        "ok": not wrong,
        "deviations": wrong,
        "handed_over": len(ledger),
        "alerts": alerts,
        "doubled": sum(count - 1 for count in times.values()),
        "patients": told,
    }


def tell(outcome: dict[str, Any]) -> None:
    """Print the story for people."""
    for patient in outcome["patients"]:
        click.echo(
            f"\n{patient['patient']}"
            + (f" (STOP at {patient['stopped_at']:%d %b %H:%M})" if patient["stopped_at"] else "")
        )
        for line in patient["messages"]:
            click.echo(
                f"  {line['due_at'][:16]}  {line['step']:<18} {line['channel']:<5} {line['state']:<11} {line['why']}"
            )
    click.echo(f"\n{outcome['handed_over']} messages handed over, {outcome['doubled']} doubled.")
    for deviation in outcome["deviations"]:
        click.echo(f"WRONG: {deviation}")
    click.echo(
        "Everything went as the protocol says." if outcome["ok"] else "Not everything went as the protocol says."
    )


def _facts(patient: Patient, clinic: Clinic, has_baseline: bool, rows: Sequence[dict[str, Any]]) -> PlanFacts:
    told_at = min((row["due_at"] for row in rows), default=patient.ended_at)
    return PlanFacts(
        ended_at=patient.ended_at,
        next_session_at=None,
        has_baseline=has_baseline,
        timezone=ZoneInfo(patient.timezone),
        quiet=clinic.quiet,
        reachable={Channel.SMS: None, Channel.EMAIL: None},
        superseded_from=None,
        now=min(told_at, patient.ended_at),
        told_at=patient.ended_at,
    )


def _deviations(
    patient: Patient,
    clinic: Clinic,
    rows: Sequence[dict[str, Any]],
    expected: dict[tuple[str, str], PlannedMessage],
    times: Counter[int],
    at_of: dict[int, datetime],
    stop_at: datetime | None,
) -> list[str]:
    wrong = []
    zone = ZoneInfo(patient.timezone)
    on_record = {(row["step"], row["channel"]): row for row in rows}
    for name in expected.keys() - on_record.keys():
        wrong.append(f"{patient.id}: {name} was never planned")
    for name, row in on_record.items():
        label = f"{patient.id} {name[0]} by {name[1]}"
        number, at, rule = times[row["id"]], at_of.get(row["id"]), expected.get(name)
        if rule is None:
            wrong.append(f"{label}: the protocol has no such message")
            continue
        base, _, suffix = name[0].partition(".")
        # A reminder follows its step's first message, on whichever channel that one went.
        first_went = not suffix or any(times[other["id"]] for (step, _), other in on_record.items() if step == base)
        answered = patient.answers and rule.survey is not None and bool(suffix)
        stopped = stop_at is not None and name[1] == Channel.SMS and rule.due_at > stop_at
        should = rule.state is State.PLANNED and first_went and not answered and not stopped
        if should and number != 1:
            wrong.append(f"{label}: handed over {number} times instead of once ({row['state']}: {row['reason']})")
        if not should and number:
            wrong.append(f"{label}: handed over although it should not have been")
        if at is not None and not rule.due_at <= at < rule.window_until:
            wrong.append(f"{label}: handed over at {at}, outside {rule.due_at} to {rule.window_until}")
        if at is not None and not is_open(at, zone, clinic.quiet):
            wrong.append(f"{label}: handed over in quiet hours, at {at.astimezone(zone):%H:%M} local")
        if number and row["state"] not in _WENT:
            wrong.append(f"{label}: went out, but is on record as {row['state']}")
    return wrong


def _unheard(cast: Sequence[Patient], alerts: Sequence[dict[str, Any]], ledger: Sequence[dict[str, Any]]) -> list[str]:
    """P9: a warning sign that was ticked has reached the clinician, and a named person has taken it on."""
    if not any(patient.worries for patient in cast):
        return []
    loud = [alert for alert in alerts if alert["urgency"] in ("urgent", "emergency")]
    wrong = [f"the alert about {alert['cause']} was not taken on" for alert in loud if not alert["acknowledged_by"]]
    if not loud:
        wrong.append("a warning sign was ticked and no alert was opened")
    if not any(entry["to"] == CLINICIAN for entry in ledger):
        wrong.append("no alert reached the clinician's phone")
    return wrong


def _stops(connection: Any) -> dict[int | None, datetime]:
    rows = connection.execute(text("SELECT patient_id, at FROM consents WHERE action = 'revoked'").columns(at=Moment))
    return {row.patient_id: row.at for row in rows}


def _token(entry: dict[str, Any]) -> str | None:
    if entry.get("status_callback"):
        return str(entry["status_callback"]).rpartition("a=")[2]
    token = (entry.get("custom_args") or {}).get("aftercare_attempt")
    return None if token is None else str(token)


def _told(row: dict[str, Any], at: datetime | None) -> dict[str, Any]:
    return {
        "step": row["step"],
        "channel": row["channel"],
        "due_at": row["due_at"].isoformat(),
        "handed_over_at": None if at is None else at.isoformat(),
        "state": row["state"],
        "reason": row["reason"],
        "why": SENTENCES[Reason(row["reason"])],
    }
