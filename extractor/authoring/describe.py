"""A schema as text: its fields, the JSON Schema of its output, what a model is asked."""

from __future__ import annotations

import json
import os
from typing import Any

from extractor.schema.loading import Schema, load_schema
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
    covered = {"expected": count, "cited": count, "uncited": {"type": "array", "items": place}}
    run = {
        **dict.fromkeys(("schema", "recipe", "model"), text),
        **dict.fromkeys(("requests", "input_tokens", "cached_tokens", "output_tokens"), count),
        "cost": {"type": ["number", "null"]},
        "retries": count,
    }
    names = ("requests", "input_tokens", "cached_tokens", "output_tokens", "cost")
    run["reasked"] = _object({name: run[name] for name in names})
    spent = {"type": "object", "additionalProperties": count}
    asked = {"fingerprint": text, **{name: run[name] for name in (*names[:4], "retries")}, "reasked": spent}
    one = {"type": "object", "properties": asked, "required": ["fingerprint"], "additionalProperties": False}
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
    """What a model is asked, field by field, with the schema's example as the text. Raises SchemaError and SetupError."""
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
