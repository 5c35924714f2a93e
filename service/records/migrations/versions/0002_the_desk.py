"""The desk

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

from service.records.database import Moment

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LOST_MESSAGES = "state IN ('undelivered', 'failed', 'expired', 'unknown') AND patient_id IS NOT NULL"
LOST_NOTICES = "state IN ('undelivered', 'failed', 'expired', 'unknown', 'skipped') AND cause_id IS NOT NULL"
HANDED_MESSAGES = "handed_at IS NOT NULL AND patient_id IS NOT NULL AND tries > 0"
UNRESOLVED_REPLIES = "resolved_by IS NULL AND match IN ('shared', 'unmatched')"


def upgrade() -> None:
    op.create_table(
        "protocol_drafts",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("clinic_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name=op.f("fk_protocol_drafts_clinic_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_protocol_drafts")),
        sa.UniqueConstraint("clinic_id", "name", name=op.f("uq_protocol_drafts_clinic_id_name")),
    )
    op.create_table(
        "staff",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("clinic_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.LargeBinary(), nullable=False),
        sa.Column("email_key", sa.LargeBinary(), nullable=False),
        sa.Column("role", sa.String(length=9), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("totp_secret", sa.LargeBinary(), nullable=True),
        sa.Column("totp_confirmed_at", Moment(), nullable=True),
        sa.Column("totp_last_step", sa.BigInteger(), nullable=True),
        sa.Column("join_key", sa.LargeBinary(), nullable=True),
        sa.Column("join_expires_at", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("disabled_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name=op.f("fk_staff_clinic_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("email_key", name=op.f("uq_staff_email_key")),
        sa.UniqueConstraint("join_key", name=op.f("uq_staff_join_key")),
    )
    with op.batch_alter_table("staff", schema=None) as batch_op:
        batch_op.create_index("ix_staff_clinic_id", ["clinic_id"], unique=False)

    op.create_table(
        "imports",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("clinic_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("mapping", sa.JSON(), nullable=False),
        sa.Column("phase", sa.String(length=9), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("already", sa.Integer(), nullable=False),
        sa.Column("noes", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("check_at", Moment(), nullable=False),
        sa.Column("finished_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name=op.f("fk_imports_clinic_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_imports_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.create_index("ix_imports_check_at", ["check_at"], unique=False)
        batch_op.create_index("ix_imports_clinic_id_id", ["clinic_id", "id"], unique=False)

    op.create_table(
        "import_problems",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("import_id", sa.BigInteger(), nullable=False),
        sa.Column("last_row", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name=op.f("fk_import_problems_import_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_problems")),
    )
    with op.batch_alter_table("import_problems", schema=None) as batch_op:
        batch_op.create_index("ix_import_problems_import_id_last_row", ["import_id", "last_row"], unique=False)

    op.create_table(
        "staff_sessions",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("token_key", sa.LargeBinary(), nullable=False),
        sa.Column("waits_for_code", sa.Boolean(), nullable=False),
        sa.Column("device", sa.String(length=48), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_sessions_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_sessions")),
        sa.UniqueConstraint("token_key", name=op.f("uq_staff_sessions_token_key")),
    )
    with op.batch_alter_table("staff_sessions", schema=None) as batch_op:
        batch_op.create_index("ix_staff_sessions_staff_id", ["staff_id"], unique=False)

    op.create_table(
        "notes",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("clinic_id", sa.BigInteger(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=True),
        sa.Column("alert_id", sa.BigInteger(), nullable=True),
        sa.Column("reply_id", sa.BigInteger(), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name=op.f("fk_notes_alert_id")),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name=op.f("fk_notes_clinic_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_notes_patient_id")),
        sa.ForeignKeyConstraint(["reply_id"], ["replies.id"], name=op.f("fk_notes_reply_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
    )
    with op.batch_alter_table("notes", schema=None) as batch_op:
        batch_op.create_index("ix_notes_at", ["at"], unique=False)
        batch_op.create_index("ix_notes_patient_id_id", ["patient_id", "id"], unique=False)
        batch_op.create_index(
            "ix_notes_alert_id",
            ["alert_id", "id"],
            unique=False,
            postgresql_where=sa.text("alert_id IS NOT NULL"),
            sqlite_where=sa.text("alert_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_notes_reply_id",
            ["reply_id", "id"],
            unique=False,
            postgresql_where=sa.text("reply_id IS NOT NULL"),
            sqlite_where=sa.text("reply_id IS NOT NULL"),
        )

    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index("ix_audit_clinic_id_actor", ["clinic_id", "actor", "at"], unique=False)
        batch_op.create_index("ix_audit_clinic_id_at", ["clinic_id", "at", "id"], unique=False)
        batch_op.create_index("ix_audit_clinic_id_subject", ["clinic_id", "subject", "at"], unique=False)

    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.create_index(
            "ix_alerts_worklist",
            ["clinic_id", "urgency", "since", "id"],
            unique=False,
            postgresql_where=sa.text("closed_at IS NULL"),
            sqlite_where=sa.text("closed_at IS NULL"),
        )

    with op.batch_alter_table("suppressions", schema=None) as batch_op:
        batch_op.create_index(
            "ix_suppressions_uncertain",
            ["clinic_id", "id"],
            unique=False,
            postgresql_where=sa.text("lifted_at IS NULL AND NOT certain"),
            sqlite_where=sa.text("lifted_at IS NULL AND NOT certain"),
        )

    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.create_index(
            "ix_messages_lost",
            ["clinic_id", "due_at"],
            unique=False,
            postgresql_where=sa.text(LOST_MESSAGES),
            sqlite_where=sa.text(LOST_MESSAGES),
        )
        batch_op.create_index(
            "ix_messages_unheard",
            ["cause_id", "due_at"],
            unique=False,
            postgresql_where=sa.text(LOST_NOTICES),
            sqlite_where=sa.text(LOST_NOTICES),
        )
        batch_op.create_index(
            "ix_messages_kept",
            ["due_at"],
            unique=False,
            postgresql_where=sa.text("body IS NOT NULL"),
            sqlite_where=sa.text("body IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_messages_handed",
            ["clinic_id", "handed_at"],
            unique=False,
            postgresql_where=sa.text(HANDED_MESSAGES),
            sqlite_where=sa.text(HANDED_MESSAGES),
        )

    with op.batch_alter_table("patients", schema=None) as batch_op:
        batch_op.add_column(sa.Column("failures_seen_at", Moment(), nullable=True))

    with op.batch_alter_table("clinic_keys", schema=None) as batch_op:
        batch_op.add_column(sa.Column("used_at", Moment(), nullable=True))
        batch_op.add_column(sa.Column("form", sa.BigInteger(), nullable=True))
        batch_op.create_unique_constraint(batch_op.f("uq_clinic_keys_clinic_id_form"), ["clinic_id", "form"])

    with op.batch_alter_table("clinics", schema=None) as batch_op:
        batch_op.add_column(sa.Column("escalation", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("went_live_at", Moment(), nullable=True))
        batch_op.add_column(sa.Column("planned_anew_after", sa.BigInteger(), nullable=True))

    with op.batch_alter_table("patients", schema=None) as batch_op:
        batch_op.add_column(sa.Column("paused_by", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("stopped_by", sa.Text(), nullable=True))
        batch_op.create_index("ix_patients_clinic_id_facts_at", ["clinic_id", "facts_at", "id"], unique=False)

    with op.batch_alter_table("protocols", schema=None) as batch_op:
        batch_op.add_column(sa.Column("followers", sa.String(length=9), nullable=True))
        batch_op.add_column(sa.Column("followers_after", sa.BigInteger(), nullable=True))
        batch_op.create_index(
            "ix_protocols_followers",
            ["id"],
            unique=False,
            postgresql_where=sa.text("followers IS NOT NULL"),
            sqlite_where=sa.text("followers IS NOT NULL"),
        )

    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.add_column(sa.Column("by", sa.Text(), nullable=True))

    with op.batch_alter_table("receipts", schema=None) as batch_op:
        batch_op.create_index("ix_receipts_attempt_id", ["attempt_id"], unique=False)

    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.create_index("ix_alerts_patient_id", ["patient_id", "opened_at"], unique=False)
        batch_op.create_index("ix_alerts_clinic_id_opened_at", ["clinic_id", "opened_at"], unique=False)

    with op.batch_alter_table("replies", schema=None) as batch_op:
        batch_op.add_column(sa.Column("seen_at", Moment(), nullable=True))
        batch_op.add_column(sa.Column("seen_by", sa.Text(), nullable=True))
        batch_op.create_index(
            "ix_replies_unseen",
            ["clinic_id", "id"],
            unique=False,
            postgresql_where=sa.text("seen_at IS NULL"),
            sqlite_where=sa.text("seen_at IS NULL"),
        )
        batch_op.create_index(
            "ix_replies_unresolved",
            ["match", "clinic_id", "id"],
            unique=False,
            postgresql_where=sa.text(UNRESOLVED_REPLIES),
            sqlite_where=sa.text(UNRESOLVED_REPLIES),
        )

    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("phone_verified_at", Moment(), nullable=True))
        batch_op.add_column(sa.Column("email_verified_at", Moment(), nullable=True))

    with op.batch_alter_table("webhook_endpoints", schema=None) as batch_op:
        batch_op.add_column(sa.Column("paused_at", Moment(), nullable=True))
        batch_op.add_column(sa.Column("form", sa.BigInteger(), nullable=True))
        batch_op.create_unique_constraint(batch_op.f("uq_webhook_endpoints_clinic_id_form"), ["clinic_id", "form"])

    op.create_table(
        "webhook_old_secrets",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("endpoint_id", sa.BigInteger(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("ends_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["webhook_endpoints.id"], name=op.f("fk_webhook_old_secrets_endpoint_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_old_secrets")),
    )
    with op.batch_alter_table("webhook_old_secrets", schema=None) as batch_op:
        batch_op.create_index("ix_webhook_old_secrets_endpoint_id_ends_at", ["endpoint_id", "ends_at"], unique=False)

    with op.batch_alter_table("webhook_deliveries", schema=None) as batch_op:
        batch_op.create_index("ix_webhook_deliveries_log", ["endpoint_id", "event_id"], unique=False)

    op.create_table(
        "silences",
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("survey", sa.String(length=16), nullable=False),
        sa.Column("silence", sa.String(length=14), nullable=False),
        sa.Column("judged_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_silences_session_id")),
        sa.PrimaryKeyConstraint("session_id", "survey", name=op.f("pk_silences")),
    )
    op.create_table(
        "sightings",
        sa.Column("name", sa.String(length=24), nullable=False),
        sa.Column("first_at", Moment(), nullable=False),
        sa.Column("last_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sightings")),
    )
    op.create_table(
        "key_check",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_check")),
    )
    op.create_table(
        "lookup_keys",
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_lookup_keys")),
    )


def downgrade() -> None:
    op.drop_table("lookup_keys")
    op.drop_table("key_check")
    op.drop_table("sightings")
    op.drop_table("silences")
    op.drop_table("webhook_old_secrets")

    with op.batch_alter_table("webhook_deliveries", schema=None) as batch_op:
        batch_op.drop_index("ix_webhook_deliveries_log")

    with op.batch_alter_table("webhook_endpoints", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_webhook_endpoints_clinic_id_form"), type_="unique")
        batch_op.drop_column("form")
        batch_op.drop_column("paused_at")

    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.drop_column("email_verified_at")
        batch_op.drop_column("phone_verified_at")

    with op.batch_alter_table("replies", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_replies_unresolved",
            postgresql_where=sa.text(UNRESOLVED_REPLIES),
            sqlite_where=sa.text(UNRESOLVED_REPLIES),
        )
        batch_op.drop_index(
            "ix_replies_unseen", postgresql_where=sa.text("seen_at IS NULL"), sqlite_where=sa.text("seen_at IS NULL")
        )
        batch_op.drop_column("seen_by")
        batch_op.drop_column("seen_at")

    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.drop_index("ix_alerts_clinic_id_opened_at")
        batch_op.drop_index("ix_alerts_patient_id")

    with op.batch_alter_table("receipts", schema=None) as batch_op:
        batch_op.drop_index("ix_receipts_attempt_id")

    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.drop_column("by")

    with op.batch_alter_table("protocols", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_protocols_followers",
            postgresql_where=sa.text("followers IS NOT NULL"),
            sqlite_where=sa.text("followers IS NOT NULL"),
        )
        batch_op.drop_column("followers_after")
        batch_op.drop_column("followers")

    with op.batch_alter_table("patients", schema=None) as batch_op:
        batch_op.drop_index("ix_patients_clinic_id_facts_at")
        batch_op.drop_column("stopped_by")
        batch_op.drop_column("paused_by")

    with op.batch_alter_table("clinics", schema=None) as batch_op:
        batch_op.drop_column("planned_anew_after")
        batch_op.drop_column("went_live_at")
        batch_op.drop_column("escalation")

    with op.batch_alter_table("clinic_keys", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_clinic_keys_clinic_id_form"), type_="unique")
        batch_op.drop_column("form")
        batch_op.drop_column("used_at")

    with op.batch_alter_table("patients", schema=None) as batch_op:
        batch_op.drop_column("failures_seen_at")

    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_messages_handed",
            postgresql_where=sa.text(HANDED_MESSAGES),
            sqlite_where=sa.text(HANDED_MESSAGES),
        )
        batch_op.drop_index(
            "ix_messages_kept", postgresql_where=sa.text("body IS NOT NULL"), sqlite_where=sa.text("body IS NOT NULL")
        )
        batch_op.drop_index(
            "ix_messages_unheard", postgresql_where=sa.text(LOST_NOTICES), sqlite_where=sa.text(LOST_NOTICES)
        )
        batch_op.drop_index(
            "ix_messages_lost", postgresql_where=sa.text(LOST_MESSAGES), sqlite_where=sa.text(LOST_MESSAGES)
        )

    with op.batch_alter_table("suppressions", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_suppressions_uncertain",
            postgresql_where=sa.text("lifted_at IS NULL AND NOT certain"),
            sqlite_where=sa.text("lifted_at IS NULL AND NOT certain"),
        )

    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_alerts_worklist",
            postgresql_where=sa.text("closed_at IS NULL"),
            sqlite_where=sa.text("closed_at IS NULL"),
        )

    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_clinic_id_subject")
        batch_op.drop_index("ix_audit_clinic_id_at")
        batch_op.drop_index("ix_audit_clinic_id_actor")

    with op.batch_alter_table("notes", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_notes_reply_id",
            postgresql_where=sa.text("reply_id IS NOT NULL"),
            sqlite_where=sa.text("reply_id IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_notes_alert_id",
            postgresql_where=sa.text("alert_id IS NOT NULL"),
            sqlite_where=sa.text("alert_id IS NOT NULL"),
        )
        batch_op.drop_index("ix_notes_patient_id_id")
        batch_op.drop_index("ix_notes_at")

    op.drop_table("notes")
    with op.batch_alter_table("staff_sessions", schema=None) as batch_op:
        batch_op.drop_index("ix_staff_sessions_staff_id")

    op.drop_table("staff_sessions")
    with op.batch_alter_table("import_problems", schema=None) as batch_op:
        batch_op.drop_index("ix_import_problems_import_id_last_row")

    op.drop_table("import_problems")
    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.drop_index("ix_imports_clinic_id_id")
        batch_op.drop_index("ix_imports_check_at")

    op.drop_table("imports")
    with op.batch_alter_table("staff", schema=None) as batch_op:
        batch_op.drop_index("ix_staff_clinic_id")

    op.drop_table("staff")
    op.drop_table("protocol_drafts")
