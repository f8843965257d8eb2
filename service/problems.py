"""One place that turns an exception into problem details (RFC 9457) or an error page."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match

from service.logs import REQUEST_ID
from triage.errors import TriageError

SECURITY_HEADERS = {
    "content-security-policy": "default-src 'self'; frame-ancestors 'none'; form-action 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}

STATUS = {
    "invalid-input": 422,
    "invalid-taxonomy": 500,
    "model-refused": 409,
    "not-found": 404,
    "conflict": 409,
    "refused": 403,
    "not-allowed": 403,
    "too-many": 429,
    "ledger-missing": 503,
    "ledger-busy": 503,
    "ledger-unwritable": 503,
    "disk-full": 507,
    "outcome-unknown": 503,
}
# seconds after which it is worth asking again, where it is not 2
RETRY_AFTER = {"ledger-busy": "5", "ledger-unwritable": "60", "disk-full": "60"}
TITLES = {
    400: "请求格式有误",
    401: "请先登录",
    403: "拒绝访问",
    404: "没有找到",
    405: "不支持的操作",
    409: "与现状冲突",
    413: "内容太大",
    422: "填写有误",
    429: "次数太多",
    500: "程序出错",
    503: "服务未就绪",
    507: "磁盘已满",
}
PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "examples": ["/problems/conflict"]},
        "title": {"type": "string", "examples": ["与现状冲突"]},
        "status": {"type": "integer", "examples": [409]},
        "detail": {"type": "string", "examples": ["您打开后已有人改动过本件,请刷新后再认定。"]},
        "instance": {"type": "string"},
        "request_id": {"type": "string", "examples": ["kzwtbqmrdx"], "description": "日志里的同一个编号"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How a route's problem responses stand in the API's description."""
    content = {"application/problem+json": {"schema": PROBLEM_SCHEMA}}
    texts = {**TITLES, 404: "没有这件"}
    return {status: {"description": texts[status], "content": content} for status in statuses}


# pydantic's error types to a sentence; {…} are filled from the error's context
_SENTENCES = {
    "missing": "缺少必填项",
    "json_invalid": "请求体不是有效的 JSON",
    "string_type": "应为文字",
    "string_too_short": "不能为空",
    "string_too_long": "太长,最多 {max_length} 字",
    "int_parsing": "应为整数",
    "int_type": "应为整数",
    "bool_parsing": "应为 true 或 false",
    "greater_than_equal": "不能小于 {ge}",
    "less_than_equal": "不能大于 {le}",
    "extra_forbidden": "不认识的项",
    "model_attributes_type": "应为 JSON 对象",
    "dict_type": "应为 JSON 对象",
    "list_type": "应为列表",
    "too_short": "不能为空",
    "literal_error": "取值无效,可选:{expected}",
    "enum": "取值无效,可选:{expected}",
    "date_from_datetime_parsing": "不是日期,应写成 2026-01-15",
    "date_parsing": "不是日期,应写成 2026-01-15",
    "date_type": "不是日期,应写成 2026-01-15",
}


def is_for_programs(path: str) -> bool:
    """Whether programs ask here, which want data for an answer and show a token, not a page and a session."""
    return path.startswith("/api") or path in ("/healthz", "/readyz", "/metrics")


def problem(request: Request, status: int, detail: str, *, code: str = "", **more: Any) -> Response:
    """Problem details for programs, a page for people; what may be sent again says when."""
    title = TITLES.get(status, "出错了")
    headers = SECURITY_HEADERS
    if status in (503, 507) and code != "outcome-unknown":  # look first, then send again
        headers = SECURITY_HEADERS | {"retry-after": RETRY_AFTER.get(code, "2")}
    if is_for_programs(request.url.path):
        body = {
            "type": f"/problems/{code}" if code else "about:blank",
            "title": title,
            "status": status,
            "detail": detail,
            "instance": request.url.path,
            "request_id": REQUEST_ID.get(),
            **more,
        }
        return JSONResponse(body, status_code=status, media_type="application/problem+json", headers=headers)
    templates = request.app.state.templates
    response: Response = templates.TemplateResponse(
        request,
        "error.html",
        {"title": title, "detail": detail, "request_id": REQUEST_ID.get()},
        status_code=status,
        headers=headers,
    )
    return response


def install(app: FastAPI) -> None:
    """Register the handlers."""

    @app.exception_handler(TriageError)
    async def triage_error(request: Request, error: TriageError) -> Response:
        status = STATUS.get(error.code, 500)
        return problem(request, status, error.message, code=error.code, **error.detail)

    @app.exception_handler(RequestValidationError)
    async def validation_error(request: Request, error: RequestValidationError) -> Response:
        found = [_sentence(e) for e in error.errors()]
        detail = ";".join(f"{e['field']}:{e['message']}" if e["field"] else e["message"] for e in found)
        return problem(request, 422, detail + "。", code="invalid-input", errors=found)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        details = {404: "没有这个地址。", 405: "这个地址不支持该操作。", 400: "请求体无法解析。"}
        detail = details.get(error.status_code, str(error.detail))
        response = problem(request, error.status_code, detail)
        if error.status_code == 405:
            response.headers["allow"] = ", ".join(_methods(request))
        return response


def unforeseen(request: Request) -> Response:
    """The answer to an error of the program itself."""
    return problem(
        request,
        500,
        "程序出错。请先到台账核对本次操作是否已经写入(重新报送不会重复登记),再把编号和时间告诉管理员查看日志。",
    )


def _methods(request: Request) -> list[str]:
    """All methods that the address answers to; a route that does not match knows its own alone."""
    asked = {"type": "http", "path": request.url.path, "root_path": "", "headers": []}
    return [
        method
        for method in ("GET", "POST")
        if any(route.matches({**asked, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]


def _sentence(error: Any) -> dict[str, str]:
    # the first part says where (body, query, path, header); a field may itself be called body
    field = ".".join(str(part) for part in error["loc"][1:])
    if error["type"] == "json_invalid":
        field = ""
    return {"field": field, "message": sentence(error)}


def sentence(error: Any) -> str:
    """One of pydantic's errors in Chinese, without the field's name."""
    return _SENTENCES.get(error["type"], "格式不正确").format_map(_Blank(error.get("ctx") or {}))


class _Blank(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"
