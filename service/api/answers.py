"""Answers out: as JSON and CSV, by cursor; every page that holds any is noted."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response, request
from sqlalchemy import Connection

from service import time
from service.api.noting import note_page
from service.api.settled import settled
from service.care.spreadsheet import row
from service.context import context
from service.identify import page_size
from service.problems import Problem
from service.records import results
from service.records.results import Place, Result

bp = APIBlueprint("answers", __name__, tag="Answers")

COLUMNS = ("response", "patient", "session", "survey", "started_at", "changed_at", "completed_at", "question", "answer")


@bp.get("/v1/answers")
def get_answers() -> Response | dict[str, object]:
    """Surveys behind a cursor as far as they are answered, in the order of their last change; one that changes comes
    again.

    `Accept: text/csv` gives a line an answer, with the cursor in the Link header.
    """
    best = request.accept_mimetypes.best_match(["application/json", "text/csv"], "application/json")
    if best == "text/csv":
        return get_answers_csv()
    found, after = read_page()
    return {"answers": [_shown(one) for one in found], "next": str(found[-1].place if found else after)}


@bp.get("/v1/answers.csv")
def get_answers_csv() -> Response:
    """The same as CSV."""
    found, after = read_page()
    lines = [COLUMNS, *(line for one in found for line in _lines(one))]
    answer = Response("".join(map(row, lines)), content_type="text/csv; charset=utf-8")
    answer.headers["Link"] = f'</v1/answers.csv?after={found[-1].place if found else after}>; rel="next"'
    answer.headers["Content-Disposition"] = 'attachment; filename="answers.csv"'
    return answer


def read_page(name: str = "limit") -> tuple[list[Result], Place]:
    """The page that this request asks for, and its cursor. Raises Problem."""
    here = context()
    clinic_id = here.doorkeeper.owner_of_key(request)
    after, limit = _after(), page_size(name)

    def read(connection: Connection) -> list[Result]:
        return results.changed_after(connection, here.sending.vault, clinic_id, after, limit)

    found = settled(here.engine, read, _age, lambda one: (one.changed_at, one.id))
    note_page(clinic_id, "answers.read", "answers", found)
    return found, after


def _age(one: Result) -> float:
    return time.real_seconds(time.now() - one.changed_at)


def _after() -> Place:
    try:
        return results.parse_place(request.args.get("after", "0"))
    except (ValueError, OverflowError):
        raise Problem(400, "cursor_invalid", "after must be a cursor from an earlier answer.") from None


def _shown(one: Result) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "patient": {"id": one.patient},
        "session": {"id": one.session},
        "survey": one.survey,
        "started_at": _iso(one.started_at),
        "changed_at": _iso(one.changed_at),
        "completed_at": _iso(one.completed_at),
        "answers": dict(one.answers),
    }


def _lines(one: Result) -> list[list[object]]:
    start = [
        str(one.id),
        one.patient,
        one.session,
        one.survey,
        _iso(one.started_at),
        _iso(one.changed_at),
        _iso(one.completed_at),
    ]
    return [[*start, question, _plain(value)] for question, value in one.answers.items()]


def _plain(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "; ".join(map(str, value)) if isinstance(value, list) else value


def _iso(moment: Any) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
