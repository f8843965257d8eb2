"""A small office for tests of learning: three sections and nothing else, closed cases of its things."""

from __future__ import annotations

from datetime import date, timedelta

from arrivals import enter_closed

from triage.desk import Desk
from triage.ledger.submissions import Submission

OFFICE = """
[[section]]
name = "能源科"
duties = "电力和充电"
[[section]]
name = "价格科"
duties = "价格和收费"
[[section]]
name = "物流科"
duties = "物流和快递"
[[result_class]]
code = "A"
name = "已解决"
"""
THINGS = {
    "能源科": ("电网停电", "变压器增容", "电压不稳", "充电桩故障"),
    "价格科": ("停车收费", "物业涨价", "票价公示", "医院收费"),
    "物流科": ("冷链仓储", "快递进村", "物流园区", "货运配送"),
}
LABELS = list(THINGS)


def submission(i: int, day: date) -> Submission:
    thing = THINGS[LABELS[i % 3]][i % 4]
    return Submission(title=thing, body=f"请解决{thing}问题,第{i}村。", number=str(i), received_on=day)


def import_year(desk: Desk, first: date, start: int, count: int, *, shift: int = 0) -> None:
    """Closed cases, one a day; ``shift`` scrambles whose they were."""
    for i in range(start, start + count):
        day = first + timedelta(days=i - start)
        enter_closed(desk, submission(i, day), {"section": LABELS[(i + shift) % 3]}, who="李")
