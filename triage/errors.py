"""The named conditions a person can run into, each with a sentence for that person."""

from __future__ import annotations

import errno

_OS_REASONS = {
    errno.ENOENT: "没有这个文件或目录",
    errno.EACCES: "没有权限读写",
    errno.EISDIR: "是目录,不是文件",
    errno.ENOTDIR: "路径中有一段不是目录",
    errno.ENOSPC: "写不下,磁盘已满",
    errno.EROFS: "写不了,磁盘是只读的",
}


def os_reason(error: OSError) -> str:
    """Why the operating system refused, in the user's words where we have them."""
    return _OS_REASONS.get(error.errno or 0, error.strerror or str(error))


class TriageError(Exception):
    """A condition with a Chinese sentence for the user.

    ``code`` is stable and for programs; ``str(error)`` is for people.
    """

    code = "error"

    def __init__(self, message: str, **detail: object) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class InputError(TriageError):
    """A field or file that was handed in cannot be taken as it is."""

    code = "invalid-input"


class TaxonomyError(TriageError):
    """The office's TOML file has a mistake; the message names file and line."""

    code = "invalid-taxonomy"


class ModelRefused(TriageError):
    """A model file failed its check and was not loaded."""

    code = "model-refused"


class NotFound(TriageError):
    """No such case, prediction or model version."""

    code = "not-found"


class Conflict(TriageError):
    """Somebody else decided meanwhile, or the state does not allow the act."""

    code = "conflict"


class LedgerMissing(TriageError):
    """The ledger has not been created yet, or its schema is not the program's."""

    code = "ledger-missing"
