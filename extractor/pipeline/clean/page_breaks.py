"""Finds page numbers on lines of their own, and the running heads beside them, so that a sentence can be joined."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from extractor.lang.sentences import LONGEST_HEADING, Span, numbering
from extractor.pipeline.clean.broken_values import CONTEXT, continues_number, is_inside_value, may_go_on, splits_number
from extractor.pipeline.clean.omissions import Cut

# On folded text.
_PAGE_NUMBER = re.compile(
    r"第 ?\d{1,4} ?页(?:[ ,/]{0,3}共 ?\d{1,4} ?页)?|共 ?\d{1,4} ?页|[-·]{1,2} ?\d{1,4} ?[-·]{1,2}"
)
# A line that may be the head of a page.
_HEAD = re.compile(r"(?!.*[,;:.!?…]$).{4,40}")
_DIGITS = re.compile(r"\d+")
_PAUSE = re.compile("[，,。；;！？]")


def find_page_breaks(text: str, folded: str, lines: list[Span]) -> Iterator[Cut]:
    """Page numbers with the blank lines and the running heads around them. `lines` are those of the folded text."""
    numbers = [n for n, span in enumerate(lines) if _PAGE_NUMBER.fullmatch(folded, *span)]
    if not numbers:
        return
    pages = set(numbers)
    beside = {m for n in numbers for m in (n - 1, n + 1) if 0 <= m < len(lines) and m not in pages}
    counts = Counter(_DIGITS.sub("", folded[slice(*lines[m])]) for m in beside if _HEAD.fullmatch(folded, *lines[m]))
    done = -1
    for n in numbers:
        if n <= done:
            continue
        first = last = n
        while last + 1 in pages:
            last += 1
        # A line between two page numbers stands alone on its page: it is text.
        if last + 1 not in pages and _is_head(text, folded, lines, last + 1, first - 1, last + 2, counts):
            last += 1
        elif first - 1 > done and _is_head(text, folded, lines, first - 1, first - 2, last + 1, counts):
            first -= 1
        done = last
        yield _page_break(text, lines, first, last)


def _is_head(
    text: str, folded: str, lines: list[Span], line: int, before: int, after: int, counts: Counter[str]
) -> bool:
    """Whether a line beside a page number repeats that of another page, or a number goes on across both."""
    if not 0 <= line < len(lines):
        return False
    span = lines[line]
    if not _HEAD.fullmatch(folded, *span):
        return False
    if counts[_DIGITS.sub("", folded[slice(*span)])] > 1:
        return True
    if not (before >= 0 and after < len(lines)):
        return False
    left = text[max(lines[before][0], lines[before][1] - CONTEXT) : lines[before][1]]
    right = text[lines[after][0] : min(lines[after][1], lines[after][0] + CONTEXT)]
    if continues_number(left, right):
        return True
    head = text[slice(*span)]
    cuts_number = may_go_on(left, right) and splits_number(left, right)
    return cuts_number and not (is_inside_value(left, head[:CONTEXT]) or is_inside_value(head[-CONTEXT:], right))


def _page_break(text: str, lines: list[Span], first: int, last: int) -> Cut:
    """Lines with the blank lines around them, and with both line ends if they interrupt a sentence."""
    start = lines[first - 1][1] if first else lines[first][0]
    if last + 1 == len(lines):
        return Cut(start, lines[last][1], "page-number")
    following = lines[last + 1][0]
    if first and _interrupts(text[slice(*lines[first - 1])], text[slice(*lines[last + 1])]):
        return Cut(start, following, "page-number")
    return Cut(start, text.rfind("\n", lines[last][1], following), "page-number")


def _interrupts(before: str, after: str) -> bool:
    """Whether a page ends inside the sentence of two lines; a heading, or a short line, may end before it."""
    if is_inside_value(before[-CONTEXT:], after[:CONTEXT]):
        return True
    is_prose = _PAUSE.search(before) is not None and not (numbering(before) and len(before) < LONGEST_HEADING)
    return is_prose and may_go_on(before, after)
