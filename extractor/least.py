"""The least answer: what a model says at the least where it has nothing to say, in the shape that it was asked for."""

from __future__ import annotations

import json
from typing import Any

from extractor.data import Json, Reply, Request
from extractor.instruct import shape_of


def answer_least(request: Request) -> Reply:
    """A Call that asks nobody. Its replies say nothing of what was spent."""
    return Reply(completion_of(least(shape_of(request.body))))


def completion_of(answer: Any) -> Json:
    """A chat completion whose content is this answer."""
    message = {"role": "assistant", "content": json.dumps(answer, ensure_ascii=False)}
    return {
        "id": "least",
        "object": "chat.completion",
        "created": 0,
        "model": "least",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }


def least(schema: Json, root: Json | None = None) -> Any:
    """The least value that fits a JSON Schema of the kind that pydantic writes: null, [] or 无 where it may be."""
    root = schema if root is None else root
    if "$ref" in schema:
        return least(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema:
        null = any(option.get("type") == "null" for option in schema["anyOf"])
        return None if null else least(schema["anyOf"][0], root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][-1]
    if schema["type"] == "object":
        return {name: least(inner, root) for name, inner in schema.get("properties", {}).items()}
    return {"array": [], "string": "无", "null": None}[schema["type"]]
