"""create_app(settings): the one place where the service's parts are wired."""

from __future__ import annotations

from apiflask import APIFlask
from flask import Flask
from sqlalchemy import Engine

from service import nudges, time
from service.api import errors, events, headers, health, patients, replies, sessions, webhooks
from service.api.context import Context
from service.api.identify import Doorkeeper
from service.api.openapi import describe
from service.api.signatures import Signatures
from service.pages import unsubscribe
from service.records import senders
from service.records.database import open_database, run
from service.records.plans import Sending
from service.records.sealing import Vault, load_or_make_keys
from service.care.lifecycle import Channel
from service.settings import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI application. Expects a migrated database."""
    settings = settings or Settings()
    follow_clock(settings)
    engine = open_database(settings.database_url, pool_size=16)
    sending = make_sending(settings)
    app = APIFlask("aftercare", title="Aftercare", version="1", docs_path="/docs", spec_path="/openapi.json")
    app.extensions["aftercare"] = Context(
        settings=settings,
        engine=engine,
        sending=sending,
        doorkeeper=Doorkeeper(engine, sending.vault),
        nudges=nudges.Nudges(nudges.connect(settings.redis_url)),
        signatures=Signatures(
            settings.public_url,
            settings.twilio_auth_token.get_secret_value(),
            settings.sendgrid_event_public_key,
            settings.sendgrid_inbound_public_key,
        ),
    )
    for blueprint in (events.bp, sessions.bp, patients.bp, replies.bp, webhooks.bp, health.bp, unsubscribe.bp):
        app.register_blueprint(blueprint)
    errors.handle(app)
    headers.guard(app)
    describe(app)
    return app


def follow_clock(settings: Settings) -> None:
    """Let this process follow the shared fast clock, where one is configured."""
    if settings.clock_file is not None:
        time.use_clock_file(settings.clock_file, settings.clock_speed)


def make_sending(settings: Settings) -> Sending:
    """The vault and the senders of this installation."""
    keys = load_or_make_keys(settings.keys.get_secret_value(), settings.var / "keys")
    return Sending(vault=Vault(keys), sms_sender=settings.sms_sender, email_sender=settings.sendgrid_from)


def ensure_senders(engine: Engine, settings: Settings) -> None:
    """Put the default senders on record, with their pace."""

    def work(connection):  # type: ignore[no-untyped-def]
        senders.ensure(connection, Channel.SMS, settings.sms_sender, settings.sms_segments_per_second)
        senders.ensure(connection, Channel.EMAIL, settings.sendgrid_from, 0.0)

    run(engine, work)
