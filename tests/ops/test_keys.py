"""P8, P3: keys can be changed; afterwards the old one opens nothing there is, and nobody who opted out is lost."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, LargeBinary, delete, select, update

from commands.clinic import clinic as clinic_command
from commands.doctor import doctor
from commands.keys import keys
from commands.patient import patient as patient_command
from service import time
from service.app import create_app
from service.care.lifecycle import Channel, Reason
from service.care.roles import Role
from service.context import Context
from service.records import (
    attempts,
    clinics,
    contacts,
    erasure,
    events,
    optouts,
    patients,
    replies,
    rotation,
    sessions,
    staff,
    suppressions,
)
from service.records.attempts import Draft
from service.records.database import reading, run
from service.records.rotation import HASHED, HASHED_FOR_GOOD, SEALED, rotate
from service.records.schema import metadata
from service.records.sealing import CannotOpen, Vault, new_key
from service.records.sending_tables import attempts as attempt_rows
from service.records.sending_tables import messages as message_rows
from service.records.sending_tables import suppressions as suppression_rows
from service.records.tables import audit
from service.records.tables import patients as patient_rows
from service.settings import Settings
from tests.ops.conftest import ClinicAtHand, Run, session_completed

NOT_KEYED = {
    ("clinic_keys", "digest"), ("events", "digest"), ("staff", "join_key"), ("staff_sessions", "token_key"),
    ("lookup_keys", "proof"),
}  # fmt: skip
"""Plain digests: of random keys and tokens, of a body whose answer is sealed beside it; and of a word that is known."""


def test_every_binary_column_is_known_to_the_rotation() -> None:
    known = {(table.name, column) for table, columns in SEALED.items() for column in columns}
    known |= {(table.name, column) for table, columns in HASHED.items() for column in columns}
    known |= {(table.name, column) for table, columns in HASHED_FOR_GOOD.items() for column in columns}
    present = {
        (table.name, column.name)
        for table in metadata.tables.values()
        for column in table.c
        if isinstance(column.type, LargeBinary)
    }
    assert present - known - NOT_KEYED == set()
    assert known - present == {("patients", "external_id")}  # tombstones of erased patients, as text


@pytest.fixture
def old_key(here: Context) -> str:
    return (here.settings.var / "keys").read_text().strip()


@pytest.fixture
def told(here: Context, client: FlaskClient, clinic: ClinicAtHand) -> ClinicAtHand:
    """A clinic with one patient under the old key, one who opted out, and one erased after opting out."""
    for number in range(3):
        answer = client.post(
            "/v1/events",
            json=session_completed(f"s{number}", time.now() - timedelta(hours=1), phone=f"+1202555012{number}"),
            headers={"Authorization": f"Bearer {clinic.api_key}", "Idempotency-Key": f"k{number}"},
        )
        assert answer.status_code == 202
    vault = here.sending.vault

    def work(connection: Connection) -> None:
        now = time.now()
        for number in (1, 2):
            found = patients.find(connection, vault, clinic.id, f"patient of s{number}")
            assert found is not None
            optouts.opt_out(connection, here.sending, found.id, Channel.SMS, "test", now)
        first = sessions.find(connection, clinic.id, "s0")
        assert first is not None
        sessions.set_baseline(connection, vault, first.id, {"pain": 7})
        message = (
            connection.execute(
                select(message_rows.c.id).where(message_rows.c.session_id == first.id, message_rows.c.channel == "sms")
            )
            .scalars()
            .first()
        )
        assert message is not None
        key = vault.index("+12025550120")
        attempts.write(connection, vault, [Draft(message, 1, "t" * 16, None, "+12025550120", key, "words")], now)
        connection.execute(
            update(message_rows).where(message_rows.c.id == message).values(body=vault.seal("typed", message))
        )
        incoming = replies.Incoming("SM1", Channel.SMS, "+12025550120", "+12025550100", "my knee hurts")
        replies.keep(connection, vault, incoming, now)
        contacts.add(connection, vault, clinic.id, "Dr. Ruiz", "+12025550177", "ruiz@clinic.example", now)
        erasure.erase(connection, vault, clinic.id, "patient of s2", now)
        owner = staff.add(connection, vault, clinic.id, "Ada Ruiz", "ada@clinic.example", Role.OWNER, now)
        staff.offer_codes(connection, vault, owner.id, "JBSWY3DPEHPK3PXP")

    run(here.engine, work)
    return clinic


def everything_opens(engine: Engine, vault: Vault) -> int:
    opened = 0
    with reading(engine) as connection:
        for table, columns in SEALED.items():
            for row in connection.execute(select(table)):
                for name in columns:
                    blob = getattr(row, name)
                    if blob:
                        vault.open_bytes(blob, row.id)
                        opened += 1
    return opened


def check_lookups(engine: Engine, vault: Vault, clinic: ClinicAtHand) -> None:
    with reading(engine) as connection:
        assert len(patients.by_address(connection, vault, Channel.SMS, "+12025550120")) == 1
        assert len(patients.by_address(connection, vault, Channel.EMAIL, "ANN@patient.example")) == 2
        for address, reason in (("+12025550121", Reason.OPTED_OUT), ("+12025550122", Reason.OPTED_OUT)):
            standing = suppressions.standing(connection, Channel.SMS, vault.indexes(address))
            assert set(standing.values()) == {reason}, address
        erased = patients.find(connection, vault, clinic.id, "patient of s2")
        assert erased is not None
        assert erased.erased_at is not None
        assert [key.clinic_id for key, _ in clinics.webhook_secrets(connection, vault, time.now())] == [clinic.id]
        owner = staff.by_email(connection, vault, "ADA@clinic.example")
        assert owner is not None
        assert owner.totp_secret == "JBSWY3DPEHPK3PXP"
        answered = events.earlier_answer(connection, vault, clinic.id, "k0", b"")
        assert answered is not None
        assert answered.status == 202


def test_after_a_rotation_the_old_key_is_not_needed_to_open_anything(
    here: Context, told: ClinicAtHand, old_key: str
) -> None:
    fresh = new_key()
    both = Vault(f"{fresh},{old_key}")
    sealed = everything_opens(here.engine, both)
    check_lookups(here.engine, both, told)
    seen: dict[str, int] = {}
    done = rotate(here.engine, both, on_progress=seen.__setitem__)
    assert done.resealed == sealed > 15
    assert seen["patients"] == 2  # the erased one holds nothing sealed
    old_id = both.key_ids[1]
    # Of the erased patient: the opt-out and the tombstone; and the words of the attempt that is not settled.
    assert done.left == {old_id: 3}
    after = Vault(f"{fresh},{both.index_only(old_id)}")
    assert everything_opens(here.engine, after) == sealed
    check_lookups(here.engine, after, told)
    with reading(here.engine) as connection:
        assert len(patients.by_address(connection, Vault(fresh), Channel.SMS, "+12025550120")) == 1
        keyed = suppressions.standing(connection, Channel.SMS, [Vault(fresh).index("+12025550121")])
        assert len(keyed) == 1  # made anew from the patient's own address
    with pytest.raises(CannotOpen):
        everything_opens(here.engine, Vault(old_key))
    again = rotate(here.engine, both)
    assert (again.resealed, again.rehashed, again.left) == (0, 0, done.left)


def test_an_interrupted_rotation_goes_on(
    here: Context, told: ClinicAtHand, old_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "BATCH", 1)
    fresh = new_key()
    both = Vault(f"{fresh},{old_key}")

    def stop(table: str, looked: int) -> None:
        if (table, looked) == ("patients", 1):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotate(here.engine, both, on_progress=stop)
    check_lookups(here.engine, both, told)
    assert rotate(here.engine, both).resealed > 0
    everything_opens(here.engine, Vault(f"{fresh},{both.index_only(both.key_ids[1])}"))
    check_lookups(here.engine, both, told)


def test_the_command_says_what_to_do_with_the_old_key(
    here: Context, told: ClinicAtHand, old_key: str, run_command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "only one key" in run_command(keys, "rotate", status=1).output
    fresh = run_command(keys, "new").output.splitlines()[0]
    Vault(fresh)
    monkeypatch.setenv("AFTERCARE_KEYS", f"{fresh},{old_key}")
    said = json.loads(run_command(keys, "rotate", "--json").output)
    assert said["remove"] == []
    [index_only] = said["replace"].values()
    assert old_key.split(":")[-1] not in index_only
    monkeypatch.setenv("AFTERCARE_KEYS", f"{fresh},{index_only}")
    text = run_command(keys, "rotate").output
    assert "opt-outs" in text
    everything_opens(here.engine, Vault(f"{fresh},{index_only}"))


def test_p3_nothing_starts_without_a_former_key_that_finds_stops(
    here: Context, told: ClinicAtHand, old_key: str, run_command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = new_key()
    both = Vault(f"{fresh},{old_key}")
    old = both.key_ids[1]
    index_only = both.index_only(old)
    monkeypatch.setenv("AFTERCARE_KEYS", f"{fresh},{old_key}")
    client = create_app(Settings()).test_client()
    run_command(keys, "rotate")
    for without in (fresh, f"{fresh},{new_key()}", f"{fresh},{old}:index:{new_key().partition(':')[2]}"):
        monkeypatch.setenv("AFTERCARE_KEYS", without)
        assert f"are found by: {old}." in run_command(clinic_command, "list", status=1).output
        assert f"lacks {old}, by which" in run_command(doctor, "--offline", status=1).output
    monkeypatch.setenv("AFTERCARE_KEYS", f"{fresh},{index_only}")
    run_command(clinic_command, "list")
    assert "/keys" not in {error["pointer"] for error in client.get("/readyz").get_json()["errors"]}

    with here.engine.begin() as connection:
        connection.execute(delete(suppression_rows))
        connection.execute(update(patient_rows).where(patient_rows.c.erased_at.is_not(None)).values(external_id="gone"))
        connection.execute(update(attempt_rows).values(outcome="accepted"))
    run_command(keys, "rotate")
    monkeypatch.setenv("AFTERCARE_KEYS", fresh)
    run_command(clinic_command, "list")


def test_p3_who_goes_back_to_the_old_key_keeps_the_new_one(
    here: Context, told: ClinicAtHand, old_key: str, run_command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STOPs that came in under the new key are found by it only."""
    fresh = new_key()
    monkeypatch.setenv("AFTERCARE_KEYS", f"{fresh},{old_key}")
    run_command(clinic_command, "list")
    monkeypatch.setenv("AFTERCARE_KEYS", old_key)
    assert f"are found by: {Vault(fresh).key_ids[0]}." in run_command(clinic_command, "list", status=1).output
    monkeypatch.setenv("AFTERCARE_KEYS", f"{old_key},{fresh}")
    run_command(keys, "rotate")
    monkeypatch.setenv("AFTERCARE_KEYS", old_key)
    run_command(clinic_command, "list")


