"""Keys with which the clinic's own systems sign in: made, changed with an overlap, revoked. Each is shown once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse
from wtforms import Form

from service import time
from service.care.roles import Permission
from service.context import context
from service.pages.desk import forms, look
from service.pages.desk.door import Room, go, note
from service.pages.desk.who import Who
from service.records import clinics
from service.records.clinics import AskedBefore
from service.records.database import reading, run

HERE = "/desk/settings/keys"
room = Room("settings_keys")

KINDS = {"api": "API key", "webhook": "Webhook secret"}
MOST_LIVING = 10
"""Keys of a clinic that work at a time: each secret is tried on every event that comes in signed."""
MOST_ENDED = 20
"""Revoked keys that are still listed."""
_TWICE = "This was sent twice: one key was made, and shown the first time"
_OVERLAPS = (("24", "one day"), ("1", "one hour"), ("168", "one week"), ("0", "no time: it ends at once"))


class _TooMany(ValueError):
    """No room for another key."""


class _New(Form):
    kind = forms.choice("Kind", KINDS.items())
    once = forms.once()


class _Change(Form):
    hours = forms.choice("The old one works for another", _OVERLAPS)
    once = forms.once()


@room.get("/settings/keys", may=Permission.MANAGE)
def show(who: Who) -> AnyResponse:
    return _list(who)


@room.post("/settings/keys", may=Permission.MANAGE)
def make(who: Who) -> AnyResponse:
    """Answers with the key itself: no page shows it again."""
    form = forms.posted(_New)
    if not form.validate():
        return _list(who, form)
    kind = str(form.kind.data)

    def work(connection: Connection) -> str:
        _leave_room(connection, who)
        note(connection, who, "key.new", f"{kind} key")
        return clinics.new_key(
            connection, context().sending.vault, who.clinic_id, kind, time.now(), forms.number(form.once)
        )

    try:
        return _once(who, KINDS[kind], run(context().engine, work))
    except AskedBefore:
        return _list(who, _New(), _TWICE, asked=forms.number(form.once))
    except _TooMany as error:
        return _list(who, form, forms.sentence(error))


@room.post("/settings/keys/<id:key_id>/change", may=Permission.MANAGE)
def change(who: Who, key_id: int) -> AnyResponse:
    """A new key beside the old one, which ends at a stated moment."""
    form = forms.posted(_Change)
    hours = int(form.hours.data) if form.validate() else int(_OVERLAPS[0][0])
    now = time.now()
    ends_at = now + timedelta(hours=hours)

    def work(connection: Connection) -> str:
        vault = context().sending.vault
        _leave_room(connection, who)
        asked = forms.number(form.once)
        made = clinics.rotate_key(connection, vault, who.clinic_id, key_id, ends_at, now, asked)
        note(connection, who, "key.change", f"key {key_id}")
        return made

    try:
        made = run(context().engine, work)
    except AskedBefore:
        return _list(who, _New(), _TWICE, asked=forms.number(form.once))
    except _TooMany as error:
        return _list(who, _New(), forms.sentence(error))
    return _once(who, KINDS["api" if made.startswith("ak_") else "webhook"], made, ends_at if hours else None)


@room.post("/settings/keys/<id:key_id>/revoke", may=Permission.MANAGE)
def revoke(who: Who, key_id: int) -> AnyResponse:
    def work(connection: Connection) -> None:
        if not clinics.revoke_key(connection, who.clinic_id, key_id, time.now()):
            raise LookupError(f"no living key {key_id}")
        note(connection, who, "key.revoke", f"key {key_id}")

    run(context().engine, work)
    look.said("Revoked: within five seconds nothing signed with it is taken.")
    return go(HERE)


def _leave_room(connection: Connection, who: Who) -> None:
    clinics.lock(connection, who.clinic_id)
    if len(_split(clinics.keys_of(connection, who.clinic_id))[0]) >= MOST_LIVING:
        raise _TooMany(f"{MOST_LIVING} keys work already: revoke one first")


def _split(keys: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Those that work, and those that were revoked."""
    now = time.now()
    living = [key for key in keys if key["revoked_at"] is None or key["revoked_at"] > now]
    return living, [key for key in keys if key not in living]


def _made_by(living: list[dict[str, Any]], form: int) -> dict[str, Any] | None:
    """The key that the form made, unless it was changed since."""
    return next((key for key in living if key["form"] == form and key["revoked_at"] is None), None)


def _once(who: Who, name: str, secret: str, ends_at: datetime | None = None) -> AnyResponse:
    return look.page(
        who, "settings_secret.html", name=name, secret=secret, ends_at=ends_at, sooner="revoke it sooner", back=HERE,
        back_name="Keys",
    )  # fmt: skip


def _list(who: Who, form: _New | None = None, wrong: str | None = None, asked: int | None = None) -> AnyResponse:
    """`asked` is the number of a form that was sent before: its key may have been lost from sight."""
    with reading(context().engine) as connection:
        keys = clinics.keys_of(connection, who.clinic_id)
    living, ended = _split(keys)
    return look.page(
        who,
        "settings_keys.html",
        200 if form is None else 422,
        living=living,
        ended=ended[-MOST_ENDED:][::-1],
        form=form or _New(),
        lost=None if asked is None else _made_by(living, asked),
        again=_Change(),
        changes={key["id"]: _Change() for key in living},
        kinds=KINDS,
        public_url=context().settings.public_url,
        wrong=wrong,
    )
