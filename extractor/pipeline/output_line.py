"""The output line of a speech."""

from __future__ import annotations

from collections.abc import Mapping

from extractor.document import Excerpt, Json
from extractor.llm.call import Usage
from extractor.pipeline.backfill import Kept
from extractor.pipeline.coverage import FieldCoverage
from extractor.pipeline.items import Found
from extractor.pipeline.merge import Merged
from extractor.pipeline.recipe import Recipe
from extractor.pipeline.usage import UsageMeter


def output_line(
    name: str,
    speech: Excerpt,
    found: Found,
    merged: Merged,
    covered: Mapping[str, FieldCoverage],
    recipe: Recipe,
    meter: UsageMeter,
    kept: Kept,
) -> Json:
    """The output line: the record as its own schema reads and writes it, so that it round-trips."""
    document = speech.document
    problems = [problem.to_json() for problem in found.problems + merged.problems]
    by_field = {shape.name: kept.problems.get(shape.name, []) for shape in recipe.schema.fields}
    for problem in problems:
        by_field[problem["field"].partition(".")[0]].append(problem)
    return {
        "id": name,
        "source": {"path": document.path, "sha256": document.sha256, "start": speech.start, "end": speech.end},
        "record": recipe.schema.record.model_validate(merged.record).model_dump(mode="json"),
        "evidence": merged.evidence,
        "marks": merged.marks,
        "coverage": {name: covered.to_json(speech) for name, covered in covered.items()},
        "problems": [problem for noted in by_field.values() for problem in noted],
        "run": {
            "schema": recipe.schema.name,
            "recipe": recipe.digest,
            "model": recipe.model,
            **_totals(recipe, meter, kept),
        },
    }


def _totals(recipe: Recipe, meter: UsageMeter, kept: Kept) -> Json:
    """What the line cost: for each field, whenever it was asked, and in all."""
    asked = {
        name: kept.asked.get(name) or {"fingerprint": fingerprint, **meter.to_json(name)}
        for name, fingerprint in recipe.fields.items()
    }
    usage = sum((Usage.from_json(entry) for entry in asked.values()), Usage())
    reasked = sum((Usage.from_json(entry.get("reasked", {})) for entry in asked.values()), Usage())
    return {
        **usage.to_json(),
        "cost": recipe.cost(usage),
        "reasked": {**reasked.to_json(), "cost": recipe.cost(reasked)},
        "retries": sum(entry.get("retries", 0) for entry in asked.values()),
        "fields": asked,
    }
