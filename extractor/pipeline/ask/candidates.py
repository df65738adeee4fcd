"""Candidates: the names, numbers, dates and clauses of a passage that could be items of a field, found by code."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from extractor.document import Excerpt, Json
from extractor.fields import Unless
from extractor.lang.date_spans import find_dates, find_periods
from extractor.lang.directives import find_directives, headings_of
from extractor.lang.people import find_people
from extractor.lang.quantities import find_quantities
from extractor.lang.sentences import clauses, sentences
from extractor.schema.shape import Field, Leaf

Span = tuple[int, int]

# Between the members of a list of persons: 、, 和, and the next one's title.
_JOINT = re.compile(r"(?:[、和与及，,]|以及)?(?:[\u4e00-\u9fff]{0,10}、)?[\u4e00-\u9fff]{0,14}")
_CLAUSE_END = re.compile(r"[，,。；;！!？?：:\n]")
_NOTHING_SAID = 1  # 等
# Between two numbers of one list.
_LISTED = re.compile(r"[^，,。；;！？\n]{0,20}[、和与及]")
# What a clause begins after.
_HEADS = "，,。；;！!？?：:\n"
# How far before a name its titles may begin.
_TITLES_REACH = 40


@dataclass(frozen=True, eq=False)
class Candidate:
    """A place in a passage (visible characters) that could be an item, with its clause and its sentence, and the
    values of its leaves that code has read off (`known`)."""

    text: str
    place: tuple[int, int]
    clause: str
    sentence: str
    known: Json = field(default_factory=dict)

    def shows(self, pattern: str) -> bool:
        """Whether the candidate's sentence has the words of a cue."""
        return re.search(pattern, self.sentence) is not None


def find_candidates(field: Field, passage: Excerpt, speech: Excerpt) -> list[Candidate] | None:
    """The field's candidates in the passage of the speech; None where its type is nothing that code can find."""
    match field.anchor.kind.offered_as:
        case "person" if field.item is not None:
            return _people(field, passage.text)
        case "clause" if field.item is not None:
            return _clauses(field, passage, speech)
        case "number" if field.item is not None:
            return _placed(field, passage.text, _numbers(field, passage, speech))
        case "date" if field.item is None and not field.many:
            return _dates(field, passage.text)
        case "span" if field.item is not None:
            return _placed(field, passage.text, _spans(field, passage.text))
    return None


def _spans(field: Field, text: str) -> list[Span]:
    """What the kind finds by itself, in clauses that match the field's cue."""
    found, clause_spans = field.anchor.kind.find, clauses(text)
    spans = found(text) if found else []
    return [
        s for s in spans if field.cue is None or re.search(field.cue.pattern, text[slice(*_around(clause_spans, *s))])
    ]


def in_mood(mood: Literal["action", "goal"], passage: Excerpt, speech: Excerpt) -> list[Span]:
    """The clauses of the passage that are in this mood."""
    first = bisect_left(speech.starts, passage.start)
    last = first + len(passage.text)
    return [
        (max(d.start, first) - first, min(d.end, last) - first)
        for d in find_directives(speech.text)
        if d.start < last and first < d.end and (d.is_action if mood == "action" else d.is_goal)
    ]


def _clauses(field: Field, passage: Excerpt, speech: Excerpt) -> list[Candidate]:
    """Clauses in the field's mood that match its cue; none of a heading whose matter follows, none of a sentence that
    tells otherwise (`Unless`)."""
    text = passage.text
    cue = re.compile(field.cue.pattern) if field.cue else None
    unless = re.compile(field.unless.pattern) if field.unless else None
    sentence_spans = sentences(text)
    headings = set(headings_of(text, sentence_spans))
    places = []
    for i, j in in_mood(field.mood.kind, passage, speech) if field.mood else clauses(text):
        sentence = _around(sentence_spans, i, j)
        told_otherwise = unless is not None and unless.search(text[slice(*sentence)])
        if (cue is None or cue.search(text[i:j])) and sentence not in headings and not told_otherwise:
            places.append((i, j))
    return _placed(field, text, places)


