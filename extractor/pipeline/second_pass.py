"""The second pass: what is asked once more, about the places that the record leaves uncited.

A model that reads is asked about all such sentences together, and about all fields of a group in one question. A
model that fills forms gets a question for each field and each run of neighbouring sentences.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from extractor.document import Excerpt, Json
from extractor.lang.fold import fold
from extractor.llm.call import Call, Profile
from extractor.pipeline.answer import Answer
from extractor.pipeline.ask.ask import ask_by_reading, ask_reader
from extractor.pipeline.ask.questions import group_fields
from extractor.pipeline.coverage import FieldCoverage, uncovered
from extractor.pipeline.recipe import Recipe
from extractor.pipeline.split.passages import split_passages
from extractor.schema.shape import Field


@dataclass(frozen=True, slots=True)
class SecondQuestion:
    """Fields to ask about in a passage, and the parts of the speech that the passage consists of."""

    fields: tuple[Field, ...]
    passage: Excerpt
    parts: tuple[Excerpt, ...]


def second_questions(
    fields: Sequence[Field], record: Json, coverage: Mapping[str, FieldCoverage], speech: Excerpt, profile: Profile
) -> Iterator[SecondQuestion]:
    """The questions of the second pass; none about a single value that is known already."""
    still_open = [
        f for f in fields if f.name in coverage and (record[f.name] is None or isinstance(record[f.name], list))
    ]
    for group in group_fields(still_open, profile):
        gaps = [span for f in group for span in (*coverage[f.name].uncited, *coverage[f.name].likely)]
        # Whatever calls for an item of one list may be an item of another: a number may be a fact or a target.
        asked = tuple(f for f in group if len(group) == 1 or f.many or coverage[f.name].uncited)
        parts = [
            passage
            for part in uncovered(FieldCoverage(len(gaps), tuple(gaps)), speech, profile.passage)
            for passage in split_passages(part, profile.passage)
        ]
        for together in _packed(parts, profile) if gaps else ():
            yield SecondQuestion(asked, _joined(together), tuple(together))


def ask_again(question: SecondQuestion, recipe: Recipe, call: Call) -> list[Answer]:
    """Ask the question: an answer for each field, and more for items whose part is known. Raises as `ask` does."""
    if recipe.profile.style == "form":
        return [ask_by_reading(field, question.passage, recipe, call) for field in question.fields]
    answers = ask_reader(question.fields, question.passage, recipe, call)
    pairs = zip(question.fields, answers, strict=True)
    return [part for field, answer in pairs for part in _by_part(field, answer, question.parts)]


def _packed(parts: Iterable[Excerpt], profile: Profile) -> Iterator[list[Excerpt]]:
    """The parts that one question is about: for a model that reads, as many as fit into a passage."""
    together: list[Excerpt] = []
    for part in parts:
        size = sum(len(p.text) + 1 for p in together)
        if together and (profile.style == "form" or size + len(part.text) > profile.passage):
            yield together
            together = []
        together.append(part)
    if together:
        yield together


def _joined(parts: Sequence[Excerpt]) -> Excerpt:
    """The parts as one passage, a line each. A line break between them stands for nothing in the source."""
    first = parts[0]
    if len(parts) == 1:
        return first
    starts, ends = array("i"), array("i")
    for part in parts:
        if ends:
            starts.append(ends[-1])
            ends.append(ends[-1])
        starts.extend(part.starts)
        ends.extend(part.ends)
    return replace(first, text="\n".join(part.text for part in parts), starts=starts, ends=ends)


def _by_part(field: Field, answer: Answer, parts: Sequence[Excerpt]) -> Iterator[Answer]:
    """The answer's items by the part that they were read in, since their words may also stand between the parts.

    First come failures, problems and the items whose part is not known.
    """
    if len(parts) == 1:
        yield answer
        return
    texts = [fold(part.text) for part in parts]
    of_part: dict[int | None, list[int]] = {}
    for number, item in enumerate(answer.items):
        words = item.values.get(field.anchor.name)
        quotes = [fold(str(word)) for word in (words if isinstance(words, list) else [words]) if word]
        part = next((n for n, text in enumerate(texts) if any(quote in text for quote in quotes)), None)
        of_part.setdefault(part, []).append(number)
    yield replace(answer, items=tuple(answer.items[n] for n in of_part.pop(None, ())))
    for part, numbers in sorted(of_part.items(), key=lambda pair: pair[0] or 0):
        yield Answer(field.name, parts[part or 0], tuple(answer.items[n] for n in numbers))
