"""One sandbox and one listening service a test; callbacks without delay."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sendgrid import SendGridAPIClient
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from sandbox.config import Config, Delays
from sandbox.server import Handle, start
from tests.sandbox.listener import Listener

QUICK = Delays(sent=0.0, delivered=0.0, event_batch=0.0, retry=0.02)


@pytest.fixture
def service() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture
def sandbox(service: Listener) -> Iterator[Handle]:
    with start(Config(callback_base=service.url, delays=QUICK, event_retry_seconds=1.0)) as handle:
        yield handle


@pytest.fixture
def twilio(sandbox: Handle) -> Client:
    client = Client(sandbox.config.account_sid, sandbox.config.auth_token, http_client=TwilioHttpClient(timeout=1.0))
    client.api.base_url = sandbox.url
    return client


@pytest.fixture
def sendgrid(sandbox: Handle) -> SendGridAPIClient:
    client = SendGridAPIClient(sandbox.config.sendgrid_key, host=sandbox.url)
    client.client.timeout = 1.0
    return client
