"""The job that every peer is given: one text through Twilio's own client for Python."""

from __future__ import annotations

import os
from functools import cache

from requests import Session
from requests.adapters import HTTPAdapter
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from workers.gateways.quiet import silence

PROVIDER = "BENCHMARK_PROVIDER"
"""Environment: where the stand-in listens."""
CONNECTIONS = 128
BODY = (
    "Riverside Clinic: a short question about your treatment. https://a.example/s/midx{number}x Reply STOP to opt out."
)

silence()


def send(number: int) -> str:
    """As the documentation shows it: a client is made where a text is to be sent."""
    return _create(_client(), number)


def send_pooled(number: int) -> str:
    """With one client for the process, whose connections stay open."""
    return _create(_kept(), number)


@cache
def _kept() -> Client:
    http = TwilioHttpClient()
    http.session = Session()
    http.session.mount("http://", HTTPAdapter(pool_maxsize=CONNECTIONS))
    client = _client()
    client.http_client = http
    return client


def _client() -> Client:
    client = Client("AC" + "0" * 32, "token")
    client.api.base_url = os.environ[PROVIDER]
    return client


def _create(client: Client, number: int) -> str:
    message = client.messages.create(
        to=f"+1555{number:07d}", from_="+15005550006", body=BODY.format(number=number)
    )  # fmt: skip
    return str(message.sid)
