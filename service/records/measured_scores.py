"""How patients do since a session, for results: scores out of sealed answers, no more than a page can wait for."""

from __future__ import annotations

import json
from functools import cache

from sqlalchemy import Connection, select

from service.care import sites
from service.care.improvement import Outcome
from service.care.scores import scores
from service.care.surveys import Measure
from service.records import triaging
from service.records.library import library
from service.records.measured import Counted, Scope, of_scope, within_reach
from service.records.responses import read_stored
from service.records.sealing import Vault
from service.records.tables import courses, responses, sessions

MOST = 2_000
"""Answered surveys that are looked at: each is opened and read."""
_ASKED = {"nrs": Measure.NRS, "peg": Measure.PEG_PAIN, "psfs": Measure.PSFS}


def outcomes(connection: Connection, vault: Vault, scope: Scope, measure: str, most: int = MOST) -> Counted[Outcome]:
    """Of every session with a score of its own visit: that one, and the newest that was answered in the period."""
    surveys = {
        one.id: one
        for one in library().surveys.values()
        if one.id != triaging.BASELINE and any(question.measure is _ASKED[measure] for question in one.questions)
    }
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
        .where(responses.c.survey.in_(surveys), sessions.c.baseline.is_not(None))
    )
    reach = within_reach(connection, scope, responses.c.changed_at, most)
    newest = of_scope(query, reach, responses.c.changed_at, responses.c.session_id).order_by(
        responses.c.changed_at.desc(), responses.c.id.desc()
    )
    outcomes_of: dict[int, Outcome] = {}
    for row in connection.execute(newest):
        if row.session_id in outcomes_of:
            continue  # a later survey of the same session has said how it is now
        answers = read_stored(surveys[row.survey].questions, json.loads(vault.open(row.answers, row.id)))
        start = getattr(triaging.baseline_of(json.loads(vault.open(row.baseline, row.session_id))).scores, measure)
        now = getattr(scores(answers.values()), measure)
        if start is not None and now is not None:
            outcomes_of[row.session_id] = Outcome(row.patient_id, _site(row.site), row.number, start, now)
    return reach.counted(scope, outcomes_of.values())


@cache
def _site(key: str) -> str:
    """A course's site without its side: a left and a right knee are one group."""
    return sites.parse(key) or key
