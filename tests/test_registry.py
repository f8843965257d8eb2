"""Model versions on disk: saved whole, verified before they are unpickled, promoted, rolled back."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import joblib
import pytest

from triage.classifier import Example, TargetModel
from triage.encoder import get_encoder
from triage.errors import ModelRefused, NotFound
from triage.reading import Reader, Suggestion, make_reader
from triage.registry import Manifest, Registry
from triage.signing import SigningKey
from triage.taxonomy import Label
from triage.text import get_segmenter

LABELS = (Label("能源科", "电网", ("电网", "停电")), Label("价格科", "收费", ("收费", "停车")))
ASKED = [Suggestion("关于停车的建议", "停车收费高"), Suggestion("", "村里老停电")]


class Touch:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(get_segmenter(()), get_encoder("none"))


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    key = SigningKey(tmp_path / "signing.key")
    return Registry(tmp_path / "models", lambda encoder, terms: make_reader(encoder, terms), key)


def fit(reader: Reader, target: str = "section", seen: int = 0) -> TargetModel:
    """A small model; ``seen`` tells one from another."""
    examples = [Example(str(i), "", f"停车收费第{i}次", "价格科") for i in range(seen)]
    return TargetModel.fit(target, LABELS, examples, reader)


def save(registry: Registry, model: TargetModel) -> Manifest:
    return registry.save(model, data={"examples": 3}, metrics={"accuracy": 0.9})


def change_manifest(registry: Registry, folder: Path, **changes: Any) -> None:
    """As if this office's program had written it so: signed anew."""
    path = folder / "manifest.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**data, **changes}), encoding="utf-8")
    registry.key.write_signature(folder, path.read_bytes())


def put_pickle(registry: Registry, folder: Path, content: Any, *, matching: bool) -> None:
    """Another pickle in the model's place, with its checksum entered and signed or not."""
    joblib.dump(content, folder / "model.joblib")
    if matching:
        digest = hashlib.sha256((folder / "model.joblib").read_bytes()).hexdigest()
        change_manifest(registry, folder, sha256=digest)


def assert_refused(registry: Registry, version: str, says: str, target: str = "section") -> None:
    with pytest.raises(ModelRefused) as caught:
        registry.load(target, version)
    assert version in caught.value.message
    assert "未被采用" in caught.value.message
    assert says in caught.value.message
    with pytest.raises(ModelRefused):
        registry.promote(target, version)
    assert registry.champion(target) is None


def test_a_saved_model_predicts_the_same(registry: Registry, reader: Reader) -> None:
    model = fit(reader, seen=3)
    manifest = save(registry, model)
    loaded = registry.load("section", manifest.version)
    assert loaded.version == model.version == manifest.version
    assert loaded.predict(ASKED) == model.predict(ASKED)
    assert loaded.thresholds == model.thresholds


def test_the_manifest_tells_what_is_needed_to_trust_a_model(registry: Registry, reader: Reader) -> None:
    manifest = save(registry, fit(reader))
    folder = registry.root / "section" / manifest.version
    assert registry.manifest("section", manifest.version) == manifest
    assert manifest.sha256 == hashlib.sha256((folder / "model.joblib").read_bytes()).hexdigest()
    assert manifest.labels == ["能源科", "价格科"]
    assert (manifest.data, manifest.metrics) == ({"examples": 3}, {"accuracy": 0.9})
    assert {"scikit-learn", "numpy", "jieba"} <= manifest.libraries.keys()
    assert manifest.encoder == "none"
    assert sorted(p.name for p in folder.iterdir()) == ["manifest.json", "manifest.sig", "model.joblib"]


def test_versions_are_listed_for_their_target_only(registry: Registry, reader: Reader) -> None:
    saved = {save(registry, fit(reader, seen=n)).version for n in range(3)}
    save(registry, fit(reader, "topic"))
    listed = [m.version for m in registry.versions("section")]
    assert set(listed) == saved
    assert listed == sorted(listed, reverse=True)
    assert registry.versions("handling") == []


def test_saving_the_same_model_twice_is_no_error(registry: Registry, reader: Reader) -> None:
    first = save(registry, fit(reader))
    second = save(registry, fit(reader))
    for manifest in (first, second):
        assert registry.load("section", manifest.version).predict(ASKED)


