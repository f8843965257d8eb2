"""Looking for cases: the index of words, and one index from which any other filter is answered."""

from alembic import op

revision = "0006"
down_revision = "0005"

FACETS = (
    "state",
    "route",
    "section",
    "topic",
    "handling",
    "leader",
    "handler",
    "role",
    "result_class",
    "session",
    "key_on",
    "received_on",
    "due_on",
    "closed_on",
    "certainty",
    "id",
)


def upgrade() -> None:
    op.create_index("ix_case_facets", "case", FACETS)
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "create virtual table case_words using fts5(number, deputy, cosigners, words, "
            "content = '', tokenize = 'ascii')"
        )
    else:
        # its GIN index is made once the rows are in, see triage.ledger.case_words
        op.execute(
            'create table case_words (case_id integer primary key references "case" (id), '
            "number text not null, deputy text not null, cosigners text not null, words text not null, "
            "grams bigint[] not null) with (toast_tuple_target = 128)"
        )
        # long phrases are looked for in it, which is three times as quick where it is not packed
        op.execute("alter table case_words alter column words set storage external")
