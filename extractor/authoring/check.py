"""What of a schema would work badly, each with its line and the mend: `extractor schema check`.

What can't work at all is a SchemaError of `catalog` and `shape`. Here is what loads and then disappoints: fields that
nobody can understand, markers that never act, an example that the engine itself would not accept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import create_model
from pydantic.fields import FieldInfo

from extractor.authoring.check_example import check_example
from extractor.authoring.check_patterns import check_cues
from extractor.document import Excerpt
from extractor.llm.models import LARGE
from extractor.llm.strict_schema import strict_schema, violations
from extractor.llm.tokens import tokens_of
from extractor.pipeline.ask.answer_models import answer_type
from extractor.schema.loading import Schema, load_schema, schema_path
from extractor.schema.shape import Field, Leaf, markers_of
from extractor.schema.source_lines import field_place


@dataclass
class Findings:
    """What would work badly, and what is worth knowing; each begins with the `file:line` that it is about."""

    complaints: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check_schema(name: str, speeches: Sequence[Excerpt] = ()) -> Findings:
    """What would work badly in a schema, and which of its patterns match nothing in these speeches. Raises SchemaError
    for what can't work at all."""
    schema = load_schema(name)
    path = schema_path(name)
    findings = Findings([complaint for field in schema.fields for complaint in _check_field(field, schema, path)])
    findings.complaints += _check_strict(schema, path)
    wrong, notes = check_example(schema, path)
    findings.complaints += wrong
    findings.notes += notes
    if speeches and not any(_is_broken(pattern) for field in schema.fields for pattern in _all_patterns(field)):
        wrong, notes = check_cues(schema, path, speeches)
        findings.complaints += wrong
        findings.notes += notes
    return findings


def _check_field(field: Field, schema: Schema, path: Path) -> Iterator[str]:
    here = f"{field_place(schema.record, field.name, path)}: {schema.record.__name__}.{field.name}"
    yield from _check_words(here, field.description, _patterns_of_field(field))
    yield from _check_info(here, schema.record.model_fields[field.name])
    if field.many and field.item and field.cue is None and _needs_cue(field):
        yield (
            f"{here} has no Cue: a model that fills forms, as the embedded one does, would take every "
            f"{'number' if field.anchor.kind.offered_as == 'number' else 'clause'} for one. Name the words that stand beside "
            'its items, Annotated[list[…], Cue("资金|经费")], or, for clauses that demand something, write Mood("action").'
        )
    if field.mood and not (field.item and field.anchor.kind.offered_as == "clause"):
        yield f"{here} has a Mood, which only items that stand on a Clause can be in: delete it, or give the item a Clause."
    yield from _check_length(here, field)
    if field.item is None:
        yield from _check_leaf(here, field.leaves[0])
        yield from _check_idle(here, field.leaves[0])
        return
    for leaf in field.asked:
        at = f"{field_place(field.item, leaf.name, path)}: {field.item.__name__}.{leaf.name}"
        yield from _check_words(at, leaf.description, _patterns_of_leaf(leaf))
        yield from _check_info(at, field.item.model_fields[leaf.name])
        yield from _check_leaf(at, leaf)


def _check_strict(schema: Schema, path: Path) -> Iterator[str]:
    """What OpenAI's strict mode, of all providers' the strictest, has against what is asked for a field."""
    for shape in schema.fields:
        here = f"{field_place(schema.record, shape.name, path)}: {schema.record.__name__}.{shape.name}"
        model = create_model("Answer", **{shape.name: (answer_type(shape, shape.max_items), ...)})  # type: ignore[call-overload]
        for violation in violations(strict_schema(model.model_json_schema())):
            yield f"{here}: {violation}"


def _check_words(here: str, described: object, patterns: Iterator[str]) -> Iterator[str]:
    if not described:
        yield f'{here} has no description: it is what the model is asked. Write Field(description="…").'
    for pattern in patterns:
        if problem := _is_broken(pattern):
            yield f"{here} has the pattern {pattern!r}, which is no regular expression: {problem}. Mend it."


