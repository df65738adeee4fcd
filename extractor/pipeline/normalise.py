"""Normalise: compute numbers, units and dates from their words, and refuse numbers in other units than `Unit` says."""

from __future__ import annotations

from typing import Any

from extractor.document import Excerpt
from extractor.lang.meeting_year import InferredYear, infer_year
from extractor.pipeline.answer import Problem
from extractor.pipeline.ground.ground import Item, Value
from extractor.schema.kinds import words_of
from extractor.schema.shape import Field, Leaf


def infer_meeting_year(speech: Excerpt) -> InferredYear | None:
    """The year of the speech, from evidence in its text alone."""
    return infer_year(speech.text)


def normalise(item: Item, field: Field, year: InferredYear | None) -> tuple[dict[str, Any] | None, list[Problem]]:
    """The item's values as plain JSON, and a problem for each value that can't be read.

    The values are None if a required number or date can't be read, or is in another unit than its field takes.
    """
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for leaf in field.asked:
        grounded = item.values[leaf.name]
        each = grounded if isinstance(grounded, list) else [grounded]
        results = [_read(leaf, value, year) for value in each]
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


def _read(leaf: Leaf, value: Value | str | None, year: InferredYear | None) -> Any:
    if value is None or isinstance(value, str):
        return value
    return leaf.kind.read(value, year.year if year else None) if leaf.kind.read else value.text


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
