"""`aftercare doctor`: looks at everything an installation needs, and says of each what to do."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import chain

import click

from commands.checkup import Finding, Level, look_at_house
from commands.checkup_providers import look_at_providers
from commands.installation import read_settings

_COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@click.option("--offline", is_flag=True, help="Do not ask Twilio and SendGrid.")
def doctor(as_json: bool, offline: bool) -> None:
    """Examine this installation. Changes nothing, sends nothing; ends with 1 if anything will not work."""
    settings = read_settings()
    nobody: Iterator[Finding] = iter(())
    findings = []
    for finding in chain(look_at_house(settings), nobody if offline else look_at_providers(settings)):
        findings.append(finding)
        if not as_json:
            _show(finding)
    failed = sum(finding.level is Level.FAIL for finding in findings)
    if as_json:
        rows = [{"check": one.check, "level": one.level, "said": one.said, "do": one.do} for one in findings]
        click.echo(json.dumps(rows, indent=1))
    else:
        warned = sum(finding.level is Level.WARN for finding in findings)
        click.echo(f"\n{len(findings)} looked at: {failed} will not work, {warned} to look at")
    sys.exit(1 if failed else 0)


def _show(finding: Finding) -> None:
    level = click.style(f"{finding.level.value:<4}", fg=_COLOURS[finding.level], bold=finding.level is not Level.OK)
    click.echo(f"{level}  {finding.check}: {finding.said}")
    if finding.do:
        click.echo(f"      → {finding.do}")
