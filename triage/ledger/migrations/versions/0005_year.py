"""The whole year of a case: chained events, states, deadlines, duties, contacts, replies, reminders.

Columns are only added: a table rebuilt by a batch would lose its triggers.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

APPEND_ONLY = ("seal", "reply", "result", "look_back")
HANDED_IN = "title, body, content_sha256"
NEVER_DELETED = ("deadline", "duty", "stage", "contact", "feedback", "meeting", "holiday")


def upgrade() -> None:
    _add_columns()
    _create_tables()
    _carry_over()
    _forbid_changes()


def _text(name: str, length: int | None = None) -> sa.Column[str]:
    kind = sa.String(length) if length else sa.Text()
    return sa.Column(name, kind, nullable=False, server_default="")


def _add_columns() -> None:
    added = [
        _text("cosigners"),
        _text("lead_unit", 200),
        sa.Column("section", sa.String(200)),
        sa.Column("topic", sa.String(200)),
        sa.Column("handling", sa.String(200)),
        _text("leader", 100),
        _text("handler", 100),
        sa.Column("hard_on", sa.Date),
        sa.Column("key_on", sa.Date),
        _text("reasons"),
        _text("measures"),
        sa.Column("replied_on", sa.Date),
    ]
    for column in added:
        op.add_column("case", column)
    op.create_index("ix_case_state_certainty", "case", ["state", "certainty", "id"])
    op.create_index("ix_case_section", "case", ["section", "id"])
    for name in ("leader", "handler", "result_class", "due_on"):
        op.create_index(f"ix_case_{name}", "case", [name])
    op.add_column("event", sa.Column("version", sa.Integer))
    op.add_column("event", _text("hash", 64))
    op.create_index("ix_event_kind", "event", ["kind"])


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True)


def _created() -> sa.Column[sa.DateTime]:
    return sa.Column("created_at", sa.DateTime(timezone=True), nullable=False)


def _case() -> sa.Column[int]:
    return sa.Column("case_id", sa.Integer, sa.ForeignKey("case.id"), nullable=False, index=True)


def _create_tables() -> None:
    op.create_table(
        "seal",
        sa.Column("event_id", sa.Integer, sa.ForeignKey("event.id"), primary_key=True, autoincrement=False),
        sa.Column("rows", sa.JSON, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_table(
        "look_back",
        _id(),
        sa.Column("commitment_id", sa.Integer, sa.ForeignKey("commitment.id"), nullable=False, index=True),
        sa.Column("looked_on", sa.Date, nullable=False),
        sa.Column("progress", sa.Text, nullable=False),
        sa.Column("who", sa.String(100), nullable=False),
        _created(),
    )
    op.create_table(
        "duty",
        _id(),
        _case(),
        sa.Column("section", sa.String(200), nullable=False, index=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("handler", sa.String(100), nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("answered_on", sa.Date),
        sa.Column("withdrawn_on", sa.Date),
        _created(),
        sa.CheckConstraint("kind in ('assist','split')", name="ck_duty_kind"),
    )
    op.create_table(
        "deadline",
        _id(),
        _case(),
        sa.Column("duty_id", sa.Integer, sa.ForeignKey("duty.id")),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("rule", sa.String(60), nullable=False),
        sa.Column("start_on", sa.Date, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False, index=True),
        sa.Column("met_on", sa.Date),
        sa.Column("dropped_on", sa.Date),
        _created(),
        sa.CheckConstraint(
            "kind in ('reply','assist','objection','feedback','redo')", name="ck_deadline_kind"
        ),
    )
    op.create_table(
        "stage",
        _id(),
        _case(),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("done_on", sa.Date),
        sa.Column("dropped_on", sa.Date),
        _created(),
    )
    op.create_table(
        "contact",
        _id(),
        _case(),
        sa.Column("deputy", sa.String(200), nullable=False, index=True),
        sa.Column("how", sa.String(20), nullable=False),
        sa.Column("held_on", sa.Date, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("who", sa.String(100), nullable=False),
        sa.Column("struck_on", sa.Date),
        _created(),
        sa.CheckConstraint("how in ('phone','visit','meeting','letter')", name="ck_contact_how"),
    )
    op.create_table(
        "reply",
        _id(),
        _case(),
        sa.Column("number", sa.String(100), nullable=False),
        sa.Column("replied_on", sa.Date, nullable=False),
        sa.Column("addressee", sa.Text, nullable=False),
        sa.Column("signer", sa.String(100), nullable=False),
        sa.Column("who", sa.String(100), nullable=False),
        _created(),
    )
    op.create_table(
        "result",
        _id(),
        _case(),
        sa.Column("result_class", sa.String(20), nullable=False),
        sa.Column("found_on", sa.Date, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("who", sa.String(100), nullable=False),
        _created(),
    )
    op.create_table(
        "feedback",
        _id(),
        _case(),
        sa.Column("reply_id", sa.Integer, sa.ForeignKey("reply.id")),
        sa.Column("deputy", sa.String(200), nullable=False),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("given_on", sa.Date, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("struck_on", sa.Date),
        _created(),
        sa.CheckConstraint("verdict in ('满意','基本满意','不满意')", name="ck_feedback_verdict"),
    )
    op.create_table(
        "meeting",
        _id(),
        _case(),
        sa.Column("held_on", sa.Date, nullable=False),
        sa.Column("chair", sa.String(100), nullable=False),
        sa.Column("attendees", sa.Text, nullable=False),
        sa.Column("settled", sa.Text, nullable=False),
        sa.Column("struck_on", sa.Date),
        _created(),
    )
    op.create_table(
        "holiday",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.CheckConstraint("kind in ('off','work','plain')", name="ck_holiday_kind"),
    )
    op.create_table(
        "reminder",
        _id(),
        sa.Column("mark", sa.String(200), nullable=False),
        _case(),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("due_on", sa.Date),
        _created(),
        sa.Column("told_at", sa.DateTime(timezone=True)),
        sa.Column("claimed_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("mark", name="uq_reminder_mark"),
    )


def _carry_over() -> None:
    """What earlier versions kept of a reply on the case itself becomes entries of their own."""
    for target in ("section", "topic", "handling"):
        op.execute(
            f'update "case" set {target} = (select label from decision where decision.case_id = "case".id '  # noqa: S608
            f"and decision.target = '{target}' order by decision.id desc limit 1)"
        )
    op.execute(
        "update \"case\" set replied_on = closed_on where closed_on is not null and reply_number <> ''"
    )
    op.execute(
        "insert into reply (case_id, number, replied_on, addressee, signer, who, created_at) "
        "select id, reply_number, coalesce(closed_on, received_on), '', '', '系统', created_at "
        "from \"case\" where reply_number <> ''"
    )
    op.execute(
        "insert into result (case_id, result_class, found_on, why, who, created_at) "
        "select id, result_class, coalesce(closed_on, received_on), '', '系统', created_at "
        'from "case" where result_class is not null'
    )
    # nothing is due any more of a case that was entered as closed without a day
    op.execute(
        "insert into deadline (case_id, kind, rule, start_on, due_on, met_on, dropped_on, created_at) "
        "select id, case role when '会办' then 'assist' else 'reply' end, '', received_on, due_on, closed_on, "
        "case when state = 'closed' and closed_on is null then received_on end, created_at "
        'from "case" where due_on is not null'
    )


def _forbid_changes() -> None:
    """New tables are guarded like the old ones; an event is changed once, when it gets its hash."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    if sqlite:
        op.execute("drop trigger event_no_update")
        op.execute(
            "create trigger event_no_update before update on event when old.hash <> '' "
            "begin select raise(abort, 'event is append-only'); end"
        )
    else:
        op.execute("drop trigger event_append_only on event")
        op.execute(
            "create trigger event_no_update before update on event for each row when (old.hash <> '') "
            "execute function triage_append_only()"
        )
        op.execute(
            "create trigger event_no_delete before delete on event for each row "
            "execute function triage_append_only()"
        )
    refuse = "begin select raise(abort, 'what was handed in is never changed'); end"
    if not sqlite:
        refuse = "for each row execute function triage_append_only()"
    op.execute(f'create trigger case_text_no_update before update of {HANDED_IN} on "case" {refuse}')
    guarded = [(table, ("update", "delete")) for table in APPEND_ONLY]
    guarded += [(table, ("delete",)) for table in NEVER_DELETED]
    for table, acts in guarded:
        for act in acts:
            if sqlite:
                op.execute(
                    f"create trigger {table}_no_{act} before {act} on {table} "
                    f"begin select raise(abort, '{table} is append-only'); end"
                )
            else:
                op.execute(
                    f"create trigger {table}_no_{act} before {act} on {table} "
                    "for each row execute function triage_append_only()"
                )
