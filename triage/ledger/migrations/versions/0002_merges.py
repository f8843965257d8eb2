"""Roles and deadlines of cases, merges with their members, commitments; evidence of a relation.

Columns are only added: a table rebuilt by a batch would lose its triggers.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NEVER_DELETED = ("merge", "merge_member", "commitment")


def upgrade() -> None:
    op.add_column("case", sa.Column("role", sa.String(20), nullable=False, server_default=""))
    op.add_column("case", sa.Column("due_on", sa.Date))
    op.add_column("relation", sa.Column("evidence", sa.JSON, nullable=False, server_default=sa.text("'{}'")))
    op.create_table(
        "merge",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("lead_id", sa.Integer, sa.ForeignKey("case.id"), nullable=False, index=True),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("labels", sa.JSON, nullable=False),
        sa.Column("due_on", sa.Date),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("dissolved_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "merge_member",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("merge_id", sa.Integer, sa.ForeignKey("merge.id"), nullable=False, index=True),
        sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), nullable=False, index=True),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True)),
    )
    active = sa.text("left_at is null")
    op.create_index(
        "uq_merge_member_active",
        "merge_member",
        ["case_id"],
        unique=True,
        sqlite_where=active,
        postgresql_where=active,
    )
    op.create_table(
        "commitment",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), nullable=False, index=True),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("due_on", sa.Date),
        sa.Column("kept_on", sa.Date),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    _forbid_deleting()


def _forbid_deleting() -> None:
    """Who handled what together, and what was promised, stays in the record."""
    for table in NEVER_DELETED:
        if op.get_bind().dialect.name == "sqlite":
            op.execute(
                f'create trigger {table}_no_delete before delete on "{table}" '
                f"begin select raise(abort, '{table} rows are never deleted'); end"
            )
        else:
            op.execute(
                f'create trigger {table}_no_delete before delete on "{table}" '
                "for each row execute function triage_append_only()"
            )
