"""OpenAI's strict mode: which JSON Schemas it accepts, and how to convert a schema into that form.

The rules come from "Supported schemas" in https://developers.openai.com/api/docs/guides/structured-outputs
(read in November 2026). In strict mode an answer always fits the schema, and a schema that breaks the rules
is refused with status 400. The page does not list `minLength` and `maxLength` as supported, but says that
fine-tuned models "additionally" lack them: to be safe they are left out, and lengths are validated in the
answer. The rule that `$ref` has no siblings is not on the page; OpenAI's own Python client enforces it
(`openai/lib/_pydantic.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from extractor.document import Json

DEEPEST, MOST_PROPERTIES, MOST_CHARACTERS = 10, 5000, 120_000
MOST_CHOICES, MANY_CHOICES, MOST_CHARACTERS_OF_MANY = 1000, 250, 15_000

TYPES = {"string", "number", "boolean", "integer", "object", "array", "null"}
FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
# Keywords that do not constrain the answer are accepted too: pydantic's titles and descriptions.
KEYWORDS = {
    *("type", "enum", "const", "anyOf", "$ref", "$defs", "title", "description"),
    *("properties", "required", "additionalProperties"),
    *("pattern", "format"),
    *("multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"),
    *("items", "minItems", "maxItems"),
}
_DROPPED = ("minLength", "maxLength", "default")


def strict_schema(schema: Json) -> Json:
    """The schema in strict form: objects closed, properties required, `$ref` without siblings, no lengths."""
    made: Json = _stricten(schema, schema)
    return made


def violations(schema: Json) -> list[str]:
    """Why strict mode would refuse a schema: a message for each reason, with the place and the fix."""
    found: list[str] = []
    if schema.get("type") != "object" or "anyOf" in schema:
        found.append("$: the outermost schema must be an object without anyOf. Move it into a property.")
    for path, node in _nodes("$", schema):
        found += (f"{path}: {violation}" for violation in _violations_of(node, schema))
    return found + list(_too_large(schema))


def _violations_of(node: Json, root: Json) -> Iterator[str]:
    """The violations of one node, without those of the nodes inside it."""
    if "$ref" in node:
        if len(node) > 1:
            siblings = ", ".join(sorted(set(node) - {"$ref"}))
            yield f"$ref has siblings: {siblings}. Remove them, or write out the definition."
        if _referred(node["$ref"], root) is None:
            yield f"$ref {node['$ref']!r} is not defined in this schema. Refer to one of its $defs."
    for keyword in sorted(set(node) - KEYWORDS):
        yield f"{keyword} is not supported. Leave it out, and check the answer instead."
    types = node.get("type", [])
    for name in sorted(set([types] if isinstance(types, str) else types) - TYPES):
        yield f"the type {name!r} is not supported. Use one of {', '.join(sorted(TYPES))}."
    if "format" in node and node["format"] not in FORMATS:
        formats = ", ".join(sorted(FORMATS))
        yield f"the format {node['format']!r} is not supported. Leave it out, or use one of {formats}."
    if types == "object" or "properties" in node:
        if node.get("additionalProperties") is not False:
            yield "additionalProperties is not false. Set it to false, and list all properties."
        missing = [name for name in node.get("properties", {}) if name not in node.get("required", [])]
        if missing:
            names = ", ".join(missing)
            yield f"{names} not required. Require every property, and allow null if it may be absent."
    choices = [choice for choice in node.get("enum", ()) if isinstance(choice, str)]
    characters = sum(map(len, choices))
    if len(choices) > MANY_CHOICES and characters > MOST_CHARACTERS_OF_MANY:
        yield (
            f"{len(choices)} choices have {characters} characters; more than {MANY_CHOICES} choices may have "
            f"{MOST_CHARACTERS_OF_MANY} characters at most. Shorten them, or offer fewer."
        )


def _too_large(schema: Json) -> Iterator[str]:
    nodes = [node for _, node in _nodes("$", schema)]
    named = [name for node in nodes for name in node.get("properties", {})]
    choices = [choice for node in nodes for choice in node.get("enum", ())]
    constants = [node["const"] for node in nodes if "const" in node]
    texts = [*named, *schema.get("$defs", {}), *choices, *constants]
    characters = sum(len(text) for text in texts if isinstance(text, str))
    deep = _depth(schema, schema, ())
    for count, most, what in (
        (len(named), MOST_PROPERTIES, "properties"),
        (len(choices), MOST_CHOICES, "choices"),
        (characters, MOST_CHARACTERS, "characters in names and choices"),
        (deep, DEEPEST, "levels of nesting"),
    ):
        if count > most:
            yield f"$: {count} {what}; the limit is {most}. Make the schema smaller."


def _depth(node: Json, root: Json, within: tuple[str, ...]) -> int:
    """Levels of objects and arrays, including the outermost; a recursive reference is entered once."""
    if "$ref" in node:
        name = str(node["$ref"])
        target = None if name in within else _referred(name, root)
        return 0 if target is None else _depth(target, root, (*within, name))
    inner = max((_depth(child, root, within) for path, child in _children("", node) if "$defs" not in path), default=0)
    return inner + (node.get("type") in ("object", "array"))


def _nodes(path: str, node: Json) -> Iterator[tuple[str, Json]]:
    """Every schema inside a schema, itself first. Property names are never taken for keywords."""
    yield path, node
    for inner_path, inner in _children(path, node):
        yield from _nodes(inner_path, inner)


def _children(path: str, node: Json) -> Iterator[tuple[str, Json]]:
    for keyword in ("properties", "$defs"):
        for name, inner in node.get(keyword, {}).items():
            yield f"{path}.{keyword}.{name}", inner
    for number, inner in enumerate(node.get("anyOf", ())):
        yield f"{path}.anyOf[{number}]", inner
    if isinstance(node.get("items"), dict):
        yield f"{path}.items", node["items"]


def _referred(name: Any, root: Json) -> Json | None:
    """The definition that a local `$ref` refers to."""
    if name == "#":
        return root
    found = root.get("$defs", {}).get(str(name).removeprefix("#/$defs/"))
    return found if isinstance(found, dict) else None


def _stricten(node: Any, root: Json) -> Any:
    if "$ref" in node and len(node) > 1:
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return _stricten({**(_referred(node["$ref"], root) or {}), **beside}, root)
    made = {key: value for key, value in node.items() if key not in _DROPPED}
    for keyword in ("properties", "$defs"):
        if keyword in made:
            made[keyword] = {name: _stricten(inner, root) for name, inner in made[keyword].items()}
    if "anyOf" in made:
        made["anyOf"] = [_stricten(inner, root) for inner in made["anyOf"]]
    if isinstance(made.get("items"), dict):
        made["items"] = _stricten(made["items"], root)
    if made.get("type") == "object":
        made |= {"required": list(made.get("properties", {})), "additionalProperties": False}
    return made
