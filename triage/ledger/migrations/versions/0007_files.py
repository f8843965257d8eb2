"""Files that were handed in, batches under way, and two more fields of a suggestion.

Columns are only added: a table rebuilt by a batch would lose its triggers.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

APPEND_ONLY = ("original", "case_file")


def _created() -> sa.Column[sa.DateTime]:
    return sa.Column("created_at", sa.DateTime(timezone=True), nullable=False)


def upgrade() -> None:
    for name in ("phone", "proposed_unit"):
        op.add_column("case", sa.Column(name, sa.String(500), nullable=False, server_default=""))
    op.create_table(
        "original",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        _created(),
    )
    op.create_table(
        "case_file",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), nullable=False, index=True),
        sa.Column("sha256", sa.String(64), sa.ForeignKey("original.sha256"), nullable=False, index=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("place", sa.String(300), nullable=False),
        sa.Column("who", sa.String(100), nullable=False),
        _created(),
    )
    op.create_table(
        "batch",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("sha256", sa.String(64), sa.ForeignKey("original.sha256"), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("who", sa.String(100), nullable=False),
        sa.Column("state", sa.String(20), nullable=False, index=True),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("report", sa.JSON, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
        _created(),
        sa.Column("alive_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('intake','import')", name="ck_batch_kind"),
        sa.CheckConstraint("state in ('waiting','running','stopped','done','failed')", name="ck_batch_state"),
    )
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table in APPEND_ONLY:
        for act in ("update", "delete"):
            refuse = f"begin select raise(abort, '{table} is append-only'); end"
            if not sqlite:
                refuse = "for each row execute function triage_append_only()"
            op.execute(f"create trigger {table}_no_{act} before {act} on {table} {refuse}")
