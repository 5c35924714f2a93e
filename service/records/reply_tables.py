"""What patients say: replies, answers to surveys, and conversations."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from service.records.database import Moment
from service.records.tables import id_column, metadata, of_clinic, partial_index

UNRESOLVED_REPLIES = "resolved_by IS NULL AND match IN ('shared', 'unmatched')"
"""The condition of a partial index: a query must say the very same, or the index is of no use to it."""
UNREAD_REPLIES = "handled_at IS NULL AND received_at IS NOT NULL"
"""The same; its second half keeps it from who looks one reply up: see `QUEUED_MESSAGES`."""


replies = Table(
    "replies",
    metadata,
    id_column(),
    Column("provider_key", String(128), nullable=False, unique=True),
    Column("channel", String(5), nullable=False),
    Column("sender", LargeBinary, nullable=False),  # sealed
    Column("sender_key", LargeBinary, nullable=False),
    Column("recipient", Text, nullable=False),  # our number or reply address
    Column("link_key", BigInteger),  # of the reply address, where it carries a token
    Column("body", LargeBinary, nullable=False),  # sealed
    Column("media", SmallInteger, nullable=False),
    Column("opt_out_type", String(8)),  # what the provider made of it, where it says
    Column("automatic", Boolean, nullable=False),  # written by a machine (out of office, a bounce): never answered
    Column("received_at", Moment, nullable=False),
    Column("clinic_id", BigInteger, ForeignKey("clinics.id")),
    Column("patient_id", BigInteger, ForeignKey("patients.id")),
    Column("session_id", BigInteger, ForeignKey("sessions.id")),
    Column("match", String(10), nullable=False),  # waiting | matched | shared | unmatched | clinician
    Column("meaning", String(12)),
    Column("reading", LargeBinary),  # sealed JSON of the whole reading: number, red flags, words
    Column("handled_at", Moment),
    Column("resolved_by", Text),
    Column("place", BigInteger),  # in the clinic's list: given when it is handled, anew when something about it changes
    Column("seen_at", Moment),  # when somebody at the clinic had read it, or a rule that nobody need
    Column("seen_by", Text),
    Index("ix_replies_clinic_id_place", "clinic_id", "place"),
    Index("ix_replies_sender_key", "sender_key"),
    Index("ix_replies_patient_id", "patient_id"),
    # What retention has not come to yet.
    partial_index("ix_replies_kept", "received_at", where="length(body) > 0"),
    partial_index("ix_replies_unseen", "clinic_id", "id", where="seen_at IS NULL"),
    partial_index("ix_replies_unresolved", "match", "clinic_id", "id", where=UNRESOLVED_REPLIES),
    partial_index("ix_replies_unhandled", "received_at", where=UNREAD_REPLIES),
)


reply_candidates = Table(
    "reply_candidates",
    metadata,
    Column("reply_id", BigInteger, ForeignKey("replies.id"), primary_key=True),
    Column("patient_id", BigInteger, ForeignKey("patients.id"), primary_key=True),
    Column("clinic_id", BigInteger, ForeignKey("clinics.id"), nullable=False),
    Index("ix_reply_candidates_clinic_id", "clinic_id"),
    Index("ix_reply_candidates_patient_id", "patient_id"),
)


responses = Table(
    "responses",
    metadata,
    id_column(),
    of_clinic(),
    Column("patient_id", BigInteger, ForeignKey("patients.id"), nullable=False),
    Column("session_id", BigInteger, ForeignKey("sessions.id"), nullable=False),
    Column("survey", String(16), nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("completed_at", Moment),
    Column("answers", LargeBinary, nullable=False),  # sealed JSON by question id
    UniqueConstraint("session_id", "survey"),
    Index("ix_responses_clinic_id_id", "clinic_id", "id"),
    Index("ix_responses_changed", "clinic_id", "changed_at", "id"),  # the cursor of /v1/answers
    Index("ix_responses_changed_at", "changed_at"),  # what retention comes to next
)


silences = Table(
    "silences",
    metadata,
    Column("session_id", BigInteger, ForeignKey("sessions.id"), primary_key=True),
    Column("survey", String(16), primary_key=True),
    Column("silence", String(14), nullable=False),  # some | after_reminder: how long it had lasted
    Column("judged_at", Moment, nullable=False),
)


conversations = Table(
    "conversations",
    metadata,
    id_column(),
    of_clinic(),
    Column("patient_id", BigInteger, ForeignKey("patients.id"), nullable=False),
    Column("session_id", BigInteger, ForeignKey("sessions.id"), nullable=False),
    Column("survey", String(16), nullable=False),
    Column("state", LargeBinary, nullable=False),  # sealed JSON: which question is open, what was ticked so far
    Column("asked_at", Moment, nullable=False),  # when the open question was asked
    Column("expires_at", Moment, nullable=False),  # from then on it cannot be answered by text
    Column("ended_at", Moment),
    UniqueConstraint("session_id", "survey"),
    Index("ix_conversations_patient_id", "patient_id"),
    Index("ix_conversations_expires_at", "expires_at"),
)
