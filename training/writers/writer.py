"""A writer: one thread that hands in, decides, closes and joins cases over HTTP, as its seed has it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from training.writers.acts import Act, Board
from training.writers.client import Address, Client, Gone
from triage.taxonomy import TARGETS, Taxonomy

SESSION = "云澜市七届人大一次会议"
MIX = {"intake": 30, "twin": 4, "decide": 44, "decide unseen": 8, "close": 12, "merge": 2}
HOT = 12  # writers meet on the newest cases
PATIENCE = 90.0  # seconds that the service may be gone


class Writer(threading.Thread):
    """Writes until ``until()``; its acts are in ``log``, bad answers to reads in ``faults``, what
    broke it in ``error``."""

    def __init__(
        self,
        place: int,
        addresses: Sequence[Address],
        token: str,
        taxonomy: Taxonomy,
        board: Board,
        until: Callable[[], bool],
        seed: int,
    ) -> None:
        super().__init__(name=f"writer-{place}", daemon=True)
        self.log: list[Act] = []
        self.faults: list[str] = []
        self.error: BaseException | None = None
        self._who = f"经办人{place}"
        self._place = place
        self._addresses = addresses
        self._token = token
        self._taxonomy = taxonomy
        self._board = board
        self._until = until
        self._drawn = random.Random(seed * 1000 + place)
        self._count = 0
        self._own: dict[int, dict[str, Any]] = {}  # as this writer last saw them

    def run(self) -> None:
        try:
            with Client(self._addresses, self._token, self._place) as client, ThreadPoolExecutor(1) as beside:
                while not self._until():
                    kind = self._drawn.choices(list(MIX), list(MIX.values()))[0]
                    self._act(kind, client, beside)
        except BaseException as error:
            self.error = error

    def _act(self, kind: str, client: Client, beside: ThreadPoolExecutor) -> None:
        if kind == "intake":
            self._take_in(self._intake(), client)
        elif kind == "twin":
            self._twins(client, beside)
        elif kind.startswith("decide"):
            self._decide(client, unseen=kind != "decide")
        elif kind == "close":
            self._close(client)
        else:
            self._merge(client)

    # -- handing in

    def _intake(self) -> Act:
        mark = self._mark()
        first, second = self._drawn.sample(self._taxonomy.section, 2)
        place = self._drawn.choice(self._taxonomy.office_terms)
        term, other = self._drawn.choice(first.terms), self._drawn.choice(second.terms)
        item = {
            "title": f"关于{place}{term}的建议",
            "body": f"{mark}:{place}群众反映{term}中的问题。{first.description}建议加快{term},并兼顾{other}。",
            "session": SESSION,
            "number": f"第{mark}号",
            "kind": "建议",
            "received_on": "2026-01-12",
        }
        return Act("intake", self._who, mark, item)

    def _twins(self, client: Client, beside: ThreadPoolExecutor) -> None:
        """The same number or key twice at once; the other may carry another text."""
        one = self._intake()
        if self._drawn.random() < 0.5:
            one.key, one.sent["number"] = f"键{one.mark}", ""
        other = Act(one.kind, one.who, one.mark, dict(one.sent), key=one.key)
        if self._drawn.random() < 0.5:
            other.sent["body"] += "另请公开进展。"

        def send_other() -> None:
            with Client(self._addresses, self._token, self._place + 1) as second:
                self._take_in(other, second)

        sending = beside.submit(send_other)
        self._take_in(one, client)
        sending.result()

    def _take_in(self, act: Act, client: Client) -> None:
        """Sent again until it is answered: number and key make that safe."""
        began = time.monotonic()
        self.log.append(act)
        self._send(act, "/api/cases", client)
        while act.is_excused and time.monotonic() < began + PATIENCE:
            time.sleep(0.05)
            self._send(act, "/api/cases", client)
        act.began = began

    # -- deciding

    def _decide(self, client: Client, *, unseen: bool) -> None:
        case = self._pick()
        if case is None:
            return
        ranked = {p["target"]: [x["label"] for x in p["ranked"]] for p in case["predictions"]}
        wanted = self._drawn.sample(TARGETS, self._drawn.choice((1, 1, 2, 3)))
        labels = {t: self._drawn.choice(ranked[t][: self._drawn.choice((1, 3))]) for t in wanted}
        mark = self._mark()
        seen = None if unseen else case["version"]
        sent = {
            "why": f"依据{mark}",
            "version": seen,
            "decisions": [{"target": t, "label": label} for t, label in labels.items()],
        }
        kind = "decide unseen" if unseen else "decide"
        act = Act(kind, self._who, mark, sent, case_id=case["id"], seen=seen)
        self._send(act, f"/api/cases/{case['id']}/decisions", client)
        if not act.is_done:
            self._look(case["id"], client)

    def _close(self, client: Client) -> None:
        complete = self._board.complete()
        if not complete:
            return
        case = self._drawn.choice(complete)
        mark = self._mark()
        result = self._drawn.choice(self._taxonomy.result_classes).code
        sent = {"result_class": result, "reply_number": f"云发改函〔2026〕{mark}号", "why": f"依据{mark}"}
        act = Act("close", self._who, mark, sent, case_id=case["id"])
        self._send(act, f"/api/cases/{case['id']}/close", client)
        if not act.is_done:
            self._look(case["id"], client)

    def _merge(self, client: Client) -> None:
        open_ = self._board.open(HOT)
        if len(open_) < 3:
            return
        chosen = [case["id"] for case in self._drawn.sample(open_, self._drawn.choice((2, 3)))]
        mark = self._mark()
        sent = {"cases": chosen, "lead": chosen[0], "name": "", "why": f"依据{mark}"}
        self._send(Act("merge", self._who, mark, sent, case_id=chosen[0]), "/api/merges", client)

    def _pick(self) -> dict[str, Any] | None:
        """A case of one's own, as one saw it last, perhaps long ago; or one of those all work on."""
        if self._own and self._drawn.random() < 0.5:
            return self._drawn.choice(list(self._own.values())[-HOT:])
        open_ = self._board.open(HOT)
        return self._drawn.choice(open_) if open_ else None

    def _look(self, case_id: int, client: Client) -> None:
        """Read a case anew, as a person does who was refused."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                status, case = client.ask("GET", f"/api/cases/{case_id}")
            except Gone:
                time.sleep(0.05)
                continue
            if status == 200:
                self._take_note(case)
            elif status not in (503, 507):
                self.faults.append(f"reading case {case_id}: {status} {case.get('detail', '')}")
            return

    # -- sending

    def _mark(self) -> str:
        self._count += 1
        return f"{self._place:02d}-{self._count:05d}"

    def _send(self, act: Act, path: str, client: Client) -> None:
        """Ask once and write down what came."""
        body, headers = act.sent, {}
        if act.kind == "intake":
            headers = {"x_who": act.who, "idempotency_key": act.key}
        else:
            body = {**act.sent, "who": act.who}
            self.log.append(act)
        act.began = time.monotonic()
        try:
            act.status, act.answer = client.ask("POST", path, body, **headers)
        except Gone:
            act.status, act.answer = 0, {}
        act.ended = time.monotonic()
        act.answers.append((act.status, str(act.answer.get("detail", "")), act.ended - act.began))
        if act.is_done and act.kind != "merge":
            act.case_id = act.answer["id"]
            self._take_note(act.answer)

    def _take_note(self, case: dict[str, Any]) -> None:
        self._own[case["id"]] = case
        self._board.put(case)
