"""The worked examples: their quotes occur in their texts, and they answer the questions that are asked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scripted import whole

from extractor.authoring.check import check_schema
from extractor.pipeline.answer import Answer, AnswerItem
from extractor.pipeline.ask.questions import build_form, build_read, system_text
from extractor.pipeline.ground.evidence import prepare
from extractor.pipeline.ground.ground import ground
from extractor.pipeline.normalise import date_context, normalise
from extractor.schema.loading import list_schemas, load_schema
from extractor.schema.shape import Field

EXAMPLES = [(name, field) for name in list_schemas() for field in load_schema(name).fields]
IDS = [f"{name}.{field.name}" for name, field in EXAMPLES]


def rows_of(field: Field, value: Any) -> tuple[AnswerItem, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(AnswerItem(v if field.item else {field.name: v}) for v in values)


@pytest.mark.parametrize("name", list_schemas())
def test_the_example_answers_exactly_the_fields_of_the_schema(name: str) -> None:
    schema = load_schema(name)
    assert schema.prompts.example is not None
    record = schema.prompts.example.record
    assert list(record) == [field.name for field in schema.fields]
    assert all(record.values()), "every field of an example should show a value"
    assert check_schema(name).errors == []


@pytest.mark.parametrize(("name", "field"), EXAMPLES, ids=IDS)
def test_the_example_fits_the_answer_model(name: str, field: Field) -> None:
    prompts = load_schema(name).prompts
    assert prompts.example is not None
    question = build_read(field, whole(prompts.example.text), prompts)
    answer = {field.name: prompts.example.record[field.name]}
    parsed = question.model.model_validate_json(json.dumps(answer), strict=True)
    assert parsed.model_dump() == answer
    assert [row.values for row in question.read_back(parsed)] == [
        row.values for row in rows_of(field, answer[field.name])
    ]


@pytest.mark.parametrize(("name", "field"), EXAMPLES, ids=IDS)
def test_each_quote_of_the_example_is_found_in_its_text(name: str, field: Field) -> None:
    example = load_schema(name).prompts.example
    assert example is not None
    speech = whole(example.text)
    rows = rows_of(field, example.record[field.name])
    items, problems = ground(Answer(field.name, speech, rows), field, prepare(speech))
    assert problems == []
    for item, row in zip(items, rows, strict=True):
        values, unreadable = normalise(item, field, date_context(speech))
        assert unreadable == []
        for leaf in field.asked:
            assert values is not None
            assert spelled(values[leaf.name], field) == row.values.get(leaf.name, [] if leaf.many else None)


def spelled(value: Any, field: Field) -> Any:
    """A value as the model wrote it; a list of plain values is answered with one row for each."""
    if isinstance(value, list) and field.item is None:
        (value,) = value
    return value["text"] if isinstance(value, dict) else value


@pytest.mark.parametrize("name", list_schemas())
def test_the_text_comes_before_the_question(name: str) -> None:
    """The questions about one passage then share a prefix, and a server reads the passage once."""
    schema = load_schema(name)
    passage = whole("县长何志远主持会议。" * 20)
    texts = [build_read(field, passage, schema.prompts).text for field in schema.fields]
    texts += [build_form(field, passage, [], schema.prompts).text for field in schema.fields if field.item]
    assert len({text.index(passage.text) for text in texts}) == 1
    assert len({text[: text.index("【问题】")] for text in texts}) == 1


@pytest.mark.parametrize("name", list_schemas())
def test_the_task_shows_the_example_and_warns_of_instructions_in_a_text(name: str) -> None:
    prompts = load_schema(name).prompts
    assert prompts.example is not None
    assert prompts.example.text in system_text(prompts)
    assert "指令" in system_text(prompts)


def test_dollar_signs_and_braces_in_a_text_are_plain_text() -> None:
    """Neither this project's templates nor those of instructor interpret them."""
    passage = whole("投资$passage元，{{ 7 * 7 }}，{% raw %}，$5。")
    for field in load_schema("meeting").fields:
        text = build_read(field, passage, load_schema("meeting").prompts).text
        assert passage.text in text
