"""One year with small characteristic towns, and the next: proposed, joined, parted, answered, found again.

Everything goes through the API, in turn through two services on one database, on SQLite and
on PostgreSQL; the office has its taxonomy and duties and has closed nothing yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import cycle
from typing import Any

import pytest
from entry import come_in
from fastapi.testclient import TestClient
from towns import NEXT_YEAR, propose_readily, send, settle, submitted

from service.app import make_app
from training import sample_office
from triage.config import Settings
from triage.desk import Desk
from triage.ledger.store import Ledger

BASE_URL = "http://127.0.0.1:8000"
YEAR = 2026


@dataclass
class TwoServices:
    """Two services on one database; whoever speaks next, the other one must know."""

    clients: Sequence[TestClient]
    began: datetime

    def __post_init__(self) -> None:
        self._turns = cycle(self.clients)

    @property
    def one(self) -> TestClient:
        """The one whose turn it is."""
        return next(self._turns)

    def get(self, path: str, **params: Any) -> Any:
        """What both of them answer, and they answer the same."""
        first, second = (client.get(f"/api/{path}", params=params) for client in self.clients)
        assert first.status_code == 200, first.text
        assert first.json() == second.json()
        return first.json()

    def post(self, path: str, status: int = 200, **sent: Any) -> Any:
        """Said to the one whose turn it is."""
        response = self.one.post(f"/api/{path}", json=sent)
        assert response.status_code == status, response.text
        return response.json()

    def together(self) -> list[set[int]]:
        """The year's groups as sets of cases."""
        return [{case["id"] for case in group["cases"]} for group in self.get("groups", year=YEAR)]

    def last_event(self, case_id: int, kind: str) -> Any:
        """What the case's record says of its newest event of that kind: who, when, why."""
        event = [e for e in self.get(f"cases/{case_id}")["events"] if e["kind"] == kind][-1]
        when = datetime.fromisoformat(event["created_at"])
        assert self.began <= when <= datetime.now(UTC)
        return event


@pytest.fixture
def office(settings: Settings, ledger: Ledger) -> Iterator[TwoServices]:
    settings = replace(settings, database_url=ledger.url)
    sample_office.install_office(settings)
    propose_readily(ledger)
    began = datetime.now(UTC) - timedelta(seconds=1)
    with ExitStack() as stack:
        clients = []
        for _ in range(2):
            own = Ledger(ledger.url)
            stack.callback(own.close)
            app = make_app(settings, Desk(settings, ledger=own))
            clients.append(come_in(stack.enter_context(TestClient(app, base_url=BASE_URL)), own))
        yield TwoServices(clients, began)


