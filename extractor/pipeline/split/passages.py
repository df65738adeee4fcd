"""Splits a speech into passages that fit into one request to the model.

A line is a paragraph, unless it was broken inside a sentence: then the next line belongs to it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from extractor.document import Excerpt
from extractor.lang.headings import Heading, Outline, line_headings
from extractor.lang.sentences import (
    LONGEST_HEADING,
    SENTENCE_ENDING,
    Span,
    numbering,
    paragraphs,
    sentences_of,
    stripped,
)

# The cost of a cut, as a share of a passage; a cut before an outermost heading costs nothing.
_BEFORE_HEADING, _BETWEEN_PARAGRAPHS, _BETWEEN_SENTENCES, _AFTER_HEADING = 0.08, 0.3, 0.8, 2.0


def _cuts(text: str, spans: list[Span], headings: list[Heading]) -> tuple[list[int], list[float]]:
    """The places where a passage may begin, and the cost of each."""
    rank = {heading.start: heading.rank for heading in headings}
    lines = {heading.start for heading in headings}
    places: list[int] = []
    costs: list[float] = []
    after_heading = False
    for start, end in spans:
        for n, (begin, _) in enumerate(sentences_of(text, start, end, SENTENCE_ENDING)):
            if n:
                cost = _BETWEEN_SENTENCES
            elif start in rank:
                cost = _BEFORE_HEADING * max(rank[start] - 1, 0)
            else:
                cost = _BETWEEN_PARAGRAPHS
            places.append(begin)
            costs.append(cost + (_AFTER_HEADING if after_heading and not n else 0))
        after_heading = start in lines and end - start <= LONGEST_HEADING
    return places, costs


def _next_cut(text: str, begin: int, longest: int, places: list[int], costs: list[float]) -> int:
    """The end of the passage that starts at `begin`: near an even share of the rest, at the lowest cost."""
    left = len(text) - begin
    if left <= longest:
        return len(text)
    share = left / -(-left // longest)
    first, last = bisect_right(places, begin), bisect_right(places, begin + longest)
    near = range(bisect_left(places, begin + int(share / 2), first, last), last)
    if near:
        best = min(near, key=lambda n: (costs[n] + abs(places[n] - begin - share) / share, places[n]))
        return places[best]
    if first < last:
        return places[last - 1]
    window = text[begin : begin + longest]
    for marks in ("；;", "，,", "、：:"):
        cut = max(window.rfind(mark) for mark in marks) + 1
        if cut > longest // 3 and not window[cut - 2 : cut - 1].isdigit():
            return begin + cut
    return begin + longest


def split_passages(speech: Excerpt, longest: int) -> list[Excerpt]:
    """Passages of at most `longest` visible characters, each with the headings above it, outermost first.

    Cuts are before headings and between paragraphs if that gives passages of similar size, otherwise
    between sentences. A sentence is cut only if it is longer than `longest`. All but white space is in
    exactly one passage. Raises ValueError if `longest` is less than 1.
    """
    if longest < 1:
        raise ValueError(f"`longest` must be at least 1 character, not {longest}.")
    text = speech.text.rstrip()
    spans = paragraphs(text)
    headings = line_headings(text, spans)
    outline = Outline(headings)
    places, costs = _cuts(text, spans, headings)
    passages: list[Excerpt] = []
    begin = spans[0][0] if spans else 0
    while begin < len(text):
        cut = _next_cut(text, begin, longest, places, costs)
        first = numbering(text[begin : begin + 12])
        path = [h.text for h in outline.above(begin) if first is None or h.rank < first[0]]
        passages += [speech.cut(i, j, (*speech.headings, *path)) for i, j in stripped(text, begin, cut)]
        begin = cut
        while begin < len(text) and text[begin].isspace():
            begin += 1
    return passages
