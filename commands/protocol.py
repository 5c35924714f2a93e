"""`aftercare protocol`: check a clinic's protocol, see what patients would get, put it into force."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from sqlalchemy import Connection

from commands.clinic import default_protocol
from commands.installation import clinic_of, installation
from service import time
from service.care import dry_run
from service.care.calendar import CalendarRow
from service.care.problems import Problem, ProtocolProblems, Severity, has_errors
from service.care.protocol import Protocol
from service.care.protocol_check import check
from service.care.protocol_file import load
from service.records import approval, protocols
from service.records.approval import AlreadySigned, MayNotBeSigned, Signature
from service.records.database import reading, run
from service.records.library import library
from service.records.protocols import Version
from service.records.switching import Followers

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def protocol() -> None:
    """Protocols: what is sent, when, and in which words."""


@protocol.command()
@click.argument("files", nargs=-1, required=True, type=_FILE)
def lint(files: Sequence[Path]) -> None:
    """Say what is wrong with protocol files, line by line. Ends with 1 if anything must be mended."""
    bad = False
    for path in files:
        problems = _problems(path.read_text("utf-8"))
        for problem in problems:
            click.echo(_line(path, problem))
        errors = sum(problem.severity is Severity.ERROR for problem in problems)
        bad = bad or errors > 0
        if not problems:
            click.echo(f"{path}: nothing to mend")
        else:
            click.echo(f"{path}: {errors} to mend, {len(problems) - errors} to look at", err=True)
    sys.exit(1 if bad else 0)


def _problems(text: str) -> tuple[Problem, ...]:
    return check(text, library().surveys).problems


def _line(path: Path, problem: Problem) -> str:
    # The form that editors and terminals make clickable.
    hint = f" ({problem.hint})" if problem.hint else ""
    return f"{path}:{problem.line}:{problem.column}: {problem.severity}: {problem.where}: {problem.message}{hint}"


@protocol.command()
@click.argument("file", required=False, type=_FILE)
@click.option("--ended-at", help="When the session ended, ISO 8601; without an offset, on the patient's clock. [now]")
@click.option("--timezone", default="America/New_York", show_default=True, help="The patient's.")
@click.option("--locale", default="en", show_default=True, help="The patient's language.")
@click.option("--next-session-at", help="The next visit, where one is planned.")
@click.option("--baseline", is_flag=True, help="All first measurements were taken at the visit.")
@click.option("--texts", is_flag=True, help="Show the words of each text as well.")
@click.option("--json", "as_json", is_flag=True)
def preview(
    file: Path | None,
    ended_at: str | None,
    timezone: str,
    locale: str,
    next_session_at: str | None,
    baseline: bool,
    texts: bool,
    as_json: bool,
) -> None:
    """The calendar a patient would get under the protocol in FILE, or under the default one."""
    shown = _loaded(file)
    try:
        zone = ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        raise click.BadParameter("must be an IANA time zone, such as America/Denver", param_hint="--timezone") from None
    end = _moment(ended_at, zone, "--ended-at") if ended_at else time.now().replace(second=0, microsecond=0)
    following = _moment(next_session_at, zone, "--next-session-at") if next_session_at else None
    if following is not None and following <= end:
        raise click.BadParameter("must be after --ended-at", param_hint="--next-session-at")
    language = dry_run.language_in(shown, locale)
    rows = dry_run.rows(shown, dry_run.facts(end, following, zone, baseline), language)
    if as_json:
        click.echo(json.dumps([_as_json(row, zone) for row in rows], ensure_ascii=False))
        return
    click.echo(f"{shown.name}, {language}; session ended {end.astimezone(zone):%a %d %b %Y %H:%M} {timezone}\n")
    for line in _table(rows, texts):
        click.echo(line)


def _loaded(file: Path | None) -> Protocol:
    try:
        return load(default_protocol() if file is None else file.read_text("utf-8"), str(file or "default protocol"))
    except ProtocolProblems as error:
        raise click.ClickException(str(error)) from None


def _moment(text: str, zone: ZoneInfo, option: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter("must be a time such as 2026-03-02T15:04", param_hint=option) from None


def _as_json(row: CalendarRow, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "day": row.day,
        "at": datetime.combine(row.local_day, row.local_time, zone).isoformat(),
        "useful_until": row.useful_until.isoformat(),
        "step": row.step,
        "channel": row.channel,
        "survey": row.survey,
        "state": row.state,
        "reason": row.reason,
        "moved_by_seconds": row.moved_by.total_seconds(),
        "only_unanswered": row.only_unanswered,
        "over_cap": row.over_cap,
        "text": row.text,
        "segments": row.segments,
    }


def _table(rows: Sequence[CalendarRow], texts: bool) -> list[str]:
    wide = max((len(row.step) for row in rows), default=4)
    lines = [f"{'day':>4}  {'local time':<22}  {'step':<{wide}}  {'by':<5}  {'seg':<3}  {'asks':<4}  remarks"]
    for row in rows:
        at = f"{row.local_day:%a %d %b %Y} {row.local_time:%H:%M}"
        segments = "" if row.segments is None else str(row.segments)
        line = f"{row.day:>4}  {at:<22}  {row.step:<{wide}}  {row.channel:<5}  {segments:<3}  {row.survey or '':<4}  "
        lines.append((line + dry_run.remarks(row)).rstrip())
        if texts and row.text:
            lines.append(f"{'':>6}{row.text}")
    return lines


@protocol.command()
@click.option("--clinic", "clinic_id", type=int, required=True)
@click.argument("file", type=_FILE)
def add(clinic_id: int, file: Path) -> None:
    """Store FILE as the next version of a clinic's protocol. It waits for approval."""
    text = file.read_text("utf-8")
    problems = _problems(text)
    for problem in problems:
        click.echo(_line(file, problem), err=True)
    if has_errors(problems):
        raise click.ClickException("nothing was stored; mend the errors above")
    with installation() as parts:

        def work(connection: Connection) -> Version:
            return protocols.add(connection, clinic_of(connection, clinic_id).id, text, time.now())

        stored = run(parts.engine, work)
    click.echo(f"{stored.name} version {stored.version}")
    if stored.approved_at is None:
        click.echo(f"approve it: aftercare protocol approve --clinic {clinic_id} --version {stored.version} --by NAME")


