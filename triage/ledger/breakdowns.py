"""What a database that refuses or falls silent means for the one who asked: wait, tell somebody, look first."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from triage.errors import DiskFull, LedgerBusy, LedgerUnwritable, OutcomeUnknown, TriageError

# PostgreSQL: serialization failure, deadlock, too many connections, lock not available, statement
# cancelled by a timeout, shut down or starting
_TRANSIENT = ("40001", "40P01", "53300", "55P03", "57014", "57P01", "57P02", "57P03")
_FULL = ("53100",)
_UNWRITABLE = ("25006", "58030")  # read-only, as a standby is; input or output error
# SQLite's primary result codes, by number: sqlite3 has names for them only where the library was built so
_SQLITE_READ_ONLY, _SQLITE_IO, _SQLITE_FULL, _SQLITE_CANNOT_OPEN = 8, 10, 13, 14


def told(error: DBAPIError | PoolTimeout, *, committing: bool = False) -> TriageError | None:
    """What to tell the one who asked; None where it is the program's mistake or the data's.

    Args:
        committing: it came while a transaction was being committed.
    """
    disk = _of_disk(error)
    if disk is not None:
        # a full disk is found before the last page is written; after another error nobody knows
        return OutcomeUnknown() if committing and _sqlite_code(error) == _SQLITE_IO else disk
    if _is_transient(error):
        return OutcomeUnknown() if committing else LedgerBusy()
    return None


def _of_disk(error: DBAPIError | PoolTimeout) -> LedgerUnwritable | None:
    if not isinstance(error, DBAPIError):
        return None
    state, code = getattr(error.orig, "sqlstate", None), _sqlite_code(error)
    if state in _FULL or code == _SQLITE_FULL:
        return DiskFull()
    if state in _UNWRITABLE or code in (_SQLITE_READ_ONLY, _SQLITE_IO, _SQLITE_CANNOT_OPEN):
        return LedgerUnwritable()
    return None


def _sqlite_code(error: DBAPIError | PoolTimeout) -> int:
    """SQLite's primary result code; 0 of an error of another database."""
    return int(getattr(getattr(error, "orig", None), "sqlite_errorcode", 0)) & 0xFF


def _is_transient(error: DBAPIError | PoolTimeout) -> bool:
    """Whether the same may work a moment later: deadlock, lost or refused connection, busy file."""
    if isinstance(error, PoolTimeout):
        return True
    if isinstance(error, IntegrityError):
        return False
    if error.connection_invalidated:
        return True
    if not isinstance(error, OperationalError):
        return False
    state = getattr(error.orig, "sqlstate", "")
    if state == "":  # SQLite has no states
        return "locked" in str(error.orig) or "busy" in str(error.orig)
    return state is None or state in _TRANSIENT or state.startswith("08")
