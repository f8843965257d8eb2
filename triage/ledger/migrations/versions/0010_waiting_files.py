"""Files that wait for a person before they are taken in."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "waiting_file",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("holds", sa.String(20), nullable=False),
        sa.Column("sha256", sa.String(64), sa.ForeignKey("original.sha256"), nullable=False, index=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("who", sa.String(100), nullable=False),
        sa.Column("read", sa.JSON, nullable=False),
        sa.Column("corrected", sa.JSON, nullable=False),
        sa.Column("state", sa.String(20), nullable=False, index=True),
        sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), nullable=True),
        sa.Column("batch_id", sa.Integer, sa.ForeignKey("batch.id"), nullable=True),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("changed_by", sa.String(100), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('intake','import')", name="ck_waiting_file_kind"),
        sa.CheckConstraint("holds in ('document','list')", name="ck_waiting_file_holds"),
        sa.CheckConstraint(
            "state in ('waiting','taken','started','set_aside')", name="ck_waiting_file_state"
        ),
    )
