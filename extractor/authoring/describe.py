"""A schema as text: its fields, the JSON Schema of its output, what a model is asked."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from extractor.pipeline.output_line import line_schema
from extractor.schema.loading import Example, Schema, load_schema
from extractor.schema.shape import Field, Leaf

if TYPE_CHECKING:
    from extractor.document import Excerpt
    from extractor.llm.call import Profile

SAMPLE = "示例"


def describe_fields(name: str) -> str:
    """The fields with their types, descriptions and cues. Raises SchemaError."""
    schema = load_schema(name)
    lines = [f"{schema.record.__name__} ({name})"]
    for field in schema.fields:
        lines.append(f"\n{field.name}: {_type_of(field)}")
        lines.append(f"  {field.description or '(no description)'}")
        if field.cue:
            ends = " at the ends of a text" if field.cue.where == "ends" else ""
            lines.append(f"  asked{ends} if this matches: {field.cue.pattern}")
        for leaf in field.leaves if field.item else ():
            lines.append(f"  .{leaf.name}: {_spell(leaf)}{'  ' + leaf.description if leaf.description else ''}")
    return "\n".join(lines)


def _type_of(field: Field) -> str:
    inner = field.item.__name__ if field.item else _spell(field.leaves[0])
    return f"list of {inner}" if field.many and field.item else inner


def _spell(leaf: Leaf) -> str:
    kind = " | ".join(leaf.choices) if leaf.choices else leaf.kind.name
    return f"{'list of ' if leaf.many else ''}{kind}{' or null' if leaf.optional else ''}"


def output_schema(name: str) -> str:
    """The JSON Schema of an output line, as text."""
    return json.dumps(line_schema(load_schema(name)), ensure_ascii=False, indent=1)


def describe_questions(name: str, model: str = "local") -> str:
    """What a model is asked, with the schema's example as the text.

    Raises SchemaError and SetupError.
    """
    from extractor.llm.models import choose

    schema = load_schema(name)
    profile = choose(model, None, os.environ).profile
    parts = _reading_questions(schema, profile) if profile.style == "read" else _form_questions(schema, profile)
    return "\n\n".join(f"=== {head} ===\n{text}" for head, text in parts)


def _reading_questions(schema: Schema, profile: Profile) -> Iterator[tuple[str, str]]:
    """The messages of each question, and the JSON Schema that goes with them."""
    from extractor.pipeline.ask.questions import build_reading, group_fields

    passage = _sample(schema.prompts.shown_example)
    groups = group_fields(schema.fields, profile)
    for fields in groups:
        question = build_reading(fields, passage, schema.prompts)
        names = f" ({', '.join(field.name for field in fields)})" if len(groups) > 1 else ""
        for message in question.messages:
            yield f"{message['role']}{names}", message["content"]
        yield f"JSON Schema{names}", json.dumps(question.model.model_json_schema(), ensure_ascii=False)


def _form_questions(schema: Schema, profile: Profile) -> Iterator[tuple[str, str]]:
    """The system message, and the question for each field."""
    from extractor.pipeline.ask.ask import is_left_to_large_models
    from extractor.pipeline.ask.candidates import find_candidates
    from extractor.pipeline.ask.questions import build_form, build_read, open_candidates, system_text

    passage = _sample(schema.prompts.example)
    yield "system", system_text(schema.prompts)
    for field in schema.fields:
        if is_left_to_large_models(field, profile):
            yield field.name, "(not asked: only a large model is)"
            continue
        candidates = find_candidates(field, passage, passage)
        if candidates is None:
            yield field.name, build_read(field, passage, schema.prompts).text
            continue
        asked = open_candidates(field, candidates) if field.item else candidates
        if asked:
            yield field.name, build_form(field, passage, asked, schema.prompts).text
        else:
            yield field.name, "(not asked: code fills it)"


def _sample(example: Example | None) -> Excerpt:
    from extractor.document import Document, Excerpt

    return Excerpt.whole(Document(SAMPLE, SAMPLE, example.text if example else "（原文）", ""))
