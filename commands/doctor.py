"""`aftercare doctor`: look at everything, and say what to mend."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click

from commands import insides, surroundings
from commands.finding import Level
from commands.installation import read_settings

_COLORS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One list, for programs.")
def doctor(as_json: bool) -> None:
    """Look at everything, and say what to mend. Changes nothing; ends with 1 when something fails."""
    settings = read_settings()
    findings = [*insides.look(settings), *surroundings.look(settings)]
    if as_json:
        click.echo(json.dumps([asdict(one) for one in findings], indent=2))
    else:
        for one in findings:
            click.echo(f"{click.style(f'{one.level:<4}', fg=_COLORS[one.level])}  {one.about}: {one.said}")
            if one.todo:
                click.echo(f"      → {one.todo}")
    sys.exit(any(one.level is Level.FAIL for one in findings))
