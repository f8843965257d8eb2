"""Runs inside Annif's own environment: reads one JSON request a line, writes one JSON answer a line.

It is a script, not a module of ours: Annif pins other versions of our packages, so nothing of the
product is imported here. Texts come as words joined by spaces, because Annif has no Chinese analyzer.

Requests:
    {"do": "fit", "folder", "backend", "seed", "labels": how many, "texts": [...],
     "truth": [label numbers]}
    {"do": "scores", "folder", "backend", "texts": [...]}: answered with rows of ``labels`` scores
    {"do": "version"}
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

# Annif asks NLTK for English sentence data, and would download it. The words are separated already, so
# empty data does as well and keeps the benchmark off the network.
_PUNKT = ("collocations.tab", "sent_starters.txt", "abbrev_types.txt", "ortho_context.tab")
_LANGUAGE = "en"  # of the vocabulary only; there is no analysis by language


def _without_downloads(folder: Path) -> None:
    punkt = folder / "tokenizers" / "punkt_tab" / "english"
    punkt.mkdir(parents=True)
    for name in _PUNKT:
        (punkt / name).touch()
    os.environ["NLTK_DATA"] = str(folder)


def _project(folder: Path, backend: str) -> Any:
    from annif.registry import AnnifRegistry

    # words of one character count: Annif's default of three would drop most Chinese words
    (folder / "projects.cfg").write_text(
        f"[peer]\nname=peer\nlanguage={_LANGUAGE}\nbackend={backend}\n"
        "analyzer=simple(token_min_length=1)\nvocab=labels\nlimit=1000\n",
        encoding="utf-8",
    )
    registry = AnnifRegistry(str(folder / "projects.cfg"), str(folder), False)
    return registry.get_project("peer")


def _fit(folder: Path, request: dict[str, Any]) -> Any:
    import numpy as np
    from annif.corpus import Document, DocumentList, SubjectSet
    from annif.vocab import VocabFileTSV

    project = _project(folder, request["backend"])
    names = folder / "labels.tsv"
    names.write_text(
        "".join(f"<http://label.example/{k}>\tlabel {k}\n" for k in range(request["labels"])),
        encoding="utf-8",
    )
    project.vocab.load_vocabulary(VocabFileTSV(str(names), _LANGUAGE), force=True)
    np.random.seed(request["seed"])  # Annif gives its models no seed of their own
    project.train(
        DocumentList(
            [
                Document(text, SubjectSet([k]))
                for text, k in zip(request["texts"], request["truth"], strict=True)
            ]
        )
    )
    return project


def _scores(project: Any, texts: list[str]) -> list[list[float]]:
    from annif.corpus import Document, DocumentList

    corpus = DocumentList([Document(text) for text in texts])
    return [result.as_vector().tolist() for result in project.suggest_corpus(corpus)]


def main() -> None:
    """Serve until the other side closes the pipe."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever Annif prints must not stand between the answers
    with tempfile.TemporaryDirectory(prefix="nltk") as folder:
        _without_downloads(Path(folder))
        # by folder, because one project is asked many times
        fitted: dict[str, Any] = {}
        for line in sys.stdin:
            print(json.dumps(_answer(json.loads(line), fitted)), file=answers, flush=True)


def _answer(request: dict[str, Any], fitted: dict[str, Any]) -> dict[str, Any]:
    if request["do"] == "version":
        return {"version": version("annif")}
    answer: dict[str, Any] = {}
    folder = request["folder"]
    if request["do"] == "fit":
        fitted[folder] = _fit(Path(folder), request)
    else:
        if folder not in fitted:
            fitted[folder] = _project(Path(folder), request["backend"])
        answer["scores"] = _scores(fitted[folder], request["texts"])
    while len(fitted) > 2:  # the oldest; it stays on disk
        fitted.pop(next(iter(fitted)))
    return answer


if __name__ == "__main__":
    main()
