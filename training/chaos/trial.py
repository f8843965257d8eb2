"""A trial: an office of its own, the real service, people who write, faults, and the ledger held against it all."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from training.chaos.outcome import WORDS, Outcome
from training.sample_office import install_office
from training.writers.acts import Act, Board
from training.writers.checks import Held
from training.writers.client import Client, Gone
from training.writers.feed import FeedReader
from training.writers.report import Kill
from training.writers.run import JOIN_SECONDS, unexcused
from training.writers.servers import REPO, Postgres, Service
from training.writers.writer import Writer
from triage.config import Settings
from triage.ledger.store import Ledger
from triage.ledger.tokens import add_token
from triage.taxonomy import load_taxonomy

WHO = "故障演练"
SCOPES = ("read", "intake", "decide", "close")
WRITERS = 4
BOUND = 30.0  # no answer may take longer, whatever is broken


class Trial:
    """As a context manager: begins with the office set up; ``serve`` and ``write`` begin the rest.

    Attributes:
        outcome: the row that this trial makes.
        service: the one under test.
        ledger: opened beside the service, for setting up and checking.
    """

    def __init__(
        self, fault: str, database: str, seed: int, *, home: Path | None = None, server: Path | None = None
    ) -> None:
        """
        Args:
            home: where the office's folder is put; a temporary folder by default.
            server: where PostgreSQL's data are put; a temporary folder by default.
        """
        self.outcome = Outcome(fault, database)
        self.seed = seed
        self._stack = ExitStack()
        self._home, self._server = home, server
        self._ended = threading.Event()
        self._threads: list[Writer | FeedReader] = []
        self._episodes: list[Kill] = []
        self.postgres: Postgres | None = None

    def __enter__(self) -> Trial:
        try:
            self._set_up()
        except BaseException:
            self._stack.close()
            raise
        return self

    def _set_up(self) -> None:
        folder = self._home or Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-")))
        self.home = folder / "office"
        self.env = {"TRIAGE_HOME": str(self.home), "TRIAGE_ENCODER": "none"}
        if self.outcome.database == "postgresql":
            self.postgres = Postgres(self._server)
            self._stack.callback(self.postgres.remove)
            self.env["TRIAGE_DATABASE_URL"] = self.postgres.url
        self.settings = Settings.from_env(self.env)
        install_office(self.settings)
        self.ledger = Ledger(self.settings.database_url)
        self._stack.callback(self.ledger.close)

    def migrate(self) -> None:
        """The ledger's tables, and a token for those who write."""
        self.ledger.migrate()
        with self.ledger.write() as session:
            self.token = add_token(WHO, SCOPES, known=SCOPES, who=WHO, session=session)
        self.ledger.close()

    def serve(self, **env: str) -> None:
        """Set up and start the service; ``env`` comes on top of the office's own."""
        self.migrate()
        self.service = Service(self.home, **{**self.env, **env})
        self._stack.callback(self.service.stop)
        self.service.start()

    def write(self, writers: int = WRITERS) -> None:
        """Let people write from now on, and one read the feed of changes."""
        taxonomy, board, addresses = (
            load_taxonomy(self.settings.taxonomy_path),
            Board(),
            [self.service.address],
        )
        people = [
            Writer(place, addresses, self.token, taxonomy, board, self._ended.is_set, self.seed)
            for place in range(writers)
        ]
        feed = FeedReader(addresses, self.token, lambda: not any(one.is_alive() for one in people))
        self._threads = [*people, feed]
        for thread in self._threads:
            thread.start()

    @property
    def acts(self) -> list[Act]:
        return [act for thread in self._threads if isinstance(thread, Writer) for act in thread.log]

    @contextmanager
    def fault(self, what: str) -> Iterator[None]:
        """The block makes the fault and undoes it; afterwards this waits until a write is acknowledged."""
        self.outcome.tries += 1
        began = time.monotonic()
        yield
        undone = time.monotonic()
        back = self._wait_for_write(undone)
        self._episodes.append(Kill(what, began, back))
        self.outcome.back.append(back - undone)

    def _wait_for_write(self, since: float) -> float:
        deadline = since + 120
        while time.monotonic() < deadline:
            done = [act.ended for act in self.acts if act.is_done and act.ended > since]
            if done:
                return min(done)
            time.sleep(0.1)
        self.outcome.lost.append("no write was acknowledged for two minutes after the fault was undone")
        return time.monotonic()

    def restart(self) -> None:
        """SIGKILL, and started again at once, as systemd does; the time is that of the whole fault."""
        self.service.kill()
        self.service.start()

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """One request of a program; status 0 where none came."""
        with Client([self.service.address], self.token) as client:
            try:
                return client.ask(method, path, body)
            except Gone:
                return 0, {}

    def must(self, true: bool, what: str) -> None:
        """A fault of the trial unless ``true``."""
        if not true:
            self.outcome.wrong.append(what)

    def verify(self) -> None:
        """Run ``triage verify`` as an administrator does, while the service serves or not."""
        done = self.run("verify")
        self.outcome.verify.append(done.returncode == 0)
        if done.returncode:
            self.outcome.notes.append(f"verify: {done.stdout[-300:]} {done.stderr[-300:]}")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One ``triage`` command over this office."""
        return subprocess.run(  # noqa: S603 - our own program
            self.command(*arguments),
            cwd=REPO,
            env=self.service.env,
            capture_output=True,
            text=True,
            check=False,
        )

    def command(self, *arguments: str) -> Sequence[str]:
        return [sys.executable, "-m", "service.command", "--home", str(self.home), *arguments]

    def stop_writing(self) -> None:
        """Let the writers end, and look whether they ended well."""
        self._ended.set()
        for thread in self._threads:
            thread.join(timeout=JOIN_SECONDS)
            self.must(not thread.is_alive() and thread.error is None, f"{thread.name}: {thread.error!r}")
            self.outcome.wrong += thread.faults

    def check(self, others: Collection[str] = (), *, bound: float = BOUND) -> None:
        """Stop everything and hold the ledger against what was told."""
        self.stop_writing()
        self.service.stop()
        self.verify()
        held, acts = Held(self.ledger), self.acts
        if self._threads:
            held.check_feed(self._threads[-1].read)  # type: ignore[union-attr]
        held.check_acts(acts, others)
        outcome = self.outcome
        outcome.lost += held.faults
        outcome.wrong += unexcused(acts, self._episodes)
        outcome.acknowledged += sum(act.is_done for act in acts)
        answers = [answer for act in acts for answer in act.answers]
        refused = [words for status, words, _ in answers if status >= 500]
        outcome.in_words += sum(bool(WORDS.search(words)) for words in refused)
        outcome.wrong += [
            f"refused without a sentence: {words}" for words in refused if not WORDS.search(words)
        ]
        outcome.longest = max((seconds for _, _, seconds in answers), default=0.0)
        self.must(outcome.longest <= bound, f"an answer took {outcome.longest:.1f} s")
        log = self.service.log.read_text(encoding="utf-8", errors="replace")
        unforeseen = log.count("unforeseen error")
        self.must(not unforeseen, f"{unforeseen} unforeseen errors in the service's log")
        if unforeseen:
            print(log[log.index("unforeseen error") :][:8_000], file=sys.stderr)

    def on_end(self, act: Callable[[], Any]) -> None:
        """Do it when the trial ends, after what was set up later is gone."""
        self._stack.callback(act)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._stack.close()
