"""Coverage: the places in a speech that call for an item, and those that no item cites.

`Expects` says which places call for an item of a field: every number, every date, every person beside an
office, or every clause that matches a pattern. The field's other markers narrow them down (`Cue`, `Mood`), and
so does what code can tell from words: a heading whose content follows and a clause of mere attitude call for
nothing. Code counts the places and checks whether the evidence of any item, of any field, touches them. This
needs no reference annotation. It does not say whether the items are correct.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from extractor.document import Excerpt, Json
from extractor.lang.appeals import is_slight
from extractor.lang.directives import headings_of
from extractor.lang.people import mentions_of
from extractor.lang.sentences import Span, clauses, sentences
from extractor.pipeline.ask.candidates import at_ends, find_candidates, in_mood, is_in_unit
from extractor.pipeline.ground.evidence import evidence_of
from extractor.pipeline.line_format import CoverageEntry
from extractor.schema.shape import Field

# This many clauses in a row without an item seem overlooked. On five passages with a careful reader's answers, the
# clauses that it rightly left out stood alone or in pairs; stretches that a shorter list had cut off were of 4 and 8.
OVERLOOKED = 3


@dataclass(frozen=True, slots=True)
class FieldCoverage:
    """How many places of a speech call for an item, and those that no item cites (visible characters).

    `likely` are clauses that no item cites and whose words only suggest that they call for one. There are some
    only if a whole stretch of the speech seems overlooked; a second pass asks about them too.
    """

    expected: int
    uncited: tuple[Span, ...]
    likely: tuple[Span, ...] = ()

    def to_json(self, speech: Excerpt) -> CoverageEntry:
        uncited = [evidence_of(speech.document, speech.span(i, j)) for i, j in self.uncited]
        return {"expected": self.expected, "cited": self.expected - len(self.uncited), "uncited": uncited}


def measure_coverage(
    fields: Sequence[Field], speech: Excerpt, record: Json, evidence: Json, by_mood: bool = True
) -> dict[str, FieldCoverage]:
    """The coverage of each field with `Expects`, given the record and the evidence beside it.

    `by_mood`: only clauses in a field's mood call for an item of it. Not so if forms are filled: the clauses that are
    offered there are those in the mood, and coverage by the same rule would always be whole.
    """
    cited = _merge_overlapping(_evidence_spans([record, evidence]))
    return {f.name: _cover_field(f, speech, cited, by_mood) for f in fields if f.expects is not None}


def uncovered(covered: FieldCoverage, speech: Excerpt, longest: int) -> Iterator[Excerpt]:
    """The sentences with uncited places; neighbours are joined up to `longest` visible characters."""
    uncited = sorted(covered.uncited)
    spans = deque(s for s in sentences(speech.text) if _holds_any(s, uncited))
    while spans:
        start, end = spans.popleft()
        while spans and not speech.text[end : spans[0][0]].strip() and spans[0][1] - start <= longest:
            end = spans.popleft()[1]
        yield speech.cut(start, end)


def _holds_any(sentence: Span, places: Sequence[Span]) -> bool:
    """Whether any of the places, which are in order, lies in the sentence."""
    inside = places[bisect_left(places, (sentence[0], 0)) : bisect_left(places, (sentence[1], 0))]
    return any(end <= sentence[1] for _, end in inside)


def _cover_field(field: Field, speech: Excerpt, cited: list[Span], by_mood: bool) -> FieldCoverage:
    expected = find_expected(field, speech, by_mood)
    uncited = [span for span in expected if not _touches(cited, speech.span(*span))]
    if not field.anchor.kind.is_entity:
        return FieldCoverage(len(expected), tuple(uncited), tuple(_likely(field, speech, cited, uncited)))
    # A person is named many times, and citing one of the places is enough, with an office beside it or not.
    names = {speech.text[slice(*span)] for span in expected}
    first = {speech.text[slice(*span)]: span for span in reversed(uncited)}
    mentions = mentions_of(speech.text, names)
    named = {speech.text[slice(*span)] for span in mentions if _touches(cited, speech.span(*span))}
    return FieldCoverage(len(names), tuple(sorted(first[name] for name in names - named)))


def _likely(field: Field, speech: Excerpt, cited: list[Span], uncited: list[Span]) -> list[Span]:
    """The other clauses in the field's mood that no item cites, if so many follow each other that they were hardly
    left out one by one, or if something is uncited for certain."""
    if field.mood is None:
        return []
    missed: list[Span] = []
    run = longest = 0
    for span in _open_clauses(field, speech):
        run = 0 if _touches(cited, speech.span(*span)) else run + 1
        longest = max(longest, run)
        missed += [span] * (run > 0)
    known = set(uncited)
    return [span for span in missed if span not in known] if uncited or longest >= OVERLOOKED else []


def find_expected(field: Field, speech: Excerpt, by_mood: bool = True) -> list[Span]:
    """The places that call for an item of the field (visible characters), in order."""
    assert field.expects is not None
    text, pattern, kind = speech.text, field.expects.pattern, field.anchor.kind
    if pattern is not None and kind.cued_by == "clause":
        return [(i, j) for i, j in _open_clauses(field, speech, by_mood) if re.search(pattern, text[i:j])]
    if pattern is not None:
        return [m.span() for m in re.finditer(pattern, text) if m.group()]
    if not kind.is_entity and kind.find is not None:
        found = [(i, j) for i, j in kind.find(text) if is_in_unit(field.anchor, text[i:j])]
        return _cued(field, speech, found)
    beside = [leaf.name for leaf in field.asked if leaf.beside is not None]
    people = find_candidates(field, speech, speech) or []
    return [c.place for c in people if any(c.known.get(name) for name in beside)]


def _open_clauses(field: Field, speech: Excerpt, by_mood: bool = True) -> Iterator[Span]:
    """The clauses that may be items: in the field's mood if it has one, in no heading whose content follows, and, of
    actions, no mere appeals."""
    text = speech.text
    sentence_spans = sentences(text)
    headings = list(headings_of(text, sentence_spans))
    in_that_mood = (
        _merge_overlapping(in_mood(field.mood.kind, speech, speech)) if field.mood and by_mood else [(0, len(text))]
    )
    acts = field.mood is not None and field.mood.kind == "action"
    for i, j in clauses(text):
        if _touches(in_that_mood, (i, j)) and not _touches(headings, (i, j)) and not (acts and is_slight(text[i:j])):
            yield i, j


def _cued(field: Field, speech: Excerpt, spans: list[Span]) -> list[Span]:
    """The spans that the field's cue allows: of dates those that could be candidates, of others those in clauses with
    its words."""
    if field.cue is None:
        return spans
    if field.anchor.kind.offered_as == "date":
        dates = [c.place for c in find_candidates(field, speech, speech) or ()]
        return [place for place in dates if field.cue.where == "anywhere" or at_ends(speech, place, speech)]
    clause_spans = clauses(speech.text)
    cued = [span for span in clause_spans if re.search(field.cue.pattern, speech.text[slice(*span)])]
    return [span for span in spans if _touches(cued, span)]


def _evidence_spans(value: object) -> Iterator[Span]:
    """The source offsets of all evidence in a value, at any depth."""
    if isinstance(value, dict):
        if value.keys() == {"text", "start", "end"}:
            yield value["start"], value["end"]
        else:
            yield from _evidence_spans(list(value.values()))
    elif isinstance(value, list):
        for inner in value:
            yield from _evidence_spans(inner)


def _merge_overlapping(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _touches(disjoint: Sequence[Span], span: Span) -> bool:
    """Whether any of the spans, which are in order and disjoint, overlaps `span`."""
    at = bisect_left(disjoint, (span[1], -1)) - 1
    return at >= 0 and disjoint[at][1] > span[0]