def test_a_year_of_small_towns_and_the_next(office: TwoServices) -> None:
    # three suggestions come in and are proposed as one group, with a lead and a name
    a, b, c = (send(office.one, [place])[0] for place in range(3))
    (group,) = office.get("groups", year=YEAR)
    assert [case["id"] for case in group["cases"]] == group["to_join"] == [a, b, c]
    assert group["merges"] == []
    assert "特色小镇" in group["name"]
    lead = group["lead"]
    assert lead in (a, b, c)
    pairs = {frozenset((i, r["case"]["id"])) for i in (a, b, c) for r in office.get(f"cases/{i}/related")}
    assert pairs == {frozenset(p) for p in ((a, b), (a, c), (b, c))}
    event = office.last_event(c, "related")
    assert (event["who"], event["detail"]["relation"]) == ("系统", "related")
    (told,) = [r for r in office.get(f"cases/{a}/related") if r["case"]["id"] == b]
    assert "特色小镇" in told["shared_terms"]
    assert told["differs"]["own"]
    assert told["differs"]["other"]

    # joined in one act; what is decided of the lead counts for all
    signed = {"who": "李科员", "why": "都是特色小镇扶持"}
    sent = {"cases": group["to_join"], "lead": lead, "name": group["name"]}
    merge = office.post("merges", 201, **sent, **signed)["merge"]
    for case_id in (a, b, c):
        event = office.last_event(case_id, "merged")
        assert (event["who"], event["detail"]["why"]) == ("李科员", "都是特色小镇扶持")
        assert office.get(f"cases/{case_id}")["merge"]["id"] == merge["id"]
    settle(office.one, lead, section="发展规划科", handling="分步推进")
    assert {office.get(f"cases/{i}")["labels"]["section"] for i in (a, b, c)} == {"发展规划科"}

    # a fourth like them: its group names the merge, and it joins
    (d,) = send(office.one, [3])
    (group,) = office.get("groups", year=YEAR)
    assert (group["merges"], group["to_join"]) == ([{"id": merge["id"], "name": merge["name"]}], [d])
    version = office.get(f"merges/{merge['id']}")["version"]
    office.post(f"merges/{merge['id']}/members", cases=[d], version=version, **signed)
    event = office.last_event(d, "joined")
    assert (event["who"], event["detail"]["joined"], event["detail"]["lead"]) == ("李科员", [d], lead)
    assert office.get(f"cases/{d}")["labels"]["section"] == "发展规划科"
    assert office.together() == [{a, b, c, d}]

    # one leaves with a reason; it is never proposed with the others again
    gone = next(i for i in (c, b) if i != lead)
    stay = {a, b, c, d} - {gone}
    refused = office.post(f"merges/{merge['id']}/unmerge", 422, cases=[gone], who="王科员", why=" ")
    assert "理由" in refused["detail"]
    office.post(f"merges/{merge['id']}/unmerge", cases=[gone], who="王科员", why="该镇另有专项规划")
    for case_id in (gone, *stay):
        event = office.last_event(case_id, "unmerged")
        assert (event["who"], event["detail"]["why"]) == ("王科员", "该镇另有专项规划")
        assert event["detail"]["left"] == [gone]
    assert "section" not in office.get(f"cases/{gone}")["labels"]
    assert office.together() == [stay]
    (e,) = send(office.one, [4])
    assert {r["status"] for r in office.get(f"cases/{gone}/related") if r["case"]["id"] in stay} == {
        "dismissed"
    }
    assert not any(gone in group and group & stay for group in office.together())

    # another pair is dismissed: the fifth stays away from the merge, as nothing parts the merge itself
    office.post("relations/dismiss", case_id=e, other_id=lead, who="王科员", why="只谈政策落实")
    for one, other in ((e, lead), (lead, e)):
        event = office.last_event(one, "dismissed")
        assert (event["who"], event["detail"]["why"]) == ("王科员", "只谈政策落实")
        assert event["detail"]["other_id"] == other
    assert stay in office.together()

    # every member is answered for itself, with a number and a promise of its own
    late = (date.today() - timedelta(days=1)).isoformat()
    members = sorted(stay)
    for place, case_id in enumerate(members):
        topic = {"topic": "城乡区域发展", "section": "发展规划科", "handling": "分步推进"}
        settle(office.one, case_id, **(topic if case_id == lead else {"topic": "城乡区域发展"}))
        reply = {"result_class": "B", "commitments": [{"what": f"第{case_id}件的承诺", "due_on": late}]}
        if place:
            taken = {**reply, "reply_number": f"云发改函〔2026〕{members[place - 1]}号"}
            refused = office.post(f"cases/{case_id}/close", 422, who="张科员", **taken)
            assert "已用于并案中的" in refused["detail"]
        reply["reply_number"] = f"云发改函〔2026〕{case_id}号"
        closed = office.post(f"cases/{case_id}/close", who="张科员", why="已答复", **reply)
        assert (closed["state"], closed["reply_number"]) == ("closed", reply["reply_number"])
        event = office.last_event(case_id, "closed")
        assert (event["who"], event["detail"]["reply_number"]) == ("张科员", reply["reply_number"])
        assert office.last_event(case_id, "committed")["detail"]["what"] == f"第{case_id}件的承诺"
    states = {m["case_id"]: m["state"] for m in office.get(f"merges/{merge['id']}")["members"]}
    assert states == dict.fromkeys(members, "closed")
    assert office.get(f"cases/{gone}")["state"] == "in_review"

    # next year it comes again: what was answered and promised is there with it
    title, body = NEXT_YEAR
    again = {"title": title, "body": body, "session": "六届六次", "received_on": "2027-01-12"}
    repeat = office.post("cases", 201, **submitted(0, **again))["id"]
    found = {r["case"]["id"]: r for r in office.get(f"cases/{repeat}/related")}
    assert members[-1] in found
    for case_id in set(members) & found.keys():
        precedent, case = found[case_id], found[case_id]["case"]
        assert (precedent["kind"], case["section"], case["result_class"]) == ("precedent", "发展规划科", "B")
        assert case["reply_number"] == f"云发改函〔2026〕{case_id}号"
        assert case["closed_on"] == date.today().isoformat()
        assert [(p["what"], p["overdue"]) for p in case["commitments"]] == [(f"第{case_id}件的承诺", True)]
    assert office.get("groups", year=2027) == []
