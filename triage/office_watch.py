"""The office's taxonomy as it is now: read again when its file changes, never lost to a bad one."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from triage.errors import TaxonomyError, os_reason
from triage.taxonomy import TARGETS, Taxonomy, load_taxonomy

LOOK_SECONDS = 1.0  # the file is looked at that often at most

Stamp = tuple[int, int, int]


class OfficeWatch:
    """The last good taxonomy of one file, and what is wrong with a newer one.

    Safe to use from several threads: who comes while another reads the file gets the one before.

    Attributes:
        differs: what to do where the file is not the one on record; empty where it is.
    """

    def __init__(self, path: Path) -> None:
        """Raises TaxonomyError where the file cannot serve to begin with."""
        self.path = path
        self.differs = ""
        self._lock = threading.Lock()
        self._stamp = self._look()  # before reading: a change in between is seen as one
        self._taxonomy = _usable(path)
        self._problem = ""
        self._next_look = time.monotonic() + LOOK_SECONDS

    def taxonomy(self) -> Taxonomy:
        """The taxonomy in force."""
        if time.monotonic() >= self._next_look:
            self._refresh()
        return self._taxonomy

    @property
    def problem(self) -> str:
        """Why the newest state of the file does not serve, or serves on this machine only; empty where all is well."""
        self.taxonomy()
        return self._problem or self.differs

    def look_now(self) -> None:
        """Take up a change at once, as whoever made it expects."""
        self._next_look = 0.0
        self.taxonomy()

    def _refresh(self) -> None:
        if not self._lock.acquire(blocking=False):
            return
        try:
            stamp = self._look()
            if stamp != self._stamp:
                self._take_up(stamp)
            self._next_look = time.monotonic() + LOOK_SECONDS
        finally:
            self._lock.release()

    def _take_up(self, stamp: Stamp | None) -> None:
        try:
            self._taxonomy, self._problem = _usable(self.path), ""
        except (TaxonomyError, OSError) as error:
            said = error.message if isinstance(error, TaxonomyError) else f"{self.path}:{os_reason(error)}。"
            self._problem = f"{said}目前仍按改动前的分类文件办理。"
        self._stamp = stamp

    def _look(self) -> Stamp | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def _usable(path: Path) -> Taxonomy:
    """Raises TaxonomyError where the file is missing, has a mistake, or no label in use."""
    taxonomy = load_taxonomy(path)
    if not any(label.active for target in TARGETS for label in taxonomy.labels(target)):
        raise TaxonomyError(f"{path} 中没有任何在用的科室、主题或办理类型。")
    return taxonomy
