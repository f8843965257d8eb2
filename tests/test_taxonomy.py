"""The office's taxonomy file: what it gives, and which line a mistake is on."""

from __future__ import annotations

from pathlib import Path

import pytest

from training import sample_office
from triage.errors import InputError, TaxonomyError
from triage.periods import Period
from triage.taxonomy import TARGETS, LetterHead, load_taxonomy, parse_taxonomy

GOOD = """\
[office]
name = "某委"
terms = ["特色小镇"]

[[section]]
name = "能源科"
duties = "电网"
terms = ["电网", "光伏"]
leader = "李"

[[section]]
name = "老科室"
active = false

[[topic]]
name = "能源"
description = "电力"

[[result_class]]
code = "A"
name = "已经解决"
"""


def test_the_sample_office_can_be_read() -> None:
    taxonomy = load_taxonomy(sample_office.OFFICE)
    assert taxonomy.invented
    assert "虚构" in taxonomy.office
    assert len(taxonomy.section) >= 12
    assert all(label.description and label.terms and label.leader for label in taxonomy.section)
    assert all(taxonomy.labels(target) for target in TARGETS)
    assert len(taxonomy.result_classes) >= 3
    for target in TARGETS:
        names = [label.name for label in taxonomy.labels(target)]
        assert len(names) == len(set(names))


def test_a_good_file_gives_what_it_says() -> None:
    taxonomy = parse_taxonomy(GOOD)
    assert taxonomy.office == "某委"
    assert not taxonomy.invented
    energy, old = taxonomy.section
    assert (energy.name, energy.description, energy.terms) == ("能源科", "电网", ("电网", "光伏"))
    assert (energy.leader, energy.active, old.active) == ("李", True, False)
    assert taxonomy.topic[0].description == "电力"
    assert taxonomy.handling == ()
    assert taxonomy.terms() == ("光伏", "特色小镇", "电网")


def test_what_letters_need_is_read_and_may_all_be_missing() -> None:
    said = """\
[letter]
bureau = " 某市某委 "
mark = "某发改建"
assist_mark = "某发改会"
copies = ["市人大", " 市政府办公室 "]
copies_proposal = ["市政协"]

[[section]]
name = "能源科"
phone = "0000-1"
"""
    taxonomy = parse_taxonomy(said)
    head = taxonomy.letter
    assert (head.bureau, head.mark, head.assist_mark) == ("某市某委", "某发改建", "某发改会")
    assert (head.copies, head.copies_proposal) == (("市人大", "市政府办公室"), ("市政协",))
    assert (taxonomy.phone_of("能源科"), taxonomy.phone_of("别科"), taxonomy.phone_of(None)) == (
        "0000-1",
        "",
        "",
    )
    assert taxonomy.bureau == "某市某委"
    silent = parse_taxonomy(GOOD)
    assert silent.letter == LetterHead()
    assert (silent.bureau, silent.phone_of("能源科")) == ("某委", "")
    assert parse_taxonomy("").bureau == ""


def test_the_sample_office_has_what_letters_need() -> None:
    taxonomy = load_taxonomy(sample_office.OFFICE)
    head = taxonomy.letter
    assert all((head.bureau, head.mark, head.assist_mark, head.copies, head.copies_proposal))
    assert head.mark != head.assist_mark
    phones = [section.phone for section in taxonomy.section]
    assert all(phones)
    assert len(set(phones)) == len(phones)


