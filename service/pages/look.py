"""How patients' pages are made: words by language, templates, and the files that these and the desk's bring along."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from flask import Blueprint, Response, abort, request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from service.records.clinics import Clinic
from service.records.library import TEMPLATES

bp = Blueprint("page_files", __name__)

_FOLDER = TEMPLATES / "pages"
_FILES = {
    path.name: path.read_bytes()
    for path in sorted((Path(__file__).parent / "static").rglob("*"))
    if path.suffix in (".css", ".js")
}
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_PLACE = re.compile(r"\{(phone|emerg|hours|clinic|days)\}")
LANGUAGES = tuple(path.stem for path in sorted((_FOLDER / "words").glob("*.yaml")))
_FALLBACK = "en"

_pages = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def asset(name: str) -> str:
    """Where a page's file is, with the hash of its content: may be kept for ever, and a new one is fetched at once."""
    return f"/assets/{name}?v={hashlib.sha256(_FILES[name]).hexdigest()[:12]}"


@bp.get("/assets/<name>")
def file(name: str) -> Response:
    content = _FILES.get(name)
    if content is None:
        abort(404)
    answer = Response(content, content_type=_TYPES[Path(name).suffix])
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer


@cache
def words(language: str) -> Mapping[str, Any]:
    """The page texts of a language."""
    found: Mapping[str, Any] = yaml.safe_load((_FOLDER / "words" / f"{language}.yaml").read_text("utf-8"))
    return found


def language_for(*locales: str | None) -> str:
    """The language to use: what the reader asked for in the address, else the first locale we have words for."""
    for locale in (request.args.get("lang"), *locales):
        if locale and locale[:2] in LANGUAGES:
            return locale[:2]
    return request.accept_languages.best_match(LANGUAGES) or _FALLBACK


def page(template: str, status: int, language: str, clinic: Clinic | None, **values: Any) -> Response:
    """Render a page. Without a clinic (a link nobody knows) it names no number but says what to do."""

    def say(text: str, **more: object) -> Markup:
        """A text with what stands in braces filled in; telephone numbers become links."""
        known = {"days": more.get("days", "")}
        if clinic is not None:
            known |= {
                "phone": telephone(clinic.phone),
                "emerg": telephone(clinic.emergency_number),
                "hours": clinic.hours_in(language),
                "clinic": clinic.display_name,
            }
        return Markup(_PLACE.sub(lambda place: str(escape(known[place[1]])), str(escape(text))))  # noqa: S704

    html = _pages.get_template(template).render(
        language=language,
        languages={name: words(name)["name"] for name in LANGUAGES},
        words=words(language),
        clinic=clinic,
        say=say,
        asset=asset,
        telephone=telephone,
        **values,
    )
    return Response(html, status, content_type="text/html; charset=utf-8")


def telephone(number: str) -> Markup:
    """A number as a link that calls it."""
    dialled = ("+" if number.strip().startswith("+") else "") + re.sub(r"[^0-9]", "", number)
    return Markup('<a class="tel" href="tel:{}">{}</a>').format(dialled, number)
