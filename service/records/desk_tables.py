"""The desk's tables: the people who sign in there, and what they write down, import and draft."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from service.records.database import Moment
from service.records.tables import id_column, metadata, of_clinic, partial_index

staff = Table(
    "staff",
    metadata,
    id_column(),
    of_clinic(),
    Column("name", Text, nullable=False),
    Column("email", LargeBinary, nullable=False),  # sealed
    Column("email_key", LargeBinary, nullable=False, unique=True),
    Column("role", String(9), nullable=False),
    Column("password_hash", Text),  # null until the join link was used
    Column("totp_secret", LargeBinary),  # sealed; counts only once it is confirmed
    Column("totp_confirmed_at", Moment),
    Column("totp_last_step", BigInteger),  # of the last code that was taken: each is taken once
    Column("join_key", LargeBinary, unique=True),  # SHA-256 of the one-time link's token
    Column("join_expires_at", Moment),
    Column("created_at", Moment, nullable=False),
    Column("disabled_at", Moment),
    Index("ix_staff_clinic_id", "clinic_id"),
)

# All moments here are the world's: a demonstration's fast clock must sign nobody out.
staff_sessions = Table(
    "staff_sessions",
    metadata,
    id_column(),
    Column("staff_id", BigInteger, ForeignKey("staff.id"), nullable=False),
    Column("token_key", LargeBinary, nullable=False, unique=True),  # SHA-256 of the token in the cookie
    Column("waits_for_code", Boolean, nullable=False),  # the password was right, the one-time code is still to come
    Column("device", String(48), nullable=False),  # as its owner knows it again: "Firefox on Windows"
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("ended_by", Text),
    Index("ix_staff_sessions_staff_id", "staff_id"),
)

notes = Table(
    "notes",
    metadata,
    id_column(),
    of_clinic(),
    Column("patient_id", BigInteger, ForeignKey("patients.id")),  # null: about a reply that is no patient's
    Column("alert_id", BigInteger, ForeignKey("alerts.id")),
    Column("reply_id", BigInteger, ForeignKey("replies.id")),
    Column("by", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("body", LargeBinary, nullable=False),  # sealed
    Index("ix_notes_patient_id_id", "patient_id", "id"),
    partial_index("ix_notes_alert_id", "alert_id", "id", where="alert_id IS NOT NULL"),
    partial_index("ix_notes_reply_id", "reply_id", "id", where="reply_id IS NOT NULL"),
    Index("ix_notes_at", "at"),
)

imports = Table(
    "imports",
    metadata,
    id_column(),
    of_clinic(),
    Column("staff_id", BigInteger, ForeignKey("staff.id"), nullable=False),
    Column("name", LargeBinary, nullable=False),  # sealed: of the file, which may be named after a patient
    Column("content", LargeBinary, nullable=False),  # sealed; empty once nothing of it is needed any more
    Column("mapping", JSON, nullable=False),  # which column says what
    Column("phase", String(9), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("position", Integer, nullable=False),  # rows dealt with in this phase
    Column("taken", Integer, nullable=False),  # of these, taken in, or in a dry run good to be
    Column("already", Integer, nullable=False),  # of these, on record before
    Column("noes", Integer, nullable=False),  # of these, on record before, with a no that was not
    Column("created_at", Moment, nullable=False),
    Column("check_at", Moment, nullable=False),  # when the clock sees to it: nudges again, gives it up, or deletes it
    Column("finished_at", Moment),
    Index("ix_imports_clinic_id_id", "clinic_id", "id"),
    Index("ix_imports_check_at", "check_at"),
)

# What is wrong with an import's rows, a row for each step of the worker's in which something was.
import_problems = Table(
    "import_problems",
    metadata,
    id_column(),
    Column("import_id", BigInteger, ForeignKey("imports.id"), nullable=False),
    Column("last_row", Integer, nullable=False),  # the last one in it, as the spreadsheet counts
    Column("body", LargeBinary, nullable=False),  # sealed
    Index("ix_import_problems_import_id_last_row", "import_id", "last_row"),
)

protocol_drafts = Table(
    "protocol_drafts",
    metadata,
    id_column(),
    of_clinic(),
    Column("name", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("changed_at", Moment, nullable=False),
    UniqueConstraint("clinic_id", "name"),
)
