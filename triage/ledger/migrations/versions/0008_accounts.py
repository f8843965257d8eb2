"""People and programs that may enter."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True)


def _time(name: str = "created_at", **more: bool) -> sa.Column[sa.DateTime]:
    return sa.Column(name, sa.DateTime(timezone=True), **({"nullable": False} | more))


def upgrade() -> None:
    op.create_table(
        "account",
        _id(),
        sa.Column("login", sa.String(100), nullable=False, unique=True),
        sa.Column("name", sa.String(100), nullable=False, unique=True),
        sa.Column("password", sa.String(200), nullable=False),
        sa.Column("roles", sa.JSON, nullable=False),
        sa.Column("section", sa.String(200), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        _time(),
    )
    account = sa.ForeignKey("account.id")
    op.create_table(
        "sign_in",
        _id(),
        sa.Column("account_id", sa.Integer, account, nullable=False, index=True),
        sa.Column("sha256", sa.String(64), nullable=False, unique=True),
        sa.Column("address", sa.String(100), nullable=False),
        _time(),
        _time("seen_at"),
        _time("ended_at", nullable=True),
    )
    op.create_table(
        "sign_in_attempt",
        _id(),
        sa.Column("login", sa.String(100), nullable=False),
        sa.Column("address", sa.String(100), nullable=False),
        _time(index=True),
        sa.Index("ix_sign_in_attempt_login", "login", "created_at"),
    )
    op.create_table(
        "invite",
        _id(),
        sa.Column("sha256", sa.String(64), nullable=False, unique=True),
        sa.Column("account_id", sa.Integer, sa.ForeignKey("account.id"), nullable=True),
        _time(),
        _time("expires_at"),
        _time("used_at", nullable=True),
    )
    op.create_table(
        "token",
        _id(),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False, unique=True),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("who", sa.String(100), nullable=False),
        _time(),
        _time("used_at", nullable=True),
        _time("revoked_at", nullable=True),
    )
    op.create_table(
        "saved_view",
        _id(),
        sa.Column("account_id", sa.Integer, sa.ForeignKey("account.id"), nullable=False, index=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        _time(),
        sa.UniqueConstraint("account_id", "name", name="uq_saved_view_name"),
    )
