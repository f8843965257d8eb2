"""The ledger out of the program: CSV that is safe to open, JSON with the whole record."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from arrivals import arrive

from triage.errors import InputError
from triage.exports.ledger_file import export_ledger
from triage.ledger.closing import close_case
from triage.ledger.decisions import decide
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.taxonomy import Label, ResultClass, Taxonomy

TAXONOMY = Taxonomy(section=(Label("能源科"),), result_classes=(ResultClass("A", "已解决"),))
TRICKY = Submission(
    title='引号"和,逗号',
    body='第一行\n第二行,"带引号"\r\n第三行;制表\t符',
    session="六届五次",
    number="第001号",
    kind="建议",
    deputy="欧阳、王",
    delegation="清溪县代表团",
)


def put(ledger: Ledger, *submissions: Submission) -> list[int]:
    with ledger.write() as session:
        return [arrive(s, session=session).id for s in submissions]


def export(ledger: Ledger, path: Path) -> int:
    with ledger.read() as session:
        return export_ledger(path, session=session, taxonomy=TAXONOMY)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_every_cell_comes_back_as_it_was(ledger: Ledger, tmp_path: Path) -> None:
    put(ledger, TRICKY, Submission(title="", body="路灯。"))
    path = tmp_path / "台账.csv"
    assert export(ledger, path) == 2
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")  # or Excel would show garbage
    first, second = rows(path)
    assert (first["标题"], first["正文"]) == (TRICKY.title, TRICKY.body)
    assert (first["届次"], first["编号"], first["案别"]) == ("六届五次", "第001号", "建议")
    assert (first["领衔代表"], first["代表团"], first["状态"]) == ("欧阳、王", "清溪县代表团", "待认定")
    assert (second["标题"], second["编号"]) == ("", "")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r="])
def test_no_cell_starts_a_formula(ledger: Ledger, tmp_path: Path, start: str) -> None:
    nasty = f'{start}HYPERLINK("http://x","y")'
    put(
        ledger,
        Submission(title=nasty, body=nasty, session=nasty, number=nasty, deputy=nasty, delegation=nasty),
    )
    export(ledger, tmp_path / "l.csv")
    (row,) = rows(tmp_path / "l.csv")
    assert not [v for v in row.values() if v.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert row["标题"].endswith(nasty)  # nothing lost, one sign more


def test_a_reason_or_reply_cannot_start_a_formula_either(ledger: Ledger, tmp_path: Path) -> None:
    (case_id,) = put(ledger, TRICKY)
    with ledger.write() as session:
        decide(case_id, {"section": "能源科"}, who="=李", why="试", session=session, taxonomy=TAXONOMY)
        close_case(
            case_id, result_class="A", who="李", reply_number="=1+1", session=session, taxonomy=TAXONOMY
        )
    export(ledger, tmp_path / "l.csv")
    (row,) = rows(tmp_path / "l.csv")
    assert (row["答复文号"], row["承办科室认定人"]) == ("'=1+1", "'=李")
    assert (row["承办科室"], row["承办科室认定"], row["办理结果"]) == ("能源科", "人工改判", "A")
    assert row["状态"] == "已办结"


def test_json_has_decisions_and_events(ledger: Ledger, tmp_path: Path) -> None:
    (case_id,) = put(ledger, TRICKY)
    with ledger.write() as session:
        decide(case_id, {"section": "能源科"}, who="李", why="看了全文", session=session, taxonomy=TAXONOMY)
    path = tmp_path / "l.json"
    assert export(ledger, path) == 1
    (record,) = json.loads(path.read_text(encoding="utf-8"))
    assert (record["标题"], record["正文"]) == (TRICKY.title, TRICKY.body)
    (decision,) = record["认定记录"]
    assert {k: decision[k] for k in ("项", "结果", "方式", "认定人", "理由")} == {
        "项": "section",
        "结果": "能源科",
        "方式": "override",
        "认定人": "李",
        "理由": "看了全文",
    }
    assert decision["时间"].endswith("+00:00")
    assert [(e["事"], e["经办"]) for e in record["经过"]][2:] == [("overridden", "李"), ("assigned", "李")]
    assert record["经过"][2]["内容"]["why"] == "看了全文"


def test_an_empty_ledger_is_an_empty_table(ledger: Ledger, tmp_path: Path) -> None:
    assert export(ledger, tmp_path / "l.csv") == 0
    assert rows(tmp_path / "l.csv") == []
    assert export(ledger, tmp_path / "l.json") == 0
    assert json.loads((tmp_path / "l.json").read_text()) == []


@pytest.mark.parametrize("name", ["l.xls", "l", "l.csv.exe"])
def test_other_file_types_are_refused_in_words(ledger: Ledger, tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"请用 \.xlsx、\.csv 或 \.json"):
        export(ledger, tmp_path / name)
    assert not (tmp_path / name).exists()
