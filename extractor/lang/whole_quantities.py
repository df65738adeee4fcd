"""The whole quantity that a part of it stands for: with its sign, range, approximator, ordinal, scale and unit."""

from __future__ import annotations

import re
from bisect import bisect_left

from extractor.lang.characters import HAN
from extractor.lang.countable import SKIPPED
from extractor.lang.date_spans import find_dates
from extractor.lang.numerals import DIGIT, to_plain
from extractor.lang.quantity_pattern import QUANTITY, is_indefinite
from extractor.lang.sentences import Span

# Characters around a place that can belong to its number, or to the date, the list number or the name that it is in.
_AROUND = 40
_NUMERAL = re.compile(rf"[\d{DIGIT}十百千万亿.]+")
# An ordinal that counts the points of a speech.
_POINT = re.compile(rf"第[\d{DIGIT}十]{{1,3}}[,、是要]")
# 第2幼儿园 is a name; 居全省第2 is a rank.
_RANKED = re.compile(r"(?:[居列位占]|排名?|名次|名列)[^,.;:、]{0,8}$")
# “五步议事法”: what is named goes on.
_COUNTED = re.compile(rf"[{HAN}]{{2,8}}[”」』\"'’]")
_QUOTES = "“「『\"'‘《"


def whole_quantity(text: str, found: list[Span], start: int, end: int) -> Span | None:
    """The quantity of a clean text that text[start:end] is a part of: -8% for 8, 2-3倍 for 3倍, 第三名 for 三名.

    `found` are the spans of all quantities of the text. None where the words are no number of their own: 12 in
    3月12日, 十人 in 数十人, 3 in 第3季度.
    """
    first = bisect_left(found, (start, 0))
    first -= bool(first) and found[first - 1][1] > start
    touched = [span for span in found[first : first + 3] if span[0] < end and start < span[1]]
    if len(touched) == 1:
        return min(start, touched[0][0]), max(end, touched[0][1])
    if touched:
        return start, end
    return _of_another_kind(text, start, end)


def _of_another_kind(text: str, start: int, end: int) -> Span | None:
    """Like `whole_quantity`, for words that no search would take for a quantity."""
    first = max(0, start - _AROUND)
    line = max(text.rfind("\n", first, start) + 1, first)
    stop = min(len(text), end + _AROUND)
    if any(line + i <= start and end <= line + j for i, j in find_dates(text[line:stop])):
        return None
    plain = to_plain(text[line:stop])
    words = plain[start - line : end - line]
    for skipped in SKIPPED.finditer(plain):
        # A quantity can be quoted, but a numeral within “五水共治” is a part of a name.
        holds = line + skipped.start() <= start and end <= line + skipped.end()
        in_name = _NUMERAL.fullmatch(words) or _COUNTED.match(plain, end - line)
        if holds and (skipped[0][0] not in _QUOTES or in_name):
            return None
    for match in QUANTITY.finditer(plain):
        first, last = line + match.start("before"), line + match.end()
        if first < end and start < last:
            is_named = match["lead"] == "第" and not match["unit"] and not _RANKED.search(plain[: match.start()])
            listed = is_named or _POINT.match(plain, match.start())
            return None if listed or is_indefinite(plain, match) else (min(start, first), max(end, last))
    return start, end
