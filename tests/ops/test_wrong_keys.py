"""P3: keys that are not this database's would forget every STOP; nothing runs with them."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, func, insert, select, update

from commands.clinic import clinic as clinic_command
from commands.doctor import doctor
from commands.keys import keys
from commands.processes import PROCESSES
from commands.up import AFTERCARE
from service.app import create_app
from service.context import Context
from service.records.database import reading, run
from service.records.key_check import WrongKeys, open_vault
from service.records.sealing import Vault, new_key
from service.records.tables import key_check, lookup_keys
from tests.ops.conftest import Run


@pytest.mark.slow
def test_p3_nothing_starts_with_other_keys(here: Context, run_command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    other = new_key()
    monkeypatch.setenv("AFTERCARE_KEYS", other)
    said = [run_command(clinic_command, command, status=1).output for command in ("list", "add")]
    processes = [
        subprocess.Popen([*AFTERCARE, *PROCESSES[name]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for name in ("web", "clock", "deliver-sms")
    ]
    said += [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [1, 1, 1]
    for text in said:
        assert text.startswith("Error: the keys at hand do not open this database. Put back the keys")
        assert other not in text


def test_p3_a_lost_key_file_is_not_made_anew(here: Context, run_command: Run) -> None:
    file = here.settings.var / "keys"
    held = file.read_text()
    file.unlink()
    assert f"its key file as {file}" in run_command(clinic_command, "list", status=1).output
    assert "sealed values: no key at hand" in run_command(doctor, "--offline", status=1).output
    with pytest.raises(WrongKeys):
        create_app(here.settings)
    assert not file.exists()
    file.write_text(held)
    run_command(clinic_command, "list")


@pytest.mark.parametrize("keys_at_hand", [True, False])
def test_a_clock_beside_a_database_that_does_not_answer_ends_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys_at_hand: bool
) -> None:
    monkeypatch.setenv("AFTERCARE_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("AFTERCARE_VAR", str(tmp_path))
    monkeypatch.setenv("AFTERCARE_KEYS", new_key() if keys_at_hand else "")
    ended = subprocess.run([*AFTERCARE, *PROCESSES["clock"]], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert ended.stderr.endswith("Error: the database does not answer (OperationalError); see `aftercare doctor`\n")
    assert ("the keys were not tried on it" in ended.stderr) == keys_at_hand
    assert not (tmp_path / "keys").exists()


def test_p3_a_process_that_runs_on_over_another_database_is_not_ready(here: Context, client: FlaskClient) -> None:
    assert "/keys" not in {error["pointer"] for error in client.get("/readyz").get_json()["errors"]}
    run(here.engine, lambda c: c.execute(update(key_check).values(sealed=Vault(new_key()).seal("aftercare", 1))))
    wrong = {error["pointer"]: error["detail"] for error in client.get("/readyz").get_json()["errors"]}
    assert "put back those" in wrong["/keys"]


def test_p3_a_process_without_a_key_that_finds_stops_is_not_ready(here: Context, client: FlaskClient) -> None:
    run(here.engine, lambda c: c.execute(insert(lookup_keys).values(key_id="gone", proof=b"of another")))
    wrong = {error["pointer"]: error["detail"] for error in client.get("/readyz").get_json()["errors"]}
    assert wrong["/keys"].startswith("lack gone, which finds some STOPs")


def test_an_old_key_opens_the_database_until_the_rotation_is_done(
    here: Context, run_command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, fresh = (here.settings.var / "keys").read_text().strip(), new_key()
    monkeypatch.setenv("AFTERCARE_KEYS", fresh)
    run_command(clinic_command, "list", status=1)
    monkeypatch.setenv("AFTERCARE_KEYS", f"{fresh},{old}")
    run_command(clinic_command, "list")
    run_command(keys, "rotate")
    monkeypatch.setenv("AFTERCARE_KEYS", fresh)
    run_command(clinic_command, "list")
    monkeypatch.setenv("AFTERCARE_KEYS", old)
    run_command(clinic_command, "list", status=1)


def test_processes_that_start_at_once_agree_on_one_key(engine: Engine, tmp_path: Path) -> None:
    together = Barrier(9)

    def start(_number: int) -> Vault:
        together.wait()
        return open_vault(engine, "", tmp_path / "var" / "keys")

    with ThreadPoolExecutor(9) as threads:
        vaults = list(threads.map(start, range(9)))
    assert len({vault.key_ids[0] for vault in vaults}) == 1
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["keys"]
    assert (tmp_path / "var" / "keys").stat().st_mode & 0o077 == 0


def test_of_machines_that_make_keys_at_once_one_stays(engine: Engine, tmp_path: Path) -> None:
    together = Barrier(6)

    def start(number: int) -> bool:
        together.wait()
        try:
            open_vault(engine, "", tmp_path / str(number) / "keys")
        except WrongKeys:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        started = list(threads.map(start, range(6)))
    assert started.count(True) == 1
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(key_check)).scalar() == 1
