"""Alerts, their history, and the clinic's people who hear of them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
)

from service.records.database import Moment
from service.records.tables import id_column, metadata, of_clinic, partial_index

contacts = Table(
    "contacts",
    metadata,
    id_column(),
    of_clinic(),
    Column("name", Text, nullable=False),  # of the clinic's own people, who must be named when they take an alert on
    Column("phone", LargeBinary),
    Column("phone_key", LargeBinary),
    Column("email", LargeBinary),
    Column("email_key", LargeBinary),
    Column("position", SmallInteger, nullable=False),  # 1 is told first
    Column("on_call", Boolean, nullable=False),  # told of an emergency before their turn, and at night
    Column("created_at", Moment, nullable=False),
    Column("removed_at", Moment),
    Column("phone_verified_at", Moment),  # the code of a test message that went there was entered
    Column("email_verified_at", Moment),
    Index("ix_contacts_clinic_id", "clinic_id"),
    Index("ix_contacts_phone_key", "phone_key"),
)


alerts = Table(
    "alerts",
    metadata,
    id_column(),
    of_clinic(),
    Column("patient_id", BigInteger, ForeignKey("patients.id"), nullable=False),
    Column("session_id", BigInteger, ForeignKey("sessions.id")),
    Column("cause", String(64), nullable=False),  # the id of a warning sign or rule, never a patient's words
    Column("urgency", String(20), nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("since", Moment, nullable=False),  # when it became this urgent: its ladder begins here
    Column("rounds", Integer, nullable=False),  # of notices, so far
    Column("next_notice_at", Moment),  # null: nobody is to be told any more, or it only stands on the worklist
    Column("acknowledged_at", Moment),
    Column("acknowledged_by", Text),
    Column("acknowledged_how", String(16)),
    Column("closed_at", Moment),
    Column("closed_by", Text),
    # A storm of taps and replies about one thing makes one alert.
    partial_index("ix_alerts_open", "patient_id", "cause", unique=True, where="closed_at IS NULL"),
    partial_index("ix_alerts_next_notice_at", "next_notice_at", where="next_notice_at IS NOT NULL"),
    Index("ix_alerts_clinic_id_id", "clinic_id", "id"),
    Index("ix_alerts_patient_id", "patient_id", "opened_at"),
    Index("ix_alerts_clinic_id_opened_at", "clinic_id", "opened_at"),
    partial_index("ix_alerts_worklist", "clinic_id", "urgency", "since", "id", where="closed_at IS NULL"),
)

# Only ever added to: what was said, who was told, who took it on.


alert_events = Table(
    "alert_events",
    metadata,
    id_column(),
    Column("alert_id", BigInteger, ForeignKey("alerts.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("at", Moment, nullable=False),
    Column("source", String(64)),  # of what was said: which survey, which reply
    Column("urgency", String(20)),
    Column("contact_id", BigInteger),  # 0: the clinic's own phone and e-mail
    Column("channel", String(5)),
    Column("round", Integer),
    Column("by", Text),
    Column("details", LargeBinary),  # sealed: what the patient said, or the note it was closed with
    Index("ix_alert_events_alert_id_id", "alert_id", "id"),
    # What retention has not come to yet.
    partial_index("ix_alert_events_kept", "at", where="details IS NOT NULL"),
)
