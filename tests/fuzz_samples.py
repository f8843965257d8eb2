"""Small sound inputs of every kind that is read, from which damaged ones are made."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import openpyxl
from docx.document import Document as Paper
from odd_files import BODY, macro, word, workbook
from office_files import form_file, lines_file

from training import sample_office

ROWS = (
    (
        "编号",
        "届次",
        "标题",
        "正文",
        "领衔代表",
        "附议代表",
        "收件日期",
        "承办科室",
        "状态",
        "办理结果",
        "联系代表",
    ),
    (
        "第001号",
        "七届三次会议",
        "关于路灯的建议",
        BODY,
        "张三",
        "李四、王五",
        "2026-01-12",
        "能源科",
        "办结",
        "A",
        "2026.2.3 电话 张三:谈过",
    ),
    (
        "第002号",
        "七届三次会议",
        "关于积水的建议",
        BODY,
        "赵敏",
        "",
        "2026年1月13日",
        "价格收费管理科",
        "在办",
        "",
        "",
    ),
)
TEXT = f"""某市第七届人民代表大会第三次会议
代表建议、批评和意见
编号:第081号      案别:建议
标题:关于路灯的建议
领衔代表:张三    代表团:东山代表团   联系电话:13800000000
附议代表:李四、王五 等5人
正文:{BODY}
建议承办单位:市发展改革局
2026年1月12日
"""
OFFICE = """\
[office]
name = "某委"  # 全称
terms = ["特色小镇"]
reply_months = 3

[letter]
bureau = "某委"
mark = "某发改函"
copies = ["市人大常委会选工委", "市政府办公室"]

[deadlines]
hard_reply = "6个月"
objection = "7个工作日"
redo = "6月30日"

[[section]]
name = "能源科"
duties = "电网、充电"
terms = ["电网", "光伏"]
leader = "李"
phone = "87654321"
formerly = ["电力科"]

[[section]]
name = "老科室"
active = false
successors = ["能源科"]

[[topic]]
name = "能源"
description = '''电力'''

[[handling]]
name = "立即办理"
way = "at_once"

[[result_class]]
code = "A"
name = "已经解决"

[[result_class]]
code = "B"
name = "正在解决"
carried = true
"""
CSV = "\n".join(",".join(f'"{cell}"' for cell in row) for row in ROWS)
JSON = json.dumps([dict(zip(ROWS[0], row, strict=True)) for row in ROWS[1:]], ensure_ascii=False, indent=1)


def samples(folder: Path) -> dict[str, list[bytes]]:
    """Reader to its sound inputs; kept in ``folder``, so that the next run damages the same ones.

    Needs LibreOffice the first time: old formats and PDF are written by it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    packed: dict[str, Callable[[], bytes]] = {
        "form.docx": lambda: _saved(form_file((BODY, "二是修缮。"))),
        "lines.docx": lambda: _saved(lines_file()),
        "plain.docx": word,
        "macro.docx": macro,
        "sheet.xlsx": _sheet,
        "plain.xlsx": workbook,
    }
    for name, make in packed.items():
        if not (folder / name).exists():
            (folder / name).write_bytes(make())
    for stem, suffix in (
        *((s, t) for s in ("form", "lines") for t in ("doc", "pdf")),
        ("sheet", "xls"),
        ("sheet", "ods"),
    ):
        if not (folder / f"{stem}.{suffix}").exists():
            _convert(folder / (f"{stem}.xlsx" if stem == "sheet" else f"{stem}.docx"), suffix)
    kept = {
        kind: [path.read_bytes() for path in sorted(folder.glob(f"*.{kind}"))]
        for kind in ("docx", "doc", "pdf", "xlsx", "xls", "ods")
    }
    return {
        **kept,
        "csv": [CSV.encode(), CSV.encode("gb18030")],
        "json": [JSON.encode()],
        "txt": [TEXT.encode(), TEXT.encode("gb18030"), TEXT.encode("utf-16")],
        "office": [OFFICE.encode(), OFFICE.encode(), sample_office.OFFICE.read_bytes()],
    }


def _saved(paper: Paper) -> bytes:
    content = io.BytesIO()
    paper.save(content)
    return content.getvalue()


def _sheet() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(("2026年建议办理台账",))
    book.active.merge_cells("A1:K1")
    for row in ROWS:
        book.active.append(row)
    book.active.append(("合计", 2))
    book.create_sheet("说明").append(("填表说明",))
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _convert(path: Path, suffix: str) -> None:
    profile = f"-env:UserInstallation=file://{path.parent.resolve()}/profile"
    subprocess.run(
        ["soffice", profile, "--headless", "--convert-to", suffix, "--outdir", str(path.parent), str(path)],
        check=True,
        capture_output=True,
    )
