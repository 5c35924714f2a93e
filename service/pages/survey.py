"""The survey page: one page that works as a plain form, and better with a script that saves every tap."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from flask import Blueprint, Response, g, jsonify, redirect, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from service import crashpoints, time
from service.care import surveys, triage
from service.care.surveys import Answer, Kind, NotAnAnswer, Question, Survey
from service.care.triage import Finding
from service.care.urgency import Urgency
from service.context import context
from service.crashpoints import Point
from service.pages import links, look, plan, questions
from service.pages.closed import closed, language_of, too_many_guesses, unknown
from service.pages.links import Invitation, Standing
from service.records import alerts, triaging
from service.records.clinics import Clinic
from service.records.database import reading, run
from service.records.library import library
from service.records.responses import Change
from service.records.triaging import Heard

bp = Blueprint("survey_page", __name__)

_MOST_BYTES = 32_768


@bp.get("/s/<token>")
def show(token: str) -> Response:
    """The survey, the care plan, or why there is neither. Changes nothing."""
    now = time.now()
    with reading(context().engine) as connection:
        invitation = links.follow(connection, context().sending.vault, token, now)
        if invitation is None:
            return unknown(connection)
        if invitation.standing is not Standing.OPEN:
            return closed(invitation, token)
        sheet = _sheet(connection, invitation, now)
        if sheet is None:
            return plan.show_plan(connection, invitation, token, now)
        if invitation.completed_at is not None and not ("edit" in request.args and invitation.is_editable(now)):
            return _done(connection, sheet, token, now)
        return _form(sheet, token)


@bp.post("/s/<token>")
def submit(token: str) -> AnyResponse:
    """Store what was filled in. Complete: thanks. Not yet: the page again, with nothing lost."""
    request.max_content_length = _MOST_BYTES
    posted = request.form.to_dict(flat=False)
    now = time.now()

    def work(connection: Connection) -> AnyResponse:
        invitation = links.follow(connection, context().sending.vault, token, now)
        if invitation is None:
            return unknown(connection)
        sheet = _sheet(connection, invitation, now)
        if sheet is None:
            return redirect(_address(token), 303)
        given, problems = surveys.validate_all(sheet.questions, posted)
        if not invitation.is_editable(now):
            return _too_late(connection, sheet, token, given, now)
        missing = surveys.completeness(sheet.questions, given.keys()).missing
        finish = not missing and not problems
        # The page showed what was answered before: what comes back blank was taken back.
        shown = {question.id for question in sheet.questions}
        blank = (shown & sheet.answers.keys()) - given.keys() - {problem.question for problem in problems}
        cleared = frozenset(blank.difference(missing))
        heard = _take(connection, sheet, Change(given, cleared=cleared, finish=finish), now)
        if finish:
            return redirect(_address(token), 303)
        filled = sheet.with_answers(given, without=blank)
        if heard.is_emergency and invitation.completed_at is None:
            return _call(filled, token)
        faults = {problem.question: problem.fault.value for problem in problems}
        return _form(filled, token, dict.fromkeys(missing, "blank") | faults)

    return _in_one_transaction(work)


@bp.post("/s/<token>/tap")
def tap(token: str) -> Response:
    """Store one answer as it is tapped; says whether the emergency screen must go up."""
    request.max_content_length = _MOST_BYTES
    posted = request.form.to_dict(flat=False)
    asked = request.form.get("question", "")
    now = time.now()

    def work(connection: Connection) -> Response:
        invitation = links.follow(connection, context().sending.vault, token, now)
        sheet = None if invitation is None else _sheet(connection, invitation, now)
        if invitation is None or sheet is None:
            slow = invitation is None and too_many_guesses()
            return _said(429 if slow else 404, saved=False)
        question = next((one for one in sheet.questions if one.id == asked), None)
        read = None if question is None else surveys.validate(question, posted.get(asked))
        if question is None or (isinstance(read, NotAnAnswer) and read.fault is not surveys.Fault.BLANK):
            return _said(422, saved=False)
        given = {asked: read} if isinstance(read, Answer) else {}
        if not invitation.is_editable(now):
            heard = _hear(connection, sheet, given, now)
            return _said(410, saved=False, emergency=heard.is_emergency)
        sent_off = invitation.completed_at is not None
        if sent_off and ("edit" not in request.args or not (given or question.optional)):
            # On its way when the form was sent, which said it all; or an answer of a whole survey is taken back, which
            # the form will ask for again.
            heard = _hear(connection, sheet, given, now)
            return _said(200, saved="edit" not in request.args, emergency=heard.is_emergency)
        change = Change(given, cleared=frozenset() if given else frozenset({asked}))
        heard = _take(connection, sheet, change, now)
        kept = () if heard.response is None else heard.response.answers
        done = surveys.completeness(sheet.questions, kept)
        return _said(
            200, saved=True, emergency=_is_emergency(sheet, given, now), answered=done.answered, asked=done.asked
        )

    return _in_one_transaction(work)


T = TypeVar("T", bound=AnyResponse)


def _in_one_transaction(work: Callable[[Connection], T]) -> T | Response:
    def unless_erased(connection: Connection) -> T | Response:
        try:
            return work(connection)
        except LookupError:
            # Erased between our reading the link and our taking the patient's lock.
            return unknown(connection)

    answer = run(context().engine, unless_erased)
    crashpoints.reached(Point.SURVEY_COMMITTED)
    if g.pop("alerted", False):
        context().nudges.wake_clock()
    return answer


@dataclass(frozen=True)
class _Sheet:
    """A survey as this patient gets it today."""

    invitation: Invitation
    survey: Survey
    questions: tuple[Question, ...]
    activity: str | None
    answers: Mapping[str, Answer]

    def with_answers(self, given: Mapping[str, Answer], without: Collection[str]) -> _Sheet:
        kept = {name: answer for name, answer in self.answers.items() if name not in without}
        return _Sheet(self.invitation, self.survey, self.questions, self.activity, {**kept, **given})


def _sheet(connection: Connection, invitation: Invitation, now: datetime) -> _Sheet | None:
    """None when the link leads to the care plan."""
    survey = library().surveys.get(invitation.survey or "")
    if survey is None:
        return None
    where = invitation.where
    start = triaging.baseline(connection, context().sending.vault, library(), where)
    activity = None if start is None else start.activity
    answers = {} if invitation.response is None else invitation.response.read(survey)
    known = triaging.known_from_visit(connection, context().sending.vault, where, survey, answers)
    all_of_it = surveys.questions_for(survey, where.site_groups, activity is not None, where.day(now))
    questions = tuple(question for question in all_of_it if question.id not in known)
    return _Sheet(invitation, survey, questions, activity, answers)


def _take(connection: Connection, sheet: _Sheet, change: Change, now: datetime) -> Heard:
    vault, where = context().sending.vault, sheet.invitation.where
    heard = triaging.take(connection, vault, library(), where, sheet.survey, change, now, _raise_alert)
    crashpoints.reached(Point.SURVEY_TAKEN)
    return heard


def _hear(connection: Connection, sheet: _Sheet, given: Mapping[str, Answer], now: datetime) -> Heard:
    vault, where = context().sending.vault, sheet.invitation.where
    return triaging.hear(connection, vault, library(), where, sheet.survey, given, now, _raise_alert)


def _raise_alert(
    connection: Connection,
    clinic: Clinic,
    patient_id: int,
    session_id: int | None,
    finding: Finding,
    source: str,
    now: datetime,
) -> None:
    g.alerted = True
    sending, says = context().sending, finding.sentence
    alerts.open_alert(
        connection, sending, clinic, patient_id, session_id, finding.urgency, finding.cause, source, says, now
    )


def _is_emergency(sheet: _Sheet, given: Mapping[str, Answer], now: datetime) -> bool:
    """Whether this very answer is one: a sign tapped before must not put the call screen up again at every tap."""
    where = sheet.invitation.where
    facts = triage.TriageFacts(day=where.day(now), answers=given, survey=sheet.survey.id, site_groups=where.site_groups)
    found = triage.evaluate(triaging.rules_of(library(), where), facts)
    return triage.most_urgent(found) is Urgency.EMERGENCY


def _form(sheet: _Sheet, token: str, errors: Mapping[str, str] | None = None) -> Response:
    language = language_of(sheet.invitation)
    return look.page(
        "survey.html",
        422 if errors else 200,
        language,
        sheet.invitation.where.clinic,
        title=sheet.survey.title[language],
        action=_address(token),
        tap=f"/s/{token}/tap{'' if sheet.invitation.completed_at is None else '?edit=1'}",
        plan=f"/s/{token}/plan?lang={language}",
        kinds=Kind,
        questions=[
            questions.shown(question, sheet.questions, sheet.answers, sheet.activity, language)
            for question in sheet.questions
        ],
        errors={question.id: (errors or {}).get(question.id) for question in sheet.questions},
        emergency_signs=triage.emergency_signs(triaging.rules_of(library(), sheet.invitation.where)),
    )


def _done(connection: Connection, sheet: _Sheet, token: str, now: datetime) -> Response:
    invitation = sheet.invitation
    response = invitation.response
    assert response is not None
    vault, where = context().sending.vault, invitation.where
    found = triaging.judge(connection, vault, library(), where, sheet.survey, response, response.changed_at)
    worst = triage.most_urgent(found)
    signs = [answer for answer in sheet.answers.values() if answer.kind is Kind.SIGNS]
    loud = worst is not None and worst.rank >= Urgency.URGENT.rank
    return look.page(
        "done.html",
        200,
        language_of(invitation),
        where.clinic,
        emergency=worst is Urgency.EMERGENCY,
        urgent=worst is Urgency.URGENT,
        clean=not loud and bool(signs) and not any(answer.chosen for answer in signs),
        call_asked=any(finding.rule_id == "call_requested" for finding in found),
        edit=f"{_address(token)}&edit=1" if invitation.is_editable(now) else None,
        plan=f"/s/{token}/plan?lang={language_of(invitation)}",
    )


def _call(sheet: _Sheet, token: str) -> Response:
    """The call screen of a patient without scripts, between two halves of a survey."""
    return look.page(
        "call.html", 200, language_of(sheet.invitation), sheet.invitation.where.clinic, go_on=_address(token)
    )


def _too_late(
    connection: Connection, sheet: _Sheet, token: str, given: Mapping[str, Answer], now: datetime
) -> Response:
    heard = _hear(connection, sheet, given, now)
    clinic = sheet.invitation.where.clinic
    if heard.is_emergency:
        return look.page("call.html", 410, language_of(sheet.invitation), clinic, go_on=None)
    return closed(sheet.invitation, token, urgent=bool(heard.fresh))


def _address(token: str) -> str:
    """The page's own address; the language travels along once the patient has chosen one."""
    chosen = request.args.get("lang", "")
    return f"/s/{token}?lang={chosen if chosen in look.LANGUAGES else ''}"


def _said(status: int, **content: object) -> Response:
    answer = jsonify(content)
    answer.status_code = status
    return answer
