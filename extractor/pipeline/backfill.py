"""Back-fill: reuse the valid parts of an earlier line, and ask only about new or changed fields."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from extractor.document import Excerpt
from extractor.pipeline.line_format import Card, EvidenceEntry, FieldUsage, MarkEntry, OutputLine, ProblemEntry
from extractor.pipeline.merge import Merged
from extractor.pipeline.normalise import compute_again, date_context
from extractor.pipeline.recipe import Recipe
from extractor.schema.kinds.date import YEAR_FROM_ROW


@dataclass(frozen=True)
class Kept:
    """The valid parts of an earlier line, by current field name; `usage` comes from its `run.fields`."""

    values: dict[str, Any] = dataclasses.field(default_factory=dict)
    evidence: dict[str, list[EvidenceEntry]] = dataclasses.field(default_factory=dict)
    marks: dict[str, list[MarkEntry]] = dataclasses.field(default_factory=dict)
    problems: dict[str, list[ProblemEntry]] = dataclasses.field(default_factory=dict)
    usage: dict[str, FieldUsage] = dataclasses.field(default_factory=dict)
    card: Card | None = None

    def __contains__(self, name: str) -> bool:
        return name in self.values


def valid_fields(line: OutputLine, recipe: Recipe, without: Collection[str] = ()) -> dict[str, str]:
    """The fields whose values in this line are still valid: current name → name in the line.

    Questions about the fields in `without` failed, so these are not valid.
    """
    usage = line["run"].get("fields", {})
    names: dict[str, str] = {}
    for field in recipe.schema.fields:
        for name, fingerprint in ((field.name, recipe.fields[field.name]), (field.was, recipe.renamed.get(field.name))):
            if name is None or name in without or name not in usage or name not in line["record"]:
                continue
            if usage[name]["fingerprint"] == fingerprint:
                names.setdefault(field.name, name)
    return names


def keep(line: OutputLine | None, recipe: Recipe, speech: Excerpt, without: Collection[str] = ()) -> Kept:
    """The valid parts of an earlier line; none if the line was made from other characters."""
    if line is None:
        return Kept()
    source = line["source"]
    line_source = (source["sha256"], source["start"], source["end"])
    if line_source != (speech.document.sha256, speech.start, speech.end):
        return Kept()
    valid = valid_fields(line, recipe, without)
    # The card was asked for along with the fields: it is as valid as they are.
    kept = Kept(card=line.get("document") if valid else None)
    for name, old in valid.items():
        kept.values[name] = line["record"][old]
        if old in line["evidence"]:
            kept.evidence[name] = line["evidence"][old]
        kept.marks[name] = [{**mark, "field": name} for mark in line["marks"] if mark["field"] == old]
        kept.problems[name] = [
            {**problem, "field": name + problem["field"].removeprefix(old)}
            for problem in line["problems"]
            if problem["field"].partition(".")[0] == old
        ]
        kept.usage[name] = {**line["run"]["fields"][old], "fingerprint": recipe.fields[name]}
    return kept if source.get("row") == speech.document.row else _renew(kept, recipe, speech)


def _renew(kept: Kept, recipe: Recipe, speech: Excerpt) -> Kept:
    """What is kept, as another title or date of the row has it.

    A field with a date that can't be read any more is asked for again.
    """
    context = date_context(speech)
    for field in recipe.schema.fields:
        if field.name not in kept or all(leaf.kind.doubts is None for leaf in field.asked):
            continue
        value = kept.values[field.name]
        renewed = compute_again(value, field, context, speech)
        if any(item is None for item, _ in renewed):
            del kept.values[field.name], kept.marks[field.name], kept.problems[field.name], kept.usage[field.name]
            kept.evidence.pop(field.name, None)
            continue
        is_list = isinstance(value, list)
        old = {mark["item"]: set(mark["marks"]) - {YEAR_FROM_ROW} for mark in kept.marks[field.name]}
        marks = [(number, old.get(number, set()) | due) for number, (_, due) in _numbered(renewed, is_list)]
        kept.values[field.name] = [item for item, _ in renewed] if is_list else next((i for i, _ in renewed), None)
        kept.marks[field.name] = [
            {"field": field.name, "item": number, "marks": sorted(names)} for number, names in marks if names
        ]
    return kept


def _numbered(items: list[Any], is_list: bool) -> list[tuple[int | None, Any]]:
    """The items, each with its index in a list, or None."""
    return [(number if is_list else None, item) for number, item in enumerate(items)]


def combine(merged: Merged, kept: Kept, recipe: Recipe) -> Merged:
    """Kept and new values in one record, in the order of the schema."""
    record: dict[str, Any] = {}
    evidence: dict[str, list[EvidenceEntry]] = {}
    marks: list[MarkEntry] = []
    for name in recipe.fields:
        is_kept = name in kept
        record[name] = kept.values[name] if is_kept else merged.record[name]
        source = kept.evidence if is_kept else merged.evidence
        if name in source:
            evidence[name] = source[name]
        marks += kept.marks[name] if is_kept else [mark for mark in merged.marks if mark["field"] == name]
    return Merged(record, evidence, marks, merged.problems)
