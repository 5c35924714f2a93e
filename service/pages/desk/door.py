"""The desk's door: every route says who may pass, and nothing behind it is reached another way."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlsplit

from apiflask import APIBlueprint
from flask import Blueprint, Flask, Response, abort, redirect, request
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import Connection
from werkzeug.routing import BaseConverter, ValidationError
from werkzeug.wrappers import Response as AnyResponse

from service import time
from service.care.roles import Permission, who_may
from service.context import context
from service.pages.desk import cookies, look, signin
from service.pages.desk.look import Nav
from service.pages.desk.who import Who
from service.problems import MEDIA_TYPE
from service.records import audit, patients
from service.records.patients import Patient

HOME = "/desk/today"
"""Where signing in leads."""
LOGIN = "/desk/login"
ANYONE: Final = "anyone"
"""For the few pages before the door: their views are handed no `Who`."""
MOST_BYTES = 64 * 1024
"""Of a form, unless its route allows more."""
_RULES = "aftercare.desk.rules"
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors "
)

View = TypeVar("View", bound=Callable[..., AnyResponse])
May = Permission | str


class Room:
    """Some of the desk's pages. `get`, `live` and `post` are the only ways to add one, and all ask who may."""

    def __init__(self, name: str, nav: Nav | None = None) -> None:
        self.name, self.nav = name, nav
        self.rules: dict[str, May] = {}
        self.sizes: dict[str, int] = {}
        self.blueprint = Blueprint(name, __name__)

    def get(self, path: str, *, may: May) -> Callable[[View], View]:
        """A page that changes nothing. `path` begins behind /desk; row ids in it are written `<id:patient_id>`."""
        return self._route("GET", path, may, 0)

    def live(self, path: str, *, may: May) -> Callable[[View], View]:
        """A piece that an open page asks for again and again by itself: nobody need be there, so it is no use of the
        session, which ends all the same."""
        return self._route("GET", path, may, 0, is_use=False)

    def post(self, path: str, *, may: May, most_bytes: int = MOST_BYTES) -> Callable[[View], View]:
        """What a form or a button does; `most_bytes` for one that sends a file."""
        return self._route("POST", path, may, most_bytes)

    def _route(
        self, method: str, path: str, may: May, most_bytes: int, *, is_use: bool = True
    ) -> Callable[[View], View]:
        if not isinstance(may, Permission) and may != ANYONE:
            raise TypeError(f"{method} /desk{path} must say who may, with a Permission")
        if "<int:" in path:
            raise ValueError(f"/desk{path}: write <id:…>, which no database chokes on")

        def add(view: View) -> View:
            self.blueprint.add_url_rule(path, view.__name__, _guarded(view, may, is_use), methods=[method])
            self.rules[view.__name__] = may
            self.sizes[view.__name__] = most_bytes
            return view

        return add


def open_desk(app: Flask, rooms: Iterable[Room]) -> None:
    """Put the rooms behind the door."""
    with app.app_context():
        here = context()
    cookies.configure(app, here.sending.vault, here.settings.public_url)
    signin.configure(app)
    # Checked below, for the desk alone. No Referer is sent from our pages, so none can be asked for.
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False)
    csrf = CSRFProtect(app)
    app.url_map.converters["id"] = _RowId

    # Of APIFlask's kind only to be left out of the API's description.
    desk = APIBlueprint("desk", __name__, url_prefix=cookies.FOLDER, enable_openapi=False)
    for room in rooms:
        desk.register_blueprint(room.blueprint)

    sizes = {f"desk.{room.name}.{view}": most for room in rooms for view, most in room.sizes.items()}

    @desk.before_request
    def _check() -> None:
        request.max_content_length = sizes[request.endpoint or ""]
        csrf.protect()

    app.after_request(_finish)
    app.register_blueprint(desk)
    with app.app_context():
        look.fill_menu([room.nav for room in rooms if room.nav is not None])
    app.extensions[_RULES] = {f"desk.{room.name}.{view}": may for room in rooms for view, may in room.rules.items()}
    _leave_no_way_round(app)


