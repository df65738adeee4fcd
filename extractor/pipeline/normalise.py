"""Normalise: compute numbers, units and dates from their words, and refuse numbers in other units than `Unit` says."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from extractor.document import Excerpt
from extractor.lang.date_context import DateContext
from extractor.pipeline.answer import Problem
from extractor.pipeline.ground.ground import Item, Value
from extractor.pipeline.ground.locate import MatchKind
from extractor.schema.kinds import words_of
from extractor.schema.shape import Field, Leaf


def date_context(speech: Excerpt) -> DateContext:
    """What completes the dates of the speech: its text, and the title and date of its row."""
    document = speech.document
    return DateContext(speech.text, document.title, document.published)


def normalise(item: Item, field: Field, context: DateContext) -> tuple[dict[str, Any] | None, list[Problem]]:
    """The item's values as plain JSON, and a problem for each value that can't be read.

    The values are None if a required number or date can't be read, or is in another unit than its field takes.
    """
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for leaf in field.asked:
        grounded = item.values[leaf.name]
        each = grounded if isinstance(grounded, list) else [grounded]
        results = [_read(leaf, value, context) for value in each]
        dropped = [
            problem
            for value, result in zip(each, results, strict=True)
            if value is not None and (problem := _problem_with(leaf, field, value, result)) is not None
        ]
        problems += dropped
        kept = [result for result in results if result is not None and _is_in_unit(leaf, result)]
        if dropped and not kept and (leaf is field.anchor or not (leaf.optional or leaf.many)):
            return None, problems
        values[leaf.name] = kept if leaf.many else (kept[0] if kept else None)
    return values, problems


def doubts(item: Item, field: Field, context: DateContext) -> frozenset[str]:
    """The marks of the item that are due to how its values were computed."""
    found: frozenset[str] = frozenset()
    for leaf in field.asked:
        values = item.values[leaf.name]
        for value in values if isinstance(values, list) else [values]:
            if leaf.kind.doubts is not None and isinstance(value, Value):
                found |= leaf.kind.doubts(value, context)
    return found


def compute_again(value: Any, field: Field, context: DateContext, speech: Excerpt) -> list[tuple[Any, frozenset[str]]]:
    """The items of a field, as a record holds them, with what depends on the context computed again.

    Each with the marks that are due to it. The value is None if its words can't be read in this context.
    """
    items = value if isinstance(value, list) else [] if value is None else [value]
    leaves = [leaf for leaf in field.asked if leaf.kind.doubts is not None]
    results = []
    for item in items:
        marks: frozenset[str] = frozenset()
        for leaf in leaves:
            held = item if field.item is None else item[leaf.name]
            renewed = []
            for old in held if isinstance(held, list) else [] if held is None else [held]:
                new, doubted = _compute_one(old, leaf, context, speech)
                renewed.append(new)
                marks |= doubted
            if None in renewed:
                item = None
                break
            new_value = renewed if isinstance(held, list) else renewed[0] if renewed else None
            item = new_value if field.item is None else {**item, leaf.name: new_value}
        results.append((item, marks))
    return results


def _compute_one(old: Any, leaf: Leaf, context: DateContext, speech: Excerpt) -> tuple[Any, frozenset[str]]:
    """A value that holds its evidence, read again from its place."""
    place = old["evidence"][0]
    i, j = (bisect_left(speech.starts, place[end]) for end in ("start", "end"))
    words = Value(old["text"], speech.text[i:j], place["start"], place["end"], MatchKind.EXACT, place["text"])
    assert leaf.kind.read is not None
    assert leaf.kind.doubts is not None
    return leaf.kind.read(words, context), leaf.kind.doubts(words, context)


def _read(leaf: Leaf, value: Value | str | None, context: DateContext) -> Any:
    if value is None or isinstance(value, str):
        return value
    return leaf.kind.read(value, context) if leaf.kind.read else value.text


def _is_in_unit(leaf: Leaf, result: Any) -> bool:
    return leaf.unit is None or leaf.takes(result.get("unit"))


def _problem_with(leaf: Leaf, field: Field, value: Value | str, result: Any) -> Problem | None:
    """Why a value is dropped after it was found; None if it is not."""
    if result is None:
        kind, detail = "unreadable", f"no {leaf.kind.reads} can be computed from these words"
    elif not _is_in_unit(leaf, result):
        unit = result.get("unit")
        kind, detail = (
            "refused",
            f"{words_of(result)} is {f'in {unit}' if unit else 'without a unit'}, not in {leaf.unit}",
        )
    else:
        return None
    name = field.name if field.item is None else f"{field.name}.{leaf.name}"
    if isinstance(value, str):
        return Problem(kind, name, value, detail=detail)
    return Problem(kind, name, value.text, value.start, value.end, detail)
