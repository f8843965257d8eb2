"""A training from beginning to end: alone on its machine, with progress in the ledger, safe to kill.

Everything that lasts is written whole: a version by a rename, what serves by the ledger's events, the
pointer after them. docs/operation.md says what a kill at any moment leaves.
"""

from __future__ import annotations

import fcntl
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.learn_pairs import PairOutcome, learn_pairs
from training.rebuild import rebuild_outdated
from training.report import training_report
from training.retrain import Outcome, retrain
from triage.desk import Desk
from triage.errors import Conflict, TriageError
from triage.ledger.store import retried
from triage.ledger.trainings import add_training, end_training, give_up_lost, note_training, touch_training
from triage.taxonomy import TARGET_NAMES, TARGETS

LOCK = ".training.lock"
BEAT_SECONDS = 5.0
BROKE = "程序出错,没有做完。现用的模型没有受影响;请把时间告诉管理员查看日志。"
log = logging.getLogger("training.run")

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Training:
    """What came of one.

    Attributes:
        pairs: of learning which cases belong together; None where only some targets were asked for.
    """

    id: int
    outcomes: list[Outcome]
    pairs: PairOutcome | None
    report: dict[str, Any]


@contextmanager
def alone(models_dir: Path) -> Iterator[None]:
    """One training at a time on this machine; the kernel frees the lock of a killed one.

    Raises:
        Conflict: another process trains.
    """
    models_dir.mkdir(parents=True, exist_ok=True)
    with (models_dir / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict("另一个训练正在进行,同时只做一个。") from None
        yield


def run_training(
    desk: Desk,
    *,
    who: str,
    targets: Sequence[str] = TARGETS,
    seed: int = 0,
    training_id: int | None = None,
    progress: Progress = lambda *_: None,
) -> Training:
    """Train, compare, promote what is not worse, and write the report.

    Args:
        training_id: of the one that was entered already, see add_training; its who, targets and seed count.
        progress: is told the step, how many are through and how many there are.

    Raises:
        Conflict: another one is under way; nothing was changed.
    """
    try:
        with alone(desk.settings.models_dir):
            return _run_alone(desk, who, targets, seed, training_id, progress)
    except Conflict as error:
        if training_id is not None:  # who asked for it is told why it did not begin
            with desk.ledger.write() as session:
                end_training(training_id, "failed", problem=error.message, session=session)
        raise


def _run_alone(
    desk: Desk, who: str, targets: Sequence[str], seed: int, training_id: int | None, progress: Progress
) -> Training:
    host = socket.gethostname()[:100]
    with desk.ledger.write() as session:
        if training_id is None:
            give_up_lost(session=session, host=host)
            row = add_training(who=who, targets=targets, seed=seed, host=host, session=session)
            training_id = row.id
        else:
            note_training(training_id, "", 0, 0, session=session)
    run = _Run(desk, training_id, _steps(targets, desk), progress)
    with run.beating():
        try:
            desk.registry.clear_leftovers()
            desk.registry.check_key()  # before an hour of training, not after it
            rebuild_outdated(desk, who=who)
            found = run.work(who, targets, seed)
        except BaseException as error:
            said = error.message if isinstance(error, TriageError) else BROKE
            if not isinstance(error, TriageError):
                log.exception("training %s", training_id)
            run.end("failed", problem=said)
            raise
    return found


def _steps(targets: Sequence[str], desk: Desk) -> int:
    used = [t for t in targets if any(label.active for label in desk.taxonomy.labels(t))]
    return 2 * len(used) + 1


class _Run:
    """One training under way; progress goes to the ledger and to whoever watches."""

    def __init__(self, desk: Desk, training_id: int, steps: int, progress: Progress) -> None:
        self.desk = desk
        self.id = training_id
        self.steps = steps
        self.done = 0
        self.progress = progress

    def work(self, who: str, targets: Sequence[str], seed: int) -> Training:
        started = time.perf_counter()
        outcomes = retrain(
            self.desk,
            who=who,
            targets=targets,
            seed=seed,
            on_step=lambda target: self.step(f"{TARGET_NAMES[target]}:训练和比较"),
        )
        took = time.perf_counter() - started
        report = training_report(
            self.desk,
            outcomes,
            who=who,
            seed=seed,
            seconds=took,
            on_step=lambda target: self.step(f"{TARGET_NAMES[target]}:写报告"),
        )
        pairs = None
        if set(targets) == set(TARGETS):
            self.step("关联:学习")
            pairs = learn_pairs(self.desk, who=who)
        self.end("done", report=report)
        self.progress("完成", self.steps, self.steps)
        return Training(self.id, outcomes, pairs, report)

    def step(self, name: str) -> None:
        def note() -> None:
            with self.desk.ledger.write() as session:
                note_training(self.id, name, self.done, self.steps, session=session)

        retried(note)
        self.progress(name, self.done, self.steps)
        self.done += 1

    def end(self, state: str, *, report: dict[str, Any] | None = None, problem: str = "") -> None:
        def write() -> None:
            with self.desk.ledger.write() as session:
                end_training(self.id, state, report=report, problem=problem, session=session)

        retried(write)

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Tell the ledger now and then that the process lives, however long a fit takes."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(BEAT_SECONDS):
                try:
                    with self.desk.ledger.write() as session:
                        touch_training(self.id, session=session)
                except TriageError:  # the next beat will do
                    continue

        thread = threading.Thread(target=beat, name="training", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
