"""The sieve for finding related cases among very many: PostgreSQL with pgvector only."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import DBAPIError

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql" or not _can_have_vectors(connection):
        return
    op.execute(
        "create table case_axes (id serial primary key, made_for text not null, cases integer not null, "
        "mean bytea not null, directions bytea not null, "
        "title_mean bytea not null, title_directions bytea not null)"
    )
    op.execute(
        'create table case_sieve (case_id integer primary key references "case" (id), words integer[] not null, '
        "held bytea not null, sense halfvec(128), title_sense halfvec(128)) with (toast_tuple_target = 8160)"
    )


def _can_have_vectors(connection: sa.Connection) -> bool:
    """False where the server lacks pgvector or this account may not switch it on."""
    version = connection.execute(
        sa.text("select default_version from pg_available_extensions where name = 'vector'")
    ).scalar()
    if version is None:
        return False
    try:
        with connection.begin_nested():
            connection.execute(sa.text("create extension if not exists vector"))
            connection.execute(sa.text("select null::halfvec(128)"))  # since 0.7
    except DBAPIError:
        return False
    return True
