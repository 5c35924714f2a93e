"""`aftercare protocol`: problems with their lines, the calendar, and what an approval sets going (P7, P4)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, select, update

from commands.clinic import clinic as clinic_command
from commands.protocol import protocol
from service import time
from service.care.lifecycle import Reason, State
from service.context import Context
from service.records import messages, protocols, sessions, switching, waiting
from service.records.database import reading, run
from service.records.sending_tables import messages as rows
from service.records.tables import audit
from tests.ops.conftest import DEFAULT_PROTOCOL, ClinicAtHand, Run, session_completed

TEXT = DEFAULT_PROTOCOL.read_text()


def edited(tmp_path: Path, *changes: tuple[str, str]) -> str:
    text = TEXT
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    path = tmp_path / f"edited{abs(hash(changes))}.yaml"
    path.write_text(text)
    return str(path)


def test_lint_is_content_with_the_default(run_command: Run) -> None:
    assert "nothing to mend" in run_command(protocol, "lint", str(DEFAULT_PROTOCOL)).output


def test_lint_points_at_lines_and_fails(run_command: Run, tmp_path: Path) -> None:
    path = edited(tmp_path, ("{clinic}: ", "{clinik}: "))
    line = 1 + Path(path).read_text().split("{clinik}")[0].count("\n")
    output = run_command(protocol, "lint", str(DEFAULT_PROTOCOL), path, status=1).output
    assert f"{path}:{line - 1}:" in output  # where the folded text begins
    assert "unknown placeholder" in output
    broken = tmp_path / "broken.yaml"
    broken.write_text("name: [")
    assert f"{broken}:" in run_command(protocol, "lint", str(broken), status=1).output


def test_preview_draws_the_patients_calendar(run_command: Run) -> None:
    arguments = ("preview", "--ended-at", "2026-03-02T17:50", "--timezone", "America/Denver")
    output = run_command(protocol, *arguments).output
    assert "Mon 02 Mar 2026 18:05" in output  # 15 minutes after the session
    assert "Tue 03 Mar 2026 09:30" in output
    drawn = json.loads(run_command(protocol, *arguments, "--json", "--locale", "es-MX").output)
    day7 = next(row for row in drawn if row["step"] == "day7")
    assert day7["at"] == "2026-03-09T09:30:00-06:00"  # the clock changed on the 8th; half past nine stays
    assert all(row["segments"] == 1 for row in drawn if row["channel"] == "sms")
    assert "STOP" in next(row["text"] for row in drawn if row["step"] == "welcome" and row["channel"] == "sms")


def test_preview_shows_holds_and_skips(run_command: Run) -> None:
    late = run_command(protocol, "preview", "--ended-at", "2026-03-02T21:30:00-07:00", "--timezone", "America/Denver")
    assert "held 10 h 15 min by quiet hours" in late.output
    assert "not sent: The session ended too late" in late.output
    assert "only if unanswered" in late.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["--timezone", "Denver"],
        ["--timezone", "../etc/passwd"],
        ["--ended-at", "yesterday"],
        ["--ended-at", "2026-03-02", "--next-session-at", "2026-03-01"],
    ],
)
def test_preview_refuses_what_it_cannot_draw(run_command: Run, arguments: list[str]) -> None:
    run_command(protocol, "preview", *arguments, status=2)


def held_clinic(run_command: Run) -> ClinicAtHand:
    made = json.loads(run_command(clinic_command, "add", "--json", "--timezone", "America/Denver").output)
    return ClinicAtHand(int(made["id"]), made["api_key"], made["webhook_secret"])


def post(client: FlaskClient, clinic: ClinicAtHand, key: str, ended_at: datetime) -> None:
    answer = client.post(
        "/v1/events",
        json=session_completed(key, ended_at),
        headers={"Authorization": f"Bearer {clinic.api_key}", "Idempotency-Key": key},
    )
    assert answer.status_code == 202, answer.text


def plan_of(engine: Engine, clinic: ClinicAtHand, session: str) -> dict[str, dict[str, Any]]:
    with reading(engine) as connection:
        found = sessions.find(connection, clinic.id, session)
        assert found is not None
        return {f"{row['step']} {row['channel']}": row for row in messages.of_session(connection, found.id)}


def protocol_of(engine: Engine, clinic: ClinicAtHand, session: str) -> int:
    with reading(engine) as connection:
        found = sessions.find(connection, clinic.id, session)
        assert found is not None
        assert found.protocol_id is not None
        return protocols.version(connection, found.protocol_id).version


def go_over(here: Context) -> None:
    """What clocks do until nobody is left."""
    while run(here.engine, lambda connection: waiting.at(connection, time.now(), time.now())).switches:
        run(here.engine, lambda connection: switching.next_part(connection, here.sending, time.now()))


def test_approval_wakes_what_was_held(run_command: Run, client: FlaskClient, here: Context) -> None:
    clinic = held_clinic(run_command)
    post(client, clinic, "s1", time.now() - timedelta(hours=1))
    later = time.now() + timedelta(hours=6)

    def hold(connection: Connection) -> None:
        connection.execute(
            update(rows).where(rows.c.step == "welcome").values(due_at=later, reason=Reason.NOT_APPROVED)
        )

    run(here.engine, hold)
    done = json.loads(run_command(protocol, "approve", "--clinic", str(clinic.id), "--by", "Dr. Ruiz", "--json").output)
    assert done == {"version": 1, "approved_by": "Dr. Ruiz", "followers": "waiting"}
    go_over(here)
    welcome = plan_of(here.engine, clinic, "s1")["welcome sms"]
    assert (welcome["state"], welcome["reason"]) == (State.PLANNED, Reason.NOT_YET_DUE)
    assert welcome["due_at"] <= datetime.now(UTC)
    with reading(here.engine) as connection:
        signed = connection.execute(select(audit.c.actor, audit.c.action)).all()
        assert ("Dr. Ruiz", "protocol.approve") in {tuple(row) for row in signed}


def test_what_came_under_a_draft_follows_the_version_that_is_approved(
    run_command: Run, client: FlaskClient, here: Context, tmp_path: Path
) -> None:
    clinic = held_clinic(run_command)
    number = str(clinic.id)
    run_command(protocol, "add", "--clinic", number, edited(tmp_path, ("still open", "open still")))
    post(client, clinic, "s1", time.now() - timedelta(hours=1))
    assert protocol_of(here.engine, clinic, "s1") == 2
    run_command(protocol, "approve", "--clinic", number, "--version", "1", "--by", "Dr. Ruiz")
    go_over(here)
    assert protocol_of(here.engine, clinic, "s1") == 1


def test_p3_those_under_way_follow_where_somebody_asked_for_it(
    run_command: Run, client: FlaskClient, here: Context, clinic: ClinicAtHand, tmp_path: Path
) -> None:
    post(client, clinic, "s1", time.now() - timedelta(hours=1))
    before = plan_of(here.engine, clinic, "s1")
    wording = edited(tmp_path, ("still open", "open still"))
    number = str(clinic.id)
    assert "version 2" in run_command(protocol, "add", "--clinic", number, wording).output
    assert protocol_of(here.engine, clinic, "s1") == 1
    approve = ("approve", "--clinic", number, "--by", "Dr. Ruiz")
    assert "other plans stay as they are" in run_command(protocol, *approve).output
    go_over(here)
    assert protocol_of(here.engine, clinic, "s1") == 1, "P3: nobody asked for those under way"
    timing = edited(tmp_path, ("    day: 7\n", "    day: 8\n"))
    run_command(protocol, "add", "--clinic", number, timing)
    assert "patient by patient" in run_command(protocol, *approve, "--everybody").output
    assert plan_of(here.engine, clinic, "s1") == before, "the clock does it, part by part"
    go_over(here)
    assert protocol_of(here.engine, clinic, "s1") == 3
    after = plan_of(here.engine, clinic, "s1")
    assert after["day7 sms"]["due_at"] - before["day7 sms"]["due_at"] in {
        timedelta(hours=23), timedelta(days=1), timedelta(hours=25)
    }  # fmt: skip
    assert after["day3 sms"]["due_at"] == before["day3 sms"]["due_at"]
    # The first signature stays, and puts nobody back.
    again = run_command(protocol, "approve", "--clinic", number, "--version", "1", "--by", "X", "--everybody").output
    assert "is approved already, by Dr. Test" in again
    go_over(here)
    assert protocol_of(here.engine, clinic, "s1") == 3


def test_wording_alone_keeps_due_times(
    run_command: Run, client: FlaskClient, here: Context, clinic: ClinicAtHand, tmp_path: Path
) -> None:
    post(client, clinic, "s1", time.now() - timedelta(hours=1))
    before, number = plan_of(here.engine, clinic, "s1"), str(clinic.id)
    run_command(protocol, "add", "--clinic", number, edited(tmp_path, ("still open", "open still")))
    run_command(protocol, "approve", "--clinic", number, "--by", "Dr. Ruiz", "--everybody")
    go_over(here)
    assert protocol_of(here.engine, clinic, "s1") == 2
    assert plan_of(here.engine, clinic, "s1") == before


def test_bad_protocols_are_neither_stored_nor_approved(run_command: Run, clinic: ClinicAtHand, tmp_path: Path) -> None:
    path = edited(tmp_path, ("{clinic}: ", "{clinik}: "))
    assert "nothing was stored" in run_command(protocol, "add", "--clinic", str(clinic.id), path, status=1).output
    number = str(clinic.id)
    assert (
        "no such version"
        in run_command(protocol, "approve", "--clinic", number, "--version", "2", "--by", "X", status=1).output
    )
    run_command(protocol, "approve", "--clinic", number, "--by", " ", status=2)
    assert "no clinic" in run_command(protocol, "approve", "--clinic", "1", "--by", "X", status=1).output
