"""OpenAI's strict mode accepts the requests for all fields of all shipped schemas, by the published rules."""

from __future__ import annotations

import re
from typing import Any

import pytest
from scripted import answer_schema, document, nothing, recipe, scripted

from extractor.document import Json
from extractor.llm.call import REASKED, Request
from extractor.llm.models import choose
from extractor.llm.strict_schema import strict_schema, violations
from extractor.pipeline.convert import convert
from extractor.schema.loading import list_schemas


def closed(**properties: Any) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


TEXT = {"type": "string"}


def nested(levels: int) -> Json:
    return closed(a=nested(levels - 1) if levels > 1 else TEXT)


def formats(schema: str, style: str, answer: str) -> dict[str, Json]:
    """The response_format sent for each field, including the confirmation, on the schema's own example."""
    asked: list[Request] = []
    combine = style == "group"
    how = recipe(schema, "read" if combine else style, answer=answer, verify=True, combine=combine)
    assert how.schema.prompts.example is not None
    list(convert(document(how.schema.prompts.example.text), how, scripted(nothing, asked)))
    return {
        f"{request.about['field']}{' confirmed' * ('confirming' in request.about)}": request.body["response_format"]
        for request in asked
    }


@pytest.mark.parametrize("style", ["read", "group", "form"])
@pytest.mark.parametrize("schema", list_schemas())
def test_strict_mode_accepts_every_request(schema: str, style: str) -> None:
    sent = formats(schema, style, "strict")
    if style == "read":
        assert {name.partition(" ")[0] for name in sent} == {field.name for field in recipe(schema).schema.fields}
    if style == "group":
        assert len(sent) < len(recipe(schema).schema.fields)
    for name, response_format in sent.items():
        assert response_format["type"] == "json_schema"
        assert response_format["json_schema"]["strict"] is True, name
        assert violations(response_format["json_schema"]["schema"]) == [], name
        assert re.fullmatch(r"[\w-]{1,64}", response_format["json_schema"]["name"], re.ASCII)


@pytest.mark.parametrize("style", ["read", "form"])
def test_other_endpoints_get_no_strict_schema(style: str) -> None:
    for name, response_format in formats("meeting", style, "json_schema").items():
        assert "strict" not in response_format["json_schema"], name
        assert any("additionalProperties" in found for found in violations(response_format["json_schema"]["schema"]))


def test_only_openai_gets_strict_schemas() -> None:
    def answer(model: str, base_url: str | None = None) -> str:
        return choose(model, base_url, {}).profile.answer

    assert answer("openai/gpt-4o") == answer("gpt-4o", "https://api.openai.com/v1") == "strict"
    for model in ("local", "openrouter/x", "ollama/x", "vllm/x"):
        assert answer(model) == "json_schema"
    assert answer("x", "http://127.0.0.1:8000/v1") == "json_schema"


def test_a_row_that_is_too_long_is_still_invalid() -> None:
    """Strict schemas have no lengths, so those of a form are checked in its answer."""
    asked: list[Request] = []

    def answer(request: Request) -> Json:
        rows = answer_schema(request).get("properties", {})
        return {name: {"indicator": "长" * 99} for name in rows} if "n1" in rows else nothing(request)

    (done,) = convert(
        document("5月27日，会议召开。去年，全市排查隐患1260处。"),
        recipe(style="form", answer="strict"),
        scripted(answer, asked),
    )
    assert [(failed.field, failed.error.kind) for failed in done.failures] == [("statistics", "invalid_answer")]
    assert [bool(request.about.get(REASKED)) for request in asked if request.about["field"] == "statistics"] == [
        False,
        True,
    ]


# --- the rules ---

