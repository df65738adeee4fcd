"""Evidence: prepare a speech for grounding, and find the places in it that show an item."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from extractor.document import Document, Excerpt
from extractor.lang.acts import Sentence
from extractor.lang.characters import HAN_CHARACTER
from extractor.lang.date_spans import find_periods
from extractor.lang.distribution import Share, shares_in
from extractor.lang.fold import fold
from extractor.lang.people import find_people
from extractor.lang.sentences import Span, clauses, sentences
from extractor.lang.tables import Cell, find_cells
from extractor.pipeline.ground.locate import Index, Match
from extractor.pipeline.line_format import EvidenceEntry
from extractor.schema.kinds.kind import Kind
from extractor.schema.shape import Field, Leaf

# What shows that the source has markup or line ends inside a value, and a line end that is left of it.
_LAYOUT = re.compile(r"[<>&*`\r\n]")
_LINE_END = re.compile(r"(?<![ \t\u3000])[ \t\u3000]*+\n\s*")

# A clause with fewer characters than this beside its number (达到4倍) says too little, so its evidence includes
# the one before.
FEWEST_WORDS = 4
# How many sentences after one that names a person may go on about this person without the name.
FOLLOWING = 2


@dataclass
class Prepared:
    """A speech prepared for grounding: its index, sentences and clauses, computed once."""

    speech: Excerpt
    index: Index
    sentences: list[Span]
    clauses: list[Span]
    _found: dict[Kind, list[Span]] = field(default_factory=dict)
    _shares: dict[Span, dict[Span, Share]] = field(default_factory=dict)
    _sentences: dict[tuple[Span, str], Sentence] = field(default_factory=dict)
    _shown: dict[tuple[str, str, str, Span], tuple[Span, re.Match[str]] | None] = field(default_factory=dict)
    _about: dict[tuple[str, Span], list[Span]] = field(default_factory=dict)

    def found(self, kind: Kind) -> list[Span]:
        """All spans of the speech that could be a value of this kind, searched for once."""
        if kind not in self._found:
            self._found[kind] = sorted(kind.find(self.speech.text)) if kind.find else []
        return self._found[kind]

    def found_in(self, kind: Kind, span: Span) -> list[Span]:
        """The spans of this kind that lie in the span (visible characters)."""
        found = self.found(kind)
        near = found[bisect_left(found, (span[0], 0)) : bisect_left(found, (span[1], 0))]
        return [one for one in near if one[1] <= span[1]]

    def sentence(self, i: int, j: int) -> Span:
        """The sentence, or the run of sentences, that contains the visible characters i:j."""
        return _covering(self.sentences, i, j)

    @cached_property
    def people(self) -> list[Span]:
        """The names of persons that the words beside them show, in order."""
        return sorted(find_people(self.speech.text))

    @cached_property
    def periods(self) -> list[Span]:
        """The times and spans of time, in order."""
        return find_periods(self.speech.text)

    def periods_in(self, span: Span) -> list[Span]:
        """The times that begin in the span (visible characters)."""
        return self.periods[bisect_left(self.periods, (span[0], 0)) : bisect_left(self.periods, (span[1], 0))]

    def names_someone(self, span: Span) -> bool:
        """Whether a name of a person begins in the span (visible characters)."""
        return bool(self.people_in(span))

    def people_in(self, span: Span) -> list[Span]:
        """The names of persons that begin in the span (visible characters)."""
        return self.people[bisect_left(self.people, (span[0], 0)) : bisect_left(self.people, (span[1], 0))]

    def sentence_of_acts(self, span: Span, acts: str) -> Sentence:
        """The sentence with the persons named in it; `acts` are the words for any act."""
        if (span, acts) not in self._sentences:
            sentence = Sentence(self.speech.text, span, self.people_in(span), re.compile(acts))
            self._sentences[span, acts] = sentence
        return self._sentences[span, acts]

    @cached_property
    def cells(self) -> dict[int, Cell]:
        """The numbers in tables, by where they begin."""
        return {cell.span[0]: cell for cell in find_cells(self.speech.text)}

    def share_of(self, number: Span, kind: Kind) -> Share | None:
        """What 分别 gives to a number of this kind."""
        sentence = self.sentence(*number)
        if sentence not in self._shares:
            shares = shares_in(self.speech.text, sentence, self.found_in(kind, sentence))
            self._shares[sentence] = {share.number: share for share in reversed(shares)}
        return self._shares[sentence].get(number)

    def clause(self, i: int, j: int) -> Span:
        """The clause, or the run of clauses, that contains the visible characters i:j."""
        return _covering(self.clauses, i, j)


def evidence_of(document: Document, span: Span) -> EvidenceEntry:
    """Source offsets as evidence: `source_text[start:end] == text`."""
    start, end = span
    return {"text": document.text[start:end], "start": start, "end": end}


def quoted(speech: Excerpt, i: int, j: int) -> str:
    """The source's characters behind the visible characters i:j, noise included, but without layout.

    Where the source has markup or a line end there, these are the visible characters without line ends.
    """
    source = speech.source(i, j)
    return unbroken(speech.text[i:j]) if _LAYOUT.search(source) else source


def unbroken(words: str) -> str:
    """The words without line ends."""
    return _LINE_END.sub("", words)


def prepare(speech: Excerpt) -> Prepared:
    """Prepare a speech for grounding."""
    return Prepared(speech, Index(speech), list(sentences(speech.text)), list(clauses(speech.text)))


def places_of(field: Field, grounded: dict[str, Any], prepared: Prepared, anchor: Match, passage: Span) -> list[Span]:
    """The places that show an item (source offsets), as its anchor's kind decides (`Kind.evidence_from`)."""
    match field.anchor.kind.evidence_from:
        case "value":
            spans = [(anchor.start, anchor.end)]
        case "telling clause":
            spans = [_with_wording(telling_clause(prepared, anchor), field, grounded, prepared, anchor)]
        case "statement":
            spans = [_touching(prepared, anchor)]
        case "clause":
            spans = _naming_clauses(field, grounded, prepared, anchor, passage)
    return [prepared.speech.span(*span) for span in dict.fromkeys(spans)]


