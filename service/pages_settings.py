"""The settings pages: what the office decides by, changed in its one file under the eyes of the ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlencode

import tomlkit
from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service.api import TheDesk
from service.pages import render
from service.people import ThePerson
from service.retrying import RetryingRoute
from service.settings_view import SAVED, SECTION_WAYS, fields_of, one_line, tell, words_of
from triage.desk import Desk
from triage.errors import InputError, LedgerBusy, NotFound, OutcomeUnknown, TaxonomyError, TriageError
from triage.ledger.office_versions import count_by_label, list_changes, newest_version, version_text
from triage.ledger.texts import check_text, needed_text
from triage.office_changes import change_office, note_by_hand
from triage.office_file import Edit, add_entry, change_entry, difference, find_entry, read_office
from triage.taxonomy import TARGET_NAMES, TARGETS, Label, Taxonomy, parse_taxonomy

MAX_NAME = 50
MAX_DUTIES = 2_000
NEW = {"section": "新科室", "topic": "新主题", "handling": "新办理类型"}

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse, route_class=RetryingRoute)


def show(
    request: Request, desk: Desk, name: str, here: str, *, status: int = 200, **context: Any
) -> Response:
    """A settings page with its side menu; ``seen`` is the file that its forms are made from."""
    seen, taxonomy = as_it_stands(desk)
    return render(
        request,
        desk,
        name,
        status=status,
        here=here,
        seen=seen,
        taxonomy=taxonomy,
        ways=SECTION_WAYS,
        **{"done": "", "error": "", "differs": [], **context},
    )


def as_it_stands(desk: Desk) -> tuple[str, Taxonomy]:
    """The file's hash and what it says; no hash and the last good one where it cannot be changed."""
    path = desk.settings.taxonomy_path
    try:
        office = read_office(path)
        return office.sha256, parse_taxonomy(office.text.removeprefix("\ufeff"), str(path))
    except TaxonomyError:
        return "", desk.taxonomy


def change(
    desk: Desk,
    edit: Edit,
    refused: Callable[..., Response],
    to: str,
    *,
    act: str,
    **said: str,
) -> Response:
    """Change the file and go on to a page, or show again what was typed with what is wrong."""
    path = desk.settings.taxonomy_path
    try:
        change_office(path, desk.ledger, edit, act=act, **said)
    except (LedgerBusy, OutcomeUnknown):
        raise  # the route tries again what was not written
    except TriageError as error:
        status = 409 if error.code == "conflict" else 422
        return refused(status=status, error=error.message, differs=error.detail.get("differs", []))
    desk.office.look_now()
    query = urlencode({"done": act, "label": said.get("label", "")})
    return RedirectResponse(f"{to}{'&' if '?' in to else '?'}{query}", status_code=303)


def check_target(target: str) -> str:
    """Raises NotFound where there is no such page."""
    if target not in TARGETS:
        raise NotFound("没有这个设置页。")
    return target


@router.get("/settings")
def settings_home() -> Response:
    return RedirectResponse("/settings/labels/section", status_code=303)


@router.get("/settings/labels/{target}")
def labels_page(
    request: Request,
    desk: TheDesk,
    target: str,
    done: Annotated[str, Query()] = "",
    label: Annotated[str, Query()] = "",
) -> Response:
    return show_labels(request, desk, check_target(target), done=SAVED.get(done, ""), done_label=label)


def show_labels(request: Request, desk: Desk, target: str, **context: Any) -> Response:
    with desk.ledger.read() as session:
        counts = count_by_label(target, session=session)
    return show(
        request,
        desk,
        "settings_labels.html",
        target,
        target=target,
        counts=counts,
        what=TARGET_NAMES[target],
        new=NEW[target],
        learned=_learned(desk, target),
        **{"form": {}, **context},
    )


def _learned(desk: Desk, target: str) -> set[str]:
    """The labels that the model in use can recommend, by their present names."""
    model = desk.champions.models().get(target)
    known = (desk.taxonomy.current_name(target, name) for name in (model.labels if model else ()))
    return {name for name in known if name is not None}


