"""Normalise: numbers, units and dates computed from their words, as records hold them."""

from __future__ import annotations

from typing import Any

from extractor.document import Excerpt
from extractor.lang.meeting_year import InferredYear, infer_year
from extractor.pipeline.answer import Problem
from extractor.pipeline.ground.ground import Item, Value
from extractor.schema.shape import Field, Leaf


def infer_meeting_year(speech: Excerpt) -> InferredYear | None:
    """The year of the speech, from evidence in its text only."""
    return infer_year(speech.text)


def normalise(item: Item, field: Field, year: InferredYear | None) -> tuple[dict[str, Any] | None, list[Problem]]:
    """The item's values as plain JSON; None where a number or date that it can't do without can't be read."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for leaf in field.asked:
        said = item.values[leaf.name]
        each = said if isinstance(said, list) else [said]
        read = [_read(leaf, x, year) for x in each]
        unreadable = [x for x, result in zip(each, read, strict=True) if x is not None and result is None]
        problems += [_unreadable(leaf, field, x) for x in unreadable]
        kept = [x for x in read if x is not None]
        if unreadable and not kept and (leaf is field.anchor or not (leaf.optional or leaf.many)):
            return None, problems
        values[leaf.name] = kept if leaf.many else (kept[0] if kept else None)
    return values, problems


def _read(leaf: Leaf, value: Value | str | None, year: InferredYear | None) -> Any:
    if value is None or isinstance(value, str):
        return value
    return leaf.kind.read(value, year.year if year else None) if leaf.kind.read else value.text


def _unreadable(leaf: Leaf, field: Field, value: Value | str) -> Problem:
    name = field.name if field.item is None else f"{field.name}.{leaf.name}"
    if isinstance(value, str):
        return Problem("unreadable", name, value, detail=f"these words hold no {leaf.kind.reads} that can be computed")
    detail = f"these words do not say a {leaf.kind.reads} that can be computed"
    return Problem("unreadable", name, value.text, value.start, value.end, detail)
