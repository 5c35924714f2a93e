"""How a patient does over a course: every score on its day, and where they started."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from service.care import baselines
from service.care.charts import Chart, Point, better_from, chart
from service.care.localtime import local_day
from service.care.scores import Change, Scores, Thresholds, nrs_change, peg_change, psfs_change, scores
from service.records import responses, sessions, triaging
from service.records.library import library
from service.records.plans import zone
from service.records.sealing import Vault
from service.records.triaging import Setting

_CHANGES = {"nrs": nrs_change, "peg": peg_change, "psfs": psfs_change}


@dataclass(frozen=True, slots=True)
class Row:
    """One score, as the table beside the picture has it."""

    on: date
    point: Point
    change: Change | None
    """Since the baseline."""


@dataclass(frozen=True, slots=True)
class Line:
    """One measure over the course."""

    measure: str
    baseline: float | None
    limit: float | None
    """The score from which on patients notice that they are better."""
    rows: tuple[Row, ...]
    chart: Chart

    @property
    def now(self) -> Row:
        return self.rows[-1]


@dataclass(frozen=True, slots=True)
class Progress:
    """One course."""

    activity: str | None
    """The patient's own words, of what they want to be able to do."""
    session_days: tuple[date, ...]
    lines: tuple[Line, ...]
    """For every measure that has a score."""


@dataclass(frozen=True, slots=True)
class _Scored:
    on: date
    word: str
    scores: Scores


def of_course(connection: Connection, vault: Vault, session_id: int) -> Progress:
    """The progress over the course of a session."""
    where = triaging.setting(connection, vault, session_id)
    start = triaging.baseline(connection, vault, library(), where, of_course=True)
    days = tuple(_day(where, one.ended_at) for one in where.course if one.ended_at is not None)
    scored = _scored(connection, vault, where)
    limits = library().common.thresholds
    made = (_line(measure, days, scored, start.scores if start else Scores(), limits) for measure in _CHANGES)
    return Progress(None if start is None else start.activity, days, tuple(one for one in made if one is not None))


def _scored(connection: Connection, vault: Vault, where: Setting) -> list[_Scored]:
    """What was measured at each visit, and every survey since, oldest first."""
    found = []
    for number, session in enumerate(where.course, 1):
        measured = sessions.baseline(connection, vault, session.id)
        if measured is not None and session.ended_at is not None:
            found.append(_Scored(_day(where, session.ended_at), f"Visit {number}", baselines.read(measured).scores))
    for response in responses.of_sessions(connection, vault, [one.id for one in where.course]):
        survey = library().surveys.get(response.survey)
        # What was answered before a visit is that visit's baseline already.
        if survey is not None and response.survey != baselines.SURVEY:
            said = scores(response.read(survey).values())
            found.append(_Scored(_day(where, response.changed_at), survey.title["en"], said))
    return sorted(found, key=lambda one: one.on)


def _line(
    measure: str, days: Sequence[date], scored: Sequence[_Scored], start: Scores, limits: Thresholds
) -> Line | None:
    known = [(one, getattr(one.scores, measure)) for one in scored if getattr(one.scores, measure) is not None]
    if not known or not days:
        return None
    baseline = getattr(start, measure)
    limit = None if baseline is None else better_from(measure, baseline, limits)
    rows = tuple(
        Row(
            one.on,
            Point(max((one.on - days[0]).days, 0), float(score), one.word),
            None if baseline is None else _CHANGES[measure](baseline, score, limits),
        )
        for one, score in known
    )
    session_days = [(day - days[0]).days for day in days]
    picture = chart([row.point for row in rows], session_days, baseline, limit, up=measure == "psfs")
    return Line(measure, baseline, limit, rows, picture)


def _day(where: Setting, moment: datetime) -> date:
    return local_day(moment, zone(where.patient.timezone or where.clinic.timezone))
