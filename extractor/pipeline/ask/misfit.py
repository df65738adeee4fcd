"""What does not fit in an answer, in the words of the question: what a model is told when it is asked once more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from extractor.document import Json

# Sent behind the question in the second try. The former answer is not: a model would copy it.
SECOND_TRY = "\n（上一次的回答"
UNREADABLE = f"{SECOND_TRY}里没有可读的 JSON。这次只输出一个 JSON 对象，不要解释，不要代码块。）"
_MISFIT = "不合格式：{}。这次改正，只输出一个 JSON 对象，不要解释，不要代码块。）"
# Places that are named; more would cost tokens and tell a model nothing new.
_NAMED = 5
_SHAPES = {"string": "文字", "array": "列表", "object": "对象", "null": "null"}


def second_try(model: type[BaseModel], error: ValidationError | None) -> str:
    """The line that goes behind the question in its second try.

    It is made of the answer's schema alone, so no library's wording is in it: an upgrade would make
    recordings of it stale.
    """
    if error is None:
        return UNREADABLE
    schema = model.model_json_schema()
    # Every branch of a union reports an error; the place is the same.
    places = dict.fromkeys(tuple(one["loc"]) for one in error.errors(include_url=False))
    kinds = {tuple(one["loc"]): one["type"] for one in error.errors(include_url=False)}
    told = dict.fromkeys(_told(schema, place, kinds[place]) for place in places)
    words = "；".join(list(told)[:_NAMED])
    return SECOND_TRY + _MISFIT.format(f"{words}{'；等' if len(told) > _NAMED else ''}")


def _told(schema: Json, place: Sequence[str | int], kind: str) -> str:
    if not place:
        return f"要有{'、'.join(schema.get('properties', {}))}"
    where, branches = _at(schema, place)
    name = ".".join(f"第{key + 1}条" if isinstance(key, int) else str(key) for key in where)
    if kind == "missing":
        return f"缺少 {name}"
    choices = [choice for branch in branches for choice in (branch.get("enum") or _constant(branch))]
    if choices:
        return f"{name} 只能是{'、'.join(f'“{choice}”' for choice in choices)}{'之一' if len(choices) > 1 else ''}"
    for bound, words in (("maxLength", "个字"), ("maxItems", "条")):
        longest = next((branch[bound] for branch in branches if bound in branch), None)
        if kind in ("string_too_long", "too_long") and longest is not None:
            return f"{name} 太长，最多{longest}{words}"
    shapes = dict.fromkeys(_SHAPES.get(branch.get("type", ""), "对象") for branch in branches)
    return f"{name} 要写成{'或 '.join(shapes)}"


def _at(schema: Json, place: Sequence[str | int]) -> tuple[list[str | int], list[Json]]:
    """The part of a place that the schema knows, and the alternatives that the schema has there."""
    where: list[str | int] = []
    branches = _branches(schema, schema)
    for key in place:
        below = [one for branch in branches for one in _below(branch, key)]
        if not below:
            break  # what pydantic adds: the name of a branch of a union
        where.append(key)
        branches = [one for part in below for one in _branches(schema, part)]
    return where, branches


def _below(branch: Json, key: str | int) -> list[Json]:
    if isinstance(key, int):
        return [branch["items"]] if "items" in branch else []
    return [branch["properties"][key]] if key in branch.get("properties", {}) else []


def _branches(schema: Json, part: Json) -> list[Json]:
    """A part of a schema with its references resolved and its unions taken apart."""
    if "$ref" in part:
        return _branches(schema, schema["$defs"][part["$ref"].rpartition("/")[2]])
    if "anyOf" in part:
        return [one for inner in part["anyOf"] for one in _branches(schema, inner)]
    return [part]


def _constant(branch: Json) -> list[Any]:
    return [branch["const"]] if "const" in branch else []
