"""A training from the page or the command line: alone, with progress, and the ledger decides what serves."""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from entry import come_in
from fastapi.testclient import TestClient
from small_office import OFFICE, import_year
from sqlalchemy import select

from service.app import make_app
from training.rebuild import outdated_champions, rebuild_outdated
from training.run import LOCK, alone, run_training
from triage.champions import DUTIES_ONLY
from triage.config import Settings
from triage.desk import Desk
from triage.errors import Conflict
from triage.ledger.base import utc_now
from triage.ledger.learning_tables import TrainingRow
from triage.ledger.store import Ledger
from triage.ledger.tables import EventRow, ModelVersionRow
from triage.ledger.trainings import add_training, get_training, list_trainings
from triage.ledger.verify import verify_ledger
from triage.promotion import promote_version, reconcile, roll_back


@pytest.fixture
def office(settings: Settings) -> Iterator[Desk]:
    """The desk of a small office with forty closed cases, whose ledger is SQLite."""
    settings.taxonomy_path.parent.mkdir(parents=True, exist_ok=True)
    settings.taxonomy_path.write_text(OFFICE, encoding="utf-8")
    ledger = Ledger(settings.database_url)
    ledger.migrate()
    desk = Desk(replace(settings, encoder="none"), ledger=ledger)
    close_more(desk, 0, 40)
    yield desk
    ledger.close()


def close_more(desk: Desk, start: int, count: int) -> None:
    import_year(desk, date(2024, 1, 1) + timedelta(days=start), start, count)


def rows(desk: Desk) -> list[TrainingRow]:
    with desk.ledger.read() as session:
        return list(list_trainings(session=session))


def test_a_training_that_died_before_the_clock_was_set_back_keeps_nobody_waiting(office: Desk) -> None:
    with office.ledger.write() as session:
        dead = add_training(who="李", targets=["section"], host="另一台", session=session)
        dead.alive_at = utc_now() + timedelta(hours=1)
        session.flush()
        add_training(who="王", targets=["section"], host="另一台", session=session)
    assert [row.state for row in rows(office)] == ["waiting", "lost"]


def events(desk: Desk, kind: str) -> list[EventRow]:
    with desk.ledger.read() as session:
        return list(session.scalars(select(EventRow).where(EventRow.kind == kind).order_by(EventRow.id)))


def test_a_training_tells_its_steps_and_leaves_its_report(office: Desk) -> None:
    told: list[tuple[str, int, int]] = []
    training = run_training(office, who="管理员", progress=lambda *step: told.append(step))
    assert [name for name, _, _ in told] == ["承办科室:训练和比较", "承办科室:写报告", "关联:学习", "完成"]
    assert told[-1][1:] == (3, 3)
    (row,) = rows(office)
    assert (row.id, row.state, row.who, row.problem) == (training.id, "done", "管理员", "")
    assert row.ended_at is not None
    assert row.report == json.loads(json.dumps(training.report))
    assert row.report["targets"][0]["version"] == office.registry.champion("section")


def test_a_second_one_is_refused_while_the_first_lives_and_takes_over_when_it_is_dead(office: Desk) -> None:
    with office.ledger.write() as session:
        add_training(who="张", targets=["section"], host="别的机器", session=session)
    with office.ledger.write() as session, pytest.raises(Conflict, match=r"张于.*还没有结束"):
        add_training(who="李", targets=["section"], host="这台", session=session)
    with pytest.raises(Conflict, match="张于"):
        run_training(office, who="李")
    assert office.registry.champion("section") is None
    with office.ledger.write() as session:
        rows_ = session.scalars(select(TrainingRow)).all()
        rows_[0].alive_at = utc_now() - timedelta(seconds=61)
    run_training(office, who="李")
    done, lost = rows(office)
    assert (done.state, done.who, lost.state) == ("done", "李", "lost")
    assert "进程已不在" in lost.problem


def test_the_lock_of_a_living_process_keeps_another_out(office: Desk) -> None:
    office.settings.models_dir.mkdir(parents=True, exist_ok=True)
    with (office.settings.models_dir / LOCK).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Conflict, match="同时只做一个"):
            run_training(office, who="李")
    assert rows(office) == []


def test_what_goes_wrong_is_told_and_the_next_one_may_begin(office: Desk) -> None:
    office.settings.models_dir.mkdir(parents=True)
    (office.settings.models_dir / "section").write_text("no folder", encoding="utf-8")
    with pytest.raises(OSError, match="section"):
        run_training(office, who="李")
    (row,) = rows(office)
    assert (row.state, "没有受影响" in row.problem) == ("failed", True)
    (office.settings.models_dir / "section").unlink()
    assert run_training(office, who="李").outcomes[0].version is not None


def test_the_page_begins_one_in_a_process_of_its_own_and_shows_how_far_it_is(office: Desk) -> None:
    with TestClient(make_app(office.settings, office), base_url="http://127.0.0.1:8000") as plain:
        client = come_in(plain, office.ledger)
        assert "重新学习" in client.get("/models").text
        begun = client.post("/models/trainings", follow_redirects=False)
        assert begun.status_code == 303
        address = begun.headers["location"]
        assert "训练在自己的进程里进行" in client.get(address).text
        again = client.post("/models/trainings")
        assert again.status_code == 409
        assert "还没有结束" in again.text
        wait(office, 1, "done")
        page = client.get(address).text
        version = office.registry.champion("section")
        assert version is not None
        assert version in page
        assert "hx-get" not in client.get(f"{address}/progress").text
        assert client.get(f"{address}/report").status_code == 200
        told = client.get("/api/trainings").json()
        assert [(t["id"], t["state"], "report" in t) for t in told] == [(1, "done", False)]
        assert client.get("/api/trainings/1").json()["report"]["targets"][0]["version"] == version
        assert client.get("/api/trainings/2").status_code == 404
        assert "第 1 次" in client.get("/models").text
    assert office.champions.models()["section"].version == version
    assert (office.settings.home / "var" / "training.log").exists()


