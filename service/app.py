"""create_app(settings): the one place where the service's parts are wired."""

from __future__ import annotations

from apiflask import APIFlask
from flask import Flask

from service.api import (
    alerts,
    answers,
    arrivals,
    errors,
    events,
    fhir,
    headers,
    health,
    hooks,
    inside,
    patients,
    replies,
    sessions,
    webhooks,
)
from service.api.openapi import describe
from service.context import Context
from service.identify import Doorkeeper
from service.lookout import Lookout
from service.pages import alert, docs, look, plan, survey, unsubscribe
from service.pages.desk import limits
from service.pages.desk.door import open_desk
from service.pages.desk.rooms import ROOMS
from service.parts import Parts, open_parts
from service.settings import Settings
from service.signatures import Signatures
from service.uploads import InMemory

BLUEPRINTS = (
    events.bp,
    sessions.bp,
    patients.bp,
    replies.bp,
    answers.bp,
    alerts.bp,
    hooks.bp,
    fhir.bp,
    webhooks.bp,
    health.bp,
    survey.bp,
    plan.bp,
    look.bp,
    alert.bp,
    unsubscribe.bp,
    docs.bp,
)

NUDGE_REST_SECONDS = 5.0
"""A Redis that hangs costs one request its two seconds, not every request."""


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI application on the installation of these settings. Raises what `open_parts` raises."""
    return app_on(open_parts(settings or Settings(), pool_size=16, nudge_rest=NUDGE_REST_SECONDS))


def app_on(parts: Parts) -> Flask:
    """The WSGI application on these parts."""
    app = APIFlask(
        "aftercare",
        title="Aftercare",
        version="1",
        docs_path=None,  # the framework's own page loads scripts from elsewhere: ours is service/pages/docs.py
        spec_path="/openapi.json",
        static_folder=None,  # type: ignore[arg-type]  # it only passes this on to Flask, where None means no route
    )
    app.request_class = InMemory
    app.extensions["aftercare"] = context_on(parts)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    open_desk(app, ROOMS)
    limits.apply(app)
    errors.handle(app)
    headers.guard(app)
    describe(app)
    return app


def context_on(parts: Parts) -> Context:
    """What the views are handed, on these parts."""
    return Context(
        settings=parts.settings,
        engine=parts.engine,
        sending=parts.sending,
        nudges=parts.nudges,
        doorkeeper=Doorkeeper(parts.engine, parts.sending.vault),
        signatures=Signatures(
            parts.settings.public_url,
            parts.settings.twilio_auth_token.get_secret_value(),
            parts.settings.sendgrid_event_public_key,
            parts.settings.sendgrid_inbound_public_key,
        ),
        events=inside.taking_in(parts.engine, parts.sending, parts.nudges),
        lookout=Lookout(parts.engine),
        take_posted=arrivals.taking_posted(parts.engine, parts.sending, parts.nudges),
        keep_receipts=arrivals.keeping_receipts(parts.engine, parts.sending, parts.settings),
        keep_reply=arrivals.keeping_reply(parts.engine, parts.sending, parts.nudges),
    )