def _dates(field: Field, text: str) -> list[Candidate]:
    """Dates whose sentence matches the field's cue: a text has many, and few are what the field means. Beside a day, a
    year alone is that of something else (5月16日召开2023年防汛会议)."""
    found = _placed(field, text, find_dates(text))
    found = [c for c in found if field.cue is None or c.shows(field.cue.pattern)]
    with_day = {c.sentence for c in found if "日" in c.text}
    return [c for c in found if "日" in c.text or c.sentence not in with_day]


def _numbers(field: Field, passage: Excerpt, speech: Excerpt) -> list[Span]:
    """Numbers whose clause matches the field's cue, but for those whose own words say that they are none of its."""
    text = passage.text
    cue, unless, clause_spans = field.cue, field.unless, clauses(text)
    numbers = find_quantities(text)
    if unless is not None:
        numbers = _not_ruled_out(unless, text, numbers)
        moody = set(in_mood(unless.mood, passage, speech)) if unless.mood else set()
        # Where the pattern has parted the numbers of a clause it has the last word (计划投资3亿元的8个项目).
        parted = {_around(clause_spans, *n) for n in set(find_quantities(text)) - set(numbers)}
        spans = {n: _around(clause_spans, *n) for n in numbers}
        numbers = [n for n in numbers if spans[n] in parted or not any(i < n[1] and n[0] < j for i, j in moody)]
    return [n for n in numbers if cue is None or re.search(cue.pattern, text[slice(*_around(clause_spans, *n))])]


def _not_ruled_out(unless: Unless, text: str, numbers: Sequence[Span]) -> list[Span]:
    pattern = re.compile(unless.pattern)
    before = re.compile(unless.before) if unless.before else None
    clause_spans, sentence_spans = clauses(text), sentences(text)
    found = []
    end, ruled_out = 0, False
    for i, j in numbers:
        begin = max(_around(clause_spans, i, j)[0], end)
        # 新建10个园区和200个文化屋: what is said of a number holds for the next of its list.
        listed = ruled_out and _LISTED.fullmatch(text, end, i) is not None
        ruled_out = listed or pattern.search(text[begin:j]) is not None
        ruled_out = ruled_out or (
            before is not None and before.search(text, _around(sentence_spans, i, j)[0], i) is not None
        )
        if not ruled_out:
            found.append((i, j))
        end = j
    return found


def _placed(field: Field, text: str, places: Sequence[Span]) -> list[Candidate]:
    """Candidates at these places, with what code can read off around them."""
    clause_spans, sentence_spans = clauses(text), sentences(text)
    numbers = find_quantities(text) if any(leaf.kind.is_read_off for leaf in field.asked) else []
    values = {x.name: [m.span() for m in re.finditer(x.like.pattern, text)] for x in field.asked if x.like}
    values |= {x.name: find_periods(text) for x in field.asked if x.period}
    found = []
    for i, j in places:
        clause, sentence = _around(clause_spans, i, j), _around(sentence_spans, i, j)
        candidate = Candidate(text[i:j], (i, j), text[slice(*clause)], text[slice(*sentence)])
        for leaf in field.asked:
            if leaf is field.anchor:
                continue
            if leaf.kind.is_read_off:
                candidate.known[leaf.name] = next((text[a:b] for a, b in numbers if i <= a and b <= j), None)
            elif leaf.subject is not None:
                candidate.known[leaf.name] = _ruling(leaf.subject.pattern, text, sentence[0], i, j)
            elif leaf.period is not None or leaf.like is not None:
                begin = max(sentence[0], text.rfind("；", sentence[0], i) + 1, text.rfind(";", sentence[0], i) + 1)
                span = _standing(leaf, (i, j), values[leaf.name], clause, begin)
                candidate.known[leaf.name] = text[slice(*span)] if span else None
        found.append(candidate)
    return found


