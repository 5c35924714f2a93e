"""P10: whatever is sent to the API, on either database, nothing is a 5xx: bodies, addresses, keys, signatures."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from apiflask import APIFlask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select
from sqlalchemy.engine import URL

from service import time
from service.app import create_app
from service.context import Context
from service.parts import ensure_senders
from service.records import clinics, heartbeats, migrate, protocols
from service.records.database import reading, run
from service.records.tables import sessions as session_rows
from tests import servers
from tests.ops.conftest import DEFAULT_PROTOCOL, session_completed, settings_for

BUDGET = int(os.environ.get("AFTERCARE_FUZZ", "0"))
"""More examples a case, and different ones each time: for a longer hunt by hand."""
EXAMPLES = settings(
    max_examples=BUDGET or 12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=not BUDGET
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database for the whole module."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('api')}/aftercare.db"
        migrate.upgrade(url)
        yield url
        return
    server: URL = request.getfixturevalue("postgres_server")
    name = f"aftercare_api_{uuid.uuid4().hex}"
    url = servers.create_database(server, name).render_as_string(hide_password=False)
    migrate.upgrade(url)
    yield url
    servers.drop_database(server, name)


@pytest.fixture(scope="module")
def living(
    database: str, tmp_path_factory: pytest.TempPathFactory, redis_server: str
) -> Iterator[tuple[APIFlask, str]]:
    """An application with a clinic, and the clinic's API key; kept for the whole module."""
    folder = tmp_path_factory.mktemp("var")
    url = database
    app = create_app(settings_for(url, redis_server, folder))
    assert isinstance(app, APIFlask)
    here: Context = app.extensions["aftercare"]
    ensure_senders(here.engine, here.settings)

    def work(connection: Connection) -> str:
        made = clinics.add(connection, {"name": "C", "display_name": "C", "phone": "202-555-0100"}, time.now())
        protocols.add(connection, made.id, DEFAULT_PROTOCOL.read_text(), time.now())
        heartbeats.beat(connection, "clock", time.real_now())
        return clinics.new_api_key(connection, made.id, time.now())

    key = run(here.engine, work)
    answer = app.test_client().post(
        "/v1/events",
        json=session_completed("S-1", time.now()),
        headers={"Authorization": f"Bearer {key}", "Idempotency-Key": "first"},
    )
    assert answer.status_code == 202
    yield app, key
    here.engine.dispose()


JSON = "application/json"
JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=8), inside, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/batch", "/v1/fhir", "/v1/alerts/1/close"])
@EXAMPLES
@given(body=st.one_of(st.binary(max_size=200), JSONISH.map(lambda value: json.dumps(value).encode())))
def test_nothing_that_is_posted_is_our_mistake(path: str, body: bytes, living: tuple[APIFlask, str]) -> None:
    app, key = living
    kind = "application/x-ndjson" if path.endswith("batch") else "application/json"
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "k", "Content-Type": kind}
    answer = app.test_client().post(path, data=body, headers=headers)
    if path.endswith("batch"):
        assert answer.status_code == 200
        assert all(400 <= json.loads(line)["status"] < 500 for line in answer.text.splitlines())
    else:
        assert 400 <= answer.status_code < 500, answer.text


MOMENTS = st.datetimes(timezones=st.timezones() | st.just(UTC)).map(datetime.isoformat) | st.sampled_from(
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "1969-12-31T23:59:59Z", "2026-03-08T02:30:00-07:00"]
)
WORDS = st.text(min_size=1, max_size=20)
CONSENT = st.fixed_dictionaries({"at": MOMENTS, "wording": WORDS, "source": WORDS})
PEOPLE = st.fixed_dictionaries(
    {"id": st.sampled_from(["P-1", "P-2", "\x00", "\ud800", "é" * 128]) | WORDS},
    optional={
        "given_name": WORDS,
        "phone": st.sampled_from(
            ["+12025550123", "+442079460958", "+1", "+99999999999999999", "tel:+12025550123;ext=9"]
        ),
        "email": st.sampled_from(["a@b.example", "a@b.example\n", "ä@b.example"]),
        "timezone": st.timezone_keys(),
        "locale": st.sampled_from(["en", "es-MX", "fr"]),
        "consent": st.fixed_dictionaries({}, optional={"sms": CONSENT, "email": CONSENT}),
    },
)
SESSIONS = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["S-1", "S-2"]) | WORDS,
        "ended_at": MOMENTS,
        "site": st.sampled_from(["knee_left", "neck"]),
    },
    optional={
        "number": st.integers(-1, 101) | st.just(10**30),
        "next_session_at": MOMENTS | st.none(),
        "protocol": st.just("prolotherapy") | WORDS,
        "baseline": st.just({"pain": 3}),
    },
)
EVENTS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["session.completed", "session.updated", "session.cancelled", "patient.updated", "patient.erased"]
        ),
        "data": st.fixed_dictionaries({}, optional={"session": SESSIONS, "patient": PEOPLE})
        | st.fixed_dictionaries({"session": SESSIONS, "patient": PEOPLE}),
    },
    optional={"timestamp": MOMENTS},
)


