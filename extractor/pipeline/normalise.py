"""Normalise: numbers, units and dates computed from their words, as records hold them."""

from __future__ import annotations

from typing import Any

from extractor.document import Excerpt
from extractor.lang.dates import parse_date
from extractor.lang.meeting_year import InferredYear, infer_year
from extractor.lang.quantities import parse_quantity
from extractor.pipeline.answer import Problem
from extractor.pipeline.ground.ground import Item, Value
from extractor.schema.shape import Field, Leaf


def infer_meeting_year(speech: Excerpt) -> InferredYear | None:
    """The year of the speech, from evidence in its text only."""
    return infer_year(speech.text)


def normalise(item: Item, shape: Field, year: InferredYear | None) -> tuple[dict[str, Any] | None, list[Problem]]:
    """The item's values as plain JSON; None where a number or date that it can't do without can't be read."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for leaf in shape.asked:
        said = item.values[leaf.name]
        each = said if isinstance(said, list) else [said]
        read = [_read(leaf, x, year) for x in each]
        unreadable = [x for x, result in zip(each, read, strict=True) if x is not None and result is None]
        problems += [_unreadable(leaf, shape, x) for x in unreadable]
        kept = [x for x in read if x is not None]
        if unreadable and not kept and (leaf is shape.anchor or not (leaf.optional or leaf.many)):
            return None, problems
        values[leaf.name] = kept if leaf.many else (kept[0] if kept else None)
    return values, problems


def _read(leaf: Leaf, value: Value | str | None, year: InferredYear | None) -> Any:
    if value is None or isinstance(value, str):
        return value
    if leaf.kind == "quantity":
        return _quantity(value)
    if leaf.kind == "date":
        return _date(value, year)
    return value.text


def _quantity(value: Value) -> dict[str, Any] | None:
    quantity = parse_quantity(value.clean)
    return None if quantity is None else {**quantity.model_dump(), "text": value.text}


def _date(value: Value, year: InferredYear | None) -> dict[str, Any] | None:
    read = parse_date(value.clean, year=year.year if year else None)
    if read is None:
        return None
    evidence = {"text": value.text, "start": value.start, "end": value.end}
    return {"text": value.text, "edtf": read.edtf, "year_inferred": read.year_inferred, "evidence": evidence}


def _unreadable(leaf: Leaf, shape: Field, value: Value | str) -> Problem:
    name = shape.name if shape.item is None else f"{shape.name}.{leaf.name}"
    what = "a number" if leaf.kind == "quantity" else "a date"
    if isinstance(value, str):
        return Problem("unreadable", name, value, detail=f"these words hold no {what.split()[-1]} that can be computed")
    return Problem(
        "unreadable", name, value.text, value.start, value.end, f"these words do not say {what} that can be computed"
    )
