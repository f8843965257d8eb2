"""Schemathesis over the whole API of a real service: ``python tests/fuzz_api.py --minutes 5 --seed 1``.

The sample office without sentence vectors, one token with every scope. Each answer is held against
/api/openapi.json: no error of the program, a documented status, the documented content type and schema,
405 with an ``Allow`` for other methods, 401 without a token. Afterwards the service must still answer, its log
hold no traceback, and the ledger verify.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from live_server import LiveServer  # noqa: E402

from service.command import main as triage  # noqa: E402
from triage.ledger.verify import verify_ledger  # noqa: E402

# what sends data that the schema forbids may be refused as unknown (404) before its body is read, and
# what the schema allows may still be refused by the ledger: the two checks that forbid this say nothing here
CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_headers_conformance", "response_schema_conformance", "unsupported_method"),
    *("allow_header_conformance", "missing_required_header", "ignored_auth"),
)
PHASES = ("examples", "coverage", "fuzzing", "stateful")


def main() -> int:
    """Exit code 1 where there was a finding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--phases", default=",".join(PHASES))
    parser.add_argument("--only", help="a regular expression of addresses")
    given = parser.parse_args()
    os.environ["TRIAGE_ENCODER"] = "none"
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        if triage(["--home", str(home), "demo"]):
            return 1
        with LiveServer(home, TRIAGE_ENCODER="none") as server:
            failed = _run(server, given, Path(folder))
            _still_serves(server)
            log = server.log.read_text(encoding="utf-8")
            with closing(server.ledger()) as ledger, ledger.read() as session:
                verdict = verify_ledger(session)
        print(f"verify: {verdict.events} events, {verdict.rows} rows, {verdict.problems}")
        if "Traceback" in log:
            print(log[log.index("Traceback") :][:20_000])
        return 1 if failed or verdict.problems or "Traceback" in log else 0


def _run(server: LiveServer, given: argparse.Namespace, folder: Path) -> bool:
    command = ["st", "--no-color", "run", f"{server.url}/api/openapi.json"]
    command += ["-H", f"Authorization: Bearer {server.token}", "--checks", ",".join(CHECKS)]
    command += [
        "--seed",
        str(given.seed),
        "--max-time",
        str(int(given.minutes * 60)),
        "--phases",
        given.phases,
    ]
    command += ["--continue-on-failure", "--request-timeout", "60", "--no-shrink", "--warnings", "off"]
    command += ["--include-path-regex", given.only] if given.only else []
    env = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    return subprocess.run(command, env=env, cwd=folder, check=False).returncode != 0


def _still_serves(server: LiveServer) -> None:
    with server.client() as client:
        assert client.get("/readyz").status_code == 200
        assert client.get("/api/cases").status_code == 200


if __name__ == "__main__":
    sys.exit(main())
