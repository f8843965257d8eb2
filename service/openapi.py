"""The description of the API (/api/openapi.json): what its addresses have in common is added here, once."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from service.problems import documented

ALWAYS = (
    401,
    403,
    422,
    503,
)  # nobody known, not allowed, what was sent cannot be taken, the database is busy
WITH_BODY = (400, 413)  # no JSON at all, larger than anything sensible
_FASTAPI_S_OWN = ("HTTPValidationError", "ValidationError")  # of its 422, which is never sent here


def describe(app: FastAPI) -> None:
    """Let the application describe its API as it really answers: problems as RFC 9457, a token at each."""
    make = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(make())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    for path, operations in document["paths"].items():
        if not path.startswith("/api"):
            continue
        for operation in operations.values():
            own = operation["responses"]
            common = documented(*ALWAYS, *(WITH_BODY if "requestBody" in operation else ()))
            own |= {str(status): told for status, told in common.items() if _is_new(own.get(str(status)))}
            operation["security"] = [{"token": []}]
    components = document["components"]
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for name in _FASTAPI_S_OWN:
        components["schemas"].pop(name, None)
    return document


def _is_new(told: dict[str, Any] | None) -> bool:
    """Whether a response is not described, or only as FastAPI does by itself."""
    return told is None or any(name in str(told) for name in _FASTAPI_S_OWN)
