"""Lists of suggestions that are handed in whole, beside what people write one by one."""

from __future__ import annotations

import csv
import io
import json
import random
import time
import urllib.request
import uuid
from collections.abc import Sequence

from training.chaos.trial import Trial
from training.writers.client import Client, Gone
from training.writers.writer import SESSION
from triage.config import Settings
from triage.taxonomy import load_taxonomy


def marks(name: str, count: int) -> list[str]:
    """One for each row, found in the text of its case."""
    return [f"{name}-{n:05d}" for n in range(1, count + 1)]


def sheet(names: Sequence[str], settings: Settings) -> bytes:
    """A list (CSV) of made-up suggestions on the office's matters, one for each mark."""
    taxonomy, drawn = load_taxonomy(settings.taxonomy_path), random.Random(len(names))
    content = io.StringIO()
    rows = csv.writer(content)
    rows.writerow(("编号", "届次", "标题", "正文", "收件日期"))
    for mark in names:
        place, section = drawn.choice(taxonomy.office_terms), drawn.choice(taxonomy.section)
        term = drawn.choice(section.terms)
        body = f"{mark}:{place}群众反映{term}中的问题,请{section.name}加快{term}。"
        rows.writerow((f"第{mark}号", SESSION, f"关于{place}{term}的建议", body, "2026-01-12"))
    return content.getvalue().encode("utf-8-sig")


def hand_in(trial: Trial, content: bytes) -> int:
    """Hand the list in and begin its batch; the batch's number."""
    mark = uuid.uuid4().hex
    head = f'--{mark}\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    request = urllib.request.Request(
        f"http://127.0.0.1:{trial.service.port}/api/files",
        data=head.encode() + content + f"\r\n--{mark}--\r\n".encode(),
        headers={
            "content-type": f"multipart/form-data; boundary={mark}",
            "authorization": f"Bearer {trial.token}",
        },
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=120) as answer:
        sha256 = json.load(answer)["sha256"]
    sent = {"kind": "intake", "sha256": sha256, "name": "a.csv", "who": "整批"}
    status, told = trial.ask("POST", "/api/batches", sent)
    assert status == 202, told
    return int(told["id"])


def wait_for_batch(trial: Trial, batch: int, rows: int, seconds: float) -> None:
    """Until it is done; a fault of the trial where it is not, or does not tell of every row."""
    deadline = time.monotonic() + seconds
    state, report = "", {}
    with Client([trial.service.address], trial.token) as client:
        while time.monotonic() < deadline and state not in ("done", "failed"):
            try:
                status, told = client.ask("GET", f"/api/batches/{batch}")
            except Gone:
                time.sleep(0.2)
                continue
            if status == 200:
                state, report = told["state"], told["report"]
            time.sleep(0.2)
    through = report.get("created", 0) + report.get("known", 0)
    trial.must(state == "done" and through == rows, f"batch {batch}: {state}, {through} of {rows} rows")
