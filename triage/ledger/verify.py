"""Checking the record: that no event was altered, removed or put in, and no row changed behind its back."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from triage.errors import InputError
from triage.ledger.adoption import BATCH, sealed_digests
from triage.ledger.chain import event_hash, seal_hash
from triage.ledger.events import EVENT_NAMES
from triage.ledger.file_tables import OriginalRow
from triage.ledger.tables import EventRow, SealRow

_ANCHOR = re.compile(r"0:|\d+:[0-9a-f]{64}")
TABLE_NAMES = {
    "case": "建议件",
    "prediction": "推荐",
    "decision": "认定",
    "withdrawal": "撤回",
    "audit": "抽查",
    "routing_stop": "停止自动认定",
    "label_mapping": "名称对应",
    "relation": "关联",
    "merge": "并案",
    "merge_member": "并案成员",
    "commitment": "承诺",
    "look_back": "回头看",
    "model_version": "模型版本",
    "deadline": "期限",
    "duty": "协办",
    "stage": "阶段",
    "contact": "联系",
    "reply": "答复",
    "result": "办理结果",
    "feedback": "反馈",
    "meeting": "调度会",
    "holiday": "节假日",
    "case_file": "原件关联",
}


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Attributes:
        events, rows: how many were checked.
        anchor: ``number:hash`` of the chain's end; written down elsewhere, it shows later that
            nothing up to here was exchanged as a whole or cut off.
        problems: Chinese sentences, the first broken event first; empty where all holds.
    """

    events: int
    rows: int
    anchor: str
    problems: list[str]


def verify_ledger(session: Session, *, anchor: str = "") -> Verdict:
    """Walk the chain, then hold every row against its newest seal and every file against its hash.

    Args:
        anchor: an earlier check's ``anchor``, which must still be in the chain.

    Raises:
        InputError: the anchor is none, which is a slip of the pen and no sign of tampering.
    """
    if anchor and not _ANCHOR.fullmatch(anchor):
        raise InputError("锚点写法不对:应是核对时抄下的“编号:64 位摘要”,请检查有没有抄错。", field="anchor")
    walk = _Walk(anchor)
    walk.events(session)
    rows = walk.rows(session)
    walk.originals(session)
    if anchor and not walk.anchored:
        walk.problems.append(f"链上没有 {anchor} 这个锚点:锚点之前的经过被改动,或之后的被截去。")
    return Verdict(walk.count, rows, f"{walk.last}:{walk.running}", walk.problems)


class _Walk:
    """One pass: the running hash, the newest digest of each row, what was found."""

    def __init__(self, anchor: str) -> None:
        self.problems: list[str] = []
        self.last, self.running, self.count = 0, "", 0
        self.anchor, self.anchored = anchor, anchor == "0:"
        self._newest: dict[str, tuple[str, int]] = {}

    def events(self, session: Session) -> None:
        """The chain itself; after a broken link it goes on from the next stored hash."""
        with closing(_seals(session)) as seals:
            self._walk(session, seals)

    def _walk(self, session: Session, seals: Iterator[Row[Any]]) -> None:
        seal = next(seals, None)
        columns = select(EventRow.__table__).order_by(EventRow.id).execution_options(yield_per=BATCH)
        sealed = True
        for row in session.execute(columns):
            while seal is not None and seal.event_id < row.id:
                self.problems.append(f"第 {seal.event_id} 号经过被删去(它的封存记录还在)。")
                self._take(seal)
                seal = next(seals, None)
            expected = event_hash(
                self.running, row.id, row.case_id, row.version, row.kind, row.who, row.detail, row.created_at
            )
            if row.hash != expected:
                self.problems.append(self._broken(row))
            self.last, self.running, self.count = row.id, row.hash, self.count + 1
            sealed = seal is not None and seal.event_id == row.id
            if seal is not None and sealed:
                if seal.hash != seal_hash(row.hash, seal.rows):
                    self.problems.append(f"第 {row.id} 号经过的封存记录被改动。")
                self.running = seal.hash
                self._take(seal)
                seal = next(seals, None)
            if f"{self.last}:{self.running}" == self.anchor:
                self.anchored = True
        if seal is not None:
            self.problems.append(f"第 {self.last + 1} 号起的经过被删去(封存记录还在)。")
        elif not sealed:
            self.problems.append(f"第 {self.last} 号经过的封存记录被删去。")

    def rows(self, session: Session) -> int:
        """Every row of the record against the digest that was sealed last."""
        count = 0
        for name, digest in sealed_digests(session):
            count += 1
            newest = self._newest.pop(name, None)
            if newest is None:
                self.problems.append(f"{_named(name)}不是由程序写入的:没有它的封存记录。")
            elif newest[0] != digest:
                self.problems.append(
                    f"{_named(name)}与第 {newest[1]} 号经过封存时不同:在数据库里被直接改动。"
                )
        for name, (_, event_id) in self._newest.items():
            self.problems.append(f"{_named(name)}被删去:第 {event_id} 号经过封存过它。")
        return count

    def originals(self, session: Session) -> None:
        """Every file that was handed in against the hash it is kept under."""
        contents = select(OriginalRow.sha256, OriginalRow.content).execution_options(yield_per=1)
        for sha256, content in session.execute(contents):
            if hashlib.sha256(content).hexdigest() != sha256:
                self.problems.append(f"原件 {sha256[:12]} 的内容在数据库里被直接改动。")

    def _take(self, seal: Row[Any]) -> None:
        for name, digest in seal.rows.items():
            self._newest[name] = (digest, seal.event_id)

    def _broken(self, row: Row[Any]) -> str:
        what = f"{row.created_at:%Y-%m-%d %H:%M} {row.who} {EVENT_NAMES.get(row.kind, row.kind)}"
        if row.id > self.last + 1:
            gone = f"第 {self.last + 1} 号"
            if row.id > self.last + 2:
                gone = f"第 {self.last + 1} 至 {row.id - 1} 号"
            return f"{gone}经过被删去(第 {row.id} 号:{what},接不上)。"
        return f"第 {row.id} 号经过({what})被改动,或它之前有经过被换掉。"


def _seals(session: Session) -> Generator[Row[Any]]:
    columns = select(SealRow.__table__).order_by(SealRow.event_id).execution_options(yield_per=BATCH)
    with session.execute(columns) as found:
        yield from found


def _named(name: str) -> str:
    table, key = name.split(":", 1)
    return f"{TABLE_NAMES.get(table, table)} {key} "
