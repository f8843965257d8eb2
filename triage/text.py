"""Text as the models see it: normalised, frame stripped, private data masked, segmented."""

from __future__ import annotations

import hashlib
import re
import threading
import unicodedata
import warnings
from collections.abc import Iterable, Sequence
from functools import lru_cache

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # jieba 0.42.1 has invalid escapes and imports pkg_resources
    import jieba

_SPACE = re.compile(r"\s+")
_CJK_GAP = re.compile(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])")
_KEEP_TOKEN = re.compile(r"[^\W\d_]")

# Order matters: an ID or card number contains what looks like a phone number.
_PRIVATE = [
    re.compile(r"(?<![0-9A-Za-z])\d{17}[\dXx](?![0-9A-Za-z])"),  # resident ID, 18
    re.compile(r"(?<![0-9A-Za-z])\d{15}(?![0-9A-Za-z])"),  # resident ID, 15
    re.compile(
        r"(?<!\d)\d{16,19}(?!\d)|(?<!\d)(?!(?:19|20)\d\d[ .\-])(?:\d{4}[ .\-]){3}\d{4}(?:[ .\-]\d{1,3})?(?!\d)"
    ),  # bank card
    re.compile(r"(?<!\d)(?:\+?86[ \-]?)?1[3-9]\d[ \-]?\d{4}[ \-]?\d{4}(?!\d)"),  # mobile
    re.compile(r"(?<!\d)\(?0\d{2,3}\)?[ \-]?\d{7,8}(?:-\d{1,4})?(?!\d)"),  # landline
    re.compile(r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9.\-]+\.[A-Za-z]{2,}"),
]
MASK = "□"
LAST = 16  # texts whose words a segmenter has ready
_MASKED_NAME = re.compile(r"(?<![A-Za-z0-9])[xX×*＊]{2,}(?![A-Za-z0-9])")

_FRAME_HEAD = re.compile(r"^(?:\s*[\[【(][^\]】)]{1,12}[\]】)]\s*)?(?:关于|对于)")
_FRAME_TAIL = re.compile(r"(?:方面)?的?(?:几点|若干)?(?:建议|提案|议案|意见)(?:书|案)?[。.!]?\s*$")


def normalise(raw: str) -> str:
    """Full-width to half-width forms, control characters out, one space for any run.

    The text that the ledger keeps is never replaced by this; it is the models' view.
    """
    text = unicodedata.normalize("NFKC", raw)
    if not text.isprintable():  # else none of it is a control
        text = "".join(" " if ch in "\t\n\r" else ch for ch in text if ch in "\t\n\r" or not _is_control(ch))
    return _CJK_GAP.sub("", _SPACE.sub(" ", text)).strip()


def _is_control(ch: str) -> bool:
    # Cc controls, Cf invisible formatting, Cs lone surrogates, Co private use
    return unicodedata.category(ch) in ("Cc", "Cf", "Cs", "Co")


def mask_private(text: str) -> str:
    """Replace ID, card and phone numbers and mail addresses by a neutral sign.

    Expects normalised text (half-width digits).
    """
    for pattern in _PRIVATE:
        text = pattern.sub(MASK, text)
    return text


def strip_frame(title: str) -> str:
    """The matter of a title without its 关于…的建议/提案/议案 frame.

    >>> strip_frame("关于规范停车场收费的建议")
    '规范停车场收费'
    """
    core = _FRAME_TAIL.sub("", _FRAME_HEAD.sub("", title.strip()))
    core = core.strip(" ,。:;\"'")
    if core.startswith("《") and core.find("》") == len(core) - 1:  # the whole matter is quoted
        core = core[1:-1]
    return core or title.strip()


@lru_cache(maxsize=32)  # models, search and flags ask for the same texts one after the other
def clean(raw: str) -> str:
    """Everything that must happen before a model sees a text."""
    return _MASKED_NAME.sub("某", mask_private(normalise(raw))).lower()


def title_core(title: str) -> str:
    """The matter of a title, cleaned; empty for an empty title."""
    return strip_frame(clean(title)) if title.strip() else ""


def document(title: str, body: str) -> str:
    """One cleaned text out of title (frame stripped) and body; either may be empty."""
    head = title_core(title)
    tail = clean(body)
    return f"{head}。{tail}" if head and tail else head or tail


def content_hash(*parts: str) -> str:
    """Hex SHA-256 over the parts, unambiguous about where one ends."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(f"{len(raw)}:".encode() + raw)
    return digest.hexdigest()


class Segmenter:
    """jieba with the office's own terms, quiet, thread-safe."""

    def __init__(self, terms: Iterable[str]) -> None:
        """Args:
        terms: words never to be split.
        """
        self.terms = tuple(sorted({t.lower() for t in (clean(t) for t in terms) if len(t) > 1}))
        self._lock = threading.Lock()
        self._tokenizer: jieba.Tokenizer | None = None
        self._last: dict[str, list[str]] = {}  # the index and its evidence ask for the same texts

    def _ready(self) -> jieba.Tokenizer:
        if self._tokenizer is None:
            with self._lock:
                if self._tokenizer is None:
                    tokenizer = jieba.Tokenizer()
                    # not jieba's own initialize(): it unmarshals whatever jieba.cache lies in the temporary
                    # folder, which is no faster than to read the dictionary of the package
                    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
                    tokenizer.initialized = True
                    for term in self.terms:
                        tokenizer.add_word(term)
                    # published only when complete: cutting is read-only from here on
                    self._tokenizer = tokenizer
        return self._tokenizer

    def words(self, text: str) -> list[str]:
        """Words of a cleaned text; punctuation and bare numbers are left out."""
        return [w for w in self._ready().cut(text) if _KEEP_TOKEN.search(w)]

    def all_words(self, text: str) -> list[str]:
        """Words of a cleaned text together with the dictionary words inside long ones."""
        known = self._last.get(text)
        if known is None:
            known = list(self._ready().cut_for_search(text))
            if len(self._last) >= LAST:
                self._last.clear()
            self._last[text] = known
        return list(known)


@lru_cache(maxsize=4)
def get_segmenter(terms: Sequence[str]) -> Segmenter:
    """One segmenter per term list and process: each holds jieba's whole dictionary."""
    return Segmenter(terms)
