"""Replies: all of them, what is to be read, and those of which a person must say who wrote them."""

from __future__ import annotations

from collections.abc import Callable

from flask import request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse
from wtforms import Form

from service import time
from service.care.contact import international_phone
from service.care.roles import Permission
from service.context import context
from service.pages.desk import cards, forms, look
from service.pages.desk.door import Room, go, local, note
from service.pages.desk.look import Nav
from service.pages.desk.who import Who
from service.records import inbox, notes, patients, resolving
from service.records.alerts import Alert
from service.records.database import run
from service.records.ids import row_id
from service.records.inbox import Letter, Shelf
from service.records.patients import Patient

REPLIES = "/desk/replies"
room = Room("replies", Nav("Replies", REPLIES, Permission.READ))

PAGE = 30


class _Search(Form):
    wanted = forms.line("Your own number for the patient, or a phone number", 255, autocomplete="off")


@room.get("/replies", may=Permission.READ)
def show(who: Who) -> AnyResponse:
    which = next((one for one in Shelf if one.value == request.args.get("show")), Shelf.UNREAD)

    def work(connection: Connection) -> list[Letter]:
        found = inbox.shelf(connection, context().sending.vault, who.clinic_id, which, _after(), PAGE + 1)
        cards.listed(connection, who, "replies.read", cards.subjects((), found[:PAGE]))
        return found

    found = run(context().engine, work)
    here = f"{REPLIES}?show={which.value}"
    last = found[PAGE - 1] if len(found) > PAGE else None
    following = last and f"{here}&after={last.place if which is Shelf.ALL else last.id}"
    return look.page(
        who, "replies.html", letters=found[:PAGE], which=which, shelves=Shelf, following=following, back=here,
        **cards.values(who),
    )  # fmt: skip


@room.get("/replies/<id:reply_id>", may=Permission.READ)
def show_one(who: Who, reply_id: int) -> AnyResponse:
    return _one(who, reply_id)


@room.get("/replies/<id:reply_id>/card", may=Permission.READ)
def show_inside(who: Who, reply_id: int) -> AnyResponse:
    """What a line of the first page opens to."""

    def work(connection: Connection) -> Letter:
        letter = inbox.get(connection, context().sending.vault, who.clinic_id, reply_id)
        note(connection, who, "reply.read", f"reply {reply_id}")
        cards.listed(connection, who, "patient.read", cards.subjects((), [letter]))
        return letter

    back = local(request.args.get("back"))
    return look.page(who, "reply_card.html", letter=run(context().engine, work), back=back, **cards.values(who))


@room.post("/replies/<id:reply_id>/seen", may=Permission.WORK)
def settle(who: Who, reply_id: int) -> AnyResponse:
    def work(connection: Connection) -> tuple[bool, Letter]:
        done = inbox.settle(connection, who.clinic_id, reply_id, who.name, time.now())
        if done:
            note(connection, who, "reply.seen", f"reply {reply_id}")
        return done, inbox.get(connection, context().sending.vault, who.clinic_id, reply_id)

    done, letter = run(context().engine, work)
    look.said("Done." if done else f"{letter.seen_by} was done with it before you.")
    return _back(reply_id)


@room.post("/replies/<id:reply_id>/notes", may=Permission.WORK)
def add_note(who: Who, reply_id: int) -> AnyResponse:
    form = cards.asked_words(reply_id)
    if not form.validate():
        return _one(who, reply_id, noted=form)

    def work(connection: Connection) -> bool:
        return _noted(connection, who, reply_id, form.words.data or "")

    look.said("Noted." if run(context().engine, work) else "It was noted already.")
    return _back(reply_id)


@room.post("/replies/<id:reply_id>/search", may=Permission.WORK)
def search(who: Who, reply_id: int) -> AnyResponse:
    """Posted, so that no number of a patient comes to stand in an address."""
    form = forms.posted(_Search)
    if not form.validate():
        return _one(who, reply_id, search=form)
    wanted = form.wanted.data or ""

    def work(connection: Connection) -> list[Patient]:
        found = resolving.search(
            connection,
            context().sending,
            who.clinic_id,
            wanted,
            international_phone(wanted, who.clinic.emergency_number),
        )
        cards.listed(connection, who, "reply.search", [f"patient {one.id}" for one in found])
        return found

    found = run(context().engine, work)
    if not found:
        form.wanted.errors = ["This clinic has no such patient."]
    return _one(who, reply_id, search=form, found=found)