def rules_of(app: Flask) -> dict[str, May]:
    """Who may, by endpoint."""
    found: dict[str, May] = app.extensions[_RULES]
    return found


def reads(connection: Connection, who: Who, patient_id: int) -> Patient:
    """The clinic's patient of that row, and the line in the audit that says who read about them.

    For every page that shows anything of one patient, in the transaction that reads it (`run`, not `reading`). Another
    clinic's patient, and one that was erased, is a 404.
    """
    try:
        patient = patients.get(connection, context().sending.vault, patient_id)
    except LookupError:
        abort(404)
    if patient.clinic_id != who.clinic_id or patient.erased_at is not None:
        abort(404)
    note(connection, who, "patient.read", f"patient {patient_id}")
    return patient


def note(connection: Connection, who: Who, action: str, subject: str) -> None:
    """A line in the audit: `action` is a word of ours ("alert.acknowledge"), `subject` a row ("alert 12")."""
    audit.note(connection, who.clinic_id, who.actor, action, subject, time.now())


def go(path: str) -> AnyResponse:
    """To another page of the desk, after a form."""
    return redirect(path, 303)


def local(path: str | None) -> str:
    """`path` where it is one of the desk's own pages, else the first page: addresses are not to be trusted."""
    asked = path or ""
    parts = urlsplit(asked)
    plain = asked.isascii() and asked.isprintable() and not any(odd in asked for odd in ("\\", "%", "//", "/."))
    is_ours = asked.startswith(cookies.FOLDER) and cookies.is_desk(parts.path)
    return asked if plain and is_ours and not asked.startswith(LOGIN) else HOME


class _RowId(BaseConverter):
    """The id of a row. A number that no row can have is an address that leads nowhere."""

    regex = r"[0-9]{1,19}"

    def to_python(self, value: str) -> int:
        number = int(value)
        if number >= 2**63:
            raise ValidationError
        return number


def _guarded(view: Callable[..., AnyResponse], may: May, is_use: bool) -> Callable[..., AnyResponse]:
    @functools.wraps(view)
    def guarded(**parameters: Any) -> AnyResponse:
        if not isinstance(may, Permission):
            return view(**parameters)
        who = signin.current()
        if who is None:
            return _to_the_door()
        if is_use:
            signin.note_use()
        if not who.may(may):
            return look.page(who, "forbidden.html", 403, roles=who_may(may))
        try:
            return view(who, **parameters)
        except LookupError as error:
            if type(error) is not LookupError:
                raise  # a KeyError is a mistake of ours; what records raise says that the clinic has no such row
            abort(404)

    return guarded


def _to_the_door() -> AnyResponse:
    # The query stays behind: it may hold what somebody searched for.
    back = request.path if request.method == "GET" else HOME
    if "HX-Request" in request.headers:
        # A piece of a page: the whole page must go to the door.
        return Response(status=204, headers={"HX-Redirect": LOGIN})
    return redirect(f"{LOGIN}?next={quote(back)}" if back != HOME else LOGIN, 303)


def _finish(answer: Response) -> Response:
    if not cookies.is_desk(request.path):
        return answer
    if answer.mimetype == MEDIA_TYPE:
        # Whatever went wrong, a person gets a page. After a 5xx the database may not say who it is.
        who = signin.current() if answer.status_code < 500 else None
        answer.set_data(look.page(who, "wrong.html", code=answer.status_code).get_data())
        answer.content_type = look.HTML
    # Where it says something else than X-Frame-Options does, browsers go by this.
    answer.headers["Content-Security-Policy"] = _POLICY + (context().settings.desk_framed_by or "'none'")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _leave_no_way_round(app: Flask) -> None:
    rules = rules_of(app)
    for rule in app.url_map.iter_rules():
        if cookies.is_desk(rule.rule) and rule.endpoint not in rules:
            raise RuntimeError(f"{rule.rule} is on the desk and says nowhere who may")