@protocol.command()
@click.option("--clinic", "clinic_id", type=int, required=True)
@click.option("--name", default="prolotherapy", show_default=True)
@click.option("--version", "number", type=int, help="[the newest]")
@click.option("--by", required=True, help="The clinician who signs it off.")
@click.option("--everybody", is_flag=True, help="Also plan anew what is still to come for patients under way.")
@click.option("--json", "as_json", is_flag=True)
def approve(clinic_id: int, name: str, number: int | None, by: str, everybody: bool, as_json: bool) -> None:
    """Put a version into force, for every session from now on and for those that waited for an approval.

    Patients under way keep their plan to its end, unless you say --everybody. The clock takes patients over, a few at
    a time.
    """
    if not by.strip() or not by.isprintable():
        raise click.BadParameter("must be a name, in one line", param_hint="--by")
    followers = Followers.EVERYBODY if everybody else Followers.WAITING
    with installation() as parts:
        with reading(parts.engine) as connection:
            versions = [
                one
                for one in protocols.of_clinic(connection, clinic_of(connection, clinic_id).id)
                if one.name == name and number in (None, one.version)
            ]
        if not versions:
            raise click.ClickException("this clinic has no such version; see `aftercare clinic list`")
        signature = Signature(by.strip(), by.strip(), followers, time.now())

        def work(connection: Connection) -> Version:
            return approval.sign_version(connection, clinic_id, versions[-1].id, signature)

        try:
            signed = run(parts.engine, work)
        except AlreadySigned as already:
            _tell_signed(already.version, as_json, "is approved already, by", "Nothing was changed.")
            return
        except MayNotBeSigned:
            raise click.ClickException(
                "this version cannot be approved: it has errors (see `aftercare protocol lint`), or a later one is in "
                "force"
            ) from None
        parts.nudges.wake_clock()
    _tell_signed(signed, as_json, "is approved by", _AFTER[followers])


_AFTER = {
    Followers.WAITING: "Sessions follow it from now on, and those that waited for it; other plans stay as they are.",
    Followers.EVERYBODY: "Sessions follow it from now on; what is planned already is planned anew, patient by patient.",
}


def _tell_signed(version: Version, as_json: bool, how: str, after: str) -> None:
    if as_json:
        said = {"version": version.version, "approved_by": version.approved_by, "followers": version.followers}
        click.echo(json.dumps(said))
        return
    click.echo(f"{version.name} version {version.version} {how} {version.approved_by}\n{after}")
