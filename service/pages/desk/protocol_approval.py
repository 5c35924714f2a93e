"""Signing a protocol off: what is new in it, what it no longer does, and who follows it from then on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField, Form, HiddenField

from service import time
from service.care.protocol_check import check
from service.care.roles import Permission
from service.context import context
from service.pages.desk import forms, look, protocol_shown
from service.pages.desk.door import Room, go
from service.pages.desk.protocol_shown import PROTOCOLS, Shown
from service.pages.desk.who import Who
from service.records import approval, protocols, switching
from service.records.approval import AlreadySigned, MayNotBeSigned, Signature
from service.records.database import reading, run
from service.records.drafts import Overtaken
from service.records.library import library
from service.records.protocols import Version
from service.records.switching import Followers

room = Room("protocol_approval")

MOST_COUNTED = 1000
"""Patients under way; more are only said to be more."""

_AFTER = {
    Followers.WAITING: "Sessions follow it from now on; what is planned already stays as it is.",
    Followers.EVERYBODY: "Sessions follow it from now on; what is planned already is planned anew, patient by patient.",
}


class _Find(Protocol):
    """`lock`: nobody else may sign or change it until the transaction ends."""

    def __call__(self, connection: Connection, who: Who, row: int, /, lock: bool = False) -> Shown: ...


_Sign = Callable[[Connection, str, Signature], Version]


class _Boxes(Form):
    read = BooleanField("I have read it, and it is right for our patients")
    weaker = BooleanField("I have seen what it no longer does, and stand by it")
    everybody = BooleanField("")
    seen = HiddenField()
    base = HiddenField()


@room.get("/protocols/drafts/<id:draft_id>/approve", may=Permission.APPROVE)
def show_draft(who: Who, draft_id: int) -> AnyResponse:
    return _page(who, protocol_shown.of_draft, draft_id, None)


@room.post("/protocols/drafts/<id:draft_id>/approve", may=Permission.APPROVE)
def sign_draft(who: Who, draft_id: int) -> AnyResponse:
    def sign(connection: Connection, seen: str, signature: Signature) -> Version:
        return approval.sign_draft(connection, who.clinic_id, draft_id, seen, signature)

    return _signed(who, protocol_shown.of_draft, draft_id, sign)


@room.get("/protocols/<id:protocol_id>/approve", may=Permission.APPROVE)
def show_version(who: Who, protocol_id: int) -> AnyResponse:
    return _page(who, protocol_shown.of_version, protocol_id, None)


@room.post("/protocols/<id:protocol_id>/approve", may=Permission.APPROVE)
def sign_version(who: Who, protocol_id: int) -> AnyResponse:
    def sign(connection: Connection, _seen: str, signature: Signature) -> Version:
        return approval.sign_version(connection, who.clinic_id, protocol_id, signature)

    return _signed(who, protocol_shown.of_version, protocol_id, sign)


def _signed(who: Who, find: _Find, row: int, sign: _Sign) -> AnyResponse:
    form = forms.posted(_Boxes)
    followers = Followers.EVERYBODY if form.everybody.data else Followers.WAITING
    signature = Signature(who.name, who.actor, followers, time.now())

    def work(connection: Connection) -> Version | None:
        try:
            # Held, so that it is not signed by another between what this one has seen and their signature.
            shown = find(connection, who, row, lock=True)
        except LookupError:
            shown = None  # signed and gone, or never this clinic's: `sign` says which
        if shown is not None and not _is_signed(shown) and not _agrees(connection, who, shown, form):
            return None
        return sign(connection, form.seen.data or "", signature)

    try:
        version = run(context().engine, work)
    except AlreadySigned as signed:
        look.said(f"It is approved already, by {signed.version.approved_by}. Nothing was changed.")
        return go(f"{PROTOCOLS}/{signed.version.id}")
    except Overtaken as overtaken:
        return _page(who, find, row, form, f"{overtaken.draft.by} saved this draft while you were reading it")
    except MayNotBeSigned:
        return _page(who, find, row, form, "This cannot be approved")
    if version is None:
        return _page(who, find, row, form)
    context().nudges.wake_clock()
    look.said(f"Version {version.version} is in force. {_AFTER[followers]}")
    return go(f"{PROTOCOLS}/{version.id}")


def _is_signed(shown: Shown) -> bool:
    return shown.version is not None and shown.version.approved_at is not None


def _agrees(connection: Connection, who: Who, shown: Shown, form: _Boxes) -> bool:
    """Whether whoever signs has seen all there is to see, as it stands now."""
    base = protocol_shown.base_of(connection, who, shown)
    if not form.read.data:
        form.read.errors = ["Read it first, then tick this."]
    if protocol_shown.weaker(shown, base) and not form.weaker.data:
        form.weaker.errors = ["Look at what it no longer does, then tick this."]
    if form.base.data != (base.title if base else ""):
        form.read.errors = ["Another version came into force while you were reading. Look at the differences again."]
    return not form.errors


def _page(who: Who, find: _Find, row: int, form: _Boxes | None, wrong: str | None = None) -> AnyResponse:
    with reading(context().engine) as connection:
        shown = find(connection, who, row)
        base = protocol_shown.base_of(connection, who, shown)
        mine = [one for one in protocols.of_clinic(connection, who.clinic_id) if one.name == shown.name]
        count = partial(switching.patients_under, connection, who.clinic_id, now=time.now(), most=MOST_COUNTED)
        under_way = count([one for one in mine if one.approved_at is not None])
        waiting = count([one for one in mine if one.approved_at is None])
        in_force = protocol_shown.approved(connection, who, shown.name)
    lines, is_cut = protocol_shown.difference(base, shown)
    boxes = _Boxes() if form is None else form
    # Signed is what this page shows, whatever the one before it showed.
    boxes.seen.process_data(shown.draft.mark if shown.draft else "")
    boxes.base.process_data(base.title if base else "")
    return look.page(
        who,
        "protocol_approve.html",
        200 if form is None else 422,
        shown=shown,
        base=base,
        form=boxes,
        wrong=wrong,
        checked=check(shown.text, library().surveys, shown.name),
        is_late=shown.version is not None and in_force is not None and in_force.version >= shown.version.version,
        weaker=protocol_shown.weaker(shown, base),
        lines=lines,
        is_cut=is_cut,
        under_way=under_way,
        waiting=waiting,
        most=MOST_COUNTED,
    )
