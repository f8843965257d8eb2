"""Recommendations for very many texts, into a file; nothing is written into the ledger.

The texts go out in chunks of a fixed size. What comes back of each is kept in a file of its own beside the
output, named by everything that it depends on; so whoever runs the same again after an interruption goes
on with the chunks that are missing, and chunks of changed texts or models are done anew.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from triage.bridge import Bridge
from triage.classifier import TargetModel
from triage.crew import Crew, Kit, Place, Work
from triage.errors import CrewError, InputError
from triage.exports.ledger_file import harmless
from triage.flags import FLAG_NAMES, Flag
from triage.prediction import Prediction
from triage.reading import Suggestion
from triage.recommending import recommend
from triage.taxonomy import TARGET_NAMES, Taxonomy
from triage.text_sources import Text

CHUNK = 200  # texts; some seconds of work
RANKED = 5  # labels of each target that are written
SUFFIXES = (".csv", ".jsonl")

Progress = Callable[[str, int, int], None]
Line = dict[str, Any]


@dataclass
class Tally:
    """What all lines of an output come to.

    Attributes:
        sure: target to how many the model is sure of.
        recorded: target to how many have a label already; same: to how many have the recommended one.
        done, kept: chunks worked on now, and found finished.
    """

    texts: int = 0
    refused: int = 0
    sure: dict[str, int] = field(default_factory=dict)
    recorded: dict[str, int] = field(default_factory=dict)
    same: dict[str, int] = field(default_factory=dict)
    done: int = 0
    kept: int = 0

    def add(self, line: Line) -> None:
        self.texts += 1
        self.refused += "refused" in line
        for target, said in line.get("predictions", {}).items():
            for counts, counted in (
                (self.sure, said["auto"]),
                (self.recorded, target in line["recorded"]),
                (self.same, line["recorded"].get(target) == said["label"]),
            ):
                counts[target] = counts.get(target, 0) + bool(counted)


def kit_of(models: Mapping[str, TargetModel], taxonomy: Taxonomy) -> Kit:
    """What the chunks need: models by target, and the labels in use.

    A version names its model; one from the duties alone follows from the taxonomy and its encoder.
    """
    content = {"models": {t: (m.state, m.version) for t, m in models.items()}, "taxonomy": taxonomy}
    made_of = [(t, m.version, m.state["encoder"], m.state["terms"]) for t, m in sorted(models.items())]
    return Kit.pack(content, f"{made_of}\n{taxonomy!r}")


def recommend_many(
    texts: Iterable[Text],
    kit: Kit,
    out: Path,
    crew: Crew,
    *,
    chunk: int = CHUNK,
    progress: Progress = lambda *_: None,
) -> Tally:
    """Write what is recommended for each text to ``out``, in order; safe to interrupt and to run again.

    Args:
        chunk: texts that go out at a time. Another size may change a last decimal.

    Raises:
        InputError: another type of file, or somebody else is writing this one.
        CrewError: nobody is left to do the work; what was finished is kept.
    """
    check_suffix(out)
    tally, read = Tally(), 0
    names: list[str] = []
    with _folder(out) as folder:

        def missing() -> Iterator[tuple[str, list[Text]]]:
            nonlocal read
            remaining = iter(texts)
            while piece := list(islice(remaining, chunk)):
                name = f"{len(names):07d}-{_digest(kit.key, piece)}.jsonl"
                names.append(name)
                read += len(piece)
                if (folder / name).exists():
                    tally.kept += 1
                else:
                    yield name, piece

        try:
            for name, lines in crew.each(WORK, kit, missing()):
                _write(folder / name, lines)
                tally.done += 1
                progress("推荐", min(read, (tally.done + tally.kept) * chunk), read)
        except CrewError as error:
            said = f"{tally.done + tally.kept} 块已经做完并保存,再运行同一条命令会接着做。"
            raise CrewError(f"{error.message}{said}") from error
        joined = folder / f"joined{out.suffix}"
        with joined.open("w", encoding="utf-8-sig" if out.suffix == ".csv" else "utf-8", newline="") as file:
            add = _csv_writer(file) if out.suffix == ".csv" else _json_writer(file)
            for name in names:
                with (folder / name).open(encoding="utf-8") as part:
                    for line in map(json.loads, part):
                        tally.add(line)
                        add(line)
            file.flush()
            os.fsync(file.fileno())
        os.replace(joined, out)
        shutil.rmtree(folder)
    return tally


def check_suffix(out: Path) -> None:
    """Raises InputError for a file type that is not written."""
    if out.suffix not in SUFFIXES:
        raise InputError(f"不能写成 {out.suffix or out.name},请用 {' 或 '.join(SUFFIXES)} 结尾的文件名。")


def _open(content: dict[str, Any], place: Place) -> dict[str, Bridge]:
    bridges = {}
    for target, (state, version) in content["models"].items():
        model = TargetModel(state, place.reader(state["encoder"], state["terms"]), version)
        bridges[target] = Bridge(model, content["taxonomy"])
    return bridges


def _do(bridges: dict[str, Bridge], piece: tuple[str, list[Text]]) -> tuple[str, list[Line]]:
    name, texts = piece
    good = [text for text in texts if not text.refused]
    predictions, flags = recommend(bridges, [Suggestion(t.title, t.body) for t in good])
    said = iter(zip(predictions, flags, strict=True))
    return name, [_line(text, *(((), ()) if text.refused else next(said))) for text in texts]


WORK = Work(_open, _do)


def _line(text: Text, predictions: Any, flags: tuple[Flag, ...]) -> Line:
    line: Line = {"place": text.place, "id": text.reference, "title": text.title}
    if text.refused:
        return {**line, "refused": text.refused}
    return {
        **line,
        "recorded": text.recorded,
        "predictions": {target: _told(p) for target, p in predictions.items()},
        "flags": [{"kind": f.kind, "score": round(f.score, 4), "reason": f.reason} for f in flags],
    }


def _told(prediction: Prediction) -> Line:
    return {
        "label": prediction.label,
        "probability": round(prediction.probability, 4),
        "auto": prediction.auto,
        "likely": list(prediction.evidence.likely),
        "ranked": [[label, round(p, 4)] for label, p in prediction.ranked[:RANKED]],
        "model": prediction.model_version,
    }


def _digest(key: str, piece: list[Text]) -> str:
    told = json.dumps([key, piece], ensure_ascii=False).encode("utf-8", "surrogatepass")
    return hashlib.sha256(told).hexdigest()[:24]


@contextmanager
def _folder(out: Path) -> Iterator[Path]:
    """The folder of finished chunks, for one at a time."""
    folder = out.with_name(f"{out.name}.parts")
    folder.mkdir(exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"另一个 triage recommend 正在写 {out}。") from None
        yield folder


def _write(path: Path, lines: list[Line]) -> None:
    """Whole or not at all."""
    staged = path.with_suffix(".tmp")
    with staged.open("w", encoding="utf-8") as file:
        add = _json_writer(file)
        for line in lines:
            add(line)
        file.flush()
        os.fsync(file.fileno())
    os.replace(staged, path)


def _json_writer(file: Any) -> Callable[[Line], object]:
    return lambda line: file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _csv_writer(file: Any) -> Callable[[Line], object]:
    writer = csv.writer(file)
    columns = [f"{name}{what}" for name in TARGET_NAMES.values() for what in ("", "概率", "有把握", "现有")]
    writer.writerow(["位置", "编号", "标题", *columns, "提示", "没有推荐的原因"])

    def add(line: Line) -> None:
        cells: list[str] = []
        for target in TARGET_NAMES:
            said = line.get("predictions", {}).get(target)
            cells += (
                [said["label"], str(said["probability"]), "是" if said["auto"] else "否"]
                if said
                else [""] * 3
            )
            cells.append(line.get("recorded", {}).get(target, ""))
        flags = "、".join(FLAG_NAMES[flag["kind"]] for flag in line.get("flags", ()))
        row = [line["place"], line["id"], line["title"], *cells, flags, line.get("refused", "")]
        writer.writerow([harmless(cell) for cell in row])

    return add
