"""`aftercare webhook`: where clinics' own systems hear of what happens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy import Connection

from commands.installation import ACTOR, clinic_of, installation
from service import time
from service.outward import Refused, check_url
from service.parts import Parts
from service.records import audit, hook_deliveries, hook_endpoints, hook_log, hooks
from service.records.database import reading, run
from service.records.hooks import Endpoint, Type


@click.group()
def webhook() -> None:
    """Endpoints that clinics' events are posted to."""


@contextmanager
def _installation() -> Iterator[Parts]:
    with installation() as parts:
        try:
            yield parts
        except (LookupError, ValueError) as error:
            raise click.ClickException(str(error)) from None


@webhook.command()
@click.argument("clinic_id", type=int)
@click.argument("url")
@click.option("--type", "types", type=click.Choice([kind.value for kind in Type]), multiple=True, help="Default: all.")
def add(clinic_id: int, url: str, types: tuple[str, ...]) -> None:
    """Post a clinic's events to URL. Prints the secret, this once."""
    with _installation() as parts:
        try:
            check_url(url, parts.settings.webhooks_allow_private)
        except Refused as reason:
            raise click.BadParameter(str(reason), param_hint="URL") from None

        def work(connection: Connection) -> tuple[Endpoint, str]:
            now = time.now()
            clinic_of(connection, clinic_id)
            made, secret = hook_endpoints.add(connection, parts.sending.vault, clinic_id, url, types or "*", now)
            audit.note(connection, clinic_id, ACTOR, "webhook.added", f"endpoint {made.id}", now)
            return made, secret

        made, secret = run(parts.engine, work)
        click.echo(json.dumps({"id": str(made.id), "url": made.url, "types": made.types, "secret": secret}))


@webhook.command("list")
@click.argument("clinic_id", type=int, required=False)
def list_endpoints(clinic_id: int | None) -> None:
    """Endpoints of a clinic, or of all, a line each with what waits and what was given up."""
    with _installation() as parts, reading(parts.engine) as connection:
        owner = None if clinic_id is None else clinic_of(connection, clinic_id).id
        found = hook_endpoints.all_of(connection, owner)
        counts = hook_deliveries.counts(connection, [one.id for one in found])
        for one in found:
            click.echo(json.dumps(_line(one, counts[one.id])))


def _line(one: Endpoint, counts: dict[str, int]) -> dict[str, object]:
    state = "failing" if one.failing_since else "ok"
    if one.disabled_at or one.paused_at:
        state = "disabled" if one.disabled_at else "paused"
    return {
        "id": str(one.id),
        "clinic": str(one.clinic_id),
        "url": one.url,
        "types": one.types,
        "state": state,
        "failing_since": None if one.failing_since is None else hooks.iso(one.failing_since),
        "deliveries": counts,
    }


@webhook.command()
@click.argument("endpoint_id", type=int)
def remove(endpoint_id: int) -> None:
    """Post nothing more to an endpoint, also not what waits."""
    with _installation() as parts:

        def work(connection: Connection) -> None:
            now = time.now()
            one = hook_endpoints.get(connection, endpoint_id)
            hook_endpoints.disable(connection, endpoint_id, now)
            audit.note(connection, one.clinic_id, ACTOR, "webhook.removed", f"endpoint {endpoint_id}", now)

        run(parts.engine, work)
        click.echo("removed")


@webhook.command()
@click.argument("endpoint_id", type=int)
@click.option("--after", type=int, default=0, help="A cursor: only events after it.")
@click.option("--event", help="One event, by its webhook-id; also if it was delivered.")
def resend(endpoint_id: int, after: int, event: str | None) -> None:
    """Post again what an endpoint never got."""
    with _installation() as parts:
        only = None
        if event is not None:
            number = event.removeprefix("evt_")
            if not number.isascii() or not number.isdigit():
                raise click.BadParameter("is a webhook-id such as evt_123", param_hint="--event")
            only = int(number)
        number_of = run(parts.engine, lambda c: hook_log.resend(c, endpoint_id, time.now(), after, only))
        click.echo(f"{number_of} in line again")
