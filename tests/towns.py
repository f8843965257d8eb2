"""Suggestions on small characteristic towns, invented for the tests: clearly alike, none a copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fastapi.testclient import TestClient

from triage.ledger.pair_weights import record_weights
from triage.ledger.store import Ledger
from triage.related import WEIGHTS

TOWNS = (
    (
        "关于加大特色小镇产业扶持力度的建议",
        "我县三个特色小镇建设起步不久,产业基础薄弱,缺少龙头企业带动,配套资金不到位。建议出台特色小镇产业扶持办法,"
        "安排特色小镇建设专项资金,在用地指标和招商引资上给予倾斜,支持特色小镇做强主导产业。",
    ),
    (
        "关于支持特色小镇建设的建议",
        "特色小镇是推动城乡融合的重要平台。目前特色小镇建设资金缺口大,用地指标紧张,主导产业不强。"
        "建议加大特色小镇建设专项资金扶持,保障用地指标,培育特色小镇主导产业,引进龙头企业。",
    ),
    (
        "关于推进特色小镇规划建设的建议",
        "板杉镇正在申报特色小镇,规划已经编制,但特色小镇建设缺少专项资金,产业扶持办法迟迟没有出台。"
        "建议把板杉镇列入特色小镇培育名单,在特色小镇建设专项资金和用地指标上予以支持。",
    ),
    (
        "关于扶持茶叶特色小镇发展的建议",
        "云雾镇茶叶特色小镇建设两年来,特色小镇的主导产业初具规模,但专项资金不足、用地指标不够。"
        "建议对茶叶特色小镇加大产业扶持,落实特色小镇建设专项资金,帮助引进龙头企业。",
    ),
    (
        "关于落实特色小镇扶持政策的建议",
        "特色小镇建设的扶持政策落实慢,专项资金拨付不及时,用地指标没有兑现。建议督促落实特色小镇产业扶持办法,"
        "及时拨付特色小镇建设专项资金,保障特色小镇用地指标,做强主导产业。",
    ),
)
NEXT_YEAR = (
    "关于继续支持特色小镇建设的建议",
    "去年提出支持特色小镇建设后,用地指标已有安排,但特色小镇建设专项资金缺口仍大。"
    "建议继续加大特色小镇建设专项资金扶持,培育特色小镇主导产业,引进龙头企业。",
)
DEPUTIES = ("赵一", "钱二", "孙三", "李四", "周五")


def propose_readily(ledger: Ledger) -> None:
    """From now on clearly alike pairs are proposed, as in an office that learned from its own."""
    readily = replace(WEIGHTS, curve=((0.3, 0.1),))
    with ledger.write() as session:
        record_weights(readily, who="测试", before=1.0, after=0.5, session=session)


def submitted(place: int, **more: Any) -> dict[str, Any]:
    """What a program sends of the town at that place."""
    title, body = TOWNS[place]
    return {
        "title": title,
        "body": body,
        "session": "六届五次",
        "number": f"第{place + 1:03d}号",
        "deputy": DEPUTIES[place],
        "received_on": f"2026-01-{11 + place}",
        **more,
    }


def send(client: Any, places: Sequence[int]) -> list[int]:
    """The towns at those places into the ledger; their ids."""
    made = []
    for place in places:
        response = client.post("/api/cases", json=submitted(place))
        assert response.status_code == 201, response.text
        made.append(int(response.json()["id"]))
    return made


def settle(client: TestClient, case_id: int, who: str = "李科员", **labels: str) -> None:
    """Decide what is named of a case, or else everything as recommended."""
    case = client.get(f"/api/cases/{case_id}").json()
    chosen = labels or {p["target"]: p["ranked"][0]["label"] for p in case["predictions"]}
    decisions = [{"target": t, "label": label} for t, label in chosen.items()]
    sent = {"who": who, "why": "试", "version": case["version"], "decisions": decisions}
    response = client.post(f"/api/cases/{case_id}/decisions", json=sent)
    assert response.status_code == 200, response.text
