"""P1: what is put back is what was backed up, whole, whatever lay beside the database it replaces."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from commands.backup import backup, restore
from commands.clinic import clinic as clinic_command
from service.records import clinics
from service.records.database import open_database, reading, run
from service.records.sealing import new_key
from tests.ops.conftest import NOW, Run

FIELDS = {"name": "Riverside", "display_name": "Riverside", "phone": "202-555-0100", "timezone": "America/Denver"}
LATER = """
import os, sys
from tests.ops.test_backup import FIELDS, NOW, clinics, open_database, run
engine = open_database(sys.argv[1])
held = engine.connect()
for _ in range(200):
    run(engine, lambda c: clinics.add(c, FIELDS, NOW))
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def path(sqlite_url: str, redis_url: str, tmp_path: Path, run_command: Run) -> Path:
    """The SQLite database of an installation with one clinic."""
    run_command(clinic_command, "add")
    return tmp_path / "aftercare.db"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def names(path: Path) -> int:
    engine = open_database(f"sqlite:///{path}")
    try:
        with reading(engine) as connection:
            return len(clinics.all_of(connection))
    finally:
        engine.dispose()


def add_clinics_and_die(path: Path) -> None:
    """Leave a write-ahead log behind, as a machine that loses its power does."""
    died = subprocess.run([sys.executable, "-c", LATER, f"sqlite:///{path}"], check=False)
    assert died.returncode == -signal.SIGKILL
    assert Path(f"{path}-wal").stat().st_size > 0


def test_p1_a_log_that_was_left_behind_is_not_played_into_what_is_restored(
    path: Path, tmp_path: Path, run_command: Run
) -> None:
    file = tmp_path / "backup.db"
    assert "whole" in run_command(backup, str(file)).output
    assert file.stat().st_mode & 0o077 == 0
    add_clinics_and_die(path)
    run_command(restore, str(file))
    assert names(path) == 1
    [replaced] = tmp_path.glob("aftercare.db.replaced-*[0-9]")
    assert names(replaced) == 201
    assert not list(tmp_path.glob("*.restoring*"))


def test_p1_a_backup_made_while_others_write_holds_what_was_committed(
    path: Path, tmp_path: Path, run_command: Run
) -> None:
    engine = open_database(f"sqlite:///{path}")
    try:
        run(engine, lambda c: clinics.add(c, FIELDS, NOW))
        with engine.begin() as connection:
            clinics.add(connection, FIELDS, NOW)
            run_command(backup, str(tmp_path / "backup.db"))
    finally:
        engine.dispose()
    assert names(tmp_path / "backup.db") == 2
    assert "is there already" in run_command(backup, str(tmp_path / "backup.db"), status=1).output


def test_nothing_is_restored_under_a_service_that_runs(path: Path, tmp_path: Path, run_command: Run) -> None:
    file = tmp_path / "backup.db"
    run_command(backup, str(file))
    engine = open_database(f"sqlite:///{path}")
    try:
        run(engine, lambda c: clinics.add(c, FIELDS, NOW))  # and the pool keeps its connection, as every process does
        assert "stop web, clock and workers" in run_command(restore, str(file), status=1).output
    finally:
        engine.dispose()
    assert names(path) == 2
    run_command(restore, str(file))
    assert names(path) == 1


def test_p3_what_the_keys_do_not_open_is_not_restored(
    path: Path, tmp_path: Path, run_command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "backup.db"
    run_command(backup, str(file))
    monkeypatch.setenv("AFTERCARE_KEYS", new_key())
    assert "do not open" in run_command(restore, str(file), status=1).output
    assert not list(tmp_path.glob("aftercare.db.re*"))
    assert names(path) == 1


def test_a_file_that_is_no_backup_changes_nothing(path: Path, tmp_path: Path, run_command: Run) -> None:
    for name, content in (("words", b"no database"), ("empty", b"")):
        (tmp_path / name).write_bytes(content)
        assert "cannot be used" in run_command(restore, str(tmp_path / name), status=1).output
    with closing(sqlite3.connect(tmp_path / "newer")) as made:
        made.execute("CREATE TABLE alembic_version (version_num)")
        made.execute("INSERT INTO alembic_version VALUES ('9999')")
        made.commit()
    assert "newer release" in run_command(restore, str(tmp_path / "newer"), status=1).output
    assert names(path) == 1


def test_a_damaged_database_is_replaced_and_kept(path: Path, tmp_path: Path, run_command: Run) -> None:
    file = tmp_path / "backup.db"
    run_command(backup, str(file))
    path.write_bytes(b"x" * 5000)
    assert "damaged" in run_command(restore, str(file)).output
    assert names(path) == 1
    [replaced] = tmp_path.glob("aftercare.db.replaced-*[0-9]")
    assert replaced.read_bytes() == b"x" * 5000


def test_the_first_database_of_a_machine_may_come_from_a_backup(path: Path, tmp_path: Path, run_command: Run) -> None:
    file = tmp_path / "backup.db"
    run_command(backup, str(file))
    path.unlink()
    run_command(restore, str(file))
    assert names(path) == 1


def test_records_in_postgresql_are_left_to_its_own_programs(
    run_command: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AFTERCARE_DATABASE_URL", "postgresql://aftercare:hush@127.0.0.1:1/aftercare")
    for command, program in ((backup, "pg_dump"), (restore, "pg_restore")):
        said = run_command(command, str(tmp_path / "file"), status=1).output
        assert program in said
        assert "hush" not in said
