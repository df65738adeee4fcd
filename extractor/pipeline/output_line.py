"""The output line of a speech, and its JSON Schema.

A line holds no clock time and no absolute path, so two runs on the same recordings write the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from pydantic import TypeAdapter

from extractor.document import Excerpt, Json
from extractor.llm.call import Usage
from extractor.pipeline.backfill import Kept
from extractor.pipeline.coverage import FieldCoverage
from extractor.pipeline.items import ItemCollection
from extractor.pipeline.line_format import FORMAT, Card, FieldUsage, OutputLine, Run, Tokens
from extractor.pipeline.merge import Merged
from extractor.pipeline.recipe import Recipe
from extractor.pipeline.usage import UsageMeter
from extractor.schema.loading import Schema


def output_line(
    name: str,
    speech: Excerpt,
    collection: ItemCollection,
    merged: Merged,
    coverage: Mapping[str, FieldCoverage],
    recipe: Recipe,
    meter: UsageMeter,
    kept: Kept,
    card: Card,
) -> OutputLine:
    """The line of a speech. The schema's own model dumps the record, so `model_validate` can read it back."""
    document = speech.document
    by_field = {field.name: kept.problems.get(field.name, []) for field in recipe.schema.fields}
    for problem in collection.problems + merged.problems:
        by_field[problem.field.partition(".")[0]].append(problem.to_json())
    return {
        "format": FORMAT,
        "id": name,
        "source": {"path": document.path, "sha256": document.sha256, "start": speech.start, "end": speech.end},
        "document": card,
        "record": recipe.schema.output_record.model_validate(merged.record).model_dump(mode="json"),
        "evidence": merged.evidence,
        "marks": merged.marks,
        "coverage": {name: covered.to_json(speech) for name, covered in coverage.items()},
        "problems": [problem for problems in by_field.values() for problem in problems],
        "run": _run(recipe, meter, kept),
    }


def _run(recipe: Recipe, meter: UsageMeter, kept: Kept) -> Run:
    fields: dict[str, FieldUsage] = {
        name: kept.usage.get(name) or cast("FieldUsage", {"fingerprint": fingerprint, **meter.to_json(name)})
        for name, fingerprint in recipe.fields.items()
    }
    usage = sum((Usage.from_json(dict(entry)) for entry in fields.values()), Usage())
    reasked = sum((Usage.from_json(entry.get("reasked", {})) for entry in fields.values()), Usage())
    return {
        "schema": recipe.schema.name,
        "recipe": recipe.digest,
        "model": recipe.model,
        **_tokens(usage),
        "cost": recipe.cost(usage),
        "reasked": {**_tokens(reasked), "cost": recipe.cost(reasked)},
        "retries": sum(entry.get("retries", 0) for entry in fields.values()),
        "fields": fields,
    }


def _tokens(usage: Usage) -> Tokens:
    return {
        "requests": usage.requests,
        "input_tokens": usage.input_tokens,
        "cached_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
    }


def line_schema(schema: Schema) -> Json:
    """The JSON Schema (2020-12) of an output line of this schema.

    Its own definitions are named `line.NAME`: a Python class, as in the record's definitions, has no dot.
    """
    line = TypeAdapter(OutputLine).json_schema(mode="serialization", ref_template="#/$defs/line.{model}")
    record = schema.output_record.model_json_schema(mode="serialization", ref_template="#/$defs/{model}")
    line["$defs"] = {f"line.{name}": value for name, value in line["$defs"].items()} | record.pop("$defs", {})
    line["properties"]["record"] = record
    run_properties = line["$defs"]["line.Run"]["properties"]
    names = [field.name for field in schema.fields]
    run_properties["fields"] |= {
        "properties": {name: {"$ref": "#/$defs/line.FieldUsage"} for name in names},
        "required": names,
        "additionalProperties": False,
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **line}
