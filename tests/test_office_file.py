"""Editing the office's file: what was not touched stays byte for byte, and nobody's change is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import tomlkit

from training import sample_office
from triage.config import Settings
from triage.desk import Desk
from triage.errors import Conflict, InputError, TaxonomyError
from triage.ledger.office_versions import list_changes, version_text
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.ledger.verify import verify_ledger
from triage.office_changes import change_office, note_by_hand
from triage.office_file import (
    BEFORE,
    OfficeText,
    add_entry,
    change_entry,
    difference,
    edited,
    find_entry,
    part_of,
    read_office,
)
from triage.office_watch import LOOK_SECONDS, OfficeWatch
from triage.taxonomy import parse_taxonomy

SAMPLE = sample_office.OFFICE.read_text(encoding="utf-8")
GRID = Submission(title="改造乡里的电网", body="变压器老旧,春节停电,请改造农村电网,更换变电站线路。")
SPLIT = """\
[[section]]
name = "新甲"
formerly = ["甲", "老甲"]

[[section]]
name = "乙"

[[section]]
name = "丙"
active = false
successor = "丁"

[[section]]
name = "丁"
active = false
successor = "新甲"

[[section]]
name = "戊"
active = false
successors = ["新甲", "乙"]

[[section]]
name = "己"
active = false
"""

Edit = Callable[[tomlkit.TOMLDocument], None]


def text_of(text: str) -> OfficeText:
    return OfficeText(text.encode(), text)


def set_phone(phone: str) -> Edit:
    return lambda document: change_entry(find_entry(document, "section", "name", "能源科"), {"phone": phone})


def test_names_lead_to_the_label_that_goes_on_from_them() -> None:
    taxonomy = parse_taxonomy(SPLIT)
    found = {
        old: taxonomy.current_name("section", old)
        for old in ("新甲", "甲", "老甲", "丙", "丁", "戊", "己", "无")
    }
    assert found == {
        "新甲": "新甲",
        "甲": "新甲",
        "老甲": "新甲",
        "丙": "新甲",
        "丁": "新甲",
        "戊": None,
        "己": None,
        "无": None,
    }
    assert taxonomy.past_names("section") == ("丙", "丁", "戊", "己", "甲", "老甲")
    with pytest.raises(InputError, match="现在是“新甲”"):
        taxonomy.check_label("section", "甲")
    with pytest.raises(InputError, match="不是本单位在用的承办科室,可选"):
        taxonomy.check_label("section", "戊")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('[[section]]\nname = "甲"\nsuccessor = "乙"\n[[section]]\nname = "乙"\n', 3, "还在用"),
        ('[[section]]\nname = "甲"\nactive = false\nsuccessor = "无"\n', 4, "不是在用的承办科室"),
        (
            '[[section]]\nname = "甲"\nactive = false\nsuccessor = "乙"\n[[section]]\nname = "乙"\nactive = false\nsuccessor = "甲"\n',
            4,
            "绕成了圈",
        ),
        ('[[section]]\nname = "甲"\nformerly = ["乙"]\n[[section]]\nname = "乙"\n', 3, "另一项现在的名称"),
        ('[[topic]]\nname = "甲"\nformerly = ["丙"]\n[[topic]]\nname = "乙"\nformerly = ["丙"]\n', 6, "“甲”的旧名"),
        ('[[section]]\nname = "甲"\nactive = false\nsuccessor = "乙"\nsuccessors = []\n', 4, "只能写一个"),
    ],
)  # fmt: skip
def test_a_succession_that_leads_nowhere_is_named_with_its_line(text: str, line: int, says: str) -> None:
    with pytest.raises(TaxonomyError) as caught:
        parse_taxonomy(text)
    assert f"第 {line} 行:" in caught.value.message
    assert says in caught.value.message


def test_only_what_was_changed_is_another_line() -> None:
    before = text_of(SAMPLE)
    after, taxonomy = edited(before, set_phone("0000-1"), "office.toml")
    assert taxonomy.phone_of("能源科") == "0000-1"
    assert difference(before.text, after.text)[1:] == [
        ' leader = "沈副主任"',
        '-phone = "0000-5550110"',
        '+phone = "0000-1"',
        " ",
    ]
    rules, _ = edited(before, lambda d: change_entry(part_of(d, "deadlines"), {"reply": "4个月"}), "o")
    assert 'reply = "4个月"          # 主办、分办、独办:答复代表\n' in rules.text
    assert rules.text.replace('"4个月"', '"3个月"', 1) == SAMPLE


def test_a_new_entry_stands_with_its_kind_and_leaves_the_next_heading_alone() -> None:
    values = {"name": "数据科", "duties": "公共数据", "terms": ["数据要素", "政务数据"], "leader": ""}
    after, taxonomy = edited(text_of(SAMPLE), lambda d: add_entry(d, "section", values), "office.toml")
    assert taxonomy.section[-1].name == "数据科"
    added = '[[section]]\nname = "数据科"\nduties = "公共数据"\nterms = ["数据要素", "政务数据"]\n\n'
    assert after.text.replace(added, "", 1) == SAMPLE
    assert added + "# ── 主题" in after.text


def test_terms_in_lines_of_their_own_keep_their_comments() -> None:
    text = '[[section]]\nname = "甲"\nterms = [\n  "电网", # 城乡\n  "光伏",\n]\n# 末尾'
    edit: Edit = lambda d: change_entry(d["section"][0], {"terms": ["电网", "储能"]})  # noqa: E731
    after, taxonomy = edited(text_of(text), edit, "office.toml")
    assert taxonomy.section[0].terms == ("电网", "储能")
    assert '  "电网", # 城乡\n' in after.text
    assert after.text.endswith("# 末尾\n")


def test_line_ends_and_byte_order_mark_stay() -> None:
    windows = "\ufeff" + SAMPLE.replace("\n", "\r\n")
    after, _ = edited(text_of(windows), set_phone("0000-1"), "office.toml")
    assert after.content.startswith(b"\xef\xbb\xbf")
    assert after.text == windows.replace("0000-5550110", "0000-1")
    added, _ = edited(text_of(windows), lambda d: add_entry(d, "topic", {"name": "新"}), "office.toml")
    assert added.text.count("\n") == added.text.count("\r\n")


def test_what_the_reader_refuses_is_refused_in_its_words() -> None:
    same: Edit = lambda d: add_entry(d, "section", {"name": "能源科"})  # noqa: E731
    with pytest.raises(InputError, match=r"office.toml 第 \d+ 行:“能源科”与第 \d+ 行重复"):
        edited(text_of(SAMPLE), same, "office.toml")
    apart = '[[section]]\nname = "甲"\n[[topic]]\nname = "题"\n[[section]]\nname = "乙"\n'
    with pytest.raises(TaxonomyError, match="请直接修改文件"):
        edited(text_of(apart), lambda d: add_entry(d, "section", {"name": "丙"}), "office.toml")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "office.toml"
    path.write_text(SAMPLE, encoding="utf-8")
    return path


def test_a_change_is_on_record_with_both_versions(ledger: Ledger, path: Path) -> None:
    path.chmod(0o640)
    seen = read_office(path).sha256
    change_office(
        path,
        ledger,
        set_phone("0000-1"),
        seen=seen,
        act="edited",
        part="section",
        label="能源科",
        who="管",
        why="换号",
    )
    with ledger.read() as session:
        (event,) = [e for e in list_changes(session=session) if e.kind == "office_changed"]
        assert (event.who, event.detail["why"], event.detail["label"]) == ("管", "换号", "能源科")
        assert event.detail["changes"] == [
            {
                "part": "section",
                "label": "能源科",
                "key": "phone",
                "before": "0000-5550110",
                "after": "0000-1",
            }
        ]
        assert version_text(event.detail["sha256_before"], session=session) == SAMPLE
        assert version_text(event.detail["sha256_after"], session=session) == path.read_text(encoding="utf-8")
        assert verify_ledger(session).problems == []
    assert path.with_name(path.name + BEFORE).read_text(encoding="utf-8") == SAMPLE
    assert path.stat().st_mode & 0o777 == 0o640
    with pytest.raises(Conflict) as caught:
        change_office(path, ledger, set_phone("2"), seen=seen, act="edited", part="section", who="乙")
    assert '+phone = "0000-1"' in caught.value.detail["differs"]  # type: ignore[operator]


def test_of_two_at_once_one_is_told_of_the_other(ledger: Ledger, path: Path) -> None:
    seen, outcomes, start = read_office(path).sha256, [], threading.Barrier(2)

    def act(phone: str) -> None:
        start.wait()
        try:
            change_office(path, ledger, set_phone(phone), seen=seen, act="edited", part="section", who=phone)
            outcomes.append(phone)
        except Conflict:
            outcomes.append("conflict")

    threads = [threading.Thread(target=act, args=(f"0000-{n}",)) for n in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = set(outcomes) - {"conflict"}
    assert parse_taxonomy(path.read_text(encoding="utf-8")).phone_of("能源科") == winner
    with ledger.read() as session:
        assert [e.who for e in list_changes(session=session)] == [winner]


def test_what_the_ledger_refuses_leaves_the_file_alone(ledger: Ledger, path: Path) -> None:
    seen = read_office(path).sha256
    for edit, who in ((set_phone("1"), " "), (set_phone("0000-5550110"), "甲")):
        with pytest.raises(InputError):
            change_office(path, ledger, edit, seen=seen, act="edited", part="section", who=who)
    assert read_office(path).sha256 == seen
    with ledger.read() as session:
        assert list_changes(session=session) == []


def test_what_an_editor_changed_is_recorded_when_somebody_says_so(ledger: Ledger, path: Path) -> None:
    change_office(
        path, ledger, set_phone("1"), seen=read_office(path).sha256, act="edited", part="section", who="甲"
    )
    path.write_text(
        path.read_text(encoding="utf-8").replace('reply = "3个月"', 'reply = "2个月"'), encoding="utf-8"
    )
    seen = read_office(path).sha256
    note_by_hand(path, ledger, seen=seen, who="乙")
    with ledger.read() as session:
        newest = list_changes(session=session)[0]
    assert (newest.who, newest.detail["act"], newest.detail["sha256_after"]) == ("乙", "by_hand", seen)
    assert [(c["key"], c["after"]) for c in newest.detail["changes"]] == [("reply", "2个月")]
    with pytest.raises(InputError, match="已经是这一版"):
        note_by_hand(path, ledger, seen=seen, who="乙")


def test_a_change_is_taken_up_and_a_mistake_is_not(path: Path) -> None:
    watch = OfficeWatch(path)
    path.write_text(SAMPLE.replace("0000-5550110", "0000-9"), encoding="utf-8")
    watch.look_now()
    assert watch.taxonomy().phone_of("能源科") == "0000-9"
    path.write_text("[[section]\n", encoding="utf-8")
    watch.look_now()
    assert "第 1 行" in watch.problem
    assert watch.taxonomy().phone_of("能源科") == "0000-9"
    path.unlink()
    watch.look_now()
    assert "找不到分类文件" in watch.problem
    path.write_text(SAMPLE, encoding="utf-8")
    watch.look_now()
    assert (watch.problem, watch.taxonomy().phone_of("能源科")) == ("", "0000-5550110")


def test_a_renamed_section_is_recommended_and_a_retired_one_is_not(demo_settings: Settings) -> None:
    own, other = Desk(demo_settings), Desk(demo_settings)
    first = own.advise([GRID])[0].predictions["section"]
    assert first.label == "能源科"
    path = demo_settings.taxonomy_path
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace('name = "能源科"', 'name = "能源处"\nformerly = ["能源科"]'), encoding="utf-8"
    )
    time.sleep(LOOK_SECONDS)  # the other one looks by itself
    renamed = other.advise([GRID])[0].predictions["section"]
    assert [p for _, p in renamed.ranked] == [p for _, p in first.ranked]
    assert (renamed.label, renamed.auto, renamed.model_version) == ("能源处", first.auto, first.model_version)
    assert other.problems() == {}
    gone = 'name = "能源科"\nactive = false\nsuccessor = "产业发展科"'
    path.write_text(text.replace('name = "能源科"', gone), encoding="utf-8")
    own.office.look_now()
    merged = own.advise([GRID])[0].predictions["section"]
    assert "能源科" not in dict(merged.ranked)
    both = dict(first.ranked)["能源科"] + dict(first.ranked)["产业发展科"]
    assert dict(merged.ranked)["产业发展科"] == pytest.approx(both)
    path.write_text(text.replace('name = "能源科"', 'name = "能源科"\nactive = false'), encoding="utf-8")
    own.office.look_now()
    without = own.advise([GRID])[0].predictions["section"]
    assert "能源科" not in dict(without.ranked)
    assert (without.auto, sum(dict(without.ranked).values())) == (False, pytest.approx(1))
    assert "retrain" in own.problems()["section"]
    for desk in (own, other):
        desk.ledger.close()


def test_without_a_trained_model_a_new_section_is_recommended_at_once(desk: Desk) -> None:
    asked = Submission(
        title="建设公共数据开放平台", body="请开放公共数据,建设政务数据共享平台,推进公共数据授权运营。"
    )
    assert desk.advise([asked])[0].predictions["section"].label != "数据科"
    values = {
        "name": "数据科",
        "duties": "统筹公共数据开放共享和授权运营。",
        "terms": ["公共数据", "政务数据"],
    }
    path = desk.settings.taxonomy_path
    change_office(
        path,
        desk.ledger,
        lambda d: add_entry(d, "section", values),
        seen=read_office(path).sha256,
        act="added",
        part="section",
        who="管",
    )
    desk.office.look_now()
    assert desk.advise([asked])[0].predictions["section"].label == "数据科"
