"""A batch leaves what its lines would have left one after another, whatever is among them (P1, P10)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from service import time
from service.api import intake, newcomers
from service.api.bodies import parse_event
from service.api.lines import Applied, Line
from service.app import create_app
from service.care.lifecycle import Channel, Reason
from service.problems import Problem
from service.records import (
    clinics,
    consents,
    events,
    hook_endpoints,
    hooks,
    messages,
    patients,
    protocols,
    sessions,
    suppressions,
)
from service.records.clinics import Clinic
from service.records.database import reading
from service.records.tables import courses
from service.records.tables import patients as patient_rows
from service.records.tables import sessions as session_rows
from service.records.webhook_tables import webhook_events
from tests.house import PROTOCOL, House, completed, dumps

NOW = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
PEOPLE, TREATMENTS = ("p1", "p2", "p3", "p4"), ("s1", "s2", "s3", "s4", "s5")
PHONES = ("+12025550101", "+12025550102", "+12025550103")
SUPPRESSED = PHONES[0]
_shapes = {
    "session": st.sampled_from(TREATMENTS),
    "patient": st.sampled_from(PEOPLE),
    "phone": st.sampled_from(PHONES),
    "email": st.sampled_from([None, "ana@mail.example"]),
    "site": st.sampled_from(["knee_left", "knee_right", "lower_back"]),
    "ended_at": st.integers(1, 40).map(lambda days: (NOW - timedelta(days=days)).isoformat()),
    "timezone": st.sampled_from([None, "America/Denver"]),
}


@st.composite
def posted(draw: st.DrawFn) -> dict[str, Any]:
    """One event, of a few patients and sessions, so that they meet."""
    kind = draw(
        st.sampled_from(["session.completed"] * 5 + ["session.updated", "session.cancelled", "patient.updated",
                                                     "patient.erased"])
    )  # fmt: skip
    session, patient = draw(st.sampled_from(TREATMENTS)), draw(st.sampled_from(PEOPLE))
    data: dict[str, Any]
    if kind == "session.completed":
        data = completed(**draw(st.fixed_dictionaries(_shapes)))
        if draw(st.integers(0, 5)) == 0:
            data["session"]["protocol"] = "unheard-of"
        if draw(st.integers(0, 5)) == 0:
            data["session"]["baseline"] = {"pain": draw(st.integers(0, 10))}
        if draw(st.integers(0, 5)) == 0:
            data["patient"]["consent"]["sms"] = {"withdrawn_at": NOW.isoformat(), "source": "desk"}
    elif kind == "session.updated":
        data = {"session": {"id": session, "ended_at": (NOW - timedelta(days=draw(st.integers(1, 40)))).isoformat()}}
    elif kind == "session.cancelled":
        data = {"session": {"id": session}}
    elif kind == "patient.updated":
        data = {"patient": {"id": patient, "phone": draw(st.sampled_from(PHONES))}}
    else:
        data = {"patient": {"id": patient}}
    event: dict[str, Any] = {"type": kind, "data": data}
    if draw(st.booleans()):
        event["timestamp"] = (NOW - timedelta(minutes=draw(st.integers(0, 3)))).isoformat()
    return event


keyed = st.tuples(st.sampled_from([f"k{number}" for number in range(30)]), posted())


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(size=st.sampled_from([2, 30]), posts=st.lists(keyed, min_size=1, max_size=14))
def test_p1_a_batch_leaves_what_its_lines_would(h: House, size: int, posts: list[tuple[str, dict[str, Any]]]) -> None:
    """In parts of two, or whole: the same answers and the same rows as each line for itself, by the path for patients
    who are on record. Repeats, reused keys, refused lines, the same patient again: all may be among them."""
    with time.held(NOW):
        lines = [_line(key, event) for key, event in posts]
        together, alone = _clinic(h, "Together"), _clinic(h, "Alone")
        parts = [lines[start : start + size] for start in range(0, len(lines), size)]
        bulk = [outcome for part in parts for outcome in _take_in(h, together, part)]
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(newcomers, "among", lambda *_: [])
            single = [outcome for line in lines for outcome in _take_in(h, alone, [line])]
        assert [_told(one) for one in bulk] == [_told(one) for one in single]
        with reading(h.parts.engine) as connection:
            assert _rows(connection, h, together, lines) == _rows(connection, h, alone, lines)
        kept = _kept(h, together, lines)
        again = [outcome for part in parts for outcome in _take_in(h, together, part)]
        # A line refused at first may be an erasure that is accepted now, and forgets its patient's answers.
        still_kept = _kept(h, together, lines)
        for first, second, last in zip(kept, again, still_kept, strict=True):
            assert first is None or last is None or second == first


def _kept(h: House, clinic: Clinic, lines: Sequence[Line]) -> list[Applied | None]:
    """The answers on record to these very events."""
    with reading(h.parts.engine) as connection:
        found = [
            events.earlier_answer(connection, h.parts.sending.vault, clinic.id, line.key, line.raw) for line in lines
        ]
    return [Applied(one.status, one.answer) if one is not None and one.same_content else None for one in found]


def _line(key: str, event: dict[str, Any]) -> Line:
    raw = dumps(event)
    return Line(key, raw, parse_event(raw, NOW))


def _clinic(h: House, name: str) -> Clinic:
    def work(connection: Connection) -> Clinic:
        clinic = clinics.add(connection, {"name": name, "display_name": name, "phone": "202-555-0100"}, NOW)
        protocols.approve(connection, protocols.add(connection, clinic.id, PROTOCOL, NOW).id, "Dr Test", NOW)
        hook_endpoints.add(connection, h.parts.sending.vault, clinic.id, "https://hooks.example/", "*", NOW)
        key = h.parts.sending.vault.index(patients.normal(Channel.SMS, SUPPRESSED))
        suppressions.suppress(connection, clinic.id, Channel.SMS, key, Reason.OPTED_OUT, "test", NOW)
        return clinic

    made: Clinic = h.run(work)
    hooks.forget_known()
    return made


def _take_in(h: House, clinic: Clinic, lines: Sequence[Line]) -> list[Applied | Problem]:
    found: list[Applied | Problem] = h.run(
        lambda c: intake.take_in_all(c, h.parts.sending, clinic.id, lines, time.now())
    )
    return found


def _told(outcome: Applied | Problem) -> Any:
    """An answer without the ids of messages, which nobody could foretell."""
    if isinstance(outcome, Problem):
        return outcome.status, outcome.body()
    return outcome.status, _without_ids(outcome.answer)


def _without_ids(answer: dict[str, Any]) -> dict[str, Any]:
    told = sorted(({**one, "id": ""} for one in answer["messages"]), key=lambda one: (one["step"], one["channel"]))
    return {**answer, "messages": told}


def _rows(connection: Connection, h: House, clinic: Clinic, lines: Sequence[Line]) -> dict[str, Any]:
    """Everything that is on record of a clinic, opened, by the clinic's own ids."""
    vault = h.parts.sending.vault
    people = [
        patients.get(connection, vault, row)
        for row in connection.execute(select(patient_rows.c.id).where(patient_rows.c.clinic_id == clinic.id)).scalars()
    ]
    name = {one.id: _known(one.external_id) for one in people}
    treatments = [
        sessions.get(connection, row)
        for row in connection.execute(select(session_rows.c.id).where(session_rows.c.clinic_id == clinic.id)).scalars()
    ]
    found: dict[str, list[Any]] = {
        "patients": [_plain(one, id=None, clinic_id=None, external_id=name[one.id]) for one in people],
        "consents": [
            _plain(line, id=None, clinic_id=None, patient_id=name[one.id])
            for one in people
            for line in consents.ledger(connection, one.id)
        ],
        "courses": [
            (name[row.patient_id], row.site)
            for row in connection.execute(select(courses).where(courses.c.clinic_id == clinic.id))
        ],
        "sessions": [
            _plain(
                one, id=None, clinic_id=None, external_id=_known(one.external_id),
                protocol_id=one.protocol_id is not None,
                patient_id=one.patient_id and name[one.patient_id],
                course_id=one.course_id and sessions.site_of(connection, one.course_id),
                baseline=sessions.baseline(connection, vault, one.id),
            )
            for one in treatments
        ],
        "messages": [
            _plain(message, id=None, clinic_id=None, session_id=_known(one.external_id), patient_id=None)
            for one in treatments
            for message in messages.of_session(connection, one.id)
        ],
        "events": [
            (line.key, kept.same_content, kept.status, _plain(_without_ids(kept.answer)))
            for line in lines
            if (kept := events.earlier_answer(connection, vault, clinic.id, line.key, line.raw)) is not None
        ],
        "announced": [
            (row.type, _plain({} if row.facts is None else row.facts, message=None))
            for row in connection.execute(select(webhook_events).where(webhook_events.c.clinic_id == clinic.id))
        ],
    }  # fmt: skip
    return {table: sorted(map(repr, rows)) for table, rows in found.items()}


