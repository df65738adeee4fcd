"""Merge: one record from the passages' items.

An item that stands on a name is an entity: one entry with all it was said to be and every place that says so. Any other
item is a statement: said again in the same words it is one entry with several places; said differently it stays apart.
A field of one value keeps the first; a later different one stays visible as a `conflict`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from extractor.document import Document, Json
from extractor.lang.fold import fold
from extractor.lang.sentences import Span
from extractor.pipeline.answer import Problem
from extractor.pipeline.ground.ground import Item, Value
from extractor.schema.shape import Field, Leaf


@dataclass(frozen=True, slots=True)
class Merged:
    """A record; `evidence` of the fields that hold none of their own (field → places); `marks` of items that are less
    sure than others (field, number in its list, which); conflicts."""

    record: Json
    evidence: Json
    marks: list[Json]
    problems: list[Problem]


@dataclass(eq=False)
class Entry:
    """An item being merged: its grounded form, its values as plain JSON, and all its places."""

    item: Item
    values: Json
    places: list[Span]
    marks: frozenset[str]


def merge(shapes: Sequence[Field], items: Sequence[tuple[Item, Json]], document: Document) -> Merged:
    """One record of all items."""
    record: Json = {}
    evidence: Json = {}
    marks: list[Json] = []
    problems: list[Problem] = []
    for shape in shapes:
        mine = [
            Entry(item, values, list(item.places), item.marks) for item, values in items if item.field == shape.name
        ]
        entries, conflicts = _gather(shape, mine)
        problems += conflicts
        values = [_finish(shape, entry, document) for entry in entries]
        record[shape.name] = values if shape.many or _is_list(shape) else (values[0] if values else None)
        if shape.item is None and shape.anchor.kind != "date" and entries:
            evidence[shape.name] = [_evidence(span, document) for entry in entries for span in entry.places]
        many = isinstance(record[shape.name], list)
        marks += [
            {"field": shape.name, "item": n if many else None, "marks": sorted(entry.marks)}
            for n, entry in enumerate(entries)
            if entry.marks
        ]
    return Merged(record, evidence, marks, problems)


def _gather(shape: Field, entries: list[Entry]) -> tuple[list[Entry], list[Problem]]:
    if not (shape.many or _is_list(shape)):
        return _keep_first(shape, entries)
    merged: dict[Any, Entry] = {}
    there: dict[Span, Entry] = {}
    problems: list[Problem] = []
    for entry in entries:
        # The same place answered twice is one statement, however it was described.
        anchor: Value = entry.item.values[shape.anchor.name]
        place = (anchor.start, anchor.end)
        known = there.get(place) or merged.setdefault(_key(shape, entry), entry)
        there[place] = known
        if known is not entry:
            problems += _join(shape, known, entry)
    entries = list(merged.values())
    return (_join_short_names(shape, entries) if shape.anchor.kind == "name" else entries), problems


def _join_short_names(shape: Field, entries: list[Entry]) -> list[Entry]:
    """陈 (省长) and 陈润儿 (省长) are one: a surname or a given name alone, of just one full name with which it shares a
    value of some list, such as a title."""
    lists = [leaf.name for leaf in shape.asked if leaf.many and leaf.kind != "choice"]
    kept = list(entries)
    for entry in entries:
        name = fold(entry.item.values[shape.anchor.name].clean)
        longer = [
            other
            for other in kept
            if other is not entry
            and len(full := fold(other.item.values[shape.anchor.name].clean)) > len(name)
            and (full.startswith(name) or full.endswith(name))
            and any(_same_words(x, y) for leaf in lists for x in entry.values[leaf] for y in other.values[leaf])
        ]
        if len(longer) == 1:
            _join(shape, longer[0], entry)
            kept.remove(entry)
    return kept


def _is_list(shape: Field) -> bool:
    return shape.item is None and shape.leaves[0].many


def _keep_first(shape: Field, entries: list[Entry]) -> tuple[list[Entry], list[Problem]]:
    if not entries:
        return [], []
    first, anchor = entries[0], shape.anchor.name
    problems = []
    for other in entries[1:]:
        if _same(first.values[anchor], other.values[anchor]):
            problems += _join(shape, first, other)
        else:
            value = other.item.values[anchor]
            detail = f"the record keeps {_words(first.values[anchor])!r}, found before it"
            problems.append(Problem("conflict", shape.name, value.text, value.start, value.end, detail))
    return [first], problems


def _key(shape: Field, entry: Entry) -> Any:
    """What entries have in common that are one: the name of an entity, the words of a statement."""
    if shape.item is None or shape.anchor.kind == "name":
        return _plain(entry.item.values[shape.anchor.name])
    return tuple(_plain(entry.item.values[leaf.name]) for leaf in shape.asked if not leaf.many)


def _plain(value: Any) -> str | None:
    """A value's words for comparison: without noise, script or width."""
    return None if value is None else fold(value if isinstance(value, str) else value.clean)


