"""One patient: where they stand, what they and the clinic said to each other, what comes, and what has happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse
from wtforms import Form

from service import time
from service.care.roles import Permission
from service.context import context
from service.pages.desk import forms, look, patient_head, texting
from service.pages.desk.door import Room, go, note, reads
from service.pages.desk.patient_head import PATIENTS, cursor
from service.pages.desk.who import Who
from service.records import notes, patients, pausing, sent, timeline
from service.records.database import run
from service.records.results import Place
from service.records.timeline import Entry

room = Room("patient")

PAGE = 30
"""Entries of the history."""


class _Note(Form):
    words = forms.lines("Note", 4000, rows="3")


@dataclass(frozen=True, slots=True)
class _History:
    entries: list[Entry]
    older: str | None


@room.get("/patients/<id:patient_id>", may=Permission.READ)
def show(who: Who, patient_id: int) -> AnyResponse:
    return _page(who, patient_id, _Note())


@room.get("/patients/<id:patient_id>/history", may=Permission.READ)
def show_older(who: Who, patient_id: int) -> AnyResponse:
    """The history from behind a cursor on."""

    def work(connection: Connection) -> dict[str, Any]:
        patient = reads(connection, who, patient_id)
        before = cursor(request.args.get("before"))
        found = _history(connection, who, patient, before)
        return {**patient_head.values(connection, who, patient), "history": found}

    return look.page(who, "patient_history.html", **run(context().engine, work))


@room.post("/patients/<id:patient_id>/notes", may=Permission.WORK)
def write(who: Who, patient_id: int) -> AnyResponse:
    form = forms.posted(_Note)
    if not form.validate():
        return _page(who, patient_id, form)

    def work(connection: Connection) -> None:
        vault = context().sending.vault
        patients.of_clinic(connection, vault, who.clinic_id, patient_id, lock=True)
        notes.add(connection, vault, who.clinic_id, patient_id, form.words.data or "", who.name, time.now())
        note(connection, who, "note.write", f"patient {patient_id}")

    run(context().engine, work)
    look.said("The note is kept.")
    return go(f"{PATIENTS}/{patient_id}#history")


@room.post("/patients/<id:patient_id>/pause", may=Permission.PLAN)
def pause(who: Who, patient_id: int) -> AnyResponse:
    def change(connection: Connection) -> bool:
        vault, now = context().sending.vault, time.now()
        return pausing.pause(connection, vault, who.clinic_id, patient_id, who.name, now)

    return _halted(
        who, patient_id, "plan.pause", change, "The plan is paused. Nothing of it goes out until it is resumed."
    )


@room.post("/patients/<id:patient_id>/resume", may=Permission.PLAN)
def resume(who: Who, patient_id: int) -> AnyResponse:
    def change(connection: Connection) -> bool:
        return pausing.resume(connection, context().sending.vault, who.clinic_id, patient_id, time.now())

    return _halted(who, patient_id, "plan.resume", change, "The plan goes on. What is too old by now is left out.")


@room.post("/patients/<id:patient_id>/stop", may=Permission.PLAN)
def stop(who: Who, patient_id: int) -> AnyResponse:
    def change(connection: Connection) -> bool:
        vault, now = context().sending.vault, time.now()
        return pausing.stop(connection, vault, who.clinic_id, patient_id, who.name, now)

    return _halted(who, patient_id, "plan.stop", change, "The plan is stopped. A later session begins a new one.")


@room.post("/patients/<id:patient_id>/start", may=Permission.PLAN)
def start(who: Who, patient_id: int) -> AnyResponse:
    def change(connection: Connection) -> bool:
        return pausing.start_again(connection, context().sending, who.clinic_id, patient_id, time.now())

    return _halted(who, patient_id, "plan.start", change, "What is still to come of the plan is planned again.")


def _halted(who: Who, patient_id: int, action: str, change: Callable[[Connection], bool], sentence: str) -> AnyResponse:
    """Do it, with its line in the audit where it was news."""

    def work(connection: Connection) -> bool:
        done = change(connection)
        if done:
            note(connection, who, action, f"patient {patient_id}")
        return done

    done = run(context().engine, work)
    context().nudges.wake_clock()
    look.said(sentence if done else "Somebody had done that before you. Nothing was changed.")
    return go(f"{PATIENTS}/{patient_id}")


def _page(who: Who, patient_id: int, form: _Note) -> AnyResponse:
    def work(connection: Connection) -> dict[str, Any]:
        vault, now = context().sending.vault, time.now()
        patient = reads(connection, who, patient_id)
        coming, ruled_out = sent.coming(connection, vault, who.clinic, patient, now)
        return {
            **patient_head.values(connection, who, patient),
            **texting.box(connection, who, patient, texting.fresh_box(f"{PATIENTS}/{patient_id}")),
            "exchange": texting.part(connection, who, patient),
            "coming": coming,
            "ruled_out": ruled_out,
            "history": _history(connection, who, patient, None),
        }

    return look.page(who, "patient.html", 422 if form.errors else 200, form=form, **run(context().engine, work))


def _history(connection: Connection, who: Who, patient: patients.Patient, before: tuple[Any, int] | None) -> _History:
    found = timeline.page(connection, context().sending.vault, who.clinic, patient, before, PAGE + 1, time.now())
    last = found[PAGE - 1] if len(found) > PAGE else None
    older = None if last is None else f"{PATIENTS}/{patient.id}/history?before={Place(last.at, last.id)}"
    return _History(found[:PAGE], older)