def _typed(
    name: Annotated[str, Form()] = "",
    description: Annotated[str, Form()] = "",
    terms: Annotated[str, Form()] = "",
    leader: Annotated[str, Form()] = "",
    phone: Annotated[str, Form()] = "",
    way: Annotated[str, Form()] = "",
) -> dict[str, str]:
    return {
        "name": name.strip(),
        "description": description,
        "terms": terms,
        "leader": leader.strip(),
        "phone": phone.strip(),
        "way": way,
    }


Typed = Annotated[dict[str, str], Depends(_typed)]


def _values(target: str, typed: dict[str, str], described: str) -> dict[str, Any]:
    """What the form says as the file has it.

    Raises:
        InputError: something is too long.
    """
    said = check_text(typed["description"], MAX_DUTIES, field="description", name="职责或说明")
    values: dict[str, Any] = {described: one_line(said), "terms": words_of(typed["terms"])}
    if target == "section":
        for key, name in (("leader", "分管领导"), ("phone", "电话")):
            values[key] = check_text(typed[key], MAX_NAME, field=key, name=name)
    if target == "handling":
        values["way"] = typed["way"]
    return values


def new_name(name: str) -> str:
    """Raises InputError where it is empty or too long."""
    return needed_text(one_line(name), MAX_NAME, field="name", name="名称")


@router.post("/settings/labels/{target}")
def add_label(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    target: str,
    typed: Typed,
    seen: Annotated[str, Form()] = "",
    why: Annotated[str, Form()] = "",
) -> Response:
    check_target(target)

    def edit(document: tomlkit.TOMLDocument) -> None:
        described = "duties" if target == "section" else "description"
        values = {"name": new_name(typed["name"]), **_values(target, typed, described)}
        add_entry(document, target, values)

    def refused(**told: Any) -> Response:
        return show_labels(request, desk, target, form={**typed, "why": why}, **told)

    to = f"/settings/labels/{target}"
    return change(
        desk,
        edit,
        refused,
        to,
        act="added",
        seen=seen,
        part=target,
        label=typed["name"],
        who=person.name,
        why=why,
    )


@router.get("/settings/labels/{target}/edit")
def label_page(
    request: Request,
    desk: TheDesk,
    target: str,
    name: Annotated[str, Query()],
    done: Annotated[str, Query()] = "",
) -> Response:
    return show_label(request, desk, check_target(target), name, done=SAVED.get(done, ""))


def show_label(request: Request, desk: Desk, target: str, name: str, **context: Any) -> Response:
    _, taxonomy = as_it_stands(desk)
    label = label_of(taxonomy, target, name)
    with desk.ledger.read() as session:
        counts = count_by_label(target, session=session)
        changes = [
            tell(e) for e in list_changes(session=session, limit=500) if _is_of(e.detail, target, label)
        ]
    return show(
        request,
        desk,
        "settings_label.html",
        target,
        target=target,
        what=TARGET_NAMES[target],
        label=label,
        counts=counts,
        others=[one.name for one in taxonomy.labels(target) if one.active and one.name != label.name],
        changes=changes[:10],
        **{"form": fields_of(target, label), "typed": {}, **context},
    )


def label_of(taxonomy: Taxonomy, target: str, name: str) -> Label:
    """Raises NotFound."""
    found = next((one for one in taxonomy.labels(target) if one.name == name), None)
    if found is None:
        raise NotFound(f"分类文件里没有“{name[:MAX_NAME]}”。")
    return found


def _is_of(detail: dict[str, Any], target: str, label: Label) -> bool:
    names = (label.name, *label.formerly)
    return detail.get("part") == target and detail.get("label") in names


