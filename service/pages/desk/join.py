"""The one-time link with which somebody comes to the desk, or comes back: they choose a password."""

from __future__ import annotations

from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse
from wtforms import Form

from service import time
from service.care import passwords
from service.context import context
from service.pages.desk import codes, forms, hashing, look, signin
from service.pages.desk.door import ANYONE, LOGIN, Room, go
from service.records import audit, clinics, staff, staff_sessions
from service.records.clinics import Clinic
from service.records.database import run
from service.records.staff import Staff

room = Room("join")


class _Join(Form):
    password = forms.password("New password", autocomplete="new-password")


@room.get("/join/<token>", may=ANYONE)
def show(token: str) -> AnyResponse:
    """Changes nothing: previews of messages open links too."""
    return run(context().engine, lambda connection: _page(connection, token, _Join()))


@room.post("/join/<token>", may=ANYONE)
def take_up(token: str) -> AnyResponse:
    form = forms.posted(_Join)
    password = form.password.data or ""

    def work(connection: Connection) -> AnyResponse | str:
        found = _behind(connection, token)
        if found is None or not form.validate():
            return _page(connection, token, form)
        someone, clinic = found
        wrong = passwords.fault(password, (someone.name, someone.email, clinic.name))
        if wrong is not None:
            form.password.errors = [wrong]
            return _page(connection, token, form)
        return _join(connection, someone, password)

    answer = run(context().engine, work)
    if not isinstance(answer, str):
        return answer
    signin.carry(answer)
    if signin.waiting_for_code() is not None:
        look.said("Your password is set.")
        return go(f"{LOGIN}/code")
    look.said("Your password is set. You are signed in.")
    return go("/desk/you/codes")


def _join(connection: Connection, someone: Staff, password: str) -> str:
    staff.set_password(connection, someone.id, hashing.hashed(password))
    staff_sessions.end_all(connection, someone.id, someone.actor, time.real_now())
    if not someone.uses_codes:
        staff.offer_codes(connection, context().sending.vault, someone.id, codes.new_secret())
    audit.note(connection, someone.clinic_id, someone.actor, "staff.join", f"staff {someone.id}", time.now())
    return signin.begin(connection, someone.id, waits_for_code=someone.uses_codes)


def _page(connection: Connection, token: str, form: _Join) -> AnyResponse:
    found = _behind(connection, token)
    if found is None:
        return look.page(None, "spent.html", 404, login=LOGIN)
    someone, clinic = found
    return look.page(None, "join.html", 422 if form.errors else 200, form=form, name=someone.name, clinic=clinic)


def _behind(connection: Connection, token: str) -> tuple[Staff, Clinic] | None:
    someone = staff.by_join_token(connection, context().sending.vault, token, time.real_now())
    return None if someone is None else (someone, clinics.get(connection, someone.clinic_id))
