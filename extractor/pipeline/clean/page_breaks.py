"""Finds page numbers on lines of their own, and the running heads beside them, so that a sentence can be joined."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from extractor.lang.sentences import Span
from extractor.pipeline.clean.broken_values import CONTEXT, continues_number, splits_value
from extractor.pipeline.clean.omissions import Cut

# On folded text.
_PAGE_NUMBER = re.compile(r"第 ?\d{1,4} ?页(?:[ ,/]{0,3}共 ?\d{1,4} ?页)?|共 ?\d{1,4} ?页|[-·]{1,2} ?\d{1,4} ?[-·]{1,2}")
# A line that may be the head of a page.
_HEAD = re.compile(r"(?!.*[,;:.!?…]$).{4,40}")
_DIGITS = re.compile(r"\d+")
_SPACE = re.compile(r"\s*")


def find_page_breaks(text: str, folded: str, lines: list[Span]) -> Iterator[Cut]:
    """Page numbers with the blank lines and the running heads around them. `lines` are those of the folded text."""
    numbers = [n for n, span in enumerate(lines) if _PAGE_NUMBER.fullmatch(folded, *span)]
    if not numbers:
        return
    pages = set(numbers)
    beside = [m for n in numbers for m in (n - 1, n + 1) if 0 <= m < len(lines) and m not in pages]
    counts = Counter(_DIGITS.sub("", folded[slice(*lines[m])]) for m in beside if _HEAD.fullmatch(folded, *lines[m]))
    done = -1
    for n in numbers:
        first = last = n
        while last + 1 in pages:
            last += 1
        if n <= done:
            continue
        # A line between two page numbers stands alone on its page: it is text.
        if last + 1 not in pages and _is_head(text, folded, lines, last + 1, first - 1, last + 2, counts):
            last += 1
        elif first - 1 > done and _is_head(text, folded, lines, first - 1, first - 2, last + 1, counts):
            first -= 1
        done = last
        yield _page_break(folded, lines[first][0], lines[last][1])


def _is_head(
    text: str, folded: str, lines: list[Span], line: int, before: int, after: int, counts: Counter[str]
) -> bool:
    """Whether a line beside a page number repeats that of another page, or the text on both of its sides is one value."""
    if not 0 <= line < len(lines):
        return False
    span = lines[line]
    if not _HEAD.fullmatch(folded, *span):
        return False
    if counts[_DIGITS.sub("", folded[slice(*span)])] > 1:
        return True
    if not (0 <= before and after < len(lines)):
        return False
    left = text[max(lines[before][0], lines[before][1] - CONTEXT) : lines[before][1]]
    right = text[lines[after][0] : min(lines[after][1], lines[after][0] + CONTEXT)]
    return continues_number(left, right) or splits_value(left, right)


def _page_break(text: str, start: int, end: int) -> Cut:
    """Lines with the blank lines around them, so that the sentence that they interrupt can be joined."""
    while start and text[start - 1].isspace():
        start -= 1
    following = _SPACE.match(text, end)
    newline = text.rfind("\n", end, following.end()) if following else -1
    return Cut(start, newline if newline >= 0 else end, "page-number")
