"""Paragraphs, sentences and clauses of a Chinese text, and the numbering that headings begin with."""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]


_NUMERAL = "[一二三四五六七八九十百]{1,4}"


# Numbering, outermost first: the rank of a heading is the number of the group that matched.
_NUMBERING = re.compile(
    rf"(第{_NUMERAL}(?:部分|章|篇|编|讲))"
    rf"|({_NUMERAL}[、.．]|第{_NUMERAL}节)"
    rf"|([（(]{_NUMERAL}[）)])"
    rf"|(第{_NUMERAL}[、,，:：是])"
    r"|(\d{1,2}[、.．](?!\d))"  # 1.5 is a number, no heading
    r"|([（(]\d{1,2}[）)]|[①-⑳])"
    rf"|({_NUMERAL}[是要][,，]?)"
)


LONGEST_HEADING = 60


SENTENCE_END = "。！？!?"


_CLOSERS = "”’」』）)】》〉"


# The end of a sentence with the quotes and brackets that close it; a straight quote is decided where it is met.
SENTENCE_ENDING = re.compile(rf"[{SENTENCE_END}]+[{_CLOSERS}]*")


END_OR_SEMICOLON = re.compile(rf"[{SENTENCE_END}；;]+[{_CLOSERS}]*")


# “能否干成？”的问题: what follows such a quotation still belongs to its sentence.
_GOES_ON = re.compile(r"[的，,、；;：:和与及等]")


# A line cannot end after these, nor a line begin with those: it was broken there (a link, a page's edge).
_OPEN_AT_END = tuple("，,、（(“《〈「『【")


_OPEN_AT_START = tuple("，,、。；;：:）)”》〉」』】%％‰")


# Separators of clauses, and what hides them: short quotations, titles and brackets, thousands (1,234), times (9:30).
# Each alternative stops at its own opening sign, so a run of opening signs costs one step each.
_CLAUSE_MARK = re.compile(
    r"“[^“”\"\n。]{0,60}[”\"]|\"[^“\"\n。]{0,60}\"|《[^《》\n]{0,60}》|〈[^〈〉\n]{0,60}〉|[（(][^（）()\n]{0,60}[）)]"
    r"|「[^「」\n。]{0,60}」|『[^『』\n。]{0,60}』|【[^【】\n]{0,60}】"
    r"|(?<=\d)[,，](?=\d{3}(?!\d))|(?<=\d)[:：](?=\d)"
    r"|(?P<cut>[，,。；;！!？?：:\n])"
)


# Markers of lists that stand before a clause and say nothing: 一是, 二要, 1、, (一), 第三, 同时.
_MARKER = re.compile(
    rf"(?:{_NUMERAL}(?:、|是|要(?![素件点闻]))|第{_NUMERAL}(?=[\s是要])是?|[（(](?:{_NUMERAL}|\d{{1,2}})[）)]"
    r"|\d{1,2}(?:、|[.．](?!\d))|[①-⑳]|同时(?![期间代段])|首先|其次|再次|最后(?!一)|此外|另外)\s*"
)


_BARE_ORDINAL = re.compile(rf"第{_NUMERAL}|{_NUMERAL}")


def numbering(line: str) -> tuple[int, str] | None:
    """Rank (1 is the outermost of the usual levels) and mark of a line's numbering: `(1, "二、")`."""
    found = _NUMBERING.match(line)
    return (found.lastindex - 1, found[0]) if found and found.lastindex else None


def broken_off(line: str, following: str) -> bool:
    """Whether `line` ends inside a sentence that the line `following` carries on."""
    if not line or not following or numbering(following):
        return False
    if line.endswith(_OPEN_AT_END) or following.startswith(_OPEN_AT_START):
        return True
    if not line[-1].isalnum():
        return False
    tail = re.split(f"[{SENTENCE_END}]", line[-400:])[-1]
    return len(tail) > LONGEST_HEADING or (len(tail) < len(line) and len(tail) > 0)


def paragraphs(text: str) -> list[Span]:
    """Spans of the paragraphs: lines without the white space around them, lines broken inside a sentence joined.

    Nothing is joined over a blank line: one stands where a notice (省略440字) has left, and the words around it are no sentence.
    """
    spans: list[Span] = []
    for found in re.finditer(r"[^\n]+", text):
        line = found[0].strip()
        if not line:
            continue
        start = found.start() + found[0].index(line[0])
        end = start + len(line)
        before = text[max(spans[-1][0], spans[-1][1] - 400) : spans[-1][1]].rpartition("\n")[2] if spans else ""
        apart = text.count("\n", spans[-1][1], start) > 1 if spans else True
        if not apart and broken_off(before, line):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def sentences(text: str, semicolons: bool = False) -> list[Span]:
    """Spans of the sentences, with the quotes and brackets that close them; `semicolons` end one too if asked."""
    ends = END_OR_SEMICOLON if semicolons else SENTENCE_ENDING
    return [span for start, end in paragraphs(text) for span in sentences_of(text, start, end, ends)]


def sentences_of(text: str, start: int, end: int, ends: re.Pattern[str]) -> Iterator[Span]:
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
        yield from stripped(text, begin, stop)
        begin = stop
    yield from stripped(text, begin, end)


def stripped(text: str, start: int, end: int) -> Iterator[Span]:
    """The span without the white space at its ends, if anything is left."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end


def clauses(text: str) -> list[Span]:
    """Spans of the clauses between commas, without list markers: 一是加强领导,强化责任 gives 加强领导 and 强化责任."""
    return [span for start, end in paragraphs(text) for span in _clauses_of(text, start, end)]


def _clauses_of(text: str, start: int, end: int) -> Iterator[Span]:
    begin = start
    for found in _CLAUSE_MARK.finditer(text, start, end):
        if found["cut"] and found["cut"] != "\n":
            yield from _unmarked(text, begin, found.start())
            begin = found.end()
    yield from _unmarked(text, begin, end)


def _unmarked(text: str, start: int, end: int) -> Iterator[Span]:
    while start < end and text[start].isspace():
        start += 1
    while found := _MARKER.match(text, start, end):
        start = found.end()
    if not _BARE_ORDINAL.fullmatch(text, start, end):
        yield from stripped(text, start, end)
