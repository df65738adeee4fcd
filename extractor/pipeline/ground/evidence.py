"""Evidence: a speech made ready for grounding, and the places in it that show an item."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from extractor.document import Excerpt
from extractor.lang.characters import HAN_CHARACTER
from extractor.lang.sentences import Span, clauses, sentences
from extractor.pipeline.ground.locate import Index, Place
from extractor.schema.shape import Field, Leaf

# A clause with fewer words than this beside its number ("达到4倍") says too little alone: evidence takes the one before.
FEWEST_WORDS = 4


@dataclass
class Prepared:
    """A speech made ready for grounding: index, sentences and clauses built once; where repeats were left off."""

    speech: Excerpt
    index: Index
    sentences: list[Span]
    clauses: list[Span]
    used: dict[tuple[str, str], int] = field(default_factory=dict)

    def sentence(self, i: int, j: int) -> Span:
        """The sentence (or the run of sentences) that holds the visible characters i:j."""
        return _covering(self.sentences, i, j)

    def clause(self, i: int, j: int) -> Span:
        """The clause (or the run of clauses) that holds the visible characters i:j."""
        return _covering(self.clauses, i, j)


def prepare(speech: Excerpt) -> Prepared:
    """A speech made ready for grounding."""
    return Prepared(speech, Index(speech), list(sentences(speech.text)), list(clauses(speech.text)))


def places_of(
    shape: Field, grounded: dict[str, Any], open_session: Prepared, anchor: Place, passage: Span
) -> list[Span]:
    """The places that show an item, source offsets: its own clause; for a named one also where its choices are shown."""
    if shape.anchor.kind == "date":
        return [open_session.speech.span(anchor.start, anchor.end)]
    if shape.anchor.kind == "quantity":
        return [open_session.speech.span(*telling_clause(open_session, anchor))]
    if shape.anchor.kind != "name":
        return [open_session.speech.span(*_touching(open_session, anchor))]
    spans = [open_session.clause(anchor.start, anchor.end)]
    for leaf in shape.leaves:
        if leaf.shown is None:
            continue
        chosen = grounded[leaf.name] if leaf.many else [grounded[leaf.name]]
        for choice in chosen:
            spans += _showing(leaf, choice, open_session, anchor, passage)
    return [open_session.speech.span(*span) for span in dict.fromkeys(spans)]


def _touching(open_session: Prepared, anchor: Place) -> Span:
    """A clause item's evidence: the clause it is (part of), or exactly its own words where it spans several."""
    i, j = open_session.clause(anchor.start, anchor.end)
    whole = sum(1 for s, e in open_session.clauses if i <= s and e <= j)
    return (i, j) if whole <= 1 else (anchor.start, anchor.end)


def telling_clause(open_session: Prepared, anchor: Place) -> Span:
    """The clause of a number, with the one before it where it has too few words of its own."""
    i, j = open_session.clause(anchor.start, anchor.end)
    lowest, _ = open_session.sentence(anchor.start, anchor.end)
    text = open_session.speech.text
    while len(HAN_CHARACTER.findall(text[i : anchor.start] + text[anchor.end : j])) < FEWEST_WORDS and i > lowest:
        at = bisect_left(open_session.clauses, (i, 0)) - 1
        if at < 0 or open_session.clauses[at][0] < lowest:
            break
        i = open_session.clauses[at][0]
    return i, j


def _showing(leaf: Leaf, choice: str, open_session: Prepared, anchor: Place, passage: Span) -> list[Span]:
    """The clauses from an item's name to the words that show a choice, in the first sentence that has both."""
    pattern = leaf.shown.patterns.get(choice) if leaf.shown else None
    if pattern is None:
        return []
    text = open_session.speech.text
    name = text[anchor.start : anchor.end]
    for i, j in sentences_naming(open_session, anchor, passage):
        at = text.index(name, i) if name in text[i:j] else i
        match = re.compile(pattern).search(text, at, j) or re.compile(pattern).search(text, i, j)
        if match:
            return [open_session.clause(min(at, match.start()), max(at + len(name), match.end()))]
    return []


def sentences_naming(open_session: Prepared, anchor: Place, passage: Span) -> list[Span]:
    text = open_session.speech.text
    name = text[anchor.start : anchor.end]
    spans = []
    at = text.find(name, passage[0], passage[1])
    while at >= 0:
        span = open_session.sentence(at, at + len(name))
        if span not in spans:
            spans.append(span)
        at = text.find(name, at + len(name), passage[1])
    return spans


def _covering(spans: Sequence[Span], i: int, j: int) -> Span:
    """The run of spans (in order, disjoint) that covers i:j; i:j itself where it lies between them."""
    first = max(0, bisect_right(spans, (i, 1 << 60)) - 1)
    last = max(first, bisect_left(spans, (j, 0)) - 1)
    if not spans or spans[first][1] <= i:
        return i, j
    return min(i, spans[first][0]), max(j, spans[last][1])
