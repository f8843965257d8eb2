"""Who signed a suggestion, each by name, and how a letter addresses them."""

from __future__ import annotations

import re

from triage.exports.official_page import plain, said
from triage.ledger.tables import CaseRow

REST = "【请补全其他{title}姓名】"
EITHER = said("代表(委员)")  # where nobody said which assembly
UNKNOWN = "______"
TITLES = {"建议": "代表", "议案": "代表", "提案": "委员"}
_BETWEEN = re.compile("[\u3001,\uff0c;\uff1b/|\n]+")
_AND_OTHERS = re.compile(r"等(\d+|[一二三四五六七八九十百]+)?(?:名|位|人)*(?:代表|委员)?$")
_TITLE = re.compile(r"(?<=..)(?:代表|委员)$")
# a party, a sector or a body of the conference may propose as a whole
_BODIES = re.compile(
    r"(?:[省市县区州旗]委|代表团|委员会|支部|总支|工委|界别?|小组|联合会|联谊会|工商联|商会|工会|妇联|侨联|"
    r"台联|科协|共青团|青联|民革|民盟|民建|民进|农工党|致公党|九三学社|台盟)$"
)


def signers_of(case: CaseRow) -> list[str]:
    """Every signer's name, the first signer first."""
    return _read(case)[0]


def addressees_of(case: CaseRow, kind: str) -> str:
    """The salutation: every signer by name, with what the assembly calls its members."""
    names, more = _read(case)
    title = TITLES.get(kind, EITHER)
    if more:
        names.append(REST.format(title=title))
    whole = [name for name in names if _BODIES.search(name)]
    people = [name for name in names if name not in whole]
    if not names:
        return said("{name}{title}:", name=UNKNOWN, title=title)
    addressed = whole + ([f"{'、'.join(people)}{title}"] if people else [])
    return said("{names}:", names="、".join(addressed))


def called(case: CaseRow, kind: str) -> str:
    """您 for one person, 你们 for several, 贵单位 for a body that proposed as a whole."""
    names, more = _read(case)
    if len(names) == 1 and not more:
        return "贵单位" if _BODIES.search(names[0]) else "您"
    return "你们" if names else "您"


def _read(case: CaseRow) -> tuple[list[str], bool]:
    """The names, and whether the record speaks of more signers than it names."""
    names: list[str] = []
    told = 0
    some = False
    for text in (case.deputy, case.cosigners):
        for piece in _pieces(text):
            found = _AND_OTHERS.search(piece)
            if found:
                piece, some = piece[: found.start()], True
                told = max(told, int(found[1]) if found[1] and found[1].isdecimal() else 0)
            name = _TITLE.sub("", piece)
            if name and name not in names:
                names.append(name)
    return names, some and (told == 0 or told > len(names))


def _pieces(text: str) -> list[str]:
    """One for each name: lists are written with commas of all kinds or with spaces."""
    pieces: list[str] = []
    for part in _BETWEEN.split(text):
        words: list[str] = []
        for word in plain(part).split():
            # names of two characters are often spread to the width of three
            if words and len(word) == 1 and len(words[-1]) == 1:
                words[-1] += word
            else:
                words.append(word)
        pieces += words
    return pieces
