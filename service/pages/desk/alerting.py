"""Alerts: each on a page of its own, and what can be done about it from wherever it is shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from service import time
from service.care.roles import Permission
from service.care.urgency import Urgency
from service.context import context
from service.pages.desk import cards, look
from service.pages.desk.cards import Words
from service.pages.desk.door import Room, go, local, note
from service.pages.desk.who import Who
from service.records import alert_history, alerts, notes, patients, worklist
from service.records.alert_history import AlertEvent
from service.records.alerts import Alert, Overtaken
from service.records.database import run
from service.records.ids import row_id

room = Room("alerting")

_MOST_EVENTS = 50
_OVERTAKEN = "Something came in since you opened this. Nothing was changed: read it, then decide."


@room.get("/alerts", may=Permission.READ)
def show_all(who: Who) -> AnyResponse:
    """Open alerts of one urgency that are taken on, or not: what did not fit on the first page."""
    urgency, taken_on = _asked_urgency(), request.args.get("taken_on") == "1"

    def work(connection: Connection) -> tuple[list[worklist.Standing], bool]:
        found = worklist.open_alerts(
            connection, who.clinic_id, urgency, cards.PAGE + 1, taken_on=taken_on, after=_after(connection, who)
        )
        shown = worklist.standings(connection, context().sending.vault, who.clinic, found[: cards.PAGE])
        cards.listed(connection, who, "alerts.read", cards.subjects(shown, ()))
        return shown, len(found) > cards.PAGE

    shown, more = run(context().engine, work)
    here = f"/desk/alerts?urgency={urgency.value}&taken_on={int(taken_on)}"
    newer = f"{here}&after={shown[-1].alert.id}" if more else None
    return look.page(
        who, "alerts.html", shown=shown, urgency=urgency, taken_on=taken_on, newer=newer, back=here,
        **cards.values(who),
    )  # fmt: skip


@room.get("/alerts/<id:alert_id>", may=Permission.READ)
def show(who: Who, alert_id: int) -> AnyResponse:
    return _one(who, alert_id)


@room.get("/alerts/<id:alert_id>/card", may=Permission.READ)
def show_inside(who: Who, alert_id: int) -> AnyResponse:
    """What a line of the first page opens to."""

    def work(connection: Connection) -> worklist.Standing:
        return _read(connection, who, alerts.get(connection, who.clinic_id, alert_id))

    back = local(request.args.get("back"))
    return look.page(who, "alert_card.html", one=run(context().engine, work), back=back, **cards.values(who))


@room.post("/alerts/<id:alert_id>/acknowledge", may=Permission.WORK)
def acknowledge(who: Who, alert_id: int) -> AnyResponse:
    """The first name stays; whoever comes second is told whose it is.

    Taking it on silences it, so what came in since the page was opened is shown first, and goes on ringing. Words that
    stand in the form beside it are kept as a note.
    """
    form = cards.asked_words(alert_id)
    words = form.words.data or ""
    if words and not form.validate():
        return _one(who, alert_id, form)

    def work(connection: Connection) -> tuple[bool, Alert]:
        found = _locked(connection, who, alert_id)
        if words:
            _noted(connection, who, found, words)
        done = alerts.acknowledge(connection, who.clinic_id, alert_id, who.name, "desk", time.now(), seen=_seen())
        if done:
            note(connection, who, "alert.acknowledge", f"alert {alert_id}")
        return done, alerts.get(connection, who.clinic_id, alert_id)

    try:
        done, alert = run(context().engine, work)
    except Overtaken:
        return _one(who, alert_id, form, overtaken=True)
    said = (
        "It is yours: nobody else is told any more. Say what came of it when you are done."
        if done
        else f"{alert.acknowledged_by} has it since {_clock(who, alert.acknowledged_at)}."
    )
    look.said(f"{said} Your words are kept as a note." if words else said)
    return _back(alert_id)


@room.post("/alerts/<id:alert_id>/notes", may=Permission.WORK)
def add_note(who: Who, alert_id: int) -> AnyResponse:
    def work(connection: Connection, alert: Alert, words: str) -> str:
        return "Noted." if _noted(connection, who, alert, words) else "It was noted already."

    return _with_words(who, alert_id, work)


@room.post("/alerts/<id:alert_id>/close", may=Permission.WORK)
def close(who: Who, alert_id: int) -> AnyResponse:
    """The first closes it. What the second has to say is kept as a note: nobody else may have said it."""

    def work(connection: Connection, alert: Alert, words: str) -> str:
        vault = context().sending.vault
        if alerts.close(connection, vault, who.clinic_id, alert.id, words, who.name, time.now(), seen=_seen()):
            note(connection, who, "alert.close", f"alert {alert_id}")
            return "Done. If the same comes up again, it is shown again."
        if words == alert_history.closing_words(connection, vault, alert.id):
            return "It was closed with these words already."
        _noted(connection, who, alert, words)
        return "Somebody had closed it before you. Your words are kept as a note, in the patient's history."

    return _with_words(who, alert_id, work)


def _with_words(who: Who, alert_id: int, change: Callable[[Connection, Alert, str], str]) -> AnyResponse:
    """A change that takes words, and says what came of it; the alert's own page with the form where it cannot be."""
    form = cards.asked_words(alert_id)
    if not form.validate():
        return _one(who, alert_id, form)

    def work(connection: Connection) -> str:
        return change(connection, _locked(connection, who, alert_id), form.words.data or "")

    try:
        look.said(run(context().engine, work))
    except Overtaken:
        return _one(who, alert_id, form, overtaken=True)
    return _back(alert_id)