def test_an_empty_file_is_an_office_without_labels() -> None:
    assert parse_taxonomy("").labels("section") == ()


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "office.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load_taxonomy(path) == parse_taxonomy(GOOD)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        pytest.param('[[section]]\nname = "能源科\n', 2, "TOML 写法有误", id="unclosed quote"),
        pytest.param(
            '[office]\nname = "某委"\n\n[[section]\nname = "甲"\n', 4, "TOML 写法有误", id="bracket"
        ),
        pytest.param('[office]\nname = "某委"\nname = "别委"\n', 3, "写了两次", id="key twice"),
        pytest.param("[office]\nreply_months = 0\n", 2, "1 到 24 之间", id="no month"),
        pytest.param("[office]\nreply_months = 30\n", 2, "1 到 24 之间", id="too many months"),
        pytest.param("[office]\nreply_months = true\n", 2, "应为整数", id="months true"),
        pytest.param('[office]\nreply_months = "3"\n', 2, "应为整数", id="months in quotes"),
        pytest.param("[[section]]\nname = 能源科\n", 2, "能源科", id="no quotes"),
        pytest.param('[[section]]\nname = "甲"\nterms = ["乙"\n', 3, "TOML 写法有误", id="unclosed list"),
        pytest.param(
            '[[section]]\nname = "甲"\n\n[[section]]\nduties = "电"\n', 4, "缺少 name", id="missing name"
        ),
        pytest.param('[[section]]\nname = "  "\n', 1, "缺少 name", id="blank name"),
        pytest.param('[[result_class]]\nname = "已解决"\n', 1, "缺少 code", id="missing code"),
        pytest.param(
            '[[topic]]\nname = "甲"\n\n[[topic]]\nname = "乙"\n\n[[topic]]\nname = " 甲 "\n',
            8,
            "“甲”与第 2 行重复",
            id="duplicate name",
        ),
        pytest.param(
            '[[result_class]]\ncode = "A"\nname = "一"\n[[result_class]]\nname = "二"\ncode = "A"\n',
            6,
            "“A”与第 2 行重复",
            id="duplicate code",
        ),
        pytest.param(
            '[[section]]\nname = "甲"\n\n[[section]]\nname = "乙"\nduty = "电"\n',
            6,
            "不认识的项 duty",
            id="unknown key",
        ),
        pytest.param(
            '[office]\nname = "某委"\n\n[[sections]]\nname = "甲"\n', 4, "不认识的部分", id="unknown part"
        ),
        pytest.param('[office]\nnom = "某委"\n', 2, "不认识的项 nom", id="unknown office key"),
        pytest.param("[[section]]\nname = 5\n", 2, "name 应为带引号的文字", id="number as name"),
        pytest.param(
            '[[section]]\nname = "甲"\nterms = "电网"\n', 3, "terms 应为文字列表", id="text as list"
        ),
        pytest.param(
            '[[section]]\nname = "甲"\nterms = ["电", 5]\n', 3, "terms 应为文字列表", id="number in list"
        ),
        pytest.param(
            '[[handling]]\nname = "甲"\nactive = "否"\n', 3, "active 应为true 或 false", id="text as bool"
        ),
        pytest.param(
            '[office]\nname = "某委"\n\n[section]\nname = "甲"\n', 4, "[[section]]", id="one bracket"
        ),
        pytest.param('topic = "能源"\n', 1, "[[topic]]", id="a word for a list"),
        pytest.param('\noffice = "某委"\n', 2, "[office] 应为一个表", id="office no table"),
        pytest.param('\nletter = "函"\n', 2, "[letter] 应为一个表", id="letter no table"),
        pytest.param('[letter]\nmark = "云发改"\nsign = "章"\n', 3, "不认识的项 sign", id="letter key"),
        pytest.param("[letter]\n\nbureau = 5\n", 3, "bureau 应为带引号的文字", id="letter number"),
        pytest.param('[letter]\ncopies = "市政府"\n', 2, "copies 应为文字列表", id="letter copies"),
        pytest.param(
            '[letter]\ncopies_proposal = ["市政协", " "]\n', 2, "copies_proposal 应为", id="blank copy"
        ),
        pytest.param('[[section]]\nname = "甲"\nphone = 123\n', 3, "phone 应为带引号的文字", id="phone"),
        pytest.param('[[topic]]\nname = "甲"\nphone = "1"\n', 3, "phone 只用于科室", id="topic's phone"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, line: int, says: str) -> None:
    with pytest.raises(TaxonomyError) as caught:
        parse_taxonomy(text, "office.toml")
    assert f"office.toml 第 {line} 行:" in caught.value.message
    assert says in caught.value.message


def test_a_file_in_another_encoding_is_named_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "office.toml"
    path.write_bytes(b'[office]\ninvented = false\nname = "' + "发改委".encode("gb18030") + b'"\n')
    with pytest.raises(TaxonomyError, match="第 3 行:不是 UTF-8 编码"):
        load_taxonomy(path)


def test_a_missing_file_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(TaxonomyError, match="triage init"):
        load_taxonomy(tmp_path / "none.toml")


def test_choices_are_checked_against_labels_in_use() -> None:
    taxonomy = parse_taxonomy(GOOD)
    assert taxonomy.check_label("section", "能源科") == "能源科"
    with pytest.raises(InputError, match=r"承办科室.*可选:能源科。"):
        taxonomy.check_label("section", "老科室")
    assert taxonomy.check_result_class("A") == "A"
    with pytest.raises(InputError, match="可选:A"):
        taxonomy.check_result_class("a")


def test_a_reply_is_due_in_three_months_where_the_office_says_nothing() -> None:
    assert parse_taxonomy('[office]\nname = "某委"\n').rules.reply == Period("months", 3)
    assert parse_taxonomy("[office]\nreply_months = 6\n").rules.reply == Period("months", 6)