def wait(desk: Desk, training_id: int, state: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with desk.ledger.read() as session:
            row = get_training(training_id, session=session)
            if row.state not in ("waiting", "running"):
                assert row.state == state, row.problem
                return
        time.sleep(0.2)
    raise AssertionError("it did not end")


def test_the_ledger_decides_what_serves_where_a_kill_parted_it_from_the_pointer(office: Desk) -> None:
    run_training(office, who="李")
    first = office.registry.champion("section")
    close_more(office, 40, 10)
    run_training(office, who="李")
    second = office.registry.champion("section")
    assert first is not None
    assert second not in (None, first)
    office.registry.point("section", [first])  # killed after the commit, before the pointer was moved
    assert reconcile(office) == ["section"]
    assert office.registry.champions("section") == [first, second]
    assert reconcile(office) == []
    assert roll_back(office, "section", who="李") == first
    assert roll_back(office, "section", who="李") == DUTIES_ONLY
    assert office.champions.models()["section"].version == DUTIES_ONLY
    office.registry.point("section", [first])
    assert reconcile(office) == ["section"]
    assert office.registry.champions("section") == []
    promote_version(office, "section", first, who="李", why="先用着")
    assert office.champions.models()["section"].version == first
    with office.ledger.read() as session:
        assert verify_ledger(session).problems == []


def test_what_a_killed_training_left_is_cleared_or_comes_on_record_when_it_is_wanted(office: Desk) -> None:
    run_training(office, who="李")
    folder = office.registry.root / "section"
    (folder / ".saving-x").mkdir()
    (folder / ".saving-x" / "model.joblib").write_bytes(b"half")
    (folder / ".champion-x").write_text("half", encoding="utf-8")
    serving = office.champions.models()["section"]
    serving.state["seed"] = 1
    whole = office.registry.save(serving, data={"examples": 1}, metrics={}).version  # killed before its row
    close_more(office, 40, 4)
    run_training(office, who="李")
    assert [p.name for p in folder.iterdir() if p.name.startswith(".")] == []
    promote_version(office, "section", whole, who="李")
    with office.ledger.read() as session:
        known = session.scalars(select(ModelVersionRow.version)).all()
    assert whole in known


def test_a_champion_of_another_library_is_fitted_anew_from_the_ledger(office: Desk) -> None:
    run_training(office, who="李")
    old = office.registry.champion("section")
    assert old is not None
    path = office.registry.root / "section" / old / "manifest.json"
    age(office, old)
    close_more(office, 40, 10)  # closed since: the gate has not asked about these
    desk = Desk(office.settings, ledger=office.ledger)
    problem = desk.champions.problems()["section"]
    assert "pip install scikit-learn==1.0.0" in problem
    (done,) = rebuild_outdated(desk, who="系统")
    assert done.version == desk.registry.champion("section") != old
    assert "scikit-learn 1.0.0 换成" in done.said
    manifest = desk.registry.manifest("section", str(done.version))
    assert manifest.data["examples"] == 40
    assert desk.champions.models()["section"].version == done.version
    assert desk.champions.problems() == {}
    assert events(desk, "model_promoted")[-1].detail["previous"] == old
    assert path.exists()  # for whoever goes back to the old library
    assert outdated_champions(desk) == []


def age(desk: Desk, version: str) -> None:
    """As if another release had written it here."""
    path = desk.registry.root / "section" / version / "manifest.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    told["libraries"]["scikit-learn"] = "1.0.0"
    path.write_text(json.dumps(told), encoding="utf-8")
    desk.registry.key.write_signature(path.parent, path.read_bytes())


def test_where_the_ledger_cannot_teach_it_anew_that_is_said(office: Desk, tmp_path: Path) -> None:
    run_training(office, who="李")
    version = office.registry.champion("section")
    age(office, str(version))
    empty = Ledger(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    empty.migrate()
    desk = Desk(office.settings, ledger=empty)
    (done,) = rebuild_outdated(desk, who="系统")
    assert done.version is None
    assert "不能重新训练,目前仅凭职责推荐" in done.said
    assert "pip install scikit-learn==1.0.0" in done.said
    assert desk.champions.models()["section"].version == DUTIES_ONLY
    empty.close()


def test_one_begun_on_the_page_while_another_trains_says_why_it_did_not_begin(office: Desk) -> None:
    with office.ledger.write() as session:
        begun = add_training(who="张", targets=["section"], host="这台", session=session).id
    with alone(office.settings.models_dir), pytest.raises(Conflict):
        run_training(office, who="张", training_id=begun)
    (row,) = rows(office)
    assert (row.state, row.problem) == ("failed", "另一个训练正在进行,同时只做一个。")


def test_a_process_of_ours_has_the_settings_of_the_one_that_began_it(settings: Settings) -> None:
    own = replace(settings, encoder="none", error_budget=0.1, max_title_chars=80, public_url="https://a.cn")
    assert Settings.from_env(own.to_env()).__dict__ == own.__dict__
