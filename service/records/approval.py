"""Signing a protocol off. Those who follow it go over with the clock (`switching`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from service.care.protocol_check import check
from service.records import audit, drafts, protocols, switching
from service.records.library import library
from service.records.protocols import Version
from service.records.switching import Followers


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


def sign_draft(connection: Connection, clinic_id: int, draft_id: int, seen: str, signature: Signature) -> Version:
    """Make a draft the version in force.

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
    drafts.discard(connection, clinic_id, draft_id, seen)
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
    protocols.approve(connection, version_id, signature.by, signature.at)
    audit.note(connection, clinic_id, signature.actor, "protocol.approve", f"protocol {version_id}", signature.at)
    switching.begin(connection, version_id, signature.followers)
    return protocols.version(connection, version_id)
