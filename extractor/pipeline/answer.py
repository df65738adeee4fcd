"""A model's answer about one field, and what of it did not make it into the record."""

from __future__ import annotations

from dataclasses import dataclass

from extractor.document import Excerpt, Json
from extractor.pipeline.line_format import ProblemEntry


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was asked or answered and did not make it into the record, and why."""

    kind: str
    field: str
    value: str | None = None
    start: int | None = None
    end: int | None = None
    detail: str = ""

    def to_json(self) -> ProblemEntry:
        return {
            "kind": self.kind,
            "field": self.field,
            "value": self.value,
            "start": self.start,
            "end": self.end,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class AnswerItem:
    """One item as the model answered it: leaf name → string, list of strings, or None.

    `place` is where its anchor stands (visible characters of the passage), if code offered that place as a candidate.
    """

    values: Json
    place: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The items of one field in one passage.

    `failed` holds the questions that got no answer: start and end in the source, and the error to blame.
    """

    field: str
    passage: Excerpt
    items: tuple[AnswerItem, ...] = ()
    failed: tuple[tuple[int, int, Exception], ...] = ()
