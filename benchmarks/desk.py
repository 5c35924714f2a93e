"""The desk's pages at a clinic with 100 000 patients and two million messages, on a morning with much to do.

Server time, from the request to the last byte, in this process: sign-in check, audit and all. Add a page to PAGES.
"""

from __future__ import annotations

import json
import re
import statistics
import time as world
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import Connection, bindparam, text, update

from benchmarks.figures import Figure
from benchmarks.fill import MESSAGES, fill, make_past, settle
from benchmarks.place import START, Place, place, treat
from service import time
from service.app import create_app
from service.care.lifecycle import Channel
from service.care.roles import Role
from service.care.urgency import Urgency
from service.nudges import QueueName
from service.pages.desk.hashing import hashed
from service.records import alerts, clinics, replies, staff
from service.records.database import run
from service.records.replies import Incoming
from service.records.sealing import Vault
from service.records.tables import metadata
from workers import listen

PATIENTS = 100_000
PER_PATIENT = 20
"""Messages."""
REQUESTS = 30
_TREATED = 300
"""Patients whose rows can be opened: those that pages show."""
_EMAIL, _PASSWORD = "nurse@bench.example", "teapot-velvet-orbit-39"
PAGES: Mapping[str, Callable[[Connection], str]] = {
    "Today": lambda _: "/desk/today",
    "Today, asked again": lambda _: "/desk/today/list",
    "Replies": lambda _: "/desk/replies?show=all",
    "Results: response": lambda _: "/desk/results/response?days=365",
    "Results: time to answer": lambda _: "/desk/results/time?days=365",
    "Results: delivery": lambda _: "/desk/results/delivery?days=365",
    "Results: outcomes": lambda _: "/desk/results/outcomes?days=365",
    "Results: alerts": lambda _: "/desk/results/alerts?days=365",
    "a patient": lambda connection: f"/desk/patients/{_of(connection, 'p7')}",
}


def measure(kinds: tuple[str, ...], scale: float) -> Iterator[Figure]:
    """Median and 99th percentile of each page."""
    for kind in kinds:
        with time.held(START), place(kind) as here:
            _grow(here, scale)
            with time.held(START + timedelta(hours=2)):
                client = _signed_in(here)
                for name, path_of in PAGES.items():
                    path = run(here.parts.engine, path_of)
                    yield from _timed(f"{kind} {name}", client, path)


