"""Decisions that were taken back: the decision stays, a row of its own says that it does not count."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "withdrawal",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("decision_id", sa.Integer, sa.ForeignKey("decision.id"), nullable=False, unique=True),
        sa.Column("who", sa.String(100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    sqlite = op.get_bind().dialect.name == "sqlite"
    for act in ("update", "delete"):
        refuse = "begin select raise(abort, 'withdrawal is append-only'); end"
        if not sqlite:
            refuse = "for each row execute function triage_append_only()"
        op.execute(f"create trigger withdrawal_no_{act} before {act} on withdrawal {refuse}")
