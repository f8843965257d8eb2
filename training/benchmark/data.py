"""The files that are measured on. They stay in their own folder and are never copied."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.backtest import read_labelled
from training.sample_office import CLOSED_YEAR, INCOMING, INCOMING_LABELS
from triage.documents.rows import Row, read_text
from triage.errors import InputError
from triage.taxonomy import TARGETS, Taxonomy, load_taxonomy, parse_taxonomy

DUTIES = Path(__file__).parent / "mailbox_duties.toml"
OTHERS = {"其他", "其它"}
LEVELS = ("一级分类", "二级分类", "三级分类")


@dataclass(frozen=True)
class DataFolder:
    """The folder with the public files; each is read when a part asks for it."""

    path: Path

    def rows(self, name: str, columns: Sequence[str]) -> list[Row]:
        """Rows of the file ``name``.

        Raises:
            InputError: the folder, the file or one of the columns is missing.
        """
        found = read_labelled(self.file(name)).rows
        missing = [column for column in columns if column not in found[0].fields]
        if missing:
            raise InputError(f"{self.path / name} 缺少列:{'、'.join(missing)}。")
        return found

    def complaints(self) -> list[Row]:
        return self.rows("complaints_topic.csv", ("topic",))

    def mailbox(self) -> list[Row]:
        return self.rows("mailbox_section.csv", ("section", "received_on"))

    def board(self) -> list[Row]:
        return self.rows("board_topic_type.csv", ("topic", "handling", "received_on"))

    def complaint_taxonomy(self, topics: Sequence[str]) -> Taxonomy:
        """Descriptions of ``topics`` out of the three levels of names."""
        path = self.file("complaints_taxonomy.csv")
        entries = list(csv.DictReader(read_text(path).splitlines()))
        if not entries or any(level not in entries[0] for level in LEVELS):
            raise InputError(f"{path} 应有列:{'、'.join(LEVELS)}。")
        names = [(e[LEVELS[0]].strip(), e[LEVELS[1]].strip(), e[LEVELS[2]].strip()) for e in entries]
        unknown = sorted(set(topics) - {first for first, _, _ in names})
        if unknown:
            raise InputError(f"{path} 里没有这些主题:{'、'.join(unknown)}。")
        return parse_taxonomy(taxonomy_toml(names, topics), path.name)

    def file(self, name: str) -> Path:
        """Where the file ``name`` is.

        Raises:
            InputError: it is not there.
        """
        path = self.path / name
        if not path.is_file():
            raise InputError(f"找不到数据文件 {path}。请用 DATA=数据文件夹 指明放有 {name} 的文件夹。")
        return path


def taxonomy_toml(names: Sequence[tuple[str, str, str]], topics: Sequence[str]) -> str:
    """An office's taxonomy file that describes ``topics``.

    Args:
        names: first-, second- and third-level name of each entry.

    The second level says what a topic is answerable for, as duties do, and becomes the description; the
    third level is what people write in about, and becomes the key terms.
    """
    blocks = []
    for topic in topics:
        second = _kept(middle for first, middle, _ in names if first == topic)
        third = _kept(last for first, _, last in names if first == topic)
        blocks.append(
            "[[topic]]\n"
            f"name = {_quoted(topic)}\n"
            f"description = {_quoted('、'.join(second) + '。')}\n"
            f"terms = [{', '.join(map(_quoted, third))}]\n"
        )
    return "\n".join(blocks)


def _kept(names: Iterable[str]) -> list[str]:
    parts = [part.strip() for name in names for part in name.split("、")]
    return list(dict.fromkeys(part for part in parts if part and part not in OTHERS))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a TOML basic string


def mailbox_duties() -> Taxonomy:
    """What each unit of the mailbox answers for, from general knowledge."""
    return load_taxonomy(DUTIES)


def office_rows() -> tuple[list[Row], list[Row]]:
    """The sample office's closed year, and its incoming pile with the labels it should get (invented)."""
    labels = {
        (entry["session"], entry["number"]): {target: entry[target] for target in TARGETS}
        for entry in csv.DictReader(read_text(INCOMING_LABELS).splitlines())
    }
    incoming = [
        Row(row.line, {**row.fields, **labels[row.get("session"), row.get("number")]})
        for row in read_labelled(INCOMING).rows
    ]
    return read_labelled(CLOSED_YEAR).rows, incoming
