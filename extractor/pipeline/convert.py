"""The line: from a document to its records, stage by stage."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from extractor.document import Document, Excerpt
from extractor.llm.call import Call, Usage
from extractor.pipeline.answer import Answer
from extractor.pipeline.ask.ask import ask, ask_again, ask_group
from extractor.pipeline.backfill import Kept, combine, keep
from extractor.pipeline.clean.clean import clean
from extractor.pipeline.coverage import FieldCoverage, measure_coverage, uncovered
from extractor.pipeline.items import SECOND_PASS, Failure, Found, Gather, one_by_one
from extractor.pipeline.line_format import OutputLine
from extractor.pipeline.merge import Merged, merge
from extractor.pipeline.output_line import output_line
from extractor.pipeline.recipe import Recipe
from extractor.pipeline.split.passages import split_passages
from extractor.pipeline.split.speeches import split_speeches
from extractor.pipeline.usage import UsageMeter
from extractor.schema.shape import Field


@dataclass(slots=True)
class Converted:
    """One speech's output line, the questions that failed, and what was spent; `asked` counts all questions."""

    line: OutputLine
    failures: list[Failure] = dataclasses.field(default_factory=list)
    usage: Usage = dataclasses.field(default_factory=Usage)
    asked: int = 0


Known = Callable[[str], "EarlierRecord | None"]
"""The line that an earlier run made of a speech, by its name, if there is one."""


@dataclass(frozen=True, slots=True)
class EarlierRecord:
    """A line of an earlier run; questions for the fields in `without` had failed."""

    line: OutputLine
    without: frozenset[str] = frozenset()


def nothing_known(name: str) -> EarlierRecord | None:
    """There is no earlier run."""
    return None


def convert(
    document: Document, recipe: Recipe, call: Call, gather: Gather = one_by_one, known: Known = nothing_known
) -> Iterator[Converted]:
    """The document's records, one a speech. Raises a Fault only if no question at all can be answered."""
    speeches = split_speeches(clean(document))
    for number, speech in enumerate(speeches, 1):
        name = document.id if len(speeches) == 1 else f"{document.id}#{number}"
        yield convert_speech(speech, name, recipe, call, gather, known(name))


def convert_speech(
    speech: Excerpt,
    name: str,
    recipe: Recipe,
    call: Call,
    gather: Gather = one_by_one,
    older: EarlierRecord | None = None,
) -> Converted:
    """One speech's record. What of an `older` line holds under this recipe is kept and not asked for."""
    meter = UsageMeter(call)
    kept = keep(older.line, recipe, speech, older.without) if older else Kept()
    profile = recipe.profile
    fields = [field for field in recipe.schema.fields if field.name not in kept]
    passages = split_passages(speech, profile.passage) if fields else []
    groups = _groups(fields, recipe)
    asked = [(field, passage) for passage in passages for group in groups for field in group]
    questions = [partial(_ask_group, group, p, speech, recipe, meter) for p in passages for group in groups]
    answers = gather(questions)
    # Only now: no question need wait until the speech is prepared for grounding.
    found = Found(speech, recipe, meter, gather)
    found.take(asked, [answer for several in answers for answer in several])
    merged, covered = _merge(found, kept, fields, speech, recipe)
    # What is left uncited is not known before all has been answered.
    if profile.second_pass and not found.is_waiting:
        again = [(field, p) for field in fields for p in _left(field, merged, covered, speech, profile.passage)]
        found.take(again, gather([partial(ask_again, field, p, recipe, meter) for field, p in again]), mark=SECOND_PASS)
        merged, covered = _merge(found, kept, fields, speech, recipe)
    line = output_line(name, speech, found, merged, covered, recipe, meter, kept)
    return Converted(line, found.failures, meter.total, found.asked)


def _groups(fields: Sequence[Field], recipe: Recipe) -> list[list[Field]]:
    """The fields that share a question, in the order of their first ones."""
    groups: dict[str, list[Field]] = {}
    for field in fields:
        shared = recipe.profile.combine and recipe.profile.style == "read" and field.group
        groups.setdefault(f"group {field.group}" if shared else f"field {field.name}", []).append(field)
    return list(groups.values())


def _ask_group(group: Sequence[Field], passage: Excerpt, speech: Excerpt, recipe: Recipe, call: Call) -> list[Answer]:
    if len(group) == 1:
        return [ask(group[0], passage, speech, recipe, call)]
    return ask_group(group, passage, speech, recipe, call)


def _merge(
    found: Found, kept: Kept, fields: Sequence[Field], speech: Excerpt, recipe: Recipe
) -> tuple[Merged, dict[str, FieldCoverage]]:
    merged = combine(merge(fields, found.items, speech.document), kept, recipe)
    return merged, measure_coverage(recipe.schema.fields, speech, merged.record, merged.evidence)


def _left(
    field: Field, merged: Merged, covered: Mapping[str, FieldCoverage], speech: Excerpt, longest: int
) -> list[Excerpt]:
    """Where to ask for a field once more. A field of one value that has it needs no other."""
    if field.name not in covered or not (
        isinstance(merged.record[field.name], list) or merged.record[field.name] is None
    ):
        return []
    return [part for left in uncovered(covered[field.name], speech, longest) for part in split_passages(left, longest)]
