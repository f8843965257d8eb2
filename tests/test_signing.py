"""Model files that somebody else put there never run; the service goes on without them and says so."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import pytest
from fastapi.testclient import TestClient

from service.command import main
from training.run import run_training
from triage.champions import DUTIES_ONLY
from triage.classifier import Example, TargetModel
from triage.config import Settings
from triage.desk import Desk
from triage.errors import InputError, ModelRefused
from triage.ledger.model_versions import add_model_version
from triage.ledger.store import Ledger
from triage.ledger.trainings import list_trainings
from triage.promotion import enter_version
from triage.reading import make_reader
from triage.registry import Manifest, Registry
from triage.sign_recorded import sign_recorded
from triage.signing import KEY_BYTES, SigningKey
from triage.taxonomy import Label

PLANTED = "20990101-000000-abcdef"


class Canary:
    """A pickle that makes a folder when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / "canary"


def train(desk: Desk, seen: int = 3) -> Manifest:
    """A version made here, on record and serving; ``seen`` tells one from another."""
    examples = [Example(str(i), "", f"停车收费第{i}次", "价格收费管理科") for i in range(seen)]
    reader = desk.make_reader("none", desk.taxonomy.terms())
    model = TargetModel.fit("section", desk.taxonomy.section, examples, reader)
    manifest = desk.registry.save(model, data={"examples": seen}, metrics={"accuracy": 0.9})
    enter_version(desk, manifest, promote=True, previous=None, who="李", why="")
    return manifest


def plant(folder: Path, canary: Path, told: dict[str, Any]) -> None:
    """A pickle that runs, with a manifest that fits it."""
    folder.mkdir(exist_ok=True)
    joblib.dump(Canary(canary), folder / "model.joblib")
    digest = hashlib.sha256((folder / "model.joblib").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps({**told, "sha256": digest}), encoding="utf-8")


def new_version(desk: Desk, canary: Path, good: Manifest) -> str:
    """Without a signature, named in the pointer."""
    folder = desk.registry.root / "section"
    plant(folder / PLANTED, canary, {**good.to_dict(), "version": PLANTED})
    desk.registry.point("section", [good.version, PLANTED])
    return PLANTED


def signature_of_another(desk: Desk, canary: Path, good: Manifest) -> str:
    new_version(desk, canary, good)
    folder = desk.registry.root / "section"
    shutil.copy(folder / good.version / "manifest.sig", folder / PLANTED)
    return PLANTED


def key_of_another(desk: Desk, canary: Path, good: Manifest) -> str:
    new_version(desk, canary, good)
    folder = desk.registry.root / "section" / PLANTED
    key = SigningKey(canary.parent / "other.key")
    key.make()
    key.write_signature(folder, (folder / "manifest.json").read_bytes())
    return PLANTED


def file_and_checksum_exchanged(desk: Desk, canary: Path, good: Manifest) -> str:
    plant(desk.registry.root / "section" / good.version, canary, good.to_dict())
    return good.version


def file_alone_exchanged(desk: Desk, canary: Path, good: Manifest) -> str:
    joblib.dump(Canary(canary), desk.registry.root / "section" / good.version / "model.joblib")
    return good.version


def file_elsewhere(desk: Desk, canary: Path, good: Manifest) -> str:
    """A manifest that names a file outside, a version that is a link to outside."""
    outside = canary.parent / "outside"
    plant(outside, canary, {**good.to_dict(), "version": PLANTED, "file": "../../../outside/model.joblib"})
    (desk.registry.root / "section" / PLANTED).symlink_to(outside)
    desk.registry.point("section", [good.version, PLANTED])
    return PLANTED


def empty_signature(desk: Desk, canary: Path, good: Manifest) -> str:
    new_version(desk, canary, good)
    (desk.registry.root / "section" / PLANTED / "manifest.sig").write_bytes("\n签".encode())
    return PLANTED


ATTACKS = [
    new_version,
    signature_of_another,
    key_of_another,
    file_and_checksum_exchanged,
    file_alone_exchanged,
    file_elsewhere,
    empty_signature,
]
Attack = Callable[[Desk, Path, Manifest], str]


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_was_planted_never_runs_and_another_model_serves(
    desk: Desk, canary: Path, attack: Attack
) -> None:
    good = train(desk)
    version = attack(desk, canary, good)
    joblib.load(desk.registry.root / "section" / version / "model.joblib")
    canary.rmdir()  # so it would have shown
    restarted = Desk(desk.settings, ledger=desk.ledger)
    serving = restarted.champions.models()["section"]
    assert serving.version == (DUTIES_ONLY if version == good.version else good.version)
    problem = restarted.problems()["section"]
    assert f"模型 {version} 未被采用" in problem
    assert f"目前使用:{serving.version}" in problem
    for act in (restarted.registry.load, restarted.registry.promote):
        with pytest.raises(ModelRefused):
            act("section", version)
    if attack is not file_alone_exchanged:  # a manifest that we wrote may be shown
        assert version not in [m.version for m in restarted.registry.versions("section")]
    assert not canary.exists()


