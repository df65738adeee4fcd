"""The table of an output line's keys in docs/output.md, made from the line's JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter
from scripted import ROOT

from extractor.pipeline.line_format import OutputLine

PAGE = ROOT / "docs" / "output.md"
BEGIN, END = "<!-- keys -->\n", "<!-- /keys -->"
HEAD = "| key | type | meaning |\n|---|---|---|\n"
SCHEMA = TypeAdapter(OutputLine).json_schema(mode="serialization")
# Written out once on the page: where a value stands.
PLACE = "EvidenceEntry"


def keys_table() -> str:
    return HEAD + "".join(f"| `{key}` | {kind} | {meaning} |\n" for key, kind, meaning in _rows(SCHEMA, ""))


def _rows(node: dict[str, Any], above: str) -> Iterator[tuple[str, str, str]]:
    for name, value in node["properties"].items():
        key, meaning = f"{above}{name}", value.get("description", "")
        inner, path = _inner(value, key)
        if meaning or inner is None:
            yield key, _kind(value), meaning
        if inner is not None:
            yield from _rows(inner, f"{path}.")


def _inner(value: dict[str, Any], key: str) -> tuple[dict[str, Any] | None, str]:
    """The object that a value is or holds, and the path to its keys."""
    if "items" in value:
        return _inner(value["items"], f"{key}[]")
    if isinstance(value.get("additionalProperties"), dict):
        return _inner(value["additionalProperties"], f"{key}.F")
    name = _name(value)
    return (None, key) if name in (None, PLACE) else (SCHEMA["$defs"][name], key)


def _name(value: dict[str, Any]) -> str | None:
    return value["$ref"].rpartition("/")[2] if "$ref" in value else None


def _kind(value: dict[str, Any]) -> str:
    if "const" in value:
        return f"always {value['const']}"
    if "anyOf" in value:
        return " or ".join(map(_kind, value["anyOf"]))
    if "items" in value:
        return "list of evidence" if _name(value["items"]) == PLACE else _list_kind(value["items"])
    return str(value.get("type", "object"))


def _list_kind(items: dict[str, Any]) -> str:
    kind = _kind(items)
    return f"list of {kind}s"


def page_with_table() -> str:
    text = PAGE.read_text(encoding="utf-8")
    pattern = re.compile(f"(?<={re.escape(BEGIN)}).*?(?={re.escape(END)})", re.DOTALL)
    assert pattern.search(text), f"{PAGE} has no {BEGIN.strip()}"
    return pattern.sub(lambda _: keys_table(), text)


if __name__ == "__main__":
    PAGE.write_text(page_with_table(), encoding="utf-8", newline="\n")
