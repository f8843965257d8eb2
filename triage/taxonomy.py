"""The office's taxonomy: topics, handling types, sections with duties, result classes, from one TOML file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from triage.errors import InputError, TaxonomyError
from triage.periods import Period, Rules, parse_period

TARGETS = ("section", "topic", "handling")
TARGET_NAMES = {"section": "承办科室", "topic": "主题", "handling": "办理类型"}
# what a handling type asks of the handler: nothing more, a plan of stages, or reasons and measures
WAYS = {"立即办理": "at_once", "分步推进": "stages", "创造条件逐步解决": "conditions"}


@dataclass(frozen=True)
class Label:
    """One choice of a target, with what is known of it before any example.

    ``description`` is the duties text of a section; ``terms`` are its key terms, ``phone`` its telephone.
    An inactive label is never predicted but stays valid in old records; ``successors`` took over
    from it. ``formerly`` are its own earlier names. ``way`` is a value of WAYS for a handling type,
    else empty.
    """

    name: str
    description: str = ""
    terms: tuple[str, ...] = ()
    leader: str = ""
    active: bool = True
    way: str = ""
    phone: str = ""
    formerly: tuple[str, ...] = ()
    successors: tuple[str, ...] = ()


@dataclass(frozen=True)
class LetterHead:
    """What stands on every letter of the office; empty where the TOML does not say.

    Attributes:
        bureau: who signs. mark, assist_mark: before the year in a letter's number, to deputies
            and to a unit that leads. copies, copies_proposal: who gets a copy, of a proposal to
            the CPPCC the latter.
    """

    bureau: str = ""
    mark: str = ""
    assist_mark: str = ""
    copies: tuple[str, ...] = ()
    copies_proposal: tuple[str, ...] = ()


@dataclass(frozen=True)
class ResultClass:
    """A result class (A, B, ...) by this place's own scheme.

    ``carried`` tells whether such a case comes back in the next year's list.
    """

    code: str
    name: str
    carried: bool = False


@dataclass(frozen=True)
class Taxonomy:
    """All that a bureau decides by; empty label lists are allowed for a target not in use."""

    office: str = ""
    invented: bool = False
    office_terms: tuple[str, ...] = ()
    section: tuple[Label, ...] = ()
    topic: tuple[Label, ...] = ()
    handling: tuple[Label, ...] = ()
    result_classes: tuple[ResultClass, ...] = ()
    rules: Rules = field(default_factory=Rules)
    letter: LetterHead = field(default_factory=LetterHead)

    @property
    def bureau(self) -> str:
        """The name that stands under letters: the letters' own, else the office's."""
        return self.letter.bureau or self.office

    def labels(self, target: str) -> tuple[Label, ...]:
        """The labels of ``target`` (one of TARGETS), inactive ones included."""
        return {"section": self.section, "topic": self.topic, "handling": self.handling}[target]

    def terms(self) -> tuple[str, ...]:
        """Every term of the office, for segmentation."""
        own = [t for target in TARGETS for label in self.labels(target) for t in label.terms]
        return tuple(sorted({*self.office_terms, *own}))

    def check_label(self, target: str, name: str) -> str:
        """``name`` if it is a label of ``target`` in use.

        Raises:
            InputError: unknown or inactive; the message lists what may be chosen.
        """
        choices = [label.name for label in self.labels(target) if label.active]
        if name not in choices:
            now = self.current_name(target, name)
            what = f",现在是“{now}”" if now else ""
            raise InputError(
                f"“{name}”不是本单位在用的{TARGET_NAMES[target]}{what},可选:{'、'.join(choices)}。"
            )
        return name

    def current_name(self, target: str, old: str) -> str | None:
        """The active label that ``old`` is now called, or that alone took over from it.

        None where it was shared out among several, went without a successor, or was never known.
        """
        names = self.current_names(target, old)
        return names[0] if len(names) == 1 else None

    def current_names(self, target: str, old: str) -> tuple[str, ...]:
        """The active labels that ``old`` became: one where it is in use, was renamed or followed by one
        alone, several where it was split, none where it went without a successor or was never known."""
        labels = {name: label for label in self.labels(target) for name in (label.name, *label.formerly)}
        waiting, found = [old], dict[str, None]()
        while waiting:  # check_successors saw to it that this ends
            label = labels.get(waiting.pop(0))
            if label is not None and label.active:
                found[label.name] = None
            elif label is not None:
                waiting += label.successors
        return tuple(found)

    def past_names(self, target: str) -> tuple[str, ...]:
        """Names that old records may have: of labels out of use, and the former ones."""
        labels = self.labels(target)
        retired = [label.name for label in labels if not label.active]
        return tuple(dict.fromkeys([*retired, *(name for label in labels for name in label.formerly)]))

    def _label(self, target: str, name: str | None) -> Label | None:
        """The label of that name, or the one that used to have it."""
        labels = self.labels(target)
        own = next((label for label in labels if label.name == name), None)
        return own or next((label for label in labels if name in label.formerly), None)

    def way_of(self, handling: str | None) -> str:
        """The ``way`` of a handling type; empty where it is unknown or asks for nothing."""
        label = self._label("handling", handling)
        return label.way if label else ""

    def sections_of(self, leader: str) -> tuple[str, ...]:
        """Names, former ones too, of the sections that this leader is in charge of."""
        led = [label for label in self.section if label.leader == leader]
        return tuple(name for label in led for name in (label.name, *label.formerly))

    def leader_of(self, section: str | None) -> str:
        """The leader in charge of a section; empty where nobody is named."""
        label = self._label("section", section)
        return label.leader if label else ""

    def phone_of(self, section: str | None) -> str:
        """The telephone of a section; empty where none is known."""
        label = self._label("section", section)
        return label.phone if label else ""

    def check_result_class(self, code: str) -> str:
        """``code`` if it is one of the result classes; InputError otherwise."""
        codes = [r.code for r in self.result_classes]
        if code not in codes:
            raise InputError(f"“{code}”不是办理结果类别,可选:{'、'.join(codes)}。")
        return code


_LABEL_KEYS: dict[str, type] = {
    "name": str,
    "duties": str,
    "description": str,
    "terms": list,
    "leader": str,
    "active": bool,
    "way": str,
    "phone": str,
    "formerly": list,
    "successor": str,
    "successors": list,
}
_OFFICE_KEYS: dict[str, type] = {"name": str, "invented": bool, "terms": list, "reply_months": int}
_RESULT_KEYS: dict[str, type] = {"code": str, "name": str, "carried": bool}
_LETTER_KEYS: dict[str, type] = {
    "bureau": str,
    "mark": str,
    "assist_mark": str,
    "copies": list,
    "copies_proposal": list,
}
_DEADLINE_KEYS: dict[str, type] = {rule.name: str for rule in fields(Rules)}
_TYPE_NAMES = {str: "带引号的文字", list: '文字列表,如 ["甲", "乙"]', bool: "true 或 false", int: "整数"}


def load_taxonomy(path: Path) -> Taxonomy:
    """Read the TOML file.

    Raises:
        TaxonomyError: the file is missing or has a mistake; the message names the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise TaxonomyError(f"找不到分类文件 {path}。先运行 triage init 或 triage demo。") from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise TaxonomyError(f"{path} 第 {line} 行:不是 UTF-8 编码,请另存为 UTF-8。") from None
    return parse_taxonomy(text, str(path))


