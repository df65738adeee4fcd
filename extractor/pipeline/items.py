"""The items that stand in a speech, gathered from the answers about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from extractor.document import Excerpt, Json
from extractor.errors import FATAL, ExtractorError, PostponedError
from extractor.llm.call import Call
from extractor.pipeline.answer import Answer, Problem
from extractor.pipeline.ask.ask import confirm
from extractor.pipeline.ground.evidence import prepare
from extractor.pipeline.ground.ground import Item, ground, wording_of
from extractor.pipeline.normalise import infer_meeting_year, normalise
from extractor.pipeline.recipe import Recipe
from extractor.schema.shape import Field

# The mark of items that came of asking once more.
SECOND_PASS = "second_pass"


# And of those that the model, asked about them alone, does not call items.
UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Failure:
    """A question that got no answer, and the fault that is to blame."""

    field: str
    start: int
    end: int
    fault: ExtractorError


Task = Callable[[], Any]


Gather = Callable[[Sequence[Task]], Sequence[Any]]
"""Does tasks, each a question to the model, and gives their results in order: one after the other, or side by side."""


def one_by_one(tasks: Sequence[Task]) -> list[Any]:
    """The tasks in order, each when the one before is done."""
    return [task() for task in tasks]


class Found:
    """What the answers about one speech have come to: items that stand in it, problems, failures."""

    def __init__(self, speech: Excerpt, recipe: Recipe, call: Call, gather: Gather) -> None:
        self._prepared = prepare(speech)
        self._year = infer_meeting_year(speech)
        self._recipe, self._call, self._gather = recipe, call, gather
        self.items: list[tuple[Item, Json]] = []
        self.problems: list[Problem] = []
        self.failures: list[Failure] = []
        self.asked = 0
        self.is_waiting = False

    def take(self, asked: Sequence[tuple[Field, Excerpt]], answers: Sequence[Answer], mark: str | None = None) -> None:
        """Ground and normalise the answers to what was asked; their items get the `mark`, and another if the model does
        not confirm them."""
        self.asked += len(asked)
        items: list[tuple[Field, Excerpt, Item, Json]] = []
        for (field, passage), answer in zip(asked, answers, strict=True):
            for start, end, fault in answer.failed:
                self.is_waiting |= isinstance(fault, PostponedError)
                self._fail(field, start, end, fault)
            grounded, ungrounded = ground(answer, field, self._prepared)
            self.problems += ungrounded
            for item in grounded:
                values, unreadable = normalise(item, field, self._year)
                self.problems += unreadable
                if values is not None:
                    items.append((field, passage, item, values))
        sure = self._confirm(items) if self._recipe.profile.verify else [True] * len(items)
        for (_, _, item, values), is_sure in zip(items, sure, strict=True):
            marks = {mark} if mark else set()
            marks |= set() if is_sure else {UNCONFIRMED}
            self.items.append((replace(item, marks=item.marks | marks), values))

    def _confirm(self, items: Sequence[tuple[Field, Excerpt, Item, Json]]) -> list[bool]:
        self.asked += len(items)
        tasks = [partial(self._confirms, field, passage, item) for field, passage, item, _ in items]
        sure = []
        for (field, _, item, _), answer in zip(items, self._gather(tasks), strict=True):
            sure.append(answer is True)
            if not isinstance(answer, bool):
                self._fail(field, *item.places[0], answer)
        return sure

    def _confirms(self, field: Field, passage: Excerpt, item: Item) -> bool | Exception:
        words, clause = wording_of(item, field, self._prepared)
        try:
            return confirm(field, passage, words, clause, self._recipe, self._call)
        except FATAL:
            raise
        except ExtractorError as fault:
            return fault

    def _fail(self, field: Field, start: int, end: int, error: Exception) -> None:
        detail = str(error)
        if isinstance(error, ExtractorError):
            self.failures.append(Failure(field.name, start, end, error))
            detail = f"{error.kind}: {error.what}"
        self.problems.append(Problem("unanswered", field.name, None, start, end, detail))
