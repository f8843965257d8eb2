"""Audits of automatic routes, stops of automatic routing, mapped labels, trainings."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

APPEND_ONLY = ("audit", "label_mapping")


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), nullable=False, unique=True),
        sa.Column("share", sa.Float, nullable=False),
        sa.Column("promise", sa.Float, nullable=False),
        sa.Column("created_at", moment, nullable=False),
    )
    op.create_table(
        "routing_stop",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("target", sa.String(20), nullable=False),
        sa.Column("label", sa.String(200), nullable=False),
        sa.Column("model_version", sa.String(60), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("stopped_at", moment, nullable=False),
        sa.Column("resumed_at", moment, nullable=True),
        sa.Column("resumed_by", sa.String(100), nullable=False),
        sa.Column("resumed_why", sa.Text, nullable=False),
    )
    op.create_index("ix_routing_stop_open", "routing_stop", ["target", "resumed_at"])
    op.create_table(
        "label_mapping",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), nullable=False, index=True),
        sa.Column("target", sa.String(20), nullable=False),
        sa.Column("label", sa.String(200), nullable=False),
        sa.Column("who", sa.String(100), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("created_at", moment, nullable=False),
    )
    op.create_index("ix_label_mapping_target", "label_mapping", ["target", "case_id"])
    op.create_table(
        "training",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("who", sa.String(100), nullable=False),
        sa.Column("targets", sa.JSON, nullable=False),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("host", sa.String(100), nullable=False),
        sa.Column("state", sa.String(20), nullable=False, index=True),
        sa.Column("step", sa.String(200), nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("report", sa.JSON, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("alive_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.CheckConstraint("state in ('waiting','running','done','failed','lost')", name="ck_training_state"),
    )
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table in APPEND_ONLY:
        for act in ("update", "delete"):
            refuse = f"begin select raise(abort, '{table} is append-only'); end"
            if not sqlite:
                refuse = "for each row execute function triage_append_only()"
            op.execute(f"create trigger {table}_no_{act} before {act} on {table} {refuse}")