def test_a_missing_key_is_named_not_guessed(
    here: Context, told: ClinicAtHand, run_command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFTERCARE_KEYS", f"{new_key()},{new_key()}")
    assert "do not open this database" in run_command(keys, "rotate", status=1).output


def test_a_clean_installation_lets_the_old_key_go(
    here: Context, clinic: ClinicAtHand, old_key: str, run_command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = new_key()
    monkeypatch.setenv("AFTERCARE_KEYS", f"{fresh},{old_key}")
    said = json.loads(run_command(keys, "rotate", "--json").output)
    assert said["replace"] == {}
    assert said["remove"] == [Vault(old_key).key_ids[0]]
    with reading(here.engine) as connection:
        [(_, secret)] = clinics.webhook_secrets(connection, Vault(fresh), time.now())
    assert secret == clinic.webhook_secret


@pytest.mark.parametrize(
    "bad",
    [
        "a:b",
        "k1:index:AAAA",
        "k1:other:" + "A" * 43 + "=",
        "x" * 17 + ":" + "A" * 43 + "=",
        "k1:index:" + "A" * 43 + "=",
    ],
)
def test_bad_keys_are_refused_without_repeating_them(bad: str) -> None:
    with pytest.raises(ValueError, match="AFTERCARE_KEYS") as error:
        Vault(bad)
    assert bad not in str(error.value)


def test_export_and_erasure_from_the_command_line(here: Context, told: ClinicAtHand, run_command: Run) -> None:
    who = ("--clinic", str(told.id), "patient of s0")
    held = json.loads(run_command(patient_command, "export", *who).output)
    assert held["patient"]["phone"] == "+12025550120"
    assert held["messages"]
    run_command(patient_command, "erase", *who, status=1, answers="n\n")
    assert json.loads(run_command(patient_command, "export", *who).output)["patient"]["given_name"] == "Ann"
    assert "erased" in run_command(patient_command, "erase", *who, "--yes").output
    assert "no such patient" in run_command(patient_command, "export", *who, status=1).output
    assert "no such patient" in run_command(patient_command, "erase", *who, "--yes", status=1).output
    with reading(here.engine) as connection:
        noted = connection.execute(select(audit.c.action)).scalars().all()
        assert noted.count("patient.export") == 2
        assert noted.count("patient.erase") == 1
        phones = connection.execute(select(patient_rows.c.phone).where(patient_rows.c.erased_at.is_not(None))).scalars()
        assert set(phones) == {None}
