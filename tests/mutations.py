"""Ways to damage an input: single bytes, the parts packed inside a file, the words of a text.

Each takes the generator that decides, so that the same seed damages the same way.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Sequence
from random import Random

import olefile

_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
ODD_TEXTS = (
    *(
        "",
        " ",
        "\x00",
        "\x0b",
        "\u202e",
        "\ufeff",
        "\ufffe",
        "\u3000",
        "𠮷",
        "²",
        "٣",
        "½",
        "a\u0301",
        "\ud800",
    ),
    *("0", "-1", "00000000", "9" * 20, "9" * 5_000, "1e999", "NaN", "0x10", "1_000", "0000-00-00"),
    *("9999年99月99日", "10000-01-01", "2026-02-30", "第号", "第99999999号", "(((((((((((", "《" * 50),
    *(
        "标题:",
        "正文:",
        "案由",
        "附议代表",
        "合计",
        "'=1+1",
        "[" * 300,
        "{" * 300,
        "等999999999999人",
        "年" * 500,
    ),
    *("、" * 500, "关于" * 200, "代表 " * 300, "\n" * 300, " " * 3_000, "A" * 3_000, "路" * 3_000),
)
_STEPS = (0, 0, 0, 1, 2, 5)  # many damages at once are nearly always refused at the door
ODD_TOML = (
    *(
        '""',
        '" "',
        "true",
        "0",
        "-1",
        "1.5",
        "nan",
        "1979-05-27",
        "1979-05-27T07:32:00Z",
        "07:32:00",
        "[]",
        "{}",
    ),
    *(
        '["甲"]',
        '["甲", 1]',
        "[[]]",
        "{a = 1}",
        '[{name = "甲"}]',
        '["能源科"]',
        '"能源科"',
        '"老科室"',
        '"3个月"',
    ),
    *('"99个月"', '"0天"', '"2月30日"', "99999999999999999999", "9" * 5_000, "[" * 2_000 + "]" * 2_000),
    *('"\\u0000"', '"\\ud800"', '"𠮷"', '"""多\n行"""', "'" + "长" * 5_000 + "'", "0x10", "1_000", "inf"),
)
_ODD_VALUES = (
    None,
    True,
    0,
    -1,
    1.5,
    1e308,
    float("inf"),
    [],
    {},
    [[]],
    {"标题": "甲"},
    10**30,
    "\ud800",
    "\x00",
)
_TAG = re.compile(r"<[^>]*>|[^<]+")
_WORD = re.compile(r"\s+|\w+|[^\w\s]")
_PDF_STREAM = re.compile(rb"(<<(?:(?!stream|endobj).)*?>>\s*stream\r?\n)(.*?)(\r?\nendstream)", re.DOTALL)

Change = Callable[[bytes, Random], bytes]


def of_bytes(content: bytes, random: Random, other: bytes = b"") -> bytes:
    """One to sixteen small damages anywhere; sometimes a piece of ``other`` put in, or the end cut off."""
    made = bytearray(content)
    for _ in range(1 << random.randrange(5)):
        at, size = random.randrange(len(made) + 1), 1 << random.randrange(10)
        match random.randrange(8):
            case 0 if at < len(made):
                made[at] ^= 1 << random.randrange(8)
            case 1 if at < len(made):
                made[at] = random.randrange(256)
            case 2:
                number = random.choice(_NUMBERS).to_bytes(4, random.choice(["little", "big"]))
                made[at : at + 4] = number[: random.choice([1, 2, 4])]
            case 3:
                made[at:at] = random.randbytes(size)
            case 4:
                del made[at : at + size]
            case 5:
                made[at:at] = made[at : at + size] * random.choice([1, 2, 50])
            case 6 if other:
                start = random.randrange(len(other))
                made[at : at + random.choice([0, size])] = other[start : start + size]
            case 7 if random.random() < 0.1:
                del made[at:]
    return bytes(made)


def same_size(content: bytes, random: Random) -> bytes:
    """Damages that move nothing: where a table of offsets says what stands where."""
    made = bytearray(content)
    for _ in range(1 << random.randrange(6)):
        at = random.randrange(len(made))
        new = random.choice(
            [
                bytes([random.randrange(256)]),
                random.choice(_NUMBERS).to_bytes(4, "little"),
                random.randbytes(2),
            ]
        )[: len(made) - at]
        made[at : at + len(new)] = new
    return bytes(made)


def of_words(text: str, random: Random, odd: Sequence[str] = ODD_TEXTS) -> str:
    """Words, signs and spaces left out, doubled, exchanged, or replaced by odd ones."""
    words = _WORD.findall(text)
    for _ in range(1 << random.choice(_STEPS)):
        at = random.randrange(len(words) + 1)
        match random.randrange(6):
            case 0:
                del words[at : at + random.choice([1, 1, 5, 50])]
            case 1:
                words[at:at] = words[at : at + random.choice([1, 5, 50])]
            case 2 if len(words) > 1:
                one, two = random.randrange(len(words)), random.randrange(len(words))
                words[one], words[two] = words[two], words[one]
            case 3:
                words[at : at + 1] = [random.choice(odd)]
            case 4:
                words.insert(at, random.choice(odd))
            case 5 if words:
                words.insert(at, random.choice(words))
    return "".join(words)


def of_toml(content: bytes, random: Random) -> bytes:
    """Lines left out, doubled, exchanged; the value behind a key replaced by another of TOML's kinds."""
    lines = content.decode("utf-8").splitlines()
    for _ in range(1 << random.choice(_STEPS)):
        at = random.randrange(len(lines))
        key, divider, _ = lines[at].partition("=")
        match random.randrange(6):
            case 0 | 1 | 2 if divider:
                lines[at] = f"{key}= {random.choice(ODD_TOML)}"
            case 3 if len(lines) > 1:
                del lines[at]
            case 4:
                lines.insert(random.randrange(len(lines)), lines[at])
            case 5:
                lines[at] = of_words(lines[at], random)
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def of_json(content: bytes, random: Random) -> bytes:
    """Keys and values replaced, left out or added, the syntax sound."""
    items = json.loads(content)
    for _ in range(1 << random.choice(_STEPS)):
        item = random.choice(items)
        key = random.choice(list(item) or ["标题"])
        match random.randrange(5):
            case 0:
                item[key] = random.choice(_ODD_VALUES)
            case 1:
                item[key] = random.choice(ODD_TEXTS)
            case 2:
                item[key] = of_words(str(item.get(key, "")), random)
            case 3:
                item[random.choice([key, *ODD_TEXTS])] = item.pop(key, "")
            case 4:
                items.append({**item, key: random.choice(ODD_TEXTS)})
    made = random.choice([items, items, items, {"建议": items}, items[0], [*items, 1]])
    return json.dumps(made, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")


def of_cells(content: bytes, random: Random) -> bytes:
    """Cells of a CSV replaced or damaged, rows and columns left out or doubled, the quoting sound."""
    text = (
        content.decode("utf-8")
        if content[:1] == b'"' and content[1:4] == "编".encode()
        else content.decode("gb18030")
    )
    rows = list(csv.reader(io.StringIO(text)))
    for _ in range(1 << random.choice(_STEPS)):
        row = random.choice(rows)
        at = random.randrange(len(row) + 1)
        match random.randrange(6):
            case 0 | 1 if at < len(row):
                row[at] = random.choice(ODD_TEXTS)
            case 2 | 3 if at < len(row):
                row[at] = of_words(row[at], random)
            case 4:
                rows.insert(random.randrange(len(rows)), list(row))
            case 5:
                row[at : at + 1] = random.choice([[], ["", ""], ["标题"]])
    made = io.StringIO()
    csv.writer(made, lineterminator=random.choice(["\n", "\r\n", "\r"])).writerows(rows)
    return made.getvalue().encode("utf-8", "surrogatepass")


def of_xml(raw: bytes, random: Random) -> bytes:
    """Tags and texts left out, doubled, nested, moved; values of attributes replaced."""
    tokens = _TAG.findall(raw.decode("utf-8", "replace"))
    for _ in range(1 << random.choice(_STEPS)):
        at = random.randrange(len(tokens) + 1)
        match random.randrange(7):
            case 0:
                del tokens[at : at + random.choice([1, 2, 10])]
            case 1:
                tokens[at:at] = tokens[at : at + random.choice([1, 10, 100])]
            case 2 if tokens:
                tokens.insert(at, random.choice(tokens))
            case 3 if at < len(tokens):
                value = _escaped(random.choice(ODD_TEXTS))
                head, quote, tail = tokens[at].partition('"')
                tokens[at] = f'{head}"{value}"{tail.partition(chr(34))[2]}' if quote else head
            case 4:
                tokens.insert(at, _escaped(random.choice(ODD_TEXTS)))
            case 5:
                many = random.choice([2, 30, 400])
                found = re.match(r"<([\w:]+)", random.choice(tokens)) if tokens else None
                if found:
                    tokens[at:at] = [f"<{found[1]}>"] * many + [f"</{found[1]}>"] * many
            case 6 if tokens:
                one, two = random.randrange(len(tokens)), random.randrange(len(tokens))
                tokens[one], tokens[two] = tokens[two], tokens[one]
    return "".join(tokens).encode("utf-8", "surrogatepass")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def inside_zip(content: bytes, random: Random) -> bytes:
    """One or two parts of a packed file damaged after unpacking, the container sound."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    told = [name for name in parts if name.endswith((".xml", ".rels"))]
    # the parts that hold what is read come up more often than themes and styles
    main = [
        n for n in told if re.search(r"document\.xml$|sheet\d*\.xml|sharedStrings|content\.xml|header", n)
    ]
    for _ in range(random.choice([1, 1, 2])):
        name = random.choice(main if main and random.random() < 0.7 else told)
        match random.randrange(8):
            case 0:
                del parts[name]
                told.remove(name)
                main = [n for n in main if n != name]
            case 1 | 2:
                parts[name] = of_bytes(parts[name], random)
            case _:
                parts[name] = of_xml(parts[name], random)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as packed:
        for name, part in parts.items():
            packed.writestr(name, part)
    return made.getvalue()


def inside_ole(content: bytes, random: Random) -> bytes:
    """One or two streams of an OLE file damaged in place, the container sound."""
    file = io.BytesIO(content)
    with olefile.OleFileIO(file, write_mode=True) as ole:
        names = ["/".join(entry) for entry in ole.listdir()]
        main = [name for name in names if name in ("WordDocument", "0Table", "1Table", "Data", "Workbook")]
        for _ in range(random.choice([1, 1, 2])):
            name = random.choice(main if random.random() < 0.9 else names)
            stream = ole.openstream(name).read()
            # the head of WordDocument tells where everything else lies
            cut = random.choice([len(stream), 1024, 1024]) if name == "WordDocument" else len(stream)
            ole.write_stream(name, same_size(stream[:cut], random) + stream[cut:])
        return file.getvalue()


def inside_pdf(content: bytes, random: Random) -> bytes:
    """A stream or two damaged after unpacking; offsets are then wrong, which pdfium sets right."""
    found = list(_PDF_STREAM.finditer(content))
    chosen = {random.randrange(len(found)) for _ in range(random.choice([1, 1, 3]))} if found else set()
    parts, at = [], 0
    for number, stream in enumerate(found):
        if number not in chosen:
            continue
        data = stream[2]
        packed = b"/FlateDecode" in stream[1]
        if packed:
            try:
                data = zlib.decompress(data)
            except zlib.error:
                packed = False
        data = of_bytes(data, random) if random.random() < 0.5 else _of_operators(data, random)
        data = zlib.compress(data, 1) if packed else data
        head = re.sub(rb"/Length \d+(?! \d+ R)", b"/Length %d" % len(data), stream[1])
        parts += [content[at : stream.start()], head, data, stream[3]]
        at = stream.end()
    return b"".join([*parts, content[at:]])


def of_pdf_words(content: bytes, random: Random) -> bytes:
    """Names and numbers outside the streams exchanged."""
    return _of_operators(content, random)


def _of_operators(raw: bytes, random: Random) -> bytes:
    odd = [
        *(str(n) for n in _NUMBERS),
        "-1",
        "1e9",
        "0.00001",
        "-99999999",
        "<<",
        ">>",
        "[",
        "]",
        "null",
        "BT",
        "ET",
    ]
    return of_words(raw.decode("latin-1"), random, odd).encode("latin-1")
