"""Coverage: the places in a speech that call for an item, and those that no item cites.

`Expects` says which places call for an item of a field: every number, every date, every person beside an
office, or every clause that matches a pattern. Code counts them and checks whether the evidence of any item,
of any field, touches them. This needs no reference annotation. It does not say whether the items are correct.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from extractor.document import Excerpt, Json
from extractor.lang.sentences import Span, clauses, sentences
from extractor.pipeline.ask.candidates import find_candidates, is_in_unit
from extractor.pipeline.ground.evidence import evidence_of
from extractor.pipeline.line_format import CoverageEntry
from extractor.schema.shape import Field


@dataclass(frozen=True, slots=True)
class FieldCoverage:
    """How many places of a speech call for an item, and those that no item cites (visible characters)."""

    expected: int
    uncited: tuple[Span, ...]

    def to_json(self, speech: Excerpt) -> CoverageEntry:
        uncited = [evidence_of(speech.document, speech.span(i, j)) for i, j in self.uncited]
        return {"expected": self.expected, "cited": self.expected - len(self.uncited), "uncited": uncited}


def measure_coverage(
    fields: Sequence[Field], speech: Excerpt, record: Json, evidence: Json
) -> dict[str, FieldCoverage]:
    """The coverage of each field with `Expects`, given the record and the evidence beside it."""
    cited = _merge_overlapping(_evidence_spans([record, evidence]))
    return {field.name: _cover_field(field, speech, cited) for field in fields if field.expects is not None}


def uncovered(covered: FieldCoverage, speech: Excerpt, longest: int) -> Iterator[Excerpt]:
    """The sentences with uncited places; neighbours are joined up to `longest` visible characters."""
    spans = [s for s in sentences(speech.text) if any(s[0] <= i and j <= s[1] for i, j in covered.uncited)]
    while spans:
        start, end = spans.pop(0)
        while spans and not speech.text[end : spans[0][0]].strip() and spans[0][1] - start <= longest:
            end = spans.pop(0)[1]
        yield speech.cut(start, end)


def _cover_field(field: Field, speech: Excerpt, cited: list[Span]) -> FieldCoverage:
    expected = find_expected(field, speech)
    uncited = [span for span in expected if not _touches(cited, speech.span(*span))]
    if not field.anchor.kind.is_entity:
        return FieldCoverage(len(expected), tuple(uncited))
    # A person is named many times, and citing one of the places is enough.
    names = {speech.text[slice(*span)] for span in expected}
    missing = names - {speech.text[slice(*span)] for span in expected if span not in set(uncited)}
    first = {speech.text[slice(*span)]: span for span in reversed(uncited)}
    return FieldCoverage(len(names), tuple(sorted(first[name] for name in missing)))


def find_expected(field: Field, speech: Excerpt) -> list[Span]:
    """The places that call for an item of the field (visible characters), in order."""
    assert field.expects is not None
    text, pattern, kind = speech.text, field.expects.pattern, field.anchor.kind
    if pattern is not None and kind.cued_by == "clause":
        return [(i, j) for i, j in clauses(text) if re.search(pattern, text[i:j])]
    if pattern is not None:
        return [m.span() for m in re.finditer(pattern, text) if m.group()]
    if not kind.is_entity and kind.find is not None:
        return [(i, j) for i, j in kind.find(text) if is_in_unit(field.anchor, text[i:j])]
    beside = [leaf.name for leaf in field.asked if leaf.beside is not None]
    people = find_candidates(field, speech, speech) or []
    return [c.place for c in people if any(c.known.get(name) for name in beside)]


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
