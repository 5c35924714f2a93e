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
from service.records.alerts import Alert
from service.records.database import run

room = Room("alerting")

_MOST_EVENTS = 50


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
    """The first name stays; whoever comes second is told whose it is."""

    def work(connection: Connection) -> tuple[bool, Alert]:
        done = alerts.acknowledge(connection, who.clinic_id, alert_id, who.name, "desk", time.now())
        if done:
            note(connection, who, "alert.acknowledge", f"alert {alert_id}")
        return done, alerts.get(connection, who.clinic_id, alert_id)

    done, alert = run(context().engine, work)
    look.said(
        "It is yours: nobody else is told any more. Say what came of it when you are done."
        if done
        else f"{alert.acknowledged_by} has it since {_clock(who, alert.acknowledged_at)}."
    )
    return _back(alert_id)


@room.post("/alerts/<id:alert_id>/notes", may=Permission.WORK)
def add_note(who: Who, alert_id: int) -> AnyResponse:
    form = cards.asked_words(alert_id)

    def work(connection: Connection, alert: Alert) -> bool:
        patients.get(connection, context().sending.vault, alert.patient_id, lock=True)
        return notes.add(
            connection, context().sending.vault, who.clinic_id, alert.patient_id, form.words.data or "", who.name,
            time.now(), alert_id=alert_id,
        )  # fmt: skip

    return _with_words(who, alert_id, form, "alert.note", work, ("Noted.", "It was noted already."))


@room.post("/alerts/<id:alert_id>/close", may=Permission.WORK)
def close(who: Who, alert_id: int) -> AnyResponse:
    form = cards.asked_words(alert_id)

    def work(connection: Connection, alert: Alert) -> bool:
        vault, words = context().sending.vault, form.words.data or ""
        return alerts.close(connection, vault, who.clinic_id, alert.id, words, who.name, time.now())

    said = ("Done. If the same comes up again, it is shown again.", "Somebody had closed it before you.")
    return _with_words(who, alert_id, form, "alert.close", work, said)


def _with_words(
    who: Who,
    alert_id: int,
    form: Words,
    action: str,
    change: Callable[[Connection, Alert], bool],
    said: tuple[str, str],
) -> AnyResponse:
    """A change that takes words: the alert's own page with the form again where they are missing."""
    if not form.validate():
        return _one(who, alert_id, form)

    def work(connection: Connection) -> bool:
        done = change(connection, alerts.get(connection, who.clinic_id, alert_id))
        if done:
            note(connection, who, action, f"alert {alert_id}")
        return done

    look.said(said[0] if run(context().engine, work) else said[1])
    return _back(alert_id)


def _one(who: Who, alert_id: int, asked: Words | None = None) -> AnyResponse:
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
        422 if asked else 200,
        one=found,
        history=history,
        names=names,
        asked=asked,
        back=f"/desk/alerts/{alert_id}",
        **cards.values(who),
    )


def _read(connection: Connection, who: Who, alert: Alert) -> worklist.Standing:
    note(connection, who, "alert.read", f"alert {alert.id}")
    found = worklist.standings(connection, context().sending.vault, who.clinic, [alert])[0]
    note(connection, who, "patient.read", f"patient {found.patient.id}")
    return found


def _back(alert_id: int) -> AnyResponse:
    asked = request.form.get("back")
    return go(local(asked) if asked else f"/desk/alerts/{alert_id}")


def _asked_urgency() -> Urgency:
    asked = request.args.get("urgency", "")
    return next((one for one in Urgency if one.value == asked), Urgency.EMERGENCY)


def _after(connection: Connection, who: Who) -> tuple[datetime, int] | None:
    asked = request.args.get("after", "")
    if not asked.isascii() or not asked.isdigit() or len(asked) > 18:
        return None
    last = alerts.get(connection, who.clinic_id, int(asked))
    return last.since, last.id


def _clock(who: Who, moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(who.clinic.zone):%H:%M}"
