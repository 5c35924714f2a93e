"""Webhooks to the clinic's own systems: endpoints, what each hears of, and the log of what became of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import abort, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse
from wtforms import Form

from service import outward, time
from service.care.roles import Permission
from service.context import context
from service.pages.desk import forms, look
from service.pages.desk.door import Room, go, note
from service.pages.desk.who import Who
from service.records import clinics, hook_endpoints, hook_log, hook_secrets
from service.records.clinics import AskedBefore
from service.records.database import reading, run
from service.records.hooks import KEEP_DAYS, Endpoint, Type
from service.records.ids import row_id

HERE = "/desk/settings/webhooks"
room = Room("settings_webhooks")

PAGE = 50
MOST_ENDPOINTS = 20
"""Living ones of a clinic: each gets every event."""
_TYPES = {
    Type.MESSAGE: "a message was taken, arrived, or ended otherwise",
    Type.REPLY: "a patient wrote",
    Type.SURVEY: "a survey was sent off",
    Type.ALERT_OPENED: "an alert was opened",
    Type.ALERT_ACKNOWLEDGED: "somebody took an alert on",
    Type.ALERT_CLOSED: "an alert was closed",
    Type.CONSENT: "a consent was given or withdrawn",
}
_ERRORS = {
    "timeout": "no answer within ten seconds",
    "tls": "no secure connection: look at the certificate",
    "unreachable": "nobody answers there",
    "address_refused": "the name leads to a private address",
    "no_answer": "the connection broke off",
    "cannot_open": "it cannot be opened: a sealing key is missing",
    "endpoint_disabled": "the endpoint was removed",
}

_UNSEEN = "Its secret was shown the first time. If you did not see it, change it"


class _Add(Form):
    url = forms.line("Address", 2000, type="url", placeholder="https://", autocomplete="off")
    once = forms.once()


class _Secret(Form):
    once = forms.once()


@room.get("/settings/webhooks", may=Permission.MANAGE)
def show(who: Who) -> AnyResponse:
    return _list(who)


@room.post("/settings/webhooks", may=Permission.MANAGE)
def add(who: Who) -> AnyResponse:
    """Answers with the secret: it is shown this once."""
    form, chosen = forms.posted(_Add), _chosen()
    wrong = _refused(form) if form.validate() else None
    if form.errors or wrong or not chosen:
        return _list(who, form, wrong or (None if chosen else "Choose at least one event."))

    def work(connection: Connection) -> tuple[Endpoint, str]:
        vault, asked = context().sending.vault, forms.number(form.once)
        clinics.lock(connection, who.clinic_id)
        living = [one for one in hook_endpoints.all_of(connection, who.clinic_id) if one.disabled_at is None]
        if len(living) >= MOST_ENDPOINTS:
            raise ValueError(f"there are {MOST_ENDPOINTS} endpoints: remove one first")
        made = hook_endpoints.add(connection, vault, who.clinic_id, form.url.data or "", chosen, time.now(), asked)
        note(connection, who, "webhook.added", f"endpoint {made[0].id}")
        return made

    try:
        made, secret = run(context().engine, work)
    except AskedBefore:
        return _list(who, _Add(), f"This was sent twice: one endpoint was added. {_UNSEEN}")
    except ValueError as error:
        return _list(who, form, forms.sentence(error))
    return _once(who, made, secret)


@room.get("/settings/webhooks/<id:endpoint_id>", may=Permission.MANAGE)
def show_one(who: Who, endpoint_id: int) -> AnyResponse:
    return _one(who, endpoint_id)


@room.post("/settings/webhooks/<id:endpoint_id>/events", may=Permission.MANAGE)
def choose(who: Who, endpoint_id: int) -> AnyResponse:
    chosen = _chosen()
    if not chosen:
        return _one(who, endpoint_id, "Choose at least one event; to hear of none, pause it or remove it")

    def change(connection: Connection) -> None:
        hook_endpoints.choose(connection, endpoint_id, chosen)

    run(context().engine, _noted(who, endpoint_id, "webhook.events", change))
    look.said("Saved: it counts for what happens from now on.")
    return go(f"{HERE}/{endpoint_id}")


@room.post("/settings/webhooks/<id:endpoint_id>/secret", may=Permission.MANAGE)
def change_secret(who: Who, endpoint_id: int) -> AnyResponse:
    form = forms.posted(_Secret)

    now = time.now()

    def work(connection: Connection) -> tuple[Endpoint, str]:
        one = _living(connection, who, endpoint_id)
        note(connection, who, "webhook.secret", f"endpoint {endpoint_id}")
        vault, asked = context().sending.vault, forms.number(form.once)
        return one, hook_secrets.rotate(connection, vault, endpoint_id, asked, now)

    try:
        return _once(who, *run(context().engine, work), now + hook_secrets.OVERLAP)
    except AskedBefore:
        return _one(who, endpoint_id, f"This was sent twice: one new secret was made. {_UNSEEN}")


@room.post("/settings/webhooks/<id:endpoint_id>/secret/old/stop", may=Permission.MANAGE)
def stop_old_secret(who: Who, endpoint_id: int) -> AnyResponse:
    def change(connection: Connection) -> None:
        hook_secrets.stop_old(connection, endpoint_id)

    run(context().engine, _noted(who, endpoint_id, "webhook.secret_alone", change))
    look.said("From now on the new secret signs alone.")
    return go(f"{HERE}/{endpoint_id}")


@room.post("/settings/webhooks/<id:endpoint_id>/pause", may=Permission.MANAGE)
def pause(who: Who, endpoint_id: int) -> AnyResponse:
    def change(connection: Connection) -> None:
        hook_endpoints.pause(connection, endpoint_id, time.now())

    run(context().engine, _noted(who, endpoint_id, "webhook.pause", change))
    look.said("Paused: nothing new is posted. What happens meanwhile waits.")
    return go(f"{HERE}/{endpoint_id}")


@room.post("/settings/webhooks/<id:endpoint_id>/resume", may=Permission.MANAGE)
def resume(who: Who, endpoint_id: int) -> AnyResponse:
    def change(connection: Connection) -> None:
        hook_endpoints.resume(connection, endpoint_id, time.now())

    run(context().engine, _noted(who, endpoint_id, "webhook.resume", change))
    context().nudges.wake_clock()
    look.said("Resumed: what waited is posted now.")
    return go(f"{HERE}/{endpoint_id}")


@room.post("/settings/webhooks/<id:endpoint_id>/remove", may=Permission.MANAGE)
def remove(who: Who, endpoint_id: int) -> AnyResponse:
    def change(connection: Connection) -> None:
        hook_endpoints.disable(connection, endpoint_id, time.now())

    run(context().engine, _noted(who, endpoint_id, "webhook.removed", change))
    look.said("Removed: nothing more is posted there, also not what waited.")
    return go(HERE)


@room.post("/settings/webhooks/<id:endpoint_id>/test", may=Permission.MANAGE)
def test(who: Who, endpoint_id: int) -> AnyResponse:
    def change(connection: Connection) -> None:
        hook_log.send_test(connection, who.clinic_id, endpoint_id, time.now())

    run(context().engine, _noted(who, endpoint_id, "webhook.test", change))
    context().nudges.wake_clock()
    look.said("A test is on its way. Its answer stands in the log in a moment.")
    return go(f"{HERE}/{endpoint_id}")


@room.post("/settings/webhooks/<id:endpoint_id>/resend", may=Permission.MANAGE)
def resend(who: Who, endpoint_id: int) -> AnyResponse:
    """Post one event again, under the same id, also if it was delivered."""
    event_id = row_id(request.form.get("event"))
    if event_id is None:
        abort(404)

    def work(connection: Connection) -> int:
        _living(connection, who, endpoint_id)
        done = hook_log.resend(connection, endpoint_id, time.now(), only=event_id)
        if done:
            note(connection, who, "webhook.resend", f"endpoint {endpoint_id}")
        return done

    if not run(context().engine, work):
        abort(404)
    context().nudges.wake_clock()
    look.said("In line again.")
    return go(f"{HERE}/{endpoint_id}")


def _chosen() -> list[str] | str:
    """The event types that are ticked; all of them means those to come as well."""
    ticked = [kind.value for kind in Type if kind in request.form.getlist("types")]
    return "*" if len(ticked) == len(Type) else ticked


def _refused(form: _Add) -> str | None:
    try:
        outward.check_url(form.url.data or "", context().settings.webhooks_allow_private)
    except outward.Refused as reason:
        form.url.errors = [forms.sentence(reason)]
        return "This address cannot be used"
    return None


def _living(connection: Connection, who: Who, endpoint_id: int) -> Endpoint:
    """The clinic's endpoint. One that was removed is as good as none."""
    found = hook_endpoints.of_clinic(connection, who.clinic_id, endpoint_id)
    if found.disabled_at is not None:
        raise LookupError(f"endpoint {endpoint_id} was removed")
    return found