def test_the_service_serves_on_and_its_pages_say_so(desk: Desk, client: TestClient, canary: Path) -> None:
    good = train(desk)
    new_version(desk, canary, good)
    problem = client.get("/readyz").json()["problems"]["section"]
    assert "没有签名" in problem
    assert "triage init --resign" in problem
    assert problem in client.get("/queue").text
    assert client.post("/api/cases", json={"body": "请规范停车收费"}).status_code == 201
    assert client.get("/models/section").status_code == 200
    refused = client.post(f"/models/section/versions/{PLANTED}/promote", data={"why": "试试"})
    assert refused.status_code == 409
    assert not canary.exists()


def test_a_file_exchanged_between_check_and_use_does_not_run(
    desk: Desk, canary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = train(desk)
    path = desk.registry.root / "section" / good.version / "model.joblib"
    load = joblib.load

    def exchange_then_load(given: Any) -> Any:
        joblib.dump(Canary(canary), path)
        return load(given)

    monkeypatch.setattr(joblib, "load", exchange_then_load)
    assert desk.registry.load("section", good.version).version == good.version
    assert not canary.exists()


def test_the_key_is_private_and_nowhere_else(desk: Desk) -> None:
    path = desk.settings.signing_key
    assert path == desk.settings.home / "var" / "signing.key"
    assert not path.exists()
    train(desk)  # the first version of all makes it
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = path.read_bytes()
    assert len(key) == KEY_BYTES
    desk.ledger.close()
    for file in (p for p in desk.settings.home.rglob("*") if p.is_file() and p != path):
        content = file.read_bytes()
        assert key not in content
        assert key.hex().encode() not in content
    train(desk, 4)
    assert path.read_bytes() == key


def test_many_who_make_the_key_at_once_make_one(tmp_path: Path) -> None:
    key = SigningKey(tmp_path / "var" / "signing.key")

    def made(_: int) -> bytes:
        key.make()
        return key.path.read_bytes()

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(made, range(40)))
    assert len(found) == 1
    assert [p.name for p in key.path.parent.iterdir()] == ["signing.key"]


def spoil(path: Path, how: str) -> None:
    if how == "lost":
        path.unlink()
    elif how == "short":
        path.write_bytes(path.read_bytes()[:-1])
    elif how == "long":
        path.write_bytes(path.read_bytes() + b"x")
    elif how == "another":
        path.write_bytes(bytes(KEY_BYTES))
    else:
        path.chmod(int(how, 8))


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("lost", "不存在"),
        ("short", "已损坏"),
        ("long", "已损坏"),
        ("another", "与签名不符"),
        ("0604", "chmod 600"),
        ("0660", "chmod 600"),
    ],
)
def test_without_a_good_key_the_duties_serve_and_it_is_said_what_to_do(
    desk: Desk, how: str, says: str
) -> None:
    train(desk)
    spoil(desk.settings.signing_key, how)
    restarted = Desk(desk.settings, ledger=desk.ledger)
    assert restarted.champions.models()["section"].version == DUTIES_ONLY
    problem = restarted.problems()["section"]
    assert says in problem
    assert "triage init --resign" in problem


def test_a_group_may_read_the_key(desk: Desk) -> None:
    version = train(desk).version
    desk.settings.signing_key.chmod(0o640)
    assert desk.registry.load("section", version).version == version


def test_no_training_begins_that_could_not_be_signed(desk: Desk) -> None:
    version = train(desk).version
    desk.settings.signing_key.unlink()
    with pytest.raises(InputError, match=r"签名密钥 .* 不存在"):
        run_training(desk, who="李")
    assert not desk.settings.signing_key.exists()  # the old one may come back from a backup
    assert desk.registry.names("section") == [version]
    with desk.ledger.read() as session:
        (row,) = list_trainings(session=session, limit=5)
    assert (row.state, "签名密钥" in (row.problem or "")) == ("failed", True)


def init(desk: Desk, *more: str) -> int:
    return main(["--home", str(desk.settings.home), "init", *more])


def before_signing(desk: Desk) -> None:
    """The office as a release without signatures left it."""
    desk.settings.signing_key.unlink()
    for path in desk.registry.root.glob("*/*/manifest.sig"):
        path.unlink()


