"""Ask the public advisories about the locked dependencies; run by ``make audit``. A known vulnerability fails.

Where the advisories cannot be reached that is said and nothing fails: "could not be asked" is not "clean".
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

# how pip-audit ends where nobody answers, or answers with an error of the server; nothing of it is on its stdout
UNREACHED = (
    "requests.exceptions.",
    "Could not connect to PyPI",
    "not redirecting",
    "_service.interface.ServiceError",
)


def main(lock: str) -> int:
    """The exit code: 1 for a known vulnerability or a lock file that cannot be read."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "-r", lock, "--format", "json"]
    done = subprocess.run(
        [*command, "--progress-spinner", "off"], capture_output=True, text=True, check=False
    )
    code, said = judge(lock, done.stdout, done.stderr)
    print(said, file=sys.stderr if code else sys.stdout)
    return code


def judge(lock: str, told: str, complaint: str) -> tuple[int, str]:
    """Exit code and sentence for what pip-audit wrote to its standard output and error."""
    try:
        found: list[dict[str, Any]] = json.loads(told)["dependencies"]
    except (ValueError, KeyError):
        if any(sign in complaint for sign in UNREACHED):
            return 0, f"注意:连不上漏洞公告,{lock} 没有核对。"
        return 1, f"{lock} 没有核对成:\n{complaint.strip()}"
    asked = [one for one in found if "skip_reason" not in one]
    lines = [
        f"  {one['name']} {one['version']}:{vulnerability['id']},修复版本:{'、'.join(vulnerability['fix_versions']) or '还没有'}"
        for one in asked
        for vulnerability in one["vulns"]
    ]
    if lines:
        return 1, "\n".join([f"{lock} 有已知漏洞 {len(lines)} 处:", *lines])
    if not asked:
        return 0, f"注意:漏洞公告里查不到 {lock} 的任何一个包(共 {len(found)} 个),没有核对,不能算没有漏洞。"
    rest = f";另有 {len(found) - len(asked)} 个查不到,没有核对" if len(asked) < len(found) else ""
    return 0, f"{lock}:查了 {len(asked)} 个包,没有已知漏洞{rest}。"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
