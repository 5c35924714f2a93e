"""Silence is a signal: surveys that stay unanswered are put before people, once each."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import Connection

from service import time
from service.care.triage import Silence
from service.parts import Parts
from service.records import alerts, patients, responses, silences, triaging
from service.records.database import reading, run
from service.records.library import library
from service.records.plans import Sending
from service.records.silences import Unanswered

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=5)
"""How often a clock needs to look, in the service's time."""

Judged = set[tuple[int, str, Silence]]
"""What a process has judged already: by session, survey and how long the silence had lasted."""


def look(parts: Parts, judged: Judged | None = None) -> int:
    """Put unanswered surveys on the worklist as the triage rules say; returns how many. Safe in any number of clocks.

    A clock keeps `judged` from look to look, so that silences which no rule minds cost it nothing the next time.
    """
    now = time.now()
    known: Judged = set() if judged is None else judged
    with reading(parts.engine) as connection:
        silent = {(one.session_id, one.survey, one.silence): one for one in silences.find(connection, now)}
    known.intersection_update(silent)  # not `&=`: with the keys of a dictionary that would make another set
    noted = 0
    for key, one in silent.items():
        found = None if key in known else _one(parts, one, now)
        if found is not None:
            known.add(key)
            noted += found
    return noted


def note(connection: Connection, sending: Sending, silent: Unanswered, now: datetime) -> bool:
    """Judge one silence in its own transaction. The patient's lock makes it one alert, however many clocks look."""
    patients.get(connection, sending.vault, silent.patient_id, lock=True)
    answered = responses.find(connection, sending.vault, silent.session_id, silent.survey) is not None
    survey = library().surveys.get(silent.survey)
    if survey is None or answered or silences.is_noted(connection, silent):
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
