"""Dates: the model copies the words; code computes EDTF, with the speech's year if the words lack one."""

from __future__ import annotations

from typing import Any

from extractor.lang.date_spans import find_dates
from extractor.lang.dates import parse_date
from extractor.schema.kinds.kind import Kind, Located, same_words


def read_date(value: Located, year: int | None) -> dict[str, Any] | None:
    """The date as the record holds it (see `EdtfDate`); None if the words are not a date."""
    date = parse_date(value.clean, year=year)
    if date is None:
        return None
    evidence = [{"text": value.source, "start": value.start, "end": value.end}]
    return {"text": value.text, "edtf": date.edtf, "year_inferred": date.year_inferred, "evidence": evidence}


def same_date(one: Any, other: Any) -> bool:
    """Whether two dates are the same day, however they are worded."""
    return bool(one["edtf"] == other["edtf"]) if one["edtf"] is not None else same_words(one, other)


DATE = Kind(
    "date",
    longest=30,
    find=find_dates,
    offered_as="date",
    cued_by="sentence",
    evidence_from="value",
    read=read_date,
    reads="date",
    holds_evidence=True,
    same=same_date,
)
