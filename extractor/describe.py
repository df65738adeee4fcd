"""A schema told to a person: its fields, its output's JSON Schema, what a model is asked, what would work badly."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from extractor.catalog import Schema, load_schema
from extractor.shape import Field, Leaf

SAMPLE = "示例"


def describe_fields(name: str) -> str:
    """The fields, their types and cues, and what each is described as."""
    schema = load_schema(name)
    lines = [f"{schema.record.__name__} ({name})"]
    for field in schema.fields:
        lines.append(f"\n{field.name}: {_type_of(field)}")
        lines.append(f"  {field.description or '(no description)'}")
        if field.cue:
            lines.append(
                f"  asked where{' (at the ends of a text)' if field.cue.where == 'ends' else ''}: {field.cue.pattern}"
            )
        for leaf in field.leaves if field.item else ():
            lines.append(f"  .{leaf.name}: {_spell(leaf)}{'  ' + leaf.description if leaf.description else ''}")
    return "\n".join(lines)


def _type_of(field: Field) -> str:
    inner = field.item.__name__ if field.item else _spell(field.leaves[0])
    return f"list of {inner}" if field.many and field.item else inner


def _spell(leaf: Leaf) -> str:
    kind = " | ".join(leaf.choices) if leaf.choices else leaf.kind
    return f"{'list of ' if leaf.many else ''}{kind}{' or null' if leaf.optional else ''}"


def output_schema(name: str) -> str:
    """The JSON Schema of an output line, as text."""
    return json.dumps(line_schema(load_schema(name)), ensure_ascii=False, indent=1)


def line_schema(schema: Schema) -> dict[str, Any]:
    """The JSON Schema (2020-12) of an output line of this schema."""
    record = schema.record.model_json_schema(mode="serialization", ref_template="#/$defs/{model}")
    definitions = record.pop("$defs", {})
    place = {
        "type": "object",
        "properties": {"text": {"type": "string"}, "start": {"type": "integer"}, "end": {"type": "integer"}},
        "required": ["text", "start", "end"],
    }
    text, count, maybe = {"type": "string"}, {"type": "integer", "minimum": 0}, {"type": ["integer", "null"]}
    problem = {
        "kind": text,
        "field": text,
        "value": {"type": ["string", "null"]},
        "start": maybe,
        "end": maybe,
        "detail": text,
    }
    mark = {"field": text, "item": maybe, "marks": {"type": "array", "items": text}}
    covered = {"signs": count, "cited": count, "uncited": {"type": "array", "items": place}}
    run = {
        **dict.fromkeys(("schema", "recipe", "model"), text),
        **dict.fromkeys(("requests", "input_tokens", "cached_tokens", "output_tokens"), count),
        "cost": {"type": ["number", "null"]},
        "retries": count,
    }
    names = ("requests", "input_tokens", "cached_tokens", "output_tokens", "cost")
    run["again"] = _object({name: run[name] for name in names})
    spent = {"type": "object", "additionalProperties": count}
    asked = {"as": text, **{name: run[name] for name in (*names[:4], "retries")}, "again": spent}
    one = {"type": "object", "properties": asked, "required": ["as"], "additionalProperties": False}
    run["fields"] = _object(dict.fromkeys((field.name for field in schema.fields), one))
    parts = {
        "id": text,
        "source": _object({"path": text, "sha256": text, "start": count, "end": count}),
        "record": record,
        "evidence": {"type": "object", "additionalProperties": {"type": "array", "items": place}},
        "marks": {"type": "array", "items": _object(mark)},
        "coverage": {"type": "object", "additionalProperties": _object(covered)},
        "problems": {"type": "array", "items": _object(problem)},
        "run": _object(run),
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_object(parts), "$defs": definitions}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def describe_questions(name: str, model: str = "local") -> str:
    """What a model is asked, field by field, about the schema's own example."""
    from extractor.candidates import find_candidates
    from extractor.data import Document, Excerpt
    from extractor.model import choose
    from extractor.question import build_form, build_read, open_candidates, system_text

    schema = load_schema(name)
    profile = choose(model, None, os.environ).profile
    text = schema.prompts.example.text if schema.prompts.example else "（原文）"
    passage = Excerpt.whole(Document(SAMPLE, SAMPLE, text, ""))
    parts = [f"=== system ===\n{system_text(schema.prompts)}"]
    for field in schema.fields:
        candidates = find_candidates(field, passage, passage) if profile.style == "form" else None
        if candidates is None:
            parts.append(f"=== {field.name} ===\n{build_read(field, passage, schema.prompts, profile).text}")
            continue
        asked = open_candidates(field, candidates) if field.item else candidates
        if asked:
            parts.append(f"=== {field.name} ===\n{build_form(field, passage, asked, schema.prompts).text}")
        else:
            parts.append(f"=== {field.name} ===\n(nothing is left to ask: code finds and fills it)")
    return "\n\n".join(parts)


def check_schema(name: str) -> list[str]:
    """What would work badly, each with its place and the mend. Raises SchemaError for what can't work at all."""
    schema = load_schema(name)
    places = _lines_of_fields(schema, name)
    complaints: list[str] = []
    for field in schema.fields:
        here = _place(places, schema.record.__name__, field.name)
        complaints += _complain(here, field.description, _patterns_of_field(field))
        if field.many and field.item and field.cue is None and _needs_cue(field):
            complaints.append(
                f"{here} has no Cue: a model that fills forms, as the embedded one does, would take every "
                f"{'number' if field.anchor.kind == 'quantity' else 'clause'} for one. Name the words that stand beside "
                'its items, Annotated[list[…], Cue("资金|经费")], or, for clauses that demand something, write Mood("action").'
            )
        for leaf in field.leaves if field.item else ():
            assert field.item is not None
            here = _place(places, field.item.__name__, leaf.name)
            complaints += _complain(
                here, leaf.description or leaf.kind in ("evidence", "places"), _patterns_of_leaf(leaf)
            )
    example = schema.prompts.example
    for extra in sorted(set(example.record) - {field.name for field in schema.fields}) if example else ():
        complaints.append(f"{name}: the example answers {extra!r}, which is no field: rename or delete it there")
    return complaints


def _needs_cue(field: Field) -> bool:
    return field.anchor.kind == "quantity" or (field.anchor.kind == "clause" and field.mood is None)


def _complain(here: str, described: object, patterns: Iterator[str]) -> Iterator[str]:
    if not described:
        yield f'{here} has no description: it is what the model is asked. Write Field(description="…").'
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            yield f"{here} has the pattern {pattern!r}, which is no regular expression: {error}. Mend it."


def _patterns_of_field(field: Field) -> Iterator[str]:
    yield from (mark.pattern for mark in (field.cue, field.unless, field.signs) if mark is not None and mark.pattern)
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


def _place(places: dict[tuple[str, str], str], owner: str, name: str) -> str:
    line = places.get((owner, name))
    return f"{line}: {owner}.{name}" if line else f"{owner}.{name}"


def _lines_of_fields(schema: Schema, name: str) -> dict[tuple[str, str], str]:
    """Where each field of each class stands: (class, field) → "file:line", the file as the user named it."""
    path = Path(inspect.getfile(schema.record))
    given = name.partition(".py:")[0].removesuffix(".py") + ".py"
    shown = given if Path(given).is_file() and Path(given).samefile(path) else path
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        (node.name, statement.target.id): f"{shown}:{statement.lineno}"
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    }
