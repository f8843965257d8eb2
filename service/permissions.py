"""Who may do what: the permission that each address needs, and for whom it is narrowed.

An address that does not stand here lets nobody in; a test holds the table against the routes and
docs/permissions.md is made of it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Literal

from fastapi import Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.act_forms import ACTS, ENTRY_ACTS
from service.entry import READS, is_let_in
from service.people import csrf_of, find_person
from triage.desk import Desk
from triage.errors import NotAllowed
from triage.ledger.file_tables import CaseFileRow
from triage.ledger.handling_tables import DutyRow
from triage.ledger.tables import CaseRow
from triage.ledger.within import is_within

# what somebody bound to a section gets of an address: nothing; the case that the path names, to read
# if the section has to do with it, to write if it handles it; a duty that is its own; a list that
# leaves out the rest; all, since no case is in it
Own = Literal["no", "case", "duty", "list", "all"]


@dataclass(frozen=True)
class Need:
    """What an address needs: a key of PERMISSION_NAMES, and see ``Own``."""

    permission: str
    own: Own = "no"


def _need(permission: str, own: Own, *addresses: str) -> dict[str, Need]:
    return dict.fromkeys(addresses, Need(permission, own))


_CASE, _API = "/cases/{case_id}", "/api/cases/{case_id}"
NEEDS: dict[str, Need] = {
    **_need("read", "all", "GET /", "GET /me", "POST /me/password", "POST /me/end", "POST /sign-out"),
    **_need("read", "no", f"GET {_CASE}/with/{{other_id}}", "GET /models"),
    **_need("read", "no", "GET /models/audit", "GET /api/audit"),
    **_need("models", "no", "POST /models/audit/stops/{stop_id}/resume"),
    **_need(
        "read", "no", "GET /models/trainings/{training_id}", "GET /models/trainings/{training_id}/progress"
    ),
    **_need("models", "no", "POST /models/trainings"),
    **_need("read", "no", "GET /models/labels/{target}"),
    **_need(
        "decide",
        "no",
        "POST /models/labels/{target}/cases/{case_id}",
        "POST /models/labels/{target}/mappings",
    ),
    **_need("read", "no", "GET /models/{target}", "GET /models/{target}/versions/{version}"),
    **_need(
        "read",
        "no",
        "GET /models/drift",
        *(f"GET /models/trainings/{{training_id}}/report{part}" for part in ("", ".json", ".docx")),
    ),
    **_need(
        "models", "no", "POST /models/{target}/versions/{version}/promote", "POST /models/{target}/rollback"
    ),
    **_need("read", "case", f"GET {_CASE}", f"GET {_CASE}/print"),
    **_need(
        "decide",
        "no",
        "GET /queue",
        "GET /queue/changes",
        "GET /queue/cases/{case_id}",
        "POST /queue/cases/{case_id}/decisions",
        "POST /queue/cases/{case_id}/undo",
        "POST /queue/confirm",
        f"POST {_CASE}/decisions",
    ),
    **_need(
        "decide",
        "no",
        *(
            f"POST {_CASE}/{act}"
            for act in ("dismiss", "merge", "join", "lead", "leave", "dissolve", "due", "plan")
        ),
    ),
    **{
        f"POST {act.path}": Need(act.permission, "case" if act.permission == "handle" else "no")
        for act in (*ACTS, *ENTRY_ACTS)
    },
    **_need("handle", "duty", f"POST {_CASE}/duties/{{entry_id}}/answer"),
    **_need(
        "intake",
        "no",
        "GET /intake",
        "GET /intake/files",
        "POST /intake/files",
        "POST /intake/take-all",
        *(f"GET /intake/{{waiting_id}}{part}" for part in ("", "/original", "/picture")),
        *(f"POST /intake/{{waiting_id}}/{act}" for act in ("save", "take", "aside", "columns", "start")),
        *(f"GET /intake/batches/{{batch_id}}{part}" for part in ("", "/progress", "/refused.csv")),
        *(f"POST /intake/batches/{{batch_id}}/{act}" for act in ("stop", "resume")),
    ),
    **_need(
        "accounts",
        "no",
        "GET /settings/accounts",
        "POST /settings/accounts",
        "POST /settings/accounts/{account_id}",
        "POST /settings/accounts/{account_id}/link",
        "GET /settings/tokens",
        "POST /settings/tokens",
        "POST /settings/tokens/{token_id}/revoke",
    ),
    **_need("settings", "no", "GET /settings", "GET /settings/versions/{sha256}"),
    **_need(
        "settings",
        "no",
        *(
            f"{method} /settings/{page}"
            for method in ("GET", "POST")
            for page in (
                *("labels/{target}", "labels/{target}/edit", "rules", "results", "office"),
                *("holidays", "changes"),
            )
        ),
    ),
    # the API
    **_need("read", "case", f"GET {_API}", f"GET {_API}/letter.docx", "GET /api/files/{sha256}"),
    **_need(
        "read",
        "list",
        "GET /groups",
        "GET /year",
        "GET /year/cases",
        "GET /ledger",
        "POST /ledger/views",
        "POST /ledger/views/{view_id}/delete",
    ),
    **_need("read", "list", "GET /api/cases", "GET /api/ledger.{kind}"),
    **_need(
        "read",
        "no",
        "POST /api/triage",
        "GET /api/models",
        "GET /api/trainings",
        "GET /api/trainings/{training_id}",
        "GET /api/batches",
        "GET /api/batches/{batch_id}",
        "GET /api/changes",
        "GET /api/holidays",
        "GET /api/commitments",
        "GET /api/years/{year}",
        "GET /api/years/{year}/carried",
        "GET /api/reminders",
        "GET /api/merges",
        "GET /api/merges/{merge_id}",
        f"GET {_API}/related",
        "GET /api/groups",
    ),
    **_need(
        "intake",
        "no",
        "POST /api/cases",
        "POST /api/files",
        "POST /api/batches",
        "POST /api/batches/{batch_id}/stop",
        "POST /api/batches/{batch_id}/resume",
    ),
    **_need(
        "decide",
        "no",
        f"POST {_API}/decisions",
        f"POST {_API}/corrections",
        "POST /api/merges",
        *(f"POST /api/merges/{{merge_id}}/{act}" for act in ("members", "lead", "due", "plan", "unmerge")),
        "POST /api/relations/dismiss",
    ),
    **_need("close", "no", f"POST {_API}/close"),
    **_need(
        "handle",
        "no",
        *(
            f"POST {_API}/{act}"
            for act in (
                *("accept", "start", "send-back", "people", "duties", "stages", "conditions"),
                *("contacts", "replies", "results", "feedback", "commitments"),
            )
        ),
        *(f"POST /api/duties/{{duty_id}}/{act}" for act in ("answer", "withdraw")),
        *(f"POST /api/stages/{{stage_id}}/{act}" for act in ("done", "drop")),
        *(f"POST /api/commitments/{{commitment_id}}/{act}" for act in ("keep", "look-back")),
        "POST /api/{kind}/{entry_id}/strike",
    ),
    **_need(
        "supervise",
        "no",
        *(
            f"POST {_API}/{act}"
            for act in ("return", "return-refused", "role", "hard", "extend", "key", "unkey", "meetings")
        ),
    ),
    **_need("settings", "no", "POST /api/holidays"),
    **_need("metrics", "no", "GET /metrics"),
}


def authorize(request: Request) -> None:
    """Let the request through to its route, or not; on the application, so that no route is without it.

    Raises:
        NotAllowed: the permission is missing, the case is another section's, or a browser's session
            is used to write through the API.
    """
    path = request.scope["route"].path
    if is_let_in(request):
        return
    person, need = (
        find_person(request),
        NEEDS.get(f"{'GET' if request.method == 'HEAD' else request.method} {path}"),
    )
    if person is None or need is None or not person.may(need.permission):
        raise NotAllowed("您的账号没有这项权限。需要的话,请管理员在“设置—账号”里调整角色。")
    if path.startswith("/api") and request.method not in READS and person.account_id is not None:
        raise NotAllowed("网页登录不能用于接口写入,请使用令牌。")
    if person.bound_to is None or need.own in ("list", "all"):
        return
    desk: Desk = request.app.state.desk
    with desk.ledger.read() as session:
        if not _is_own(request, person.bound_to, need.own, session):
            raise NotAllowed("科室经办只能查看和办理本科室的件。")


async def check_csrf(request: Request) -> None:
    """What a browser's session writes must come from our own form.

    Raises:
        NotAllowed: the form's token is missing or another session's.
    """
    person = find_person(request)
    if request.method in READS or person is None or person.account_id is None:
        return
    shown = request.headers.get("x-csrf-token")
    if shown is None:
        shown = str((await request.form()).get("csrf", ""))
    if not hmac.compare_digest(shown.encode(), csrf_of(request).encode()):
        raise NotAllowed(
            "页面已过期(可能重新登录过),这次没有写入。请后退到上一页,先复制写好的内容,刷新后再提交。"
        )


def _is_own(request: Request, section: str, own: Own, session: Session) -> bool:
    """Whether what the path names is this section's."""
    given = request.path_params
    if own == "no":
        return False
    if own == "duty":
        duty = session.get(DutyRow, _number(given["entry_id"]))
        return duty is not None and duty.section == section
    if "sha256" in given:
        linked = select(CaseFileRow.case_id).where(CaseFileRow.sha256 == given["sha256"])
        cases = [session.get_one(CaseRow, case_id) for case_id in session.scalars(linked)]
        return any(is_within(case, section, session=session) for case in cases)
    case = session.get(CaseRow, _number(given["case_id"]))
    if case is None:
        return False
    return (
        case.section == section if request.method not in READS else is_within(case, section, session=session)
    )


def _number(written: str) -> int:
    """The number in a path; 0, which nothing has, where it is none."""
    return int(written) if written.isascii() and written.isdigit() and len(written) < 19 else 0
