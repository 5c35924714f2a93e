"""Clinics, patients and their courses, and what the service knows of itself. The other tables are beside this one.

Tables have the words of the design. Rows are read and written by the module named after them, nowhere else.
"""

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


def id_column() -> Column[int]:
    return Column("id", _Id, primary_key=True, autoincrement=False)


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of the rows of which `where` holds: the others cost it nothing, and both databases have it."""
    condition = text(where)
    return Index(name, *columns, unique=unique, postgresql_where=condition, sqlite_where=condition)


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
    Column("hours", String(16), nullable=False),  # as typed, "Mo-Fr 9-17": shown where `opening` cannot be
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
    partial_index("ix_protocols_followers", "id", where="followers IS NOT NULL"),
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
    Column("has_baseline", Boolean, nullable=False),  # all that the survey at the start would ask for
    UniqueConstraint("clinic_id", "external_id"),
    Index("ix_sessions_patient_id", "patient_id"),
    Index("ix_sessions_course_id_ended_at", "course_id", "ended_at"),
    # What retention has not come to yet.
    partial_index("ix_sessions_kept", "created_at", where="baseline IS NOT NULL"),
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


events = Table(
    "events",
    metadata,
    id_column(),
    of_clinic(),
    Column("key", String(255), nullable=False),  # webhook-id or Idempotency-Key
    Column("digest", LargeBinary, nullable=False),
    Column("type", String(32), nullable=False),
    Column("session_id", BigInteger),
    Column("patient_id", BigInteger),  # of an event about no session of theirs
    Column("status", SmallInteger, nullable=False),
    Column("answer", LargeBinary, nullable=False),  # sealed, compressed: what was answered, for the repeat
    Column("received_at", Moment, nullable=False),
    UniqueConstraint("clinic_id", "key"),
    Index("ix_events_session_id", "session_id"),
    partial_index("ix_events_patient_id", "patient_id", where="patient_id IS NOT NULL"),
    Index("ix_events_received_at", "received_at"),
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
    partial_index("ix_notices_open", "kind", "subject", unique=True, where="closed_at IS NULL"),
)


heartbeats = Table(
    "heartbeats",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("at", Moment, nullable=False),  # real time, also when the service's clock runs fast
)

# One row: whether the keys at hand are this database's. Its absence says that nothing was ever sealed here.


key_check = Table(
    "key_check",
    metadata,
    id_column(),
    Column("sealed", LargeBinary, nullable=False),
)

# Former keys by which something on record is still found, and nothing can be hashed anew of.


lookup_keys = Table(
    "lookup_keys",
    metadata,
    Column("key_id", String(16), primary_key=True),
    Column("proof", LargeBinary, nullable=False),  # a keyed hash of a known word: two keys may bear one id
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