@EXAMPLES
@given(event=EVENTS, key=st.integers(0, 10**9))
def test_events_of_every_shape_and_age_are_taken_or_refused(
    event: dict[str, Any], key: int, living: tuple[APIFlask, str]
) -> None:
    app, api_key = living
    headers = {"Authorization": f"Bearer {api_key}", "Idempotency-Key": str(key)}
    answer = app.test_client().post("/v1/events", data=json.dumps(event), content_type=JSON, headers=headers)
    assert answer.status_code in (202, 409, 422), answer.text
    read = app.test_client().get("/v1/patients/P-1", headers={"Authorization": f"Bearer {api_key}"})
    assert read.status_code in (200, 404)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/sessions/%s", "/v1/patients/%s", "/v1/replies?after=%s", "/v1/answers?after=%s", "/v1/alerts?state=%s",
        "/v1/webhook-events?limit=%s", "/v1/fhir/Observation/%s", "/v1/fhir/QuestionnaireResponse?_count=%s", "/%s",
        "/u/%s", "/s/%s", "/a/%s", "/assets/%s",
    ],
)  # fmt: skip
@EXAMPLES
@given(
    what=st.binary(max_size=30) | st.sampled_from([b"\x00", b"9" * 40, b"-1", b"\xff\xfe", b"\xed\xa0\x80", b"../x"])
)
def test_nothing_in_an_address_is_our_mistake(path: str, what: bytes, living: tuple[APIFlask, str]) -> None:
    app, key = living
    answer = app.test_client().get(path % quote(what), headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code < 500, answer.text


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/batch", "/v1/fhir"])
@pytest.mark.parametrize("key", ["k" * 255, "é" * 255])
def test_the_longest_key_that_is_allowed_can_be_kept(path: str, key: str, living: tuple[APIFlask, str]) -> None:
    app, api_key = living
    headers = {"Authorization": f"Bearer {api_key}", "Idempotency-Key": key}
    kind = "application/x-ndjson" if path.endswith("batch") else JSON
    body = json.dumps({"type": "session.cancelled", "data": {"session": {"id": "S-9"}}})
    if path.endswith("fhir"):
        body = json.dumps(
            {"resourceType": "Procedure", "id": "x", "status": "not-done", "subject": {"reference": "P/1"}}
        )
    answer = app.test_client().post(path, data=body.encode(), content_type=kind, headers=headers)
    assert answer.status_code in (200, 202), answer.text
    if path.endswith("batch"):
        assert [json.loads(line)["status"] for line in answer.text.splitlines()] == [202]


HEADERS = st.dictionaries(
    st.sampled_from(
        ["Authorization", "Idempotency-Key", "webhook-id", "webhook-timestamp", "webhook-signature", "Content-Length"]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)
    | st.sampled_from(["Bearer x", "Bearer ", "v1,AAAA", "v1a,AAAA", "1772467200", "-1", "99999999999999999999"]),
)


@EXAMPLES
@given(headers=HEADERS)
def test_forged_and_malformed_signatures_are_refused_and_store_nothing(
    headers: dict[str, str], living: tuple[APIFlask, str]
) -> None:
    app, _ = living
    answer = app.test_client().post(
        "/v1/events", data=json.dumps(session_completed("forged", time.now())), headers=headers, content_type=JSON
    )
    assert 400 <= answer.status_code < 500
    here: Context = app.extensions["aftercare"]
    with reading(here.engine) as connection:
        known = connection.execute(select(session_rows.c.id).where(session_rows.c.external_id == "forged")).first()
    assert known is None
