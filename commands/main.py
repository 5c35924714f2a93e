"""The `aftercare` command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

from commands import embedded, serve
from commands.backup import backup, restore
from commands.clinic import clinic
from commands.contact import contact
from commands.demo import demo
from commands.doctor import doctor
from commands.installation import read_settings
from commands.keys import keys
from commands.patient import patient
from commands.protocol import protocol
from commands.staff import staff
from commands.supervisor import NotReady
from commands.up import up as run_everything
from commands.webhook import webhook
from service import own_redis


@click.group()
def main() -> None:
    """Aftercare: twelve weeks of care texts, surveys and alerts after a prolotherapy session."""


@main.command()
@click.option(
    "--var",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder that holds what must survive a restart. [AFTERCARE_VAR, else var]",
)
def up(var: Path | None) -> None:
    """Run a whole installation on this machine."""
    settings = read_settings() if var is None else read_settings(AFTERCARE_VAR=var)
    environ = {**os.environ, "AFTERCARE_VAR": str(settings.var)}
    if settings.redis_url != own_redis.url_for(settings.var):
        environ["AFTERCARE_REDIS_URL"] = settings.redis_url
    try:
        status = run_everything(settings.var, environ)
    except (embedded.NoServer, embedded.InUse, NotReady) as error:
        raise click.ClickException(str(error)) from error
    except subprocess.CalledProcessError as error:
        raise click.ClickException("the database could not be migrated; see above") from error
    sys.exit(status)


for command in (
    serve.migrate,
    serve.web,
    serve.clock,
    serve.worker,
    demo,
    doctor,
    clinic,
    protocol,
    contact,
    staff,
    patient,
    keys,
    webhook,
    backup,
    restore,
):
    main.add_command(command)


if __name__ == "__main__":
    main()
