"""English words of scale and currency behind a number, as Chinese ones: 82.7 trillion yuan is 82.7万亿元."""

from __future__ import annotations

import re
from bisect import bisect_right

_WORDS = {
    "trillion": "万亿",
    "billion": "十亿",
    "million": "百万",
    "thousand": "千",
    "yuan": "元",
    "rmb": "元",
    "dollar": "美元",
    "us dollar": "美元",
    "usd": "美元",
    "percent": "%",
    "per cent": "%",
}
_ANY = "|".join(sorted(_WORDS, key=len, reverse=True))
_ENGLISH = re.compile(rf"(?<=\d) {{0,2}}(?:{_ANY})s?(?: {{1,2}}(?:{_ANY})s?)?(?![A-Za-z])", re.IGNORECASE)
_WORD = re.compile(rf" {{0,2}}({_ANY})s?", re.IGNORECASE)


def in_chinese(text: str) -> tuple[str, list[int]]:
    """`text` with such words in Chinese, and its gaps for `position_before`."""
    if not _ENGLISH.search(text):
        return text, []
    pieces: list[str] = []
    gaps: list[int] = []
    done = size = 0
    for phrase in _ENGLISH.finditer(text):
        for word in _WORD.finditer(text, *phrase.span()):
            chinese = _WORDS[word[1].lower()]
            pieces += [text[done : word.start()], chinese]
            size += word.start() - done
            gaps += [size] * (len(word[0]) - len(chinese))
            size += len(chinese)
            done = word.end()
    return "".join([*pieces, text[done:]]), gaps


def position_before(position: int, gaps: list[int]) -> int:
    """The position in the original text of `position` in the shortened one.

    A gap is the position there of what followed a character that was left out.
    """
    return position + bisect_right(gaps, position)
