"""Looking for cases: by words, number, people, section, state, dates; a page at a time, with the count."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, extract, func, not_, or_, select, true
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from triage.errors import InputError
from triage.ledger.audits import blind_cases
from triage.ledger.case_order import check_sort, order_of
from triage.ledger.case_sets import ASKED, HOWS, YES_OR_NO, was_decided, was_merged
from triage.ledger.case_words import Phrase, fold, having, indexes_only
from triage.ledger.learning_tables import AuditRow
from triage.ledger.states import STATE_NAMES
from triage.ledger.submissions import ROLES
from triage.ledger.tables import CaseRow, EventRow, PredictionRow
from triage.ledger.texts import UNSAVEABLE
from triage.ledger.within import within
from triage.taxonomy import TARGET_NAMES, TARGETS, Taxonomy

MAX_CHARS = 200
DONE = ("replied", "closed", "returned")  # no longer late, whatever the day
_COMMA = re.compile("[,,、]")
_CODES = {name: code for code, name in STATE_NAMES.items()}
_AT_WORK = tuple(state for state in STATE_NAMES if state not in DONE)
_SAME = ("route", "section", "topic", "handling", "handler", "role", "result_class", "session", "kind")
_PHRASES = {
    "text": ("number", "deputy", "words"),
    "number": ("number",),
    "deputy": ("deputy", "cosigners"),
}
_PERIODS = {"received": "收件日期", "due": "办理期限", "closed": "办结日期"}


@dataclass(frozen=True)
class CaseFilter:
    """What to list; empty means any.

    Attributes:
        state: one, several in a tuple, or several with commas between.
        text: stands in title, body, number or first signer; number, deputy: in the number, among the
            signers. As it is, except that case, width and line breaks make no difference.
        words: apart by spaces; each stands in title or body.
        leader: set on the case, or else in charge of its section, one of ``leader_sections``.
        proposed: the first section of the newest recommendation; never of one that is reviewed blind.
        waits_for: why a person must look: a kind of flag, ``duplicate``, ``sent_back``, ``drawn`` or ``unsure``.
        late_only: due before today and neither replied to, closed nor given back.
        year, month_received: of receipt; ``*_from`` and ``*_to`` are both included.
        on_time, contacted, met, satisfied: yes or no, of the cases that the year's figure of that
            name counts; merged: in a merge now.
        how: auto, confirmed or overridden: what stands for ``how_target``, of cases that were predicted.
        within: a section; only what belongs to it (triage.ledger.within).
    """

    state: str | tuple[str, ...] = ""
    route: str = ""
    section: str = ""
    text: str = ""
    year: int | None = None
    flag: str = ""
    number: str = ""
    deputy: str = ""
    words: str = ""
    topic: str = ""
    handling: str = ""
    leader: str = ""
    leader_sections: tuple[str, ...] = ()
    handler: str = ""
    role: str = ""
    result_class: str = ""
    session: str = ""
    proposed: str = ""
    waits_for: str = ""
    key_only: bool = False
    late_only: bool = False
    received_from: date | None = None
    received_to: date | None = None
    due_from: date | None = None
    due_to: date | None = None
    closed_from: date | None = None
    closed_to: date | None = None
    kind: str = ""
    month_received: int | None = None
    merged: bool = False
    on_time: str = ""
    contacted: str = ""
    met: str = ""
    satisfied: str = ""
    how: str = ""
    how_target: str = "section"
    within: str | None = None

    @property
    def states(self) -> tuple[str, ...]:
        """The states asked for, by code or Chinese name; none means any."""
        given = _COMMA.split(self.state) if isinstance(self.state, str) else self.state
        return tuple(dict.fromkeys(_CODES.get(name.strip(), name.strip()) for name in given if name.strip()))


def list_cases(
    wanted: CaseFilter,
    *,
    session: Session,
    limit: int = 50,
    offset: int = 0,
    unsure_first: bool = False,
    sort: str = "",
) -> tuple[Sequence[CaseRow], int]:
    """A page of cases, and how many there are in all; see find_page for the order.

    Raises:
        InputError: what is wanted cannot be; the message says what may be chosen.
    """
    sort = "certainty" if unsure_first else sort
    ids, total = find_page(wanted, session=session, limit=limit, offset=offset, sort=sort)
    rows = {row.id: row for row in session.scalars(select(CaseRow).where(CaseRow.id.in_(ids)))}
    return [rows[i] for i in ids], total


def find_page(
    wanted: CaseFilter, *, session: Session, limit: int = 50, offset: int = 0, sort: str = ""
) -> tuple[list[int], int]:
    """The numbers of a page of cases, and how many there are in all.

    Args:
        sort: as triage.ledger.case_order has it; empty: newest first.

    Raises:
        InputError: see list_cases.
    """
    _check(wanted)
    check_sort(sort)
    hits, costly = _hits(wanted, session)
    with indexes_only(session):
        if not costly:  # two quick passes, neither of which writes down what it finds
            total = session.scalar(select(func.count()).select_from(hits.subquery())) or 0
            if not sort and offset > total // 2:  # the last pages are nearer to the other end
                limit = max(0, min(limit, total - offset))
                last = hits.order_by(CaseRow.id).limit(limit).offset(max(0, total - offset - limit))
                return list(session.scalars(last))[::-1], total
            page = hits.order_by(*order_of(sort)).limit(limit).offset(offset)
            return list(session.scalars(page)), total
        # the page's numbers and the count out of one pass, without touching the texts
        found = hits.cte("hits").prefix_with("MATERIALIZED")
        ordered = select(found.c.id).order_by(found.c.id.desc())
        if sort:
            of_hits = _column("id", sqlite=_is_sqlite(session)).in_(select(found.c.id))
            ordered = select(CaseRow.id).where(of_hits).order_by(*order_of(sort))
        page_of = ordered.limit(limit).offset(offset).cte("page").prefix_with("MATERIALIZED")
        counted = select(func.count().label("total")).select_from(found).subquery()
        rows = session.execute(
            select(counted.c.total, page_of.c.id).select_from(counted.outerjoin(page_of, true()))
        ).all()
    return [row.id for row in rows if row.id is not None], rows[0].total


def count_cases(wanted: CaseFilter, *, session: Session) -> int:
    """How many cases are wanted.

    Raises:
        InputError: see list_cases.
    """
    return find_page(wanted, session=session, limit=0)[1]


def find_ids(wanted: CaseFilter, *, session: Session) -> list[int]:
    """The numbers of all cases wanted, in no order.

    Raises:
        InputError: see list_cases.
    """
    _check(wanted)
    return list(session.scalars(_hits(wanted, session)[0]))


def in_office(wanted: CaseFilter, taxonomy: Taxonomy) -> CaseFilter:
    """The same, with the sections of the leader asked for and the target that the office decides first.

    Labels out of use and former names may be asked for too.

    Raises:
        InputError: the office has no such section, topic or handling type.
    """
    for target in TARGETS:
        asked, known = getattr(wanted, target), [label.name for label in taxonomy.labels(target)]
        if asked and asked not in (*known, *taxonomy.past_names(target)):
            raise InputError(
                f"本单位没有“{asked[:40]}”这个{TARGET_NAMES[target]},可选:{'、'.join(known)}。", field=target
            )
    used = next((target for target in TARGETS if taxonomy.labels(target)), TARGETS[0])
    sections = taxonomy.sections_of(wanted.leader) if wanted.leader else ()
    return replace(wanted, leader_sections=sections, how_target=used)


def count_by_state(session: Session, within_section: str | None = None) -> dict[str, int]:
    """How many cases are in each state, those with none included; in all or of what is a section's."""
    counted = select(CaseRow.state, func.count()).group_by(CaseRow.state)
    if within_section is not None:
        counted = counted.where(*_facets(CaseFilter(within=within_section), sqlite=_is_sqlite(session)))
    found = session.execute(counted).all()
    return {**dict.fromkeys(STATE_NAMES, 0), **{row[0]: row[1] for row in found}}