def _locked(connection: Connection, who: Who, alert_id: int) -> Alert:
    """The alert, whose patient nobody else changes meanwhile."""
    alert = alerts.get(connection, who.clinic_id, alert_id)
    patients.get(connection, context().sending.vault, alert.patient_id, lock=True)
    return alert


def _noted(connection: Connection, who: Who, alert: Alert, words: str) -> bool:
    """Write a note of the alert down; False where it is there already."""
    vault, now = context().sending.vault, time.now()
    done = notes.add(connection, vault, who.clinic_id, alert.patient_id, words, who.name, now, alert_id=alert.id)
    if done:
        note(connection, who, "alert.note", f"alert {alert.id}")
    return done


def _one(who: Who, alert_id: int, asked: Words | None = None, *, overtaken: bool = False) -> AnyResponse:
    """The alert's own page; `asked` is a form that was not taken, `overtaken` where more was said meanwhile."""

    def work(connection: Connection) -> tuple[worklist.Standing, list[AlertEvent], dict[int, str]]:
        return (
            _read(connection, who, alerts.get(connection, who.clinic_id, alert_id)),
            alert_history.newest(connection, context().sending.vault, alert_id, _MOST_EVENTS),
            worklist.told_names(connection, who.clinic),
        )

    found, history, names = run(context().engine, work)
    return look.page(
        who,
        "alert.html",
        409 if overtaken else 422 if asked else 200,
        one=found,
        history=history,
        names=names,
        asked=asked,
        wrong=_OVERTAKEN if overtaken else None,
        back=f"/desk/alerts/{alert_id}",
        **cards.values(who),
    )


def _read(connection: Connection, who: Who, alert: Alert) -> worklist.Standing:
    note(connection, who, "alert.read", f"alert {alert.id}")
    found = worklist.standings(connection, context().sending.vault, who.clinic, [alert])[0]
    note(connection, who, "patient.read", f"patient {found.patient.id}")
    return found


def _seen() -> int:
    """The newest of what was said that stood beside the form; a form that does not say has shown nothing."""
    return row_id(request.form.get("seen")) or 0


def _back(alert_id: int) -> AnyResponse:
    asked = request.form.get("back")
    return go(local(asked) if asked else f"/desk/alerts/{alert_id}")


def _asked_urgency() -> Urgency:
    asked = request.args.get("urgency", "")
    return next((one for one in Urgency if one.value == asked), Urgency.EMERGENCY)


def _after(connection: Connection, who: Who) -> tuple[datetime, int] | None:
    asked = row_id(request.args.get("after"))
    if asked is None:
        return None
    last = alerts.get(connection, who.clinic_id, asked)
    return last.since, last.id


def _clock(who: Who, moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(who.clinic.zone):%H:%M}"
