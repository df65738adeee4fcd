"""A model's answer about one field, and the problems on the way from the answer to the record."""

from __future__ import annotations

from dataclasses import dataclass

from extractor.document import Excerpt, Json
from extractor.pipeline.line_format import ProblemEntry


@dataclass(frozen=True, slots=True)
class Problem:
    """A question or a value that did not make it into the record, with the reason (`detail`).

    `start` and `end` are source offsets: where the value was looked for, or which text the question was
    about.
    """

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

    `place` is the place of its anchor (visible characters of the passage) if code offered it as a candidate.
    """

    values: Json
    place: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The items of one field in one passage.

    `failed` lists the questions that got no answer, as (start, end, error) with source offsets.
    """

    field: str
    passage: Excerpt
    items: tuple[AnswerItem, ...] = ()
    failed: tuple[tuple[int, int, Exception], ...] = ()
    problems: tuple[Problem, ...] = ()
