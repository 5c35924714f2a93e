"""The clinic's people: who may sign in, as what, and where they are signed in now."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse
from wtforms import Form

from service import time
from service.care.roles import Permission, Role
from service.context import context
from service.pages.desk import forms, look
from service.pages.desk.door import Room, go, note
from service.pages.desk.look import ROLE_NAMES, Nav
from service.pages.desk.who import Who
from service.records import staff, staff_sessions
from service.records.database import reading, run
from service.records.staff import EmailTaken, LastOwner, Staff

PEOPLE = "/desk/people"
room = Room("people", Nav("People", PEOPLE, Permission.MANAGE))

_ROLES = [(role.value, ROLE_NAMES[role]) for role in Role]
_LAST_OWNER = "A clinic needs an owner who can sign in. Make somebody else one first."


class _Invite(Form):
    name = forms.line("Name", autocomplete="off")
    email = forms.email("E-mail", autocomplete="off")
    role = forms.choice("Role", _ROLES)


class _Role(Form):
    role = forms.choice("Role", _ROLES)


@room.get("/people", may=Permission.MANAGE)
def show(who: Who) -> AnyResponse:
    return _list(who, _Invite(role=Role.DESK.value))


@room.post("/people", may=Permission.MANAGE)
def invite(who: Who) -> AnyResponse:
    """Answers with the link itself: it is kept nowhere, and shown this once."""
    form = forms.posted(_Invite)
    if not form.validate():
        return _list(who, form)

    def work(connection: Connection) -> tuple[Staff, str]:
        vault, role = context().sending.vault, Role(form.role.data)
        made = staff.add(
            connection, vault, who.clinic_id, form.name.data or "", form.email.data or "", role, time.now()
        )
        note(connection, who, "staff.invite", f"staff {made.id}")
        return made, staff.invite(connection, made.id, time.real_now())

    try:
        made, token = run(context().engine, work)
    except EmailTaken:
        form.email.errors = ["Somebody signs in with this address already."]
        return _list(who, form)
    return _link(who, made, token)


@room.get("/people/<id:staff_id>", may=Permission.MANAGE)
def show_one(who: Who, staff_id: int) -> AnyResponse:
    return _one(who, staff_id)


@room.post("/people/<id:staff_id>/role", may=Permission.MANAGE)
def set_role(who: Who, staff_id: int) -> AnyResponse:
    form = forms.posted(_Role)
    if not form.validate():
        return _one(who, staff_id, form)
    role = Role(form.role.data)
    change = _noted(who, staff_id, f"staff.make_{role}", lambda one: staff.set_role(one, who.clinic_id, staff_id, role))
    try:
        run(context().engine, change)
    except LastOwner:
        form.role.errors = [_LAST_OWNER]
        return _one(who, staff_id, form)
    look.said("The role is changed.")
    return go(f"{PEOPLE}/{staff_id}")


@room.post("/people/<id:staff_id>/disable", may=Permission.MANAGE)
def disable(who: Who, staff_id: int) -> AnyResponse:
    def change(connection: Connection) -> None:
        staff.disable(connection, who.clinic_id, staff_id, time.now())
        staff_sessions.end_all(connection, staff_id, who.actor, time.real_now())

    try:
        run(context().engine, _noted(who, staff_id, "staff.disable", change))
    except LastOwner:
        return _one(who, staff_id, wrong=_LAST_OWNER)
    look.said("Shut out, and signed out everywhere.")
    return go(f"{PEOPLE}/{staff_id}")


@room.post("/people/<id:staff_id>/enable", may=Permission.MANAGE)
def enable(who: Who, staff_id: int) -> AnyResponse:
    """Let somebody in again, by a new link."""

    def change(connection: Connection) -> None:
        staff.enable(connection, who.clinic_id, staff_id)

    return _with_new_link(who, staff_id, "staff.enable", change)


@room.post("/people/<id:staff_id>/link", may=Permission.MANAGE)
def new_link(who: Who, staff_id: int) -> AnyResponse:
    """For whoever forgot their password, or let the first link grow old."""

    def change(connection: Connection) -> None:
        if staff.get(connection, context().sending.vault, who.clinic_id, staff_id).disabled_at is not None:
            raise LookupError(f"staff {staff_id} is disabled")

    return _with_new_link(who, staff_id, "staff.link", change)


@room.post("/people/<id:staff_id>/codes", may=Permission.MANAGE)
def drop_codes(who: Who, staff_id: int) -> AnyResponse:
    """For whoever lost the phone that makes their codes."""
    change = _noted(who, staff_id, "staff.codes_off", lambda connection: staff.drop_codes(connection, staff_id))
    run(context().engine, change)
    look.said("They sign in with their password alone, until they turn codes on again.")
    return go(f"{PEOPLE}/{staff_id}")


@room.post("/people/<id:staff_id>/sessions", may=Permission.MANAGE)
def end_sessions(who: Who, staff_id: int) -> AnyResponse:
    def change(connection: Connection) -> None:
        staff_sessions.end_all(connection, staff_id, who.actor, time.real_now())

    run(context().engine, _noted(who, staff_id, "staff.sign_out", change))
    look.said("Signed out everywhere.")
    return go(f"{PEOPLE}/{staff_id}")


def _noted(who: Who, staff_id: int, action: str, change: Callable[[Connection], None]) -> Callable[[Connection], None]:
    """The change, to one of the clinic's own people, with its line in the audit. Raises LookupError for others."""

    def work(connection: Connection) -> None:
        staff.get(connection, context().sending.vault, who.clinic_id, staff_id)
        change(connection)
        note(connection, who, action, f"staff {staff_id}")

    return work


def _with_new_link(who: Who, staff_id: int, action: str, change: Callable[[Connection], None]) -> AnyResponse:
    def work(connection: Connection) -> tuple[Staff, str]:
        _noted(who, staff_id, action, change)(connection)
        token = staff.invite(connection, staff_id, time.real_now())
        return staff.get(connection, context().sending.vault, who.clinic_id, staff_id), token

    return _link(who, *run(context().engine, work))


def _list(who: Who, form: _Invite) -> AnyResponse:
    with reading(context().engine) as connection:
        everybody = staff.of_clinic(connection, context().sending.vault, who.clinic_id)
    return look.page(
        who, "people.html", 422 if form.errors else 200, everybody=everybody, form=form, now=time.real_now()
    )


def _one(who: Who, staff_id: int, form: _Role | None = None, wrong: str | None = None) -> AnyResponse:
    with reading(context().engine) as connection:
        someone = staff.get(connection, context().sending.vault, who.clinic_id, staff_id)
        sessions = staff_sessions.of_staff(connection, staff_id, time.real_now())
    return look.page(
        who,
        "person.html",
        200 if form is None and wrong is None else 422,
        someone=someone,
        sessions=sessions,
        form=form or _Role(role=someone.role.value),
        wrong=wrong,
    )


def _link(who: Who, someone: Staff, token: str) -> AnyResponse:
    return look.page(
        who,
        "invited.html",
        someone=someone,
        link=f"{context().settings.public_url}/desk/join/{token}",
        days=staff.JOIN_LIFETIME.days,
    )
