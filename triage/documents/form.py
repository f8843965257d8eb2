"""A suggestion out of a document: the fields of a congress's form, in a table or as lines.

What the form leaves blank or does not have is listed as missing; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from triage.documents.blocks import Document, Line, Table
from triage.documents.fields import (
    NUMBER,
    SESSION,
    group_of,
    how_many,
    is_blank,
    one_line,
    read_date,
    read_number,
    read_phone,
    split_names,
    ticked,
    without_office,
)
from triage.documents.form_headings import (
    AROUND_NUMBER,
    BODY_OF_MEMBERS,
    DAY_ONLY,
    HEADING_CHARS,
    REMARK,
    SALUTATION,
    TITLE,
    TITLE_AND_NUMBER,
    find_title,
    is_heading,
    title_lines,
    unquoted,
)
from triage.documents.form_table import Named, Value, has_labels, read_table
from triage.documents.labels import Found, find_labels, half_width
from triage.errors import InputError

# what a form is asked for, in the order in which missing ones are told
ASKED = {
    "number": "编号",
    "title": "标题",
    "body": "正文",
    "session": "届次",
    "kind": "案别",
    "deputy": "领衔代表",
    "cosigners": "附议代表",
    "delegation": "代表团",
    "phone": "联系电话",
    "proposed_unit": "建议承办单位",
}
KINDS = ("建议", "提案", "议案")
PROSE_CHARS = 30  # a line of that length belongs to the text, not to the head of the form
MIN_BODY_CHARS = 20

_SHORT_LABEL_LINE = 60


@dataclass(frozen=True)
class Form:
    """What was read of one suggestion.

    Attributes:
        fields: ours by name, as text; only those that were found.
        missing: the Chinese names of those that were not.
        leftover: lines that belong to no field, for a person to look at.
        notes: sentences for the person who handed it in.
    """

    fields: Mapping[str, str]
    missing: tuple[str, ...]
    leftover: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_form(document: Document) -> Form:
    """The fields of the one suggestion in ``document``.

    Raises:
        InputError: it holds nothing, or several suggestions.
    """
    reading = _Reading()
    for block in document.blocks:
        if isinstance(block, Line):
            reading.add_line(block.text)
        else:
            reading.add_table(block)
    reading.settle_body()
    reading.read_headings()
    return reading.form(document.notes)


@dataclass
class _Reading:
    """The state of reading one document from top to bottom.

    ``runs`` are stretches of unlabelled lines, each ended by a label or a table; the body is one of them
    where no label names it.
    """

    values: dict[str, list[str]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    runs: list[list[str]] = field(default_factory=lambda: [[]])
    body: list[str] = field(default_factory=list)
    leftover: list[str] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    in_body: bool = False
    labelled_body: bool = False
    listing: bool = False  # names of co-signers may go on in the next line
    prose: bool = False
    about: str = ""  # whose names a table without such a word lists

    def add_line(self, text: str) -> None:
        bare = half_width(text)
        found = find_labels(bare, strong_only=self.in_body or self.prose)
        if self.in_body or self.prose:  # inside the text a label counts only where a line begins with it
            found = found if found and not bare[: found[0].start].strip() else []
        if not found:
            self._add_unlabelled(text)
            return
        before = text[: found[0].start].strip()
        if before:
            self._add_unlabelled(before)
        self.listing = False
        for label, value in _values(text, found):
            self._put_line(label, value)

    def _add_unlabelled(self, text: str) -> None:
        numbered = TITLE_AND_NUMBER.fullmatch(half_width(text))
        if numbered and not self.in_body and len(text) <= HEADING_CHARS:
            self._add_unlabelled(text[: numbered.end(1)].strip())
            text = text[numbered.start(2) :]
        if self.in_body:
            self.body.append(text)
            return
        if self.listing and (names := split_names(text)):
            self.names += names
            return
        self.listing = False
        if re.search("附议|联名|共同提", text) and len(text) < PROSE_CHARS:
            self.about = "cosigners"
        self.prose = self.prose or (len(text) >= PROSE_CHARS and not is_heading(text) and not is_blank(text))
        if not is_blank(text):
            self.runs[-1].append(text)

    def _put_line(self, label: Found, value: str) -> None:
        if label.field == "body" and not self.labelled_body:
            self.in_body = self.labelled_body = True
            if value:
                self.body.append(value)
            return
        self.in_body = False
        self.runs.append([])
        self.put(Value(label.label, label.field, value))
        self.listing = label.field == "cosigners"
        if label.field in ("cosigners", "deputy"):
            self.about = label.field

    def add_table(self, table: Table) -> None:
        if not has_labels(table):  # figures inside the text
            for row in table.rows:
                self._add_unlabelled("  ".join(cell.text for cell in row if cell.text.strip()))
            return
        self.in_body = self.listing = self.prose = False
        for found in read_table(table, self.about):
            if isinstance(found, Value):
                if found.field == "body" and found.text:
                    self.labelled_body = True
                    self.body.append(found.text)
                elif found.field == "part" and not is_blank(found.text):
                    self.labelled_body = True
                    self.body += [found.label, found.text]
                else:
                    self.put(found)
            elif isinstance(found, Named):
                self._put_named(found)
            else:
                for text in found.splitlines():
                    self.add_line(text)
        self.runs.append([])

    def _put_named(self, found: Named) -> None:
        """A list of people: co-signers, or the first signer and then the others."""
        people = list(found.people)
        if found.field != "cosigners" and "deputy" not in self.values and people:
            first, *people = people
            for name in ("deputy", "delegation", "phone"):
                if not is_blank(first.get(name, "")):
                    self.put(Value("", name, first[name]))
        known = {one_line(name) for name in self.values.get("deputy", ())}
        self.names += [p["deputy"] for p in people if p.get("deputy") and p["deputy"] not in known]

    def put(self, found: Value) -> None:
        """Keep a value; what its label does not stand for is not kept."""
        if found.field and not is_blank(found.text):
            self.values.setdefault(found.field, []).append(found.text)

    def settle_body(self) -> None:
        """Where no label names the body, it is the longest stretch of unlabelled lines."""
        if not self.labelled_body:
            best = max(self.runs, key=lambda run: sum(map(len, run)))
            at = next((i for i, line in enumerate(best) if not is_heading(line)), len(best))
            at += title_lines(best[at:])
            while at < len(best) and is_heading(best[at]):
                at += 1
            if at < len(best) and SALUTATION.fullmatch(half_width(best[at]).replace(" ", "")):
                at += 1
            body = best[at:]
            if sum(map(len, body)) >= MIN_BODY_CHARS:
                self.body = body
                del best[at:]
        self._trim_body()
        if not self.labelled_body:
            self._take_signature()
        for run in self.runs:
            for line in run:
                (self.headings if len(line) <= HEADING_CHARS else self.leftover).append(line)

    def _take_signature(self) -> None:
        """A body of members that signs below its letter, where nobody else is named as the first signer."""
        signed = re.sub(r"\s", "", self.body[-1]) if len(self.body) > 1 else ""
        if "deputy" not in self.values and BODY_OF_MEMBERS.fullmatch(signed):
            self.put(Value("", "deputy", signed))
            if signed.endswith("代表团"):
                self.put(Value("", "delegation", signed))
            self.body.pop()

    def _trim_body(self) -> None:
        """A day, and short lines with a label, at the end of the body are the form's."""
        while self.body:
            lines = self.body[-1].splitlines()
            last = lines[-1] if lines else ""
            found = find_labels(half_width(last)) if len(last) < _SHORT_LABEL_LINE else []
            bare = half_width(last.strip())
            of_form = DAY_ONLY.fullmatch(bare) or REMARK.fullmatch(bare)
            if not (is_blank(last) or of_form or (found and found[0].start == 0)):
                break
            for label, value in _values(last, found):
                self.put(
                    Value(label.label, label.field if label.field not in ("body", "part") else "", value)
                )
            rest = "\n".join(lines[:-1]).rstrip()
            self.body[-1:] = [rest] if rest else []

    def read_headings(self) -> None:
        """Session, number, kind and title where they stand as headings without a label."""
        lines = [one_line(line) for line in self.headings]
        title = find_title(self.headings)
        if title and not any(map(one_line, self.values.get("title", ()))):
            self.values["title"] = [title]
        for line in lines:
            if line == title or (title and line in title):
                continue
            used = self._read_heading(half_width(line))
            if not used and line != title:
                self.leftover.append(line)

    def _read_heading(self, line: str) -> bool:
        if TITLE.fullmatch(line):
            return True
        used = False
        session, number = SESSION.search(line), NUMBER.search(line)
        if session:
            self.values.setdefault("session", []).append(session[0])
            used = True
        alone = number and not AROUND_NUMBER.sub("", line.replace(number[0], "", 1)).strip()
        if number and (session or alone):
            self.values.setdefault("number", []).append(number[0])
            used = True
        kinds = [kind for kind in KINDS if kind in line]
        if len(kinds) == 1 and len(line) <= HEADING_CHARS // 2:
            self.values.setdefault("kind_heading", []).append(kinds[0])
            used = True
        return used or bool(kinds)

    def form(self, notes: Iterable[str]) -> Form:
        fields = {
            "title": self._title(),
            "body": "\n".join(self.body).strip(),
            **self._signers(),
            **self._number(),
        }
        fields["kind"] = self._kind(fields["title"])
        for name, read in (("delegation", one_line), ("proposed_unit", one_line), ("phone", read_phone)):
            fields[name] = next(filter(None, map(read, self.values.get(name, ()))), "")
        if not fields["phone"]:
            fields["phone"] = next(filter(None, map(read_phone, self.values.get("deputy", ()))), "")
        if not fields["delegation"]:
            fields["delegation"] = next(filter(None, map(group_of, self.values.get("deputy", ()))), "")
        fields["lead_unit"] = self._first("lead_unit")
        fields["role"] = self._first("role")
        fields["received_on"] = self._day()
        found = {name: text for name, text in fields.items() if text}
        if not found:
            raise InputError("文件里没有读到文字,请确认不是空白表格。")
        return Form(
            fields=found,
            missing=tuple(shown for name, shown in ASKED.items() if name not in found),
            leftover=tuple(dict.fromkeys(line for line in self.leftover if not is_blank(line))),
            notes=(*notes, *self.notes),
        )

    def _first(self, name: str) -> str:
        return one_line(next(iter(self.values.get(name, ())), ""))

    def _title(self) -> str:
        titles = list(dict.fromkeys(unquoted(one_line(text)) for text in self.values.get("title", ())))
        if len(titles) > 1:
            shown = "”“".join(title[:30] for title in titles[:3])
            raise InputError(f"文件里像有 {len(titles)} 件建议(“{shown}”),请一件一个文件。", titles=titles)
        return titles[0] if titles else ""

    def _signers(self) -> dict[str, str]:
        deputy, others = "", list(self.names)
        for text in map(without_office, self.values.get("deputy", ())):
            names = split_names(text)
            if not deputy:
                deputy = names[0] if names else one_line(text)
                others = (names[1:] if names else []) + others
            elif names:
                others = names + others
            if how_many(text) and names and how_many(text) > len(names) + len(others):
                self.notes.append(f"表上写明共 {how_many(text)} 人提出,附议代表没有列全,请核对。")
        texts = self.values.get("cosigners", ())
        raw = ""
        for text in texts:
            names = split_names(text)
            if names:
                others += names
            else:
                raw = raw or one_line(text)
        others = [name for name in dict.fromkeys(others) if name != deputy]
        return {"deputy": deputy, "cosigners": "、".join(others) or raw}

    def _number(self) -> dict[str, str]:
        number = session = ""
        for text in self.values.get("number", ()):
            found, of_session = read_number(text)
            number, session = number or found, session or of_session
        sessions = [re.sub(r"\s", "", half_width(text)) for text in self.values.get("session", ())]
        return {"number": number, "session": next(iter(sessions), "") or session}

    def _kind(self, title: str) -> str:
        for text in (*self.values.get("kind", ()), *self.values.get("kind_heading", ())):
            if kind := ticked(text, KINDS):
                return kind
        return next((kind for kind in KINDS if title.endswith(kind)), "")

    def _day(self) -> str:
        for text in self.values.get("received_on", ()):
            try:
                day = read_date(text)
            except ValueError:
                self.notes.append(f"交办日期“{one_line(text)[:20]}”读不出来,请核对。")
                continue
            if day:
                return day.isoformat()
        return ""


def _values(text: str, found: Sequence[Found]) -> Iterable[tuple[Found, str]]:
    ends = [*(label.start for label in found[1:]), len(text)][: len(found)]
    return [(label, text[label.end : end].strip()) for label, end in zip(found, ends, strict=True)]
