"""``make audit``: a known vulnerability fails; advisories that cannot be asked are a note, never "clean"."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
TOOL = CHECKOUT / "tools" / "audit.py"
FINE = {"name": "jieba", "version": "0.42.1", "vulns": []}
BAD = {
    "name": "jinja2",
    "version": "2.4.1",
    "vulns": [
        {"id": "PYSEC-2021-66", "fix_versions": ["2.11.3"], "aliases": [], "description": ""},
        {"id": "PYSEC-2099-1", "fix_versions": [], "aliases": [], "description": ""},
    ],
}
UNKNOWN = {"name": "own", "skip_reason": "Dependency not found on PyPI and could not be audited: own (1)"}

# a pip_audit that writes what it is given: the real one asks the internet
STAND_IN = """import os, sys
sys.stdout.write(os.environ["TOLD"]), sys.stderr.write(os.environ["COMPLAINT"])
sys.exit(int(os.environ["CODE"]))
"""


def audited(folder: Path, told: str, complaint: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
    (folder / "pip_audit.py").write_text(STAND_IN, encoding="utf-8")
    env = {**os.environ, "TOLD": told, "COMPLAINT": complaint, "CODE": str(code), "PYTHONPATH": str(folder)}
    command = [sys.executable, str(TOOL), "requirements.lock"]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)


def report(*dependencies: dict[str, Any]) -> str:
    return json.dumps({"dependencies": dependencies, "fixes": []})


def test_a_known_vulnerability_fails_and_is_named(tmp_path: Path) -> None:
    done = audited(tmp_path, report(FINE, BAD, UNKNOWN), code=1)
    assert done.returncode == 1
    assert "已知漏洞 2 处" in done.stderr
    assert "jinja2 2.4.1:PYSEC-2021-66,修复版本:2.11.3" in done.stderr
    assert "PYSEC-2099-1,修复版本:还没有" in done.stderr


def test_what_was_asked_and_found_clean_is_counted_apart_from_what_was_not_asked(tmp_path: Path) -> None:
    done = audited(tmp_path, report(FINE, UNKNOWN))
    assert done.returncode == 0
    assert "查了 1 个包,没有已知漏洞;另有 1 个查不到,没有核对" in done.stdout
    assert "没有核对" not in audited(tmp_path, report(FINE)).stdout


@pytest.mark.parametrize(
    ("told", "complaint", "code"),
    [
        (report(UNKNOWN, UNKNOWN), "No known vulnerabilities found\n", 0),
        ("", "requests.exceptions.ProxyError: HTTPSConnectionPool(host='pypi.org', port=443)\n", 1),
    ],
)
def test_where_nothing_could_be_asked_that_is_a_note_and_not_clean(
    tmp_path: Path, told: str, complaint: str, code: int
) -> None:
    done = audited(tmp_path, told, complaint, code)
    assert done.returncode == 0
    assert done.stdout.startswith("注意:")
    assert "没有核对" in done.stdout
    assert "没有已知漏洞" not in done.stdout


def test_a_lock_file_that_cannot_be_read_fails(tmp_path: Path) -> None:
    done = audited(tmp_path, "", "ERROR:pip_audit._cli:invalid requirements input: requirements.lock\n", 1)
    assert done.returncode == 1
    assert "invalid requirements input" in done.stderr


def test_the_real_one_where_nobody_answers(tmp_path: Path) -> None:
    lock = tmp_path / "one.lock"
    lock.write_text(f"jieba==0.42.1 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    env = {**os.environ, "HTTPS_PROXY": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1"}
    env |= {"NO_PROXY": "", "no_proxy": ""}
    command = [sys.executable, str(TOOL), str(lock)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "连不上漏洞公告" in done.stdout
