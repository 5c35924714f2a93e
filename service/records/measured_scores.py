"""How patients do since a session, for results: scores out of sealed answers, no more than a page can wait for."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, CursorResult, select

from service.care import baselines, sites
from service.care.improvement import Judged, Outcome
from service.care.scores import Scores, scores
from service.care.surveys import Measure
from service.records.library import library
from service.records.measured import Counted, Scope, of_scope, within_reach
from service.records.reply_tables import responses
from service.records.responses import read_stored
from service.records.sealing import Vault
from service.records.tables import courses, sessions

MOST = 2_000
"""Answered surveys that are looked at: each is opened and read."""
_ASKED = {"nrs": Measure.NRS, "peg": Measure.PEG_PAIN, "psfs": Measure.PSFS, "pgic": Measure.PGIC}


def outcomes(connection: Connection, vault: Vault, scope: Scope, measure: str, most: int = MOST) -> Counted[Outcome]:
    """Of every session with a score of its own visit: that one, and the newest that was answered in the period."""
    reach, answered = _answered(connection, scope, measure, most, sessions.c.baseline.is_not(None))
    outcomes_of: dict[int, Outcome] = {}
    for row in answered:
        if row.session_id in outcomes_of:
            continue  # a later survey of the same session has said how it is now
        start = getattr(baselines.read(json.loads(vault.open(row.baseline, row.session_id))).scores, measure)
        now = getattr(_scores(vault, row), measure)
        if start is not None and now is not None:
            outcomes_of[row.session_id] = Outcome(row.patient_id, _site(row.site), row.number, start, now)
    return reach.counted(scope, outcomes_of.values())


def judgements(connection: Connection, vault: Vault, scope: Scope, most: int = MOST) -> Counted[Judged]:
    """Of every session the newest judgement that was given in the period; it needs no score to be held against."""
    reach, answered = _answered(connection, scope, "pgic", most)
    judged_of: dict[int, Judged] = {}
    for row in answered:
        if row.session_id not in judged_of and (pgic := _scores(vault, row).pgic) is not None:
            judged_of[row.session_id] = Judged(row.patient_id, _site(row.site), row.number, pgic)
    return reach.counted(scope, judged_of.values())


def _answered(
    connection: Connection, scope: Scope, measure: str, most: int, *where: ColumnElement[bool]
) -> tuple[Scope, CursorResult[Any]]:
    """How far back they go, and the answered surveys that ask for it, the newest first."""
    query = (
        select(
            responses.c.id,
            responses.c.patient_id,
            responses.c.session_id,
            responses.c.survey,
            responses.c.answers,
            sessions.c.baseline,
            sessions.c.number,
            courses.c.site,
        )
        .join(sessions, sessions.c.id == responses.c.session_id)
        .join(courses, courses.c.id == sessions.c.course_id)
        .where(responses.c.survey.in_(_asking(measure)), *where)
    )
    reach = within_reach(connection, scope, responses.c.changed_at, most)
    newest = of_scope(query, reach, responses.c.changed_at, responses.c.session_id).order_by(
        responses.c.changed_at.desc(), responses.c.id.desc()
    )
    return reach, connection.execute(newest)


def _asking(measure: str) -> list[str]:
    """The surveys with a question of it; the one before the session is its own score."""
    return [
        one.id
        for one in library().surveys.values()
        if one.id != baselines.SURVEY and any(question.measure is _ASKED[measure] for question in one.questions)
    ]


def _scores(vault: Vault, row: Any) -> Scores:
    questions = library().surveys[row.survey].questions
    return scores(read_stored(questions, json.loads(vault.open(row.answers, row.id))).values())


@cache
def _site(key: str) -> str:
    """A course's site without its side: a left and a right knee are one group."""
    return sites.parse(key) or key