def _check(wanted: CaseFilter) -> None:
    for state in wanted.states:
        if state not in STATE_NAMES:
            states = "、".join(f"{name}({code})" for code, name in STATE_NAMES.items())
            raise InputError(f"没有“{state[:40]}”这个状态,可选:{states}。", field="state")
    if wanted.role and wanted.role not in ROLES:
        raise InputError(f"没有“{wanted.role[:40]}”这个承办角色,可选:{'、'.join(ROLES)}。", field="role")
    if wanted.year is not None and not 1 <= wanted.year <= 9999:
        raise InputError("年份应在 1 到 9999 之间。", field="year")
    if wanted.month_received is not None and not 1 <= wanted.month_received <= 12:
        raise InputError("收件月份应在 1 到 12 之间。", field="month_received")
    offered = {**{name: tuple(YES_OR_NO) for name in ASKED}, "how": tuple(HOWS)}
    for name, choices in offered.items():
        if (said := getattr(wanted, name)) and said not in choices:
            raise InputError(f"“{said[:40]}”不能这样查,可选:{'、'.join(choices)}。", field=name)
    for field in fields(wanted):
        value = getattr(wanted, field.name)
        said = (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()
        if any(len(text) > MAX_CHARS or UNSAVEABLE.search(text) for text in said):
            raise InputError(f"查询条件太长或含有无法识别的字符,最多 {MAX_CHARS} 字。", field=field.name)
    for name, period in _PERIODS.items():
        first, last = getattr(wanted, f"{name}_from"), getattr(wanted, f"{name}_to")
        if first and last and first > last:
            raise InputError(f"{period}的起始日({first})晚于截止日({last})。", field=f"{name}_from")


def _hits(wanted: CaseFilter, session: Session) -> tuple[Select[int], bool]:
    """Numbers of the cases wanted, and whether more is looked through for them than one index."""
    facets, phrases = _facets(wanted, sqlite=_is_sqlite(session)), _phrases(wanted)
    if phrases and not facets:
        return having(phrases, session=session), True
    if phrases:
        facets.append(_column("id", sqlite=_is_sqlite(session)).in_(having(phrases, session=session)))
    costly = bool(phrases or wanted.flag or wanted.how or any(getattr(wanted, name) for name in ASKED))
    return select(CaseRow.id).where(*facets), costly


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def _phrases(wanted: CaseFilter) -> list[Phrase]:
    asked = [(getattr(wanted, name), where) for name, where in _PHRASES.items()]
    asked += [(word, ("words",)) for word in wanted.words.split()]
    folded = [(fold(said), where) for said, where in asked]
    return [Phrase(said, where) for said, where in folded if said]


def _facets(wanted: CaseFilter, *, sqlite: bool) -> list[ColumnElement[bool]]:
    """The conditions beside those on texts; a case's own columns, kind apart, are all in ix_case_facets."""
    of = partial(_column, sqlite=sqlite)
    found = [of(name) == getattr(wanted, name) for name in _SAME if getattr(wanted, name)]
    if wanted.states:
        found.append(CaseRow.state.in_(wanted.states))
    if wanted.leader:
        by_section = and_(of("leader") == "", of("section").in_(wanted.leader_sections))
        found.append(or_(of("leader") == wanted.leader, by_section))
    if wanted.key_only:
        found.append(of("key_on").is_not(None))
    if wanted.late_only:
        found += [of("due_on") < date.today(), CaseRow.state.in_(_AT_WORK)]
    if wanted.year:
        found.append(of("received_on").between(date(wanted.year, 1, 1), date(wanted.year, 12, 31)))
    for name in _PERIODS:
        if first := getattr(wanted, f"{name}_from"):
            found.append(of(f"{name}_on") >= first)
        if last := getattr(wanted, f"{name}_to"):
            found.append(of(f"{name}_on") <= last)
    if wanted.month_received:
        if wanted.year:
            first, days = (
                date(wanted.year, wanted.month_received, 1),
                monthrange(wanted.year, wanted.month_received)[1],
            )
            found.append(of("received_on").between(first, first.replace(day=days)))
        else:
            found.append(extract("month", CaseRow.received_on) == wanted.month_received)
    if wanted.merged:
        found.append(was_merged())
    found += [ask(YES_OR_NO[said]) for name, ask in ASKED.items() if (said := getattr(wanted, name))]
    if wanted.how:
        found.append(was_decided(wanted.how, wanted.how_target))
    if wanted.within is not None:
        found.append(within(wanted.within, of("id"), of("section")))
    if wanted.flag:
        found.append(of("id").in_(_flagged(wanted.flag)))
    if wanted.proposed:
        newest = (
            select(func.max(PredictionRow.id))
            .where(PredictionRow.target == "section")
            .group_by(PredictionRow.case_id)
        )
        first = PredictionRow.ranked[(0, 0)].as_string() == wanted.proposed
        proposed = select(PredictionRow.case_id).where(
            PredictionRow.id.in_(newest), first, PredictionRow.case_id.not_in(blind_cases())
        )
        found.append(of("id").in_(proposed))
    if wanted.waits_for:
        found += _waits_for(wanted.waits_for, of("id"))
    return found


def _flagged(kind: str) -> Select[int | None]:
    return select(EventRow.case_id).where(
        EventRow.kind == "flagged", EventRow.detail["flag"].as_string() == kind
    )


def _waits_for(why: str, number: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    """Cases that wait for this reason; ``unsure``: for no other."""
    alike = CaseRow.route_reason.contains("疑似与在办件重复")
    back = select(EventRow.case_id).where(EventRow.kind.in_(("sent_back", "return_refused")))
    if why == "duplicate":
        return [alike]
    if why == "sent_back":
        return [number.in_(back)]
    drawn = select(AuditRow.case_id)
    if why == "drawn":
        return [number.in_(drawn)]
    if why == "unsure":
        flagged = select(EventRow.case_id).where(EventRow.kind == "flagged")
        return [not_(alike), number.not_in(back), number.not_in(flagged), number.not_in(drawn)]
    return [number.in_(_flagged(why))]


def _column(name: str, *, sqlite: bool) -> ColumnElement[Any]:
    """A column of the case, so written that SQLite passes through ix_case_facets.

    The plus keeps it from looking up the rows, which are long, by a narrower index.
    """
    column: ColumnElement[Any] = getattr(CaseRow, name)
    return UnaryExpression(column, operator=custom_op("+"), type_=column.type) if sqlite else column
