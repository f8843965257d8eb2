"""The models that serve: new ones are picked up, bad ones never take over."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from triage.champions import Champions
from triage.classifier import Example, TargetModel
from triage.encoder import get_encoder
from triage.reading import Reader, Suggestion, make_reader
from triage.registry import Registry
from triage.signing import SigningKey
from triage.taxonomy import Label, Taxonomy
from triage.text import get_segmenter

TAXONOMY = Taxonomy(
    section=(Label("能源科", "电网", ("电网", "停电")), Label("价格科", "收费", ("收费", "停车"))),
    topic=(Label("旧主题", "无", ("无",), active=False),),
)
DUTIES = "仅凭职责"


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    key = SigningKey(tmp_path / "signing.key")
    return Registry(tmp_path / "models", lambda encoder, terms: make_reader(encoder, terms), key)


@pytest.fixture
def champions(registry: Registry) -> Champions:
    return Champions(registry, TAXONOMY, "none")


@pytest.fixture
def versions(registry: Registry) -> list[str]:
    """Three good versions, none of them champion."""
    reader = Reader(get_segmenter(()), get_encoder("none"))
    made = []
    for n in range(3):
        examples = [Example(str(i), "", f"停车收费第{i}次", "价格科") for i in range(n)]
        model = TargetModel.fit("section", TAXONOMY.section, examples, reader)
        made.append(registry.save(model, data={}, metrics={}).version)
    return made


def break_version(registry: Registry, version: str) -> None:
    path = registry.root / "section" / version / "model.joblib"
    path.write_bytes(path.read_bytes()[:-1])


def serving(champions: Champions) -> str:
    model = champions.models()["section"]
    (prediction,) = model.predict([Suggestion("", "停车收费")])
    assert prediction.label == "价格科"  # whatever serves must answer
    return model.version


def test_without_any_version_the_duties_serve(champions: Champions) -> None:
    assert serving(champions) == DUTIES
    assert champions.problems() == {}


def test_targets_without_labels_in_use_have_no_model(champions: Champions) -> None:
    assert set(champions.models()) == {"section"}


def test_a_saved_version_that_was_not_promoted_does_not_serve(
    champions: Champions, versions: list[str]
) -> None:
    assert serving(champions) == DUTIES


def test_a_new_champion_is_picked_up_by_a_running_program(
    champions: Champions, registry: Registry, versions: list[str]
) -> None:
    assert serving(champions) == DUTIES
    for version in versions:
        registry.promote("section", version)
        assert serving(champions) == version
    registry.rollback("section")
    assert serving(champions) == versions[1]


def test_a_model_is_loaded_once_while_the_pointer_stays(
    champions: Champions, registry: Registry, versions: list[str]
) -> None:
    registry.promote("section", versions[0])
    assert champions.models()["section"] is champions.models()["section"]


def test_a_bad_champion_is_refused_and_the_last_good_one_goes_on(
    champions: Champions, registry: Registry, versions: list[str]
) -> None:
    registry.promote("section", versions[0])
    assert serving(champions) == versions[0]
    registry.promote("section", versions[1])
    break_version(registry, versions[1])
    assert serving(champions) == versions[0]
    problem = champions.problems()["section"]
    assert versions[1] in problem
    assert "校验值不符" in problem
    assert f"目前使用:{versions[0]}" in problem


def test_a_file_that_breaks_while_its_model_serves_changes_nothing(
    champions: Champions, registry: Registry, versions: list[str]
) -> None:
    registry.promote("section", versions[0])
    assert serving(champions) == versions[0]
    break_version(registry, versions[0])
    assert serving(champions) == versions[0]
    assert champions.problems() == {}


def test_after_a_restart_the_newest_good_champion_serves(
    champions: Champions, registry: Registry, versions: list[str]
) -> None:
    for version in versions:
        registry.promote("section", version)
    break_version(registry, versions[2])
    break_version(registry, versions[1])
    assert serving(champions) == versions[0]
    problem = champions.problems()["section"]
    assert versions[1] in problem
    assert versions[2] in problem


def test_with_every_version_broken_the_duties_serve(
    champions: Champions, registry: Registry, versions: list[str]
) -> None:
    for version in versions[:2]:
        registry.promote("section", version)
        break_version(registry, version)
    assert serving(champions) == DUTIES
    assert f"目前使用:{DUTIES}" in champions.problems()["section"]


def test_a_problem_is_over_when_a_good_champion_comes(
    champions: Champions, registry: Registry, versions: list[str]
) -> None:
    registry.promote("section", versions[0])
    break_version(registry, versions[0])
    assert champions.problems()
    registry.promote("section", versions[1])
    assert serving(champions) == versions[1]
    assert champions.problems() == {}


def test_a_version_that_vanished_is_a_problem_not_a_crash(
    champions: Champions, registry: Registry, versions: list[str]
) -> None:
    (registry.root / "section" / "champion").write_text("20200101-000000-abcdef\n")
    assert serving(champions) == DUTIES
    assert "20200101-000000-abcdef" in champions.problems()["section"]


def test_without_a_champion_any_more_the_duties_serve_again(
    champions: Champions, registry: Registry, versions: list[str]
) -> None:
    registry.promote("section", versions[0])
    assert serving(champions) == versions[0]
    registry.rollback("section")
    assert serving(champions) == DUTIES


def test_while_one_request_loads_a_champion_the_others_go_on_with_the_one_before(
    champions: Champions, registry: Registry, versions: list[str]
) -> None:
    registry.promote("section", versions[0])
    assert serving(champions) == versions[0]
    loading, go_on = threading.Event(), threading.Event()
    load = registry.load

    def slow(target: str, version: str) -> TargetModel:
        loading.set()
        assert go_on.wait(10)
        return load(target, version)

    registry.promote("section", versions[1])
    registry.load = slow  # type: ignore[method-assign]
    first = threading.Thread(target=champions.models)
    first.start()
    assert loading.wait(10)
    assert serving(champions) == versions[0]  # at once, while the other one loads
    go_on.set()
    first.join()
    assert serving(champions) == versions[1]


def test_where_only_the_duties_serve_an_earlier_version_is_better_than_they(
    champions: Champions, registry: Registry, versions: list[str]
) -> None:
    assert serving(champions) == DUTIES
    good, broken = versions[:2]
    break_version(registry, broken)
    registry.point("section", [good, broken])
    assert serving(champions) == good
    assert broken in champions.problems()["section"]