def test_an_upgrade_signs_what_the_ledger_confirms_and_nothing_else(
    desk: Desk, canary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    altered, exchanged, good = train(desk, 1), train(desk, 2), train(desk, 3)
    file_and_checksum_exchanged(desk, canary, exchanged)
    path = desk.registry.root / "section" / altered.version / "manifest.json"
    path.write_text(path.read_text("utf-8").replace("0.9", "1.0"), encoding="utf-8")
    new_version(desk, canary, good)
    before_signing(desk)
    upgraded = Desk(desk.settings, ledger=desk.ledger)
    assert upgraded.champions.models()["section"].version == DUTIES_ONLY
    assert "请运行 triage init" in upgraded.problems()["section"]
    capsys.readouterr()
    assert init(desk) == 0
    said = capsys.readouterr().out
    assert "已为 1 个模型版本签名" in said
    assert f"{PLANTED} 没有补签:台账里没有" in said
    for manifest in (altered, exchanged):
        assert f"{manifest.version} 没有补签:与台账里训练它的记录不符" in said
    # the service that was running takes it up
    assert upgraded.champions.models()["section"].version == good.version
    assert [m.version for m in desk.registry.versions("section")] == [good.version]
    assert not canary.exists()
    signed = desk.registry.root / "section" / good.version / "manifest.sig"
    before = signed.stat().st_mtime_ns
    assert init(desk, "--resign") == 0  # what is signed stays as it is
    assert signed.stat().st_mtime_ns == before


def test_either_database_remembers_a_manifest_well_enough(ledger: Ledger, tmp_path: Path) -> None:
    model = TargetModel.fit(
        "section", (Label("甲", "电网"), Label("乙", "收费")), [], make_reader("none", ())
    )
    registry = Registry(tmp_path / "models", make_reader, SigningKey(tmp_path / "key"))
    figures = {
        "loss": 1e-7,
        "sum": 0.1 + 0.2,
        "whole": 1.0,
        "none": None,
        "many": 10**17,
        "said": "好\\u4e00😀",
    }
    manifest = registry.save(model, data={"examples": 0}, metrics=figures)
    (registry.folder("section", manifest.version) / "manifest.sig").unlink()
    with ledger.write() as session:
        add_model_version(manifest, who="李", session=session)
    with ledger.read() as session:
        assert sign_recorded(registry, session=session).versions == [manifest.version]
    assert registry.manifest("section", manifest.version) == manifest


def test_a_lost_key_is_told_and_only_replaced_when_asked(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    version = train(desk).version
    desk.settings.signing_key.unlink()
    capsys.readouterr()
    assert init(desk) == 0
    assert "不见了" in capsys.readouterr().out
    assert not desk.settings.signing_key.exists()
    assert init(desk, "--resign") == 0
    assert "已为 1 个模型版本签名" in capsys.readouterr().out
    assert desk.registry.load("section", version).version == version


def test_several_hosts_share_models_and_key(desk: Desk, tmp_path: Path) -> None:
    shared = tmp_path / "shared" / "office.key"
    env = {
        "TRIAGE_DATABASE_URL": desk.settings.database_url,
        "TRIAGE_MODELS_DIR": str(tmp_path / "models"),
        "TRIAGE_TAXONOMY": str(desk.settings.taxonomy_path),
        "TRIAGE_SIGNING_KEY_FILE": str(shared),
        "TRIAGE_ENCODER": "none",
    }
    one, two = (
        Desk(type(desk.settings).from_env({**env, "TRIAGE_HOME": str(tmp_path / name)}), ledger=desk.ledger)
        for name in ("one", "two")
    )
    version = train(one).version
    assert two.champions.models()["section"].version == version
    assert shared.exists()
    alone = replace(two.settings, signing_key=tmp_path / "two" / "var" / "signing.key")
    assert Desk(alone, ledger=desk.ledger).champions.models()["section"].version == DUTIES_ONLY


def test_a_key_among_the_models_it_guards_is_refused(tmp_path: Path) -> None:
    env = {"TRIAGE_HOME": str(tmp_path), "TRIAGE_SIGNING_KEY_FILE": str(tmp_path / "models" / "key")}
    with pytest.raises(InputError, match="不能放在模型目录里"):
        Settings.from_env(env)


def test_a_process_of_ours_is_told_where_the_key_is(tmp_path: Path) -> None:
    env = {"TRIAGE_HOME": str(tmp_path), "TRIAGE_SIGNING_KEY_FILE": str(tmp_path / "elsewhere")}
    settings = Settings.from_env(env)
    assert Settings.from_env(settings.to_env()).signing_key == settings.signing_key == tmp_path / "elsewhere"
