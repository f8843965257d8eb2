"""Many writers at once, killed in between: the short form of ``python -m training.measure_writers``."""

from __future__ import annotations

import pytest

from training.writers.report import Plan
from training.writers.run import run

SECONDS = 4.0
ENOUGH = 100  # a machine too busy for so many acts may come to no closing and no conflict


@pytest.mark.parametrize(
    "plan",
    [
        Plan(seconds=SECONDS, writers=6),
        Plan(seconds=SECONDS, writers=6, database="postgresql", processes=2, kills=("service", "postgresql")),
    ],
    ids=["sqlite", "postgresql"],
)
def test_what_was_acknowledged_is_there_once_whatever_was_killed(plan: Plan) -> None:
    report = run(plan)
    assert report.faults == []
    assert [kill.what for kill in report.kills] == list(plan.kills)
    assert report.checked["feed"] == report.checked["events in the chain"]
    assert any(act.kind == "intake" and act.is_done for act in report.acts)
    if len(report.acts) >= ENOUGH:
        for kind in ("decide", "close"):
            assert any(act.kind == kind and act.is_done for act in report.acts)
        assert any(act.status == 409 and act.answer.get("changes") for act in report.acts)
