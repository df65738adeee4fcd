"""The items of a speech: answers are grounded and normalised as they come in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from extractor.document import Excerpt, Json
from extractor.errors import FATAL, ExtractorError, PostponedError
from extractor.llm.call import Call
from extractor.pipeline.answer import Answer, Problem
from extractor.pipeline.ask.ask import verify
from extractor.pipeline.ground.evidence import prepare
from extractor.pipeline.ground.ground import Item, ground, wording_of
from extractor.pipeline.normalise import date_context, doubts, normalise
from extractor.pipeline.recipe import Recipe
from extractor.schema.shape import Field

# The mark of items that the second pass found.
SECOND_PASS = "second_pass"
# The mark of items that the model, asked about each of them, did not confirm.
UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Failure:
    """A question that got no answer, its place in the source, and the error."""

    field: str
    start: int
    end: int
    error: ExtractorError


Task = Callable[[], Any]
"""One question to the model."""

Gather = Callable[[Sequence[Task]], Sequence[Any]]
"""Runs tasks, one after the other or concurrently, and returns their results in order."""


def one_by_one(tasks: Sequence[Task]) -> list[Any]:
    """Run the tasks one after the other."""
    return [task() for task in tasks]


class ItemCollection:
    """The items, problems and failures that the answers about one speech have given so far.

    `asked` counts the questions; `is_waiting` is true if one of them was postponed to a batch.
    """

    def __init__(self, speech: Excerpt, recipe: Recipe, call: Call, gather: Gather) -> None:
        self._prepared = prepare(speech)
        self._context = date_context(speech)
        self._recipe, self._call, self._gather = recipe, call, gather
        self.items: list[tuple[Item, Json]] = []
        self.problems: list[Problem] = []
        self.failures: list[Failure] = []
        self.asked = 0
        self.is_waiting = False

    def add(self, asked: Sequence[tuple[Field, Excerpt]], answers: Sequence[Answer], mark: str | None = None) -> None:
        """Ground, normalise and, if the profile says so, verify the answers to what was asked.

        Their items get the `mark`, and UNCONFIRMED if the model does not confirm them.
        """
        self.asked += sum(not field.on_card for field, _ in asked)
        items: list[tuple[Field, Excerpt, Item, Json]] = []
        for (field, passage), answer in zip(asked, answers, strict=True):
            for start, end, error in answer.failed:
                self.is_waiting |= isinstance(error, PostponedError)
                self._fail(field, start, end, error)
            grounded, ungrounded = ground(answer, field, self._prepared)
            self.problems += [*answer.problems, *ungrounded]
            for item in grounded:
                values, unreadable = normalise(item, field, self._context)
                self.problems += unreadable
                if values is not None:
                    items.append((field, passage, item, values))
        # A label has no words of its own that a model could be asked about again.
        to_verify = [one for one in items if one[2].places] if self._recipe.profile.verify else []
        confirmed = {id(one[2]): answer for one, answer in zip(to_verify, self._verify(to_verify), strict=True)}
        for field, _, item, values in items:
            is_confirmed = confirmed.get(id(item), True)
            marks = doubts(item, field, self._context) | ({mark} if mark else set())
            marks |= set() if is_confirmed else {UNCONFIRMED}
            self.items.append((replace(item, marks=item.marks | marks), values))

    def _verify(self, items: Sequence[tuple[Field, Excerpt, Item, Json]]) -> list[bool]:
        """Whether the model confirms each item. One whose question fails counts as not confirmed."""
        self.asked += len(items)
        tasks = [partial(self._verify_one, field, passage, item) for field, passage, item, _ in items]
        confirmed = []
        for (field, _, item, _), result in zip(items, self._gather(tasks), strict=True):
            confirmed.append(result is True)
            if not isinstance(result, bool):
                self._fail(field, *item.places[0], result)
        return confirmed

    def _verify_one(self, field: Field, passage: Excerpt, item: Item) -> bool | Exception:
        words, clause = wording_of(item, field, self._prepared)
        try:
            return verify(field, passage, words, clause, self._recipe, self._call)
        except FATAL:
            raise
        except ExtractorError as error:
            return error

    def _fail(self, field: Field, start: int, end: int, error: Exception) -> None:
        detail = str(error)
        if isinstance(error, ExtractorError):
            self.failures.append(Failure(field.name, start, end, error))
            detail = f"{error.kind}: {error.what}"
        self.problems.append(Problem("unanswered", field.name, None, start, end, detail))
