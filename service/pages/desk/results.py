"""Results: what comes back, how soon, what arrives, how patients do, and how soon alerts are taken on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse
from wtforms import Form, SelectField

from service import time
from service.care import answering, attending, bars, delivery, figures, improvement, spreadsheet
from service.care.figures import Figure, Unit
from service.care.roles import Permission
from service.context import context
from service.pages.desk import forms, look
from service.pages.desk.door import Room, note
from service.pages.desk.look import Nav
from service.pages.desk.who import Who
from service.records import measured, measured_scores, protocols
from service.records.alerts import hours_of
from service.records.database import reading, run
from service.records.library import library
from service.records.measured import Counted, Scope

room = Room("results", Nav("Results", "/desk/results", Permission.READ))

_PERIODS = {"30": "Last 30 days", "90": "Last 90 days", "365": "Last 365 days"}
_CHANGE = (
    "From the score measured at a session to the newest one since: medians, with the quarter below (P25) and above "
    "(P75). "
)
_JUDGED = "pgic"
_SCORES = {
    "nrs": ("Pain now", f"{_CHANGE}0 is none, 10 the worst. Better: 2 points or 30 % less, which patients notice."),
    "peg": (
        "Pain, enjoyment and activity (PEG)",
        f"{_CHANGE}0 is none, 10 the worst. Better: 1 point less, which patients notice.",
    ),
    "psfs": (
        "An activity of their own (PSFS)",
        f"{_CHANGE}0 is cannot, 10 is as before. Better: 1.3 points more, which patients notice.",
    ),
    _JUDGED: (
        "How they judge it (PGIC)",
        "The newest answer since a session to how they are, next to the days before their first visit. Improved: much "
        "or very much better. Worse: a little, much or very much. The others are a little better, or the same.",
    ),
}


class _Wanted(Form):
    days = SelectField("Period", choices=forms.options(_PERIODS.items()), default="90")
    protocol = SelectField("Protocol", default="")
    score = SelectField("Score", choices=forms.options((key, one[0]) for key, one in _SCORES.items()), default="nrs")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a figure is made of."""

    connection: Connection
    who: Who
    scope: Scope
    steps: list[str]
    """In the order of the plans."""
    score: str


@dataclass(frozen=True, slots=True)
class _Kind:
    title: str
    says: str
    made: Callable[[_Asked], tuple[Figure, Counted[Any]]]


def _rates(asked: _Asked) -> tuple[Figure, Counted[Any]]:
    found = measured.asks(asked.connection, asked.scope)
    return answering.rates(found.facts, asked.steps), found


def _times(asked: _Asked) -> tuple[Figure, Counted[Any]]:
    found = measured.asks(asked.connection, asked.scope)
    return answering.times(found.facts, asked.steps), found


def _delivery(asked: _Asked) -> tuple[Figure, Counted[Any]]:
    found = measured.fates(asked.connection, asked.scope)
    return delivery.delivery(found.facts), found


def _outcomes(asked: _Asked) -> tuple[Figure, Counted[Any]]:
    if asked.score == _JUDGED:
        judged = measured_scores.judgements(asked.connection, context().sending.vault, asked.scope)
        return improvement.judgements(judged.facts), judged
    found = measured_scores.outcomes(asked.connection, context().sending.vault, asked.scope, asked.score)
    return improvement.outcomes(found.facts, asked.score, library().common.thresholds), found


def _alerts(asked: _Asked) -> tuple[Figure, Counted[Any]]:
    found = measured.heard(asked.connection, asked.scope)
    return attending.attending(found.facts, hours_of(asked.who.clinic), time.now()), found


KINDS: Mapping[str, _Kind] = {
    "response": _Kind(
        "Response",
        "How many of the surveys that you asked for were sent off, by the step of the plan and by how the patient was "
        "asked first. Who was asked both ways counts for both. What was asked for in the last days may still come.",
        _rates,
    ),
    "time": _Kind(
        "Time to answer",
        "From the first message that asked until the survey was sent off. Half of the answers came within the median, "
        "a quarter within P25, three quarters within P75.",
        _times,
    ),
    "delivery": _Kind(
        "Delivery",
        "What became of the messages to patients, automatic answers and typed texts among them, and what the providers "
        "and carriers said of those that did not arrive.",
        _delivery,
    ),
    "outcomes": _Kind(
        "Outcomes",
        "How patients do since a session, by site and by which session of the course it was.",
        _outcomes,
    ),
    "alerts": _Kind(
        "Alerts",
        "How long alerts waited until somebody took them on, since they became this urgent. In time: of those that "
        "were taken on, or whose time is over.",
        _alerts,
    ),
}
_FIRST = "response"


