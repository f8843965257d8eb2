"""The page of labels worth a second look: suspects put right or found right, split labels mapped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from arrivals import enter_closed
from entry import come_in
from fastapi.testclient import TestClient

from service.app import make_app
from training.run import run_training
from triage.config import Settings
from triage.desk import Desk
from triage.ledger.cases import get_case
from triage.ledger.label_mappings import reviewed_labels
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission

OFFICE = """
[[section]]
name = "能源科"
duties = "电力和充电"
[[section]]
name = "价格科"
duties = "价格和收费"
[[result_class]]
code = "A"
name = "已解决"
"""
SPLIT = """
[[section]]
name = "价格科"
duties = "价格和收费"
[[section]]
name = "电力科"
duties = "电网、停电、变压器"
terms = ["电网", "变压器"]
[[section]]
name = "充电科"
duties = "充电桩、换电站"
terms = ["充电桩", "换电站"]
[[section]]
name = "能源科"
active = false
successors = ["电力科", "充电科"]
[[result_class]]
code = "A"
name = "已解决"
"""
THINGS = {"能源科": ("电网停电", "充电桩故障"), "价格科": ("停车收费", "物业涨价")}
WRONG = 5  # speaks of the price of parking, was put into 能源科


@pytest.fixture
def office(settings: Settings) -> Iterator[Desk]:
    settings.taxonomy_path.parent.mkdir(parents=True, exist_ok=True)
    settings.taxonomy_path.write_text(OFFICE, encoding="utf-8")
    ledger = Ledger(settings.database_url)
    ledger.migrate()
    desk = Desk(replace(settings, encoder="none"), ledger=ledger)
    for i in range(40):
        speaks = list(THINGS)[i % 2]
        thing = THINGS[speaks][i // 2 % 2]
        day = date(2024, 1, 1) + timedelta(days=i)
        submission = Submission(
            title=f"{thing}<b>", body=f"请解决{thing}问题,第{i}村。", number=f"第{i}号", received_on=day
        )
        enter_closed(desk, submission, {"section": "能源科" if i == WRONG else speaks})
    yield desk
    ledger.close()


@pytest.fixture
def client(office: Desk) -> Iterator[TestClient]:
    with TestClient(make_app(office.settings, office), base_url="http://127.0.0.1:8000") as plain:
        yield come_in(plain, office.ledger)


def test_a_suspect_is_listed_put_right_and_gone(client: TestClient, office: Desk) -> None:
    assert "训练一次以后才知道" in client.get("/models/labels/section").text
    training = run_training(office, who="管理员")
    page = client.get("/models/labels/section").text
    assert f"第{WRONG}号" in page
    assert page.count("更像 <b>价格科</b>") == 1
    assert "<b>\n" not in page
    assert "收费&lt;b&gt;" in page  # a title is text
    assert any("认定与内容不像" in line["sentence"] for line in training.report["label_findings"])
    case_id = WRONG + 1
    with office.ledger.read() as session:
        version = get_case(case_id, session=session).version
    address = f"/models/labels/section/cases/{case_id}"
    refused = client.post(address, data={"version": version, "label": "价格科", "why": ""})
    assert refused.status_code == 422
    assert "请写明" in refused.text
    done = client.post(address, data={"version": version, "label": "价格科", "why": "是停车收费"})
    assert done.status_code == 200
    assert "已记入台账" in done.text
    assert "都已看过" in done.text
    with office.ledger.read() as session:
        case = get_case(case_id, session=session)
        assert (case.section, case.decisions[-1].who) == ("价格科", "值班员")
    assert client.get("/models/labels/colour").status_code == 404


def test_the_cases_of_a_split_section_are_mapped_by_ticks(client: TestClient, office: Desk) -> None:
    office.settings.taxonomy_path.write_text(SPLIT, encoding="utf-8")
    office.office.look_now()
    page = client.get("/models/labels/section").text
    assert "原来的名称已分给几个的办结件 <small>21 件" in page
    nothing = client.post("/models/labels/section/mappings", data={})
    assert "没有选中的件" in nothing.text
    sent = {"case": ["1", "3"], "label-1": "电力科", "label-3": "充电科", "label-5": "充电科"}
    assert client.post("/models/labels/section/mappings", data=sent).status_code == 200
    with office.ledger.read() as session:
        assert reviewed_labels("section", session=session) == {"1": "电力科", "3": "充电科"}
    assert "原来的名称已分给几个的办结件 <small>19 件" in client.get("/models/labels/section").text
    odd = {"case": ["5"], "label-5": "价格科"}
    assert "没有接替" in client.post("/models/labels/section/mappings", data=odd).text
