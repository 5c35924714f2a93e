"""The escalation of alerts: what every look of a clock does about those that nobody has acknowledged.

One transaction an alert: take its row, ask the rules who hears of it now, insert the notices, set the next round. A
clock that dies in the middle leaves nothing behind, and the next look of any other finds the alert as it was.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from service import crashpoints, time
from service.care.escalation import Round, detour, schedule
from service.crashpoints import Point
from service.parts import Parts
from service.records import alert_notices, clinics, contacts, notices
from service.records.alert_notices import Lost
from service.records.alerts import UNHEARD, Alert
from service.records.contacts import NO_CONTACTS
from service.records.database import reading, run
from service.records.plans import Sending

log = logging.getLogger(__name__)

ALERTS_A_LOOK = 500
_NEVER = datetime.min.replace(tzinfo=UTC)


AGAIN_AFTER = timedelta(minutes=1)
"""How long a failure stays gone round: a channel may work again, or somebody's hours have begun."""

GoneRound = dict[Lost, datetime]
"""The failures a process has seen to, and when. Each would otherwise take the alert's row every second for as long as
nobody takes the alert on."""


def escalate(parts: Parts, gone_round: GoneRound | None = None) -> int:
    """Insert the notices that are due; returns how many. Safe in any number of processes at once.

    A clock keeps `gone_round` from look to look.
    """
    now = time.now()
    with reading(parts.engine) as connection:
        due = alert_notices.due(connection, now, ALERTS_A_LOOK)
        lost = alert_notices.with_failures(connection, now, ALERTS_A_LOOK)
    made = sum(_one(parts, alert_id, now, next_round) for alert_id in due)
    return made + _see_to(parts, lost, {} if gone_round is None else gone_round, now)


Step = Callable[[Connection, Sending, int, datetime], int]


def next_round(connection: Connection, sending: Sending, alert_id: int, now: datetime) -> int:
    """The round that is due of an alert; returns the number of notices."""
    alert = alert_notices.lock(connection, alert_id)
    if alert is None or alert.next_notice_at is None or alert.next_notice_at > now:
        return 0  # acknowledged meanwhile, or another clock was here
    clinic = clinics.get(connection, alert.clinic_id)
    people = contacts.of_clinic(connection, sending.vault, clinic.id)
    due = schedule(alert_notices.facts(connection, sending, clinic, alert, people), now)
    _tell_operator(connection, alert, due, bool(people), now)
    return alert_notices.put(connection, sending, clinic, alert, people, due.notices, due.next_at, now)


def go_round_failures(connection: Connection, sending: Sending, alert_id: int, now: datetime) -> int:
    """Where a notice did not arrive, try people and channels not tried yet, without waiting for the next round."""
    alert = alert_notices.lock(connection, alert_id)
    if alert is None:
        return 0
    clinic = clinics.get(connection, alert.clinic_id)
    people = contacts.of_clinic(connection, sending.vault, clinic.id)
    others = detour(alert_notices.facts(connection, sending, clinic, alert, people), now)
    if not others.notices:
        return 0
    _tell_operator(connection, alert, others, bool(people), now)
    return alert_notices.put(connection, sending, clinic, alert, people, others.notices, alert.next_notice_at, now)


def _see_to(parts: Parts, lost: Sequence[Lost], gone_round: GoneRound, now: datetime) -> int:
    for known in gone_round.keys() - lost:
        del gone_round[known]
    made = 0
    for one in lost:
        if now - gone_round.get(one, _NEVER) < AGAIN_AFTER:
            continue
        made += _one(parts, one.alert_id, now, go_round_failures)
        gone_round[one] = now
    return made


def _one(parts: Parts, alert_id: int, now: datetime, step: Step) -> int:
    def work(connection: Connection) -> int:
        made = step(connection, parts.sending, alert_id, now)
        if made:
            crashpoints.reached(Point.CLOCK_ESCALATING)
        return made

    try:
        made = run(parts.engine, work)
    except Exception as error:
        # One alert that cannot be read must not keep the others from being heard.
        log.error("alert %s could not be escalated: %s; the clock tries again", alert_id, type(error).__name__)
        return 0
    if made:
        crashpoints.reached(Point.CLOCK_ESCALATED)
    return made


def _tell_operator(connection: Connection, alert: Alert, due: Round, any_contacts: bool, now: datetime) -> None:
    if due.nobody:
        kind, detail = (
            (notices.NOBODY_REACHED, "no contact can be reached")
            if any_contacts
            else (NO_CONTACTS, "it has no contacts")
        )
        notices.raise_notice(connection, kind, f"clinic {alert.clinic_id}", detail, now)
    if due.everybody:
        notices.raise_notice(connection, UNHEARD, f"alert {alert.id}", "everybody was told, nobody took it on", now)
