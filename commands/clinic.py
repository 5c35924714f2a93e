"""`aftercare clinic`: take clinics on and manage the keys they sign in with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from commands.installation import ACTOR, clinic_of, installation
from service import time
from service.care.clinic_rules import (
    LOCALES,
    check_display_name,
    check_email,
    check_emergency_number,
    check_name,
    check_sender,
    check_sending_hours,
    check_week,
    check_zone,
)
from service.care.contact import dialled_phone, opening_hours
from service.care.emergencies import misfit, usual_number
from service.care.lifecycle import Channel
from service.parts import Parts
from service.records import audit, clinic_changes, clinics, protocols, senders
from service.records.database import reading, run

_DEFAULT_PROTOCOL = Path(__file__).parent.parent / "templates" / "protocols" / "prolotherapy.yaml"


@click.group()
def clinic() -> None:
    """Clinics and their keys."""


def _checked(rule: Callable[[str], object]) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """A click callback from a rule that raises ValueError."""

    def check(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
        try:
            if value is not None:
                rule(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
        return value

    return check


@clinic.command("add")
@click.option(
    "--name",
    default="Demo Clinic",
    show_default=True,
    callback=_checked(check_name),
    help="The clinic's full name, for staff.",
)
@click.option(
    "--display-name",
    default="Demo Clinic",
    show_default=True,
    callback=_checked(check_display_name),
    help="What texts begin with: 18 characters that do not tell what the patient came for.",
)
@click.option("--phone", default="800-555-0100", show_default=True, help="Where patients call.")
@click.option("--timezone", default="America/New_York", show_default=True, callback=_checked(check_zone))
@click.option("--locale", default="en", show_default=True, type=click.Choice(LOCALES))
@click.option(
    "--emergency-number",
    callback=_checked(check_emergency_number),
    help="What patients call in an emergency. Left out, it is 911, 112, 999, 000 or 111 by the country of the phone, "
    "where that is written with its code, else of the time zone.",
)
@click.option(
    "--hours",
    default="Mo-Fr 9-17",
    show_default=True,
    callback=_checked(check_week),
    help="When somebody reads replies, on a 24-hour clock.",
)
@click.option(
    "--email",
    default="",
    callback=_checked(check_email),
    help="Where alerts and answers by e-mail go.",
)
@click.option(
    "--sender",
    default="",
    callback=_checked(check_sender),
    help="An SMS sender of the clinic's own; otherwise the installation's.",
)
@click.option("--approved-by", default="", help="Approve the default protocol at once, in this person's name.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def add(phone: str, emergency_number: str | None, approved_by: str, as_json: bool, **given: str) -> None:
    """Take on a clinic: prints its id, an API key and a webhook secret, each shown this once only.

    It gets the default protocol, which sends nothing until somebody named approves it.
    """
    number = emergency_number or _usual_number(phone, given["timezone"])
    try:
        shown_phone = dialled_phone(phone, number)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--phone") from None
    fields = {
        **given,
        "phone": shown_phone,
        "emergency_number": number,
        "email": given["email"] or None,
        "opening": opening_hours(given["hours"]),
    }
    with installation() as parts:
        made = run(parts.engine, lambda connection: _take_on(connection, parts, fields, approved_by.strip()))
    _warn_of_emergency_number(number, phone, given["timezone"])
    if as_json:
        click.echo(json.dumps(made))
        return
    click.echo(
        f"clinic          {made['id']}\nAPI key         {made['api_key']}\nwebhook secret  {made['webhook_secret']}"
    )
    click.echo("Keep both now: they are not shown again.")
    approval = made["protocol"]["approved_by"]
    click.echo(
        f"Protocol {made['protocol']['name']} version {made['protocol']['version']} is approved by {approval}."
        if approval
        else f"Nothing is sent until a clinician approves the protocol:\n"
        f"  aftercare protocol approve --clinic {made['id']} --by NAME"
    )


def _usual_number(phone: str, timezone: str) -> str:
    try:
        return usual_number(phone, timezone)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--emergency-number") from None


def _warn_of_emergency_number(number: str, phone: str, timezone: str) -> None:
    wrong = misfit(number, phone, timezone)
    if wrong is not None:
        click.echo(f"Look again: {wrong}. It is changed at the desk, under Settings, Clinic.", err=True)


def default_protocol() -> str:
    """The protocol that every clinic begins with, as YAML."""
    return _DEFAULT_PROTOCOL.read_text("utf-8")


def _take_on(connection: Connection, parts: Parts, fields: dict[str, Any], approved_by: str) -> dict[str, Any]:
    now = time.now()
    made = clinics.add(connection, fields, now)
    if made.sender:
        senders.ensure(connection, Channel.SMS, made.sender, parts.settings.sms_segments_per_second)
    version = protocols.add(connection, made.id, default_protocol(), now)
    if approved_by:
        version = protocols.approve(connection, version.id, approved_by, now)
        audit.note(connection, made.id, approved_by, "protocol.approve", f"protocol {version.id}", now)
    audit.note(connection, made.id, ACTOR, "clinic.add", f"clinic {made.id}", now)
    return {
        "id": str(made.id),
        "api_key": clinics.new_api_key(connection, made.id, now),
        "webhook_secret": clinics.new_webhook_secret(connection, parts.sending.vault, made.id, now),
        "protocol": {"name": version.name, "version": version.version, "approved_by": version.approved_by},
    }


@clinic.command("change")
@click.argument("clinic_id", type=int)
@click.option("--timezone", callback=_checked(check_zone), help="An IANA time zone, such as America/Denver.")
@click.option("--messages", help="When messages may go on the patient's clock: 08:00-21:00 at most.")
def change(clinic_id: int, timezone: str | None, messages: str | None) -> None:
    """Change what stands in the times of a plan; the rest is changed at the desk.

    The clock makes plans anew, a few patients at a time.
    """
    fields = {} if timezone is None else {"timezone": timezone}
    if messages is not None:
        opens, _, closes = messages.partition("-")
        try:
            check_sending_hours(opens, closes)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--messages") from None
        fields |= {"quiet_from": opens, "quiet_until": closes}
    if not fields:
        raise click.UsageError("say what to change: --timezone, --messages, or both")
    with installation() as parts:

        def work(connection: Connection) -> tuple[bool, clinics.Clinic]:
            clinic_of(connection, clinic_id)
            audit.note(connection, clinic_id, ACTOR, "clinic.change", f"clinic {clinic_id}", time.now())
            return clinic_changes.change(connection, clinic_id, fields), clinics.get(connection, clinic_id)

        moves, changed = run(parts.engine, work)
        parts.nudges.wake_clock()
    _warn_of_emergency_number(changed.emergency_number, changed.phone, changed.timezone)
    click.echo("changed; the clock plans anew what still waits" if moves else "it was so before")


@clinic.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_all(as_json: bool) -> None:
    """Every clinic, with its protocols."""
    with installation() as parts, reading(parts.engine) as connection:
        rows: list[dict[str, Any]] = [
            {
                "id": str(one.id),
                "name": one.name,
                "display_name": one.display_name,
                "timezone": one.timezone,
                "phone": one.phone,
                "sender": one.sender or None,
                "protocols": [
                    {"name": version.name, "version": version.version, "approved_by": version.approved_by}
                    for version in protocols.of_clinic(connection, one.id)
                ],
            }
            for one in clinics.all_of(connection)
        ]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        click.echo(f"{row['id']}  {row['display_name']:<18}  {row['timezone']:<20}  {row['name']}")
        for version in row["protocols"]:
            said = f"approved by {version['approved_by']}" if version["approved_by"] else "waits for approval"
            click.echo(f"    {version['name']} {version['version']}: {said}")
    if not rows:
        click.echo("There is no clinic yet; `aftercare clinic add` takes one on.")


@clinic.group()
def key() -> None:
    """API keys and webhook secrets. Several may live at once, so that a change needs no pause."""


@key.command("new")
@click.argument("clinic_id", type=int)
@click.option("--kind", type=click.Choice(["api", "webhook"]), default="api", show_default=True)
@click.option("--json", "as_json", is_flag=True)
def new_key(clinic_id: int, kind: str, as_json: bool) -> None:
    """Make another key; printed this once only."""
    with installation() as parts:

        def work(connection: Connection) -> str:
            now = time.now()
            owner = clinic_of(connection, clinic_id)
            audit.note(connection, owner.id, ACTOR, "key.new", f"{kind} key", now)
            return clinics.new_key(connection, parts.sending.vault, owner.id, kind, now)

        made = run(parts.engine, work)
    click.echo(json.dumps({"kind": kind, "key": made}) if as_json else made)


@key.command("revoke")
@click.argument("clinic_id", type=int)
@click.argument("key_id", type=int)
def revoke_key(clinic_id: int, key_id: int) -> None:
    """End a key; within five seconds nothing signed with it is taken."""
    with installation() as parts:

        def work(connection: Connection) -> bool:
            owner = clinic_of(connection, clinic_id)
            audit.note(connection, owner.id, ACTOR, "key.revoke", f"key {key_id}", time.now())
            return clinics.revoke_key(connection, owner.id, key_id, time.now())

        if not run(parts.engine, work):
            raise click.ClickException("this clinic has no such living key; see `aftercare clinic key list`")
    click.echo("revoked")


@key.command("list")
@click.argument("clinic_id", type=int)
@click.option("--json", "as_json", is_flag=True)
def list_keys(clinic_id: int, as_json: bool) -> None:
    """A clinic's keys, by their first letters."""
    with installation() as parts, reading(parts.engine) as connection:
        rows = clinics.keys_of(connection, clinic_of(connection, clinic_id).id)
    if as_json:
        shown = [
            {
                **row,
                "id": str(row["id"]),
                "created_at": row["created_at"].isoformat(),
                "revoked_at": row["revoked_at"] and row["revoked_at"].isoformat(),
            }
            for row in rows
        ]
        click.echo(json.dumps(shown))
        return
    for row in rows:
        ended = "living"
        if row["revoked_at"]:
            word = "revoked" if row["revoked_at"] <= time.now() else "ends"
            ended = f"{word} {row['revoked_at']:%Y-%m-%d}"
        click.echo(f"{row['id']}  {row['kind']:<7}  {row['hint']}…  made {row['created_at']:%Y-%m-%d}  {ended}")
