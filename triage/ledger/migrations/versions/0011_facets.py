"""The kind of a case is looked for too, and lists go by number: both into the index from which every filter is answered."""

from alembic import op

revision = "0011"
down_revision = "0010"

FACETS = (
    *("state", "route", "section", "topic", "handling", "leader", "handler", "role"),
    *("result_class", "session", "number", "kind", "key_on", "received_on", "due_on", "closed_on"),
    *("certainty", "id"),
)


def upgrade() -> None:
    op.drop_index("ix_case_facets", "case")
    op.create_index("ix_case_facets", "case", FACETS)