@room.post("/replies/<id:reply_id>/patient/<id:patient_id>", may=Permission.WORK)
def attach(who: Who, reply_id: int, patient_id: int) -> AnyResponse:
    def change(connection: Connection) -> bool:
        return resolving.attach(
            connection, context().sending, who.clinic_id, reply_id, patient_id, who.name, time.now()
        )

    return _resolved(who, reply_id, "reply.attach", change, "It is with the patient now.")


@room.post("/replies/<id:reply_id>/nobody", may=Permission.WORK)
def to_nobody(who: Who, reply_id: int) -> AnyResponse:
    form = cards.asked_words("nobody")
    if not form.validate():
        return _one(who, reply_id, nobody=form)
    words = form.words.data or ""

    def change(connection: Connection) -> bool:
        return resolving.to_nobody(connection, context().sending, who.clinic_id, reply_id, words, who.name, time.now())

    return _resolved(who, reply_id, "reply.nobody", change, "It is off the list, with your note.", words)


@room.post("/replies/<id:reply_id>/alerts/<id:alert_id>/close", may=Permission.WORK)
def close_of_other(who: Who, reply_id: int, alert_id: int) -> AnyResponse:
    def work(connection: Connection) -> bool:
        done = resolving.close_of_other(
            connection, context().sending, who.clinic_id, reply_id, alert_id, who.name, time.now()
        )
        if done:
            note(connection, who, "alert.close", f"alert {alert_id}")
        return done

    look.said("Closed." if run(context().engine, work) else "Somebody had closed it before you.")
    return go(f"{REPLIES}/{reply_id}")


def _noted(connection: Connection, who: Who, reply_id: int, words: str) -> bool:
    """Write a note of the reply down; False where it is there already."""
    vault = context().sending.vault
    inbox.lock(connection, who.clinic_id, reply_id)
    letter = inbox.get(connection, vault, who.clinic_id, reply_id)
    patient_id = None if letter.patient is None else letter.patient.id
    done = notes.add(connection, vault, who.clinic_id, patient_id, words, who.name, time.now(), reply_id=reply_id)
    if done:
        note(connection, who, "reply.note", f"reply {reply_id}")
    return done


def _resolved(
    who: Who, reply_id: int, action: str, change: Callable[[Connection], bool], said: str, words: str = ""
) -> AnyResponse:
    """The first who says whose it is wins; whoever comes second is told who did, and their words are kept."""

    def work(connection: Connection) -> str | None:
        if change(connection):
            note(connection, who, action, f"reply {reply_id}")
            return None
        letter = inbox.get(connection, context().sending.vault, who.clinic_id, reply_id)
        kept = words and _noted(connection, who, reply_id, words)
        more = "Your words are kept as a note of it." if kept else "Nothing was changed."
        return f"{letter.resolved_by or 'Somebody'} had said whose it is before you. {more}"

    look.said(run(context().engine, work) or said)
    context().nudges.wake_clock()
    # Another clinic may have it alone now.
    return go(REPLIES if action == "reply.nobody" else f"{REPLIES}/{reply_id}")


def _one(
    who: Who,
    reply_id: int,
    *,
    noted: Form | None = None,
    nobody: Form | None = None,
    search: _Search | None = None,
    found: list[Patient] | None = None,
) -> AnyResponse:
    def work(connection: Connection) -> tuple[Letter, list[Alert], dict[int, Patient]]:
        vault = context().sending.vault
        letter = inbox.get(connection, vault, who.clinic_id, reply_id)
        note(connection, who, "reply.read", f"reply {reply_id}")
        others = resolving.alerts_of_others(connection, who.clinic_id, reply_id)
        people = patients.of_ids(connection, vault, {one.patient_id for one in others})
        cards.listed(connection, who, "patient.read", cards.subjects((), [letter], people.values()))
        return letter, others, people

    letter, others, people = run(context().engine, work)
    asked = [one for one in (noted, nobody, search) if one is not None and one.errors]
    return look.page(
        who,
        "reply.html",
        422 if asked else 200,
        letter=letter,
        others=others,
        people=people,
        noted=noted,
        nobody=nobody,
        search=search or _Search(),
        found=found or [],
        asked=asked[0] if asked else None,
        back=f"{REPLIES}/{reply_id}",
        **cards.values(who),
    )


def _after() -> int | None:
    return row_id(request.args.get("after"))


def _back(reply_id: int) -> AnyResponse:
    asked = request.form.get("back")
    return go(local(asked) if asked else f"{REPLIES}/{reply_id}")
