"""`aftercare staff`: the people who sign in at a clinic's desk. The first owner comes in this way."""

from __future__ import annotations

import click
from sqlalchemy import Connection

from commands.installation import ACTOR, clinic_of, installation
from service import time
from service.care.roles import Role
from service.parts import Parts
from service.records import audit, staff_sessions
from service.records import staff as people
from service.records.database import reading, run
from service.records.staff import EmailTaken, Staff


@click.group()
def staff() -> None:
    """The people who sign in at a clinic's desk."""


@staff.command()
@click.option("--clinic", "clinic_id", type=int, required=True)
@click.option("--name", required=True, help="What they do goes on record in this name.")
@click.option("--email", required=True, help="They sign in with it.")
@click.option("--role", type=click.Choice([role.value for role in Role]), default=Role.OWNER.value, show_default=True)
def add(clinic_id: int, name: str, email: str, role: str) -> None:
    """Add somebody; prints the one-time link with which they choose a password."""
    name, email = name.strip(), email.strip()
    if not name or not name.isprintable():
        raise click.BadParameter("must be one line of text", param_hint="--name")
    if "@" not in email or not email.isprintable():
        raise click.BadParameter("must be an e-mail address", param_hint="--email")
    with installation() as parts:

        def work(connection: Connection) -> str:
            clinic = clinic_of(connection, clinic_id)
            made = people.add(connection, parts.sending.vault, clinic.id, name, email, Role(role), time.now())
            audit.note(connection, clinic.id, ACTOR, "staff.invite", f"staff {made.id}", time.now())
            return people.invite(connection, made.id, time.real_now())

        try:
            token = run(parts.engine, work)
        except EmailTaken:
            raise click.ClickException(
                "somebody signs in with this address already; `aftercare staff reset` gives them a new link"
            ) from None
        _print_link(parts, token)


@staff.command("list")
@click.option("--clinic", "clinic_id", type=int, required=True)
def list_staff(clinic_id: int) -> None:
    """Everybody who may sign in, or might."""
    with installation() as parts, reading(parts.engine) as connection:
        found = people.of_clinic(connection, parts.sending.vault, clinic_of(connection, clinic_id).id)
    for one in found:
        click.echo(f"{one.id}\t{one.role}\t{one.name}\t{one.email}\t{_state(one)}")
    if not found:
        click.echo("There is nobody yet; `aftercare staff add` lets the first owner in.", err=True)


@staff.command()
@click.option("--clinic", "clinic_id", type=int, required=True)
@click.argument("email")
def reset(clinic_id: int, email: str) -> None:
    """Give somebody of the clinic a new link; turns their codes off, signs them out, and lets them in if shut out."""
    with installation() as parts:

        def work(connection: Connection) -> str | None:
            clinic = clinic_of(connection, clinic_id)
            found = people.by_email(connection, parts.sending.vault, email)
            if found is None or found.clinic_id != clinic.id:
                return None
            people.enable(connection, clinic.id, found.id)
            people.drop_codes(connection, found.id)
            staff_sessions.end_all(connection, found.id, ACTOR, time.real_now())
            audit.note(connection, clinic.id, ACTOR, "staff.reset", f"staff {found.id}", time.now())
            return people.invite(connection, found.id, time.real_now())

        token = run(parts.engine, work)
        if token is None:
            raise click.ClickException("nobody of this clinic signs in with that address; see `aftercare staff list`")
        _print_link(parts, token)


def _print_link(parts: Parts, token: str) -> None:
    click.echo(f"{parts.settings.public_url}/desk/join/{token}")
    click.echo(f"Hand it over yourself: it works once, for {people.JOIN_LIFETIME.days} days.", err=True)


def _state(one: Staff) -> str:
    if one.disabled_at is not None:
        return "shut out"
    return "may sign in" if one.has_joined else "invited"
