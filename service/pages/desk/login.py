"""Signing in: e-mail and password, then a one-time code where somebody uses them."""

from __future__ import annotations

from flask import request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse
from wtforms import Form, HiddenField

from service import time
from service.context import context
from service.pages.desk import codes, forms, hashing, look, signin
from service.pages.desk.door import ANYONE, HOME, LOGIN, Room, go, local
from service.pages.desk.who import Who
from service.records import audit, staff
from service.records.database import reading, run
from service.records.staff import Staff

room = Room("login")

WRONG = "The e-mail address or the password is not right."
"""The same whoever asks: nobody learns here whose address is known."""
WRONG_CODE = "This code is not right, or it was used before. Wait for the next one."


class _Login(Form):
    email = forms.email("E-mail", autocomplete="username")
    password = forms.password("Password", autocomplete="current-password")
    next = HiddenField()


class _Code(Form):
    code = forms.line("Code", 12, inputmode="numeric", autocomplete="one-time-code")
    next = HiddenField()


@room.get("/", may=ANYONE)
def home() -> AnyResponse:
    return go(HOME if signin.current() is not None else LOGIN)


@room.get("/login", may=ANYONE)
def show() -> AnyResponse:
    if signin.current() is not None:
        return go(HOME)
    return look.page(None, "login.html", form=_Login(next=local(request.args.get("next"))), wrong=None)


@room.post("/login", may=ANYONE)
def enter() -> AnyResponse:
    form = forms.posted(_Login)
    found = _prove(form.email.data or "", form.password.data or "") if form.validate() else None
    if found is None:
        return look.page(None, "login.html", 422, form=form, wrong=None if form.errors else WRONG)
    token = run(context().engine, lambda connection: _begin(connection, found))
    signin.carry(token)
    after = local(form.next.data)
    return go(f"{LOGIN}/code?next={after}" if found.uses_codes else after)


@room.get("/login/code", may=ANYONE)
def show_code() -> AnyResponse:
    if signin.waiting_for_code() is None:
        return go(LOGIN)
    return look.page(None, "code.html", form=_Code(next=local(request.args.get("next"))), wrong=None)


@room.post("/login/code", may=ANYONE)
def enter_code() -> AnyResponse:
    who = signin.waiting_for_code()
    if who is None:
        return go(LOGIN)
    form = forms.posted(_Code)
    code = form.code.data or ""
    token = run(context().engine, lambda connection: _begin_with_code(connection, who, code))
    if token is None:
        return look.page(None, "code.html", 422, form=form, wrong=WRONG_CODE)
    signin.carry(token)
    return go(local(form.next.data))


@room.post("/logout", may=ANYONE)
def leave() -> AnyResponse:
    run(context().engine, _end)
    signin.forget()
    return go(LOGIN)


def _prove(email: str, password: str) -> Staff | None:
    """Whose e-mail and password these are."""
    with reading(context().engine) as connection:
        found = staff.by_email(connection, context().sending.vault, email)
    may_enter = found is not None and found.disabled_at is None
    right = hashing.matches(found.password_hash if found is not None and may_enter else None, password)
    if not right:
        run(context().engine, lambda connection: _note_refused(connection, found))
    return found if right else None


def _begin(connection: Connection, found: Staff) -> str:
    if not found.uses_codes:
        _note_in(connection, found, "login")
    return signin.begin(connection, found.id, waits_for_code=found.uses_codes)


def _begin_with_code(connection: Connection, who: Who, code: str) -> str | None:
    found = staff.get(connection, context().sending.vault, who.clinic_id, who.id)
    step = codes.step_of(found.totp_secret or "", code, time.real_now()) if found.uses_codes else None
    if step is None or not staff.take_code(connection, found.id, step):
        _note_in(connection, found, "login.refuse")
        return None
    _note_in(connection, found, "login")
    return signin.begin(connection, found.id)


def _end(connection: Connection) -> None:
    who = signin.current()
    if who is not None:
        audit.note(connection, who.clinic_id, who.actor, "logout", f"staff {who.id}", time.now())
    signin.end(connection)


def _note_refused(connection: Connection, found: Staff | None) -> None:
    if found is None:
        # As much work as for somebody we know: an answer that comes sooner would tell.
        audit.note(connection, None, "nobody", "login.refuse", "desk", time.now())
    else:
        _note_in(connection, found, "login.refuse")


def _note_in(connection: Connection, found: Staff, action: str) -> None:
    audit.note(connection, found.clinic_id, found.actor, action, f"staff {found.id}", time.now())
