"""Silence is a signal: surveys that stay unanswered are put before people, once each."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from service import time
from service.parts import Parts
from service.records import alerts, patients, responses, silences, triaging
from service.records.database import reading, run
from service.records.library import library
from service.records.plans import Sending
from service.records.silences import Unanswered

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=5)
"""How often a clock needs to look, in the service's time."""
AT_ONCE = 100
"""Silences judged in one look: a few milliseconds each, in which the clock does nothing else."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look did."""

    noted: int
    """New on the worklist."""
    more: bool
    """Whether there are others to judge, at once."""


def look(parts: Parts) -> Looked:
    """Put unanswered surveys on the worklist as the triage rules say. Safe in any number of clocks."""
    now = time.now()
    with reading(parts.engine) as connection:
        silent = silences.find(connection, now)
    noted = judged = 0
    for one in silent:
        if judged == AT_ONCE:
            return Looked(noted, more=True)
        found = _one(parts, one, now)
        if found is not None:
            judged += 1
            noted += found
    return Looked(noted, more=False)


def note(connection: Connection, sending: Sending, silent: Unanswered, now: datetime) -> bool:
    """Judge one silence in its own transaction, under the patient's lock: an answer comes before or after."""
    patients.get(connection, sending.vault, silent.patient_id, lock=True)
    answered = responses.find(connection, sending.vault, silent.session_id, silent.survey) is not None
    if answered or silences.is_noted(connection, silent) or not silences.judge(connection, silent, now):
        return False
    survey = library().surveys.get(silent.survey)
    if survey is None:
        return False
    where = triaging.setting(connection, sending.vault, silent.session_id)
    ends = where.session.superseded_from
    if ends is not None and now >= ends and not where.is_of_course(survey.id):
        return False
    findings = triaging.silent(connection, sending.vault, library(), where, survey, silent.silence, now)
    for finding in findings[:1]:
        alerts.open_alert(
            connection,
            sending,
            where.clinic,
            where.patient.id,
            where.session.id,
            finding.urgency,
            silent.cause,
            f"survey {survey.id} unanswered",
            finding.sentence,
            now,
            tell_patient=False,
        )
    return bool(findings)


def _one(parts: Parts, silent: Unanswered, now: datetime) -> bool | None:
    """None: it could not be judged."""
    try:
        return run(parts.engine, lambda connection: note(connection, parts.sending, silent, now))
    except Exception as error:
        # One session that cannot be read must not hide the others.
        log.error("session %s could not be looked at: %s", silent.session_id, type(error).__name__)
        return None
