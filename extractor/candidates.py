"""Candidates: the names, numbers, dates and clauses of a passage that could be items of a field, found by code."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from extractor.data import Excerpt, Json
from extractor.dates import find_dates
from extractor.names import find_people
from extractor.passages import clauses, sentences
from extractor.quantities import find_quantities
from extractor.shape import Field, Leaf

Span = tuple[int, int]

# Between the members of a list of persons: 、, 和, and the next one's title.
_JOINT = re.compile(r"(?:[、和与及]|以及)?[\u4e00-\u9fff]{0,14}")
_CLAUSE_END = re.compile(r"[，,。；;！!？?：:\n]")
# How far before a name its titles may begin.
_TITLES_REACH = 40


@dataclass(frozen=True)
class Candidate:
    """A place in a passage (visible characters) that could be an item, with its clause and its sentence."""

    text: str
    place: tuple[int, int]
    clause: str
    sentence: str
    quantity: str | None = None
    known: Json = field(default_factory=dict, hash=False)

    def shows(self, pattern: str) -> bool:
        """Whether the candidate's sentence has the words of a cue."""
        return re.search(pattern, self.sentence) is not None


def find_candidates(field: Field, passage: Excerpt) -> list[Candidate] | None:
    """The field's candidates in the passage; None where its type is nothing that code can find."""
    kind = field.anchor.kind
    if kind == "name" and field.item is not None:
        return _people(field, passage.text)
    if kind == "clause" and field.item is not None:
        return _clauses(field, passage.text)
    if kind == "quantity" and field.item is not None:
        return _placed(passage.text, find_quantities(passage.text))
    if kind == "date" and field.item is None and not field.many:
        return _placed(passage.text, find_dates(passage.text))
    return None


def _clauses(field: Field, text: str) -> list[Candidate]:
    cue = re.compile(field.cue.pattern) if field.cue else None
    numbers = find_quantities(text)
    sentence_spans = sentences(text)
    found = []
    for start, end in clauses(text):
        words = text[start:end]
        if cue is not None and not cue.search(words):
            continue
        inside = [text[i:j] for i, j in numbers if start <= i and j <= end]
        sentence = _around(sentence_spans, start, end, text)
        found.append(Candidate(words, (start, end), words, sentence, inside[0] if inside else None))
    return found


def _people(field: Field, text: str) -> list[Candidate]:
    """Persons, each once, with the titles beside their names and the choices that the text shows of them."""
    spans = find_people(text)
    clause_spans, sentence_spans = clauses(text), sentences(text)
    found: dict[str, Candidate] = {}
    for at, (i, j) in enumerate(spans):
        name = text[i:j]
        first = Candidate(name, (i, j), _around(clause_spans, i, j, text), _around(sentence_spans, i, j, text))
        candidate = found.setdefault(name, first)
        for leaf in field.asked:
            if leaf.beside is not None:
                values = _beside(leaf, text, spans, at)
            elif leaf.shown is not None and leaf.many:
                values = _shown(leaf, _said_of(text, spans, at))
            else:
                continue
            known = candidate.known.setdefault(leaf.name, [])
            known += [value for value in values if value not in known]
    return list(found.values())


def _beside(leaf: Leaf, text: str, spans: Sequence[Span], at: int) -> list[str]:
    """市委副书记、市长张文深: what stands right before a name, joined by 、; else right after it (薛书记)."""
    assert leaf.beside is not None
    i, j = spans[at]
    floor = max(i - _TITLES_REACH, spans[at - 1][1] if at else 0)
    before = re.split(r"[，,。；;：:\n]", text[floor:i])[-1]
    values: list[str] = []
    for piece in reversed(before.split("、")):
        match = re.search(f"(?:{leaf.beside.before})$", piece)
        if match is None or not match.group():
            break
        values.insert(0, match.group())
        if match.start() > 0:
            break
    after = re.match(leaf.beside.after, text[j : j + 12])
    return values or ([after.group()] if after else [])


def _said_of(text: str, spans: Sequence[Span], at: int) -> str:
    """The rest of the clause after a name, or after the list of names that it stands in."""
    end = spans[at][1]
    for i, j in spans[at + 1 :]:
        if _JOINT.fullmatch(text, end, i) is None or (end < i and text[end] not in "、和与及以" and i - end > 8):
            break
        end = j
    stop = _CLAUSE_END.search(text, end)
    following = next((i for i, _ in spans[at + 1 :] if i >= end), len(text))
    return text[end : min(stop.start() if stop else len(text), following)]


def _shown(leaf: Leaf, said: str) -> list[str]:
    assert leaf.shown is not None
    return [choice for choice, pattern in leaf.shown.patterns.items() if re.search(pattern, said)]


def _placed(text: str, places: Sequence[tuple[int, int]]) -> list[Candidate]:
    clause_spans, sentence_spans = clauses(text), sentences(text)
    return [
        Candidate(
            text[i:j], (i, j), _around(clause_spans, i, j, text), _around(sentence_spans, i, j, text), text[i:j]
        )
        for i, j in places
    ]


def _around(spans: Sequence[tuple[int, int]], i: int, j: int, text: str) -> str:
    """The words of the span that holds i:j (spans are in order and don't overlap), or those words themselves."""
    at = bisect_right(spans, (i, len(text))) - 1
    if at >= 0 and spans[at][0] <= i and j <= spans[at][1]:
        return text[spans[at][0] : spans[at][1]]
    return text[i:j]
