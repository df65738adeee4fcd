"""The pipeline: from a document to its output lines, stage by stage.

    read        a file or a row of a table as a Document: earlier, in `read/`
    clean       remove noise, convert to Simplified script
    split       the document into speeches, a speech into passages
    ask         about each field, or group of fields, of each passage
    ground      find every value of the answers in the source
    normalise   compute numbers and dates from their words
    merge       the items of all passages into one record
    validate    leave out what the schema's own validators refuse
    card        title, kind, meeting, place, body and speaker, from the text or asked along
    coverage    find the places that call for an item and are cited by none
    write       the output line

Grounding and normalising happen in `ItemCollection.add`, as soon as there are answers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from extractor.document import Document, Excerpt
from extractor.llm.call import Call, Usage
from extractor.pipeline.answer import Answer
from extractor.pipeline.ask.ask import ask, ask_reader, label_passage
from extractor.pipeline.ask.questions import group_fields
from extractor.pipeline.backfill import Kept, combine, keep
from extractor.pipeline.card import card_of
from extractor.pipeline.clean.clean import clean
from extractor.pipeline.coverage import measure_coverage
from extractor.pipeline.items import SECOND_PASS, Failure, Gather, ItemCollection, one_by_one
from extractor.pipeline.layout import layout_problems
from extractor.pipeline.line_format import OutputLine
from extractor.pipeline.merge import Merged, merge
from extractor.pipeline.output_line import output_line
from extractor.pipeline.recipe import Recipe
from extractor.pipeline.second_pass import ask_again, second_questions
from extractor.pipeline.split.passages import split_passages
from extractor.pipeline.split.speeches import split_speeches
from extractor.pipeline.usage import UsageMeter
from extractor.pipeline.validate import validate
from extractor.schema.shape import Field


@dataclass(slots=True)
class Converted:
    """The output line of one speech, the failed questions, the usage, and the number of questions asked."""

    line: OutputLine
    failures: list[Failure] = dataclasses.field(default_factory=list)
    usage: Usage = dataclasses.field(default_factory=Usage)
    asked: int = 0


Known = Callable[[str], "EarlierRecord | None"]
"""Looks up the line that an earlier run wrote for a speech, by the line's id."""


@dataclass(frozen=True, slots=True)
class EarlierRecord:
    """A line of an earlier run. Questions for the fields in `without` had failed."""

    line: OutputLine
    without: frozenset[str] = frozenset()


def nothing_known(name: str) -> EarlierRecord | None:
    """There was no earlier run."""
    return None


def convert(
    document: Document, recipe: Recipe, call: Call, gather: Gather = one_by_one, known: Known = nothing_known
) -> Iterator[Converted]:
    """Convert a document, one speech after the other. Raises only the errors in FATAL."""
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
    earlier: EarlierRecord | None = None,
) -> Converted:
    """Convert one speech. Values of the `earlier` record that are still valid are kept, not asked for."""
    meter = UsageMeter(call)
    kept = keep(earlier.line, recipe, speech, earlier.without) if earlier else Kept()
    fields = [field for field in recipe.schema.fields if field.name not in kept]
    passages = split_passages(speech, recipe.profile.passage) if fields else []
    card_fields = recipe.card if fields and kept.card is None else ()
    asked, answers = _ask_all([*fields, *card_fields], passages, speech, recipe, meter, gather)
    # Created only now, so that no question has to wait until the speech is prepared for grounding.
    collection = ItemCollection(speech, recipe, meter, gather)
    collection.add(asked, answers)
    merged = _merge(collection, kept, fields, speech, recipe)
    by_mood = recipe.profile.style == "read"
    # Only when all questions have been answered is it known what remains uncited.
    if recipe.profile.second_pass and not collection.is_waiting:
        # Before validating: what the schema's code refuses has been found, and is not asked for again.
        coverage = measure_coverage(recipe.schema.fields, speech, merged.record, merged.evidence, by_mood)
        more = list(second_questions(fields, merged.record, coverage, speech, recipe.profile))
        again = [answer for some in gather([partial(ask_again, q, recipe, meter) for q in more]) for answer in some]
        named = {field.name: field for field in fields}
        collection.add([(named[answer.field], answer.passage) for answer in again], again, mark=SECOND_PASS)
        merged = _merge(collection, kept, fields, speech, recipe)
    merged = validate(recipe.schema, merged, kept.values)
    merged = replace(merged, problems=[*merged.problems, *layout_problems(speech)])
    coverage = measure_coverage(recipe.schema.fields, speech, merged.record, merged.evidence, by_mood)
    card = card_of(speech, merge(card_fields, collection.items, speech), kept.card)
    line = output_line(name, speech, collection, merged, coverage, recipe, meter, kept, card)
    return Converted(line, collection.failures, meter.total, collection.asked)


def _ask_all(
    fields: Sequence[Field],
    passages: Sequence[Excerpt],
    speech: Excerpt,
    recipe: Recipe,
    call: Call,
    gather: Gather,
) -> tuple[list[tuple[Field, Excerpt]], list[Answer]]:
    """Ask about all fields in all passages: what was asked, and the answers in the same order."""
    groups = group_fields(fields, recipe.profile)
    due = [
        (group, passage)
        for passage in passages
        for group in groups
        if recipe.profile.style == "read"
        or not group[0].is_label
        or passage is label_passage(group[0], passages, speech)
    ]
    questions = [partial(_ask_group, group, passage, speech, recipe, call) for group, passage in due]
    asked = [(field, passage) for group, passage in due for field in group]
    return asked, [answer for answers in gather(questions) for answer in answers]


def _ask_group(group: Sequence[Field], passage: Excerpt, speech: Excerpt, recipe: Recipe, call: Call) -> list[Answer]:
    if len(group) == 1:
        return [ask(group[0], passage, speech, recipe, call)]
    return ask_reader(group, passage, recipe, call)


def _merge(collection: ItemCollection, kept: Kept, fields: Sequence[Field], speech: Excerpt, recipe: Recipe) -> Merged:
    """Merge the items and the kept values into one record."""
    return combine(merge(fields, collection.items, speech), kept, recipe)
