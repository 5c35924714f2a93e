"""`aftercare contact`: the clinic's people who are told of alerts."""

from __future__ import annotations

import sys

import click
from sqlalchemy import Connection

from service import time
from service.parts import open_parts
from service.records import clinics, contacts
from service.records.contacts import Contact, LastContact
from service.records.database import reading, run
from service.settings import Settings


@click.group()
def contact() -> None:
    """The clinic's people who are told of alerts, the first first."""


@contact.command()
@click.option("--clinic", "clinic_id", type=int, required=True)
@click.option("--name", required=True, help="Alerts are acknowledged in this name.")
@click.option("--phone", help="International form: +12025550123.")
@click.option("--email")
@click.option("--position", type=click.IntRange(min=1, max=999), help="1 is told first; default: last.")
@click.option("--on-call", is_flag=True, help="Told at once also while the clinic is closed.")
def add(clinic_id: int, name: str, phone: str | None, email: str | None, position: int | None, on_call: bool) -> None:
    """Add a contact; prints the id."""
    parts = open_parts(Settings(), pool_size=1)

    def work(connection: Connection) -> Contact:
        clinics.get(connection, clinic_id)
        return contacts.add(
            connection, parts.sending.vault, clinic_id, name, phone, email, time.now(), position, on_call
        )

    try:
        print(run(parts.engine, work).id)
    except (LookupError, ValueError) as error:
        raise click.ClickException(str(error)) from error


@contact.command(name="list")
@click.option("--clinic", "clinic_id", type=int, required=True)
def list_contacts(clinic_id: int) -> None:
    """The contacts in the order in which they are told."""
    parts = open_parts(Settings(), pool_size=1)
    with reading(parts.engine) as connection:
        found = contacts.of_clinic(connection, parts.sending.vault, clinic_id)
    for one in found:
        on_call = "on call" if one.on_call else ""
        print(f"{one.id}\t{one.position}\t{one.name}\t{one.phone or ''}\t{one.email or ''}\t{on_call}")
    if not found:
        print("no contacts: alerts go to the clinic's own phone and e-mail", file=sys.stderr)


@contact.command()
@click.option("--clinic", "clinic_id", type=int, required=True)
@click.argument("contact_id", type=int)
def remove(clinic_id: int, contact_id: int) -> None:
    """Tell a contact nothing more."""
    parts = open_parts(Settings(), pool_size=1)
    try:
        removed = run(parts.engine, lambda connection: contacts.remove(connection, clinic_id, contact_id, time.now()))
    except (LookupError, LastContact) as error:
        raise click.ClickException(str(error)) from None
    if not removed:
        raise click.ClickException("the clinic has no such contact")
