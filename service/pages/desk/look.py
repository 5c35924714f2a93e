"""How the desk's pages are made: templates, the menu, times as the clinic's clock shows them, and what stays live."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from flask import Response, current_app, flash, get_flashed_messages, request
from flask_wtf.csrf import generate_csrf
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from service import time
from service.care.roles import Permission, Role
from service.pages.desk.who import Who
from service.pages.look import asset, telephone
from service.records.library import TEMPLATES

_templates = Environment(
    loader=FileSystemLoader(TEMPLATES / "desk"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_NAV = "aftercare.desk.nav"
HTML = "text/html; charset=utf-8"
ROLE_NAMES = {
    Role.OWNER: "Owner",
    Role.CLINICIAN: "Clinician",
    Role.DESK: "Front desk",
    Role.READER: "Reader",
}
LANGUAGE_NAMES = {"en": "English", "es": "Spanish"}


@dataclass(frozen=True, slots=True)
class Nav:
    """A room's entry in the menu."""

    title: str
    path: str
    may: Permission


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a page that is fetched again and again: its HTML, and a mark that changes when it does."""

    html: Markup
    version: str


def page(who: Who | None, template: str, status: int = 200, **values: Any) -> Response:
    """A whole page. `who` is None before the door only."""
    return Response(_rendered(who, template, values), status, content_type=HTML)


def part(who: Who, template: str, **values: Any) -> Part:
    """A piece of a page, to be put into it with `live` from parts.html, and answered alone by `fresh`."""
    html = _rendered(who, template, values)
    # Forms carry a token that is another one each time: it makes nothing new.
    plain = html.replace(generate_csrf(), "")
    return Part(Markup(html), hashlib.sha256(plain.encode()).hexdigest()[:16])  # noqa: S704 - rendered with escaping


def fresh(newest: Part) -> Response:
    """The part, or 204 and nothing where the browser shows this very version."""
    same = request.headers.get("If-None-Match") == newest.version
    answer = Response("" if same else newest.html, 204 if same else 200, content_type=HTML)
    answer.headers["ETag"] = newest.version
    return answer


def said(sentence: str) -> None:
    """Show a sentence on the next page. It travels in the cookie: never put anything about a patient into it."""
    flash(sentence)


def age(passed: timedelta) -> str:
    """How long ago, as people say it: "12 min", "3 h 5 min", "2 days"."""
    minutes = max(int(passed.total_seconds()) // 60, 0)
    if minutes >= 2 * 24 * 60:
        return f"{minutes // (24 * 60)} days"
    hours, rest = divmod(minutes, 60)
    return " ".join([f"{hours} h"] * (hours > 0) + [f"{rest} min"] * (rest > 0 or hours == 0))


def fill_menu(entries: Sequence[Nav]) -> None:
    current_app.extensions[_NAV] = tuple(entries)


def _rendered(who: Who | None, template: str, values: dict[str, Any]) -> str:
    def when(moment: datetime) -> Markup:
        local = moment.astimezone(who.clinic.zone) if who is not None else moment
        shown = f"{local:%a} {local.day} {local:%b %Y, %H:%M}"
        return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(timespec="seconds"), shown)

    def ago(moment: datetime) -> str:
        return age(time.now() - moment)

    return _templates.get_template(template).render(
        who=who,
        menu=_menu(who),
        path=request.path,
        asset=asset,
        csrf_token=generate_csrf,
        said=get_flashed_messages,
        when=when,
        ago=ago,
        telephone=telephone,
        Permission=Permission,
        role_names=ROLE_NAMES,
        language_names=LANGUAGE_NAMES,
        **values,
    )


def _menu(who: Who | None) -> list[tuple[Nav, bool]]:
    """What this person may open, and whether they are there."""
    entries = cast(tuple[Nav, ...], current_app.extensions[_NAV])
    return [
        (entry, request.path == entry.path or request.path.startswith(entry.path + "/"))
        for entry in entries
        if who is not None and who.may(entry.may)
    ]
