"""P10: bad input gets a precise 4xx (RFC 9457) that repeats nothing of it and changes nothing; it never gets a 5xx."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from service import time
from service.app import create_app
from service.records import clinics
from service.records.sending_tables import messages
from service.records.tables import consents, events, patients, sessions
from tests.house import House, completed, house

GOOD = completed(email="ana@example.net", phone="+12025550123", timezone="America/Denver", locale="en")
MARK = "Zq7Xw"
"""Stands in everything that is wrong: where it shows up in an answer, input was repeated."""
GONE: Any = object()


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, redis_server: str) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("clear")
    path = folder / "aftercare.db"
    path.write_bytes(sqlite_template.read_bytes())
    with house(f"sqlite:///{path}", redis_server, folder) as made:
        yield made


@pytest.fixture(scope="module")
def key(clinic: House) -> str:
    found: str = clinic.run(lambda c: clinics.new_api_key(c, clinic.clinic.id, time.now()))
    return found


@pytest.fixture(scope="module")
def client(clinic: House) -> FlaskClient:
    app = create_app(clinic.parts.settings)
    app.testing = False
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app.test_client()


def event(
    *changes: tuple[str, Any], kind: str = "session.completed", data: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A good event with some fields changed: ("data/session/site", value), GONE to leave one out."""
    made: dict[str, Any] = {"type": kind, "data": deepcopy(GOOD if data is None else data)}
    for pointer, value in changes:
        *path, last = pointer.split("/")
        inside: Any = made
        for step in path:
            inside = inside[step]
        if value is GONE:
            del inside[last]
        else:
            inside[last] = value
    return made