def _naming_clauses(
    field: Field, grounded: dict[str, Any], prepared: Prepared, anchor: Match, passage: Span
) -> list[Span]:
    """The clause that names an item, and those that show its choices."""
    spans = [prepared.clause(anchor.start, anchor.end)]
    for leaf in field.leaves:
        if leaf.shown is None:
            continue
        chosen = grounded[leaf.name] if leaf.many else [grounded[leaf.name]]
        for choice in chosen:
            spans += _showing(leaf, choice, prepared, anchor, passage)
    return spans


def _touching(prepared: Prepared, anchor: Match) -> Span:
    """The evidence of a statement: its clause, or exactly its own words if it spans several clauses."""
    i, j = prepared.clause(anchor.start, anchor.end)
    whole = bisect_left(prepared.clauses, (j, 0)) - bisect_left(prepared.clauses, (i, 0))
    return (i, j) if whole <= 1 else (anchor.start, anchor.end)


def telling_clause(prepared: Prepared, anchor: Match) -> Span:
    """The clause of a number, with those before it in its sentence until there are enough words."""
    i, j = prepared.clause(anchor.start, anchor.end)
    lowest, _ = prepared.sentence(anchor.start, anchor.end)
    text = prepared.speech.text
    words = len(HAN_CHARACTER.findall(text[i : anchor.start] + text[anchor.end : j]))
    at = bisect_left(prepared.clauses, (i, 0)) - 1
    while words < FEWEST_WORDS and at >= 0 and prepared.clauses[at][0] >= lowest:
        words += len(HAN_CHARACTER.findall(text, prepared.clauses[at][0], i))
        i = prepared.clauses[at][0]
        at -= 1
    return i, j


def _with_wording(span: Span, field: Field, grounded: dict[str, Any], prepared: Prepared, anchor: Match) -> Span:
    """The span, extended by clauses before it in its sentence until it shows what the item's wording names."""
    wordings = [
        grounded[leaf.name] for leaf in field.asked if leaf.kind.grounded_as == "wording" and grounded[leaf.name]
    ]
    text = prepared.speech.text
    lowest, _ = prepared.sentence(anchor.start, anchor.end)
    for wording in wordings:
        wanted = {c for c in fold(wording) if c.isalnum()}
        missing = wanted - set(fold(text[slice(*span)]))
        at = bisect_left(prepared.clauses, (span[0], 0)) - 1
        start = span[0]
        while len(missing) > len(wanted) / 2 and at >= 0 and prepared.clauses[at][0] >= lowest:
            start = prepared.clauses[at][0]
            missing -= set(fold(text[start : span[0]]))
            at -= 1
        if len(missing) <= len(wanted) / 2:
            span = start, span[1]
    return span


