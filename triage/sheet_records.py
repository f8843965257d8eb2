"""A row of a ledger sheet as a case's record: states, labels and lists in the words that sheets use."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TypeVar

from triage.documents.columns import COLUMN_NAMES
from triage.documents.fields import is_blank, read_date, split_names
from triage.documents.labels import half_width
from triage.documents.rows import Row
from triage.errors import InputError
from triage.flags import FLAG_NAMES
from triage.ledger.commitments import Commitment
from triage.ledger.contacts import CONTACT_NAMES, VERDICTS
from triage.ledger.decisions import DECISION_NAMES
from triage.ledger.records import Contact, Decided, Feedback, Record
from triage.ledger.states import STATE_NAMES
from triage.ledger.submissions import Submission
from triage.taxonomy import TARGETS, Taxonomy

_STATES = {
    **{name: state for state, name in STATE_NAMES.items()},
    **dict.fromkeys(
        ("是", "办结", "已办复", "办复", "已完成", "办理完毕", "已销号", "已办结销号", "结案"), "closed"
    ),
    **dict.fromkeys(("否", "未办结", "在办", "正在办理", "办理", "承办中"), "in_handling"),
    **dict.fromkeys(("已回复", "已复"), "replied"),
    **dict.fromkeys(("未办", "待办", "待分办", "未分办", "未交办"), "in_review"),
    **dict.fromkeys(("已交办", "待签收", "已转办", "已分送"), "assigned"),
    **dict.fromkeys(("退办", "退回", "已退回"), "returned"),
}
KIND_WORDS = {
    **dict.fromkeys(("人大建议", "代表建议", "人大代表建议", "建议件", "人大", "建议案"), "建议"),
    **dict.fromkeys(("政协提案", "委员提案", "政协委员提案", "提案件", "政协"), "提案"),
    **dict.fromkeys(("人大议案", "代表议案"), "议案"),
}
_ROLES = {
    "主办件": "主办",
    "会办件": "会办",
    "协办件": "协办",
    "单独办理": "独办",
    "分别办理": "分办",
    "独办件": "独办",
}
_HOW = {
    "meeting": ("座谈面商", "面商", "座谈", "面对面", "见面", "会议"),
    "visit": ("上门走访", "走访", "上门", "登门"),
    "phone": ("电话", "通话"),
    "letter": ("书面", "函", "信", "邮件", "短信"),
}
_DATED = re.compile(r"^\s*(\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}\s*日?)[\s,,:、]*")
_WORDS = re.compile("联系|沟通|进行|代表|委员|已")
NO_DAY = "—"
_SECTIONS = re.compile(r"[、,,;;/\s]+")

Told = TypeVar("Told")


def submission_of(row: Row, session: str) -> Submission:
    """The submission in a row; ``session`` stands in where the row names none.

    Raises:
        InputError: a day that is none.
    """
    kind, role = row.get("kind"), row.get("role")
    return Submission(
        title=row.get("title"),
        body=row.get("body"),
        session=row.get("session") or session,
        number=row.get("number") or row.get("id"),
        kind=KIND_WORDS.get(kind, kind),
        deputy=row.get("deputy"),
        delegation=row.get("delegation"),
        received_on=row.date("received_on"),
        role=_ROLES.get(role, role),
        cosigners=row.get("cosigners"),
        lead_unit=row.get("lead_unit"),
        phone=row.get("phone"),
        proposed_unit=row.get("proposed_unit"),
    )


def record_of(
    row: Row, submission: Submission, taxonomy: Taxonomy, *, closed: bool = False
) -> tuple[Record, list[str]]:
    """The record in a row whose submission was checked, and what of it is kept as text only.

    Args:
        closed: rows of which nothing says where they stand are closed ones.

    Raises:
        InputError: something that the ledger cannot take; ``field`` in its detail names the column.
    """
    labels = _labels(row)
    closed_on, replied_on = row.date("closed_on"), row.date("replied_on")
    result_class = _result_class(row, taxonomy)
    over = bool(closed_on or replied_on or result_class or row.get("reply_number"))
    state = _state(row, over, closed)
    if state == "closed":  # many ledgers have one day for both (办复日期)
        closed_on = closed_on or replied_on
    day = closed_on or replied_on or submission.received_on or date.today()
    lists = _Lists(row, day)
    record = Record(
        submission=submission,
        state=state,
        labels=labels,
        result_class=result_class,
        reply_number=row.get("reply_number"),
        replied_on=replied_on,
        closed_on=closed_on,
        due_on=row.date("due_on"),
        key_on=_key_on(row, submission),
        leader=row.get("leader"),
        handler=row.get("handler"),
        assists=_assists(row),
        contacts=lists.read("contacts", lists.contact),
        feedback=lists.read("feedback", lists.said),
        commitments=commitments_of(row),
        flags=_flags(row),
    )
    return record, lists.kept


def commitments_of(row: Row) -> list[Commitment]:
    """What the reply in a row promised; one a line where the days are one a line as well.

    Raises:
        InputError: a day without anything that was promised.
    """
    what = row.get("commitment")
    days = {name: row.get(name) for name in ("commitment_due_on", "commitment_kept_on")}
    if not what:
        if any(days.values()):
            raise InputError("填了承诺时限或兑现日期,却没有承诺事项。", field="commitment")
        return []
    lines = what.splitlines()
    parts = [lines] + [text.splitlines() for text in days.values()]
    if len(lines) == 1 or len({len(part) for part in parts}) > 1:
        return [Commitment(what, row.date("commitment_due_on"), row.date("commitment_kept_on"))]
    return [
        Commitment(text, *(_day(name, day) for name, day in zip(days, given, strict=True)))
        for text, *given in zip(*parts, strict=True)
    ]


def _day(field: str, text: str) -> date | None:
    return Row(0, {field: "" if text.strip() == NO_DAY else text}).date(field)


def _labels(row: Row) -> dict[str, Decided]:
    kinds = {name: kind for kind, name in DECISION_NAMES.items()}
    found = {}
    for target in TARGETS:
        label = row.get(target)
        if not label:
            continue
        how = row.get(f"{target}_kind")
        if how and how not in kinds:
            raise InputError(f"认定方式“{how[:20]}”无效,可选:{'、'.join(kinds)}。", field=f"{target}_kind")
        found[target] = Decided(label, kinds.get(how, "closed"), row.get(f"{target}_who")[:100])
    return found


def _state(row: Row, over: bool, closed: bool) -> str:
    """Where the case stands; one of which nothing says that it is over is not taken for closed.

    Args:
        over: there is a day of closing or of the reply, a number of it, or a result.
        closed: somebody said that what says nothing is closed.
    """
    word = re.sub(r"[\s。]", "", row.get("state"))
    if word:
        if word not in _STATES:
            raise InputError(
                f"状态“{word[:20]}”无法对应,可用:{'、'.join(STATE_NAMES.values())}。", field="state"
            )
        return _STATES[word]
    if over or closed:
        return "closed"
    raise InputError(
        "看不出是否办结:没有状态、办结日期、办理结果和答复。用 --map 状态=列名 指明哪一列是状态;"
        "确是往年办结的,加 --closed。",
        field="state",
    )


def _result_class(row: Row, taxonomy: Taxonomy) -> str:
    """The class's code, given as the code, as A类, or in the class's own words."""
    text = re.sub(r"\s", "", half_width(row.get("result_class")))
    if is_blank(text):
        return ""
    named = {re.sub(r"\s", "", c.name): c.code for c in taxonomy.result_classes}
    codes = [
        c.code for c in taxonomy.result_classes if re.search(rf"(?<![A-Za-z]){re.escape(c.code)}类", text)
    ]
    if len(codes) == 1:  # also 正在解决(B类)
        return codes[0]
    return named.get(text, re.sub(r"[类件]+$", "", text))


def _key_on(row: Row, submission: Submission) -> date | None:
    """Since when it is a key case; a bare 是 counts from the day it came in."""
    if row.get("key_on") in ("是", "√", "✓", "重点"):
        return submission.received_on
    return None if row.get("key_on") in ("否", "×") else row.date("key_on")


def _assists(row: Row) -> list[str]:
    if is_blank(row.get("assists")):
        return []
    return list(dict.fromkeys(name for name in _SECTIONS.split(row.get("assists")) if name))


def _flags(row: Row) -> list[str]:
    named = {name: flag for flag, name in FLAG_NAMES.items()}
    return [named[word] for word in _SECTIONS.split(row.get("flags")) if word in named]


class _Lists:
    """Columns that hold several entries, one a line; a line that is not understood is kept as text."""

    def __init__(self, row: Row, day: date) -> None:
        """Args:
        day: of an entry that has none.
        """
        self.kept: list[str] = []
        self._row, self._day = row, day
        others = split_names(row.get("cosigners")) or [row.get("cosigners")]
        self._signers = {name for name in (row.get("deputy"), *others) if name}

    def read(self, field: str, read_line: Callable[[date, str, str], Told | None]) -> list[Told]:
        """What ``read_line`` makes of each line: its day, what stands before the colon and after it."""
        found = []
        for line in self._row.get(field).splitlines():
            bare = half_width(line)
            if is_blank(bare):
                continue
            dated = _DATED.match(bare)
            try:
                day = read_date(dated[1]) if dated else self._day
            except ValueError:
                day = None
            start = dated.end() if dated else 0
            colon = bare.find(":", start)
            end = len(line) if colon < 0 else colon
            # without a signer there is nobody whom an entry could be of
            known = day is not None and self._row.get("deputy")
            entry = (
                read_line(day, bare[start:end].strip(), line[end + 1 :].strip()) if known and day else None
            )
            if entry is None:
                cell = self._row.cells.get(field, "")
                self.kept.append(
                    f"{cell} {COLUMN_NAMES[field]}“{line.strip()[:60]}”没有认出,只在原件里".strip()
                )
            else:
                found.append(entry)
        return found

    def contact(self, day: date, about: str, what: str) -> Contact | None:
        """电话 王某:谈了什么, or the way alone."""
        for how, words in _HOW.items():
            word = next((w for w in words if w in about), None)
            if word:
                deputy, rest = self._person(about.replace(word, " ", 1))
                return Contact(day, how, deputy, f"{rest} {what}".strip())
        return None

    def said(self, day: date, about: str, comment: str) -> Feedback | None:
        """王某 满意:还说了什么, or the verdict alone."""
        found = re.search("|".join(sorted(VERDICTS, key=len, reverse=True)), about)
        if found is None:
            return None
        deputy, rest = self._person(about.replace(found[0], " ", 1))
        return Feedback(day, found[0], deputy, f"{rest} {comment}".strip())

    def _person(self, text: str) -> tuple[str, str]:
        """The person that a text names, and what of the text is no name."""
        text = _WORDS.sub(" ", text).strip(" 、,()")
        names = split_names(text) or []
        if text in self._signers or (names and all(len(n) <= 3 or n in self._signers for n in names)):
            return (text if text in self._signers else "、".join(names)), ""
        return "", text


def write_contact(held_on: date, how: str, deputy: str, what: str) -> str:
    """A contact as one line of a sheet, which ``record_of`` reads again."""
    return f"{held_on} {CONTACT_NAMES[how]} {deputy}" + (f":{_flat(what)}" if what else "")


def write_feedback(given_on: date, verdict: str, deputy: str, comment: str) -> str:
    """A deputy's word as one line of a sheet, which ``record_of`` reads again."""
    return f"{given_on} {deputy} {verdict}" + (f":{_flat(comment)}" if comment else "")


def write_commitments(given: Sequence[tuple[str, date | None, date | None]]) -> Mapping[str, str]:
    """The three columns of what was promised, one a line where there are several."""
    fields = ("commitment", "commitment_due_on", "commitment_kept_on")
    if len(given) == 1:
        what, *days = given[0]
        return dict(zip(fields, [what, *(str(day or "") for day in days)], strict=True))
    lines = [[_flat(what), *(str(day or NO_DAY) for day in days)] for what, *days in given]
    return {name: "\n".join(line[i] for line in lines) for i, name in enumerate(fields)}


def _flat(text: str) -> str:
    return " ".join(text.split())
