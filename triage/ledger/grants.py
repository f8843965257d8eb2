"""The PostgreSQL account of the service: it writes the record and cannot take its guards away.

The owner of the tables migrates. The service logs in as another role, which may add to the
record, change what changes, and delete only what is no part of it. Triggers refuse the rest to everyone,
and this role cannot drop or disable them.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, inspect, select, text
from sqlalchemy.orm import Session

from triage import sieve
from triage.errors import Conflict, InputError
from triage.ledger.base import Base
from triage.ledger.store import Ledger
from triage.ledger.tables import CaseRow

CHANGING = (
    *("case", "relation", "merge", "merge_member", "commitment", "deadline", "duty", "stage"),
    *("contact", "feedback", "meeting", "holiday", "reminder", "batch", "waiting_file"),
    *("account", "sign_in", "invite", "token"),
    *("routing_stop", "training"),
)
ADDED_TO = (
    *("prediction", "decision", "event", "seal", "reply", "result", "look_back", "model_version"),
    *("original", "case_file", "withdrawal", "audit", "label_mapping"),
)
CACHES = ("case_vector", "case_reading", "case_words", *sieve.TABLES)
PASSING = ("saved_view", "sign_in_attempt")  # no part of the record either
_VERSION = "alembic_version"  # what Ledger.check reads


def grant_application(ledger: Ledger, role: str) -> None:
    """Give ``role`` what the service needs and nothing else; to be repeated after each upgrade.

    Raises:
        InputError: the ledger is on SQLite, which has no roles; there is no such role.
        Conflict: no grant binds the role, since it is a superuser or belongs to the owner.
    """
    if ledger.is_sqlite:
        raise InputError("数据库账号(--app-role)只适用于 PostgreSQL,SQLite 没有账号。", field="role")
    with ledger.engine.begin() as connection:
        _check_role(connection, role)
        quote = connection.dialect.identifier_preparer.quote_identifier
        schema = quote(connection.execute(text("select current_schema()")).scalar_one())
        to = quote(role)
        for statement in _statements(connection, schema, to):
            connection.exec_driver_sql(statement)
        _make_indexes(connection)
        _check_bound(connection, role)


def _make_indexes(connection: Connection) -> None:
    """The sieve's indexes, which the service could not make when it fills the sieve."""
    with Session(connection) as session:
        if sieve.is_there(session):
            cases = session.scalar(select(func.count()).select_from(CaseRow)) or 0
            sieve.make_indexes(cases, session)


def _statements(connection: Connection, schema: str, role: str) -> list[str]:
    quote = connection.dialect.identifier_preparer.quote_identifier
    there = set(inspect(connection).get_table_names())
    tables = {*(table.name for table in Base.metadata.sorted_tables), *CACHES} & there

    def grant(acts: str, names: set[str]) -> str:
        return f"grant {acts} on {', '.join(f'{schema}.{quote(name)}' for name in sorted(names))} to {role}"

    return [
        f"revoke all on all tables in schema {schema} from {role}",
        f"revoke all on all sequences in schema {schema} from {role}",
        f"revoke create on schema {schema} from {role}",
        f"grant usage on schema {schema} to {role}",
        grant("select, insert", tables),
        grant("update", tables & {*CHANGING, *CACHES, *PASSING}),
        grant("delete", tables & {*CACHES, *PASSING}),
        grant("select", {_VERSION}),
        f"grant usage on all sequences in schema {schema} to {role}",
    ]


def _check_role(connection: Connection, role: str) -> None:
    found = connection.execute(
        text(
            "select rolsuper, pg_has_role(rolname, (select relowner from pg_class "
            "where oid = to_regclass('event')), 'member') as owns from pg_roles where rolname = :role"
        ),
        {"role": role},
    ).first()
    if found is None:
        raise InputError(f"数据库里没有“{role}”这个账号,请先建立:create role … login。", field="role")
    if found.rolsuper or found.owns:
        raise Conflict(f"账号“{role}”是超级用户或台账的所有者,限制对它不起作用,请为服务另建一个账号。")


def _check_bound(connection: Connection, role: str) -> None:
    """Raises Conflict where the role may do more all the same, through PUBLIC or another role."""
    # before PostgreSQL 15 everybody may create tables in the schema public
    may_create = connection.execute(
        text("select has_schema_privilege(:role, current_schema(), 'create')"), {"role": role}
    ).scalar()
    if may_create:
        raise Conflict(
            f"账号“{role}”仍可在台账所在的模式中建表,请先运行:revoke create on schema public from public"
        )
    open_ = connection.execute(
        text(
            "select relname from pg_class where oid in (select to_regclass(name) from unnest(cast(:names as text[])) as name) "
            "and has_table_privilege(:role, oid, 'update, delete, truncate') order by relname"
        ),
        {"role": role, "names": list(ADDED_TO)},
    ).scalars()
    if names := "、".join(open_):
        raise Conflict(f"账号“{role}”经其他账号或 PUBLIC 仍可改动 {names},请先收回这些权限。")
