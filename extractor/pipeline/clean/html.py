"""The main text of a web page, each character with its place in the source: Document → Excerpt.

trafilatura says which words belong to the article. The lines are those of the page, where only block tags begin one:
trafilatura breaks short pages at every tag, and drops repeated paragraphs.
"""

from __future__ import annotations

import re
import warnings
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from extractor.document import Document, Excerpt
from extractor.lang.characters import HAN_CHARACTER
from extractor.pipeline.clean.page import Page, excerpt_of, scan

_SENTENCE = re.compile(r"[^。；！？|]*[^。；！？|\s][^。；！？|]*[。；！？]*")
_MARK = re.compile(r"^(?:[-|] )+| \|\s*$")
_LONG = 12  # characters; a line of this length hardly occurs twice, so it is found at its own place
_REACH = 200_000  # characters of the page searched for one line
_REPEATED = 4  # characters; a shorter block that is repeated is a bullet or a number, not a paragraph


class _Piece(NamedTuple):
    """Words of the article, and the index of their first character in the page's solid (not white) text."""

    words: str
    at: int


def main_text(document: Document) -> Excerpt:
    """The article of an HTML page, or all its text if no article is found. The rest is omitted as "html"."""
    page = scan(document.text)
    solid = array("i", (i for i, character in enumerate(page.text) if not character.isspace()))
    words = "".join(page.text[i] for i in solid)
    pieces = _align(_article(_without(document.text, page.hidden)), words)
    taken = _taken(pieces, words, page, solid) if pieces else bytearray(b"\1" * len(solid))
    return excerpt_of(document, *_visible(page, solid, taken))


def _without(source: str, spans: list[tuple[int, int]]) -> str:
    pieces, done = [], 0
    for start, end in spans:
        pieces.append(source[done:start])
        done = end
    return "".join([*pieces, source[done:]])


def _article(page: str) -> list[str]:
    """The lines of the article that trafilatura finds, if any."""
    import trafilatura  # a second of imports that plain text can do without

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations in lxml
        found = trafilatura.extract(page, include_comments=False, include_tables=True, deduplicate=False)
    return [line for line in (found or "").split("\n") if line.strip()]


def _align(lines: list[str], text: str) -> list[_Piece]:
    """Where the lines of the article are in the solid text of the page.

    Long lines are found first, then the others between them.
    """
    solid = [_solid(line) for line in lines]
    at, done = [-1] * len(lines), 0
    for number, line in enumerate(solid):
        if len(line) >= _LONG:
            at[number] = text.find(line, done, done + len(line) + _REACH)
            done = at[number] + len(line) if at[number] >= 0 else done
    pieces: list[_Piece] = []
    done = number = 0
    while number < len(lines):
        if at[number] >= 0:
            pieces.append(_Piece(lines[number], at[number]))
            done = at[number] + len(solid[number])
            number += 1
            continue
        end = next((i for i in range(number, len(lines)) if at[i] >= 0), len(lines))
        last = at[end] if end < len(lines) else None
        pieces += _between(lines, range(number, end), text, done, last)
        number = end
    return pieces


def _between(lines: list[str], numbers: range, text: str, start: int, end: int | None) -> list[_Piece]:
    """Pieces of the lines, as near before `end` as possible, or after `start` if `end` is None."""
    found: list[_Piece] = []
    for number in numbers if end is None else reversed(numbers):
        for words in _candidates(lines[number], text, start, end):
            wanted = _solid(words)
            if end is None:
                at = text.find(wanted, start, start + len(wanted) + _REACH)
                start = at + len(wanted) if at >= 0 else start
            else:
                at = text.rfind(wanted, max(start, end - len(wanted) - _REACH), end)
                end = at if at >= 0 else end
            if at >= 0:
                found.append(_Piece(words, at))
    return sorted(found, key=lambda piece: piece.at)


def _candidates(line: str, text: str, start: int, end: int | None) -> list[str]:
    """The line, with or without the marks that trafilatura adds; otherwise its sentences and cells."""
    stop = end if end is not None else start + len(line) + _REACH
    for words in (line, _MARK.sub("", line)):
        if _solid(words) and text.find(_solid(words), start, stop) >= 0:
            return [words]
    pieces = [m[0] for m in _SENTENCE.finditer(_MARK.sub("", line))]
    return pieces if end is None else pieces[::-1]


def _solid(words: str) -> str:
    return "".join(words.split())


def _taken(pieces: list[_Piece], words: str, page: Page, solid: array[int]) -> bytearray:
    """For each solid character 1 if it is of the article: in a piece, or in a block that repeats one of the article."""
    taken = bytearray(len(words))
    for piece in pieces:
        size = len(_solid(piece.words))
        taken[piece.at : piece.at + size] = b"\1" * size
    first, last = taken.find(1), taken.rfind(1)
    known = set[str]()
    blocks = list(_blocks(page, solid))
    for start, end in blocks:
        if all(taken[start:end]):
            known.add(words[start:end])
    for start, end in blocks:
        repeated = end - start >= _REPEATED and words[start:end] in known and not any(taken[start:end])
        if repeated and first < start <= last + 1:
            taken[start:end] = b"\1" * (end - start)
            last = max(last, end - 1)
    return taken


def _blocks(page: Page, solid: array[int]) -> Iterator[tuple[int, int]]:
    """The ranges of solid characters between two breaks."""
    edges = sorted({0, len(solid), *(bisect_left(solid, index) for index, _, _ in page.breaks)})
    yield from pairwise(edges)


def _visible(page: Page, solid: array[int], taken: bytearray) -> tuple[str, array[int], array[int]]:
    """The characters taken, and the start and end of each in the page.

    White space and line ends are given one character of the gap in the page.
    """
    text: list[str] = []
    starts, ends = array("i"), array("i")
    indices = [index for index, _, _ in page.breaks]
    before = -1
    for number, i in enumerate(solid):
        if not taken[number]:
            continue
        space = _space(page, indices, before, i) if text else ""
        if space and ends[-1] < page.starts[i]:
            text.append(space)
            starts.append(ends[-1])
            ends.append(ends[-1] + 1)
        text.append(page.text[i])
        starts.append(page.starts[i])
        ends.append(page.ends[i])
        before = i
    return "".join(text), starts, ends


def _space(page: Page, indices: list[int], before: int, i: int) -> str:
    """What separates two characters of the page: a line end, a blank, or nothing."""
    kinds = {page.breaks[n][2] for n in range(bisect_right(indices, before), bisect_right(indices, i))}
    if kinds:
        return "\n" if "line" in kinds else "\t"
    between = page.text[before + 1 : i]
    if not between:
        return ""
    wide = next((c for c in between if c not in " \t\r\n\f"), "")
    if not wide and ("\n" in between or "\r" in between):  # a line end of the source, which a page displays as a blank
        is_han = HAN_CHARACTER.match(page.text[before]) and HAN_CHARACTER.match(page.text[i])
        return "" if is_han else " "
    return wide if wide.isspace() else " "
