"""P5 and P8: what an operator sees of the installation, in sickness and in health."""

from __future__ import annotations

import re
import subprocess
import sys
import time as real_time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, insert, text

from service import time
from service.app import app_on
from service.care.lifecycle import Channel, Reason, State
from service.context import Context
from service.nudges import Nudges, QueueName, connect
from service.parts import Parts
from service.records import clinics, counts, heartbeats, notices, senders
from service.records.database import open_database, run
from service.records.ids import new_ids
from service.records.sending_tables import messages, receipts
from tests.ops.conftest import ClinicAtHand


def beat(here: Context, ago: float = 0.0) -> None:
    moment = time.real_now() - timedelta(seconds=ago)
    run(here.engine, lambda connection: heartbeats.beat(connection, "clock", moment))


def failing(client: FlaskClient) -> set[str]:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.content_type == "application/problem+json"
    return {error["pointer"] for error in answer.get_json()["errors"]}


def test_a_living_process_with_nothing_behind_it(here: Context, tmp_path: Path) -> None:
    alone = app_on(
        Parts(
            settings=here.settings,
            engine=open_database("postgresql+psycopg://nobody@127.0.0.1:1/none"),
            sending=here.sending,
            nudges=Nudges(connect(f"unix://{tmp_path}/none.sock")),
        )
    )
    client = alone.test_client()
    assert client.get("/healthz").get_json() == {"status": "ok"}
    assert failing(client) == {"/database", "/redis"}
    metrics = client.get("/metrics")
    assert metrics.status_code == 200
    assert b"aftercare_database_up 0.0" in metrics.data
    assert b"aftercare_redis_up 0.0" in metrics.data
    alone.extensions["aftercare"].engine.dispose()


def test_ready_while_a_clock_looks(client: FlaskClient, here: Context) -> None:
    assert failing(client) == {"/clock"}
    beat(here, ago=31)
    assert failing(client) == {"/clock"}
    beat(here)
    assert client.get("/readyz").get_json() == {"status": "ok"}


def test_an_old_schema_is_not_ready(client: FlaskClient, here: Context) -> None:
    beat(here)
    with here.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    assert failing(client) == {"/schema"}
    with here.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))
    assert client.get("/readyz").status_code == 200


def test_health_answers_carry_the_security_headers(client: FlaskClient) -> None:
    assert client.get("/healthz").headers["X-Content-Type-Options"] == "nosniff"


def message(row_id: int, clinic: ClinicAtHand, state: State, due_at: datetime, **more: Any) -> dict[str, Any]:
    return {
        "id": row_id,
        "clinic_id": clinic.id,
        "step": f"step{row_id}",
        "channel": Channel.SMS,
        "sender": "+12025550100",
        "priority": 1,
        "segments": 1,
        "due_at": due_at,
        "window_until": due_at + timedelta(days=1),
        "state": state,
        "reason": Reason.NOT_YET_DUE,
        "tries": 0,
        "check_at": None,
        **more,
    }


def value(metrics: str, line: str) -> float:
    found = re.search(rf"^{re.escape(line)} (\S+)$", metrics, re.MULTILINE)
    assert found is not None, f"{line} is not among\n{metrics}"
    return float(found.group(1))


