"""Files that are no whole backup, or not what they say: refused in words before anything is written."""

# ruff: noqa: F811 - fixtures of another file are imported under the names by which they are asked for

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from backed_up import NewPlace, is_untouched, new_place, office, repacked  # noqa: F401

from triage.backup.restoring import restore_backup
from triage.backup.taking import take_backup
from triage.desk import Desk
from triage.errors import InputError

sqlite_only = pytest.mark.parametrize("backend", ["sqlite"])


@sqlite_only
def test_a_file_cut_off_anywhere_is_refused(office: Desk, new_place: NewPlace, tmp_path: Path) -> None:
    file, _ = take_backup(office.settings, tmp_path / "a.tar.gz")
    data, place = file.read_bytes(), new_place()
    for length in (0, 1, 10, 700, len(data) // 2, len(data) - 3000, len(data) - 500):
        file.write_bytes(data[:length])
        with pytest.raises(InputError, match=str(file)):
            restore_backup(place, file, who="王")
    flipped = bytearray(data)
    flipped[len(data) // 3] ^= 0x10
    file.write_bytes(flipped)
    with pytest.raises(InputError, match=str(file)):
        restore_backup(place, file, who="王")
    for other in (tmp_path / "picture.png", tmp_path / "other.tar.gz"):
        other.write_bytes(b"\x89PNG")
        with pytest.raises(InputError, match="不是 triage backup 写出的备份"):
            restore_backup(place, other, who="王")
    with tarfile.open(tmp_path / "other.tar.gz", "w:gz") as tar:
        tar.add(Path(__file__), "office.toml")
    with pytest.raises(InputError, match="末尾的清单不在"):
        restore_backup(place, tmp_path / "other.tar.gz", who="王")
    assert is_untouched(place)
    file.write_bytes(data)
    assert restore_backup(place, file, who="王").verdict.problems == []


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


def listed(**given: Any) -> Callable[[dict[str, Any]], None]:
    return lambda contents: contents.update(given)


@sqlite_only
def test_what_was_altered_added_or_taken_out_is_named(
    office: Desk, new_place: NewPlace, tmp_path: Path
) -> None:
    file, contents = take_backup(office.settings, tmp_path / "a.tar.gz")
    place, n = new_place(), 0

    def refuse(match: str, **how: Any) -> None:
        nonlocal n
        n += 1
        with pytest.raises(InputError, match=match):
            restore_backup(place, repacked(file, tmp_path / f"{n}.tar.gz", **how), who="王")
        assert is_untouched(place)
        assert not (tmp_path / "evil").exists()

    model = next(m.name for m in contents.members if m.name.endswith("model.joblib"))
    refuse("office.toml 与清单不符", edit=lambda members: members.update({"office.toml": b"office = 1"}))
    refuse(f"{model} 与清单不符", edit=lambda members: members.update({model: members[model] + b"x"}))
    refuse("与清单不符", edit=lambda members: members.pop("office.toml"))
    for evil in (
        *(entry(name) for name in ("../evil", str(tmp_path / "evil"), "models/section/../../evil", "evil")),
        *(entry("office.toml", kind, "/etc/passwd") for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE)),
        *(entry("models/section", tarfile.DIRTYPE), entry("office.toml", tarfile.FIFOTYPE)),
    ):
        refuse("里面有不该有的", extra=evil)
    refuse("与清单不符", extra=entry("office.toml"))  # twice
    # a list that fits the files and still is not theirs
    refuse("不是清单上的锚点", listed=listed(anchor=f"{contents.rows['event']}:{'0' * 64}"))
    refuse("应有 7 行", listed=listed(rows={**contents.rows, "case": 7}))
    refuse("更新的程序", listed=listed(revision="9999"))
    refuse("更新的程序", listed=listed(format=2))
    refuse("台账的结构是", listed=listed(revision="0011"))
    for nonsense in ({"rows": []}, {"members": 3}, {"anchor": "x"}, {"created_at": "y"}, {"more": 1}):
        refuse("清单读不懂", listed=listed(**nonsense))

    def another_model(members: dict[str, bytes]) -> None:
        members[model] = b"a pickle of somebody's"
        whole = json.loads(members["manifest.json"])
        (one,) = [m for m in whole["members"] if m["name"] == model]
        one |= {"size": len(members[model]), "sha256": hashlib.sha256(members[model]).hexdigest()}
        members["manifest.json"] = json.dumps(whole).encode()

    refuse("不是台账登记的那个文件", edit=another_model)


@sqlite_only
def test_a_backup_of_the_other_database_says_what_to_do(
    office: Desk, tmp_path: Path, new_place: NewPlace, postgres_server: Any
) -> None:
    file, _ = take_backup(office.settings, tmp_path / "a.tar.gz")
    place = replace(new_place(), database_url=postgres_server.get_uri(database="template1"))
    with pytest.raises(InputError, match="migrate-ledger"):
        restore_backup(place, file, who="王")
