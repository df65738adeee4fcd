"""The headings of a text: its title, its numbered lines, and the numbered first sentences of its paragraphs.

A heading holds until the next one of its own rank or an outer one.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from extractor.lang.sentences import (
    LONGEST_HEADING,
    SENTENCE_END,
    SENTENCE_ENDING,
    Span,
    numbering,
    paragraphs,
    sentences_of,
)

TITLE_RANK = -1
# A longer sentence within a paragraph says something itself, even if it is numbered.
_LONGEST_POINT = 40
# Points from this rank on (第一，, 1., (1), 一是) are not headings if they are whole sentences on a line of their own.
_POINT_RANK = 3
_TRAILING = " \u3000:：,，；;"


class Heading(NamedTuple):
    """A heading `text[start:end]`, its rank (see `numbering`; the title's is -1), and its words.

    One without words only ends the headings of its rank before it.
    """

    start: int
    end: int
    rank: int
    text: str


class Outline:
    """The headings of a text, by place."""

    def __init__(self, headings: Sequence[Heading]) -> None:
        self._starts = [heading.start for heading in headings]
        self._paths: list[tuple[Heading, ...]] = [()]
        for heading in headings:
            outer = (h for h in self._paths[-1] if h.rank < heading.rank)
            self._paths.append((*outer, heading))

    def above(self, place: int) -> tuple[Heading, ...]:
        """The headings that begin before `place` and hold there, outermost first."""
        return self._paths[bisect_left(self._starts, place)]


def line_headings(text: str, spans: Sequence[Span]) -> list[Heading]:
    """Numbered lines, numbered first sentences of lines, and the title if the text begins with one.

    `spans` are the paragraphs of the text.
    """
    found = (_heading_of_line(text, span, is_first=n == 0) for n, span in enumerate(spans))
    return [heading for heading in found if heading is not None]


def _heading_of_line(text: str, span: Span, is_first: bool) -> Heading | None:
    start, end = span
    head = text[start : min(end, start + LONGEST_HEADING + 1)]
    found = numbering(head)
    stop = re.search(rf"[{SENTENCE_END}]", head)
    if stop:
        head = head[: stop.start()]
    if found is None and (not is_first or stop or len(head) < 5 or not head[-1].isalnum()):
        return None
    if len(head) > LONGEST_HEADING:
        return None
    return Heading(start, start + len(head), found[0] if found else TITLE_RANK, head.rstrip(_TRAILING))


def headings_above(text: str, place: int) -> list[str]:
    """The headings above a place of the text, with their numbers, outermost first.

    The title is left out, since it stands above everything, and so is the heading in which the place itself lies.
    """
    return [h.text for h in _outline(text).above(place + 1) if h.text and h.end <= place]


@lru_cache(maxsize=128)
def _outline(text: str) -> Outline:
    return Outline(list(_headings_and_points(text)))


def _headings_and_points(text: str) -> Iterator[Heading]:
    """All numbered headings of the text, those within paragraphs too; those that say something have no words."""
    ended: Heading | None = None
    for start, end in paragraphs(text):
        found = numbering(text[start : start + 12])
        # 三是强化保障。要… holds to the end of its paragraph, unless points of it follow.
        if ended is not None and (found is None or found[0] <= ended.rank):
            yield Heading(start, start, ended.rank, "")
        ended = None
        spans = list(sentences_of(text, start, end, SENTENCE_ENDING))
        for n, span in enumerate(spans):
            ranked = numbering(text[span[0] : span[0] + 12])
            if ranked is None:
                continue
            following = text[slice(*spans[n + 1])] if n + 1 < len(spans) else None
            heading = _point(text, span, ranked[0], following, fills_line=len(spans) == 1)
            yield heading
            if heading.text and len(spans) > 1 and heading.rank >= _POINT_RANK:
                ended = heading


def _point(text: str, span: Span, rank: int, following: str | None, fills_line: bool) -> Heading:
    """A numbered sentence as a heading; without words if it says something itself."""
    start, end = span
    words = text[start:end].rstrip(SENTENCE_END)
    closed = len(words) < end - start or words.endswith(("；", ";"))
    if fills_line:
        is_heading = len(words) <= LONGEST_HEADING and (
            not closed or (rank < _POINT_RANK and not words.endswith(("；", ";")))
        )
    else:
        next_rank = numbering(following[:12]) if following else None
        is_heading = (
            following is not None
            and len(words) <= _LONGEST_POINT
            and not re.search("[；;]", words)
            and (next_rank is None or next_rank[0] > rank)
        )
    shown = "".join(words.split("\n")).rstrip(_TRAILING) if is_heading else ""
    return Heading(start, start + len(words), rank, shown)
