"""How long the next case takes when thirty are reviewed by keyboard: ``python tests/measure_keyboard.py``.

The sample office on the real service, Chromium without a window; from the last key of a decision to
the frame in which the next case stands.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from browsing import chromium  # noqa: E402
from live_server import LiveServer  # noqa: E402
from test_keyboard import CASES, fill_queue, review  # noqa: E402

from service.command import main as triage  # noqa: E402

ROUNDS = 5


def main() -> int:
    """Print median, 95th percentile and maximum of each round and of all."""
    everything: list[float] = []
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        home = Path(folder) / "home"
        os.environ["TRIAGE_AUDIT_SHARE"] = "0"  # no case by lot: the same queue every time
        assert triage(["--home", str(home), "demo"]) == 0
        with LiveServer(home) as server:
            for n in range(ROUNDS):
                fill_queue(server, (n + 1) * (CASES + 5))
                context = browser.new_context(base_url=server.url, viewport={"width": 1366, "height": 768})
                context.add_cookies([server.cookie()])  # type: ignore[list-item]
                page = context.new_page()
                page.goto("/queue")
                page.wait_for_timeout(500)  # a person looks before the first key
                times = sorted(r.ms for r in review(page, CASES))
                context.close()
                everything += times
                print(f"round {n + 1}: {told(times)}")
    print(f"all {len(everything)}: {told(sorted(everything))}")
    return 0


def told(times: list[float]) -> str:
    p95 = times[int(0.95 * (len(times) - 1) + 0.5)]
    return f"median {statistics.median(times):.0f} ms, p95 {p95:.0f} ms, most {times[-1]:.0f} ms"


if __name__ == "__main__":
    sys.exit(main())
