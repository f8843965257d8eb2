"""What the page of the ledger is asked for in its address, and what it tells of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

from pydantic import Field, ValidationError

from service.people import Person
from service.schemas_search import FILTERS, CaseQuery
from triage.flags import FLAG_NAMES
from triage.ledger.states import STATE_NAMES
from triage.ledger.submissions import ROLES

Sort = Literal[
    "", "number", "received", "due", "section", "state", "-number", "-received", "-due", "-section", "-state"
]
# shorter in the page's address than in the API's
_SHORT = {"late": "late_only", "key": "key_only"}
FIELD_NAMES = {
    "text": "文字",
    "words": "标题正文",
    "number": "编号",
    "deputy": "代表",
    "state": "状态",
    "section": "承办科室",
    "topic": "主题",
    "handling": "办理类型",
    "leader": "分管领导",
    "handler": "承办人",
    "role": "承办角色",
    "result_class": "办理结果",
    "session": "届次",
    "kind": "案别",
    "year": "收件年份",
    "month_received": "收件月份",
    "received_from": "收件不早于",
    "received_to": "收件不晚于",
    "due_from": "期限不早于",
    "due_to": "期限不晚于",
    "closed_from": "办结不早于",
    "closed_to": "办结不晚于",
    "flag": "核对提示",
    "route": "分办方式",
    "late_only": "逾期",
    "key_only": "重点督办",
    "merged": "已并案",
    "on_time": "按时答复",
    "contacted": "联系过代表",
    "met": "当面沟通过",
    "satisfied": "代表满意",
    "how": "认定方式",
    "sort": "排序",
    "page": "页码",
}
CHOICES: dict[str, dict[str, str]] = {
    "flag": FLAG_NAMES,
    "route": {"auto": "自动分办", "review": "转人工"},
    "how": {"auto": "自动认定", "confirmed": "人工确认", "overridden": "人工改判"},
    "role": {role: role for role in ROLES},
    "kind": {kind: kind for kind in ("建议", "提案", "议案")},
    **{name: {"yes": "是", "no": "否"} for name in ("on_time", "contacted", "met", "satisfied")},
}
AT_WORK = ("assigned", "accepted", "in_handling")


class LedgerQuery(CaseQuery):
    """The filters of the API, with the page's order and number."""

    sort: Sort = ""
    page: int = Field(1, ge=1, le=100_000)

    @property
    def states(self) -> list[str]:
        return [name for name in self.state.split(",") if name]

    def said(self, **changed: Any) -> dict[str, str]:
        """What is asked for, in the page's own words; without what is asked for by nobody."""
        found = {}
        for name in (*FILTERS, "sort", "page"):
            value = changed.get(name, getattr(self, name))
            if value != LedgerQuery.model_fields[name].default:
                short = next((short for short, long in _SHORT.items() if long == name), name)
                found[short] = "1" if value is True else str(value)
        return found

    def address(self, **changed: Any) -> str:
        """The page with some of it changed, from its first page on unless one is named."""
        query = urlencode(self.said(**{"page": 1, **changed}))
        return f"/ledger?{query}" if query else "/ledger"

    def export(self) -> str:
        """The same filter as the addresses under /api take it."""
        plain = {name: getattr(self, name) for name in FILTERS}
        return urlencode({n: "true" if v is True else v for n, v in plain.items() if v})


@dataclass(frozen=True)
class Chip:
    """One thing that is asked for, and the address without it."""

    name: str
    value: str
    without: str


@dataclass(frozen=True)
class Tab:
    """A view that everybody has, or one that a person saved.

    Attributes:
        view_id: of a saved one.
    """

    name: str
    query: LedgerQuery
    address: str
    current: bool
    view_id: int | None = None


def read_query(pairs: Iterable[tuple[str, str]]) -> tuple[LedgerQuery, list[str]]:
    """What an address asks for, and the names of what in it is not understood and left out.

    Blank fields, which a form sends too, ask for nothing; a repeated state asks for any of them.
    """
    given: dict[str, str] = {}
    for name, value in pairs:
        name = _SHORT.get(name, name)
        if value.strip() and name in (*FILTERS, "sort", "page"):
            given[name] = f"{given[name]},{value}" if name == "state" and name in given else value.strip()
    wrong: list[str] = []
    states = [state for state in given.pop("state", "").split(",") if state]
    if unknown := [state for state in states if state not in STATE_NAMES]:
        wrong.append(FIELD_NAMES["state"])
    known = dict.fromkeys(state for state in STATE_NAMES if state in states and state not in unknown)
    if known:
        given["state"] = ",".join(known)
    try:
        return LedgerQuery.model_validate(given), wrong
    except ValidationError as error:
        refused = dict.fromkeys(str(each["loc"][0]) for each in error.errors())
        kept = {name: value for name, value in given.items() if name not in refused}
        return LedgerQuery.model_validate(kept), [*wrong, *(FIELD_NAMES[name] for name in refused)]


def is_tidy(pairs: Iterable[tuple[str, str]]) -> bool:
    """Whether an address has neither blank fields nor one twice, as a form may send it."""
    pairs = list(pairs)
    return all(value.strip() for _, value in pairs) and len({name for name, _ in pairs}) == len(pairs)


def chips_of(query: LedgerQuery, classes: Mapping[str, str]) -> list[Chip]:
    """What is asked for, each with the address that asks for all but it; ``classes``: code to name."""
    chips = []
    for name in FILTERS:
        value, default = getattr(query, name), LedgerQuery.model_fields[name].default
        if value == default:
            continue
        if name == "state":
            told = "、".join(STATE_NAMES[state] for state in query.states)
        elif name == "result_class":
            told = f"{value} {classes.get(value, '')}".strip()
        else:
            told = "" if value is True else CHOICES.get(name, {}).get(str(value), str(value))
        chips.append(Chip(FIELD_NAMES[name], told, query.address(**{name: default})))
    return chips


def built_in_views(person: Person) -> list[tuple[str, LedgerQuery]]:
    """The views that everybody has."""
    own = {"本科室": {"section": person.section}} if person.section else {}
    asked: dict[str, dict[str, Any]] = {
        "全部": {},
        "我承办的": {"handler": person.name},
        **own,
        "待认定": {"state": "in_review"},
        "办理中": {"state": ",".join(AT_WORK)},
        "逾期": {"late_only": True},
        "重点督办": {"key_only": True},
        "已办结": {"state": "closed"},
    }
    return [(name, LedgerQuery.model_validate(filters)) for name, filters in asked.items()]