def _standing(leaf: Leaf, place: Span, spans: Sequence[Span], clause: Span, begin: int) -> Span | None:
    """Of the places `spans` the one that goes with an item: in its own clause (从五普的120降到六普的110: the last before
    the number), else, where the field may reach further, the last one before it in its part of the sentence."""
    own = [span for span in spans if clause[0] <= span[0] and span[1] <= clause[1]]
    if own:
        return next((span for span in reversed(own) if span[1] <= place[0]), own[0])
    if leaf.within == "passage":
        return next((span for span in reversed(spans) if begin <= span[0] and span[1] <= place[0]), None)
    return None


def _ruling(pattern: str, text: str, begin: int, i: int, j: int) -> list[str]:
    """What rules the clause i:j: the last match that begins a clause of its sentence, in it or before it."""
    heads = [m for m in re.finditer(pattern, text[begin:j]) if m.start() == 0 or text[begin + m.start() - 1] in _HEADS]
    if not heads:
        return []
    words = re.sub(r"等(?:部门|单位|地)?$", "", heads[-1].group(1))
    return [piece for piece in re.split(r"[、和与及]|以及", words) if piece]


def _people(field: Field, text: str) -> list[Candidate]:
    """Persons, at each place that names them, with the titles beside the name and the choices that the text shows."""
    spans = find_people(text)
    clause_spans, sentence_spans = clauses(text), sentences(text)
    found = []
    for at, (i, j) in enumerate(spans):
        clause, sentence = _around(clause_spans, i, j), _around(sentence_spans, i, j)
        candidate = Candidate(text[i:j], (i, j), text[slice(*clause)], text[slice(*sentence)])
        for leaf in field.asked:
            if leaf.beside is not None:
                candidate.known[leaf.name] = _beside(leaf, text, spans, at)
            elif leaf.shown is not None and leaf.many:
                candidate.known[leaf.name] = _shown(leaf, _said_of(text, spans, at, sentence))
        found.append(candidate)
    return found


def _beside(leaf: Leaf, text: str, spans: Sequence[Span], at: int) -> list[str]:
    """市委副书记、市长张文深: what stands right before a name, joined by 、; else right after it (薛书记)."""
    assert leaf.beside is not None
    i, j = spans[at]
    floor = max(i - _TITLES_REACH, spans[at - 1][1] if at else 0)
    before = re.split(r"[，,。；;：:\n]", text[floor:i])[-1].rstrip()
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


def _said_of(text: str, spans: Sequence[Span], at: int, sentence: Span) -> str:
    """The rest of the clause after a name, or after the list of names that it stands in; of the sentence, where others
    without a name follow (市领导张玄宇、郭建文,有关部门负责同志出席会议)."""
    begin, end = spans[at]
    if text[begin - 1 : begin] in ("(", "（") and text[end : end + 1] in (")", "）"):  # …会议上的讲话(尤志军)
        return text[text.rfind("\n", 0, begin) + 1 : begin]
    for i, j in spans[at + 1 :]:
        if _JOINT.fullmatch(text, end, i) is None or (end < i and text[end] not in "、，,和与及以" and i - end > 8):
            break
        end = j
    stop = _CLAUSE_END.search(text, end)
    following = next((i for i, _ in spans[at + 1 :] if i >= end), len(text))
    if stop and stop.start() - end <= _NOTHING_SAID and stop.group() in "，,":
        return text[end : min(following, sentence[1])]
    return text[end : min(stop.start() if stop else len(text), following)]


def _shown(leaf: Leaf, said: str) -> list[str]:
    assert leaf.shown is not None
    return [choice for choice, pattern in leaf.shown.patterns.items() if re.search(pattern, said)]


def _around(spans: Sequence[Span], i: int, j: int) -> Span:
    """The span that holds i:j (spans are in order and don't overlap), or i:j itself."""
    at = bisect_right(spans, (i, 1 << 60)) - 1
    if at >= 0 and spans[at][0] <= i and j <= spans[at][1]:
        return spans[at]
    return i, j
