"""How fast related cases are found among many, and whether the sieve loses any.

Run as ``python -m training.measure_search FOLDER --cases 100000``. The cases are sentences of
FOLDER/messages.csv put together anew (marked so in the report): enough for speed and for
comparing the search with an exact one, no evidence of quality.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.sample_office import OFFICE
from triage.case_index import CaseIndex, make_case_text
from triage.config import Settings
from triage.documents.rows import BadRow, read_csv
from triage.encoder import Vectors, get_encoder
from triage.errors import InputError
from triage.pairs import CaseText
from triage.reading import Suggestion
from triage.related import WEIGHTS, strengths
from triage.taxonomy import load_taxonomy
from triage.text import document, get_segmenter, title_core

CHUNK = 4000
TOP = 10
_SENTENCE = re.compile(r"[^。!?;!?;]+[。!?;!?;]?")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 2 data missing."""
    asked = _parser().parse_args(arguments)
    settings = Settings.from_env()
    try:
        rows = [r for r in read_csv(asked.data / "messages.csv") if not isinstance(r, BadRow)]
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    taxonomy = load_taxonomy(OFFICE)
    segmenter = get_segmenter(taxonomy.terms())
    encoder = get_encoder(settings.encoder)
    sources = [Suggestion(r.get("title"), r.get("body")) for r in rows]
    print(f"编码 {len(sources)} 条原文 …", flush=True)
    vectors = np.vstack([encoder.encode([document(s.title, s.body)]) for s in sources])
    titles = np.vstack([encoder.encode([title_core(s.title)]) for s in sources])
    index = CaseIndex(segmenter, encoder, taxonomy, WEIGHTS)
    drawn = random.Random(asked.seed)
    made: list[Suggestion] = []
    for i in range(asked.cases + asked.queries):
        suggestion, parts = recombine(sources, drawn)
        made.append(suggestion)
        if i < asked.cases:
            index.add(
                make_case_text(str(i), suggestion, segmenter), vectors[parts].mean(axis=0), titles[parts[0]]
            )
        if (i + 1) % 10_000 == 0:
            print(f"已生成 {i + 1} 件", flush=True)
    asked_for = made[asked.cases :]
    texts = [make_case_text("", s, segmenter) for s in asked_for]
    own = np.vstack([encoder.encode([document(s.title, s.body)]) for s in asked_for])
    own_titles = np.vstack([encoder.encode([title_core(s.title)]) for s in asked_for])
    started = time.perf_counter()
    index.search(asked_for[0], texts[0], own[0], own_titles[0])
    first = time.perf_counter() - started
    taken, found = [], []
    for i, suggestion in enumerate(asked_for):
        started = time.perf_counter()
        pairs = index.search(suggestion, texts[i], own[i], own_titles[i], TOP)
        taken.append(1000 * (time.perf_counter() - started))
        found.append([p.key for p in pairs])
    few = min(asked.exact, len(asked_for))
    exact = exact_search(index, asked_for[:few], texts[:few], own[:few], own_titles[:few])
    recall = float(np.mean([len(set(f) & set(e)) / TOP for f, e in zip(found, exact, strict=False)]))
    print(
        json.dumps(
            {
                "cases": asked.cases,
                "queries": len(asked_for),
                "text": "recombined sentences of messages.csv",
                "p50_ms": round(float(np.percentile(taken, 50)), 1),
                "p95_ms": round(float(np.percentile(taken, 95)), 1),
                "first_ms": round(1000 * first),
                f"recall@{TOP}_against_exact": round(recall, 4),
                "compared_with_exact": few,
                "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            },
            ensure_ascii=False,
        )
    )
    return 0


def recombine(sources: Sequence[Suggestion], drawn: random.Random) -> tuple[Suggestion, list[int]]:
    """A new text out of the sentences of two or three others, and which they were."""
    parts = [drawn.randrange(len(sources)) for _ in range(drawn.choice((2, 3)))]
    body = []
    for at in parts:
        sentences = _SENTENCE.findall(sources[at].body) or [sources[at].title]
        start = drawn.randrange(len(sentences))
        body += sentences[start : start + max(1, len(sentences) // len(parts))]
    return Suggestion(sources[parts[0]].title, "".join(body)), parts


def exact_search(
    index: CaseIndex,
    asked: Sequence[Suggestion],
    texts: Sequence[CaseText],
    vectors: Vectors,
    titles: Vectors,
) -> list[list[str]]:
    """The TOP keys of each text when every case is scored."""
    count = len(texts)
    own = np.zeros((count, len(index)))
    for start in range(0, len(index), CHUNK):
        chosen = np.arange(start, min(start + CHUNK, len(index)))
        block = index.block(texts, vectors, titles, chosen)
        features = block.features(list(range(count)))
        own[:, chosen] = strengths(features, index.weights, len(index))[:, count:]
    answers = []
    for i in range(count):
        # third cases lift a pair, but none from beyond the best thousand into the first ten
        best = np.sort(np.argsort(-own[i], kind="stable")[:1000])
        found = index.rank(asked[i], texts[i], vectors[i], titles[i], best, TOP)
        answers.append([related.key for related in found])
    return answers


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.measure_search")
    parser.add_argument("data", type=Path, help="放有 messages.csv 的文件夹")
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--exact", type=int, default=30, help="与逐件比较的查询数")
    parser.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    sys.exit(main())
