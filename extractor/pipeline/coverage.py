"""Coverage: what in a speech calls for an item and is cited by none.

A field says by `Expects` what calls for its items: each number, each date, each person beside an office, each clause with
words of duty. Code counts them and looks whether the evidence of any item, of whatever field, touches them. That needs
no reference annotation, and says nothing of whether the items are right.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from extractor.document import Excerpt, Json
from extractor.lang.sentences import clauses, sentences
from extractor.pipeline.ask.candidates import find_candidates
from extractor.pipeline.ground.evidence import evidence_of
from extractor.pipeline.line_format import CoverageEntry
from extractor.schema.shape import Field

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class FieldCoverage:
    """How many signs of a field a speech has, and those that no item cites (visible characters of the speech)."""

    expected: int
    uncited: tuple[Span, ...]

    def to_json(self, speech: Excerpt) -> CoverageEntry:
        uncited = [evidence_of(speech.document, speech.span(i, j)) for i, j in self.uncited]
        return {"expected": self.expected, "cited": self.expected - len(self.uncited), "uncited": uncited}


def measure_coverage(
    fields: Sequence[Field], speech: Excerpt, record: Json, evidence: Json
) -> dict[str, FieldCoverage]:
    """For each field with `Expects`, what the record (with the evidence beside it) leaves uncited."""
    cited = _joined(_places([record, evidence]))
    return {field.name: _cover_field(field, speech, cited) for field in fields if field.expects is not None}


def uncovered(covered: FieldCoverage, speech: Excerpt, longest: int) -> Iterator[Excerpt]:
    """The sentences with uncited signs, neighbours together up to `longest` visible characters."""
    spans = [s for s in sentences(speech.text) if any(s[0] <= i and j <= s[1] for i, j in covered.uncited)]
    while spans:
        start, end = spans.pop(0)
        while spans and not speech.text[end : spans[0][0]].strip() and spans[0][1] - start <= longest:
            end = spans.pop(0)[1]
        yield speech.cut(start, end)


def _cover_field(field: Field, speech: Excerpt, cited: list[Span]) -> FieldCoverage:
    signs = find_expected(field, speech)
    uncited = [span for span in signs if not _touches(cited, speech.span(*span))]
    if not field.anchor.kind.is_entity:
        return FieldCoverage(len(signs), tuple(uncited))
    # A person is named many times; one place is enough.
    words = {speech.text[slice(*span)] for span in signs}
    missing = words - {speech.text[slice(*span)] for span in signs if span not in set(uncited)}
    first = {speech.text[slice(*span)]: span for span in reversed(uncited)}
    return FieldCoverage(len(words), tuple(sorted(first[name] for name in missing)))


def find_expected(field: Field, speech: Excerpt) -> list[Span]:
    """What calls for an item of the field (visible characters), in order."""
    assert field.expects is not None
    text, pattern, kind = speech.text, field.expects.pattern, field.anchor.kind
    if pattern is not None and kind.cued_by == "clause":
        return [(i, j) for i, j in clauses(text) if re.search(pattern, text[i:j])]
    if pattern is not None:
        return [m.span() for m in re.finditer(pattern, text) if m.group()]
    if not kind.is_entity and kind.find is not None:
        return kind.find(text)
    beside = [leaf.name for leaf in field.asked if leaf.beside is not None]
    people = find_candidates(field, speech, speech) or []
    return [c.place for c in people if any(c.known.get(name) for name in beside)]


def _places(value: object) -> Iterator[Span]:
    if isinstance(value, dict):
        if value.keys() == {"text", "start", "end"}:
            yield value["start"], value["end"]
        else:
            yield from _places(list(value.values()))
    elif isinstance(value, list):
        for inner in value:
            yield from _places(inner)


def _joined(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _touches(joined: Sequence[Span], span: Span) -> bool:
    """Whether any of the spans (in order, apart) overlaps this one."""
    at = bisect_left(joined, (span[1], -1)) - 1
    return at >= 0 and joined[at][1] > span[0]