def parse_taxonomy(text: str, source: str = "office.toml") -> Taxonomy:
    """Taxonomy out of TOML text; ``source`` is named in errors."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # "... (at line 3, column 5)" or "(at end of document)": all that tomllib tells before 3.14
        found = re.search(r"at line (\d+), column (\d+)", str(error))
        lines = text.rstrip().splitlines() or [""]
        line = min(int(found[1]) if found else len(lines), len(lines))
        quoted = lines[line - 1].strip()
        raise TaxonomyError(
            f"{source} 第 {line} 行:TOML 写法有误,检查引号、方括号、逗号是否成对,"
            f"同一项是否写了两次。该行是:{quoted}"
        ) from None
    except (ValueError, RecursionError):  # a number of thousands of digits; lists within lists without end
        raise TaxonomyError(f"{source}:有大得或套得不合情理的内容,请检查数字和方括号。") from None
    return _Reader(text, source).read(data)


class _Reader:
    """Checks the parsed data; finds the line of a mistake by looking for its header and key."""

    def __init__(self, text: str, source: str) -> None:
        self.lines = text.splitlines()
        self.source = source

    def read(self, data: Mapping[str, Any]) -> Taxonomy:
        known = {"office", "result_class", "deadlines", "letter", *TARGETS}
        for key in data:
            if key not in known:
                raise self.error(self.line_of(key), f"不认识的部分 [{key}],可用:{'、'.join(sorted(known))}")
        office = data.get("office", {})
        if not isinstance(office, dict):
            raise self.error(self.line_of("office"), "[office] 应为一个表")
        self.check_keys(office, _OFFICE_KEYS, "office", 0)
        return Taxonomy(
            office=office.get("name", ""),
            invented=office.get("invented", False),
            office_terms=self.strings(office, "terms", "office", 0),
            section=self.read_labels(data, "section"),
            topic=self.read_labels(data, "topic"),
            handling=self.read_labels(data, "handling"),
            result_classes=tuple(
                # what the first class calls solved is done with; the others are looked at again
                ResultClass(entry["code"], entry["name"], entry.get("carried", nth > 0))
                for nth, entry in enumerate(
                    self.entries(data, "result_class", _RESULT_KEYS, ("code", "name"), "code")
                )
            ),
            rules=self.read_rules(data, office),
            letter=self.read_letter(data),
        )

    def read_letter(self, data: Mapping[str, Any]) -> LetterHead:
        given = data.get("letter", {})
        if not isinstance(given, dict):
            raise self.error(self.line_of("letter"), "[letter] 应为一个表")
        self.check_keys(given, _LETTER_KEYS, "letter", 0)
        return LetterHead(
            bureau=given.get("bureau", "").strip(),
            mark=given.get("mark", "").strip(),
            assist_mark=given.get("assist_mark", "").strip(),
            copies=self.strings(given, "copies", "letter", 0),
            copies_proposal=self.strings(given, "copies_proposal", "letter", 0),
        )

    def read_rules(self, data: Mapping[str, Any], office: Mapping[str, Any]) -> Rules:
        given = data.get("deadlines", {})
        if not isinstance(given, dict):
            raise self.error(self.line_of("deadlines"), "[deadlines] 应为一个表")
        self.check_keys(given, _DEADLINE_KEYS, "deadlines", 0)
        rules: dict[str, Period] = {}
        if "reply_months" in office:
            where = self.line_of("office", 0, "reply_months")
            if not 1 <= office["reply_months"] <= 24:
                raise self.error(where, "reply_months 应在 1 到 24 之间")
            if "reply" in given:
                raise self.error(where, "reply_months 与 [deadlines] 的 reply 只能写一个")
            rules["reply"] = Period("months", office["reply_months"])
        for name, text in given.items():
            try:
                rules[name] = parse_period(text)
            except InputError as error:
                raise self.error(self.line_of("deadlines", 0, name), error.message.rstrip("。")) from None
        if rules.get("extension", Rules.extension).unit == "year_day":
            raise self.error(self.line_of("deadlines", 0, "extension"), "extension 应为一段时间,如 3个月")
        return Rules(**rules)

    def read_labels(self, data: Mapping[str, Any], target: str) -> tuple[Label, ...]:
        labels = tuple(
            Label(
                name=entry["name"].strip(),
                description=entry.get("duties", entry.get("description", "")),
                terms=self.strings(entry, "terms", target, nth),
                leader=entry.get("leader", ""),
                active=entry.get("active", True),
                way=self.read_way(entry, target, nth),
                phone=self.read_phone(entry, target, nth),
                formerly=self.strings(entry, "formerly", target, nth),
                successors=self.read_successors(entry, target, nth),
            )
            for nth, entry in enumerate(self.entries(data, target, _LABEL_KEYS, ("name",), "name"))
        )
        self.check_names(labels, target)
        self.check_successors(labels, target)
        return labels

    def read_successors(self, entry: Mapping[str, Any], target: str, nth: int) -> tuple[str, ...]:
        if "successor" in entry and "successors" in entry:
            where = self.line_of(target, nth, "successor")
            raise self.error(where, "successor 与 successors 只能写一个")
        if "successor" in entry:
            return self.strings({"successor": [entry["successor"]]}, "successor", target, nth)
        return tuple(dict.fromkeys(self.strings(entry, "successors", target, nth)))

    def check_names(self, labels: Sequence[Label], target: str) -> None:
        """A former name says of which label it was: it is nobody's name now, and was one label's only."""
        owner = {label.name: label.name for label in labels}
        for nth, label in enumerate(labels):
            for name in label.formerly:
                if name in owner:
                    whose = "另一项现在的名称" if owner[name] == name else f"“{owner[name]}”的旧名"
                    raise self.error(self.line_of(target, nth, "formerly"), f"旧名“{name}”已是{whose}")
                owner[name] = label.name

    def check_successors(self, labels: Sequence[Label], target: str) -> None:
        """Only what is out of use has successors, and following them ends at labels in use."""
        known = {label.name: label for label in labels}
        for nth, label in enumerate(labels):
            where = self.line_of(target, nth, "successors" if len(label.successors) > 1 else "successor")
            if label.successors and label.active:
                raise self.error(where, f"“{label.name}”还在用,不能有接替的;停用的写 active = false")
            waiting, seen = list(label.successors), {label.name}
            while waiting:
                name = waiting.pop()
                if name not in known or (not known[name].active and not known[name].successors):
                    raise self.error(where, f"接替“{label.name}”的“{name}”不是在用的{TARGET_NAMES[target]}")
                if name in seen and not known[name].active:
                    raise self.error(where, f"“{label.name}”的接替关系绕成了圈")
                seen.add(name)
                waiting += known[name].successors

    def read_way(self, entry: Mapping[str, Any], target: str, nth: int) -> str:
        way = entry.get("way")
        if way is None:
            return WAYS.get(entry["name"].strip(), "") if target == "handling" else ""
        if target != "handling" or way not in WAYS.values():
            choices = "、".join(WAYS.values())
            raise self.error(self.line_of(target, nth, "way"), f"way 只用于办理类型,可选:{choices}")
        return str(way)

    def read_phone(self, entry: Mapping[str, Any], target: str, nth: int) -> str:
        if "phone" in entry and target != "section":
            raise self.error(self.line_of(target, nth, "phone"), "phone 只用于科室")
        return str(entry.get("phone", "")).strip()

    def entries(
        self,
        data: Mapping[str, Any],
        table: str,
        keys: Mapping[str, type],
        required: tuple[str, ...],
        unique: str,
    ) -> list[dict[str, Any]]:
        entries = data.get(table, [])
        if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
            raise self.error(self.line_of(table), f"应写成 [[{table}]](两层方括号),每项一段")
        seen: dict[str, int] = {}
        for nth, entry in enumerate(entries):
            self.check_keys(entry, keys, table, nth)
            for key in required:
                if not str(entry.get(key, "")).strip():
                    raise self.error(self.line_of(table, nth), f"[[{table}]] 缺少 {key}")
            value = entry[unique].strip()
            if value in seen:
                first = self.line_of(table, seen[value], unique)
                raise self.error(self.line_of(table, nth, unique), f"“{value}”与第 {first} 行重复")
            seen[value] = nth
        return entries

    def check_keys(self, entry: Mapping[str, Any], keys: Mapping[str, type], table: str, nth: int) -> None:
        for key, value in entry.items():
            where = self.line_of(table, nth, key)
            if key not in keys:
                raise self.error(where, f"不认识的项 {key},可用:{'、'.join(keys)}")
            # to Python true is a whole number too
            if not isinstance(value, keys[key]) or (keys[key] is int and isinstance(value, bool)):
                raise self.error(where, f"{key} 应为{_TYPE_NAMES[keys[key]]}")

    def strings(self, entry: Mapping[str, Any], key: str, table: str, nth: int) -> tuple[str, ...]:
        values = entry.get(key, [])
        if not all(isinstance(v, str) and v.strip() for v in values):
            raise self.error(self.line_of(table, nth, key), f"{key} 应为{_TYPE_NAMES[list]}")
        return tuple(v.strip() for v in values)

    def line_of(self, table: str, nth: int = 0, key: str | None = None) -> int:
        """1-based line of the nth ``table`` header, or of ``key`` below it; 1 if not found."""
        header = re.compile(rf"^\s*\[{{1,2}}\s*{re.escape(table)}\s*\]{{1,2}}|^\s*{re.escape(table)}\s*=")
        starts = [i for i, line in enumerate(self.lines) if header.match(line)]
        if nth >= len(starts):
            return 1
        start = starts[nth]
        if key is None:
            return start + 1
        own = re.compile(rf"^\s*[\"']?{re.escape(key)}[\"']?\s*=")
        for i in range(start + 1, len(self.lines)):
            if re.match(r"^\s*\[{1,2}\s*\w", self.lines[i]):
                break
            if own.match(self.lines[i]):
                return i + 1
        return start + 1

    def error(self, line: int, what: str) -> TaxonomyError:
        return TaxonomyError(f"{self.source} 第 {line} 行:{what}。", line=line)
