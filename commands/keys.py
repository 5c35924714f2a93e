"""`aftercare keys`: make sealing keys, and bring everything under a new one."""

from __future__ import annotations

import json
import sys

import click

from commands.installation import installation
from service.records.rotation import Rotated, rotate
from service.records.sealing import CannotOpen, Vault, new_key


@click.group()
def keys() -> None:
    """The keys that contact data and free text are sealed with (AFTERCARE_KEYS, or var/keys)."""


@keys.command("new")
def make() -> None:
    """Print a new key."""
    click.echo(new_key())
    click.echo(
        "To change to it: 1. add it at the END of AFTERCARE_KEYS and restart every process; 2. move it to the FRONT\n"
        "and restart every process; 3. run `aftercare keys rotate`, which says what to do with the old one.",
        err=True,
    )


@keys.command("rotate")
@click.option("--json", "as_json", is_flag=True)
def rotate_all(as_json: bool) -> None:
    """Seal everything anew with the first key. May be interrupted, and run again, at any time."""
    with installation() as parts:
        vault = parts.sending.vault
        if len(vault.key_ids) == 1:
            raise click.ClickException("there is only one key; see `aftercare keys new`")
        try:
            done = rotate(parts.engine, vault, _progress if sys.stderr.isatty() else None)
        except CannotOpen as error:
            raise click.ClickException(f"{error}; put that key back and run this again") from None
        if as_json:
            click.echo(
                json.dumps(
                    {
                        "current": vault.key_ids[0],
                        "resealed": done.resealed,
                        "rehashed": done.rehashed,
                        "remove": _removable(vault, done),
                        "replace": {key: vault.index_only(key) for key in _still_needed(vault, done)},
                    }
                )
            )
            return
        click.echo(f"sealed anew: {done.resealed}, hashed anew: {done.rehashed}; all of it is under {vault.key_ids[0]}")
        for key in _removable(vault, done):
            click.echo(f"Take {key} out of AFTERCARE_KEYS and restart every process: nothing needs it any more.")
        for key in _still_needed(vault, done):
            click.echo(
                f"{done.left[key]} opt-outs, erasures or unsettled attempts are still found by {key}, and nobody has"
                f" their text to hash it anew.\nReplace that key in AFTERCARE_KEYS, last, by this one; it looks up and"
                f" opens nothing:\n{vault.index_only(key)}"
            )
        if done.left.get("?"):
            click.echo(f"{done.left['?']} hashes belong to keys not in AFTERCARE_KEYS: put those back.", err=True)


def _removable(vault: Vault, done: Rotated) -> list[str]:
    return [key for key in vault.key_ids[1:] if key not in done.left]


def _still_needed(vault: Vault, done: Rotated) -> list[str]:
    return [key for key in vault.key_ids[1:] if key in done.left]


def _progress(table: str, looked: int) -> None:
    click.echo(f"\r{table}: {looked} rows", err=True, nl=False)
