"""Compare two recipes field by field, and find what must be asked again.

A recipe comes from a schema (by name or file) or from an output (whose run log holds it).
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from extractor.document import Json
from extractor.llm.call import Profile
from extractor.llm.models import choose
from extractor.output.files import OutputError, guard_reading
from extractor.output.record_index import check_format, read_head
from extractor.pipeline.recipe import Recipe
from extractor.runs.run_log import run_log_path
from extractor.schema.loading import load_schema


@dataclass(frozen=True)
class Change:
    """How a field differs: `how` is added, removed, renamed, changed or same.

    `parts` names what changed in it; `was` is its earlier name.
    """

    field: str
    how: str
    parts: tuple[str, ...] = ()
    was: str | None = None

    @property
    def asks(self) -> bool:
        """Whether the field must be asked for again."""
        return self.how in ("added", "changed")


def compare(old: str, new: str, model: str) -> list[Change]:
    """Compare a schema, or the recipe of an output (`*.jsonl`), with a schema, as `model` would be asked.

    An output is compared for its own model. Raises SchemaError, OutputError and SetupError.
    """
    if old.endswith(".jsonl"):
        recorded = recorded_recipe(Path(old))
        return differences(recorded, recipe_of(new, recorded["model"], profile_of(recorded)))
    chosen = choose(model, None, os.environ)
    before, after = (recipe_of(name, chosen.name, chosen.profile) for name in (old, new))
    return differences(before.to_json(), after)


def recorded_recipe(output: Path) -> Json:
    """The recipe of an output's last record, from the run log beside the output. Raises OutputError."""
    digest = None
    with guard_reading(output), output.open("rb") as stream:
        for line in stream:
            head = read_head(line)
            if head is not None:
                check_format(head, output, "its recipe can't be read: name the older schema's file instead.")
                digest = head.recipe
    if digest is None:
        raise OutputError(f"{output} has no records: name a schema, or an output of `extractor extract`.")
    path = run_log_path(output)
    with guard_reading(path):
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    for entry_line in reversed(lines):
        entry: Json = {}
        with suppress(ValueError):  # the line was cut short
            entry = json.loads(entry_line)
        if entry.get("event") == "start" and entry["recipe"]["digest"] == digest:
            recipe: Json = entry["recipe"]
            return recipe
    if not path.is_file():
        raise OutputError(
            f"There is no {path}, the run log of {output}, so its recipe is unknown: put it back, or name the older "
            "schema's file instead."
        )
    raise OutputError(f"{path} does not hold the recipe {digest} of {output}: name the older schema's file instead.")


def recipe_of(name: str, model: str, profile: Profile) -> Recipe:
    """The recipe of a schema for a model. Raises SchemaError."""
    return Recipe(load_schema(name), model, profile)


def profile_of(recorded: Json) -> Profile:
    """The profile of a recorded recipe; settings that are newer than it have their defaults."""
    names = Profile.__dataclass_fields__
    return replace(Profile(), **{name: value for name, value in recorded["profile"].items() if name in names})


def differences(old: Json, recipe: Recipe) -> list[Change]:
    """A change for each field, in the order of the new schema, removed fields last."""
    before, after = old["fields"], recipe.to_json()["fields"]
    changes = []
    taken = set()
    for field in recipe.schema.fields:
        name, digits = field.name, recipe.fields[field.name]
        if name in before:
            taken.add(name)
            same = before[name]["fingerprint"] == digits
            changes.append(
                Change(name, "same" if same else "changed", () if same else tuple(_parts(old, recipe, name)))
            )
        elif field.was is not None and field.was in before:
            taken.add(field.was)
            same = before[field.was]["fingerprint"] == recipe.renamed[name]
            parts = () if same else tuple(dict.fromkeys(_unlike(before[field.was], after[name])))
            changes.append(Change(name, "renamed" if same else "changed", parts, field.was))
        else:
            changes.append(Change(name, "added"))
    return changes + [Change(name, "removed") for name in before if name not in taken]


def _parts(old: Json, recipe: Recipe, name: str) -> Iterator[str]:
    """What differs in a field; if nothing does, what differs in the parts that all fields share."""
    after = recipe.to_json()
    found = list(dict.fromkeys(_unlike(old["fields"][name], after["fields"][name])))
    if not found:
        shared = ("model", "profile", "prompts", "engine")
        found = [f"the {part}" for part in shared if old[part] != after[part]] or ["the prompt's example"]
    yield from found


def _unlike(one: Json, other: Json, where: str = "") -> Iterator[str]:
    """The paths of the keys in which two objects differ."""
    for key in dict.fromkeys((*one, *other)):
        if key == "fingerprint" or one.get(key) == other.get(key):
            continue
        mine, theirs = one.get(key), other.get(key)
        if isinstance(mine, dict) and isinstance(theirs, dict):
            yield from _unlike(mine, theirs, where if key == "parts" else f"{where}{key}." if key else where)
        elif mine is None and where == "" and isinstance(theirs, dict):
            yield f"{key} added"
        elif theirs is None and where == "" and isinstance(mine, dict):
            yield f"{key} removed"
        else:
            yield f"{where}{key}"


def describe_changes(changes: list[Change]) -> list[str]:
    """One line per field, and one that names the fields to ask for."""
    lines = []
    for change in changes:
        detail = f" (was {change.was}; nothing is asked)" if change.how == "renamed" else ""
        detail = f": {', '.join(change.parts)}" if change.parts else detail
        lines.append(f"{change.how:8} {change.field}{detail}")
    asked = [change.field for change in changes if change.asks]
    lines.append(f"to ask   {', '.join(asked) if asked else 'nothing'}")
    return lines


def touched_recordings(folder: Path, changes: list[Change]) -> Counter[str]:
    """How many recordings there are of changed or removed fields, by field. Raises OutputError."""
    fields = {change.was or change.field for change in changes if change.how in ("changed", "removed")}
    found: Counter[str] = Counter()
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        with guard_reading(path):
            calls = json.loads(path.read_text(encoding="utf-8"))["calls"]
        found.update(call["about"]["field"] for call in calls if call["about"].get("field") in fields)
    return found


def touched_annotations(folder: Path, changes: list[Change]) -> Counter[str]:
    """How many annotations hold a changed, renamed or removed field, by its old name. Raises OutputError."""
    fields = {c.was or c.field for c in changes if c.how in ("changed", "renamed", "removed")}
    found: Counter[str] = Counter()
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        with guard_reading(path):
            record = json.loads(path.read_text(encoding="utf-8")).get("record")
        if isinstance(record, dict):
            found.update(name for name in record if name in fields)
    return found
