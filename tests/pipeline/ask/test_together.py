"""Fields that share a question: the result of separate questions, which are the fallback."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from fake_endpoint import passage_of, read_facts
from scripted import answer_schema, completion, document, recipe, scripted

from extractor.document import Json
from extractor.errors import KeyRefusedError, ServerError
from extractor.llm.call import REASKED, Reply, Request
from extractor.pipeline.convert import Converted, convert
from extractor.pipeline.recipe import Recipe

TEXT = (
    "5月27日，全市安全生产工作会议在甲市人民礼堂召开。市委书记李明主持会议并讲话。去年，全市排查隐患1260处。"
    "李明要求，各部门要加强隐患排查，确保不发生重大事故。"
)
FIELDS = ["date", "officials", "statistics", "targets", "measures"]


def facts(request: Request) -> Json:
    """Simple facts for each field of the answer."""
    schema = request.body["response_format"]["json_schema"]["schema"]
    found: Json = {}
    for name, inner in schema["properties"].items():
        alone = {**schema, "properties": {name: inner}}
        body = {**request.body, "response_format": {"json_schema": {"schema": alone}}}
        found |= read_facts(body)
    return found


def sharing() -> Recipe:
    return recipe(combine=True)


def converted(call: Any, how: Recipe, text: str = TEXT) -> Converted:
    (done,) = convert(document(text), how, call)
    return done


def test_one_question_finds_what_five_find() -> None:
    asked: list[Request] = []
    shared = converted(scripted(facts, asked), sharing())
    assert [list(answer_schema(request)["properties"]) for request in asked] == [FIELDS]
    separate_fields = converted(scripted(facts), recipe())
    assert all(shared.line["record"].values())
    for part in ("record", "evidence", "marks", "coverage", "problems"):
        assert shared.line[part] == separate_fields.line[part]
    assert shared.line["run"]["requests"] == 1
    assert shared.line["run"]["fields"]["date"]["requests"] == 1
    assert "requests" not in shared.line["run"]["fields"]["measures"]
    assert shared.usage.input_tokens == 100


def test_fields_without_a_cue_in_the_passage_are_not_asked_for() -> None:
    asked: list[Request] = []
    converted(scripted(facts, asked), sharing(), "去年，全市排查隐患1260处。")
    assert list(answer_schema(asked[0])["properties"]) == ["statistics"]
    asked.clear()
    converted(scripted(facts, asked), sharing(), "李明要求，各部门要加强隐患排查。去年，全市排查隐患1260处。")
    assert list(answer_schema(asked[0])["properties"]) == ["officials", "statistics", "measures"]


@pytest.mark.parametrize(
    "bad_reply", [completion("{"), completion('{"date": "5月2', "length")], ids=["invalid", "truncated"]
)
def test_fields_of_a_bad_shared_answer_are_asked_separately(bad_reply: Reply) -> None:
    asked: list[Request] = []

    def answer(request: Request) -> Any:
        return bad_reply if len(answer_schema(request)["properties"]) > 1 else facts(request)

    done = converted(scripted(answer, asked), sharing())
    assert done.line["record"] == converted(scripted(facts), recipe()).line["record"]
    separate_fields = [request for request in asked if len(answer_schema(request)["properties"]) == 1]
    assert [request.about["field"] for request in separate_fields] == FIELDS
    assert all(request.about[REASKED] for request in separate_fields)
    assert done.line["run"]["reasked"]["requests"] == len(asked) - 1
    assert done.failures == []


def test_an_error_in_a_shared_question_is_a_failure_of_each_field() -> None:
    def down(request: Request) -> Reply:
        raise ServerError("broken")

    done = converted(down, sharing())
    assert [(failure.field, failure.start, failure.end) for failure in done.failures] == [
        (name, 0, len(TEXT)) for name in FIELDS
    ]
    with pytest.raises(KeyRefusedError):
        converted(raising(KeyRefusedError("no")), sharing())


def raising(error: Exception) -> Any:
    def call(request: Request) -> Reply:
        raise error

    return call


def test_forms_are_never_shared() -> None:
    asked: list[Request] = []
    how = recipe(style="form")
    converted(scripted(lambda r: completion("{}"), asked), replace(how, profile=replace(how.profile, combine=True)))
    assert not any("+" in request.about["field"] for request in asked)


def test_a_shared_question_holds_every_field_and_the_whole_example() -> None:
    asked: list[Request] = []
    how = sharing()
    converted(scripted(facts, asked), how)
    words = asked[0].body["messages"][1]["content"]
    assert passage_of(asked[0].body).strip() == TEXT
    for field in how.schema.fields:
        assert f"{field.name}：{field.description}" in words
        for leaf in field.asked if field.item else ():
            assert f"- {leaf.name}：{leaf.description}" in words
    assert how.schema.prompts.example is not None
    assert json.dumps(how.schema.prompts.example.record, ensure_ascii=False) in words
    assert asked[0].about["field"] == "+".join(FIELDS)
