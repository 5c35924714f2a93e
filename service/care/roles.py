"""Who at a clinic may do what on its desk."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Permission(StrEnum):
    """What a page or a button of the desk needs."""

    SELF = "self"
    """One's own account."""
    READ = "read"
    """Patients, replies, results, sessions, protocols."""
    WORK = "work"
    """Acknowledge and close alerts, answer and settle replies, write notes."""
    PLAN = "plan"
    """Enter sessions, pause or stop a plan, correct what is wrong."""
    APPROVE = "approve"
    """Change and approve protocols."""
    MANAGE = "manage"
    """Settings, people, keys, the demonstration."""
    AUDIT = "audit"
    """Who read and changed what."""


class Role(StrEnum):
    """What somebody is at the clinic."""

    OWNER = "owner"
    CLINICIAN = "clinician"
    DESK = "desk"
    READER = "reader"


_READER = frozenset({Permission.SELF, Permission.READ})
_DESK = _READER | {Permission.WORK, Permission.PLAN}
_CLINICIAN = _DESK | {Permission.APPROVE}

MAY: Mapping[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.CLINICIAN: _CLINICIAN,
    Role.DESK: _DESK,
    Role.READER: _READER,
}


def who_may(permission: Permission) -> tuple[Role, ...]:
    """The roles that may."""
    return tuple(role for role in Role if permission in MAY[role])