def _join(shape: Field, known: Entry, other: Entry) -> list[Problem]:
    known.places += [p for p in other.places if p not in known.places]
    known.marks &= other.marks  # said once without a doubt is enough
    problems = []
    for leaf in shape.asked if shape.item else ():
        mine, theirs = known.values[leaf.name], other.values[leaf.name]
        if leaf.many:
            mine += [x for x in theirs if not any(_same_words(x, y) for y in mine)]
        elif mine is None:
            known.values[leaf.name] = theirs
        elif (
            leaf is not shape.anchor and theirs is not None and not _same(mine, theirs) and shape.anchor.kind == "name"
        ):
            detail = f"{_words(known.values[shape.anchor.name])} keeps {_words(mine)!r}, found before it"
            problems.append(Problem("conflict", f"{shape.name}.{leaf.name}", _words(theirs), detail=detail))
    return problems


def _same_words(one: Any, other: Any) -> bool:
    """Whether two list values are the same, or one is the other's ending (副市长 of 市政府副市长): the first stays.
    副市长 is not the same as 市长."""
    if not (isinstance(one, str) and isinstance(other, str)):
        return bool(one == other)
    a, b = fold(one), fold(other)
    short, long = sorted((a, b), key=len)
    before = long[: len(long) - len(short)]
    return a == b or (len(short) > 1 and long.endswith(short) and not before.endswith("副"))


def _same(mine: Any, theirs: Any) -> bool:
    if isinstance(mine, dict) and isinstance(theirs, dict):
        if mine.get("edtf") is not None:
            return bool(mine["edtf"] == theirs.get("edtf"))
        return fold(mine["text"]) == fold(theirs["text"])
    return fold(str(mine)) == fold(str(theirs))


def _words(value: Any) -> str:
    return str(value["text"] if isinstance(value, dict) else value)


def _finish(shape: Field, entry: Entry, document: Document) -> Any:
    """An entry as the record holds it."""
    if shape.item is None:
        values = entry.values[shape.name]
        return values[0] if isinstance(values, list) else values
    places = [_evidence(span, document) for span in entry.places]
    values = dict(entry.values)
    for leaf in shape.leaves:
        if leaf.kind == "choice" and leaf.many:
            values[leaf.name] = _settle_choices(leaf, values[leaf.name])
        elif leaf.kind == "choice" and values[leaf.name] is None and leaf.shown:
            values[leaf.name] = leaf.shown.otherwise
        elif leaf.kind == "places":
            values[leaf.name] = places[0] if len(places) == 1 else places
        elif leaf.kind == "evidence":
            values[leaf.name] = places if leaf.many else places[0]
    return values


def _settle_choices(leaf: Leaf, chosen: list[str]) -> list[str]:
    """Choices in the schema's order; the one for "nothing else" only where nothing else is left."""
    otherwise = leaf.shown.otherwise if leaf.shown else None
    kept = [c for c in leaf.choices if c in chosen and c != otherwise]
    return kept or ([otherwise] if otherwise else [])


def _evidence(span: Span, document: Document) -> Json:
    return {"text": document.text[span[0] : span[1]], "start": span[0], "end": span[1]}
