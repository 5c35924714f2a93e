"""`aftercare contact`: the clinic's people who are told of alerts."""

from __future__ import annotations

import click
from sqlalchemy import Connection

from commands.installation import ACTOR, clinic_of, installation
from service import time
from service.records import audit, contacts
from service.records.contacts import Contact, LastContact
from service.records.database import reading, run


@click.group()
def contact() -> None:
    """The clinic's people who are told of alerts, the first first."""


@contact.command()
@click.option("--clinic", "clinic_id", type=int, required=True)
@click.option("--name", required=True, help="Alerts are acknowledged in this name.")
@click.option("--phone", help="International form: +12025550123.")
@click.option("--email")
@click.option("--position", type=click.IntRange(min=1, max=999), help="1 is told first; default: last.")
@click.option("--on-call", is_flag=True, help="Told at once of every emergency, and of what is urgent while closed.")
def add(clinic_id: int, name: str, phone: str | None, email: str | None, position: int | None, on_call: bool) -> None:
    """Add a contact; prints the id."""
    with installation() as parts:

        def work(connection: Connection) -> Contact:
            owner, now = clinic_of(connection, clinic_id), time.now()
            made = contacts.add(connection, parts.sending.vault, owner.id, name, phone, email, now, position, on_call)
            audit.note(connection, owner.id, ACTOR, "contact.add", f"contact {made.id}", now)
            return made

        try:
            made = run(parts.engine, work)
        except ValueError as error:
            raise click.ClickException(str(error)) from None
    click.echo(made.id)


@contact.command(name="list")
@click.option("--clinic", "clinic_id", type=int, required=True)
def list_contacts(clinic_id: int) -> None:
    """The contacts in the order in which they are told."""
    with installation() as parts, reading(parts.engine) as connection:
        found = contacts.of_clinic(connection, parts.sending.vault, clinic_of(connection, clinic_id).id)
    for one in found:
        on_call = "on call" if one.on_call else ""
        click.echo(f"{one.id}\t{one.position}\t{one.name}\t{one.phone or ''}\t{one.email or ''}\t{on_call}")
    if not found:
        click.echo("no contacts: alerts go to the clinic's own phone and e-mail", err=True)


@contact.command()
@click.option("--clinic", "clinic_id", type=int, required=True)
@click.argument("contact_id", type=int)
def remove(clinic_id: int, contact_id: int) -> None:
    """Tell a contact nothing more."""
    with installation() as parts:

        def work(connection: Connection) -> bool:
            owner, now = clinic_of(connection, clinic_id), time.now()
            done = contacts.remove(connection, owner.id, contact_id, now)
            if done:
                audit.note(connection, owner.id, ACTOR, "contact.remove", f"contact {contact_id}", now)
            return done

        try:
            removed = run(parts.engine, work)
        except LastContact as error:
            raise click.ClickException(str(error)) from None
    if not removed:
        raise click.ClickException("the clinic has no such contact")
