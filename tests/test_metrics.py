"""/metrics: what was done moves the numbers, on both databases; who may ask; what the examples name exists."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator

import pytest
import yaml
from entry import come_in, make_token
from fastapi.testclient import TestClient
from live_server import REPO, free_port
from prometheus_client.parser import text_string_to_metric_families
from test_audit import drawn, prediction, say

import service.ledger_figures
from service.app import make_app
from training import sample_office
from triage.config import Settings
from triage.desk import Desk
from triage.ledger.audits import audit_record
from triage.ledger.store import Ledger
from triage.ledger.trainings import add_training, end_training

BASE_URL = "http://127.0.0.1:8000"
MONITORING = REPO / "docs" / "monitoring"
HERE = ("127.0.0.1", 50_000)
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def watched(settings: Settings, ledger: Ledger) -> Iterator[TestClient]:
    """A client on the service's own machine, over an empty office, once on each database."""
    sample_office.install_office(settings)
    app = make_app(settings, Desk(settings, ledger=ledger))
    app.state.figures.keep_seconds = app.state.figures.audit_seconds = 0
    with TestClient(app, base_url=BASE_URL, client=HERE) as client:
        yield come_in(client, ledger)


def scraped(client: TestClient) -> Samples:
    """Every sample by its name and labels; each stands there once."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found: Samples = {}
    for family in text_string_to_metric_families(answer.text):
        assert family.documentation, family.name
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found
            found[key] = sample.value
    return found


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def moved(before: Samples, after: Samples) -> dict[str, float]:
    """What rose or fell of the series about the office's work."""
    names = ("triage_intakes", "triage_cases", "triage_dec", "triage_with", "triage_queue", "triage_over")
    return {
        " ".join([name.removeprefix("triage_"), *(v for _, v in sorted(labels))]): after[name, labels] - old
        for (name, labels), old in before.items()
        if name.startswith(names) and not name.endswith("_created") and after[name, labels] != old
    }


def test_one_intake_and_one_override_move_the_numbers_that_they_should(watched: TestClient) -> None:
    empty = scraped(watched)
    assert value(empty, "triage_database_up") == 1
    assert value(empty, "triage_queue_cases") == 0
    sent = {"body": "停车场收费不公示。", "number": "第1号", "received_on": "2020-01-06"}
    case = watched.post("/api/cases", json=sent).json()
    taken = scraped(watched)
    assert moved(empty, taken) == {
        "intakes_total created": 1,
        "cases_routed_total review": 1,
        "queue_cases": 1,
        "overdue_cases": 1,
    }
    assert value(taken, "triage_api_intakes_total", outcome="created") == 1
    ranked = next(p for p in case["predictions"] if p["target"] == "section")["ranked"]
    decision = {"target": "section", "label": ranked[1]["label"]}
    act = {"who": "李", "why": "属其职责", "version": case["version"], "decisions": [decision]}
    assert watched.post(f"/api/cases/{case['id']}/decisions", json=act).status_code == 200
    decided = scraped(watched)
    assert moved(taken, decided) == {"decisions_total override section": 1, "queue_cases": -1}

    watched.post("/api/cases", json=sent)
    watched.post("/api/cases", json={**sent, "body": "停车场收费不公示,多年如此。"})
    watched.post("/api/cases", json={"body": " "})
    again = scraped(watched)
    assert moved(decided, again) == {"intakes_total changed": 1}
    api = {o: value(again, "triage_api_intakes_total", outcome=o) for o in ("created", "resent", "refused")}
    assert api == {"created": 1, "resent": 2, "refused": 1}
    asked = {"method": "POST", "path": "/api/cases"}
    by_status = {
        s: value(again, "triage_http_requests_total", status=s, **asked) for s in ("201", "200", "422")
    }
    assert by_status == {"201": 1, "200": 2, "422": 1}
    assert value(again, "triage_http_request_duration_seconds_count", **asked) == 4
    # another process has counted nothing itself, and the same from the ledger
    desk: Desk = watched.app.state.desk  # type: ignore[attr-defined]
    other = scraped(TestClient(make_app(desk.settings, desk), base_url=BASE_URL, client=HERE))
    assert moved(again, other) == {}
    assert ("triage_http_requests_total", frozenset({**asked, "status": "201"}.items())) not in other


