"""Every table, in the words of the design. Rows are read and written by the module named after them, nowhere else."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from service.records.database import Moment

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Id = BigInteger().with_variant(Integer, "sqlite")
"""SQLite keeps rows in the order of an INTEGER PRIMARY KEY, of 64 bits; under any other name it is one index more."""

LOST_MESSAGES = "state IN ('undelivered', 'failed', 'expired', 'unknown') AND patient_id IS NOT NULL"
UNRESOLVED_REPLIES = "resolved_by IS NULL AND match IN ('shared', 'unmatched')"
"""Conditions of partial indexes whose queries must say the very same, or the index is of no use to them."""


def id_column() -> Column[int]:
    return Column("id", _Id, primary_key=True, autoincrement=False)


def of_clinic() -> Column[int]:
    return Column("clinic_id", BigInteger, ForeignKey("clinics.id"), nullable=False)


clinics = Table(
    "clinics",
    metadata,
    id_column(),
    Column("name", Text, nullable=False),
    Column("display_name", String(18), nullable=False),  # what texts begin with: must not name the treatment
    Column("timezone", Text, nullable=False),
    Column("locale", String(8), nullable=False),
    Column("phone", Text, nullable=False),  # as patients should dial it
    Column("email", Text),
    Column("emergency_number", String(8), nullable=False),
    Column("hours", String(16), nullable=False),  # as shown in texts: "Mo-Fr 9-17"
    Column("opening", JSON, nullable=False),  # {"mon": ["09:00", "17:00"], …}: when somebody reads
    Column("quiet_from", String(5), nullable=False),
    Column("quiet_until", String(5), nullable=False),
    Column("daily_cap", SmallInteger, nullable=False),
    Column("sender", Text, nullable=False, server_default=""),  # SMS sender of its own; empty: the default
    Column("care_plan", JSON, nullable=False),  # the clinic's own words: ice, heat, medicines, activity, follow_up
    Column("created_at", Moment, nullable=False),
    Column("escalation", JSON),  # ladders of its own; null: the house's
    Column("went_live_at", Moment),
    Column("planned_anew_after", BigInteger),  # the last session that was; null: nothing has to be
)

clinic_keys = Table(
    "clinic_keys",
    metadata,
    id_column(),
    of_clinic(),
    Column("kind", String(8), nullable=False),  # api | webhook
    Column("digest", LargeBinary, unique=True),  # API keys: SHA-256; the key itself is shown once
    Column("secret", LargeBinary),  # webhook secrets, sealed: HMAC needs them back
    Column("hint", String(12), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("revoked_at", Moment),  # may lie ahead: until then the key works
    Column("used_at", Moment),  # to the minute
    Column("form", BigInteger),  # the number of the form that asked for it: sent twice, it makes one
    UniqueConstraint("clinic_id", "form"),
)

patients = Table(
    "patients",
    metadata,
    id_column(),
    of_clinic(),
    Column("external_id", Text, nullable=False),
    Column("given_name", LargeBinary),
    Column("phone", LargeBinary),
    Column("phone_key", LargeBinary),
    Column("email", LargeBinary),
    Column("email_key", LargeBinary),
    Column("timezone", Text),
    Column("locale", String(8)),
    Column("sms_consent", Boolean, nullable=False),  # what the consent ledger comes to, kept beside it
    Column("email_consent", Boolean, nullable=False),
    Column("facts_at", Moment, nullable=False),  # of the newest event applied: an older one changes nothing
    Column("paused_at", Moment),
    Column("paused_by", Text),
    Column("stopped_at", Moment),  # holds for the sessions that had ended by then
    Column("stopped_by", Text),
    Column("erased_at", Moment),
    Column("failures_seen_at", Moment),  # somebody at the clinic knows what did not arrive up to then
    UniqueConstraint("clinic_id", "external_id"),
    Index("ix_patients_clinic_id_facts_at", "clinic_id", "facts_at", "id"),
    Index("ix_patients_phone_key", "phone_key"),
    Index("ix_patients_email_key", "email_key"),
)

courses = Table(
    "courses",
    metadata,
    id_column(),
    of_clinic(),
    Column("patient_id", BigInteger, ForeignKey("patients.id"), nullable=False),
    Column("site", String(24), nullable=False),
    UniqueConstraint("patient_id", "site"),
)

protocols = Table(
    "protocols",
    metadata,
    id_column(),
    of_clinic(),
    Column("name", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", Text, nullable=False),  # the YAML as it was given; never changed
    Column("timing", String(64), nullable=False),  # fingerprints: what changed between two versions
    Column("content", String(64), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("approved_by", Text),
    Column("approved_at", Moment),
    Column("followers", String(9)),  # who has yet to go over to it; null once all have
    Column("followers_after", BigInteger),  # the last session that was looked at
    UniqueConstraint("clinic_id", "name", "version"),
    Index(
        "ix_protocols_followers",
        "id",
        postgresql_where=text("followers IS NOT NULL"),
        sqlite_where=text("followers IS NOT NULL"),
    ),
)

sessions = Table(
    "sessions",
    metadata,
    id_column(),
    of_clinic(),
    Column("external_id", Text, nullable=False),
    Column("patient_id", BigInteger, ForeignKey("patients.id")),
    Column("course_id", BigInteger, ForeignKey("courses.id")),
    Column("protocol_id", BigInteger, ForeignKey("protocols.id")),
    Column("ended_at", Moment),  # null only in a session that was cancelled before it was reported
    Column("number", Integer),
    Column("next_session_at", Moment),
    Column("baseline", LargeBinary),  # sealed JSON: scores and the patient's own words
    Column("cancelled_at", Moment),
    Column("superseded_from", Moment),  # when the next session of the course ended
    Column("facts_at", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("clinic_id", "external_id"),
    Index("ix_sessions_patient_id", "patient_id"),
    Index("ix_sessions_course_id_ended_at", "course_id", "ended_at"),
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
    Index(
        "ix_messages_cause",
        "cause_id",
        "step",
        "channel",
        unique=True,
        postgresql_where=text("cause_id IS NOT NULL"),
        sqlite_where=text("cause_id IS NOT NULL"),
    ),
    # What the clock looks for. Partial: a million messages planned for next month cost it nothing.
    Index(
        "ix_messages_due",
        "channel",
        "sender",
        "priority",
        "due_at",
        postgresql_where=text("state = 'planned'"),
        sqlite_where=text("state = 'planned'"),
    ),
    Index(
        "ix_messages_check",
        "check_at",
        postgresql_where=text("check_at IS NOT NULL"),
        sqlite_where=text("check_at IS NOT NULL"),
    ),
    Index(
        "ix_messages_queued",
        "channel",
        "sender",
        postgresql_where=text("state = 'queued'"),
        sqlite_where=text("state = 'queued'"),
    ),
    # All of a patient's, and those handed over lately among them.
    Index("ix_messages_patient", "patient_id", "handed_at"),
    # Surveys that were asked for lately, to be held against the answers.
    Index(
        "ix_messages_asked",
        "handed_at",
        postgresql_where=text("handed_at IS NOT NULL AND survey IS NOT NULL"),
        sqlite_where=text("handed_at IS NOT NULL AND survey IS NOT NULL"),
    ),
    # What went out to a clinic's patients, for results.
    Index(
        "ix_messages_handed",
        "clinic_id",
        "handed_at",
        postgresql_where=text("handed_at IS NOT NULL AND patient_id IS NOT NULL"),
        sqlite_where=text("handed_at IS NOT NULL AND patient_id IS NOT NULL"),
    ),
    # What did not reach patients, for the desk.
    Index(
        "ix_messages_lost",
        "clinic_id",
        "due_at",
        postgresql_where=text(LOST_MESSAGES),
        sqlite_where=text(LOST_MESSAGES),
    ),
)

attempts = Table(
    "attempts",
    metadata,
    id_column(),
    Column("message_id", BigInteger, ForeignKey("messages.id"), nullable=False),
    Column("number", SmallInteger, nullable=False),
    Column(
        "token", String(24), nullable=False, unique=True
    ),  # in the status callback: names the attempt, opens nothing
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
    Index(
        "ix_attempts_kept",
        "started_at",
        postgresql_where=text("length(address) > 0"),
        sqlite_where=text("length(address) > 0"),
    ),
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
    Index(
        "ix_receipts_unapplied",
        "received_at",
        postgresql_where=text("applied_at IS NULL"),
        sqlite_where=text("applied_at IS NULL"),
    ),
)

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
    Index(
        "ix_replies_kept",
        "received_at",
        postgresql_where=text("length(body) > 0"),
        sqlite_where=text("length(body) > 0"),
    ),
    Index(
        "ix_replies_unseen",
        "clinic_id",
        "id",
        postgresql_where=text("seen_at IS NULL"),
        sqlite_where=text("seen_at IS NULL"),
    ),
    Index(
        "ix_replies_unresolved",
        "match",
        "clinic_id",
        "id",
        postgresql_where=text(UNRESOLVED_REPLIES),
        sqlite_where=text(UNRESOLVED_REPLIES),
    ),
    Index(
        "ix_replies_unhandled",
        "received_at",
        postgresql_where=text("handled_at IS NULL"),
        sqlite_where=text("handled_at IS NULL"),
    ),
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
    Column("on_call", Boolean, nullable=False),  # told at once also while the clinic is closed
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
    Index(
        "ix_alerts_open",
        "patient_id",
        "cause",
        unique=True,
        postgresql_where=text("closed_at IS NULL"),
        sqlite_where=text("closed_at IS NULL"),
    ),
    Index(
        "ix_alerts_next_notice_at",
        "next_notice_at",
        postgresql_where=text("next_notice_at IS NOT NULL"),
        sqlite_where=text("next_notice_at IS NOT NULL"),
    ),
    Index("ix_alerts_clinic_id_id", "clinic_id", "id"),
    Index("ix_alerts_patient_id", "patient_id", "opened_at"),
    Index("ix_alerts_clinic_id_opened_at", "clinic_id", "opened_at"),
    Index(
        "ix_alerts_worklist",
        "clinic_id",
        "urgency",
        "since",
        "id",
        postgresql_where=text("closed_at IS NULL"),
        sqlite_where=text("closed_at IS NULL"),
    ),
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
    Index(
        "ix_alert_events_kept",
        "at",
        postgresql_where=text("details IS NOT NULL"),
        sqlite_where=text("details IS NOT NULL"),
    ),
)

consents = Table(
    "consents",
    metadata,
    id_column(),
    of_clinic(),
    Column("patient_id", BigInteger, ForeignKey("patients.id"), nullable=False),
    Column("channel", String(5), nullable=False),
    Column("action", String(8), nullable=False),  # granted | revoked
    Column("wording", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("warned_at", Moment),  # unencrypted texts: when the patient was told, and when they still wanted them
    Column("accepted_at", Moment),
    Column("recorded_at", Moment, nullable=False),
    Column("reply_id", BigInteger),
    UniqueConstraint("patient_id", "channel", "action", "at"),
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
    Index(
        "ix_suppressions_address_key",
        "address_key",
        "channel",
        postgresql_where=text("lifted_at IS NULL"),
        sqlite_where=text("lifted_at IS NULL"),
    ),
    Index(
        "ix_suppressions_uncertain",
        "clinic_id",
        "id",
        postgresql_where=text("lifted_at IS NULL AND NOT certain"),
        sqlite_where=text("lifted_at IS NULL AND NOT certain"),
    ),
)

events = Table(
    "events",
    metadata,
    id_column(),
    of_clinic(),
    Column("key", String(255), nullable=False),  # webhook-id or Idempotency-Key
    Column("digest", LargeBinary, nullable=False),
    Column("type", String(32), nullable=False),
    Column("session_id", BigInteger),
    Column("status", SmallInteger, nullable=False),
    Column("answer", LargeBinary, nullable=False),  # sealed, compressed: what was answered, for the repeat
    Column("received_at", Moment, nullable=False),
    UniqueConstraint("clinic_id", "key"),
    Index("ix_events_session_id", "session_id"),
    Index("ix_events_received_at", "received_at"),
)

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

notices = Table(
    "notices",
    metadata,
    id_column(),
    Column("kind", String(32), nullable=False),  # to the operator of this installation
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("closed_at", Moment),
    Index(
        "ix_notices_open",
        "kind",
        "subject",
        unique=True,
        postgresql_where=text("closed_at IS NULL"),
        sqlite_where=text("closed_at IS NULL"),
    ),
)

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
    Index(
        "ix_webhook_deliveries_due",
        "due_at",
        postgresql_where=text("state IN ('waiting', 'queued', 'posting')"),
        sqlite_where=text("state IN ('waiting', 'queued', 'posting')"),
    ),
    # The desk's log, newest first.
    Index("ix_webhook_deliveries_log", "endpoint_id", "event_id"),
    # Who is before whom: one patient's events reach an endpoint in order.
    Index(
        "ix_webhook_deliveries_line",
        "endpoint_id",
        "patient_id",
        "event_id",
        postgresql_where=text("state IN ('waiting', 'queued', 'posting')"),
        sqlite_where=text("state IN ('waiting', 'queued', 'posting')"),
    ),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("at", Moment, nullable=False),  # real time, also when the service's clock runs fast
)

# That a provider's post came in with a signature that holds: what a checklist may call seen.
sightings = Table(
    "sightings",
    metadata,
    Column("name", String(24), primary_key=True),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),  # to the hour
)

audit = Table(
    "audit",
    metadata,
    id_column(),
    Column("clinic_id", BigInteger, ForeignKey("clinics.id")),
    Column("actor", Text, nullable=False),
    Column("action", String(32), nullable=False),
    Column("subject", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Index("ix_audit_clinic_id_id", "clinic_id", "id"),
    # The desk's search: what one person did, and who read one patient, in the order of time.
    Index("ix_audit_clinic_id_at", "clinic_id", "at", "id"),
    Index("ix_audit_clinic_id_actor", "clinic_id", "actor", "at"),
    Index("ix_audit_clinic_id_subject", "clinic_id", "subject", "at"),
)
