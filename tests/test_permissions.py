"""Who may do what: every address tried as every role, and as nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from entry import come_in, make_token, sign_in
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from test_problems import office_at

from service.app import make_app
from service.entry import is_open
from service.permissions import NEEDS
from service.permissions_document import DOCUMENT, text
from service.problems import is_for_programs
from service.roles import PERMISSION_NAMES, ROLE_PERMISSIONS, SCOPES
from triage.desk import Desk
from triage.ledger.accounts import ROLE_NAMES
from triage.ledger.decisions import decide
from triage.ledger.duties import add_duty
from triage.ledger.keys import digest

BASE_URL = "http://127.0.0.1:8000"
OWN, OTHER = "能源科", "价格收费管理科"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, dict[str, int]]]:
    """An office with a case of each of two sections, and one that the first assists with."""
    with office_at(tmp_path_factory.mktemp("roles"), known=False) as (desk, client):
        come_in(client, desk.ledger)
        ids = {}
        for name, body, section in (
            ("own", "小区充电桩电力增容改造", OWN),
            ("other", "停车场收费不公示", OTHER),
            ("assisted", "殡葬服务收费标准", OTHER),
        ):
            ids[name] = client.post("/api/cases", json={"body": body}).json()["id"]
            with desk.ledger.write() as session:
                decide(
                    ids[name],
                    {"section": section},
                    who="李",
                    why="属其职责",
                    session=session,
                    taxonomy=desk.taxonomy,
                )
        with desk.ledger.write() as session:
            add_duty(ids["assisted"], OWN, task="电价", who="李", session=session, taxonomy=desk.taxonomy)
        yield desk, ids


def fresh(desk: Desk) -> TestClient:
    return TestClient(make_app(desk.settings, desk), base_url=BASE_URL, follow_redirects=False)


def as_role(desk: Desk, role: str) -> TestClient:
    """A browser in which somebody with this role signed in."""
    client = fresh(desk)
    key = sign_in(desk.ledger, f"某{role}", [role], OWN if role == "handler" else "")
    client.cookies.set("triage", key)
    client.headers["x-csrf-token"] = digest(f"csrf:{key}")
    return client


def addresses(desk: Desk) -> list[tuple[str, str]]:
    """Method and path of every route of the application."""
    included = [getattr(item, "original_router", None) for item in make_app(desk.settings, desk).routes]
    routes = [route for router in included if router is not None for route in router.routes]
    return [
        (method, route.path)
        for route in routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods - {"HEAD"})
    ]


def filled(path: str, case: int = 10**6) -> str:
    """The path with numbers of nothing in it; the case may be a real one."""
    path = path.replace("{case_id}", str(case)).replace("{kind}", "contacts")
    return re.sub(r"\{[^}]+\}", "1000000", path.replace("/api/ledger.contacts", "/api/ledger.csv"))


def refused(response: Any) -> bool:
    """Whether it was the permission that was missing."""
    return response.status_code == 403


def test_every_address_has_its_permission_and_every_permission_an_address(
    office: tuple[Desk, dict[str, int]],
) -> None:
    there = {f"{method} {path}" for method, path in addresses(office[0]) if not is_open(path)}
    assert there == set(NEEDS)
    assert {need.permission for need in NEEDS.values()} == set(PERMISSION_NAMES)


def test_the_document_is_the_table() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == text()


def test_nobody_reaches_nothing_but_the_way_in(office: tuple[Desk, dict[str, int]]) -> None:
    client = fresh(office[0])
    for shown in ({}, {"authorization": "Bearer triage_wrong"}, {"cookie": "triage=wrong"}):
        for method, path in addresses(office[0]):
            if is_open(path):
                continue
            answer = client.request(method, filled(path, office[1]["own"]), headers=shown)
            if is_for_programs(path) or method != "GET":
                assert answer.status_code == 401, (method, path)
            else:
                assert (answer.status_code, answer.headers["location"][:8]) == (303, "/sign-in"), path
    for path in ("/api/openapi.json", "/nothing", "/queue/../me", "/static/../service/app.py"):
        assert client.get(path).status_code in (303, 401, 404), path
    assert client.get("/static/style.css").status_code == 200


@pytest.mark.parametrize("role", list(ROLE_NAMES))
def test_each_role_reaches_what_the_table_says_and_nothing_else(
    office: tuple[Desk, dict[str, int]], role: str
) -> None:
    desk, _ = office
    client = as_role(desk, role)
    for method, path in addresses(desk):
        if is_open(path) or path == "/sign-out":
            continue
        need = NEEDS[f"{method} {path}"]
        writes_api = path.startswith("/api") and method == "POST"
        may = need.permission in ROLE_PERMISSIONS[role] and not writes_api
        if role == "handler":
            may = may and need.own in ("list", "all")  # the case that is asked for is nobody's
        answer = client.request(method, filled(path))
        assert refused(answer) is not may, (method, path, answer.status_code)


@pytest.mark.parametrize("scope", SCOPES)
def test_a_token_reaches_what_its_scope_says_for_programs_and_no_page(
    office: tuple[Desk, dict[str, int]], scope: str
) -> None:
    desk, _ = office
    client = fresh(desk)
    client.headers["authorization"] = f"Bearer {make_token(desk.ledger, [scope])}"
    for method, path in addresses(desk):
        if is_open(path):
            continue
        answer = client.request(method, filled(path), json={} if method == "POST" else None)
        if is_for_programs(path):
            assert refused(answer) is not (NEEDS[f"{method} {path}"].permission == scope), (method, path)
        else:
            assert answer.status_code in (303, 401), (method, path)


def test_a_handler_sees_the_own_sections_cases_and_those_it_assists_with(
    office: tuple[Desk, dict[str, int]],
) -> None:
    desk, ids = office
    client = as_role(desk, "handler")
    for path in ("/cases/{}", "/cases/{}/print", "/api/cases/{}", "/api/cases/{}/letter.docx"):
        answers = {name: client.get(path.format(i)).status_code for name, i in ids.items()}
        assert answers == {"own": 200, "assisted": 200, "other": 403}, path
    listed = {case["id"] for case in client.get("/api/cases").json()["cases"]}
    assert listed == {ids["own"], ids["assisted"]}
    exported = client.get("/api/ledger.csv").text
    assert ("充电桩" in exported, "殡葬" in exported, "停车场" in exported) == (True, True, False)
