"""A local folder of a sentence-transformer exported to ONNX as an encoder; nothing is downloaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from triage.encoder import MAX_CHARS, ONNX, Vectors, missing_extra, unit_rows
from triage.errors import InputError

LONGEST = 512
_NAME_CHARS = 40  # with the digest the name stays within the ledger's 60
_POOLING = "1_Pooling/config.json"
_MODULES = "modules.json"
_LENGTHS = (("sentence_bert_config.json", "max_seq_length"), ("tokenizer_config.json", "model_max_length"))
# what this module does itself; any other step changes the vectors
_STEPS = {"Transformer", "Pooling", "Normalize", "Dropout"}
_INTEGERS = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}


class OnnxEncoder:
    """Sentence vectors from ``model.onnx`` in a folder, pooled as the folder says, on one thread.

    ``name`` holds the folder's name and a digest of every file that decides the vectors, so
    a changed folder is another encoder. No prompt is put before the texts.
    """

    def __init__(self, folder: Path) -> None:
        """Load the model and try it, so that all that can be wrong shows here.

        Args:
            folder: holds tokenizer.json and model.onnx or onnx/model.onnx. Read where they
                are there: 1_Pooling/config.json (mean or cls; mean without it), modules.json,
                sentence_bert_config.json, tokenizer_config.json (longest input in tokens).

        Raises:
            InputError: onnxruntime or tokenizers is not installed; a file is missing or
                broken; the model does not fit the files or is no sentence encoder.
        """
        self._folder = folder.resolve()
        if not self._folder.is_dir():
            raise self._unusable("没有这个文件夹")
        model = self._file("model.onnx", "onnx/model.onnx")
        tokenizer = self._file("tokenizer.json")
        self._load(model, tokenizer)
        self._pooled_inside = self._output == "sentence_embedding"
        self._first_token_only = not self._pooled_inside and self._is_cls()
        self.name = f"{ONNX}{self._folder.name[:_NAME_CHARS]}@{self._digest(model, tokenizer)[:12]}"
        self.dimensions = 0
        self.dimensions = len(self._row("建议"))
        if not self.dimensions:
            raise self._unusable("tokenizer.json 把“建议”两个字读成空的")

    def encode(self, texts: Sequence[str]) -> Vectors:
        """See Encoder. One text at a time: no padding, so no text's vector depends on another's."""
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for i, text in enumerate(texts):
            if text:
                vectors[i] = self._row(text[:MAX_CHARS])
        return unit_rows(vectors)

    def _load(self, model: Path, tokenizer: Path) -> None:
        try:
            import onnxruntime
            from tokenizers import Tokenizer
        except ImportError as error:
            raise missing_extra("onnxruntime 和 tokenizers", "onnx") from error
        try:
            self._tokenizer = Tokenizer.from_file(str(tokenizer))
            self._tokenizer.no_padding()
            self._tokenizer.enable_truncation(self._longest())
        except InputError:
            raise
        except Exception as error:  # the package raises nothing more exact
            raise self._unusable(f"tokenizer.json 无法读取({_line(error)})") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what fails is raised as well
        try:
            self._session = onnxruntime.InferenceSession(
                str(model), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exceptions have no common base of their own
            raise self._unusable(f"{model.name} 无法读取({_line(error)})") from error
        outputs = [output.name for output in self._session.get_outputs()]
        known = [o for o in ("sentence_embedding", "last_hidden_state", "token_embeddings") if o in outputs]
        self._output = (known or outputs)[0]
        self._inputs = {i.name: _INTEGERS.get(i.type) for i in self._session.get_inputs()}

    def _row(self, text: str) -> Vectors:
        """One text's vector of shape (dimensions,), not scaled; zero where no token is left."""
        coded = self._tokenizer.encode(text)
        if not coded.ids:
            return np.zeros(self.dimensions, dtype=np.float32)
        given = {
            "input_ids": coded.ids,
            "attention_mask": coded.attention_mask,
            "token_type_ids": coded.type_ids,
        }
        feed = {}
        for name, kind in self._inputs.items():
            if name not in given or kind is None:
                raise self._unusable(f"模型要的输入 {name} 不是句向量模型的输入")
            feed[name] = np.array([given[name]], dtype=kind)
        try:
            result = np.asarray(self._session.run([self._output], feed)[0], dtype=np.float32)
        except Exception as error:
            raise self._unusable(f"模型算不出这样的输入:{len(coded.ids)} 个词元({_line(error)})") from error
        wanted = (1,) if self._pooled_inside else (1, len(coded.ids))
        if result.shape[:-1] != wanted or not np.isfinite(result).all():
            raise self._unusable(
                f"模型的输出 {self._output} 形状为 {result.shape},应为 {(*wanted, '维数')},并且都是有限的数"
            )
        if self._pooled_inside:
            return np.asarray(result[0])
        return np.asarray(result[0, 0] if self._first_token_only else result[0].mean(axis=0))

    def _is_cls(self) -> bool:
        """Whether the first token's vector stands for the text; the mean of all does otherwise."""
        for module in self._json(_MODULES, list):
            step = str(module.get("type")).rpartition(".")[2]
            if step not in _STEPS:
                raise self._unusable(
                    f"{_MODULES} 里还有 {step} 一步,而 model.onnx 没有 sentence_embedding 这个输出"
                )
        pooling = self._json(_POOLING, dict)
        if not pooling:
            return False
        modes = [key for key, on in pooling.items() if key.startswith("pooling_mode_") and on is True]
        if modes not in (["pooling_mode_mean_tokens"], ["pooling_mode_cls_token"]):
            raise self._unusable(f"{_POOLING} 应当只选 mean 或 cls 一种汇总方式,实为 {modes}")
        return modes == ["pooling_mode_cls_token"]

    def _longest(self) -> int:
        """Longest input in tokens; the files say none or a fancy number where they do not know."""
        said = [self._json(path, dict).get(key) for path, key in _LENGTHS]
        return min([LONGEST, *(n for n in said if isinstance(n, int) and n > 0)])

    def _digest(self, model: Path, tokenizer: Path) -> str:
        # weights may lie beside the model, as model.onnx_data or model.onnx.data
        beside = sorted(p for p in model.parent.glob(f"{model.name}?*") if p.is_file())
        settings = [self._folder / p for p in (_POOLING, _MODULES, *(path for path, _ in _LENGTHS))]
        whole = hashlib.sha256()
        for path in [model, *beside, tokenizer, *(p for p in settings if p.is_file())]:
            with path.open("rb") as file:
                whole.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
        return whole.hexdigest()

    def _file(self, *places: str) -> Path:
        for place in places:
            if (self._folder / place).is_file():
                return self._folder / place
        raise self._unusable(f"缺少文件 {' 或 '.join(places)}")

    def _json(self, place: str, kind: type[dict[str, Any]] | type[list[Any]]) -> Any:
        """The content of an optional JSON file, which is of that kind; empty where there is none."""
        path = self._folder / place
        if not path.is_file():
            return kind()
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self._unusable(f"{place} 无法读取({_line(error)})") from error
        if not isinstance(content, kind):
            raise self._unusable(f"{place} 的内容不是模型导出时的格式")
        return content

    def _unusable(self, why: str) -> InputError:
        return InputError(f"句向量模型文件夹 {self._folder} 不能用:{why}。")


def _line(error: Exception) -> str:
    """The first line of a library's message, for whoever made the folder."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
