"""Fields that share a question: the result of separate questions, which are the fallback."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from fake_endpoint import read_facts
from scripted import answer_schema, completion, document, recipe, scripted

from extractor.document import Json
from extractor.errors import KeyRefusedError, ServerError
from extractor.llm.call import REASKED, Reply, Request
from extractor.pipeline.convert import Converted, convert
from extractor.pipeline.recipe import Recipe
from extractor.schema.card import PREFIX

TEXT = (
    "5月27日，全市安全生产工作会议在甲市人民礼堂召开。市委书记李明主持会议并讲话。去年，全市排查隐患1260处。"
    "李明要求，各部门要加强隐患排查，确保不发生重大事故。"
)
FIELDS = ["date", "officials", "statistics", "targets", "measures"]


def facts(request: Request) -> Json:
    """Simple facts for each field of the answer."""
    return read_facts(request.body)


def asked_for(request: Request) -> list[str]:
    """The schema's fields in a question; the document's card is asked for beside them."""
    return [name for name in answer_schema(request)["properties"] if not name.startswith(PREFIX)]


def sharing() -> Recipe:
    return recipe(combine=True)


def converted(call: Any, how: Recipe, text: str = TEXT) -> Converted:
    (done,) = convert(document(text), how, call)
    return done


def test_one_question_finds_what_five_find() -> None:
    asked: list[Request] = []
    shared = converted(scripted(facts, asked), sharing())
    assert [asked_for(request) for request in asked] == [FIELDS]
    separate_fields = converted(scripted(facts), recipe())
    assert all(shared.line["record"].values())
    for part in ("record", "evidence", "marks", "coverage", "problems"):
        assert shared.line[part] == separate_fields.line[part]
    assert shared.line["run"]["requests"] == 1
    assert shared.line["run"]["fields"]["date"]["requests"] == 1
    assert "requests" not in shared.line["run"]["fields"]["measures"]
    assert shared.usage.input_tokens == 1000


def test_all_fields_are_asked_for_whatever_their_cues() -> None:
    """The passage is sent in any case, and what the question says of the fields is the same for all passages."""
    asked: list[Request] = []
    converted(scripted(facts, asked), sharing(), "去年，全市排查隐患1260处。")
    converted(scripted(facts, asked), sharing(), "李明要求，各部门要加强隐患排查。去年，全市排查隐患1260处。")
    assert [asked_for(request) for request in asked] == [FIELDS] * 2
    assert asked[0].body["messages"][0] == asked[1].body["messages"][0]


def test_a_shared_answer_that_is_cut_off_is_asked_for_in_halves() -> None:
    """All fields together; whatever else is wrong with an answer is not a matter of its length."""
    asked: list[Request] = []

    def answer(request: Request) -> Any:
        return facts(request) if request.about.get(REASKED) else completion('{"date": "5月2', "length")

    text = TEXT + "会议强调，各级要落实责任。" * 10
    done = converted(scripted(answer, asked), sharing(), text)
    assert done.line["record"] == converted(scripted(facts), sharing(), text).line["record"]
    assert [asked_for(request) for request in asked] == [FIELDS] * 3
    first, *halves = [(request.about["start"], request.about["end"]) for request in asked]
    assert first == (halves[0][0], halves[1][1])
    assert done.line["run"]["reasked"]["requests"] == 2
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


def test_a_shared_question_holds_every_field_its_guide_and_the_whole_example() -> None:
    asked: list[Request] = []
    how = sharing()
    prompts = how.schema.prompts
    converted(scripted(facts, asked), how)
    rules, passage = (message["content"] for message in asked[0].body["messages"])
    assert TEXT in passage
    assert TEXT not in rules
    for field in how.schema.fields:
        assert re.search(f"】{field.name}（(列表|一个值)）：", rules)
        assert prompts.guide[field.name] in rules
        for leaf in field.asked if field.item else ():
            assert f"  {leaf.name}：" in rules
    assert prompts.reading_example is not None
    assert prompts.reading_example.text in rules
    shown = rules.partition("示例的回答：")[2].splitlines()[0]
    assert json.loads(shown) == prompts.reading_example.record
    assert all(words in rules and why in rules for words, why in prompts.reading_example.left_out.items())
    assert asked[0].about["field"] == "+".join(FIELDS)