def _plain(row: Any, **instead: Any) -> str:
    values = row if isinstance(row, dict) else asdict(row)
    return json.dumps({**values, **instead}, default=str, sort_keys=True)


def _known(external_id: str) -> str:
    """What is left of an erased patient's ids is a hash that depends on the clinic."""
    return "erased" if external_id.startswith("erased:") else external_id


@pytest.fixture
def post(h: House) -> Any:
    """Posts lines as one batch; the answers."""
    key = h.run(lambda c: clinics.new_api_key(c, h.clinic.id, time.now()))
    client = create_app(h.parts.settings).test_client()

    def posted_as(name: str, lines: Sequence[bytes]) -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": name, "Content-Type": "application/x-ndjson"}
        answer = client.post("/v1/events/batch", data=b"\n".join(lines), headers=headers)
        assert answer.status_code == 200
        return [json.loads(line) for line in answer.get_data(as_text=True).splitlines()]

    return posted_as


def _session(number: int) -> bytes:
    return dumps({"type": "session.completed", "data": completed(session=f"s{number}", patient=f"p{number}")})


def test_p10_a_line_that_breaks_the_database_leaves_its_neighbours(h: House, post: Any) -> None:
    """What our own rules let through and the database does not is our mistake, and that line's alone."""
    if h.parts.engine.dialect.name == "postgresql":
        h.sql(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN IF NEW.external_id = ''p1'' THEN RAISE EXCEPTION ''no''; END IF; RETURN NEW; END'"
        )
        h.sql("CREATE TRIGGER refuse BEFORE INSERT ON patients FOR EACH ROW EXECUTE FUNCTION refuse()")
    else:
        h.sql(
            "CREATE TRIGGER refuse BEFORE INSERT ON patients WHEN NEW.external_id = 'p1' "
            "BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    lines = [_session(number) for number in range(4)]
    answers = post("broken", lines)
    assert [one["status"] for one in answers] == [202, 500, 202, 202]
    assert sorted(row[0] for row in h.sql("SELECT external_id FROM patients")) == ["p0", "p2", "p3"]
    assert post("broken", lines) == answers


def test_p1_the_same_batch_twice_at_once(h: House) -> None:
    """Both get the same answers, and it is on record once."""
    with time.held(NOW), ThreadPoolExecutor(2) as pool:
        lines = [_line(f"k{number}", json.loads(_session(number))) for number in range(40)]
        first, second = pool.map(lambda some: _take_in(h, h.clinic, some), [lines, lines[::-1]])
    assert [_told(one) for one in first] == [_told(one) for one in second[::-1]]
    assert all(isinstance(one, Applied) and one.status == 202 for one in first)
    assert {one.answer["messages"][0]["id"] for one in first if isinstance(one, Applied)} == {
        one.answer["messages"][0]["id"] for one in second if isinstance(one, Applied)
    }
    assert h.sql("SELECT count(*) FROM sessions")[0][0] == 40
    assert h.sql("SELECT count(*) FROM events")[0][0] == 40