def test_metrics_show_how_the_installation_stands(client: FlaskClient, here: Context, clinic: ClinicAtHand) -> None:
    now = time.now()

    def work(connection: Connection) -> None:
        ids = iter(new_ids(20))
        rows = [message(next(ids), clinic, State.PLANNED, now - timedelta(minutes=minutes)) for minutes in (1, 2, 10)]
        rows += [message(next(ids), clinic, State.PLANNED, now + timedelta(days=1)) for _ in range(5)]
        rows += [message(next(ids), clinic, State.QUEUED, now, check_at=now)]
        rows += [
            message(next(ids), clinic, State.SENDING, now, check_at=now, reason=Reason.CHECKING_WITH_PROVIDER)
            for _ in range(2)
        ]
        connection.execute(insert(messages), rows)
        connection.execute(
            insert(receipts).values(
                id=next(ids), event_key="a", channel="sms", status="sent", received_at=now - timedelta(seconds=90)
            )
        )
        notices.raise_notice(connection, "channel_paused", "sms", "20003", now)
        notices.raise_notice(connection, "Ann Lee +12025550123", "x", "y", now)
        senders.pause(connection, Channel.SMS, "+12025550100", "20003", now)
        heartbeats.beat(connection, "clock", time.real_now() - timedelta(seconds=7))

    run(here.engine, work)
    here.nudges.send(QueueName.SMS, [1, 2])
    client.get("/v1/sessions/secret-id")
    client.get("/nowhere/secret-id")
    metrics = client.get("/metrics").text
    expected = {
        'aftercare_messages_overdue{channel="sms",priority="routine"}': 3,
        'aftercare_messages_overdue{channel="sms",priority="urgent"}': 0,
        'aftercare_messages_in_flight{channel="sms",state="queued"}': 1,
        'aftercare_messages_in_flight{channel="sms",state="sending"}': 2,
        'aftercare_messages_in_flight{channel="email",state="sent"}': 0,
        "aftercare_messages_checking": 2,
        "aftercare_replies_unhandled": 0,
        "aftercare_receipts_unapplied": 1,
        'aftercare_notices_open{kind="channel_paused"}': 1,
        'aftercare_notices_open{kind="other"}': 1,
        'aftercare_senders_paused{channel="sms"}': 1,
        'aftercare_senders_closed{channel="email"}': 0,
        'aftercare_queue_jobs{queue="deliver-sms"}': 1,
        'aftercare_rows_last_minute{table="receipts"}': 1,
        'aftercare_http_requests_total{method="GET",rule="/v1/sessions/<path:session_id>",status="401"}': 1,
        'aftercare_http_requests_total{method="GET",rule="(none)",status="404"}': 1,
        "aftercare_database_up": 1,
        "aftercare_redis_up": 1,
    }
    assert {line: value(metrics, line) for line in expected} == expected
    assert 595 < value(metrics, 'aftercare_messages_overdue_seconds{channel="sms"}') < 660
    assert 85 < value(metrics, "aftercare_receipts_unapplied_seconds") < 150
    assert 6 < value(metrics, "aftercare_clock_heartbeat_age_seconds") < 60
    for private in ("secret-id", "Ann", "2025550", str(clinic.id)):
        assert private not in metrics


@pytest.fixture
def crowd(engine: Engine) -> int:
    """A table with far more planned messages than counting may look at."""
    number = 40_000
    soon = time.now() + timedelta(days=3)

    def work(connection: Connection) -> None:
        made = clinics.add(connection, {"name": "a", "display_name": "a", "phone": "1"}, time.now())
        clinic = ClinicAtHand(made.id, "", "")
        senders.ensure(connection, Channel.SMS, "+12025550100", 1.0)
        ids = new_ids(number)
        rows = [message(one, clinic, State.PLANNED, soon if one % 2 else time.now()) for one in ids]
        connection.execute(insert(messages), rows)
        if connection.dialect.name == "postgresql":
            connection.execute(text("ANALYZE messages"))

    run(engine, work)
    return number


def test_counting_stops(engine: Engine, crowd: int) -> None:
    begun = real_time.perf_counter()
    with engine.connect() as connection:
        standing = counts.read(connection, time.now(), time.real_now())
    took = real_time.perf_counter() - begun
    assert standing.overdue[Channel.SMS, "routine"] == counts.MOST < crowd / 2
    assert took < 1.0


COUNT = """
import os, sys
from pathlib import Path
from service.api import metrics
metrics.add_up_in(Path(sys.argv[1]))
if os.fork() == 0:
    requests = metrics.Requests()
    for _ in range(3):
        requests.note("GET", "/healthz", 200, 0.004)
    os._exit(0)
os.wait()
requests = metrics.Requests()
requests.note("GET", "/healthz", 200, 0.004)
print(requests.text().decode())
"""


def test_the_processes_of_one_server_add_up(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", COUNT, str(tmp_path)], capture_output=True, text=True, check=True)
    assert value(done.stdout, 'aftercare_http_requests_total{method="GET",rule="/healthz",status="200"}') == 4
    assert value(done.stdout, 'aftercare_http_request_seconds_bucket{le="0.005",rule="/healthz"}') == 4
