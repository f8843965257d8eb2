"""A run: an office of its own, writers, a reader of the feed, kills, and the ledger held against it all."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from training.sample_office import install_office
from training.writers.acts import Act, Board
from training.writers.checks import Held
from training.writers.client import Address
from training.writers.feed import FeedReader
from training.writers.report import Kill, Plan, Report
from training.writers.servers import Postgres, Service
from training.writers.writer import Writer
from triage.config import Settings
from triage.ledger.store import PAUSES, Ledger
from triage.ledger.tokens import add_token
from triage.taxonomy import Taxonomy, load_taxonomy

AFTER = sum(PAUSES) + 5.0  # so long after a restart an answer may still be about the kill
JOIN_SECONDS = 100.0
WHO = "并发写入"
SCOPES = ("read", "intake", "decide", "close")  # what the writers' token must be for


def run(plan: Plan) -> Report:
    """Write, kill, check; what is wrong is in the report's ``faults``."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="triage-writers-"))) / "office"
        env = {"TRIAGE_HOME": str(home), "TRIAGE_ENCODER": plan.encoder}
        postgres = None
        if plan.database == "postgresql":
            postgres = Postgres()
            stack.callback(postgres.remove)
            env["TRIAGE_DATABASE_URL"] = postgres.url
        settings = Settings.from_env(env)
        install_office(settings)
        ledger = Ledger(settings.database_url)
        stack.callback(ledger.close)
        ledger.migrate()
        with ledger.write() as session:
            token = add_token(WHO, SCOPES, known=SCOPES, who=WHO, session=session)
        ledger.close()
        services = [Service(home, **env) for _ in range(plan.processes)]
        for service in services:
            stack.callback(service.stop)
            service.start()
        drawn = random.Random(plan.seed)
        moments = sorted(drawn.uniform(0.15, 0.75) * plan.seconds for _ in plan.kills)
        acts = [partial(_kill, what, drawn, services, postgres) for what in plan.kills]
        taxonomy = load_taxonomy(settings.taxonomy_path)
        addresses = [service.address for service in services]
        report = write(plan, taxonomy, addresses, token, list(zip(moments, acts, strict=True)))
        for service in services:
            service.stop()
        held = Held(ledger)
        held.check_feed(report.feed)
        held.check_acts(report.acts)
        report.faults += held.faults
        report.checked = held.checked
        return report


def write(
    plan: Plan,
    taxonomy: Taxonomy,
    addresses: Sequence[Address],
    token: str,
    disturbances: Sequence[tuple[float, Callable[[], Kill]]] = (),
) -> Report:
    """Let the writers write for so long.

    Args:
        disturbances: what is done to the services meanwhile, each after so many seconds.
    """
    began = time.monotonic()
    end = began + plan.seconds
    board = Board()
    writers = [
        Writer(place, addresses, token, taxonomy, board, lambda: time.monotonic() > end, plan.seed)
        for place in range(plan.writers)
    ]
    feed = FeedReader(addresses, token, lambda: not any(writer.is_alive() for writer in writers))
    threads: list[Writer | FeedReader] = [*writers, feed]
    for thread in threads:
        thread.start()
    kills = []
    for moment, disturb in disturbances:
        time.sleep(max(0.0, began + moment - time.monotonic()))
        kills.append(disturb())
    for thread in threads:
        thread.join(timeout=JOIN_SECONDS)
    acts = [act for writer in writers for act in writer.log]
    report = Report(plan, max(act.ended for act in acts) - began, acts, feed.read, kills)
    for thread in threads:
        if thread.is_alive() or thread.error is not None:
            report.faults.append(f"{thread.name} did not end well: {thread.error!r}")
    for thread in threads:
        report.faults += thread.faults
    report.faults += unexcused(acts, kills)
    return report


def _kill(what: str, drawn: random.Random, services: Sequence[Service], postgres: Postgres | None) -> Kill:
    """Kill one and start it again a moment later."""
    server: Service | Postgres = drawn.choice(list(services))
    if what == "postgresql":
        assert postgres is not None
        server = postgres
    began = time.monotonic()
    server.kill()
    time.sleep(drawn.uniform(0.1, 1.5))
    server.start()
    return Kill(what, began, time.monotonic())


def unexcused(acts: Iterable[Act], kills: Sequence[Kill]) -> list[str]:
    """Answers that are wrong in themselves, unless a fault under way explains them."""
    found = []
    for act in acts:
        fault = act.fault()
        under_way = any(act.ended >= kill.began and act.began <= kill.up + AFTER for kill in kills)
        if fault and not (act.is_excused and under_way):
            found.append(f"{act.kind} {act.mark}: {fault}")
    return found
