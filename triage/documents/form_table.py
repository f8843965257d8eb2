"""The fields of a form that is drawn as a table: labels beside or above their values, lists of people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from triage.documents.blocks import Cell, Table
from triage.documents.labels import NAME, as_label, field_of, find_labels, half_width


@dataclass(frozen=True)
class Value:
    """A value and the label it belongs to; ``field`` is empty for labels that are none of ours."""

    label: str
    field: str
    text: str


@dataclass(frozen=True)
class Named:
    """A list of people under a heading row: deputy (the name), delegation, phone of each.

    ``field`` says whose list it is: deputy, cosigners, or empty where nothing says so.
    """

    field: str
    people: tuple[Mapping[str, str], ...]


def read_table(table: Table, about: str = "") -> Iterator[Value | Named | str]:
    """Values, lists of people, and texts without a label, from top to bottom.

    Args:
        about: the field that what stands above the table speaks of (deputy, cosigners), or empty.
    """
    rows = _mended(table.rows)
    at = 0
    while at < len(rows):
        if _is_header(rows, at):
            found, at = _under_header(rows, at, about)
            yield from found
            continue
        found, at = _beside(rows, at)
        for item in found:
            if isinstance(item, Value) and item.field in ("deputy", "cosigners"):
                about = item.field
            yield item


def _mended(rows: Sequence[Sequence[Cell]]) -> Sequence[Sequence[Cell]]:
    """The rows, with one that the end of a page cut through its label put together again."""
    whole: list[Sequence[Cell]] = []
    for row in rows:
        last = whole[-1] if whole else ()
        cut = len(row) == len(last) > 1 and not as_label(last[0].text) and not as_label(row[0].text)
        if cut and as_label(last[0].text + row[0].text):
            pairs = zip(last, row, strict=True)
            whole[-1] = [replace(a, text="\n".join(t for t in (a.text, b.text) if t)) for a, b in pairs]
        else:
            whole.append(row)
    return whole


def has_labels(table: Table) -> bool:
    """Whether any cell is a label of ours, or begins with one: a form, not a table of figures."""
    return any(
        field_of(as_label(cell.text) or "")
        or any(found.field and found.start == 0 for found in find_labels(half_width(cell.text)))
        for row in table.rows
        for cell in row
    )


def _label(cell: Cell) -> str | None:
    return None if cell.continued else as_label(cell.text)


def _is_header(rows: Sequence[Sequence[Cell]], at: int) -> bool:
    """A row of labels alone, with values of the same columns in the row below."""
    row = rows[at]
    if len(row) < 2 or at + 1 == len(rows) or not all(_label(cell) for cell in row):
        return False
    below = [cell for cell in rows[at + 1] if not cell.continued]
    return bool(below) and not any(_label(cell) for cell in below) and len(rows[at + 1]) >= 2


def _under_header(
    rows: Sequence[Sequence[Cell]], at: int, about: str
) -> tuple[list[Value | Named | str], int]:
    header = [(cell, _label(cell) or "") for cell in rows[at]]
    end = at + 1
    while end < len(rows) and len(rows[end]) >= 2 and not any(_label(cell) for cell in rows[end]):
        end += 1
    body = rows[at + 1 : end]
    people = [label for _, label in header if label == NAME or field_of(label) in ("deputy", "cosigners")]
    if people and (people[0] == NAME or len(body) > 1 or (len(people) > 1 and people[0] == people[-1])):
        field = field_of(people[0]) or about
        listed = tuple(person for row in body for person in _people(header, row))
        return [Named(field, listed)], end
    found: list[Value | Named | str] = []
    for row in body:
        for cell, label in header:
            found += [Value(label, field_of(label), value.text) for value in row if _over(cell, value)]
    return found, end


def _people(header: Sequence[tuple[Cell, str]], row: Sequence[Cell]) -> Iterator[dict[str, str]]:
    """The people of one row; a row may list two side by side."""
    person: dict[str, str] = {}
    for cell, label in header:
        value = next((v.text.strip() for v in row if _over(cell, v)), "")
        field = "deputy" if label == NAME or field_of(label) == "cosigners" else field_of(label)
        if field == "deputy":
            if person.get("deputy"):
                yield person
            person = {}
            value = value.replace(" ", "").replace("\u3000", "")
        if field and value:
            person[field] = value
    if person.get("deputy"):
        yield person


def _over(header: Cell, value: Cell) -> bool:
    return header.column <= value.column < header.column + header.width


def _beside(rows: Sequence[Sequence[Cell]], at: int) -> tuple[list[Value | Named | str], int]:
    """The values of one row that stand to the right of their labels, or below a label that fills the row."""
    row = rows[at]
    found: list[Value | Named | str] = []
    labels = [i for i, cell in enumerate(row) if _label(cell)]
    if len(row) == 1 and labels:
        end = at + 1
        texts = []
        while end < len(rows) and not _has_label(rows[end]):
            texts += [cell.text for cell in rows[end] if cell.text.strip()]
            end += 1
        label = _label(row[0]) or ""
        return [Value(label, field_of(label), "\n".join(texts))], end
    first = labels[0] if labels else len(row)
    for cell in row[:first]:
        found += _inline(cell)
    end = at + 1
    group = ""
    for n, i in enumerate(labels):
        label = _label(row[i]) or ""
        stop = labels[n + 1] if n + 1 < len(labels) else len(row)
        values = [cell.text for cell in row[i + 1 : stop] if cell.text.strip()]
        field = field_of(label)
        if field in ("deputy", "cosigners") and stop == i + 2 - 1 and n + 1 < len(labels):
            group = field  # a heading of its own: 领衔代表 | 姓名 | ... | 代表团 | ...
            if _label(row[labels[n + 1]]) == NAME:
                continue
        if label == NAME:
            field = group or "deputy"
        below, reach = _goes_on(rows, at, row[i])
        end = max(end, reach)
        joint = "、" if field in ("deputy", "cosigners") else "\n"
        found.append(Value(label, field, joint.join([*values, *below])))
    return found, end


def _goes_on(rows: Sequence[Sequence[Cell]], at: int, label: Cell) -> tuple[list[str], int]:
    """What stands in the rows below beside the same label, which covers them; and the row after these."""
    end = at + 1
    texts: list[str] = []
    while end < len(rows):
        row = rows[end]
        covered = [i for i, c in enumerate(row) if c.continued and c.column == label.column]
        if not covered or any(_label(cell) for cell in row) or covered[0] != 0:
            break
        texts += [cell.text for cell in row[1:] if cell.text.strip()]
        end += 1
    return texts, end


def _has_label(row: Sequence[Cell]) -> bool:
    return any(_label(cell) for cell in row) or any(
        found and found[0].start == 0
        for found in (find_labels(half_width(cell.text), strong_only=True) for cell in row)
    )


def _inline(cell: Cell) -> list[Value | Named | str]:
    """A cell that holds its label itself: 案由:关于…; several lines may each have one."""
    if cell.continued or not cell.text.strip():
        return []
    head, _, rest = cell.text.partition("\n")
    label = as_label(head)
    if label and rest.strip():
        return [Value(label, field_of(label), rest.strip())]
    found = find_labels(half_width(head))
    if found and found[0].start == 0 and len(found) == 1 and found[0].field in ("body", "part"):
        return [Value(found[0].label, found[0].field, cell.text[found[0].end :].strip())]
    return [cell.text]