def test_confirming_and_taking_back_is_counted(watched: TestClient) -> None:
    case = watched.post("/api/cases", json={"body": "电动汽车充电桩太少。"}).json()
    before = scraped(watched)
    form = {"version": str(case["version"])}
    form |= {p["target"]: p["ranked"][0]["label"] for p in case["predictions"]}
    watched.post(f"/queue/cases/{case['id']}/decisions", data=form)
    after = scraped(watched)
    confirmed = [f"decisions_total confirm {p['target']}" for p in case["predictions"]]
    assert moved(before, after) == {**dict.fromkeys(confirmed, 1), "queue_cases": -1}
    version = watched.get(f"/api/cases/{case['id']}").json()["version"]
    watched.post(f"/queue/cases/{case['id']}/undo", data={"version": str(version)})
    assert moved(after, scraped(watched)) == {"withdrawals_total": 1, "queue_cases": 1}


def test_the_audit_samples_precision_is_what_its_page_says(watched: TestClient, ledger: Ledger) -> None:
    for n, label in enumerate(["能源科", "能源科", "价格科", ""]):
        case_id = drawn(ledger, n, prediction("能源科"))
        if label:
            say(ledger, case_id, label)
    scraped(watched)  # it is counted after this answer
    told = scraped(watched)
    desk: Desk = watched.app.state.desk  # type: ignore[attr-defined]
    with ledger.read() as session:
        total = audit_record("section", session=session, taxonomy=desk.taxonomy).total
    assert total.interval is not None
    assert value(told, "triage_audit_judged", target="section") == total.judged == 3
    assert value(told, "triage_audit_precision", target="section") == total.precision == pytest.approx(2 / 3)
    upper = value(told, "triage_audit_precision_bound", target="section", bound="upper")
    assert upper == total.interval[1]
    assert value(told, "triage_audit_promise", target="section") == 0.95
    assert value(told, "triage_audit_judged", target="topic") == 0
    assert ("triage_audit_precision", frozenset({("target", "topic")})) not in told  # of none there is none
    assert time.time() - value(told, "triage_audit_counted_timestamp_seconds") < 60
    assert value(told, "triage_cases_routed_total", route="audit") == 4


def test_models_trainings_and_memory_are_told(watched: TestClient, ledger: Ledger) -> None:
    first = scraped(watched)
    assert value(first, "triage_model_info", target="section", version="仅凭职责") == 1
    states = [dict(labels)["state"] for name, labels in first if name == "triage_training_state"]
    assert sorted(states) == ["done", "failed", "lost", "running", "waiting"]
    assert sum(first["triage_training_state", frozenset({("state", s)})] for s in states) == 0
    assert 2**25 < value(first, "process_resident_memory_bytes") < 2**34
    assert value(first, "triage_problem", part="office") == 0
    with ledger.write() as session:
        number = add_training(who="李", targets=["section"], host="here", session=session).id
    assert value(scraped(watched), "triage_training_state", state="waiting") == 1
    with ledger.write() as session:
        end_training(number, "failed", problem="没有样例", session=session)
    desk: Desk = watched.app.state.desk  # type: ignore[attr-defined]
    desk.settings.taxonomy_path.write_text("[[section]", encoding="utf-8")
    desk.office.look_now()
    last = scraped(watched)
    assert value(last, "triage_training_state", state="failed") == 1
    assert value(last, "triage_training_state", state="waiting") == 0
    assert value(last, "triage_problem", part="office") == 1


