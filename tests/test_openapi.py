"""What the API answers is what /api/openapi.json says; for long runs see fuzz_api.py."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.permissions import NEEDS

EXAMPLES = 2
HELD = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]


@pytest.fixture
def filled(client: TestClient) -> TestClient:
    """The service with three cases, two of them merged: numbers that are found."""
    for n in (1, 2, 3):
        sent = {"title": "路灯", "body": f"第{n}处没有路灯。", "number": str(n), "deputy": "李"}
        assert client.post("/api/cases", json=sent).status_code == 201
    assert client.post("/api/merges", json={"cases": [1, 2], "lead": 1, "who": "李"}).status_code == 201
    return client


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
def test_each_address_answers_as_described(filled: TestClient, mode: GenerationMode) -> None:
    document = filled.get("/api/openapi.json").json()
    tried = 0

    def ask(case: Case) -> None:
        nonlocal tried
        tried += 1
        sent = case.as_transport_kwargs(base_url=str(filled.base_url), headers=dict(filled.headers))
        answer = filled.request(**_plain(sent))
        answer.request.read()  # a form with a file was streamed
        case.validate_response(answer, checks=HELD)

    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        with suppress(Unsatisfiable):  # nothing wrong can be sent where nothing is asked for
            _run(found.ok().as_strategy(generation_mode=mode), ask)
    assert tried >= 60


def _run(cases: Any, ask: Any) -> None:
    chosen = settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    chosen(given(cases)(ask))()


def _plain(sent: dict[str, Any]) -> dict[str, Any]:
    """What requests takes, as the test's client takes it; no operation asks for cookies."""
    given = {key: value for key, value in sent.items() if key != "cookies" and value is not None}
    if isinstance(given.get("data"), str | bytes):
        given["content"] = given.pop("data")
    return given


def test_another_method_is_told_which_there_are(client: TestClient) -> None:
    told = {"/api/cases": "GET, POST", "/api/cases/1": "GET", "/api/triage": "POST", "/queue/confirm": "POST"}
    for path, methods in told.items():
        for method in ("TRACE", "DELETE", "PUT"):
            answer = client.request(method, path)
            assert (answer.status_code, answer.headers["allow"]) == (405, methods)
    assert {method for path in told for method in told[path].split(", ")} <= {n.split()[0] for n in NEEDS}


def test_a_body_that_is_no_text_is_told_as_such(client: TestClient) -> None:
    sent = {"content": b"+\x80", "headers": {"content-type": "application/json"}}
    answer = client.post("/api/cases", **sent)
    described = client.get("/api/openapi.json").json()["paths"]["/api/cases"]["post"]["responses"]
    assert answer.status_code == 400
    assert answer.headers["content-type"] in described["400"]["content"]


def test_a_program_that_names_nobody_is_named_by_us(client: TestClient) -> None:
    case = client.post("/api/cases", json={"body": "没有路灯"}).json()
    assert case["events"][0]["who"] == "接口"
