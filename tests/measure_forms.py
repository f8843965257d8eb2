"""How many fields of suggestion forms are read right: ours, and a script of a few lines beside it.

``python tests/measure_forms.py`` makes the documents and prints both. The reader was mended on the
first and the later set; it must not be mended on the unseen one, or nothing is left that tells what
an office's own form can expect.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from form_layouts import FIELDS, LAYOUTS, make_all
from form_layouts_later import LAYOUTS as LATER
from form_layouts_unseen import LAYOUTS as UNSEEN
from form_score import Score, count, read

from triage.documents.blocks import Document, Line
from triage.documents.form import read_form
from triage.documents.labels import half_width

# what a clerk's script looks for: the usual label, a colon or a gap, the rest of the line
_USUAL = {
    "number": "编号|案号|建议号",
    "session": "届次|会议名称",
    "kind": "案别|类型",
    "title": "标题|案由|题目",
    "body": "正文|内容|建议内容",
    "deputy": "领衔代表|领衔人|提案人|代表姓名",
    "cosigners": "附议代表|附议人|联名代表",
    "delegation": "代表团|界别",
    "phone": "联系电话|电话|手机",
    "proposed_unit": "建议承办单位",
    "lead_unit": "主办单位|承办单位",
    "received_on": "交办日期|收到日期|收件日期",
}


def plain(document: Document) -> Mapping[str, str]:
    """The peer: each cell row as a line, and one pattern a field."""
    lines = []
    for block in document.blocks:
        if isinstance(block, Line):
            lines.append(block.text)
        else:
            lines += ["\t".join(cell.text for cell in row) for row in block.rows]
    text = half_width("\n".join(lines))
    found = {}
    for name, labels in _USUAL.items():
        spaced = "|".join(r"\s*".join(label) for label in labels.split("|"))
        rest = r"([\s\S]+)" if name == "body" else r"([^\n\t]+)"
        match = re.search(rf"(?:{spaced})[:\t\s]+{rest}", text)
        if match:
            found[name] = match[1].strip()
    return found


def main() -> int:
    readers: dict[str, Callable[[Document], Mapping[str, str]]] = {
        "ours": lambda document: read_form(document).fields,
        "labels and a pattern": plain,
    }
    with tempfile.TemporaryDirectory() as folder:
        for title, layouts in (("first set", LAYOUTS), ("later set", LATER), ("unseen", UNSEEN)):
            into = Path(folder) / title.split()[0]
            into.mkdir()
            made = make_all(into, layouts)
            for suffixes in ((".docx", ".txt"), (".doc",), (".pdf",)):
                files = [(layout, path) for layout, path in made if path.suffix in suffixes]
                for name, reader in readers.items():
                    total = Score()
                    for layout, path in files:
                        total.add(path.name, count(layout.truth, reader(read(path))))
                    if files:
                        print(
                            f"{title:10} {' '.join(suffixes):11} {len(files):3} files  {name:21}"
                            f"{total.share:6.1%} of {total.right + total.wrong + total.missing}, "
                            f"{total.wrong} wrong, {total.invented} where a blank was due"
                        )
    print(f"fields: {', '.join(FIELDS)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