SESSION, PATIENT = "data/session/", "data/patient/"
SMS = PATIENT + "consent/sms"
BAD: list[tuple[str, Any, str]] = [
    ("type", f"session.{MARK}", "/type"),
    ("type", GONE, "/type"),
    ("type", 7, "/type"),
    ("type", None, "/type"),
    ("data", GONE, "/data"),
    ("data", [MARK], "/data"),
    ("data", None, "/data"),
    ("timestamp", MARK, "/timestamp"),
    ("timestamp", "2026-03-02T15:04:00", "/timestamp"),
    ("timestamp", "2099-12-31T00:00:00Z", "/timestamp"),
    ("timestamp", 1_700_000_000, "/timestamp"),
    ("data/session", GONE, "/data/session"),
    ("data/session", MARK, "/data/session"),
    (SESSION + "id", GONE, "/data/session/id"),
    (SESSION + "id", "", "/data/session/id"),
    (SESSION + "id", 12, "/data/session/id"),
    (SESSION + "id", MARK * 40, "/data/session/id"),
    (SESSION + "id", MARK + "\x00", "/data/session/id"),
    (SESSION + "ended_at", GONE, "/data/session/ended_at"),
    (SESSION + "ended_at", "yesterday " + MARK, "/data/session/ended_at"),
    (SESSION + "ended_at", "2026-03-02T15:04:00", "/data/session/ended_at"),
    (SESSION + "ended_at", "2026-13-45T99:04:00Z", "/data/session/ended_at"),
    (SESSION + "ended_at", 1_700_000_000, "/data/session/ended_at"),
    (SESSION + "ended_at", True, "/data/session/ended_at"),
    (SESSION + "ended_at", "2099-12-31T00:00:00Z", "/data/session/ended_at"),
    (SESSION + "ended_at", "99999-01-01T00:00:00Z", "/data/session/ended_at"),
    (SESSION + "ended_at", "0001-01-01T00:00:00+14:00", "/data/session/ended_at"),
    (SESSION + "ended_at", "1999-12-31T23:00:00Z", "/data/session/ended_at"),
    (SESSION + "next_session_at", "9999-12-31T23:59:59-12:00", "/data/session/next_session_at"),
    (SMS + "/at", "0001-01-01T00:00:00+14:00", "/data/patient/consent/sms/at"),
    (SESSION + "site", GONE, "/data/session/site"),
    (SESSION + "site", MARK, "/data/session/site"),
    (SESSION + "site", "", "/data/session/site"),
    (SESSION + "site", ["knee"], "/data/session/site"),
    (SESSION + "site", MARK * 99, "/data/session/site"),
    (SESSION + "number", 0, "/data/session/number"),
    (SESSION + "number", -1, "/data/session/number"),
    (SESSION + "number", 101, "/data/session/number"),
    (SESSION + "number", 1.5, "/data/session/number"),
    (SESSION + "number", "3", "/data/session/number"),
    (SESSION + "number", True, "/data/session/number"),
    (SESSION + "next_session_at", "2020-01-01T00:00:00Z", "/data/session/next_session_at"),
    (SESSION + "next_session_at", MARK, "/data/session/next_session_at"),
    (SESSION + "baseline", {"pain": 11}, "/data/session/baseline/pain"),
    (SESSION + "baseline", {"pain": -1}, "/data/session/baseline/pain"),
    (SESSION + "baseline", {"peg": [1, 2]}, "/data/session/baseline/peg"),
    (SESSION + "baseline", {"peg": [1, 2, MARK]}, "/data/session/baseline/peg/2"),
    (SESSION + "baseline", {"activity": MARK * 30}, "/data/session/baseline/activity"),
    (SESSION + "baseline", MARK, "/data/session/baseline"),
    (SESSION + "surgeon", MARK, "/data/session/surgeon"),
    (SESSION + MARK, 1, "/data/session/(a key)"),
    ("data/patient", GONE, "/data/patient"),
    (PATIENT + "id", GONE, "/data/patient/id"),
    (PATIENT + "id", None, "/data/patient/id"),
    (PATIENT + "given_name", GONE, "/data/patient/given_name"),
    (PATIENT + "given_name", "", "/data/patient/given_name"),
    (PATIENT + "given_name", MARK * 20, "/data/patient/given_name"),
    (PATIENT + "given_name", MARK + "\n", "/data/patient/given_name"),
    (PATIENT + "phone", "12", "/data/patient/phone"),
    (PATIENT + "phone", MARK, "/data/patient/phone"),
    (PATIENT + "phone", "+1202555", "/data/patient/phone"),
    (PATIENT + "phone", "202-555-0123", "/data/patient/phone"),
    (PATIENT + "email", f"{MARK}\u202e@example.net", "/data/patient/email"),
    (PATIENT + "email", f"{MARK}\u200b@example.net", "/data/patient/email"),
    (PATIENT + "email", f"{MARK}\x7f@example.net", "/data/patient/email"),
    (PATIENT + "phone", "+9" * 30, "/data/patient/phone"),
    (PATIENT + "phone", 12025550123, "/data/patient/phone"),
    (PATIENT + "email", f"{MARK}@", "/data/patient/email"),
    (PATIENT + "email", f"{MARK}@x@example.net", "/data/patient/email"),
    (PATIENT + "email", f"a@{MARK}\r\nBcc: b@example.net", "/data/patient/email"),
    (PATIENT + "email", f"{MARK}@{'a' * 250}.net", "/data/patient/email"),
    (PATIENT + "timezone", f"Mars/{MARK}", "/data/patient/timezone"),
    (PATIENT + "timezone", "../../etc/passwd", "/data/patient/timezone"),
    (PATIENT + "timezone", "", "/data/patient/timezone"),
    (PATIENT + "locale", MARK, "/data/patient/locale"),
    (PATIENT + "locale", "EN", "/data/patient/locale"),
    (PATIENT + "surname", MARK, "/data/patient/surname"),
    (PATIENT + "consent", GONE, "/data/patient/consent"),
    (PATIENT + "consent", {}, "/data/patient"),
    (PATIENT + "consent", True, "/data/patient/consent"),
    (PATIENT + "phone", GONE, "/data/patient"),
    (PATIENT + "email", GONE, "/data/patient"),
    (SMS, {}, "/data/patient/consent/sms/at"),
    (SMS, MARK, "/data/patient/consent/sms"),
    (SMS + "/at", MARK, "/data/patient/consent/sms/at"),
    (SMS + "/at", "2026-01-01", "/data/patient/consent/sms/at"),
    (SMS + "/wording", "", "/data/patient/consent/sms/wording"),
    (SMS + "/wording", GONE, "/data/patient/consent/sms/wording"),
    (SMS + "/wording", MARK * 500, "/data/patient/consent/sms/wording"),
    (SMS + "/source", GONE, "/data/patient/consent/sms/source"),
    (SMS + "/at", "2062-03-02T10:00:00Z", "/data/patient/consent/sms/at"),
    (SMS, {"withdrawn_at": "2062-03-02T10:00:00Z", "source": "desk"}, "/data/patient/consent/sms/withdrawn_at"),
    (SMS + "/warned_at", "2062-03-02T10:00:00Z", "/data/patient/consent/sms/warned_at"),
    (SMS + "/accepted_at", "2062-03-02T10:00:00Z", "/data/patient/consent/sms/accepted_at"),
    (SMS, {"withdrawn_at": MARK, "source": "desk"}, "/data/patient/consent/sms/withdrawn_at"),
    (PATIENT + "consent/fax", {}, "/data/patient/consent/fax"),
    (SESSION + "protocol", MARK, ""),
    (SESSION + "protocol", "", "/data/session/protocol"),
]


