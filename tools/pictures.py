"""Make the README's pictures: the real pages of a fresh sample office. Run by ``make pictures``."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPO), str(REPO / "tests")]

from browsing import chromium  # noqa: E402
from live_server import LiveServer  # noqa: E402

from service.command import main as triage  # noqa: E402

PICTURES = REPO / "docs" / "pictures"
SIZE = {"width": 1366, "height": 768}


def main() -> int:
    """Start the service, sign in, and write docs/pictures/*.png."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        home = Path(folder) / "home"
        os.environ["TRIAGE_AUDIT_SHARE"] = "0"  # no case by lot: the same pictures every time
        if triage(["--home", str(home), "demo"]) != 0:
            return 1
        with LiveServer(home) as server:
            with server.client() as client:
                found = client.get("/api/cases", params={"text": "物流集散基地"}).json()["cases"]
            context = browser.new_context(base_url=server.url, viewport=SIZE, locale="zh-CN")
            context.add_cookies([server.cookie("李主任")])
            page = context.new_page()
            for name, address in (("queue", "/queue"), ("case", f"/cases/{found[0]['id']}")):
                page.goto(address, wait_until="networkidle")
                page.screenshot(path=PICTURES / f"{name}.png")
                print(f"docs/pictures/{name}.png")
            context.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
