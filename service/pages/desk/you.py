"""One's own account: the password, one-time codes, and where one is signed in."""

from __future__ import annotations

from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse
from wtforms import Form

from service import time
from service.care import passwords
from service.care.roles import Permission
from service.context import context
from service.pages.desk import codes, forms, hashing, look
from service.pages.desk.door import Room, go, note
from service.pages.desk.look import Nav
from service.pages.desk.who import Who
from service.records import staff, staff_sessions
from service.records.database import reading, run
from service.records.staff import Staff

YOU = "/desk/you"
room = Room("you", Nav("You", YOU, Permission.SELF))

_NOT_IT = "This is not your password."


class _Change(Form):
    now = forms.password("Current password", autocomplete="current-password")
    new = forms.password("New password", autocomplete="new-password")


class _Drop(Form):
    password = forms.password("Your password", autocomplete="current-password")


class _Confirm(Form):
    code = forms.line("Code from the app", 12, inputmode="numeric", autocomplete="one-time-code")


@room.get("/you", may=Permission.SELF)
def show(who: Who) -> AnyResponse:
    return _page(who)


@room.post("/you/password", may=Permission.SELF)
def change_password(who: Who) -> AnyResponse:
    form = forms.posted(_Change)
    if not form.validate():
        return _page(who, change=form)
    me = _me(who)
    if not hashing.matches(me.password_hash, form.now.data or ""):
        form.now.errors = [_NOT_IT]
        return _page(who, change=form)
    wrong = passwords.fault(form.new.data or "", (me.name, me.email, who.clinic.name))
    if wrong is not None:
        form.new.errors = [wrong]
        return _page(who, change=form)
    new = hashing.hashed(form.new.data or "")

    def work(connection: Connection) -> None:
        staff.set_password(connection, who.id, new)
        staff_sessions.end_all(connection, who.id, who.actor, time.real_now(), but=who.session_id)
        note(connection, who, "staff.password", f"staff {who.id}")

    run(context().engine, work)
    look.said("Your password is changed. Everywhere else you are signed out.")
    return go(YOU)


@room.post("/you/codes", may=Permission.SELF)
def offer_codes(who: Who) -> AnyResponse:
    """Make a secret for the app; it counts once a code of it came."""

    def work(connection: Connection) -> None:
        if not staff.get(connection, context().sending.vault, who.clinic_id, who.id).uses_codes:
            staff.offer_codes(connection, context().sending.vault, who.id, codes.new_secret())

    run(context().engine, work)
    return go(f"{YOU}/codes")


@room.get("/you/codes", may=Permission.SELF)
def show_codes(who: Who) -> AnyResponse:
    return _codes_page(who, _Confirm())


@room.post("/you/codes/confirm", may=Permission.SELF)
def confirm_codes(who: Who) -> AnyResponse:
    form = forms.posted(_Confirm)
    if not form.validate():
        return _codes_page(who, form)

    def work(connection: Connection) -> bool:
        me = staff.get(connection, context().sending.vault, who.clinic_id, who.id)
        step = codes.step_of(me.totp_secret or "", form.code.data or "", time.real_now())
        if me.totp_secret is None or step is None or not staff.take_code(connection, who.id, step):
            return False
        staff.confirm_codes(connection, who.id, time.now())
        note(connection, who, "staff.codes_on", f"staff {who.id}")
        return True

    if not run(context().engine, work):
        form.code.errors = ["This code is not right. Wait for the next one, and check the phone's clock."]
        return _codes_page(who, form)
    look.said("From now on signing in takes a code from your app.")
    return go(YOU)


@room.post("/you/codes/off", may=Permission.SELF)
def drop_codes(who: Who) -> AnyResponse:
    form = forms.posted(_Drop)
    if not form.validate():
        return _page(who, drop=form)
    if not hashing.matches(_me(who).password_hash, form.password.data or ""):
        form.password.errors = [_NOT_IT]
        return _page(who, drop=form)

    def work(connection: Connection) -> None:
        staff.drop_codes(connection, who.id)
        note(connection, who, "staff.codes_off", f"staff {who.id}")

    run(context().engine, work)
    look.said("Signing in takes your password alone again.")
    return go(YOU)


@room.post("/you/sessions/<id:browser_id>/end", may=Permission.SELF)
def end_session(who: Who, browser_id: int) -> AnyResponse:
    def work(connection: Connection) -> None:
        if not staff_sessions.end(connection, who.id, browser_id, who.actor, time.real_now()):
            raise LookupError(f"no session {browser_id}")
        note(connection, who, "session.end", f"session {browser_id}")

    run(context().engine, work)
    look.said("That browser is signed out.")
    return go(YOU)


@room.post("/you/sessions/end-others", may=Permission.SELF)
def end_others(who: Who) -> AnyResponse:
    def work(connection: Connection) -> None:
        staff_sessions.end_all(connection, who.id, who.actor, time.real_now(), but=who.session_id)
        note(connection, who, "session.end_others", f"staff {who.id}")

    run(context().engine, work)
    look.said("Everywhere else you are signed out.")
    return go(YOU)


def _me(who: Who) -> Staff:
    with reading(context().engine) as connection:
        return staff.get(connection, context().sending.vault, who.clinic_id, who.id)


def _page(who: Who, change: _Change | None = None, drop: _Drop | None = None) -> AnyResponse:
    with reading(context().engine) as connection:
        me = staff.get(connection, context().sending.vault, who.clinic_id, who.id)
        sessions = staff_sessions.of_staff(connection, who.id, time.real_now())
    status = 200 if change is None and drop is None else 422
    shown = {"change": change or _Change(), "drop": drop or _Drop()}
    return look.page(who, "you.html", status, me=me, sessions=sessions, **shown)


def _codes_page(who: Who, form: _Confirm) -> AnyResponse:
    me = _me(who)
    if me.uses_codes or me.totp_secret is None:
        return go(YOU)
    drawing = codes.picture(me.totp_secret, me.email, who.clinic.name)
    secret = " ".join(me.totp_secret[at : at + 4] for at in range(0, len(me.totp_secret), 4))
    return look.page(who, "codes.html", 422 if form.errors else 200, form=form, drawing=drawing, secret=secret)
