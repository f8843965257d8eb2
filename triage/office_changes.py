"""Changing the office's file and telling the ledger of it: both or neither."""

from __future__ import annotations

import tomllib
from pathlib import Path

from sqlalchemy.orm import Session

from triage.errors import (
    Conflict,
    InputError,
    NotFound,
    OutcomeUnknown,
    TaxonomyError,
    TriageError,
    os_reason,
)
from triage.ledger.office_versions import (
    is_version,
    newest_change,
    newest_version,
    note_change,
    version_text,
    what_changed,
)
from triage.ledger.store import Ledger
from triage.office_file import Edit, OfficeText, check_unchanged, edited, read_office, turn, write_office
from triage.office_watch import OfficeWatch
from triage.taxonomy import TARGETS, Taxonomy, parse_taxonomy

DIFFERS = (
    "本机的分类文件和台账里登记的最新一版不同,本机按自己的文件办理。"
    "请在“设置—修改记录”核对;以本机的为准就记入台账,其他主机随后跟上。"
)


def change_office(
    path: Path,
    ledger: Ledger,
    edit: Edit,
    *,
    seen: str,
    act: str,
    part: str,
    who: str,
    label: str = "",
    why: str = "",
) -> Taxonomy:
    """Edit the file under the eyes of the ledger; the taxonomy that it gives now.

    Args:
        seen: SHA-256 of the file that the change was made from.
        act, part, label: what the event says; see note_change.

    Raises:
        InputError: nothing would change, or the file could not serve; nothing was written.
        Conflict: the file is not what was seen, ``differs`` in its detail has the lines; or another host
            changed its own and this one has not followed yet.
        TaxonomyError: the file cannot be read or edited as it stands.
        LedgerBusy: nothing was written. OutcomeUnknown: the file was; the ledger perhaps.
    """
    with turn(path):
        before = read_office(path)
        check_unchanged(before, seen, _text_of(seen, ledger) if before.sha256 != seen else None)
        after, taxonomy = edited(before, edit, path.name)
        if after.content == before.content:
            raise InputError("没有要保存的改动。")
        if not any(one.active for target in TARGETS for one in taxonomy.labels(target)):
            raise InputError("至少要有一个在用的科室、主题或办理类型。")
        try:
            with ledger.write() as session:
                _check_newest(before, session)
                note_change(
                    before.content,
                    after.content,
                    what_changed(_data(before), _data(after)),
                    act=act,
                    part=part,
                    label=label,
                    name=path.name,
                    who=who,
                    why=why,
                    session=session,
                )
                session.flush()
                # last before the commit: what fails up to here leaves the file alone
                _write(path, after.content)
        except OutcomeUnknown:
            raise  # it may stand in the ledger; an event that lacks is asked for on the page
        except BaseException:
            if read_office(path).sha256 != before.sha256:
                _write(path, before.content)
            raise
    return taxonomy


def note_by_hand(path: Path, ledger: Ledger, *, seen: str, who: str, why: str = "") -> None:
    """Record what was changed in the file with an editor since the ledger heard of it last.

    Raises:
        InputError: the ledger knows this version already. Conflict: the file is not what was seen.
        TaxonomyError: the file has a mistake.
    """
    with turn(path):
        now = read_office(path)
        check_unchanged(now, seen, None)
        parse_taxonomy(now.text.removeprefix("\ufeff"), path.name)
        with ledger.write() as session:
            known = newest_version(session=session)
            if known == now.sha256:
                raise InputError("台账里已经是这一版。")
            old = version_text(known, session=session).encode() if known else now.content
            before = OfficeText(old, old.decode())
            note_change(
                old,
                now.content,
                what_changed(_data(before), _data(now)),
                act="by_hand",
                part="file",
                label="",
                name=path.name,
                who=who,
                why=why,
                session=session,
            )


def follow_office(office: OfficeWatch, ledger: Ledger) -> bool:
    """Bring the file after the ledger where another host changed its own; whether it was.

    Only a file that says what the ledger knows as an earlier version, and was not touched since the
    newest came on record, is replaced. Any other was changed on this machine: ``office.problem``
    says what to do about it.
    """
    with ledger.read() as session:
        newest = newest_version(session=session)
    try:
        if newest is None or read_office(office.path).sha256 == newest:
            office.differs = ""
            return False
        with turn(office.path):  # whoever changes the file here has told the ledger by then
            return _follow(office, ledger)
    except TaxonomyError:
        return False  # OfficeWatch says so
    except OSError:  # this account may not write it
        office.differs = DIFFERS
        return False


def _follow(office: OfficeWatch, ledger: Ledger) -> bool:
    now, touched = read_office(office.path), office.path.stat().st_mtime
    with ledger.read() as session:
        newest = newest_change(session=session)
        if newest is None:
            return False
        wanted = str(newest.detail["sha256_after"])
        behind = touched < newest.created_at.timestamp() and is_version(now.sha256, session=session)
        content = version_text(wanted, session=session).encode()
    if behind:
        write_office(office.path, content)
        office.look_now()
    office.differs = "" if behind or now.sha256 == wanted else DIFFERS
    return behind


def _check_newest(before: OfficeText, session: Session) -> None:
    """Raises Conflict where the file is an earlier version: a change of it would undo another host's."""
    newest = newest_version(session=session)
    if newest not in (None, before.sha256) and is_version(before.sha256, session=session):
        raise Conflict(
            "本机的分类文件是台账里较早的一版,没有保存:别的主机改过的,几秒后会跟上,请刷新后再改;"
            "在本机恢复成旧版的,请先在“设置—修改记录”把现在的内容记入台账。"
        )


def _data(text: OfficeText) -> dict[str, object]:
    return tomllib.loads(text.text.removeprefix("\ufeff"))


def _text_of(sha256: str, ledger: Ledger) -> str | None:
    """What a version said, where the ledger keeps it."""
    try:
        with ledger.read() as session:
            return version_text(sha256, session=session)
    except NotFound:
        return None


def _write(path: Path, content: bytes) -> None:
    try:
        write_office(path, content)
    except OSError as error:
        raise TriageError(f"分类文件写不进去:{os_reason(error)}。没有保存。") from None
