"""Numbers with their unit and approximator: the model copies the words; code computes the value."""

from __future__ import annotations

from typing import Any

from extractor.lang.date_context import DateContext
from extractor.lang.quantities import find_quantities, parse_quantity
from extractor.lang.whole_quantities import whole_quantity
from extractor.schema.kinds.kind import Kind, Located


def read_quantity(value: Located, context: DateContext) -> dict[str, Any] | None:
    """The number as the record holds it (see `Quantity`); None if the words hold no number."""
    quantity = parse_quantity(value.clean)
    if value.unit is not None and quantity is not None and quantity.unit is None:
        quantity = parse_quantity(value.clean + value.unit) or quantity
    return None if quantity is None else {**quantity.model_dump(), "text": value.text, "change": value.change}


QUANTITY = Kind(
    "quantity",
    longest=30,
    find=find_quantities,
    whole=whole_quantity,
    not_there="stands in the text, but is no number of its own there",
    offered_as="number",
    is_read_off=True,
    evidence_from="telling clause",
    read=read_quantity,
    reads="number",
    scored_by="numbers",
)
