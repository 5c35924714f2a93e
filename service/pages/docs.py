"""The API's description for people: a page of our own, without scripts, out of what `/openapi.json` says."""

from __future__ import annotations

import json
from typing import Any, cast

from apiflask import APIFlask
from flask import Blueprint, Response, current_app
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service.pages.look import asset
from service.records.library import TEMPLATES

bp = Blueprint("docs", __name__)

_pages = Environment(
    loader=FileSystemLoader(TEMPLATES / "pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@bp.get("/docs")
def docs() -> Response:
    """Every operation and every schema."""
    # The app's own method keeps what it made: the description is put together once a process.
    spec = cast(dict[str, Any], cast(APIFlask, current_app)._get_spec("json"))
    html = _pages.get_template("docs.html").render(
        spec=spec, operations=_by_tag(spec), problems=spec["components"]["responses"], asset=asset, shown=_shown
    )
    return Response(html, content_type="text/html; charset=utf-8")


def _by_tag(spec: dict[str, Any]) -> dict[str, list[tuple[str, str, dict[str, Any]]]]:
    """(method, path, operation) by tag."""
    found: dict[str, list[tuple[str, str, dict[str, Any]]]] = {tag["name"]: [] for tag in spec["tags"]}
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            for tag in operation["tags"]:
                found[tag].append((method.upper(), path, operation))
    return found


def _shown(schema: object) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False)
