"""Check a schema's examples: their answers must fit what a model is asked, and their words must be in their texts.

A model imitates the example. A wrong name, a missing value or words that are not in the text would teach it
answers that are then dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError, create_model

from extractor.document import Document, Json
from extractor.llm.call import Reply, Request
from extractor.llm.models import LARGE
from extractor.pipeline.answer import Answer, Problem
from extractor.pipeline.ask.answer_models import answer_type, items_read
from extractor.pipeline.ask.ask import is_cued
from extractor.pipeline.clean.clean import clean
from extractor.pipeline.items import ItemCollection, one_by_one
from extractor.pipeline.merge import merge
from extractor.pipeline.recipe import Recipe
from extractor.schema.card import card_fields
from extractor.schema.loading import Example, Schema
from extractor.schema.shape import Field
from extractor.schema.source_lines import Keys, display_path, field_place, json_lines


def check_examples(schema: Schema, path: Path) -> tuple[list[str], list[str]]:
    """Errors in the schema's EXAMPLE and READING_EXAMPLE, and notes."""
    errors, notes = [], []
    for example in (schema.prompts.example, schema.prompts.reading_example):
        if example is not None and example.file is not None:
            more_errors, more_notes = _check_example(schema, path, example, example.file)
            errors += more_errors
            notes += more_notes
    return errors, notes


def _check_example(schema: Schema, path: Path, example: Example, file: Path) -> tuple[list[str], list[str]]:
    lines = json_lines(file.read_text(encoding="utf-8"))
    names = [field.name for field in schema.fields]
    # An example may answer the card, too, which is asked for along with the fields.
    card = [field.name for field in card_fields("")]
    errors: list[tuple[Keys, str]] = [
        (
            ("record", name),
            f"the example answers {name!r}, which is not a field of {schema.record.__name__}. "
            f"Its fields are {', '.join(names)}. "
            "Rename or delete it.",
        )
        for name in example.record
        if name not in (*names, *card)
    ]
    is_reading = example is schema.prompts.reading_example
    example = replace(example, record=_completed(schema, example.record, is_reading))
    fitting = []
    for field in schema.fields:
        wrong = [(("record", *keys), what) for keys, what in _check_answer(field, example)]
        errors += wrong
        if not wrong and field.name in example.record:
            fitting.append(field)
    errors += [(("record", *keys), what) for keys, what in _check_places(schema, fitting, example, is_reading)]
    errors += _check_left_out(example)
    readers = "reads" if is_reading or schema.prompts.reading_example is None else "fills forms"
    notes = [
        f"{field_place(schema.record, name, path)}: {schema.record.__name__}.{name} is not answered in the example "
        f"{file.name}, so a model that {readers} is shown no answer for it. {_fix(name, file, path)}"
        for name in names
        if name not in example.record
    ]
    return [f"{display_path(file, path)}:{_line(lines, keys)}: {what}" for keys, what in errors], notes


def _completed(schema: Schema, record: Json, is_reading: bool) -> Json:
    """The record with the empty parts that the answer may leave out: any, or those that a small model is not shown."""
    complete = dict(record)
    for field in schema.fields:
        if field.item is None or field.name not in record:
            continue
        absent = [x for x in field.asked if x.large_model_only or (is_reading and (x.many or x.optional))]
        empty: Json = {leaf.name: [] if leaf.many else None for leaf in absent}
        value = record[field.name]
        items = [{**empty, **item} if isinstance(item, dict) else item for item in _each(value)]
        complete[field.name] = items if isinstance(value, list) else items[0]
    return complete


def _check_left_out(example: Example) -> Iterator[tuple[Keys, str]]:
    for words in example.left_out:
        if words not in example.text:
            yield (
                ("left_out", words),
                f"the example leaves out {words!r}, which is not in its text. Copy the words from the text character by "
                "character, or delete the entry.",
            )


def _fix(name: str, file: Path, schema: Path) -> str:
    """How to add an answer for a field: in the schema's own example, or in a copy of a shipped one."""
    if file.parent.resolve() == schema.parent.resolve():
        return f'Add "{name}" to its record: null or [] if its text has none.'
    return (
        f"Copy {file.name} beside {schema.name}, where it is used instead of the shipped one, and add "
        f'"{name}" to its record.'
    )


def _line(lines: dict[Keys, int], keys: Keys) -> int:
    """The line of a value, or of the nearest enclosing one."""
    while keys not in lines:
        keys = keys[:-1]
    return lines[keys]


# --- the types of the answers ---


