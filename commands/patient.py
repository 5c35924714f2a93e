"""`aftercare patient`: hand a patient's data over, or erase it."""

from __future__ import annotations

import json

import click
from sqlalchemy import Connection

from commands.installation import ACTOR, clinic_of, installation
from service import time
from service.records import audit, erasure, patients
from service.records.database import run

_UNKNOWN = "this clinic has no such patient"


@click.group()
def patient() -> None:
    """One patient's data: export and erasure."""


@patient.command()
@click.option("--clinic", "clinic_id", type=int, required=True)
@click.argument("patient_id", metavar="PATIENT")
def export(clinic_id: int, patient_id: str) -> None:
    """Print everything held of PATIENT (the clinic's own id) as JSON. The export is noted in the audit."""
    with installation() as parts:

        def work(connection: Connection) -> dict[str, object] | None:
            owner = clinic_of(connection, clinic_id)
            found = patients.find(connection, parts.sending.vault, owner.id, patient_id)
            if found is None or found.erased_at is not None:
                return None
            audit.note(connection, owner.id, ACTOR, "patient.export", f"patient {found.id}", time.now())
            return erasure.export(connection, parts.sending.vault, owner.id, patient_id)

        held = run(parts.engine, work)
    if held is None:
        raise click.ClickException(_UNKNOWN)
    click.echo(json.dumps(held, indent=2, ensure_ascii=False))


@patient.command()
@click.option("--clinic", "clinic_id", type=int, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.argument("patient_id", metavar="PATIENT")
def erase(clinic_id: int, yes: bool, patient_id: str) -> None:
    """Erase PATIENT: cancel what waits, blank what names or describes them. It cannot be undone.

    What stays names nobody: that messages went out and when, and the ledger of consents and opt-outs.
    """
    if not yes:
        click.confirm("Erase everything that names or describes this patient? It cannot be undone.", abort=True)
    with installation() as parts:

        def work(connection: Connection) -> bool:
            owner = clinic_of(connection, clinic_id)
            found = patients.find(connection, parts.sending.vault, owner.id, patient_id, lock=True)
            if found is None or found.erased_at is not None:
                return False
            audit.note(connection, owner.id, ACTOR, "patient.erase", f"patient {found.id}", time.now())
            return erasure.erase(connection, parts.sending.vault, owner.id, patient_id, time.now())

        if not run(parts.engine, work):
            raise click.ClickException(_UNKNOWN)
    click.echo("erased")
