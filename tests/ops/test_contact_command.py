"""`aftercare contact`, and what every command says of settings and databases that it cannot work with."""

from __future__ import annotations

from pathlib import Path

import pytest
from click import Command

from commands.clinic import clinic as clinic_command
from commands.contact import contact
from commands.demo import demo
from commands.main import up
from commands.protocol import protocol
from commands.serve import clock, migrate, web, worker
from commands.webhook import webhook
from service.context import Context
from service.records import contacts
from service.records.database import reading
from service.records.tables import audit
from tests.ops.conftest import ClinicAtHand, Run

KIM = ("--name", "Nurse Kim", "--phone", "+12025550111")


def test_a_contact_comes_and_goes_and_both_are_in_the_audit(
    here: Context, clinic: ClinicAtHand, run_command: Run
) -> None:
    of = ("--clinic", str(clinic.id))
    made = run_command(contact, "add", *of, *KIM).output.strip()
    assert "Nurse Kim" in run_command(contact, "list", *of).output
    run_command(contact, "remove", *of, made)
    assert "no such contact" in run_command(contact, "remove", *of, made, status=1).output
    with reading(here.engine) as connection:
        assert contacts.of_clinic(connection, here.sending.vault, clinic.id) == []
    with here.engine.connect() as connection:
        lines = connection.execute(audit.select().order_by(audit.c.id)).all()
    said = [(line.clinic_id, line.actor, line.action, line.subject) for line in lines]
    assert said[-2:] == [
        (clinic.id, "command line", "contact.add", f"contact {made}"),
        (clinic.id, "command line", "contact.remove", f"contact {made}"),
    ]


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (contact, ("list", "--clinic", "999")),
        (contact, ("add", "--clinic", "999", *KIM)),
        (contact, ("remove", "--clinic", "999", "1")),
        (webhook, ("list", "999")),
        (webhook, ("add", "999", "https://clinic.example/h")),
    ],
)
def test_a_clinic_that_is_not_there_is_said(
    here: Context, run_command: Run, command: Command, arguments: tuple[str, ...]
) -> None:
    assert "there is no clinic of that id" in run_command(command, *arguments, status=1).output


@pytest.mark.parametrize("name", ["Nurse\nKim", "Nurse\u2028Kim", " "])
def test_names_are_one_line(clinic: ClinicAtHand, run_command: Run, name: str) -> None:
    of = ("--clinic", str(clinic.id))
    said = run_command(contact, "add", *of, "--name", name, "--phone", "+12025550111", status=1).output
    assert "name" in said
    assert "one line" in run_command(clinic_command, "add", "--name", name, status=2).output
    assert "one line" in run_command(protocol, "approve", *of, "--by", name, status=2).output


@pytest.mark.parametrize("arguments", [("list", "--clinic", "1"), ("add", "--clinic", "1", *KIM)])
def test_p8_a_database_without_tables_is_said_without_a_traceback(
    run_command: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("AFTERCARE_DATABASE_URL", f"sqlite:///{tmp_path}/empty.db")
    said = run_command(contact, *arguments, status=1).output
    assert said == "Error: the database is not migrated; run `aftercare migrate` first\n"


@pytest.mark.parametrize(
    ("command", "arguments"), [(migrate, ()), (web, ()), (clock, ()), (worker, ("--queue", "hooks")), (up, ())]
)
def test_p8_a_setting_that_cannot_be_used_is_named_and_not_repeated(
    run_command: Run, monkeypatch: pytest.MonkeyPatch, command: Command, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("AFTERCARE_PORT", "99999")
    said = run_command(command, *arguments, status=1).output
    assert said.startswith("Error: the settings cannot be used:\n  AFTERCARE_PORT: ")
    assert "99999" not in said


@pytest.mark.parametrize("arguments", [("--speed", "0"), ("--speed", "-1"), ("--once", "--patients", "0")])
def test_a_demonstration_needs_a_pace_and_a_patient(run_command: Run, arguments: tuple[str, ...]) -> None:
    assert "is not in the range" in run_command(demo, *arguments, status=2).output
