"""A protocol as several rooms show it: a version of the clinic's or a draft, and what it is compared with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice

from sqlalchemy import Connection

from service.care import dry_run, line_diff, loosening, thinning
from service.care.dry_run import Bubble
from service.care.protocol import Protocol
from service.care.protocol_check import Checked, check
from service.care.protocol_file import load
from service.care.rendering import Fields
from service.context import context
from service.pages.desk.who import Who
from service.records import drafts, protocols
from service.records.drafts import Draft
from service.records.library import library, shipped
from service.records.protocols import Version

PROTOCOLS = "/desk/protocols"
DRAFTS = f"{PROTOCOLS}/drafts"
MOST_LINES = 600
"""Of a file or a difference on one page."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is looked at."""

    title: str
    name: str
    path: str
    text: str
    checked: Checked
    version: Version | None = None
    draft: Draft | None = None
    in_force: bool = False


@dataclass(frozen=True, slots=True)
class Base:
    """What it is compared with."""

    title: str
    text: str
    protocol: Protocol


def of_version(connection: Connection, who: Who, version_id: int, lock: bool = False) -> Shown:
    """A version. Raises LookupError."""
    version = protocols.get(connection, who.clinic_id, version_id, lock)
    now = approved(connection, who, version.name)
    return Shown(
        f"{version.name}, version {version.version}",
        version.name,
        f"{PROTOCOLS}/{version.id}",
        protocols.body(connection, version.id),
        Checked(protocols.parsed(connection, version.id), ()),
        version=version,
        in_force=now is not None and now.id == version.id,
    )


def of_draft(connection: Connection, who: Who, draft_id: int, lock: bool = False) -> Shown:
    """A draft as it was saved. Raises LookupError."""
    return with_text(drafts.get(connection, who.clinic_id, draft_id, lock))


def with_text(draft: Draft, typed: str | None = None) -> Shown:
    """A draft, with what somebody has typed since."""
    text = draft.body if typed is None else typed
    checked = check(text, library().surveys, draft.name)
    return Shown(f"Draft of {draft.name}", draft.name, f"{DRAFTS}/{draft.id}", text, checked, draft=draft)


def approved(connection: Connection, who: Who, name: str) -> Version | None:
    """The version in force that somebody approved."""
    version = protocols.current(connection, who.clinic_id, name)
    return version if version is not None and version.approved_at is not None else None


def base_of(connection: Connection, who: Who, shown: Shown) -> Base | None:
    """What is in force under this name; before anything is, what came with Aftercare."""
    version = approved(connection, who, shown.name)
    if version is not None and not shown.in_force:
        return base_on(connection, version)
    return shipped_base(shown.name)


def base_on(connection: Connection, version: Version) -> Base:
    title = f"version {version.version}"
    return Base(title, protocols.body(connection, version.id), protocols.parsed(connection, version.id))


def shipped_base(name: str) -> Base | None:
    text = shipped().get(name)
    return None if text is None else Base("the one that came with Aftercare", text, load(text, name))


def bubbles(who: Who, shown: Shown, language: str, most: int) -> tuple[list[Bubble], int]:
    """The messages as a phone shows them, of at most so many characters in all; and how many were left out."""
    protocol = shown.checked.protocol
    every = [] if protocol is None else list(dry_run.bubbles(protocol, language, fields(who, language)))
    kept = dry_run.at_most(every, most)
    return kept, len(every) - len(kept)


def difference(base: Base | None, shown: Shown) -> tuple[list[line_diff.Line], bool]:
    """The lines in which it differs from `base`, up to MOST_LINES, and whether there are more."""
    lines = [] if base is None else list(islice(line_diff.compare(base.text, shown.text), MOST_LINES + 1))
    return lines[:MOST_LINES], len(lines) > MOST_LINES


def weaker(shown: Shown, base: Base | None) -> list[str]:
    """What watches over patients less than before, a sentence each."""
    protocol = shown.checked.protocol
    found = () if base is None or protocol is None else thinning.compare(base.protocol, protocol)
    rules = loosening.compare(library().rules_for(None), library().rules_for(shown.name))
    return [*found, *(f"The alert rule {one.rule_id!r} is looser than the default: {one.reason}." for one in rules)]


def fields(who: Who, language: str) -> Fields:
    """An example patient of this clinic, who reads that language."""
    clinic = who.clinic
    return replace(
        dry_run.SAMPLE,
        clinic=clinic.display_name,
        link=f"{context().settings.public_url}/s/AbCdEfGhJkL",
        phone=clinic.phone,
        emerg=clinic.emergency_number,
        hours=clinic.hours_in(language),
    )
