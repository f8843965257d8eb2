"""Damages inputs of every kind that is read: ``python tests/fuzz_inputs.py --count 100000 --seed 1``.

Allowed is a result, or a sentence for the person (a TriageError), within the reading process's limits of
time and memory; what the service itself makes of what was read may take OWN_SECONDS. Everything else is a
finding: it is printed with what makes it again, and its input is saved.

The readers run in a process of this program's own, a new one every CHUNK inputs. Where an input ends
that process, or is the SAMPLED-th, the real reading process is asked: it must answer in words.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from random import Random

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import mutations  # noqa: E402
import tomlkit  # noqa: E402
from fuzz_samples import samples  # noqa: E402

from training import sample_office  # noqa: E402
from triage.bulk import Handed  # noqa: E402
from triage.documents.child import MEMORY_BYTES, SECONDS, answer  # noqa: E402
from triage.documents.ledger_sheet import read_ledger  # noqa: E402
from triage.documents.reading import Content, content_of, read_content  # noqa: E402
from triage.documents.rows import Row  # noqa: E402
from triage.errors import InputError, TriageError  # noqa: E402
from triage.ledger.submissions import check_submission  # noqa: E402
from triage.office_file import OfficeText, add_entry, edited  # noqa: E402
from triage.record_check import check_record  # noqa: E402
from triage.sheet_records import record_of, submission_of  # noqa: E402
from triage.taxonomy import load_taxonomy, parse_taxonomy  # noqa: E402
from triage.waiting import read_handed  # noqa: E402

OWN_SECONDS = 5
CHUNK = 500
SAMPLED = 1_000
OUTCOMES = ("read", "refused", "too large", "ended", "finding")  # ended: the process that reads, by a library
_TAXONOMY = load_taxonomy(sample_office.OFFICE)
_AS_TEXT: list[mutations.Change] = [
    lambda content, random: mutations.of_words(_decoded(content), random).encode("utf-8", "surrogatepass"),
]
CHANGES: dict[str, list[mutations.Change]] = {
    "docx": [mutations.inside_zip],
    "doc": [mutations.inside_ole],
    "pdf": [mutations.inside_pdf, mutations.of_pdf_words],
    "xlsx": [mutations.inside_zip],
    "xls": [mutations.inside_ole],
    "ods": [mutations.inside_zip],
    "csv": [*_AS_TEXT, mutations.of_cells, mutations.of_cells],
    "json": [*_AS_TEXT, mutations.of_json, mutations.of_json],
    "txt": _AS_TEXT,
    "office": [*_AS_TEXT, mutations.of_toml, mutations.of_toml],
}


@dataclass(frozen=True)
class Found:
    """An outcome that is not allowed."""

    reader: str
    number: int
    what: str


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("utf-16", "replace")


def make(reader: str, number: int, seed: int, sound: dict[str, list[bytes]]) -> bytes:
    """The damaged input of that number: the same for the same seed and samples."""
    random = Random(f"{seed}:{reader}:{number}")
    content = random.choice(sound[reader])
    if random.random() < 0.3:
        return mutations.of_bytes(content, random, random.choice([c for own in sound.values() for c in own]))
    return random.choice(CHANGES[reader])(content, random)


def read(reader: str, content: bytes) -> str:
    """The outcome's name; raises whatever the product raises beside its own sentences."""
    try:
        if reader == "office":
            _read_office(content)
        else:
            name = f"样本.{reader}"
            try:
                told = json.loads(json.dumps(answer(content, name, ocr=False)))
            except MemoryError:  # the reading process has a sentence for it
                return "too large"
            begun = time.monotonic()
            _take(content, name, content_of(told))
            if time.monotonic() - begun > OWN_SECONDS:
                raise AssertionError(f"slow: {time.monotonic() - begun:.0f} s in the service's own process")
    except TriageError as error:
        _check_sentence(error)
        return "refused"
    return "read"


def _read_office(content: bytes) -> None:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError("不是 UTF-8 编码") from None
    parse_taxonomy(text)

    def edit(document: tomlkit.TOMLDocument) -> None:
        add_entry(document, "section", {"name": "新科室", "duties": "新职责", "terms": ["甲", "乙"]})

    edited(OfficeText(content, text), edit, "office.toml")


def _take(content: bytes, name: str, held: Content) -> None:
    """What the intake page and an import make of it, as far as the ledger's door."""
    handed = Handed(content, name, held)
    for kind in ("intake", "import"):
        try:
            json.dumps(read_handed(handed, kind)[2])
        except TriageError as error:
            _check_sentence(error)
    if held.document is not None:
        return
    for row in read_ledger(held).rows:
        if isinstance(row, Row):
            try:
                submission = check_submission(
                    submission_of(row, ""), max_title_chars=500, max_body_chars=50_000, past=True
                )
                check_record(record_of(row, submission, _TAXONOMY)[0], _TAXONOMY)
            except TriageError as error:
                _check_sentence(error)


def _check_sentence(error: TriageError) -> None:
    if not any("\u4e00" <= ch <= "\u9fff" for ch in error.message):
        raise AssertionError(f"no sentence: {error.message!r}")


def same_in_process(reader: str, content: bytes, outcome: str) -> bool:
    """Whether the real reading process reads or refuses what was read or refused here."""
    try:
        read_content(content, f"样本.{reader}")
    except InputError:
        return outcome in ("refused", "too large")
    return outcome in ("read", "refused")  # what is made of it afterwards may still be refused