def stored(h: House) -> dict[str, int]:
    """Rows of everything an event can leave behind."""
    with h.parts.engine.connect() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (events, patients, sessions, messages, consents)
        }


def post(client: FlaskClient, key: str, body: bytes, **headers: str) -> TestResponse:
    sent = {"Authorization": f"Bearer {key}", "Idempotency-Key": "k1", "Content-Type": "application/json", **headers}
    return client.post("/v1/events", data=body, headers={name.replace("_", "-"): value for name, value in sent.items()})


def is_clear(answer: TestResponse, *said: str) -> dict[str, Any]:
    """A 4xx problem that repeats none of `said`."""
    text = answer.get_data(as_text=True)
    assert 400 <= answer.status_code < 500, text
    assert answer.content_type.split(";")[0] == "application/problem+json"
    problem: dict[str, Any] = json.loads(text)
    assert problem["status"] == answer.status_code
    assert problem["type"].startswith("urn:aftercare:problem:")
    assert problem["detail"]
    for value in (MARK, *said):
        assert value not in text
    return problem


def test_p10_there_are_enough_of_them() -> None:
    assert len(BAD) >= 60


@pytest.mark.parametrize(("pointer", "value", "named"), BAD)
def test_p10_a_bad_field_is_named_and_nothing_is_stored(
    client: FlaskClient, clinic: House, key: str, pointer: str, value: Any, named: str
) -> None:
    before = stored(clinic)
    problem = is_clear(post(client, key, json.dumps(event((pointer, value))).encode()), "ana@example.net", "2025550123")
    if named:
        assert named in [error["pointer"] for error in problem["errors"]], problem
    assert stored(clinic) == before


def test_p10_every_bad_field_is_named_at_once(client: FlaskClient, key: str) -> None:
    several = event((SESSION + "site", MARK), (PATIENT + "phone", MARK), (PATIENT + "timezone", MARK))
    problem = is_clear(post(client, key, json.dumps(several).encode()))
    assert {error["pointer"] for error in problem["errors"]} == {
        "/data/session/site", "/data/patient/phone", "/data/patient/timezone",
    }  # fmt: skip


GOOD_BODY = json.dumps(event()).encode()
BODIES: list[tuple[bytes, dict[str, str], int]] = [
    (b"", {}, 400),
    (b"{", {}, 400),
    (b"null", {}, 422),
    (b"[]", {}, 422),
    (b'"' + MARK.encode() + b'"', {}, 422),
    (b"\xff\xfe" + GOOD_BODY, {}, 400),
    (b"\xef\xbb\xbf" + GOOD_BODY, {}, 400),
    (GOOD_BODY[:-1] + b', "type": "session.completed"}', {}, 400),
    (GOOD_BODY.replace(b'"site"', b'"id": "' + MARK.encode() + b'", "site"', 1), {}, 400),
    (GOOD_BODY + GOOD_BODY, {}, 400),
    (b'{"type": NaN}', {}, 400),
    (b"[" * 60_000, {}, 400),
    (b" " * 70_000, {}, 413),
    (GOOD_BODY.replace(b"Ana", b"A" * 70_000), {}, 413),
    (GOOD_BODY, {"Content_Type": "text/plain"}, 415),
    (GOOD_BODY, {"Content_Type": "application/x-www-form-urlencoded"}, 415),
    (GOOD_BODY, {"Authorization": f"Bearer {MARK}"}, 401),
    (GOOD_BODY, {"Authorization": f"Basic {MARK}"}, 401),
    (GOOD_BODY, {"Authorization": ""}, 401),
    (GOOD_BODY, {"Idempotency_Key": ""}, 400),
    (GOOD_BODY, {"Idempotency_Key": MARK * 200}, 400),
    (GOOD_BODY, {"webhook_id": "m1", "webhook_timestamp": "1", "webhook_signature": f"v1,{MARK}"}, 401),
    (GOOD_BODY, {"webhook_id": "m1", "webhook_timestamp": MARK, "webhook_signature": "v1,AAAA"}, 401),
    (GOOD_BODY, {"webhook_signature": "v1,====\udcff".encode("utf-8", "ignore").decode()}, 401),
]


