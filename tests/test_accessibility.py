"""axe-core over every page in a real browser: no serious fault, at the size of an office's screen."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi.routing import APIRoute
from live_server import LiveServer
from playwright.sync_api import Browser, Page

from service.app import make_app
from service.entry import is_open
from triage.desk import Desk
from triage.ledger.keys import digest

SERIOUS = ("serious", "critical")
# what the paths' parameters stand for in the sample office
PARAMETERS = {"target": "section"}
QUERIES = {"/settings/labels/{target}/edit": "?name=能源科", "/year/cases": "?year=2026&what=unnamed"}
# what leads on, or is no page of its own
LEFT_OUT = {
    *("/", "/sign-in/single", "/sign-in/single/back", "/first", "/link", "/settings", "/intake/files"),
    *("/queue/changes", "/queue/cases/{case_id}", "/intake/{waiting_id}/original"),
    *("/intake/{waiting_id}/picture", "/intake/batches/{batch_id}/progress"),
    "/models/trainings/{training_id}/progress",
    *("/intake/batches/{batch_id}/refused.csv", "/settings/versions/{sha256}"),
    *(f"/models/trainings/{{training_id}}/report.{kind}" for kind in ("json", "docx")),
}
SCREENSHOTS = os.environ.get("TRIAGE_SCREENSHOTS", "")  # a folder for them


def pages(desk: Desk) -> list[str]:
    """The path of every page, in the application's own words."""
    routers = [getattr(item, "original_router", None) for item in make_app(desk.settings, desk).routes]
    return sorted(
        route.path
        for router in routers
        if router is not None
        for route in router.routes
        if isinstance(route, APIRoute)
        and "GET" in route.methods
        and not route.path.startswith(("/api", "/healthz", "/readyz", "/metrics"))
        and route.path not in LEFT_OUT
    )


def filled(path: str, known: dict[str, str]) -> str:
    """The path with real numbers; a parameter that is not known here fails the test by its name."""
    return re.sub(r"\{(\w+)\}", lambda found: known[found[1]], path) + QUERIES.get(path, "")


@pytest.fixture
def known(server: LiveServer, demo_desk: Desk) -> dict[str, str]:
    with server.client() as client:
        cases = client.get("/api/cases", params={"state": "in_review"}).json()["cases"]
        serving = client.get("/api/models").json()[0]["serving"]
        form = {"x-csrf-token": digest(f"csrf:{client.cookies['triage']}"), "accept": "application/json"}
        document = {"file": ("建议.txt", "标题:关于增建充电桩的建议\n正文:小区没有充电桩。".encode())}
        (waits,) = client.post("/intake/files", files=document, headers=form).json()["kept"]
        rows = "编号,标题,正文\n901,路灯,路灯不亮\n902,,没有标题\n".encode()
        sheet = client.post("/api/files", files={"file": ("清单.csv", rows)}).json()
        sent = {"sha256": sheet["sha256"], "name": "清单.csv", "kind": "intake", "who": "李"}
        batch = client.post("/api/batches", json=sent).json()
    case, other = cases[0]["id"], cases[1]["id"]
    return {
        **PARAMETERS,
        "case_id": str(case),
        "other_id": str(other),
        "version": serving,
        "waiting_id": str(waits["id"]),
        "batch_id": str(batch["id"]),
        "training_id": "1",  # that the demo left
    }


def faults(page: Page) -> list[str]:
    """What axe finds serious, each with its first place."""
    found = Axe().run(page).response["violations"]
    return [
        f"{v['id']}: {v['help']} at {v['nodes'][0]['target']} {v['nodes'][0]['html'][:160]}"
        for v in found
        if v["impact"] in SERIOUS
    ]


def test_no_page_has_a_serious_fault(
    server: LiveServer, browser: Browser, known: dict[str, str], demo_desk: Desk
) -> None:
    told = {}
    for signed_in in (True, False):
        context = browser.new_context(
            base_url=server.url,
            bypass_csp=True,  # axe is put into the page
            locale="zh-CN",
            viewport={"width": 1366, "height": 768},
        )
        if signed_in:
            context.add_cookies([server.cookie()])
        page = context.new_page()
        listed = [path for path in pages(demo_desk) if is_open(path) is not signed_in]
        for path in [*listed, *(["/nothing"] if signed_in else [])]:
            address = filled(path, known)
            page.goto(address)
            if SCREENSHOTS:
                name = address.strip("/").replace("/", "-").replace("?", "-") or "home"
                page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png")
            if found := faults(page):
                told[path] = found
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > 1366:
                told.setdefault(path, []).append(f"{wide} wide")
        context.close()
    assert told == {}
