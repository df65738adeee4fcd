"""What would work badly in a schema, with its line and a way to fix it: `extractor schema check`.

A schema that can't work at all raises SchemaError when it is loaded. This module finds what loads and then
disappoints: fields without a description, markers without effect, an example that the engine itself would
not accept.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from extractor.authoring.check_example import check_examples
from extractor.authoring.check_patterns import check_patterns
from extractor.document import Excerpt
from extractor.llm.strict_schema import strict_schema, violations
from extractor.pipeline.ask.answer_models import reading_schema
from extractor.schema.loading import Schema, load_schema, schema_path
from extractor.schema.shape import Field, Leaf
from extractor.schema.source_lines import display_path, field_place


@dataclass
class Findings:
    """Sentences that each begin with the `file:line` that they are about.

    `errors`: what would work badly; `warnings`: patterns that match nothing in the given texts; `notes`:
    what was not checked, or may be intended.
    """

    errors: list[str] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)


def check_schema(name: str, speeches: Sequence[Excerpt] = ()) -> Findings:
    """Check a schema, by name or file, and try its patterns on speeches.

    Raises SchemaError if it can't work at all.
    """
    schema = load_schema(name)
    path = schema_path(name)
    findings = Findings([error for field in schema.fields for error in _check_field(field, schema, path)])
    findings.errors += _check_strict(schema, path)
    errors, notes = check_examples(schema, path)
    findings.errors += errors
    findings.errors += _check_guide(schema, path)
    findings.notes += notes
    if speeches and not any(_regex_error(pattern) for field in schema.fields for pattern in _all_patterns(field)):
        warnings, notes = check_patterns(schema, path, speeches)
        findings.warnings += warnings
        findings.notes += notes
    return findings


def _check_field(field: Field, schema: Schema, path: Path) -> Iterator[str]:
    here = f"{field_place(schema.record, field.name, path)}: {schema.record.__name__}.{field.name}"
    yield from _check_words(here, field.description, _patterns_of_field(field))
    if field.many and field.item and field.cue is None and _needs_cue(field):
        yield (
            f"{here} has no Cue: a model that fills forms, like the embedded one, would take every "
            f"{'number' if field.anchor.kind.offered_as == 'number' else 'clause'} for an item. Name words that occur beside "
            'its items, Annotated[list[…], Cue("资金|经费")]; for clauses that demand something, write Mood("action").'
        )
    if field.mood and not (field.item and field.anchor.kind.offered_as == "clause"):
        yield (
            f"{here} has a Mood, which only works for items anchored by a Clause: delete it, or give the item a Clause."
        )
    yield from _check_length(here, field)
    if field.item is None:
        yield from _check_leaf(here, field.leaves[0])
        yield from _check_idle(here, field.leaves[0])
        return
    for leaf in field.asked:
        at = f"{field_place(field.item, leaf.name, path)}: {field.item.__name__}.{leaf.name}"
        yield from _check_words(at, leaf.description, _patterns_of_leaf(leaf))
        yield from _check_leaf(at, leaf)


def _check_guide(schema: Schema, path: Path) -> Iterator[str]:
    """Sections of the guide that belong to no field: no model would be shown them."""
    file, names = schema.prompts.guide_file, [field.name for field in schema.fields]
    if file is None:
        return
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        name = line[2:].strip()
        if line.startswith("# ") and name not in {*names, *(field.was for field in schema.fields)}:
            yield (
                f"{display_path(file, path)}:{number}: the guide has a section {name!r}, which is not a field of "
                f"{schema.record.__name__}. Its fields are {', '.join(names)}. Rename or delete it."
            )


def _check_strict(schema: Schema, path: Path) -> Iterator[str]:
    """What OpenAI's strict mode, the strictest of all providers', would reject in a field's answer type."""
    for field in schema.fields:
        here = f"{field_place(schema.record, field.name, path)}: {schema.record.__name__}.{field.name}"
        for violation in violations(strict_schema(reading_schema((field,)).model_json_schema())):
            yield f"{here}: {violation}"


def _check_words(here: str, described: object, patterns: Iterator[str]) -> Iterator[str]:
    if not described:
        yield f'{here} has no description: it is what the model is asked. Write Field(description="…").'
    for pattern in patterns:
        if problem := _regex_error(pattern):
            yield f"{here} has the pattern {pattern!r}, which is not a regular expression: {problem}. Fix it."


def _check_idle(here: str, leaf: Leaf) -> Iterator[str]:
    """Markers about the surroundings of an item have no effect on a field that holds a plain value."""
    shown = None if leaf.choices else leaf.shown  # a label of the whole text can have it
    for mark in (leaf.beside, leaf.subject, leaf.period, leaf.like, shown):
        if mark is not None:
            yield (
                f"{here} has {type(mark).__name__}, which has no effect here: it is for a part of an item, beside its Name, "
                "Clause or Quantity. Delete it; to say where the field is asked for, use Cue."
            )


def _check_length(here: str, field: Field) -> Iterator[str]:
    """A Most that lets nothing into the list."""
    for where, most in [
        (here, field.max_items),
        *((f"{here}.{x.name}", x.max_items) for x in field.leaves if field.item),
    ]:
        if most < 1:
            yield f"{where} has Most({most}), so its list is always empty: write at least Most(1)."


def _check_leaf(here: str, leaf: Leaf) -> Iterator[str]:
    if (
        leaf.subject is not None
        and not _regex_error(leaf.subject.pattern)
        and re.compile(leaf.subject.pattern).groups < 1
    ):
        yield (
            f"{here} has a Subject without a group: put the part that names who must act in parentheses, "
            'Subject("(…)要").'
        )
    if leaf.shown is not None:
        for choice in [*leaf.shown.patterns, *leaf.shown.also, *filter(None, [leaf.shown.otherwise])]:
            if choice not in leaf.choices:
                known = ", ".join(leaf.choices) or "none, since it is not a Literal"
                yield (
                    f"{here} has Shown words for {choice!r}, which is not among its choices ({known}): correct the "
                    "name."
                )
    for choice in leaf.choices:
        if not choice.strip():
            yield f"{here} has the choice {choice!r}, which providers refuse: write a word, or `| None` for no value."


def _needs_cue(field: Field) -> bool:
    return field.anchor.kind.offered_as == "number" or (field.anchor.kind.offered_as == "clause" and field.mood is None)


def _regex_error(pattern: str) -> str | None:
    """Why a pattern is not a regular expression; None if it is one."""
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
        yield from (*leaf.shown.patterns.values(), *leaf.shown.also.values())
