"""Whether the ledger can take what another ledger has on record of a case."""

from __future__ import annotations

from triage.documents.columns import COLUMN_NAMES
from triage.errors import InputError
from triage.ledger.handling import MAX_NAME
from triage.ledger.records import Record
from triage.ledger.replies import check_reply_number
from triage.ledger.states import STATE_NAMES
from triage.ledger.texts import check_text
from triage.taxonomy import TARGET_NAMES, Taxonomy

HANDLED = ("assigned", "accepted", "in_handling", "replied")  # states in which a section has the case


def check_record(record: Record, taxonomy: Taxonomy) -> None:
    """Labels, classes, names and state; the submission is checked by itself.

    Raises:
        InputError: something that the office does not have, or a state that its labels do not allow;
            ``field`` in its detail names the column at fault.
    """
    check_reply_number(record.reply_number)
    for name, text in (("leader", record.leader), ("handler", record.handler)):
        check_text(text, MAX_NAME, field=name, name=COLUMN_NAMES[name])
    for target, decided in record.labels.items():
        _check_known(decided.label, target, target, TARGET_NAMES[target], taxonomy)
    for section in record.assists:
        _check_known(section, "section", "assists", COLUMN_NAMES["assists"], taxonomy)
    if record.result_class:
        try:
            taxonomy.check_result_class(record.result_class)
        except InputError as error:
            raise InputError(error.message, field="result_class") from None
    if record.state == "closed" and not record.labels:
        raise InputError("没有承办科室、主题、办理类型中的任何一项,不能作为办结件导入。", field="section")
    if record.state in HANDLED and taxonomy.labels("section") and "section" not in record.labels:
        raise InputError(f"状态是{STATE_NAMES[record.state]},却没有承办科室。", field="section")


def _check_known(label: str, target: str, field: str, name: str, taxonomy: Taxonomy) -> None:
    known = [x.name for x in taxonomy.labels(target)]  # retired ones and former names count on record
    if label not in (*known, *taxonomy.past_names(target)):
        raise InputError(f"{name}“{label[:40]}”不在分类文件中,可用:{'、'.join(known)}。", field=field)
