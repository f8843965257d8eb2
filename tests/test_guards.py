"""What may reach the service: our own addresses, our own pages, in sensible sizes; where it may listen."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from live_server import free_port
from test_problems import check_problem, office_at, post_case, rows

from service.app import make_app
from service.command import main
from service.guards import check_host
from triage.config import Settings
from triage.desk import Desk
from triage.errors import InputError


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, TestClient]]:
    with office_at(tmp_path_factory.mktemp("guarded")) as office:
        yield office


@pytest.fixture
def desk(office: tuple[Desk, TestClient]) -> Desk:
    """One office for the whole file: a refusal leaves no trace in it."""
    return office[0]


@pytest.fixture
def client(office: tuple[Desk, TestClient]) -> TestClient:
    return office[1]


@pytest.fixture
def new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """An office that nobody has an account of yet."""
    with office_at(tmp_path, known=False) as (desk, _):
        monkeypatch.setenv("TRIAGE_DATABASE_URL", desk.settings.database_url)
        yield desk.settings


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "192.168.1.5:8000", "evil.example:8000", "", "[::2]"]
)
def test_a_foreign_host_header_is_refused_and_writes_nothing(
    client: TestClient, desk: Desk, host: str
) -> None:
    before = rows(desk)
    assert client.get("/queue", headers={"host": host}).status_code == 403
    response = client.post("/api/cases", json={"body": "停车"}, headers={"host": host})
    check_problem(response, 403)
    assert rows(desk) == before


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "localhost:9", "[::1]:8000", "[::1]"])
def test_this_machine_by_any_of_its_names_is_let_in(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999", ""])
def test_a_write_from_another_sites_page_is_refused_and_writes_nothing(
    client: TestClient, desk: Desk, origin: str
) -> None:
    case = post_case(client)
    before = rows(desk)
    headers = {"origin": origin}
    check_problem(client.post("/api/cases", json={"body": "停车"}, headers=headers), 403)
    form = {"version": "1", "who": "李", "section": case["predictions"][0]["ranked"][0]["label"]}
    page = client.post(f"/cases/{case['id']}/decisions", data=form, headers=headers)
    assert page.status_code == 403
    assert "其他网站" in page.text
    assert rows(desk) == before


def test_a_write_from_our_own_page_is_taken(client: TestClient) -> None:
    headers = {"origin": "http://127.0.0.1:8000"}
    assert client.post("/api/cases", json={"body": "停车"}, headers=headers).status_code == 201


@pytest.mark.parametrize("path", ["/queue", "/api/cases", "/nothing", "/static/style.css", "/healthz"])
def test_every_answer_carries_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_a_refusal_carries_the_security_headers_too(client: TestClient) -> None:
    refused = client.get("/queue", headers={"host": "evil.example"})
    assert refused.headers["x-content-type-options"] == "nosniff"


def test_nothing_of_the_ledger_stays_in_a_browsers_cache(client: TestClient) -> None:
    for path in ("/queue", "/api/cases", "/models"):
        assert client.get(path).headers["cache-control"] == "no-store"


def test_the_interactive_documents_that_load_from_outside_are_off(client: TestClient) -> None:
    for path in ("/docs", "/redoc"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com", "10.0.0.1"])
def test_serving_to_the_network_before_anybody_has_an_account_is_refused_with_a_sentence(
    new: Settings, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--home", str(new.home), "serve", "--host", host]) == 1
    said = capsys.readouterr().err
    assert said.startswith("错误:")
    assert host in said
    assert "IP 地址" in said if host == "example.com" else "还没有账号" in said


def test_the_environment_cannot_open_the_service_either(
    new: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRIAGE_HOST", "0.0.0.0")
    assert main(["--home", str(new.home), "serve"]) == 1
    assert "还没有账号" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.53", "::1", "localhost"])
def test_loopback_addresses_may_be_served_on(host: str) -> None:
    assert check_host(host, has_accounts=False) == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5"])
def test_with_an_administrator_other_addresses_may_be_served_on(host: str) -> None:
    assert check_host(host, has_accounts=True) == host


@pytest.mark.parametrize("has_accounts", [False, True])
def test_a_name_that_only_looks_like_loopback_is_refused(has_accounts: bool) -> None:
    with pytest.raises(InputError):
        check_host("127.0.0.1.example.com", has_accounts=has_accounts)


@pytest.mark.parametrize(
    ("bound", "public", "host", "let_in"),
    [
        ("0.0.0.0", "", "192.168.1.5:8000", True),
        ("0.0.0.0", "", "evil.example:8000", False),  # a name that points here is no name of ours
        ("127.0.0.1", "", "192.168.1.5:8000", False),
        ("127.0.0.1", "https://fenban.example", "fenban.example", True),
        ("127.0.0.1", "https://fenban.example", "fenban.example.evil.example", False),
    ],
)
def test_which_names_are_ours_depends_on_where_the_service_listens(
    desk: Desk, bound: str, public: str, host: str, let_in: bool
) -> None:
    desk.settings = replace(desk.settings, host=bound, public_url=public)
    try:
        client = TestClient(make_app(desk.settings, desk))
        assert (client.get("/healthz", headers={"host": host}).status_code == 200) is let_in
    finally:
        desk.settings = replace(desk.settings, host="127.0.0.1", public_url="")


@pytest.mark.parametrize("url", ["fenban.example", "ftp://x", "https://x/y", "https://"])
def test_a_public_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="TRIAGE_PUBLIC_URL"):
        Settings.from_env({"TRIAGE_PUBLIC_URL": url})


def test_a_port_in_use_is_named_with_the_way_out(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--home", str(desk.settings.home), "serve", "--port", str(port)]) == 1
    said = capsys.readouterr().err
    assert f"端口 {port} 已被占用" in said
    assert re.search(r"triage serve --port \d+", said)


@pytest.mark.parametrize("port", ["99999", "-1"])
def test_a_port_that_cannot_be_is_refused_in_words(
    desk: Desk, port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(["--home", str(desk.settings.home), "serve", f"--port={port}"])
    except SystemExit as stopped:  # how argparse ends
        code = int(stopped.code or 0)
    assert code in (1, 2)
    assert "错误:" in capsys.readouterr().err


def test_serving_without_a_ledger_says_what_to_run_first(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--home", str(settings.home), "serve", "--port", str(free_port())]) == 1
    assert "triage init" in capsys.readouterr().err
