"""The form on which a deputy says what came of the suggestion (征询意见表), on a page of its own."""

from __future__ import annotations

from docx.document import Document as Page
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_ROW_HEIGHT_RULE
from docx.shared import Mm

from triage.exports.official_page import CENTER, LEFT, TITLE, fill_cell, plain, put, put_table, said
from triage.exports.signers import EITHER, TITLES, signers_of
from triage.ledger.contacts import CONTACT_NAMES, VERDICTS
from triage.ledger.tables import CaseRow
from triage.taxonomy import Taxonomy

WIDTHS = (34, 44, 32, 46)  # millimetres


def put_feedback_form(page: Page, case: CaseRow, *, taxonomy: Taxonomy, kind: str, number: str) -> None:
    """The form for the first signer; what the deputy says is left to the deputy."""
    who = TITLES.get(kind, EITHER)
    verdicts = "  ".join(f"□{verdict}" for verdict in VERDICTS)
    ways = "  ".join(f"□{way}" for way in CONTACT_NAMES.values())
    handler = "\n".join(filter(None, (plain(case.handler), taxonomy.phone_of(case.section))))
    heading = put(page, f"{kind}办理情况征询意见表", align=CENTER, font=TITLE, size=22)
    heading.paragraph_format.page_break_before = True
    put(page)
    group = "界别" if kind == "提案" else "代表团"
    lead = "".join(signers_of(case)[:1])
    # height in millimetres, then label and content by turns
    rows: tuple[tuple[int, tuple[str, ...]], ...] = (
        (12, ("编号", number, "届次", plain(case.session))),
        (16, ("案由", plain(case.title))),
        (12, (f"领衔{who}", lead, group, plain(case.delegation))),
        (12, ("承办单位", plain(taxonomy.bureau), "承办人\n及电话", handler)),
        (18, ("办理人员\n是否联系", said("□是  □否\n方式:{ways}", ways=ways))),
        (12, ("办理态度", verdicts)),
        (12, ("办理结果", verdicts)),
        (60, ("意见和建议", "")),
        (14, (f"{who}签名", "", "日期", said("  年 月 日"))),
    )
    table = put_table(page, len(rows), WIDTHS)
    for row, (height, texts) in zip(table.rows, rows, strict=True):
        row.height, row.height_rule = Mm(height), WD_ROW_HEIGHT_RULE.AT_LEAST
        cells = list(row.cells)
        for cell, width in zip(cells, WIDTHS, strict=True):
            cell.width = Mm(width)
        if len(texts) == 2:
            cells = [cells[0], cells[1].merge(cells[3])]
        for nth, (cell, text) in enumerate(zip(cells, texts, strict=True)):
            cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
            fill_cell(cell, text, align=LEFT if nth % 2 else CENTER)
    rule = taxonomy.rules.feedback
    when = f"{rule}前" if rule.unit == "year_day" else f"收到答复后{rule}内"
    put(page, said("(请在{when}填好本表,送承办单位。)", when=when), size=14)