@pytest.mark.parametrize("keep", [0, 1, 0.5, -1])
def test_a_truncated_file_is_refused(registry: Registry, reader: Reader, keep: float) -> None:
    version = save(registry, fit(reader)).version
    path = registry.root / "section" / version / "model.joblib"
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * keep) if 0 < keep < 1 else int(keep)])
    assert_refused(registry, version, "校验值不符")


@pytest.mark.parametrize("where", [0, 0.5, 1])
def test_a_flipped_bit_is_refused(registry: Registry, reader: Reader, where: float) -> None:
    version = save(registry, fit(reader)).version
    path = registry.root / "section" / version / "model.joblib"
    raw = bytearray(path.read_bytes())
    raw[int((len(raw) - 1) * where)] ^= 1
    path.write_bytes(raw)
    assert_refused(registry, version, "校验值不符")


def test_a_file_that_was_swapped_is_refused_before_it_is_unpickled(
    registry: Registry, reader: Reader, tmp_path: Path
) -> None:
    version = save(registry, fit(reader)).version
    trace = tmp_path / "trace"
    put_pickle(registry, registry.root / "section" / version, Touch(trace), matching=False)
    assert_refused(registry, version, "校验值不符")
    assert not trace.exists()
    joblib.load(registry.root / "section" / version / "model.joblib")
    assert trace.exists()  # so it would have shown


@pytest.mark.parametrize(
    "changes",
    [{"libraries": {"scikit-learn": "1.2.0"}}, {"libraries": {}}, {"format": 999}, {"target": "topic"}],
)
def test_a_model_of_another_kind_is_refused_before_it_is_unpickled(
    registry: Registry, reader: Reader, tmp_path: Path, changes: dict[str, Any]
) -> None:
    version = save(registry, fit(reader)).version
    folder = registry.root / "section" / version
    put_pickle(registry, folder, Touch(tmp_path / "trace"), matching=True)
    change_manifest(registry, folder, **changes)
    assert_refused(registry, version, "")
    assert not (tmp_path / "trace").exists()


def test_another_scikit_learn_says_what_to_run(registry: Registry, reader: Reader) -> None:
    version = save(registry, fit(reader)).version
    change_manifest(registry, registry.root / "section" / version, libraries={"scikit-learn": "1.2.0"})
    assert_refused(registry, version, "scikit-learn 1.2.0 训练")
    assert_refused(registry, version, "triage retrain")


@pytest.mark.parametrize(
    "content",
    [
        ["a list"],
        {"target": "section"},
        {"encoder": "none", "terms": []},
        5,
        None,
        "text",
        {"encoder": "bert"},
    ],
)
def test_a_foreign_pickle_with_a_matching_checksum_is_refused(
    registry: Registry, reader: Reader, content: Any
) -> None:
    version = save(registry, fit(reader)).version
    put_pickle(registry, registry.root / "section" / version, content, matching=True)
    assert_refused(registry, version, "无法读取")


def test_bytes_that_are_no_pickle_are_refused_whatever_the_manifest_says(
    registry: Registry, reader: Reader
) -> None:
    version = save(registry, fit(reader)).version
    folder = registry.root / "section" / version
    (folder / "model.joblib").write_bytes(b"not a pickle at all")
    change_manifest(registry, folder, sha256=hashlib.sha256(b"not a pickle at all").hexdigest())
    assert_refused(registry, version, "无法读取")


def test_a_version_copied_from_another_target_is_refused(registry: Registry, reader: Reader) -> None:
    version = save(registry, fit(reader)).version
    shutil.copytree(registry.root / "section" / version, registry.root / "topic" / version)
    assert_refused(registry, version, "不是本目标的模型", "topic")
    change_manifest(registry, registry.root / "topic" / version, target="topic")
    assert_refused(registry, version, "属于另一个预测目标", "topic")


def test_a_renamed_version_is_refused(registry: Registry, reader: Reader) -> None:
    version = save(registry, fit(reader)).version
    other = "20200101-000000-abcdef"
    os.rename(registry.root / "section" / version, registry.root / "section" / other)
    assert_refused(registry, other, "与所在目录不符")