def run_chunk(
    reader: str,
    numbers: range,
    seed: int,
    sound: dict[str, list[bytes]],
    counts: Sequence[Synchronized[int]],
    out: Callable[[Found], None],
) -> None:
    """In a process of its own: counts each outcome, and ``out`` gets each finding at once."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries tell their own troubles there
    for number in numbers:
        try:
            content = make(reader, number, seed, sound)
            outcome = read(reader, content)
            if number % SAMPLED == 0 and reader != "office" and not same_in_process(reader, content, outcome):
                raise AssertionError(f"the reading process says otherwise than {outcome}")
        except Exception as error:  # whatever it is, it is what is looked for
            frames = traceback.extract_tb(error.__traceback__)
            own = next((f for f in reversed(frames) if "/triage/" in f.filename), frames[-1])
            where = f"{Path(own.filename).name}:{own.lineno}"
            out(Found(reader, number, f"{type(error).__name__} at {where}: {str(error)[:200]}"))
            outcome = "finding"
        counts[OUTCOMES.index(outcome)].value += 1
        counts[-1].value = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def run(
    reader: str, numbers: range, seed: int, sound: dict[str, list[bytes]]
) -> tuple[dict[str, int], int, list[Found]]:
    """All inputs of one reader: how they ended, the most MB that a process took, and the findings."""
    fork = multiprocessing.get_context("fork")
    counts = [fork.Value("q", 0) for _ in (*OUTCOMES, "MB")]
    peak, found = 0, []
    done = 0  # how many of the numbers
    while done < len(numbers):
        chunk = numbers[done : done + CHUNK]
        receiver, sender = fork.Pipe(duplex=False)
        worker = fork.Process(target=run_chunk, args=(reader, chunk, seed, sound, counts, sender.send))
        worker.start()
        sender.close()
        seen, since = -1, time.monotonic()
        while True:
            now = sum(count.value for count in counts[:-1])
            if now != seen:
                seen, since = now, time.monotonic()
            try:
                if receiver.poll(0.5):
                    found.append(receiver.recv())
            except EOFError:  # it is through, or it died
                break
            if time.monotonic() - since > SECONDS:
                worker.kill()
        worker.join()
        peak = max(peak, counts[-1].value)
        done = sum(count.value for count in counts[:-1])
        if worker.exitcode:
            found += [
                Found(reader, numbers[done], what) for what in _ended(reader, numbers[done], seed, sound)
            ]
            counts[OUTCOMES.index("ended")].value += 1
            done += 1
    return {name: count.value for name, count in zip(OUTCOMES, counts, strict=False)}, peak, found


def _ended(reader: str, number: int, seed: int, sound: dict[str, list[bytes]]) -> list[str]:
    """What is wrong where a library ended this process: nothing where the reading process stands for it."""
    if reader == "office":
        return ["the process ended"]
    begun = time.monotonic()
    try:
        read_content(make(reader, number, seed, sound), f"样本.{reader}")
    except InputError as error:
        _check_sentence(error)
    return ["hangs"] if time.monotonic() - begun > 2 * SECONDS + OWN_SECONDS else []


def tell(found: list[Found], seed: int, sound: dict[str, list[bytes]], save: Path) -> None:
    """Each kind of finding once, with the command that makes it again."""
    by_kind: dict[tuple[str, str], list[Found]] = {}
    for one in found:
        kind = re.sub(r"(: .*)?\d+.*$", "", one.what.partition(": ")[0] + one.what.partition(": ")[2][:20])
        by_kind.setdefault((one.reader, kind), []).append(one)
    for same in by_kind.values():
        one = same[0]
        path = save / f"{one.reader}-{seed}-{one.number}"
        path.write_bytes(make(one.reader, one.number, seed, sound))
        print(f"  FINDING, {len(same)} times: --reader {one.reader} --seed {seed} --only {one.number}")
        print(f"    {one.what}\n    saved {path}", flush=True)


def main() -> int:
    """Exit code 1 where there was a finding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2_000, help="inputs in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reader", choices=CHANGES, action="append", help="only these")
    parser.add_argument("--start", type=int, default=0, help="number of the first input of each reader")
    parser.add_argument("--only", type=int, help="one input again")
    parser.add_argument("--save", type=Path, default=Path(tempfile.gettempdir()) / "triage-fuzz")
    given = parser.parse_args()
    save: Path = given.save
    sound = samples(save / "samples")
    readers = given.reader or list(CHANGES)
    if given.only is not None:
        for reader in readers:
            content = make(reader, given.only, given.seed, sound)
            (save / f"{reader}-{given.seed}-{given.only}").write_bytes(content)
            print(reader, read(reader, content))
        return 0
    each = -(-given.count // len(readers))
    findings: list[Found] = []
    for reader in readers:
        begun = time.monotonic()
        counts, peak, found = run(reader, range(given.start, given.start + each), given.seed, sound)
        tell(found, given.seed, sound, save)
        findings += found
        told = ", ".join(f"{name} {n}" for name, n in counts.items() if n)
        print(
            f"{reader}: {each} inputs in {time.monotonic() - begun:.0f} s; {told}; most {peak} MB", flush=True
        )
    print(f"{each * len(readers)} inputs, seed {given.seed}: {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
