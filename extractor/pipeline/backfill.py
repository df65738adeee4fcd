"""Back-fill: what of an older line still holds, so that only what is new is asked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from extractor.document import Excerpt, Json
from extractor.pipeline.merge import Merged
from extractor.pipeline.recipe import Recipe


@dataclass(frozen=True)
class Kept:
    """The parts of an older line that hold, by the field's name of today: its value, the evidence beside the record,
    marks, problems, and what was asked for it (`run.fields`)."""

    values: Json = field(default_factory=dict)
    evidence: Json = field(default_factory=dict)
    marks: dict[str, list[Json]] = field(default_factory=dict)
    problems: dict[str, list[Json]] = field(default_factory=dict)
    asked: Json = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.values


def fields_that_hold(line: Json, recipe: Recipe, without: Collection[str] = ()) -> dict[str, str]:
    """The fields whose values in this line hold under this recipe, and what the line calls them. Those in `without`
    failed."""
    said = line["run"].get("fields", {})
    names: dict[str, str] = {}
    for shape in recipe.schema.fields:
        for called, digits in ((shape.name, recipe.fields[shape.name]), (shape.was, recipe.renamed.get(shape.name))):
            known = called in said and called in line["record"] and called not in without
            if known and said[called]["fingerprint"] == digits:
                names.setdefault(shape.name, str(called))
    return names


def keep(line: Json | None, recipe: Recipe, speech: Excerpt, without: Collection[str] = ()) -> Kept:
    """What of an older line holds for this speech: nothing, where the line is of other characters."""
    if line is None:
        return Kept()
    source = line["source"]
    mine = (speech.document.sha256, speech.start, speech.end)
    if (source["sha256"], source["start"], source["end"]) != mine:
        return Kept()
    names = fields_that_hold(line, recipe, without)
    marks: dict[str, list[Json]] = {name: [] for name in names}
    problems: dict[str, list[Json]] = {name: [] for name in names}
    for name, called in names.items():
        marks[name] = [{**mark, "field": name} for mark in line["marks"] if mark["field"] == called]
        for problem in line["problems"]:
            head, _, rest = problem["field"].partition(".")
            if head == called:
                problems[name].append({**problem, "field": f"{name}.{rest}" if rest else name})
    return Kept(
        {name: line["record"][called] for name, called in names.items()},
        {name: line["evidence"][called] for name, called in names.items() if called in line["evidence"]},
        marks,
        problems,
        {name: {**line["run"]["fields"][called], "fingerprint": recipe.fields[name]} for name, called in names.items()},
    )


def together(merged: Merged, kept: Kept, recipe: Recipe) -> Merged:
    """What was kept and what is new, in the order of the schema."""
    record, evidence = {}, {}
    marks: list[Json] = []
    for shape in recipe.schema.fields:
        name = shape.name
        skipped = name in kept
        record[name] = kept.values[name] if skipped else merged.record[name]
        beside = kept.evidence if skipped else merged.evidence
        if name in beside:
            evidence[name] = beside[name]
        marks += kept.marks[name] if skipped else [mark for mark in merged.marks if mark["field"] == name]
    return Merged(record, evidence, marks, merged.problems)
