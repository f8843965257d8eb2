"""The named conditions a person can run into, each with a sentence for that person."""

from __future__ import annotations

import errno

_OS_REASONS = {
    errno.ENOENT: "没有这个文件或目录",
    errno.EACCES: "没有权限读写",
    errno.EISDIR: "是目录,不是文件",
    errno.ENOTDIR: "路径中有一段不是目录",
    errno.ENOSPC: "写不下,磁盘已满",
    errno.EDQUOT: "写不下,磁盘配额已满",
    errno.EFBIG: "写不下,超过了文件大小的限制",
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


class Refused(TriageError):
    """Who asks did not show that it may."""

    code = "refused"


class NotAllowed(TriageError):
    """Who asks is known and may not."""

    code = "not-allowed"


class TooMany(TriageError):
    """Too many failed tries of late."""

    code = "too-many"


class LedgerBusy(TriageError):
    """The database is not to be had just now; nothing was written, the same may be tried again.

    ``passes``: whether waiting a few seconds may help.
    """

    code = "ledger-busy"
    passes = True
    sentence = "台账数据库暂时连不上或正忙,本次没有写入,请稍后再试。"

    def __init__(self) -> None:
        super().__init__(self.sentence)


class LedgerUnwritable(LedgerBusy):
    """The disk under the ledger cannot be written; nothing was, and somebody must see to it."""

    code = "ledger-unwritable"
    passes = False
    sentence = (
        "台账所在的磁盘眼下写不进(只读、已满或读写出错),本次没有写入,已登记的都在。"
        "请告诉管理员,处理好以后再试。"
    )


class DiskFull(LedgerUnwritable):
    """There is no room for the ledger to grow."""

    code = "disk-full"
    sentence = "台账所在的磁盘满了,本次没有写入,已登记的都在。请告诉管理员清出空间,清出后即可再试,不用重启。"


class OutcomeUnknown(TriageError):
    """The connection broke while committing: it may have been written or not."""

    code = "outcome-unknown"

    def __init__(self) -> None:
        super().__init__("写入台账时连接中断,不知道是否已经写入。请先到台账核对,再决定是否重做。")


class LedgerMissing(TriageError):
    """The ledger has not been created yet, or its schema is not the program's."""

    code = "ledger-missing"


class CrewError(TriageError):
    """The processes or machines that were to do the work cannot; what was finished is kept."""

    code = "crew"