def test_a_database_that_is_down_or_hangs_is_a_figure_not_an_error(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(desk.settings, desk)
    client = TestClient(app, base_url=BASE_URL, client=HERE)
    assert value(scraped(client), "triage_database_up") == 1
    app.state.figures.keep_seconds = 0
    own, desk.ledger = desk.ledger, Ledger(f"postgresql://nobody:none@127.0.0.1:{free_port()}/none")
    down = scraped(client)
    assert value(down, "triage_database_up") == 0
    assert not any(name.startswith(("triage_queue", "triage_intakes")) for name, _ in down)  # no stale news
    assert value(down, "triage_http_requests_total", method="GET", path="/metrics", status="200") == 1
    for module in (service.ledger_figures, __import__("service.health", fromlist=["health"])):
        monkeypatch.setattr(module, "READ_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        desk.ledger = Ledger(f"postgresql://nobody:none@127.0.0.1:{port}/none?connect_timeout=2")
        for _ in range(2):  # the second finds the first still waiting
            started = time.monotonic()
            assert value(scraped(client), "triage_database_up") == 0
            assert time.monotonic() - started < 1.5
    desk.ledger.close()
    desk.ledger = own


def test_only_this_machine_and_whoever_may_are_told(desk: Desk) -> None:
    app = make_app(desk.settings, desk)

    def asked(client: tuple[str, int] = ("192.0.2.7", 9), **headers: str) -> int:
        headers = {name.replace("_", "-"): said for name, said in headers.items()}
        status: int = (
            TestClient(app, base_url=BASE_URL, client=client).get("/metrics", headers=headers).status_code
        )
        return status

    assert asked(HERE) == asked(("::1", 5)) == 200
    for passed_on in ("x_forwarded_for", "x_real_ip", "forwarded", "via"):
        assert asked(HERE, **{passed_on: "192.0.2.7"}) == 401
    assert asked(HERE, host="evil.example") == 403
    assert asked() == 401
    assert asked(authorization="Bearer triage_wrong") == 401
    assert asked(authorization=f"Bearer {make_token(desk.ledger, ['read'])}") == 403
    assert asked(authorization=f"Bearer {make_token(desk.ledger, ['metrics'])}") == 200


def test_what_a_stranger_asks_for_makes_no_series_of_its_own(client: TestClient, desk: Desk) -> None:
    for path in ("/nothing/1", "/nothing/2", "/api/cases/1", "/api/cases/2", "/static/none.css"):
        client.request("GET", path)
    client.request("BREW", "/api/cases/1")
    token = make_token(desk.ledger, ["metrics"])
    answer = client.get("/metrics", headers={"authorization": f"Bearer {token}"})
    found = {
        tuple(sample.labels[name] for name in ("method", "path"))
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == "triage_http_requests_total"
    }
    assert found == {
        ("GET", "-"),
        ("GET", "/api/cases/{case_id}"),
        ("GET", "/static"),
        ("OTHER", "/api/cases/{case_id}"),
    }


def expressions() -> Iterator[str]:
    """Every expression of the example alerts and of the example dashboard."""
    for group in yaml.safe_load((MONITORING / "alerts.yml").read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            assert set(rule) >= {"alert", "expr", "labels", "annotations"}
            assert set(rule["annotations"]) == {"summary", "description"}
            yield rule["expr"]
    for panel in json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))["panels"]:
        yield from (target["expr"] for target in panel.get("targets", []))


def test_every_series_of_the_examples_is_served_with_the_labels_that_they_ask_for(
    watched: TestClient, ledger: Ledger
) -> None:
    say(ledger, drawn(ledger, 1, prediction("能源科")), "能源科")
    with ledger.write() as session:
        number = add_training(who="李", targets=["section"], host="here", session=session).id
        end_training(number, "done", session=session)
    watched.post("/api/cases", json={"body": "停车"})
    scraped(watched)
    labels_of: dict[str, set[str]] = {"up": {"job", "instance"}}
    for name, labels in scraped(watched):
        labels_of.setdefault(name, set()).update(dict(labels))
    named = set()
    for expression in expressions():
        for name, _, asked in re.findall(r"\b((?:triage|process)_\w+|up)\b(\{([^}]*)\})?", expression):
            assert name in labels_of, (name, expression)
            named.add(name)
            assert set(re.findall(r"(\w+)\s*(?:=|!)", asked)) <= labels_of[name] | {"job", "instance"}
    told = (MONITORING.parent / "monitoring.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"`((?:triage|process)_\w+)", told))
    ours = {name for name in labels_of if name.startswith("triage") and not name.endswith("_created")}
    assert {re.sub(r"_(bucket|count|sum)$", "", name) for name in ours} <= explained
    assert explained <= set(labels_of) | {"triage_http_request_duration_seconds"}
    assert len(named) > 15


def test_every_alert_is_explained() -> None:
    rules = yaml.safe_load((MONITORING / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    told = (MONITORING.parent / "monitoring.md").read_text(encoding="utf-8")
    for rule in (rule for group in rules for rule in group["rules"]):
        assert f"`{rule['alert']}`" in told
