"""The care plan page: the clinic's own advice, what is common now, what is an emergency, and the patient's progress."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import Blueprint, Response
from sqlalchemy import Connection

from service import time
from service.care import baselines
from service.care.care_plan import Topic, advice
from service.care.localtime import local_day
from service.care.scores import Scores, scores
from service.context import context
from service.pages import links, look
from service.pages.closed import closed, language_of, unknown
from service.pages.links import Invitation, Standing
from service.records import responses, triaging
from service.records.database import reading
from service.records.library import library
from service.records.plans import zone
from service.records.triaging import Setting

bp = Blueprint("plan_page", __name__)

WIDTH, HEIGHT, MARGIN = 280, 120, 16
_SPANS = (0, 3, 14)
"""Last days of the first three stretches of healing: the day itself, the sore days, two weeks; then the rest."""


@dataclass(frozen=True)
class Point:
    """Scores of one day."""

    day: date
    scores: Scores


@dataclass(frozen=True)
class Line:
    """One measure over time, ready to be drawn."""

    measure: str
    points: tuple[tuple[float, float, float], ...]
    """x and y in the picture, and the score."""

    @property
    def path(self) -> str:
        return " ".join(f"{x:g},{y:g}" for x, y, _ in self.points)


@bp.get("/s/<token>/plan")
def show(token: str) -> Response:
    """The care plan behind any link of ours that still opens. Changes nothing."""
    now = time.now()
    with reading(context().engine) as connection:
        invitation = links.follow(connection, context().sending.vault, token, now)
        if invitation is None:
            return unknown(connection)
        if invitation.standing in (Standing.EXPIRED, Standing.CANCELLED):
            return closed(invitation, token)
        return show_plan(connection, invitation, token, now)


def show_plan(connection: Connection, invitation: Invitation, token: str, now: datetime) -> Response:
    """The page itself, for the latest session of the course."""
    where = invitation.where
    if where.course[-1].id != where.session.id:
        where = triaging.setting(connection, context().sending.vault, where.course[-1].id)
    clinic = where.clinic
    language = language_of(invitation)
    points = _progress(connection, where)
    return look.page(
        "plan.html",
        200,
        language,
        clinic,
        stretch=_stretch(where.day(now)),
        advice=[(topic.value, advice(clinic.care_plan, topic, language, clinic.locale[:2])) for topic in Topic],
        lines=_lines(points),
        points=points,
        picture={"width": WIDTH, "height": HEIGHT, "margin": MARGIN},
        survey=f"/s/{token}?lang={language}" if invitation.survey and invitation.standing is Standing.OPEN else None,
    )


def _stretch(day: int) -> str:
    return f"stretch{sum(day > last for last in _SPANS)}"


def _progress(connection: Connection, where: Setting) -> list[Point]:
    """Every score of the course, oldest first."""
    vault = context().sending.vault
    local = zone(where.patient.timezone or where.clinic.timezone)
    found = []
    start = triaging.baseline(connection, vault, library(), where, of_course=True)
    first = where.course[0]
    if start is not None and first.ended_at is not None:
        found.append(Point(local_day(first.ended_at, local), start.scores))
    for response in responses.of_sessions(connection, vault, [one.id for one in where.course]):
        survey = library().surveys.get(response.survey)
        if survey is None or response.survey == baselines.SURVEY:
            continue
        came_to = scores(response.read(survey).values())
        if any(score is not None for score in (came_to.nrs, came_to.peg, came_to.psfs)):
            found.append(Point(local_day(response.changed_at, local), came_to))
    return found


def _lines(points: Sequence[Point]) -> list[Line]:
    """A picture for every measure with two scores or more: one dot is no progress."""
    made = (_line(measure, [(p.day, getattr(p.scores, measure)) for p in points]) for measure in ("nrs", "peg", "psfs"))
    return [line for line in made if len(line.points) > 1]


def _line(measure: str, scored: Iterable[tuple[date, Any]]) -> Line:
    known = [(day, float(score)) for day, score in scored if score is not None]
    if not known:
        return Line(measure, ())
    first, last = known[0][0], known[-1][0]
    span = max((last - first).days, 1)
    return Line(
        measure,
        tuple(
            (
                round(MARGIN + (WIDTH - 2 * MARGIN) * (day - first).days / span, 1),
                round(HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * score / 10, 1),
                score,
            )
            for day, score in known
        ),
    )
