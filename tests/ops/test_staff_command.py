"""`aftercare staff`: the first owner comes in, and somebody who is locked out comes back."""

from __future__ import annotations

from datetime import timedelta

from flask.testing import FlaskClient
from sqlalchemy import text

from commands.staff import staff as command
from service import time
from service.care.roles import Role
from service.context import Context
from service.pages.desk.codes import new_secret
from service.records import clinics, staff
from service.records.database import reading, run
from tests.ops.conftest import ClinicAtHand, Run


def test_the_first_owner(here: Context, clinic: ClinicAtHand, client: FlaskClient, run_command: Run) -> None:
    given = ("--clinic", str(clinic.id), "--name", "Ada Ruiz", "--email", "ada@clinic.example")
    said = run_command(command, "add", *given)
    link = said.stdout.strip()
    assert link.startswith("https://care.example/desk/join/")
    assert client.get(link.removeprefix("https://care.example")).status_code == 200
    assert "already" in run_command(command, "add", *given, status=1).output
    assert "invited" in run_command(command, "list", "--clinic", str(clinic.id)).output
    with reading(here.engine) as connection:
        [one] = staff.of_clinic(connection, here.sending.vault, clinic.id)
        assert (one.role, one.has_joined) == ("owner", False)
        kept = connection.execute(text("SELECT * FROM staff")).one()
    assert link.rpartition("/")[2] not in repr(kept)
    assert "ada@" not in repr(kept)


def test_what_cannot_be_is_refused(clinic: ClinicAtHand, run_command: Run) -> None:
    good = {"--clinic": str(clinic.id), "--name": "Ada", "--email": "ada@clinic.example", "--role": "owner"}
    for option, value, status in (
        ("--clinic", "1", 1), ("--name", " ", 2), ("--name", "A\nB", 2), ("--email", "ada", 2), ("--role", "king", 2),
    ):  # fmt: skip
        arguments = [part for pair in {**good, option: value}.items() for part in pair]
        run_command(command, "add", *arguments, status=status)
    assert "no such" not in run_command(command, "reset", "--clinic", str(clinic.id), "x@y.example", status=1).output


def test_reset_lets_somebody_back_in(here: Context, clinic: ClinicAtHand, run_command: Run) -> None:
    def locked_out(connection):  # type: ignore[no-untyped-def]
        vault = here.sending.vault
        made = staff.add(connection, vault, clinic.id, "Ada", "ada@clinic.example", Role.OWNER, time.now())
        staff.set_password(connection, made.id, "hash")
        staff.offer_codes(connection, vault, made.id, new_secret())
        staff.confirm_codes(connection, made.id, time.now())
        return made.id

    person = run(here.engine, locked_out)
    link = run_command(command, "reset", "--clinic", str(clinic.id), "ADA@clinic.example").stdout.strip()
    with reading(here.engine) as connection:
        found = staff.get(connection, here.sending.vault, clinic.id, person)
        assert (found.has_joined, found.uses_codes) == (False, False)
        token = link.rpartition("/")[2]
        behind = staff.by_join_token(connection, here.sending.vault, token, time.real_now())
        assert behind is not None
        assert behind.id == person


def test_a_keys_use_is_on_record(here: Context, clinic: ClinicAtHand, client: FlaskClient) -> None:
    """To the minute: the clinic sees that its systems are connected."""
    headers = {"Authorization": f"Bearer {clinic.api_key}"}

    def used() -> list[object]:
        with reading(here.engine) as connection:
            return [key["used_at"] for key in clinics.keys_of(connection, clinic.id)]

    assert used() == [None, None]
    with time.held(time.now()):
        first = time.now()
        assert client.get("/v1/alerts", headers=headers).status_code == 200
    assert used() == [first, None]
    with time.held(first + timedelta(seconds=30)):
        client.get("/v1/alerts", headers=headers)
    assert used() == [first, None]
