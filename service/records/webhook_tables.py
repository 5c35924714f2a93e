"""What clinics' own systems are told."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
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
from service.records.tables import id_column, metadata, of_clinic, partial_index

UNDER_WAY = "state IN ('waiting', 'queued', 'posting')"
"""Either index of such deliveries says a thing more, true of each that it serves, that no statement about deliveries by
their own ids says: see `QUEUED_MESSAGES`."""

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    id_column(),
    of_clinic(),
    Column("url", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False),  # sealed
    Column("types", JSON, nullable=False),  # "*", or a list of event types
    Column("created_at", Moment, nullable=False),
    Column("disabled_at", Moment),
    Column("failing_since", Moment),  # null once something arrived
    Column("failures", Integer, nullable=False),  # posts in a row that did not arrive
    Column("closed_until", Moment),  # rest after many of them, or a Retry-After
    Column("paused_at", Moment),  # by the clinic: what happens meanwhile waits
    Column("form", BigInteger),  # the number of the form that asked for its secret: sent twice, it makes one
    UniqueConstraint("clinic_id", "form"),
)

# Secrets that an endpoint had before: each signs beside the present one until it ends.
webhook_old_secrets = Table(
    "webhook_old_secrets",
    metadata,
    id_column(),
    Column("endpoint_id", BigInteger, ForeignKey("webhook_endpoints.id"), nullable=False),
    Column("secret", LargeBinary, nullable=False),  # sealed
    Column("ends_at", Moment, nullable=False),
    Index("ix_webhook_old_secrets_endpoint_id_ends_at", "endpoint_id", "ends_at"),
)


webhook_events = Table(
    "webhook_events",
    metadata,
    id_column(),  # also the cursor of the replay
    of_clinic(),
    Column("patient_id", BigInteger, ForeignKey("patients.id")),
    Column("type", String(32), nullable=False),
    Column("facts", JSON),  # data that other tables hold unsealed as well: states, reasons, ids
    Column("body", LargeBinary),  # sealed JSON: data with words, answers or alerts in it
    Column("created_at", Moment, nullable=False),
    Index("ix_webhook_events_clinic_id_id", "clinic_id", "id"),
    Index("ix_webhook_events_patient_id", "patient_id"),
    Index("ix_webhook_events_created_at", "created_at"),
)


webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("event_id", BigInteger, ForeignKey("webhook_events.id", ondelete="CASCADE"), primary_key=True),
    Column("endpoint_id", BigInteger, ForeignKey("webhook_endpoints.id"), primary_key=True),
    Column("patient_id", BigInteger),
    Column("state", String(9), nullable=False),  # waiting | queued | posting | delivered | abandoned
    Column("tries", SmallInteger, nullable=False),
    Column("due_at", Moment, nullable=False),  # while queued or posting: the lease's end
    Column("since", Moment, nullable=False),  # when its days of retries began
    Column("status", SmallInteger),  # of the last answer
    Column("last_error", String(24)),
    partial_index("ix_webhook_deliveries_due", "due_at", where=f"{UNDER_WAY} AND due_at IS NOT NULL"),
    # The desk's log, newest first.
    Index("ix_webhook_deliveries_log", "endpoint_id", "event_id"),
    # Who is before whom: one patient's events reach an endpoint in order.
    partial_index(
        "ix_webhook_deliveries_line",
        "endpoint_id",
        "patient_id",
        "event_id",
        where=f"{UNDER_WAY} AND patient_id IS NOT NULL",
    ),
)
