"""Signing a protocol off, and what follows: sessions under older versions move on to the one now in force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, Engine

from service.care.protocol_check import check
from service.records import audit, drafts, protocols, sessions, switching
from service.records.database import reading, run
from service.records.library import library
from service.records.plans import Sending
from service.records.protocols import Version
from service.records.switching import STILL_CONCERNED, Followers

_BATCH = 100


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signs, and whom it concerns."""

    by: str
    """The clinician's name, as it stands with the version."""
    actor: str
    """The same person as the audit names them."""
    followers: Followers
    at: datetime


class AlreadySigned(Exception):
    """Somebody was first; `version` is what they signed."""

    def __init__(self, version: Version) -> None:
        super().__init__(version.name)
        self.version = version


class MayNotBeSigned(Exception):
    """There are errors in it, or a later version is in force."""


@dataclass(frozen=True, slots=True)
class Approved:
    """What an approval brought about."""

    version: Version
    moved: int
    """Sessions that now follow this version."""
    replanned: int
    """Those of them whose messages were planned anew, because the times differ."""
    woken: int
    """Messages that had been held until now."""


def approve(
    engine: Engine,
    sending: Sending,
    clinic_id: int,
    version_id: int,
    by: str,
    now: datetime,
    on_progress: Callable[[int, int], None] | None = None,
) -> Approved:
    """Sign a version off in the name of `by`; the signature is committed first, then sessions follow in batches.

    Interrupted, it may be run again and goes on. What sessions follow is the newest approved version,
    which need not be the one just signed.
    """

    def sign(connection: Connection) -> tuple[Version, Version]:
        signed = protocols.approve(connection, version_id, by, now)
        audit.note(connection, clinic_id, by, "protocol.approve", f"protocol {version_id}", now)
        in_force = protocols.current(connection, clinic_id, signed.name)
        return signed, in_force or signed

    signed, in_force = run(engine, sign)
    with reading(engine) as connection:
        # Newer drafts too: sessions that came while nothing was approved follow the newest draft, and wait.
        others = [one.id for one in protocols.of_clinic(connection, clinic_id) if one.name == in_force.name]
        concerned = [one.id for one in sessions.live_of_protocol(connection, others, now - STILL_CONCERNED)]
    moved = replanned = woken = 0
    for start in range(0, len(concerned), _BATCH):
        part = concerned[start : start + _BATCH]
        counts = run(engine, partial(switching.follow, sending=sending, to=in_force, session_ids=part, now=now))
        moved, replanned, woken = moved + counts[0], replanned + counts[1], woken + counts[2]
        if on_progress is not None:
            on_progress(start + len(part), len(concerned))
    return Approved(signed, moved, replanned, woken)


def sign_draft(connection: Connection, clinic_id: int, draft_id: int, seen: str, signature: Signature) -> Version:
    """Make a draft the version in force; those who follow it go over with the clock.

    `seen` is the mark of the text that was read: signed is nothing else. Raises Overtaken, AlreadySigned,
    MayNotBeSigned, and LookupError for what the clinic does not have.
    """
    try:
        draft = drafts.get(connection, clinic_id, draft_id, lock=True)
    except LookupError:
        # The version keeps the draft's id: whoever presses the button twice is told what the first time did.
        raise AlreadySigned(protocols.get(connection, clinic_id, draft_id)) from None
    if draft.mark != seen:
        raise drafts.Overtaken(draft)
    if not check(draft.body, library().surveys, draft.name).may_be_approved:
        raise MayNotBeSigned
    drafts.discard(connection, clinic_id, draft_id)
    protocols.add_as(connection, clinic_id, draft_id, draft.body, signature.at)
    return _sign(connection, clinic_id, draft_id, signature)


def sign_version(connection: Connection, clinic_id: int, version_id: int, signature: Signature) -> Version:
    """The same for a version that was stored and waits. Raises AlreadySigned, MayNotBeSigned and LookupError."""
    version = protocols.get(connection, clinic_id, version_id, lock=True)
    if version.approved_at is not None:
        raise AlreadySigned(version)
    in_force = protocols.current(connection, clinic_id, version.name)
    is_late = in_force is not None and in_force.approved_at is not None and in_force.version > version.version
    if is_late or not check(protocols.body(connection, version_id), library().surveys).may_be_approved:
        raise MayNotBeSigned
    return _sign(connection, clinic_id, version_id, signature)


def _sign(connection: Connection, clinic_id: int, version_id: int, signature: Signature) -> Version:
    signed = protocols.approve(connection, version_id, signature.by, signature.at)
    audit.note(connection, clinic_id, signature.actor, "protocol.approve", f"protocol {version_id}", signature.at)
    switching.begin(connection, version_id, signature.followers)
    return signed
