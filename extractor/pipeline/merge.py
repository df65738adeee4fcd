"""Merge: combine the items of all passages into one record.

An item whose anchor is a name is an entity: all its mentions become one entry, with the values and the places
of all of them. Any other item is a statement: repeated in the same words, it becomes one entry with several
places; in other words, it stays a separate entry. Entries are in the order of their first places. A field with a
single value keeps the first one and reports a later different one as a `conflict`. A label of the whole text is what
the first passage says that says one; no other passage contradicts it, since each shows a part of the text only. A
list of labels has those of all passages.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from extractor.document import Excerpt, Json
from extractor.lang.fold import fold
from extractor.lang.sentences import Span
from extractor.pipeline.answer import Problem
from extractor.pipeline.ground.evidence import evidence_of, quoted
from extractor.pipeline.ground.folded_text import make_key
from extractor.pipeline.ground.ground import Item, Value
from extractor.pipeline.line_format import EvidenceEntry, MarkEntry
from extractor.schema.kinds import Occurrence, words_of
from extractor.schema.shape import Field, Leaf


@dataclass(frozen=True, slots=True)
class Merged:
    """A record with what belongs beside it.

    `evidence` is for the fields whose values hold none themselves; `marks` are for the items that are less
    certain than the others; `problems` are the conflicts.
    """

    record: Json
    evidence: dict[str, list[EvidenceEntry]]
    marks: list[MarkEntry]
    problems: list[Problem]


@dataclass(eq=False)
class Entry:
    """An item being merged: its grounded form, its values as JSON, and all its places (source offsets), in order."""

    item: Item
    values: Json
    places: dict[Span, None]
    marks: frozenset[str]

    @property
    def first(self) -> Span:
        """The place that comes first in the source."""
        return min(self.places)


def merge(fields: Sequence[Field], items: Sequence[tuple[Item, Json]], speech: Excerpt) -> Merged:
    """Combine the items into one record."""
    record: Json = {}
    evidence: dict[str, list[EvidenceEntry]] = {}
    marks: list[MarkEntry] = []
    problems: list[Problem] = []
    for field in fields:
        mentions = [
            Entry(item, values, dict.fromkeys(item.places), item.marks)
            for item, values in items
            if item.field == field.name
        ]
        if field.is_label:
            record[field.name] = _label(field.anchor, mentions)
            continue
        entries, conflicts = _merge_entries(field, mentions)
        problems += conflicts
        values = [_finish(field, entry, speech) for entry in entries]
        record[field.name] = values if field.many or _is_list(field) else (values[0] if values else None)
        if field.item is None and not field.anchor.kind.holds_evidence and entries:
            evidence[field.name] = [evidence_of(speech.document, span) for entry in entries for span in entry.places]
        is_list = isinstance(record[field.name], list)
        marks += [
            {"field": field.name, "item": n if is_list else None, "marks": sorted(entry.marks)}
            for n, entry in enumerate(entries)
            if entry.marks
        ]
    return Merged(record, evidence, marks, problems)


def _label(leaf: Leaf, mentions: Sequence[Entry]) -> str | list[str] | None:
    """The label of a text; `otherwise` only if no passage says another."""
    said = [choice for mention in mentions for choice in _listed(mention.values[leaf.name])]
    if leaf.many:
        return _settle_choices(leaf, said) if said else []
    otherwise = leaf.shown.otherwise if leaf.shown else None
    return next((choice for choice in said if choice != otherwise), otherwise if said else None)


def _merge_entries(field: Field, entries: list[Entry]) -> tuple[list[Entry], list[Problem]]:
    if not (field.many or _is_list(field)):
        return _keep_first(field, entries)
    merged: dict[Any, Entry] = {}
    by_place: dict[Span, Entry] = {}
    problems: list[Problem] = []
    for entry in entries:
        # Two answers about the same place are one statement, even if they describe it differently.
        anchor: Value = entry.item.values[field.anchor.name]
        place = (anchor.start, anchor.end)
        known = by_place.get(place) or merged.setdefault(_key(field, entry), entry)
        by_place[place] = known
        if known is not entry:
            problems += _join(field, known, entry)
    entries = list(merged.values())
    if field.anchor.kind.is_entity:
        entries = _join_short_names(field, entries)
    return sorted(entries, key=lambda entry: entry.first), problems


def _join_short_names(field: Field, entries: list[Entry]) -> list[Entry]:
    """Join a surname or a given name to its full name: 陈 (省长) to 陈润儿 (省长).

    The two must share a value of some list, such as a title, and no other full name may fit.
    """
    lists = [leaf.name for leaf in field.asked if leaf.many and leaf.kind.grounded_as != "choice"]
    names = [fold(entry.item.values[field.anchor.name].clean) for entry in entries]
    kept = dict(enumerate(entries))
    # The entries whose names begin or end with certain characters and have more.
    longer: defaultdict[str, dict[int, None]] = defaultdict(dict)
    for number, full in enumerate(names):
        for size in range(1, len(full)):
            longer[full[:size]][number] = longer[full[-size:]][number] = None
    for number, entry in enumerate(entries):
        fitting = [
            kept[other]
            for other in longer.get(names[number], ())
            if other in kept
            and any(_is_same(x, y) for leaf in lists for x in entry.values[leaf] for y in kept[other].values[leaf])
        ]
        if len(fitting) == 1:
            _join(field, fitting[0], entry)
            del kept[number]
    return list(kept.values())


def _is_list(field: Field) -> bool:
    return field.item is None and field.leaves[0].many


def _keep_first(field: Field, entries: list[Entry]) -> tuple[list[Entry], list[Problem]]:
    if not entries:
        return [], []
    first, anchor = entries[0], field.anchor.name
    problems = []
    for other in entries[1:]:
        if field.anchor.kind.same(first.values[anchor], other.values[anchor]):
            problems += _join(field, first, other)
        else:
            value = other.item.values[anchor]
            detail = f"the record keeps {words_of(first.values[anchor])!r}, found before it"
            problems.append(Problem("conflict", field.name, value.text, value.start, value.end, detail))
    return [first], problems


def _key(field: Field, entry: Entry) -> Any:
    """What two mentions of one entry have in common: the name of an entity, or all values of a statement.

    Lists count: the same action of two bodies is two statements.
    """
    if field.item is None or field.anchor.kind.is_entity:
        return _plain(entry.item.values[field.anchor.name])
    return tuple(_plain(entry.item.values[leaf.name]) for leaf in field.asked)


def _plain(value: Any) -> Any:
    """The words of a value, or of each value of a list, for comparison: without noise, script and width folded."""
    if isinstance(value, list):
        return tuple(sorted(map(_plain, value)))
    return None if value is None else fold(value if isinstance(value, str) else value.clean)


def _join(field: Field, known: Entry, other: Entry) -> list[Problem]:
    """Add the places and values of `other` to `known`; a problem for each value that contradicts it."""
    known.places |= other.places
    known.marks &= other.marks  # one unmarked mention is enough
    problems = []
    for leaf in field.asked if field.item else ():
        mine, theirs = known.values[leaf.name], other.values[leaf.name]
        if leaf.many:
            mine += [x for x in theirs if not any(_is_same(x, y) for y in mine)]
        elif mine is None:
            known.values[leaf.name] = theirs
        elif (
            field.anchor.kind.is_entity
            and leaf is not field.anchor
            and theirs is not None
            and not leaf.kind.same(mine, theirs)
        ):
            detail = f"{words_of(known.values[field.anchor.name])} keeps {words_of(mine)!r}, found before it"
            problems.append(Problem("conflict", f"{field.name}.{leaf.name}", words_of(theirs), detail=detail))
    return problems


def _is_same(one: Any, other: Any) -> bool:
    """Whether two list values are equal or one ends with the other, as 市政府副市长 does with 副市长.

    副市长 and 市长 are different; noise of the source (省长(zhǎng)) makes no difference.
    """
    if not (isinstance(one, str) and isinstance(other, str)):
        return bool(one == other)
    a, b = make_key(one)[0], make_key(other)[0]
    short, long = sorted((a, b), key=len)
    before = long[: len(long) - len(short)]
    return a == b or (len(short) > 1 and long.endswith(short) and not before.endswith("副"))


def _finish(field: Field, entry: Entry, speech: Excerpt) -> Any:
    """An entry as the record holds it."""
    if field.item is None:
        values = entry.values[field.name]
        return values[0] if isinstance(values, list) else values
    values = dict(entry.values)
    occurrence = _occurrence(field, entry, speech)
    for leaf in field.leaves:
        if leaf.kind.fill is not None:
            values[leaf.name] = leaf.kind.fill(occurrence)
        elif leaf.kind.grounded_as == "choice" and leaf.many:
            values[leaf.name] = _settle_choices(leaf, values[leaf.name])
        elif leaf.kind.grounded_as == "choice" and values[leaf.name] is None and leaf.shown:
            values[leaf.name] = leaf.shown.otherwise
    return values


def _occurrence(field: Field, entry: Entry, speech: Excerpt) -> Occurrence:
    """The entry as the kinds see it that code fills."""
    start, end = entry.first
    governed_by = [value for leaf in field.asked if leaf.subject for value in _listed(entry.values[leaf.name])]
    return Occurrence(
        speech.text,
        bisect_left(speech.starts, start),
        bisect_left(speech.starts, end),
        partial(quoted, speech),
        entry.values,
        governed_by,
        [evidence_of(speech.document, span) for span in entry.places],
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _settle_choices(leaf: Leaf, chosen: list[str]) -> list[str]:
    """The choices in the schema's order; `otherwise` only if no other choice is left."""
    otherwise = leaf.shown.otherwise if leaf.shown else None
    kept = [c for c in leaf.choices if c in chosen and c != otherwise]
    return kept or ([otherwise] if otherwise else [])
