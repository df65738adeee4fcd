"""Answers whose words stand in the text and which are false all the same, and what becomes of each.

`tests/cases/lies.json` has them by kind; SECURITY.md has a table of the kinds, which `python tests/update_docs.py`
writes.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from scripted import ROOT, cases, document, scripted

from extractor.document import Json
from extractor.llm.models import LARGE
from extractor.pipeline.convert import convert
from extractor.pipeline.recipe import Recipe
from extractor.schema.loading import load_schema

PAGE = ROOT / "SECURITY.md"
BEGIN, END = "<!-- lies -->\n", "<!-- /lies -->"
OUTCOMES = {
    "item": "the item is left out",
    "value": "the value is left out",
    "mended": "the value is replaced by what the text says",
    "noted": "kept, with a problem",
    "accepted": "**accepted**",
}


def outcome(case: Json) -> str:
    """What becomes of the false value: one of OUTCOMES."""
    name, says, bad = case["field"], case["says"], case["bad"]
    answer = {name: says if name == "date" else [says]}
    recipe = Recipe(load_schema("meeting"), "scripted", LARGE)
    (done,) = convert(document(case["text"]), recipe, scripted(lambda _: answer))
    value, problems = done.line["record"][name], done.line["problems"]
    if name == "date":
        value, bad = [{"date": value}] if value else [], {"date": bad}
    if not value:
        return "item"
    kept = {leaf: words_of(value[0][leaf]) for leaf in bad}
    if all(_holds(kept[leaf], bad[leaf]) for leaf in bad):
        return "noted" if problems else "accepted"
    return "mended" if all(kept.values()) and not problems_of(problems, name, bad) else "value"


def kept(case: Json) -> Any:
    """What the record holds of an answer, in the answer's own shape."""
    name, says = case["field"], case["says"]
    answer = {name: says if name == "date" else [says]}
    recipe = Recipe(load_schema("meeting"), "scripted", LARGE)
    (done,) = convert(document(case["text"]), recipe, scripted(lambda _: answer))
    value = done.line["record"][name]
    if name == "date":
        return words_of(value) if value else None
    held = {leaf: words_of(value[0][leaf]) for leaf in says} if value else {}
    # The record has roles in the order of the schema.
    same = "roles" in held and sorted(held["roles"]) == sorted(says["roles"])
    return {**held, "roles": says["roles"]} if same else held


def problems_of(problems: list[Any], field: str, bad: Json) -> list[Any]:
    """The problems about the false parts of the item, other than that its own words replace a wording."""
    names = {f"{field}.{leaf}" for leaf in bad} | {field}
    return [problem for problem in problems if problem["field"] in names and problem["kind"] != "reworded"]


def words_of(value: Any) -> Any:
    """A value in short: the words of a number or a date, lists as lists."""
    if isinstance(value, dict):
        return value["text"]
    return [words_of(one) for one in value] if isinstance(value, list) else value


def _holds(kept: Any, false: Any) -> bool:
    """Whether the false value is among those kept."""
    return all(one in kept for one in false) if isinstance(false, list) else kept == false


def table() -> str:
    """The kinds of lies, with an example of each and what becomes of it."""
    by_kind: dict[str, list[Json]] = defaultdict(list)
    for case in cases("lies"):
        by_kind[case["kind"]].append(case)
    rows = []
    for kind, those in by_kind.items():
        found = dict.fromkeys(OUTCOMES[outcome(case)] for case in those)
        first = those[0]
        said = first["bad"] if first["field"] == "date" else "; ".join(_shown(value) for value in first["bad"].values())
        rows.append(f"| {kind} | {first['text']} | {said} | {'; or '.join(found)} |\n")
    return "| kind | for example | answered | then |\n|---|---|---|---|\n" + "".join(rows)


def _shown(value: Any) -> str:
    return "、".join(value) if isinstance(value, list) else str(value)


def page_with_table() -> str:
    """SECURITY.md with its table."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}{table()}{END}{rest.partition(END)[2]}"
