"""What stands for each path parameter of the desk when the doors are tried. A new name wants a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from service.care.roles import Role
from tests.desk.practice import Practice

if TYPE_CHECKING:
    from tests.desk.desk import Desk

Pick = Callable[["Desk", Practice], int | str]

IDS: Mapping[str, Pick] = {
    "staff_id": lambda desk, practice: practice.staff[Role.CLINICIAN],
    "browser_id": lambda desk, practice: desk.browser_of(practice),
    "patient_id": lambda desk, practice: practice.patients[0],
    "session_id": lambda desk, practice: practice.sessions[0],
    "alert_id": lambda desk, practice: practice.alert,
    "reply_id": lambda desk, practice: practice.replies[0],
    "response_id": lambda desk, practice: practice.response,
    "protocol_id": lambda desk, practice: practice.protocol,
    "draft_id": lambda desk, practice: desk.draft_of(practice),
    "shipped_name": lambda desk, practice: "prolotherapy",
    "survey_name": lambda desk, practice: "S2",
    "contact_id": lambda desk, practice: practice.contact,
    "key_id": lambda desk, practice: practice.key,
    "endpoint_id": lambda desk, practice: practice.endpoint,
    "suppression_id": lambda desk, practice: desk.doubt_of(practice),
    "import_id": lambda desk, practice: desk.import_of(practice),
    "which": lambda desk, practice: "response",
    "token": lambda desk, practice: "no-such-token",
}
NOBODYS = {"id": str(2**63 - 1), "default": "no-such-thing"}
"""By the parameter's kind: what leads nowhere. Too large a number is tried beside it."""
