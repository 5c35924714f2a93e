"""What the desk's tables hold of a patient goes when the patient goes."""

from __future__ import annotations

from sqlalchemy import Connection, insert

from service import time
from service.records import erasure
from service.records.database import run
from service.records.desk_tables import notes
from service.records.ids import new_id
from tests.desk.desk import Desk


def test_p8_notes_are_handed_over_and_erased_with_the_patient(desk: Desk) -> None:
    vault, own = desk.here.sending.vault, desk.own

    def write(connection: Connection) -> None:
        for patient in own.patients[:2]:
            row = new_id()
            values = {"clinic_id": own.clinic_id, "patient_id": patient, "by": "Ada", "at": time.now()}
            connection.execute(insert(notes).values(id=row, body=vault.seal("Called, is better.", row), **values))

    run(desk.engine, write)
    held = run(desk.engine, lambda c: erasure.export(c, vault, own.clinic_id, "Rosalind-p0"))
    assert held is not None
    assert [note["body"] for note in held["notes"]] == ["Called, is better."]
    run(desk.engine, lambda c: erasure.erase(c, vault, own.clinic_id, "Rosalind-p0", time.now()))
    assert [row.patient_id for row in desk.sql("SELECT patient_id FROM notes")] == [own.patients[1]]