def test_a_missing_file_is_refused(registry: Registry, reader: Reader) -> None:
    version = save(registry, fit(reader)).version
    (registry.root / "section" / version / "model.joblib").unlink()
    assert_refused(registry, version, "不见了")


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"target": "section"}', "\x00"])
def test_a_broken_manifest_is_refused_and_not_listed(
    registry: Registry, reader: Reader, text: str | None
) -> None:
    good = save(registry, fit(reader)).version
    version = save(registry, fit(reader, seen=1)).version
    path = registry.root / "section" / version / "manifest.json"
    if text is None:
        path.unlink()
    else:
        path.write_text(text, encoding="utf-8")
    assert_refused(registry, version, "manifest.json")
    assert [m.version for m in registry.versions("section")] == [good]


def test_promote_and_roll_back_move_the_pointer(registry: Registry, reader: Reader) -> None:
    versions = [save(registry, fit(reader, seen=n)).version for n in range(3)]
    assert registry.champion("section") is None
    stamps = {registry.pointer_stamp("section")}
    for version in versions:
        registry.promote("section", version)
        assert registry.champion("section") == version
        stamps.add(registry.pointer_stamp("section"))
    assert len(stamps) == 4
    assert registry.champions("section") == versions
    assert registry.champion("topic") is None
    assert registry.rollback("section") == versions[1]
    assert registry.rollback("section") == versions[0]
    assert registry.champion("section") == versions[0]
    assert registry.rollback("section") is None  # to the duties alone
    assert registry.champion("section") is None
    with pytest.raises(NotFound, match="没有现用模型"):
        registry.rollback("section")


def test_no_roll_back_to_a_broken_version(registry: Registry, reader: Reader) -> None:
    first, second = (save(registry, fit(reader, seen=n)).version for n in range(2))
    registry.promote("section", first)
    registry.promote("section", second)
    (registry.root / "section" / first / "model.joblib").write_bytes(b"broken")
    with pytest.raises(ModelRefused):
        registry.rollback("section")
    assert registry.champion("section") == second


def test_a_save_that_was_cut_short_is_no_version(registry: Registry, reader: Reader) -> None:
    version = save(registry, fit(reader)).version
    left_over = registry.root / "section" / ".saving-abc" / "version"
    shutil.copytree(registry.root / "section" / version, left_over)
    (left_over / "manifest.json").unlink()
    (registry.root / "section" / ".champion-xyz").write_text("20200101-000000-abcdef\n")
    assert [m.version for m in registry.versions("section")] == [version]
    assert registry.champion("section") is None


def test_a_save_that_fails_leaves_nothing(registry: Registry, reader: Reader) -> None:
    model = fit(reader)
    model.state["unpicklable"] = lambda: None
    with pytest.raises(Exception, match="pickle"):
        save(registry, model)
    assert list((registry.root / "section").iterdir()) == []


@pytest.mark.parametrize(
    "version",
    [
        "../topic/20260101-000000-abcdef",
        "..",
        ".",
        "",
        "/etc",
        "20260101-000000-abcdef/..",
        ".saving-abc",
        "a\x00b",
    ],
)
def test_a_version_name_cannot_lead_out_of_the_folder(
    registry: Registry, reader: Reader, version: str
) -> None:
    save(registry, fit(reader))
    for act in (registry.load, registry.manifest, registry.promote):
        with pytest.raises(NotFound, match="不是模型版本号"):
            act("section", version)


def test_a_target_name_cannot_lead_out_of_the_folder(registry: Registry, reader: Reader) -> None:
    version = save(registry, fit(reader)).version
    for target in ("../models/section", "", "section/.."):
        with pytest.raises(NotFound, match="没有名为"):
            registry.load(target, version)


def test_nonsense_in_the_pointer_is_no_champion(registry: Registry, reader: Reader) -> None:
    version = save(registry, fit(reader)).version
    (registry.root / "section" / "champion").write_text(f"{version}\n../../etc/passwd\n")
    assert registry.champion("section") == version


def test_an_unknown_version_is_named(registry: Registry) -> None:
    with pytest.raises(NotFound, match="20200101-000000-abcdef"):
        registry.load("section", "20200101-000000-abcdef")
