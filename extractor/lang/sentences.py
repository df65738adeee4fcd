"""Paragraphs, sentences and clauses of a Chinese text, and the numbering of its headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

# Offsets into a text: `text[start:end]`.
Span = tuple[int, int]

_NUMERAL = "[一二三四五六七八九十百]{1,4}"

# Numbering, outermost first. The rank of a heading is the index of the group that matched, from 0.
_NUMBERING = re.compile(
    rf"(第{_NUMERAL}(?:部分|章|篇|编|讲))"
    rf"|({_NUMERAL}[、.．]|第{_NUMERAL}节)"
    rf"|([（(]{_NUMERAL}[）)])"
    rf"|(第{_NUMERAL}[、,，:：是])"
    r"|(\d{1,2}[、.．](?!\d))"  # 1.5 is a number, not a heading
    r"|([（(]\d{1,2}[）)]|[①-⑳])"
    rf"|({_NUMERAL}[是要][,，]?)"
)

LONGEST_HEADING = 60
# What is longer is a table, a list or no prose, and is cut: what is done for each value of a sentence then takes time
# in proportion to the text. The longest of 33,000 sentences in 458 reports and articles has 731 characters.
LONGEST_SENTENCE = 1000
SENTENCE_END = "。！？!?"
_CLOSERS = "”’」』）)】》〉"

# The end of a sentence, with the quotes and brackets that close it. Straight quotes are counted in
# `sentences_of`.
SENTENCE_ENDING = re.compile(rf"[{SENTENCE_END}]+[{_CLOSERS}]*")
END_OR_SEMICOLON = re.compile(rf"[{SENTENCE_END}；;]+[{_CLOSERS}]*")

# “能否干成？”的问题: after such a quotation the sentence goes on.
_GOES_ON = re.compile(r"[的，,、；;：:和与及等]")

# A paragraph cannot end with the first or begin with the second: there the line was broken (by a link or a
# page).
_OPEN_AT_END = tuple("，,、（(“《〈「『【")
_OPEN_AT_START = tuple("，,、。；;：:）)”》〉」』】%％‰")

# Lines at the head of a text that are titles, however long they are.
TITLES = 2
_COMMA = re.compile("[，,；;]")
_LONG_LINE = 24
# What begins words that are quoted, which no heading has.
_SAID = re.compile("(?:指出|强调|要求|表示|认为|提出|说)[，,：:]")

# Separators of clauses, and what hides them: short quotations, titles and brackets, thousands (1,234),
# times (9:30). Each alternative stops at its own opening mark, so a run of opening marks takes linear time.
_CLAUSE_MARK = re.compile(
    r"“[^“”\"\n。]{0,60}[”\"]|\"[^“\"\n。]{0,60}\"|《[^《》\n]{0,60}》|〈[^〈〉\n]{0,60}〉|[（(][^（）()\n]{0,60}[）)]"
    r"|「[^「」\n。]{0,60}」|『[^『』\n。]{0,60}』|【[^【】\n]{0,60}】"
    r"|(?<=\d)[,，](?=\d{3}(?!\d))|(?<=\d)[:：](?=\d)"
    r"|(?P<cut>[，,。；;！!？?：:\n])"
)

# List markers before a clause: 一是, 二要, 1、, (一), 第三, 同时.
_MARKER = re.compile(
    rf"(?:{_NUMERAL}(?:、|是|要(?![素件点闻]))|第{_NUMERAL}(?=[\s是要])是?|[（(](?:{_NUMERAL}|\d{{1,2}})[）)]"
    r"|\d{1,2}(?:[、)）]|[.．](?!\d))|[①-⑳]|同时(?![期间代段])|首先|其次|再次|最后(?!一)|此外|另外)\s*"
)

_BARE_ORDINAL = re.compile(rf"第{_NUMERAL}|{_NUMERAL}")


def numbering(line: str) -> tuple[int, str] | None:
    """The rank and mark of the numbering that `line` begins with: `(1, "二、")`; None if it has none.

    Rank 0 is 第一章; 1 is the outermost of the usual levels.
    """
    found = _NUMBERING.match(line)
    return (found.lastindex - 1, found[0]) if found and found.lastindex else None


def broken_off(line: str, following: str) -> bool:
    """Whether `line` ends inside a sentence that continues in the line `following`."""
    if not line or not following or numbering(following):
        return False
    if line.endswith(_OPEN_AT_END) or following.startswith(_OPEN_AT_START):
        return True
    if not line[-1].isalnum():
        return False
    if _SAID.search(line):  # no heading: 何志远指出，
        return True
    tail = re.split(f"[{SENTENCE_END}]", line[-400:])[-1]
    return len(tail) > LONGEST_HEADING or (len(tail) < len(line) and len(tail) > 0)


def seems_broken_off(line: str, following: str) -> bool:
    """Whether `line` ends where neither a sentence nor a heading does, before a line that may go on with it.

    It has a comma or is long, and no mark at its end.
    """
    if not (line and following and line[-1].isalnum() and following[0].isalnum()):
        return False
    if numbering(line) or numbering(following) or "\t" in line or "|" in line:
        return False
    return len(line) >= _LONG_LINE or _COMMA.search(line) is not None


def paragraphs(text: str) -> list[Span]:
    """Spans of the paragraphs: lines without surrounding white space, joined where one breaks a sentence.

    Nothing is joined across a blank line. One is left where a notice (省略440字) was removed, and there
    words are missing.
    """
    return list(_paragraphs(text))


# The stages ask for the parts of the same speech and of its passages many times over.
_remembered = lru_cache(maxsize=16)


@_remembered
def _paragraphs(text: str) -> tuple[Span, ...]:
    spans: list[Span] = []
    for found in re.finditer(r"[^\n]+", text):
        line = found[0].strip()
        if not line:
            continue
        start = found.start() + found[0].index(line[0])
        end = start + len(line)
        before = text[max(spans[-1][0], spans[-1][1] - 400) : spans[-1][1]].rpartition("\n")[2] if spans else ""
        apart = text.count("\n", spans[-1][1], start) > 1 if spans else True
        goes_on = len(spans) > TITLES and len(before) >= _LONG_LINE and seems_broken_off(before, line)
        if not apart and (broken_off(before, line) or (goes_on and _COMMA.search(before))):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return tuple(spans)


def sentences(text: str, semicolons: bool = False) -> list[Span]:
    """Spans of the sentences, with the quotes and brackets that close them.

    With `semicolons`, these end one too.
    """
    return list(_sentences(text, END_OR_SEMICOLON if semicolons else SENTENCE_ENDING))


@_remembered
def _sentences(text: str, ends: re.Pattern[str]) -> tuple[Span, ...]:
    return tuple(span for start, end in _paragraphs(text) for span in sentences_of(text, start, end, ends))


def sentences_of(text: str, start: int, end: int, ends: re.Pattern[str]) -> Iterator[Span]:
    """Spans of the sentences in the paragraph `text[start:end]`, which end where `ends` matches."""
    quotes, counted, begin = 0, start, start
    for found in ends.finditer(text, start, end):
        stop = found.end()
        quotes += text.count('"', counted, stop)
        counted = stop
        if text.startswith('"', stop, end) and quotes % 2:
            stop += 1
        closed = text[stop - 1] not in SENTENCE_END + "；;"
        if stop <= begin or (closed and _GOES_ON.match(text, stop, end)):
            continue
        yield from _cut(text, begin, stop)
        begin = stop
    yield from _cut(text, begin, end)


def _cut(text: str, start: int, end: int) -> Iterator[Span]:
    """The span without white space at its ends; in several if it is too long, cut behind a mark where there is one."""
    while end - start > LONGEST_SENTENCE:
        half, full = start + LONGEST_SENTENCE // 2, start + LONGEST_SENTENCE
        marks = (max(text.rfind(mark, half, full) for mark in kind) for kind in ("；;\n", "，,", "、：: "))
        stop = next((mark + 1 for mark in marks if mark >= 0), full)
        yield from stripped(text, start, stop)
        start = stop
    yield from stripped(text, start, end)


def stripped(text: str, start: int, end: int) -> Iterator[Span]:
    """The span without white space at its ends; nothing if it is all white space."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end


def clauses(text: str) -> list[Span]:
    """Spans of the clauses without list markers: 加强领导 and 强化责任 of 一是加强领导,强化责任."""
    return list(_clauses(text))


@_remembered
def _clauses(text: str) -> tuple[Span, ...]:
    return tuple(span for start, end in _paragraphs(text) for span in _clauses_of(text, start, end))


def after_marker(text: str) -> int:
    """Where the words of a clause begin behind its list markers: 3 in （3）各市、县."""
    start = 0
    while found := _MARKER.match(text, start):
        start = found.end()
    return start


def _clauses_of(text: str, start: int, end: int) -> Iterator[Span]:
    begin = start
    for found in _CLAUSE_MARK.finditer(text, start, end):
        if found["cut"] and found["cut"] != "\n":
            yield from _without_marker(text, begin, found.start())
            begin = found.end()
    yield from _without_marker(text, begin, end)


def _without_marker(text: str, start: int, end: int) -> Iterator[Span]:
    while start < end and text[start].isspace():
        start += 1
    while found := _MARKER.match(text, start, end):
        start = found.end()
    if not _BARE_ORDINAL.fullmatch(text, start, end):
        yield from _cut(text, start, end)
