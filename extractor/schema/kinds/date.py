"""Dates: the model copies the words; code computes EDTF, with the speech's year and month if the words lack them."""

from __future__ import annotations

from typing import Any

from extractor.lang.date_context import DateContext
from extractor.lang.date_spans import find_dates
from extractor.lang.event_dates import whole_date
from extractor.schema.kinds.kind import Kind, Located, same_words

# The mark of an item with a date whose year, or month, comes from the title or date of its table row.
YEAR_FROM_ROW = "year_from_row"


def read_date(value: Located, context: DateContext) -> dict[str, Any] | None:
    """The date as the record holds it (see `EdtfDate`); None if the words are not a date."""
    date, _ = context.read(value.clean)
    if date is None:
        return None
    evidence = [{"text": value.source, "start": value.start, "end": value.end}]
    return {"text": value.text, "edtf": date.edtf, "year_inferred": date.year_inferred, "evidence": evidence}


def doubts_of_date(value: Located, context: DateContext) -> frozenset[str]:
    """The mark of a date whose year or month is not in its text."""
    _, is_from_row = context.read(value.clean)
    return frozenset({YEAR_FROM_ROW}) if is_from_row else frozenset()


def same_date(one: Any, other: Any) -> bool:
    """Whether two dates are the same day, however they are worded."""
    return bool(one["edtf"] == other["edtf"]) if one["edtf"] is not None else same_words(one, other)


DATE = Kind(
    "date",
    longest=30,
    find=find_dates,
    whole=whole_date,
    not_there="stands in the text, but is no date there",
    offered_as="date",
    cued_by="sentence",
    evidence_from="value",
    read=read_date,
    doubts=doubts_of_date,
    reads="date",
    holds_evidence=True,
    same=same_date,
)