def _grow(here: Place, scale: float) -> None:
    """Half of the patients are over, half have their messages still to come; then a morning's work for the desk."""
    sessions = int(PATIENTS * PER_PATIENT / MESSAGES * scale)
    for _ in fill(here, range(sessions), days_ago=90):
        pass
    make_past(here, sessions // 2, spread=True)
    treat(here, range(_TREATED))
    run(here.parts.engine, lambda connection: _years_of_alerts(connection, here, scale))
    run(here.parts.engine, lambda connection: _a_season_of_answers(connection, here.parts.sending.vault))
    run(here.parts.engine, lambda connection: _a_morning(connection, here))
    _patients_write(here)
    settle(here)


def _years_of_alerts(connection: Connection, here: Place, scale: float) -> None:
    """One closed alert for every second patient, and replies that were read."""
    connection.execute(
        text(
            "INSERT INTO alerts (id, clinic_id, patient_id, cause, urgency, opened_at, since, rounds, acknowledged_at,"
            " acknowledged_by, closed_at, closed_by) SELECT id, clinic_id, patient_id, 'fever', 'urgent', due_at,"
            " due_at, 1, window_until, 'Nurse', window_until, 'Nurse' FROM messages"
            " WHERE step = 'step0' AND state = 'delivered' LIMIT :most"
        ),
        {"most": int(PATIENTS * scale / 2)},
    )
    connection.execute(
        text("UPDATE replies SET seen_at = received_at, seen_by = 'Nurse' WHERE clinic_id = :clinic"),
        {"clinic": here.clinic_id},
    )


def _a_season_of_answers(connection: Connection, vault: Vault) -> None:
    """Scores that can be opened, of ten thousand sessions of the last weeks: more than a page of results reads."""
    rows = connection.execute(
        text("SELECT id FROM responses WHERE survey = 'S1' AND session_id = id ORDER BY id LIMIT 10000")
    ).scalars()
    values = [
        {
            "row": one,
            "number": place % 8 + 1,
            "baseline": vault.seal(json.dumps({"pain": 3 + place % 7}), one),
            "answers": vault.seal(json.dumps({"pain": place % 10, "compared": "worse"}), one),
            "at": START - timedelta(minutes=10 * (place + 1)),
        }
        for place, one in enumerate(rows)
    ]
    for name, columns in (
        ("sessions", {"baseline": "baseline", "number": "number"}),
        ("responses", {"answers": "answers", "changed_at": "at", "completed_at": "at"}),
    ):
        table = metadata.tables[name]
        changed: dict[str, Any] = {column: bindparam(value) for column, value in columns.items()}
        connection.execute(update(table).where(table.c.id == bindparam("row")).values(changed), values)


def _a_morning(connection: Connection, here: Place) -> None:
    """Forty alerts to take on, two hundred surveys that stay silent, a hundred messages that did not arrive."""
    clinic = clinics.get(connection, here.clinic_id)
    wanted = [*[Urgency.EMERGENCY] * 3, *[Urgency.URGENT] * 20, *[Urgency.NEXT_BUSINESS_DAY] * 17]
    wanted += [Urgency.WATCH] * 200
    for number, urgency in enumerate(wanted):
        alerts.open_alert(
            connection, here.parts.sending, clinic, _of(connection, f"p{number}"), None, urgency, "fever", "survey S1",
            "Fever of 38.0 C or more, day 1.", time.now(), tell_patient=False,
        )  # fmt: skip
    connection.execute(
        text(
            "UPDATE messages SET state = 'failed', reason = 'bad_address' WHERE id IN (SELECT min(id) FROM messages"
            " WHERE patient_id IN (SELECT id FROM patients WHERE external_id LIKE 'p%') AND channel = 'sms'"
            " GROUP BY patient_id LIMIT 100)"
        )
    )


def _patients_write(here: Place) -> None:
    parts = here.parts
    for number in range(60):
        incoming = Incoming(
            f"MM{number}", Channel.SMS, f"+1{2_020_000_000 + number}", parts.sending.sms_sender, "When can I run again?"
        )
        kept = run(parts.engine, partial(_keep, parts.sending.vault, incoming))
        listen.handle(parts.engine, parts.sending, _Silent(), [kept])  # type: ignore[arg-type]


def _keep(vault: Vault, incoming: Incoming, connection: Connection) -> int:
    kept = replies.keep(connection, vault, incoming, time.now())
    assert kept is not None, "each has a key of its own"
    return kept


class _Silent:
    """Nudges that reach nobody."""

    def send(self, _queue: QueueName, _ids: object) -> bool:
        return True

    def wake_clock(self) -> None:
        pass


def _of(connection: Connection, external_id: str) -> int:
    found: int = connection.execute(
        text("SELECT id FROM patients WHERE external_id = :name"), {"name": external_id}
    ).scalar_one()
    return found


def _signed_in(here: Place) -> FlaskClient:
    def add(connection: Connection) -> None:
        made = staff.add(
            connection, here.parts.sending.vault, here.clinic_id, "Nurse", _EMAIL, Role.CLINICIAN, time.now()
        )
        staff.set_password(connection, made.id, hashed(_PASSWORD))

    run(here.parts.engine, add)
    client = create_app(here.parts.settings).test_client()
    # The cookie is for TLS alone, as the public address is.
    page = client.get("/desk/login", base_url=here.parts.settings.public_url).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    values = {"email": _EMAIL, "password": _PASSWORD, "csrf_token": token[1] if token else ""}
    answer = client.post("/desk/login", data=values, base_url=here.parts.settings.public_url)
    if answer.status_code != 303:
        raise SystemExit(f"signing in was answered {answer.status_code}")
    return client


def _timed(name: str, client: FlaskClient, path: str) -> Iterator[Figure]:
    took: list[float] = []
    size = 0
    for _ in range(REQUESTS + 3):  # the first ones load templates and fill caches
        begun = world.perf_counter()
        answer = client.get(path, base_url="https://a.example")
        size = len(answer.data)
        took.append((world.perf_counter() - begun) * 1000)
        if answer.status_code != 200:
            raise SystemExit(f"{path} was answered {answer.status_code}")
    took = sorted(took[3:])
    yield Figure("desk", f"{name}, median", statistics.median(took), "ms")
    yield Figure("desk", f"{name}, 99th percentile", took[min(int(len(took) * 0.99), len(took) - 1)], "ms")
    yield Figure("desk", f"{name}, its HTML", size / 1000, "kB")