@pytest.mark.parametrize(("body", "headers", "status"), BODIES)
def test_p10_a_bad_request_is_refused_whole(
    client: FlaskClient, clinic: House, key: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    before = stored(clinic)
    answer = post(client, key, body, **headers)
    is_clear(answer)
    assert answer.status_code == status
    assert stored(clinic) == before


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_p10_a_wrong_method(client: FlaskClient, method: str) -> None:
    answer = client.open("/v1/events", method=method)
    is_clear(answer)
    assert answer.status_code == 405


def test_p10_a_batch_refuses_lines_and_takes_the_others(client: FlaskClient, clinic: House, key: str) -> None:
    """One line of answer a line of input, in order and by its number in the file; an empty one has none. A bad line
    says what is wrong with it and undoes nothing else."""
    before = stored(clinic)
    lines = [json.dumps(event((pointer, value))).encode() for pointer, value, _ in BAD]
    good = json.dumps(event((SESSION + "id", "batch-good"), (PATIENT + "id", "batch-patient"))).encode()
    body = b"\r\n\n" + b"\n".join([*lines, b" ", good, b"{" + MARK.encode()])
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "batch", "Content-Type": "application/x-ndjson"}
    answer = client.post("/v1/events/batch", data=body, headers=headers)
    told = [json.loads(line) for line in answer.get_data(as_text=True).splitlines()]
    assert MARK not in answer.get_data(as_text=True)
    assert [one["line"] for one in told] == [*range(3, len(lines) + 3), len(lines) + 4, len(lines) + 5]
    for one, (_, _, named) in zip(told, BAD, strict=False):
        assert 400 <= one["status"] < 500
        assert not named or named in [error["pointer"] for error in one["problem"]["errors"]]
    assert told[-2]["status"] == 202
    assert told[-1]["status"] == 400
    after = stored(clinic)
    assert (after["events"], after["sessions"]) == (before["events"] + 1, before["sessions"] + 1)


def test_p10_the_same_id_with_other_content(client: FlaskClient, clinic: House, key: str) -> None:
    first = post(client, key, json.dumps(event((SESSION + "id", "twice"))).encode(), Idempotency_Key="twice")
    before = stored(clinic)
    same = post(client, key, json.dumps(event((SESSION + "id", "twice"))).encode(), Idempotency_Key="twice")
    other = post(client, key, json.dumps(event((SESSION + "id", "other"))).encode(), Idempotency_Key="twice")
    assert (first.status_code, same.status_code) == (202, 202)
    assert first.get_json() == same.get_json()
    is_clear(other)
    assert other.status_code == 409
    assert stored(clinic) == before


def test_p10_a_next_visit_before_the_end_is_refused_whichever_of_the_two_is_told(
    client: FlaskClient, clinic: House, key: str
) -> None:
    told = event(
        (SESSION + "id", "two times"),
        (SESSION + "ended_at", "2026-02-02T10:00:00Z"),
        (SESSION + "next_session_at", "2026-03-02T10:00:00Z"),
    )
    assert post(client, key, json.dumps(told).encode(), Idempotency_Key="two times").status_code == 202
    before = stored(clinic)
    for name, value, status in (
        ("next_session_at", "2001-01-01T00:00:00Z", 422),
        ("next_session_at", "2026-02-02T10:00:00Z", 422),
        ("ended_at", "2026-03-02T10:00:00Z", 422),
        ("number", 2, 202),
        ("next_session_at", None, 202),
        ("ended_at", "2026-03-02T10:00:00Z", 202),
    ):
        data = {"session": {"id": "two times", name: value}}
        body = json.dumps({"type": "session.updated", "data": data}).encode()
        answer = post(client, key, body, Idempotency_Key=f"{name} {value} {status}")
        assert answer.status_code == status
        if status == 422:
            assert [one["pointer"] for one in is_clear(answer)["errors"]] == [f"/data/session/{name}"]
            assert stored(clinic) == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=12), inside, max_size=4),
    max_leaves=12,
)
_POINTERS = sorted({pointer for pointer, _, _ in BAD if pointer.count("/") <= 3})


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON, pointer=st.sampled_from(_POINTERS))
def test_p10_anything_in_any_field_never_gets_a_5xx(client: FlaskClient, key: str, pointer: str, value: Any) -> None:
    answer = post(
        client,
        key,
        json.dumps(event((pointer, value))).encode("utf-8", "surrogatepass"),
        Idempotency_Key=f"h{hash(repr(value))}{pointer}",
    )
    assert answer.status_code < 500, answer.get_data(as_text=True)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")))
def test_p10_garbage_never_gets_a_5xx(client: FlaskClient, key: str, body: bytes) -> None:
    is_clear(post(client, key, body))
