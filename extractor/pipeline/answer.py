"""What came of asking for one field, and what did not make it into the record."""

from __future__ import annotations

from dataclasses import dataclass

from extractor.document import Excerpt, Json


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was asked or answered and did not make it into the record, and why."""

    kind: str
    field: str
    value: str | None = None
    start: int | None = None
    end: int | None = None
    detail: str = ""

    def to_json(self) -> Json:
        return {
            "kind": self.kind,
            "field": self.field,
            "value": self.value,
            "start": self.start,
            "end": self.end,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class Row:
    """One item as the model answered it: leaf name → string, list of strings or None. `place` is where its anchor
    stands (visible characters of the passage), when code had offered that place as a candidate."""

    values: Json
    place: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking for one field from one passage. `failed` holds the questions that got no answer: their place
    in the source and the fault (an exception) that is to blame."""

    field: str
    passage: Excerpt
    rows: tuple[Row, ...] = ()
    failed: tuple[tuple[int, int, Exception], ...] = ()
