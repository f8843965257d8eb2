"""The report of a training: figures by hand, the sample office's whole, and the same in every form."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from arrivals import enter_closed
from docx import Document
from fastapi.testclient import TestClient
from small_office import LABELS, OFFICE, import_year, submission
from test_retrain import office  # noqa: F401 - a fixture

from service.command import main
from service.report_docx import report_document
from service.report_view import check_report, report_page
from training.changed_cases import changed_cases
from training.gold import GoldExample, read_gold
from training.learning_curve import draw_examples, wanting_labels
from training.mapping import Mapped
from training.material import Material
from training.quality import Unseen
from training.report import training_report
from training.retrain import Outcome, retrain
from triage.classifier import Example, TargetModel
from triage.desk import Desk
from triage.errors import NotFound
from triage.ledger.learning_tables import TrainingRow
from triage.ledger.trainings import get_training
from triage.reading import Suggestion, make_reader
from triage.registry import Registry
from triage.signing import SigningKey
from triage.taxonomy import parse_taxonomy

UNSEEN = Unseen(
    cases=["1", "2", "3", "4", "5"],
    titles=["一", "二", "三", "四", "五"],
    gold=["甲", "甲", "甲", "乙", "丙"],
    first=["甲", "甲", "乙", "乙", "乙"],
    probability=np.array([0.95, 0.75, 0.55, 0.52, 0.98]),
    right=np.array([True, True, False, True, False]),
    weight=np.ones(5),
)


def gold(case: str, label: str, day: int = 1) -> GoldExample:
    return GoldExample(date(2025, 1, day), Example(case, f"标题{case}", f"正文{case}", label))


def test_precision_and_recall_are_counted_by_label() -> None:
    first, second, third = UNSEEN.by_label(["甲", "乙", "丙"])
    assert (first["n"], first["precision"]["count"], first["precision"]["of"]) == (3, 2, 2)
    assert (first["recall"]["count"], first["recall"]["of"], first["recall"]["rate"]) == (2, 3, 0.6667)
    assert first["recall"]["interval"] == pytest.approx([0.2077, 0.9385], abs=1e-4)  # Wilson
    assert (second["precision"]["count"], second["precision"]["of"]) == (1, 3)
    assert third["precision"] == {"count": 0, "of": 0, "rate": None, "interval": None}
    assert UNSEEN.overall()["accuracy"]["count"] == 3
    assert UNSEEN.overall()["macro_f1"] == round((0.8 + 0.5 + 0) / 3, 4)


def test_confusions_name_their_cases_the_surest_first() -> None:
    found = UNSEEN.confusions({"3": "第3号"})
    assert [(c["gold"], c["first"], c["count"]) for c in found] == [("丙", "乙", 1), ("甲", "乙", 1)]
    assert found[0]["cases"] == [{"id": 5, "number": "", "title": "五", "probability": 0.98}]
    assert found[1]["cases"][0]["number"] == "第3号"


def test_the_bins_hold_what_was_said_and_what_came_true() -> None:
    found = UNSEEN.reliability()
    filled = {b["from"]: (b["n"], b["stated"], b["right"]["count"]) for b in found["bins"] if b["n"]}
    assert filled == {0.5: (2, 0.535, 1), 0.7: (1, 0.75, 1), 0.9: (2, 0.965, 1)}
    expected = 0.4 * abs(0.535 - 0.5) + 0.2 * 0.25 + 0.4 * abs(0.965 - 0.5)
    assert found["calibration_error"] == pytest.approx(expected, abs=1e-4)
    empty = Unseen([], [], [], [], np.array([]), np.array([], dtype=bool), np.array([]))
    assert empty.reliability()["calibration_error"] is None
    assert empty.overall()["accuracy"]["rate"] is None


def test_a_case_counts_for_as_many_as_it_stands_for() -> None:
    drawn = replace(UNSEEN, weight=np.array([1.0, 1.0, 0.0, 1.0, 5.0]))
    assert drawn.overall()["judged"] == 4
    assert drawn.overall()["accuracy"]["rate"] == 0.375  # 3 of 8
    assert drawn.overall()["accuracy"]["of"] == round(8**2 / 28)  # five alike tell less than five
    first, second, _ = drawn.by_label(["甲", "乙", "丙"])
    assert (first["n"], first["recall"]["rate"]) == (2, 1.0)
    assert second["precision"]["rate"] == 0.1667  # 1 of 1 + 5
    assert drawn.reliability()["bins"][5]["n"] == 1
    assert sum(c["count"] for c in drawn.confusions({})) == 2  # both happened


def test_of_a_label_as_many_are_drawn_as_asked_for_and_the_same_again() -> None:
    examples = [gold(str(i), "甲" if i % 3 else "乙", 1 + i) for i in range(12)]
    drawn = draw_examples(examples, 3, seed=1)
    assert sorted(g.example.label for g in drawn) == ["乙"] * 3 + ["甲"] * 3
    assert [g.received_on for g in drawn] == sorted(g.received_on for g in drawn)
    assert drawn == draw_examples(examples, 3, seed=1)
    assert len(draw_examples(examples, 6, seed=1)) == 10  # one label has only four


def test_labels_that_want_examples_are_those_missed_most() -> None:
    by_label = UNSEEN.by_label(["甲", "乙", "丙", "丁"])
    found = wanting_labels(by_label, {"甲": 30, "乙": 1, "丙": 1}, UNSEEN.confusions({}))
    assert [(w["label"], w["found"], w["of"], w["few"], w["taken_for"]) for w in found] == [
        ("丙", 0, 1, True, "乙"),
        ("甲", 2, 3, False, "乙"),
        ("丁", 0, 0, True, None),
    ]


@pytest.fixture
def trained(office: Desk) -> tuple[Desk, list[Outcome]]:  # noqa: F811
    """Two years of the small office, learned one after the other; the second has something to say."""
    import_year(office, date(2024, 1, 1), 0, 36)
    retrain(office, who="李")
    import_year(office, date(2025, 1, 1), 36, 24)
    hostile = submission(60, date(2025, 2, 1))
    hostile = type(hostile)(**{**hostile.__dict__, "title": "<script>alert(1)</script>电网停电"})
    enter_closed(office, hostile, {"section": "物流科"}, who="李")
    return office, retrain(office, who="李")


def test_a_training_is_reported_from_its_data_to_its_versions(trained: tuple[Desk, list[Outcome]]) -> None:
    desk, outcomes = trained
    report = training_report(desk, outcomes, who="李", seconds=3.21)
    assert (report["format"], report["who"], report["seconds"]) == (1, "李", 3.2)
    json.dumps(report)
    (target,) = report["targets"]
    data = target["data"]
    assert (data["examples"], data["new"], data["by_a_person"]) == (61, 25, 61)
    assert data["labels"] == {"物流科": 21, "价格科": 20, "能源科": 20}
    assert (data["years"], data["first"], data["last"]) == (
        {"2024": 36, "2025": 25},
        "2024-01-01",
        "2025-02-01",
    )
    assert data["earned"] == {"recorded": {"count": 61, "weight": 1.0}}
    assert data["left_out"] == {"unsigned": 0, "repeats": 0, "retired": 0, "waiting": 0}
    manifest = desk.registry.manifest("section", target["version"])
    assert data["fingerprint"] == manifest.data["fingerprint"]
    assert (target["model"]["sha256"], target["model"]["libraries"]) == (manifest.sha256, manifest.libraries)
    assert target["previous"] in {m.version for m in desk.registry.versions("section")} - {target["version"]}
    assert sum(label["n"] for label in target["labels"]) == target["quality"]["judged"] == 61
    wrong = 61 - target["quality"]["accuracy"]["count"]
    assert sum(c["count"] for c in target["confusions"]) == wrong >= 1
    assert sum(b["n"] for b in target["reliability"]["bins"]) == 61
    assert [t["budget"] for t in target["thresholds"]] == [0.01, 0.02, 0.05, 0.1]
    assert outcomes[0].material.model is not None
    at_ten = outcomes[0].material.model.thresholds_for(0.1)
    assert target["thresholds"][3]["coverage"]["rate"] == round(at_ten.coverage, 4) > 0
    assert target["thresholds"][3]["precision"]["rate"] == pytest.approx(at_ten.precision, abs=1e-4)
    curve = target["curve"]
    assert [p["per_label"] for p in curve["points"]] == [0, 5, 10, None]
    assert [p["examples"] for p in curve["points"]] == [0, 15, 30, 61 - curve["held_out"]]
    assert curve["points"][-1]["accuracy"] >= curve["points"][0]["accuracy"]
    assert target["verdict"]["held_out"] == curve["held_out"] == 12
    changed = target["changed"]
    assert (changed["from"], changed["compared"]) == ("2024-02-03", 28)  # 365 days
    assert changed["better"] + changed["worse"] + changed["neither"] == changed["changed"]
    assert report["drift"]["cases"] == {"2024": 36, "2025": 25}
    assert any("学了 61 件办结件,其中 25 件" in line for line in report["summary"])


def test_markup_in_a_title_is_shown_as_it_is(trained: tuple[Desk, list[Outcome]]) -> None:
    desk, outcomes = trained
    report = training_report(desk, outcomes, who="<b>李</b>", curve=False)
    assert any("<script>" in c["title"] for con in report["targets"][0]["confusions"] for c in con["cases"])
    assert report["targets"][0]["curve"] is None
    for number in (None, 1):
        html = report_page(report, number=number)
        assert "<script" not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt;电网停电" in html
        assert "<b>李" not in html
    assert report_document(report)[:2] == b"PK"


def test_without_anything_to_learn_the_report_says_so(office: Desk) -> None:  # noqa: F811
    report = training_report(office, retrain(office, who="李"), who="李")
    (target,) = report["targets"]
    assert (target["trained"], target["data"]["examples"]) == (False, 0)
    assert report["summary"][0].startswith("承办科室:没有可学习的办结样例")
    assert "没有可学习的办结样例" in report_page(report)
    assert report_document(report)[:2] == b"PK"


def test_what_changed_is_asked_of_neither_models_memory(office: Desk) -> None:  # noqa: F811
    import_year(office, date(2025, 1, 1), 0, 12)
    reader = office.make_reader("none", ())
    with office.ledger.read() as session:
        found = read_gold("section", session=session)
    labels, mapped = office.taxonomy.labels("section"), Mapped(found.examples)
    duties = TargetModel.fit("section", labels, [], reader)
    model = TargetModel.fit("section", labels, [g.example for g in found.examples], reader)
    told = changed_cases(Material(found, mapped, duties, (), reader, model), office.taxonomy, {})
    unseen = model.state["unseen"]["labels"]
    texts = [Suggestion(g.example.title, g.example.body) for g in found.examples]
    before = [p.label for p in duties.predict(texts)]
    assert told["compared"] == 12
    assert [(c["before"], c["after"]) for c in told["cases"]] == [
        (old, new) for old, new in zip(before, unseen, strict=True) if old != new
    ]
    assert told["changed"] == len(told["cases"]) > 0
    for one in told["cases"]:
        right = {"after": one["after"], "before": one["before"]}.get(one["right"])
        assert right == one["gold"] or (one["right"], right) == ("neither", None)
    same = changed_cases(Material(found, mapped, model, (), reader, model), office.taxonomy, {})
    assert same["changed"] == 0
    split = tuple(
        replace(label, active=False, successors=tuple(LABELS[1:])) if label.name == LABELS[0] else label
        for label in labels
    )
    later = changed_cases(
        Material(found, mapped, model, (), reader, duties), replace(office.taxonomy, section=split), {}
    )
    assert later["compared"] == 12
    assert LABELS[0] not in {c["before"] for c in later["cases"]}  # led on to those who took over


@pytest.fixture(scope="module")
def numbers_in() -> Any:
    """Every way in which a page may write a number of a report."""

    def collect(value: Any, found: set[str]) -> set[str]:
        if isinstance(value, dict):
            for key, own in value.items():
                found |= set(re.findall(r"\d+(?:\.\d+)?", key))
                collect(own, found)
        elif isinstance(value, list):
            for own in value:
                collect(own, found)
        elif isinstance(value, str):
            found |= set(re.findall(r"\d+(?:\.\d+)?", value))
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            size = abs(value)
            found |= {str(value), f"{size:.3f}", f"{size:.1f}"}
            found |= {f"{100 * size:.0f}", f"{100 * size:.1f}"}
        return found

    return collect


def test_every_number_of_the_sample_offices_page_stands_in_its_data(
    demo_client: TestClient, demo_desk: Desk, numbers_in: Any
) -> None:
    with demo_desk.ledger.write() as session:
        row = get_training(1, session=session)  # that the demo left
        session.add(TrainingRow(who="李", targets=[], state="lost", report={}))
        report, number = row.report, row.id
    base = f"/models/trainings/{number}/report"
    answer = demo_client.get(base)
    assert answer.status_code == 200
    assert " style=" not in answer.text
    assert "<style" not in answer.text
    assert demo_client.get(f"{base}.json").json() == json.loads(json.dumps(report))
    pictures = re.compile(r"<svg.*?</svg>|<head>.*?</head>", re.S)
    words = re.sub(r"<[^>]+>", " ", pictures.sub(" ", answer.text))
    allowed = numbers_in(report, {"95", "4", str(number)})  # of 95 % intervals, of A4
    shown = re.findall(r"\d+(?:\.\d+)?", words.split("操作人")[1])  # after the time, which is this machine's
    assert len(shown) > 400
    assert [n for n in shown if n not in allowed] == []
    for target in report["targets"]:
        assert f'<h2 id="h-{target["target"]}">' in answer.text
        assert {x["label"] for x in target["labels"]} <= set(re.findall(r"[一-鿿]+", words))
    document = Document(io.BytesIO(demo_client.get(f"{base}.docx").content))
    written = [paragraph.text for paragraph in document.paragraphs]
    assert set(report["summary"]) <= set(written)
    assert [row.cells[0].text for row in document.tables[0].rows[1:]] == ["承办科室", "主题", "办理类型"]
    missing = demo_client.get(f"/models/trainings/{number + 1}/report")
    assert missing.status_code == 404
    assert "没有留下报告" in missing.text
    assert demo_client.get("/models/trainings/99/report.docx").status_code == 404


def test_a_report_of_a_newer_program_and_one_with_less_in_it(trained: tuple[Desk, list[Outcome]]) -> None:
    desk, outcomes = trained
    report = training_report(desk, outcomes, who="李", curve=False)
    with pytest.raises(NotFound, match="升级本程序"):
        check_report({**report, "format": 2}, 1)
    less = copy.deepcopy(report)
    verdict = less["targets"][0]["verdict"]
    for key in ("differences", "labels", "costs"):  # as earlier manifests have it
        verdict.pop(key, None)
    less["label_findings"] = [
        {"sentence": "两人认定不同。", "cases": [{"id": 1, "number": "1", "title": "停电"}]}
    ]
    verdict["labels"] = [{"label": "能源科", "n": 9, "challenger": 8, "champion": 9}]
    html = report_page(less)
    assert "两人认定不同。" in html
    assert report_document(less)[:2] == b"PK"


def test_the_command_writes_a_report_and_never_over_a_file(
    office: Desk,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import_year(office, date(2024, 1, 1), 0, 24)
    home, file = str(office.settings.home), tmp_path / "报告.html"
    run = ["--home", home, "retrain", "--who", "李", "--report"]
    assert main([*run, str(tmp_path / "报告.pdf")]) != 0
    assert ".docx" in capsys.readouterr().err
    assert main([*run, str(tmp_path / "没有" / "报告.html")]) != 0
    assert office.registry.champion("section") is None  # nothing was trained in vain
    capsys.readouterr()
    monkeypatch.setenv("TRIAGE_ENCODER", "none")
    assert main([*run, str(file)]) == 0
    assert "训练报告已写到" in capsys.readouterr().out
    html = file.read_text(encoding="utf-8")
    assert "学了 24 件办结件" in html
    assert "<style>" in html  # it needs nothing beside it
    assert "/static/" not in html
    assert main([*run, str(file)]) != 0
    assert "已存在" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == html


def fit_and_save(folder: Path) -> bytes:
    """The file of a small model; see the test below."""
    taxonomy = parse_taxonomy(OFFICE)
    reader = make_reader("none", taxonomy.terms())
    made = [submission(i, date(2024, 1, 1)) for i in range(30)]
    examples = [Example(str(i), s.title, s.body, LABELS[i % 3]) for i, s in enumerate(made)]
    model = TargetModel.fit("section", taxonomy.labels("section"), examples, reader, flags=True)
    manifest = Registry(folder, lambda *_: reader, SigningKey(folder / "key")).save(
        model, data={}, metrics={}
    )
    content = (folder / "section" / manifest.version / "model.joblib").read_bytes()
    assert hashlib.sha256(content).hexdigest() == manifest.sha256
    return content


def test_the_same_data_and_seed_give_the_same_file_byte_for_byte(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from test_report import fit_and_save\n"
    code += "fit_and_save(Path(sys.argv[1]))"
    here = Path(__file__).parent
    other = tmp_path / "other"  # of a process that orders its sets otherwise
    subprocess.run(
        [sys.executable, "-c", code, str(other)],
        env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": f"{here}{os.pathsep}{here.parent}"},
        check=True,
    )
    (file,) = other.glob("section/*/model.joblib")
    assert file.read_bytes() == fit_and_save(tmp_path / "own")