def _check_answer(field: Field, example: Example) -> Iterator[tuple[Keys, str]]:
    """The parts of an answer that no model could give."""
    if field.name not in example.record:
        return
    value = example.record[field.name]
    yield from _unknown_leaves(field, value)
    try:
        TypeAdapter(answer_type(field, field.max_items, field.asked)).validate_python(value)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            where = ".".join(map(str, (field.name, *one["loc"])))
            given = "" if one["type"] == "missing" else f", not {one['input']!r}"
            yield (
                (field.name, *one["loc"]),
                f"the example's {where} is not an answer that a model may give: {one['msg'].lower()}{given}. "
                f"{_advice(field, one['loc'])}",
            )


def _advice(field: Field, keys: tuple[Any, ...]) -> str:
    """What would fit here."""
    leaf = next((leaf for leaf in field.asked if leaf.name in keys or field.item is None), None)
    if leaf is None:
        return (
            f"Write {'a list of objects' if field.many else 'an object'} with {', '.join(x.name for x in field.asked)}."
        )
    one = f"one of {', '.join(leaf.choices)}" if leaf.choices else f"words of the text, at most {leaf.longest}"
    many = leaf.many or (field.item is None and field.many)
    optional = leaf.optional and not many
    return f"Write {'a list (or []) of ' if many else ''}{one}{', or null' if optional else ''}."


def _unknown_leaves(field: Field, value: Any) -> Iterator[tuple[Keys, str]]:
    if field.item is None:
        return
    known = [leaf.name for leaf in field.asked]
    for keys, item in [((n,), x) for n, x in enumerate(value)] if isinstance(value, list) else [((), value)]:
        for name in item if isinstance(item, dict) else ():
            if name not in known:
                yield (
                    (field.name, *keys, name),
                    f"the example answers {field.name}.{name}, but {field.item.__name__} does not ask for it. It asks for "
                    f"{', '.join(known)}. Rename or delete it.",
                )


# --- the places of the answers in the text ---


def _check_places(
    schema: Schema, fields: list[Field], example: Example, is_reading: bool
) -> Iterator[tuple[Keys, str]]:
    """Which answers the engine would drop if a model gave them."""
    document = Document("example", "example", example.text, "")
    text = clean(document)
    found = ItemCollection(text, Recipe(schema, "none", LARGE), _no_call, one_by_one)
    for field in fields:
        wanted: dict[str, Any] = {field.name: (answer_type(field, field.max_items, field.asked), ...)}
        answer: type[BaseModel] = create_model("Answer", **wanted)
        rows = items_read(field, answer.model_validate({field.name: example.record[field.name]}))
        # A model that reads is asked about all fields of a group, whatever their cues.
        is_asked = is_cued(field, text, text) or (is_reading and field.group is not None)
        if rows and not (text.text and is_asked):
            yield (
                (field.name,),
                f"the example answers {field.name}, but neither its Cue nor its Mood matches in the example's text, so it "
                "would not be asked about such a text: fix the marker or the text.",
            )
        found.add([(field, text)], [Answer(field.name, text, tuple(rows))])
    merged = merge(fields, found.items, text)
    for problem in (*found.problems, *merged.problems):
        yield _keys_of(problem, example), _describe(problem)
    record: Json = {field.name: [] if field.many or field.leaves[0].many else None for field in schema.fields}
    try:
        schema.record.model_validate(record | merged.record)
    except Exception as error:  # the author's validators may raise anything
        if not isinstance(error, ValidationError):
            yield (
                (),
                f"the example's record makes the validators of {schema.record.__name__} raise {type(error).__name__}: "
                f"{error}. Let them raise ValueError for what they refuse, and take what is missing.",
            )
            return
        for one in error.errors(include_url=False):
            where = ".".join(map(str, one["loc"]))
            if one["type"] == "missing":  # because of an alias, which is an error of the field itself
                continue
            yield (
                tuple(one["loc"]),
                f"the example's record has a {where} that {schema.record.__name__} itself refuses ({one['msg']}): give it a "
                "value of its type.",
            )


def _no_call(request: Request) -> Reply:
    raise AssertionError("checking an example asks no model")


def _describe(problem: Problem) -> str:
    words = "" if problem.value is None else f" {problem.value!r}"
    return (
        f"the example's {problem.field}{words} would not get into a record ({problem.kind}: {problem.detail}). Copy it from "
        "the example's text character by character, or change the text."
    )


def _keys_of(problem: Problem, example: Example) -> Keys:
    """The keys of a problem's value in the example's record."""
    name, _, leaf = problem.field.partition(".")
    value = example.record.get(name)
    items = list(enumerate(value)) if isinstance(value, list) else []
    for n, item in items:
        if leaf and isinstance(item, dict) and problem.value in _each(item.get(leaf)):
            return (name, n, leaf)
        if not leaf and (item == problem.value or (isinstance(item, dict) and problem.value in item.values())):
            return (name, n)
    return (name, leaf) if leaf else (name,)


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
