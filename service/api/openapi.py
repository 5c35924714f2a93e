"""The API's description in OpenAPI 3.1, put together from routes, their docstrings and the models that check bodies."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from apiflask import APIFlask
from flask import Flask
from werkzeug.routing import Rule

from service.api.openapi_operations import OPERATIONS, SECURITY_SCHEMES, problem_responses
from service.api.openapi_schemas import components
from service.context import Context

UNDESCRIBED = frozenset(
    {
        # For providers, who have their own contract, and need a signature.
        "/twilio/status", "/twilio/inbound", "/sendgrid/events", "/sendgrid/inbound",
        # For people with a link, and what their pages bring along.
        "/s/{token}", "/s/{token}/plan", "/s/{token}/tap", "/a/{token}", "/u/{token}", "/assets/{name}",
        # This very description.
        "/openapi.json", "/docs",
    }
)  # fmt: skip
"""Routes that are left out on purpose."""
_ABOUT = """Post an event when a session has ended; from then on the patient is looked after.

What is wrong with a request is said as `application/problem+json` (RFC 9457). Lists are read by cursor: keep `next`,
pass it as `after`. A 2xx means that it is committed."""
_DESK = "/desk/"
"""Pages for a clinic's people, who sign in as people do: none of the API's business."""
_CONVERTER = re.compile(r"<(?:[^<>:]+:)?([^<>]+)>")


def describe(app: APIFlask) -> None:
    """Let `/openapi.json` serve the description. Made at the first request, from the routes there are then."""
    here: Context = app.extensions["aftercare"]
    app.config["OPENAPI_VERSION"] = "3.1.0"
    # What the framework puts together from decorators we do not use gives way to our own.
    app.spec_processor(lambda _generated: document(app, here.settings.public_url))


def document(app: Flask, public_url: str) -> dict[str, Any]:
    """The whole description."""
    paths: dict[str, dict[str, Any]] = {}
    for method, path, rule in routes(app):
        operation = OPERATIONS.get((method, path))
        if operation is not None:
            paths.setdefault(path, {})[method] = {**_words(app, rule), **operation.node()}
    tags = sorted({tag for methods in paths.values() for one in methods.values() for tag in one["tags"]})
    return {
        "openapi": "3.1.0",
        "info": {"title": "Aftercare", "version": "1", "description": _ABOUT},
        "servers": [{"url": public_url}],
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": {
            "schemas": components(),
            "responses": problem_responses(),
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def routes(app: Flask) -> Iterator[tuple[str, str, Rule]]:
    """Every (method, path, rule), methods that the framework adds by itself left out, paths as OpenAPI writes them.

    The desk is left out too.
    """
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(_DESK):
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield method.lower(), _CONVERTER.sub(r"{\1}", rule.rule), rule


def _words(app: Flask, rule: Rule) -> dict[str, Any]:
    view = app.view_functions[rule.endpoint]
    summary, _, rest = (inspect.getdoc(view) or "").partition("\n\n")
    blueprint = app.blueprints[rule.endpoint.rpartition(".")[0]]
    words = {
        "operationId": view.__name__,
        "tags": [getattr(blueprint, "tag", None) or blueprint.name],
        "summary": " ".join(summary.split()),
    }
    return {**words, "description": rest.strip()} if rest.strip() else words