@dataclass(frozen=True, slots=True)
class _Found:
    form: _Wanted
    scope: Scope
    figure: Figure | None
    counted: Counted[Any] | None


@room.get("/results", may=Permission.READ)
def show_first(who: Who) -> AnyResponse:
    return show(who, _FIRST)


@room.get("/results/<which>", may=Permission.READ)
def show(who: Who, which: str) -> AnyResponse:
    kind = _kind(which)
    with reading(context().engine) as connection:
        found = _find(connection, who, kind)
    return look.page(
        who,
        "results.html",
        422 if found.form.errors else 200,
        kinds=KINDS,
        which=which,
        kind=kind,
        found=found,
        picture=None if found.figure is None else bars.picture(found.figure),
        size=bars,
        least=figures.LEAST,
        scores=_SCORES,
        shown=_shown,
        query=_query(found.form),
    )


@room.get("/results/<which>.csv", may=Permission.READ)
def download(who: Who, which: str) -> AnyResponse:
    def work(connection: Connection) -> _Found:
        note(connection, who, "results.download", which)
        return _find(connection, who, _kind(which))

    found = run(context().engine, work)
    if found.figure is None or found.counted is None:
        return show(who, which)
    answer = Response(_sheet(found.figure, found.counted, found.scope), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="results-{which}.csv"'
    return answer


def _kind(which: str) -> _Kind:
    if which not in KINDS:
        raise LookupError(f"no results called {which}")
    return KINDS[which]


def _find(connection: Connection, who: Who, kind: _Kind) -> _Found:
    """The figure as it was asked for; none where the form cannot be read."""
    form, now = _Wanted(request.args), time.now()
    versions = protocols.of_clinic(connection, who.clinic_id)
    names = sorted({one.name for one in versions})
    form.protocol.choices = forms.options([("", "All"), *((one, answering.named(one)) for one in names)])
    if not form.validate():
        return _Found(form, Scope(who.clinic_id, now, now), None, None)
    under = None if not form.protocol.data else [one.id for one in versions if one.name == form.protocol.data]
    scope = Scope(who.clinic_id, now - timedelta(days=int(form.days.data)), now, under)
    newest = {one.name: one.id for one in versions}
    steps = [step.id for one in newest.values() for step in protocols.parsed(connection, one).steps]
    figure, counted = kind.made(_Asked(connection, who, scope, steps, form.score.data))
    return _Found(form, scope, figure, counted)


def _query(form: _Wanted) -> str:
    return urlencode({name: form[name].data or "" for name in form._fields if form[name].data})


def _shown(value: float | None, unit: Unit) -> str:
    """A number for people."""
    if value is None:
        return "–"
    match unit:
        case Unit.COUNT:
            return f"{value:,.0f}"
        case Unit.PERCENT:
            return f"{value:.0f} %"
        case Unit.MINUTES:
            return look.age(timedelta(minutes=value))
        case Unit.POINTS:
            return f"{value:.3g}"
        case Unit.CHANGE:
            return f"{value:+.3g}".replace("-", "−") if value else "0"


def _sheet(figure: Figure, counted: Counted[Any], scope: Scope) -> str:
    heads = [head.lower().replace(" ", "_") for head in figure.heads]
    names = [column.name for column in figure.columns]
    rows = [spreadsheet.row(["from", "until", *heads, "patients", *names, "hidden"])]
    for line in (*figure.lines, *((figure.total,) if figure.total else ())):
        labels = [*line.labels, *[""] * (len(heads) - len(line.labels))]
        numbers = [None if value is None else round(value, 2) for value in line.values]
        why = f"fewer than {figures.LEAST} patients" if line.is_hidden else ""
        period = [counted.since.isoformat(timespec="seconds"), scope.until.isoformat(timespec="seconds")]
        rows.append(spreadsheet.row([*period, *labels, line.patients, *numbers, why]))
    return "".join(rows)
