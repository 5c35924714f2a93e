"""How one patient does: scores over a course, as pictures and as tables."""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from service.care import charts
from service.care.roles import Permission
from service.context import context
from service.pages.desk import look, patient_head
from service.pages.desk.door import Room, reads
from service.pages.desk.who import Who
from service.records import progress
from service.records.database import run
from service.records.standing import Course

room = Room("patient_progress")

_MEASURES = {
    "nrs": ("Pain now", "0 is none, 10 the worst. Lower is better.", "2 points or 30 % less than at the start"),
    "peg": ("Pain, enjoyment and activity (PEG)", "Mean of three, 0 to 10. Lower is better.",
            "1 point less than at the start; from 1.75 on it is clear"),
    "psfs": ("An activity of their own (PSFS)", "0 is cannot, 10 is as before. Higher is better.",
             "1.3 points more than at the start; 2.3 is a medium, 2.7 a large change"),
}  # fmt: skip


@room.get("/patients/<id:patient_id>/progress", may=Permission.READ)
def show(who: Who, patient_id: int) -> AnyResponse:
    def work(connection: Connection) -> dict[str, Any]:
        patient = reads(connection, who, patient_id)
        values = patient_head.values(connection, who, patient)
        course = _chosen(values["standing"].courses)
        living = [one for one in course.sessions if one.cancelled_at is None] if course else []
        shown = progress.of_course(connection, context().sending.vault, living[-1].id) if living else None
        return {**values, "course": course, "progress": shown}

    return look.page(who, "patient_progress.html", measures=_MEASURES, picture=charts, **run(context().engine, work))


def _chosen(courses: tuple[Course, ...]) -> Course | None:
    """The course that the address names, else the latest."""
    asked = request.args.get("course", "")
    return next((one for one in courses if str(one.id) == asked), courses[0] if courses else None)
