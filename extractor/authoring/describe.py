"""A schema as text: its fields, the JSON Schema of its output, what a model is asked."""

from __future__ import annotations

import json
import os

from extractor.pipeline.output_line import line_schema
from extractor.schema.loading import load_schema
from extractor.schema.shape import Field, Leaf

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
    """What a model is asked, field by field, with the schema's example as the text.

    Raises SchemaError and SetupError.
    """
    from extractor.document import Document, Excerpt
    from extractor.llm.models import choose
    from extractor.pipeline.ask.candidates import find_candidates
    from extractor.pipeline.ask.questions import build_form, build_read, open_candidates, system_text

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
            parts.append(f"=== {field.name} ===\n(not asked: code fills it)")
    return "\n\n".join(parts)
