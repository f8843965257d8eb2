"""The ledger's first tables; predictions, decisions and events can only be added to."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

APPEND_ONLY = ("prediction", "decision", "event")


def _time() -> sa.Column[sa.DateTime]:
    return sa.Column("created_at", sa.DateTime(timezone=True), nullable=False)


def upgrade() -> None:
    op.create_table(
        "case",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("session", sa.String(200), nullable=False),
        sa.Column("number", sa.String(100)),
        sa.Column("idempotency_key", sa.String(200)),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("deputy", sa.Text, nullable=False),
        sa.Column("delegation", sa.Text, nullable=False),
        sa.Column("received_on", sa.Date, nullable=False),
        sa.Column("content_sha256", sa.String(64), nullable=False, index=True),
        sa.Column("state", sa.String(20), nullable=False, index=True),
        sa.Column("route", sa.String(10), nullable=False),
        sa.Column("route_reason", sa.Text, nullable=False),
        sa.Column("certainty", sa.Float),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("result_class", sa.String(20)),
        sa.Column("reply_number", sa.String(100), nullable=False),
        sa.Column("closed_on", sa.Date),
        _time(),
        sa.UniqueConstraint("session", "number", name="uq_case_session_number"),
        sa.UniqueConstraint("idempotency_key", name="uq_case_idempotency_key"),
    )
    op.create_index("ix_case_received_on", "case", ["received_on"])
    op.create_table(
        "prediction",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), nullable=False, index=True),
        sa.Column("target", sa.String(20), nullable=False),
        sa.Column("model_version", sa.String(60), nullable=False),
        sa.Column("ranked", sa.JSON, nullable=False),
        sa.Column("evidence", sa.JSON, nullable=False),
        sa.Column("auto", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        _time(),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), nullable=False, index=True),
        sa.Column("target", sa.String(20), nullable=False),
        sa.Column("label", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("who", sa.String(100), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("prediction_id", sa.Integer, sa.ForeignKey("prediction.id")),
        _time(),
        sa.CheckConstraint("kind in ('auto','confirm','override','closed')", name="ck_decision_kind"),
    )
    op.create_index("ix_decision_case_target", "decision", ["case_id", "target"])
    op.create_table(
        "relation",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), nullable=False, index=True),
        sa.Column("other_id", sa.Integer, sa.ForeignKey("case.id"), nullable=False, index=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("shared_terms", sa.JSON, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        _time(),
        sa.UniqueConstraint("case_id", "other_id", name="uq_relation_pair"),
        sa.CheckConstraint("kind in ('duplicate','related','precedent')", name="ck_relation_kind"),
        sa.CheckConstraint("status in ('proposed','confirmed','dismissed')", name="ck_relation_status"),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), index=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("who", sa.String(100), nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        _time(),
    )
    op.create_table(
        "case_vector",
        sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), primary_key=True),
        sa.Column("encoder", sa.String(60), primary_key=True),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("title", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "model_version",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("target", sa.String(20), nullable=False),
        sa.Column("version", sa.String(60), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("manifest", sa.JSON, nullable=False),
        _time(),
        sa.UniqueConstraint("target", "version", name="uq_model_version"),
    )
    _forbid_changes()


def _forbid_changes() -> None:
    """What was decided is a public record: the database itself refuses to change it."""
    if op.get_bind().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            for act in ("update", "delete"):
                op.execute(
                    f"create trigger {table}_no_{act} before {act} on {table} "
                    f"begin select raise(abort, '{table} is append-only'); end"
                )
        op.execute(
            'create trigger case_no_delete before delete on "case" '
            "begin select raise(abort, 'cases are never deleted'); end"
        )
        return
    op.execute(
        "create function triage_append_only() returns trigger language plpgsql as "
        "$$ begin raise exception '% is append-only', tg_table_name; end $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"create trigger {table}_append_only before update or delete on {table} "
            "for each row execute function triage_append_only()"
        )
    op.execute(
        'create trigger case_no_delete before delete on "case" '
        "for each row execute function triage_append_only()"
    )
