"""Line breaks inside a sentence, indentation, white space at line ends, and repeated blank lines."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from extractor.lang.sentences import numbering
from extractor.pipeline.clean.broken_values import CONTEXT, is_inside_value, may_go_on
from extractor.pipeline.clean.omissions import CONTENT, Cut

_SENTENCE_END = re.compile(r"[。！？；;!?]")
_IN_SENTENCE = re.compile(r"[，,。；;！？、]")
# Characters and commas of a paragraph that is longer than any heading.
_LONG, _FEWEST_COMMAS = 40, 2
_COMMA, _DIGIT = re.compile("[，,]"), re.compile(r"\d")


class _LayoutLine(NamedTuple):
    """A line without the white space around it. If indented or after a blank line, it begins a paragraph."""

    start: int
    end: int
    indented: bool
    after_blank: bool


def find_layout(text: str) -> Iterator[Cut]:
    """Line breaks inside a sentence, indentation, white space at line ends, and repeated blank lines."""
    lines = list(_lines(text))
    width = _wrap_width(lines)
    end, length, commas, prose, tail = 0, 0, 0, False, ""
    for number, line in enumerate(lines):
        goes_on = number > 0 and not line.after_blank and _goes_on(text, lines[number - 1], line, length, prose, width)
        if not goes_on and number > 0 and not line.after_blank:
            goes_on = is_inside_value(tail, text[line.start : min(line.end, line.start + CONTEXT)])
        if goes_on and not line.indented:
            yield Cut(end, line.start, "line-break")
            length += line.end - line.start
        else:
            tail = ""
            # If only its indentation shows that a paragraph begins, the indentation stays.
            kept = line.start - 1 if goes_on else line.start
            yield from _between(text, end, kept, first_line=number == 0)
            length, commas, prose = line.end - line.start, 0, False
        words = text[line.start : line.end]
        # What looks like a heading has its number, which no line that goes on has.
        commas += len(_COMMA.findall(words)) if not numbering(words) else -_FEWEST_COMMAS
        prose = prose or _is_prose(words) or (length >= _LONG and commas >= _FEWEST_COMMAS)
        tail = (tail + text[max(line.start, line.end - CONTEXT) : line.end])[-CONTEXT:]
        end = line.end
    if end < len(text):
        yield Cut(end, len(text), "white-space")


def _lines(text: str) -> Iterator[_LayoutLine]:
    end = 0
    for m in CONTENT.finditer(text):
        newline = text.rfind("\n", end, m.start())
        after_blank = newline > 0 and text.find("\n", end, newline) >= 0
        yield _LayoutLine(m.start(), m.end(), m.start() > newline + 1, after_blank)
        end = m.end()


def _wrap_width(lines: list[_LayoutLine]) -> int:
    """The width at which the text is hard-wrapped; `sys.maxsize` if it is not."""
    lengths = Counter(line.end - line.start for line in lines)
    full = {width: sum(lengths[width - i] for i in range(3)) for width in lengths if 20 <= width <= 80}
    width = max(full, key=lambda width: full[width], default=0)
    return width if width and full[width] >= max(8, 0.4 * len(lines)) else sys.maxsize


def _goes_on(text: str, before: _LayoutLine, line: _LayoutLine, length: int, prose: bool, width: int) -> bool:
    """Whether `line` continues the sentence in `before`, whose paragraph has `length` characters so far."""
    if not may_go_on(text[max(before.start, before.end - 2) : before.end], text[line.start : line.end]):
        return False
    if text[before.end - 1 : line.start + 1].isascii():
        return False
    if before.end - before.start >= width - 2:
        return True
    heading = line.end - line.start < 20 and not _SENTENCE_END.search(text, line.start, line.end)
    return prose and length >= 20 and not heading and _IN_SENTENCE.search(text, line.start, line.end) is not None


def _is_prose(line: str) -> bool:
    """Whether the line is no heading: headings have no full stops, and rarely both a comma and a number."""
    if _SENTENCE_END.search(line):
        return True
    return bool(_COMMA.search(line) and _DIGIT.search(line)) and not numbering(line)


def _between(text: str, end: int, start: int, first_line: bool) -> Iterator[Cut]:
    """What to remove between two lines: all white space but a line break or one blank line."""
    newline, last = text.find("\n", end, start), text.rfind("\n", end, start)
    if first_line or newline < 0:
        cuts = [Cut(end, start, "white-space")]
    else:
        blank, indentation = Cut(newline + 1, last, "blank-line"), Cut(last + 1, start, "indentation")
        cuts = [Cut(end, newline, "white-space"), blank, indentation]
    yield from (cut for cut in cuts if cut.start < cut.end)