def _showing(leaf: Leaf, choice: str, prepared: Prepared, anchor: Match, passage: Span) -> list[Span]:
    """The clauses from an item's name to the words that show a choice, in the first sentence with both."""
    shown = shown_by(leaf, choice, prepared, anchor, passage)
    if shown is None:
        return []
    (i, j), match = shown
    name = prepared.speech.text[anchor.start : anchor.end]
    at = prepared.speech.text.find(name, i, j)
    if at < 0:
        return [prepared.clause(match.start(), match.end())]
    return [prepared.clause(min(at, match.start()), max(at + len(name), match.end()))]


def shown_by(
    leaf: Leaf, choice: str, prepared: Prepared, anchor: Match, passage: Span
) -> tuple[Span, re.Match[str]] | None:
    """The first sentence about an item, and the words in it, that show a choice; None if nothing does.

    Of a person, they must be about this one and not about another whom the sentence names.
    """
    pattern = leaf.shown.words_for(choice) if leaf.shown else None
    if leaf.shown is None or pattern is None:
        return None
    name = prepared.speech.text[anchor.start : anchor.end]
    key = (leaf.shown.acts, pattern, name, passage)
    if key not in prepared._shown:
        prepared._shown[key] = _first_showing(name, pattern, leaf.shown.acts, prepared, anchor, passage)
    return prepared._shown[key]


def _first_showing(
    name: str, pattern: str, acts: str, prepared: Prepared, anchor: Match, passage: Span
) -> tuple[Span, re.Match[str]] | None:
    for span in sentences_about(prepared, anchor, passage):
        sentence = prepared.sentence_of_acts(span, acts)
        at = prepared.speech.text.find(name, *span)
        match = (sentence.act_of(name, pattern, at) if at >= 0 else None) or sentence.act_of(name, pattern)
        if match is not None:
            return span, match
    return None


def sentences_about(prepared: Prepared, anchor: Match, passage: Span) -> list[Span]:
    """The sentences that name a person, each with those after it that go on about the same person.

    These are the next ones in the paragraph, FOLLOWING at most, up to one that names somebody else
    (李克强作出批示。批示指出，…).
    """
    key = (prepared.speech.text[anchor.start : anchor.end], passage)
    if key in prepared._about:
        return prepared._about[key]
    spans: dict[Span, None] = {}
    for span in sentences_naming(prepared, anchor, passage):
        after = bisect_right(prepared.sentences, span)
        about = [span]
        for following in prepared.sentences[after : after + FOLLOWING]:
            if "\n" in prepared.speech.text[about[-1][1] - 1 : following[0] + 1] or prepared.names_someone(following):
                break
            about.append(following)
        spans |= dict.fromkeys(one for one in about if one[0] < passage[1])
    prepared._about[key] = list(spans)
    return prepared._about[key]


def sentences_naming(prepared: Prepared, anchor: Match, passage: Span) -> list[Span]:
    """The sentences of the passage that contain the words of the anchor (visible characters)."""
    text = prepared.speech.text
    name = text[anchor.start : anchor.end]
    spans: dict[Span, None] = {}
    at = text.find(name, passage[0], passage[1])
    while at >= 0:
        spans[prepared.sentence(at, at + len(name))] = None
        at = text.find(name, at + len(name), passage[1])
    return list(spans)


def _covering(spans: Sequence[Span], i: int, j: int) -> Span:
    """The run of spans (in order, disjoint) that covers i:j; i:j itself if it lies between spans."""
    first = max(0, bisect_right(spans, (i, 1 << 60)) - 1)
    last = max(first, bisect_left(spans, (j, 0)) - 1)
    if not spans or spans[first][1] <= i:
        return i, j
    return min(i, spans[first][0]), max(j, spans[last][1])
