"""The named conditions a person can run into, each with a sentence for that person."""

from __future__ import annotations


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