MANY = [f"选项{n:03}" + "长" * 80 for n in range(251)]
VIOLATIONS: dict[str, tuple[Json, str]] = {
    "an array": ({"type": "array", "items": TEXT}, "$: the outermost schema must be an object"),
    "a choice of objects": ({"anyOf": [closed(a=TEXT)]}, "$: the outermost schema must be an object"),
    "open": ({**closed(a=TEXT), "additionalProperties": True}, "$: additionalProperties is not false."),
    "not stated": ({"type": "object", "properties": {}, "required": []}, "$: additionalProperties is not false."),
    "not required": ({**closed(a=TEXT, b=TEXT), "required": ["a"]}, "$: b not required."),
    "within a list": (
        closed(a={"type": "array", "items": {**closed(b=TEXT), "required": []}}),
        "$.properties.a.items: b not required.",
    ),
    "within a choice": (
        closed(a={"anyOf": [{"type": "null"}, {"type": "object", "properties": {}}]}),
        "$.properties.a.anyOf[1]: additionalProperties is not false.",
    ),
    "a length": (closed(a={**TEXT, "maxLength": 9}), "$.properties.a: maxLength is not supported."),
    "a default": (closed(a={**TEXT, "default": ""}), "$.properties.a: default is not supported."),
    "allOf": (closed(a={"allOf": [TEXT]}), "$.properties.a: allOf is not supported."),
    "a format": (closed(a={**TEXT, "format": "uri"}), "$.properties.a: the format 'uri' is not supported."),
    "a type": (closed(a={"type": ["string", "any"]}), "$.properties.a: the type 'any' is not supported."),
    "words beside a $ref": (
        {**closed(a={"$ref": "#/$defs/A", "description": "x"}), "$defs": {"A": closed()}},
        "$.properties.a: $ref has siblings: description.",
    ),
    "a $ref to nothing": (closed(a={"$ref": "#/$defs/A"}), "$.properties.a: $ref '#/$defs/A' is not defined"),
    "in a definition": (
        {**closed(a={"$ref": "#/$defs/A"}), "$defs": {"A": {"type": "object", "properties": {}}}},
        "$.$defs.A: additionalProperties is not false.",
    ),
    "too deep": (nested(11), "$: 11 levels of nesting; the limit is 10."),
    "too many properties": (closed(**{f"a{n}": TEXT for n in range(5001)}), "$: 5001 properties; the limit is 5000"),
    "too many choices": (
        closed(a={**TEXT, "enum": [str(n) for n in range(1001)]}),
        "$: 1001 choices; the limit is 1000.",
    ),
    "too long choices": (closed(a={**TEXT, "enum": MANY}), "$.properties.a: 251 choices have 21335 characters"),
    "too much text": (
        closed(**{"长" * 60_001: TEXT, "短" * 60_000: TEXT}),
        "$: 120001 characters in names and choices",
    ),
}


@pytest.mark.parametrize(("schema", "says"), VIOLATIONS.values(), ids=VIOLATIONS)
def test_a_violation_names_the_place_and_the_fix(schema: Json, says: str) -> None:
    (found,) = violations(schema)
    assert found.startswith(says)
    assert re.search(r"\. [A-Z].*\.$", found)


ACCEPTED: list[Json] = [
    closed(),
    nested(10),
    closed(minLength=TEXT, format={"type": ["string", "null"], "pattern": "a"}),
    closed(a={"type": "array", "items": TEXT, "minItems": 1, "maxItems": 3}, b={"type": "number", "minimum": 0}),
    {
        **closed(a={"$ref": "#/$defs/A"}),
        "$defs": {"A": closed(next={"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]})},
    },
    closed(a={**TEXT, "enum": MANY[:250]}),
]


@pytest.mark.parametrize("schema", ACCEPTED)
def test_an_accepted_schema_is_not_changed(schema: Json) -> None:
    assert violations(schema) == []
    assert strict_schema(schema) == schema


def test_a_schema_is_converted_to_strict_form() -> None:
    loose = {
        "type": "object",
        "properties": {
            "default": {"type": "string", "maxLength": 9, "default": "x"},
            "a": {"$ref": "#/$defs/A", "description": "x"},
        },
        "required": [],
        "$defs": {"A": {"type": "object", "properties": {"b": {"type": "array", "items": {"minLength": 1, **TEXT}}}}},
    }
    inner = closed(b={"type": "array", "items": TEXT})
    expected = {**closed(default=TEXT, a={**inner, "description": "x"}), "$defs": {"A": inner}}
    assert strict_schema(loose) == expected
    assert violations(expected) == []
