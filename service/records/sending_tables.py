"""Messages, what became of each attempt to send them, and from where and to whom nothing goes."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from service.records.database import Moment
from service.records.tables import id_column, metadata, partial_index

LOST_MESSAGES = "state IN ('undelivered', 'failed', 'expired', 'unknown') AND patient_id IS NOT NULL"
"""The condition of a partial index: a query must say the very same, or the index is of no use to it."""
LOST_NOTICES = "state IN ('undelivered', 'failed', 'expired', 'unknown', 'skipped') AND cause_id IS NOT NULL"
"""The same, of messages because of a reply or an alert."""
QUEUED_MESSAGES = "state = 'queued' AND check_at IS NOT NULL"
HANDED_MESSAGES = "handed_at IS NOT NULL AND patient_id IS NOT NULL AND tries > 0"
"""The same of what is queued, and of what went out. Either says a thing more, true of each such row, that no statement
about messages by their own or their patients' ids says: PostgreSQL's figures are mostly taken when nothing is queued
and nothing has gone out yet, and by them it would go through all of this index instead of looking each id up."""


senders = Table(
    "senders",
    metadata,
    Column("channel", String(5), primary_key=True),
    Column("sender", Text, primary_key=True),
    Column("segments_per_second", Float, nullable=False),  # 0: unlimited
    Column("paced_until", Moment),  # the time up to which its pace is spoken for
    Column("paused_at", Moment),
    Column("paused_code", String(24)),
    Column("closed_until", Moment),  # the circuit breaker, or a Retry-After
    Column("failures", Integer, nullable=False),
)


messages = Table(
    "messages",
    metadata,
    id_column(),
    # Without a foreign key: a fifth of the cost of storing a plan, and a row that everybody locks. Clinics never go.
    Column("clinic_id", BigInteger, nullable=False),
    Column("patient_id", BigInteger, ForeignKey("patients.id")),  # null: to the clinic's own people
    Column("session_id", BigInteger, ForeignKey("sessions.id")),
    Column("cause_id", BigInteger),  # the reply or alert that an unplanned message answers
    Column("step", String(48), nullable=False),
    Column("channel", String(5), nullable=False),
    Column("survey", String(16)),
    Column("sender", Text, nullable=False),
    Column("priority", SmallInteger, nullable=False),  # 0 alerts and answers to the patient, 1 the plan
    Column("segments", SmallInteger, nullable=False),  # at worst case, for the pace of the sender
    Column("due_at", Moment, nullable=False),
    Column("window_until", Moment, nullable=False),
    Column("state", String(11), nullable=False),
    Column("reason", String(24), nullable=False),
    Column("tries", SmallInteger, nullable=False),
    Column("check_at", Moment),  # when somebody must look again: a lease's end, a stale receipt
    Column("handed_at", Moment),  # when an attempt was first begun that was not proven absent
    Column("address", LargeBinary),  # sealed; of messages to the clinic's own people, who have no patient row
    Column("body", LargeBinary),  # words a person typed, sealed; planned messages are rendered from their protocol
    Column("by", Text),  # who typed them
    UniqueConstraint("session_id", "step", "channel"),
    # Partial: a plan's messages have no cause, and need not be in here.
    partial_index("ix_messages_cause", "cause_id", "step", "channel", unique=True, where="cause_id IS NOT NULL"),
    # What the clock looks for. Partial: a million messages planned for next month cost it nothing.
    partial_index("ix_messages_due", "channel", "sender", "priority", "due_at", where="state = 'planned'"),
    partial_index("ix_messages_check", "check_at", where="check_at IS NOT NULL"),
    partial_index("ix_messages_queued", "channel", "sender", where=QUEUED_MESSAGES),
    # All of a patient's, and those handed over lately among them.
    Index("ix_messages_patient", "patient_id", "handed_at"),
    # Surveys that were asked for lately, to be held against the answers.
    partial_index("ix_messages_asked", "handed_at", where="handed_at IS NOT NULL AND survey IS NOT NULL"),
    # What went out to a clinic's patients, for results.
    partial_index("ix_messages_handed", "clinic_id", "handed_at", where=HANDED_MESSAGES),
    # What did not reach patients, for the desk.
    partial_index("ix_messages_lost", "clinic_id", "due_at", where=LOST_MESSAGES),
    # Notices of alerts that nobody read, for whom to tell instead.
    partial_index("ix_messages_unheard", "cause_id", "due_at", where=LOST_NOTICES),
    # What retention has not come to yet.
    partial_index("ix_messages_kept", "due_at", where="body IS NOT NULL"),
)


attempts = Table(
    "attempts",
    metadata,
    id_column(),
    Column("message_id", BigInteger, ForeignKey("messages.id"), nullable=False),
    Column("number", SmallInteger, nullable=False),
    # In the status callback: names the attempt, opens nothing.
    Column("token", String(24), nullable=False, unique=True),
    Column("link_key", BigInteger, unique=True),  # hash of the token in its link
    Column("address", LargeBinary, nullable=False),  # sealed, as it was handed over
    Column("address_key", LargeBinary, nullable=False),
    Column("body_key", LargeBinary, nullable=False),  # keyed hash of the exact text, to know it again in a listing
    Column("started_at", Moment, nullable=False),  # real time, to be held against the provider's record
    Column("outcome", String(16)),  # null while it is in a worker's hands
    Column("provider_id", Text),
    Column("code", String(24)),
    Column("settled_at", Moment),
    Column("checks", SmallInteger, nullable=False),  # how often the provider was asked about it
    UniqueConstraint("message_id", "number"),
    Index("ix_attempts_provider_id", "provider_id"),
    # What retention has not come to yet.
    partial_index("ix_attempts_kept", "started_at", where="length(address) > 0"),
)


receipts = Table(
    "receipts",
    metadata,
    id_column(),
    Column("event_key", String(128), nullable=False, unique=True),  # "sid status" or sg_event_id: doubles stop here
    Column("channel", String(5), nullable=False),
    Column("provider_id", Text),
    Column("attempt_id", BigInteger),
    Column("status", String(24), nullable=False),
    Column("code", String(24)),
    Column("occurred_at", Moment),
    Column("received_at", Moment, nullable=False),
    Column("applied_at", Moment),
    Index("ix_receipts_attempt_id", "attempt_id"),
    partial_index("ix_receipts_unapplied", "received_at", where="applied_at IS NULL"),
)


suppressions = Table(
    "suppressions",
    metadata,
    id_column(),
    Column("clinic_id", BigInteger, ForeignKey("clinics.id")),  # null: for every clinic that uses the sender
    Column("channel", String(5), nullable=False),
    Column("address_key", LargeBinary, nullable=False),
    Column("reason", String(24), nullable=False),
    Column("certain", Boolean, nullable=False),  # false: suppressed on an ambiguous wording, a person should look
    Column("since", Moment, nullable=False),
    Column("lifted_at", Moment),
    Column("cause", Text, nullable=False),
    partial_index("ix_suppressions_address_key", "address_key", "channel", where="lifted_at IS NULL"),
    partial_index("ix_suppressions_uncertain", "clinic_id", "id", where="lifted_at IS NULL AND NOT certain"),
)