@router.post("/settings/labels/{target}/edit")
def edit_label(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    target: str,
    typed: Typed,
    old: Annotated[str, Form()],
    act: Annotated[str, Form()] = "edited",
    seen: Annotated[str, Form()] = "",
    why: Annotated[str, Form()] = "",
    successors: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """One entry: its fields, its name, or whether it is in use."""
    check_target(target)
    chosen = [name for name in successors or [] if name]

    def edit(document: tomlkit.TOMLDocument) -> None:
        entry = find_entry(document, target, "name", old)
        if act == "edited":
            change_entry(entry, _values(target, typed, _described(entry, target)))
        elif act == "renamed":
            rename_entry(document, target, old, new_name(typed["name"]))
        elif act == "retired":
            one = len(chosen) == 1
            change_entry(entry, {"active": False, "successor": chosen[0] if one else "", "successors": []})
            change_entry(entry, {"successors": chosen if len(chosen) > 1 else []})
        elif act == "restored":
            change_entry(entry, {"active": True, "successor": "", "successors": []})
        else:
            raise InputError("没有这项操作。", field="act")

    def refused(**told: Any) -> Response:
        more: dict[str, Any] = {
            "typed": {"act": act, "name": typed["name"], "why": why, "successors": chosen}
        }
        if act == "edited":
            more["form"] = typed
        return show_label(request, desk, target, old, **more, **told)

    now = one_line(typed["name"]) if act == "renamed" else old
    to = f"/settings/labels/{target}/edit?{urlencode({'name': now})}"
    return change(
        desk, edit, refused, to, act=act, seen=seen, part=target, label=now, who=person.name, why=why
    )


def _described(entry: Any, target: str) -> str:
    """The key that this entry says itself by."""
    usual = "duties" if target == "section" else "description"
    return next((key for key in ("duties", "description") if key in entry), usual)


def rename_entry(document: tomlkit.TOMLDocument, target: str, old: str, new: str) -> None:
    """Give an entry a new name; the old one stays known, and whoever it took over from goes on to it."""
    entry = find_entry(document, target, "name", old)
    if new == old:
        raise InputError("新名称与现在的相同。", field="name")
    names = [name for name in entry.get("formerly", []) if name != new]
    # how a handling type is handled must not hang on its name
    way = {"way": parse_taxonomy(tomlkit.dumps(document)).way_of(old)} if target == "handling" else {}
    change_entry(entry, {"name": new, "formerly": [*names, old], **way})
    for other in document[target]:
        if other.get("successor") == old:
            change_entry(other, {"successor": new})
        elif old in other.get("successors", []):
            change_entry(other, {"successors": [new if s == old else s for s in other["successors"]]})


@router.get("/settings/changes")
def changes_page(request: Request, desk: TheDesk, done: Annotated[str, Query()] = "") -> Response:
    return show_changes(request, desk, done=SAVED.get(done, ""))


def show_changes(request: Request, desk: Desk, **context: Any) -> Response:
    with desk.ledger.read() as session:
        changes = [tell(event) for event in list_changes(session=session, limit=100)]
        known = newest_version(session=session)
    return show(request, desk, "settings_changes.html", "changes", changes=changes, known=known, **context)


@router.post("/settings/changes")
def note_changes(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    seen: Annotated[str, Form()] = "",
    why: Annotated[str, Form()] = "",
) -> Response:
    try:
        note_by_hand(desk.settings.taxonomy_path, desk.ledger, seen=seen, who=person.name, why=why)
    except (LedgerBusy, OutcomeUnknown):
        raise  # the route tries again what was not written
    except TriageError as error:
        status = 409 if error.code == "conflict" else 422
        return show_changes(request, desk, status=status, error=error.message)
    return RedirectResponse("/settings/changes?done=by_hand", status_code=303)


@router.get("/settings/versions/{sha256}")
def version_page(request: Request, desk: TheDesk, sha256: str) -> Response:
    """One version of the file as it stood, and what was changed in it."""
    with desk.ledger.read() as session:
        changes = list_changes(session=session, limit=10_000)
        made = [e for e in changes if e.detail.get("sha256_after") == sha256]
        if not made and not any(e.detail.get("sha256_before") == sha256 for e in changes):
            raise NotFound("台账里没有这一版分类文件。")  # the other originals are not shown here
        text = version_text(sha256, session=session)
        before = version_text(made[0].detail["sha256_before"], session=session) if made else text
    return show(
        request,
        desk,
        "settings_version.html",
        "changes",
        sha256=sha256,
        change=tell(made[0]) if made else None,
        text=text.removeprefix("\ufeff"),
        lines=difference(before, text),
    )
