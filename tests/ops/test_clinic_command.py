"""`aftercare clinic`: what a new clinic gets, and what is refused with a reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import Engine, select
from standardwebhooks import Webhook

from commands.clinic import clinic
from service import time
from service.care.contact import check_hours, dialled_phone, opening_hours
from service.records import clinics, protocols, senders
from service.records.database import reading
from service.records.tables import audit
from tests.ops.conftest import Run


def added(run_command: Run, *arguments: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(run_command(clinic, "add", "--json", *arguments).output)
    return made


def test_a_clinic_without_any_option_waits_for_approval(run_command: Run, engine: Engine) -> None:
    made = added(run_command)
    assert made["protocol"] == {"name": "prolotherapy", "version": 1, "approved_by": None}
    assert made["api_key"].startswith("ak_")
    Webhook(made["webhook_secret"])
    with reading(engine) as connection:
        known = clinics.get(connection, int(made["id"]))
        assert (known.name, known.phone, known.emergency_number) == ("Demo Clinic", "800-555-0100", "911")
        key = clinics.api_key(connection, made["api_key"], time.now())
        assert key is not None
        assert key.clinic_id == known.id
        assert protocols.parsed(connection, protocols.of_clinic(connection, known.id)[0].id).name == "prolotherapy"
        assert "clinic.add" in connection.execute(select(audit.c.action)).scalars().all()


def test_every_option_is_kept(run_command: Run, engine: Engine) -> None:
    made = added(
        run_command, "--name", "Bay Pain", "--display-name", "Bay Clinic", "--phone", "(020) 7946 0958",
        "--timezone", "Europe/London", "--locale", "es", "--emergency-number", "999", "--hours", "Lu-Sa 8-16",
        "--email", "desk@bay.example", "--sender", "MG" + "0" * 32, "--approved-by", "Dr. Ruiz",
    )  # fmt: skip
    assert made["protocol"]["approved_by"] == "Dr. Ruiz"
    with reading(engine) as connection:
        known = clinics.get(connection, int(made["id"]))
        assert (known.phone, known.email, known.locale) == ("02079460958", "desk@bay.example", "es")
        assert known.opening["sat"] == ["08:00", "16:00"]
        assert "sun" not in known.opening
        assert [one.sender for one in senders.all_of(connection)] == ["MG" + "0" * 32]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--display-name", "Bay Prolotherapy"], "names a treatment"),
        (["--display-name", "The Very Long Clinic Name"], "18"),
        (["--phone", "12"], "possible"),
        (["--phone", "+4930123456789012"], ""),
        (["--timezone", "Denver"], "IANA"),
        (["--hours", "always"], "Mo-Fr"),
        (["--hours", "Mo-Fr 17-9"], "order"),
        (["--emergency-number", "call us"], "digits"),
        (["--email", "nowhere"], "e-mail"),
        (["--sender", "12025550100"], "+1"),
        (["--locale", "fr"], "en"),
    ],
)
def test_refuses_with_a_reason(run_command: Run, engine: Engine, arguments: Sequence[str], said: str) -> None:
    result = run_command(clinic, "add", *arguments, status=2)
    assert said in result.output
    with reading(engine) as connection:
        assert clinics.all_of(connection) == []


@pytest.mark.parametrize(
    ("phone", "timezone", "number"),
    [
        ("202-555-0100", "America/Denver", "911"),
        ("+14165550100", "America/Toronto", "911"),
        ("+34911234567", "Europe/Madrid", "112"),
        ("+34911234567", "America/New_York", "112"),
        ("020 7946 0958", "Europe/London", "999"),
        ("02 9123 4567", "Australia/Sydney", "000"),
    ],
)
def test_patients_are_told_the_emergency_number_of_their_country(
    run_command: Run, engine: Engine, phone: str, timezone: str, number: str
) -> None:
    made = added(run_command, "--phone", phone, "--timezone", timezone)
    with reading(engine) as connection:
        assert clinics.get(connection, int(made["id"])).emergency_number == number


def test_where_the_country_is_not_plain_the_number_must_be_said(run_command: Run, engine: Engine) -> None:
    abroad = ("add", "--phone", "+6561234567", "--timezone", "Asia/Singapore")
    refused = run_command(clinic, *abroad, status=2)
    assert "--emergency-number" in refused.output
    made = run_command(clinic, *abroad, "--emergency-number", "995", "--json")
    assert "Look again" not in made.output
    with reading(engine) as connection:
        assert [one.emergency_number for one in clinics.all_of(connection)] == ["995"]


def test_a_number_that_brings_no_help_is_kept_and_warned_of(run_command: Run, engine: Engine) -> None:
    made = run_command(clinic, "add", "--timezone", "Europe/Madrid", "--emergency-number", "911")
    assert "by its time zone the clinic is in Spain" in made.output
    home = added(run_command)
    moved = run_command(clinic, "change", home["id"], "--timezone", "Europe/Madrid")
    assert "call 911" in moved.output, "said, and not changed behind the clinic's back"
    with reading(engine) as connection:
        assert [one.emergency_number for one in clinics.all_of(connection)] == ["911", "911"]


def test_keys_come_and_go(run_command: Run, engine: Engine) -> None:
    made = added(run_command)
    second = json.loads(run_command(clinic, "key", "new", made["id"], "--json").output)["key"]
    secret = run_command(clinic, "key", "new", made["id"], "--kind", "webhook").output.strip()
    assert secret.startswith("whsec_")
    keys = json.loads(run_command(clinic, "key", "list", made["id"], "--json").output)
    assert [one["kind"] for one in keys] == ["api", "webhook", "api", "webhook"]
    assert second not in run_command(clinic, "key", "list", made["id"]).output
    run_command(clinic, "key", "revoke", made["id"], keys[0]["id"])
    run_command(clinic, "key", "revoke", made["id"], keys[0]["id"], status=1)
    with reading(engine) as connection:
        assert clinics.api_key(connection, made["api_key"], time.now()) is None
        living = clinics.api_key(connection, second, time.now())
        assert living is not None
        assert living.clinic_id == int(made["id"])
    assert "no clinic" in run_command(clinic, "key", "new", "1", status=1).output


def test_list_shows_what_waits(run_command: Run) -> None:
    assert "no clinic yet" in run_command(clinic, "list").output
    made = added(run_command)
    text = run_command(clinic, "list").output
    assert made["id"] in text
    assert "waits for approval" in text
    assert made["api_key"] not in text
    assert json.loads(run_command(clinic, "list", "--json").output)[0]["id"] == made["id"]


def test_an_unmigrated_database_and_bad_settings_say_what_to_do(
    run_command: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("AFTERCARE_DATABASE_URL", f"sqlite:///{tmp_path}/new.db")
    assert "aftercare migrate" in run_command(clinic, "list", status=1).output
    monkeypatch.setenv("AFTERCARE_KEYS", "k1:c2VjcmV0")
    text = run_command(clinic, "list", status=1).output
    assert "AFTERCARE_KEYS" in text
    assert "c2VjcmV0" not in text
    monkeypatch.setenv("AFTERCARE_BATCH_SIZE", "many")
    assert "AFTERCARE_BATCH_SIZE" in run_command(clinic, "list", status=1).output


@pytest.mark.parametrize(
    ("number", "emergency", "shown"),
    [
        ("+1 800 555 0100", "911", "800-555-0100"),
        ("8005550100", "911", "800-555-0100"),
        ("+1 800 555 0100", "112", "+18005550100"),
        ("+44 20 7946 0958", "999", "02079460958"),
        ("(02) 9999 0000", "000", "0299990000"),
        ("+33 1 23 45 67 89", "112", "+33123456789"),
    ],
)
def test_phones_as_patients_dial_them(number: str, emergency: str, shown: str) -> None:
    assert dialled_phone(number, emergency) == shown


@pytest.mark.parametrize("number", ["", "abc", "555", "+4930123456789", "0123"])
def test_phones_that_cannot_stand_in_a_text(number: str) -> None:
    with pytest.raises(ValueError, match=r"number|characters"):
        dialled_phone(number, "112")


@pytest.mark.parametrize(
    ("hours", "days", "first"),
    [
        ("Mo-Fr 9-17", 5, ["09:00", "17:00"]),
        ("Lu-Vi 9-17", 5, ["09:00", "17:00"]),
        ("Tu 8:30-12", 1, ["08:30", "12:00"]),
        ("Mon-Sun 0-23", 7, ["00:00", "23:00"]),
    ],
)
def test_hours_in_words_and_for_programs(hours: str, days: int, first: list[str]) -> None:
    check_hours(hours)
    assert len(opening_hours(hours)) == days
    assert next(iter(opening_hours(hours).values())) == first


@pytest.mark.parametrize(
    "hours", ["", "Mo–Fr 9–17", "Monday-Friday 9-17", "24/7", "Fr-Mo 9-17", "Mo-Fr 9-25", "xx 9-17"]
)
def test_hours_that_cannot_be_kept(hours: str) -> None:
    def check() -> None:
        check_hours(hours)
        opening_hours(hours)

    with pytest.raises(ValueError, match="must"):
        check()


def test_another_time_zone_plans_anew(run_command: Run, engine: Engine) -> None:
    made = added(run_command)
    answer = run_command(clinic, "change", made["id"], "--timezone", "America/Denver", "--messages", "09:00-20:00")
    assert "the clock plans anew what still waits" in answer.output
    with reading(engine) as connection:
        after = clinics.get(connection, int(made["id"]))
    assert (after.timezone, after.quiet_from, after.quiet_until) == ("America/Denver", "09:00", "20:00")
    assert after.planned_anew_after == 0
    assert "it was so before" in run_command(clinic, "change", made["id"], "--timezone", "America/Denver").output


@pytest.mark.parametrize(
    "wrong", [("--timezone", "Mars/Olympus"), ("--messages", "07:00-21:00"), ("--messages", "soon"), ()]
)
def test_p4_the_command_keeps_to_the_law_too(run_command: Run, engine: Engine, wrong: Sequence[str]) -> None:
    made = added(run_command)
    assert run_command(clinic, "change", made["id"], *wrong, status=2).output
    with reading(engine) as connection:
        after = clinics.get(connection, int(made["id"]))
    assert (after.timezone, after.quiet_from, after.quiet_until) == ("America/New_York", "08:00", "21:00")