def _noted(
    who: Who, endpoint_id: int, action: str, change: Callable[[Connection], None]
) -> Callable[[Connection], None]:
    """The change, to one of the clinic's own endpoints, with its line in the audit."""

    def work(connection: Connection) -> None:
        _living(connection, who, endpoint_id)
        change(connection)
        note(connection, who, action, f"endpoint {endpoint_id}")

    return work


def _once(who: Who, one: Endpoint, secret: str, old_until: datetime | None = None) -> AnyResponse:
    return look.page(
        who, "settings_secret.html", name="Signing secret", secret=secret, ends_at=old_until,
        sooner="stop it sooner", back=f"{HERE}/{one.id}", back_name="Webhook",
    )  # fmt: skip


def _list(who: Who, form: _Add | None = None, wrong: str | None = None) -> AnyResponse:
    with reading(context().engine) as connection:
        endpoints = hook_endpoints.all_of(connection, who.clinic_id)
    living = [one for one in endpoints if one.disabled_at is None]
    ticked = [kind.value for kind in Type] if form is None else list(_chosen())
    return look.page(
        who, "settings_webhooks.html", 200 if form is None else 422, endpoints=living, form=form or _Add(),
        wrong=wrong, types=_TYPES, ticked=[kind.value for kind in Type] if ticked == ["*"] else ticked,
    )  # fmt: skip


def _one(who: Who, endpoint_id: int, wrong: str | None = None) -> AnyResponse:
    cursor = row_id(request.args.get("before"))
    with reading(context().engine) as connection:
        one = _living(connection, who, endpoint_id)
        found = hook_log.page(connection, endpoint_id, cursor, PAGE + 1)
        old_until = hook_secrets.old_signs_until(connection, endpoint_id, time.now())
    older = f"{HERE}/{endpoint_id}?before={found[PAGE - 1].event_id}" if len(found) > PAGE else None
    return look.page(
        who, "settings_webhook.html", 200 if wrong is None else 422, one=one, log=found[:PAGE], older=older,
        wrong=wrong, types=_TYPES, ticked=[kind.value for kind in Type if one.wants(kind)], errors=_ERRORS,
        keep_days=KEEP_DAYS, change=_Secret(), old_until=old_until,
    )  # fmt: skip