def _check_info(here: str, info: FieldInfo) -> Iterator[str]:
    """What pydantic would insist on and no model is told: a record that breaks it would fail as a whole."""
    if info.alias or info.validation_alias:
        alias = info.alias or info.validation_alias
        yield f"{here} has the alias {alias!r}, under which no record is written: name the field so, or delete the alias."
    marks = [x for mark in markers_of(info) for x in (mark.metadata if isinstance(mark, FieldInfo) else [mark])]
    for bound in (mark for mark in marks if type(mark).__module__.partition(".")[0] in ("annotated_types", "pydantic")):
        yield (
            f"{here} has {bound!r}, of which no model is told, and a record that breaks it is lost: delete it. What a "
            "model may write is bounded by the field's type, and a list by Most."
        )


def _check_idle(here: str, leaf: Leaf) -> Iterator[str]:
    """Markers that tell code what stands around an item: a value of its own has no such surroundings."""
    for mark in (leaf.beside, leaf.subject, leaf.period, leaf.like, leaf.shown):
        if mark is not None:
            yield (
                f"{here} has {type(mark).__name__}, which does nothing here: it is for a part of an item, beside its Name, "
                "Clause or Quantity. Delete it; where a field is asked for is said by Cue."
            )


def _check_length(here: str, field: Field) -> Iterator[str]:
    """A list is bounded in any case; here is where its bound is none: nothing fits in, or more than an answer holds."""
    for where, most in [
        (here, field.max_items),
        *((f"{here}.{x.name}", x.max_items) for x in field.leaves if field.item),
    ]:
        if most < 1:
            yield f"{where} has Most({most}), so that a list of it holds nothing: give it at least 1."
    shortest = {leaf.name: ["某"] if leaf.many else "某某" for leaf in field.asked}
    needs = tokens_of(str(shortest if field.item else "某某, ") * field.max_items)
    if field.many and needs > LARGE.output:
        yield (
            f"{here} has Most({field.max_items}): so long a list takes {needs} tokens at the least, and an answer has {LARGE.output}, "
            f"so it would be cut off. Write Most({max(1, field.max_items * LARGE.output // needs)}) or less: merged records may hold more."
        )


def _check_leaf(here: str, leaf: Leaf) -> Iterator[str]:
    if (
        leaf.subject is not None
        and not _is_broken(leaf.subject.pattern)
        and re.compile(leaf.subject.pattern).groups < 1
    ):
        yield f'{here} has a Subject without a group: put the part that names who must act into brackets, Subject("(…)要").'
    if leaf.shown is not None:
        for choice in [*leaf.shown.patterns, *filter(None, [leaf.shown.otherwise])]:
            if choice not in leaf.choices:
                known = ", ".join(leaf.choices) or "none: it is no Literal"
                yield f"{here} has Shown words for {choice!r}, which is none of its choices ({known}): mend the name."
    for choice in leaf.choices:
        if not choice.strip():
            yield f"{here} has the choice {choice!r}, which providers refuse: write a word, or `| None` for nothing."


def _needs_cue(field: Field) -> bool:
    return field.anchor.kind.offered_as == "number" or (field.anchor.kind.offered_as == "clause" and field.mood is None)


def _is_broken(pattern: str) -> str | None:
    """What keeps a pattern from being a regular expression."""
    try:
        re.compile(pattern)
    except re.error as error:
        return str(error)
    return None


def _all_patterns(field: Field) -> Iterator[str]:
    yield from _patterns_of_field(field)
    for leaf in field.leaves if field.item else ():
        yield from _patterns_of_leaf(leaf)


def _patterns_of_field(field: Field) -> Iterator[str]:
    yield from (mark.pattern for mark in (field.cue, field.unless, field.expects) if mark is not None and mark.pattern)
    if field.unless is not None and field.unless.before:
        yield field.unless.before
    if field.item is None:
        yield from _patterns_of_leaf(replace(field.leaves[0], cue=None))


def _patterns_of_leaf(leaf: Leaf) -> Iterator[str]:
    yield from (mark.pattern for mark in (leaf.cue, leaf.subject, leaf.like) if mark is not None)
    if leaf.beside is not None:
        yield from (leaf.beside.before, leaf.beside.after)
    if leaf.shown is not None:
        yield from leaf.shown.patterns.values()
