"""Questions: the model that an answer must fit, forms that offer only what code found, and answers read
back."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ValidationError, create_model
from pydantic import Field as PydanticField
from scripted import recipe, whole

from extractor.fields import Clause, Cue, EdtfDate, Like, Most, Name, Quantity, Verbatim, Worded
from extractor.pipeline.answer import AnswerItem
from extractor.pipeline.ask.answer_models import NONE
from extractor.pipeline.ask.candidates import find_candidates
from extractor.pipeline.ask.questions import (
    Question,
    build_form,
    build_read,
    open_candidates,
    settle_without_model,
)
from extractor.schema.shape import Field, read_fields

PROMPTS = recipe().schema.prompts
NO_EXAMPLE = recipe("notice").schema.prompts


class Figure(BaseModel):
    what: Worded = PydanticField(description="名称")
    value: Quantity = PydanticField(description="数字")
    region: Annotated[Verbatim | None, Like("[全我]市|全县")] = PydanticField(description="地区")


class Task(BaseModel):
    text: Clause
    value: Quantity | None
    note: Annotated[Verbatim | None, Cue("备注")]


def field_of(annotation: Any) -> Field:
    (field,) = read_fields(create_model("Record", f=(annotation, PydanticField(description="所有数字"))))
    return field


def reading(annotation: Any, text: str = "全市增长5%。") -> Question:
    return build_read(field_of(annotation), whole(text), PROMPTS)


def form(annotation: Any, text: str) -> Question:
    field = field_of(annotation)
    return build_form(field, whole(text), find_candidates(field, whole(text), whole(text)) or [], PROMPTS)


# --- reading ---


@pytest.mark.parametrize(
    ("annotation", "fits", "misfits"),
    [
        (Verbatim | None, ["县礼堂", None], ["", 5, "字" * 61]),
        (EdtfDate | None, ["5月1日", None], ["字" * 31, {}]),
        (list[Name], [[], ["何志远"]], [None, [None], ["字" * 21]]),
        (Annotated[list[Verbatim], Most(2)], [[], ["a", "b"]], [["a", "b", "c"]]),
        (list[Figure], [[], [{"what": "增长", "value": "5%", "region": None}]], [[{"value": "5%"}], {}, None]),
        (Figure | None, [None, {"what": "增长", "value": "5%", "region": "全市"}], [[], {"what": None}]),
    ],
    ids=str,
)
def test_an_answer_model_accepts_what_fits_and_refuses_the_rest(
    annotation: Any, fits: list[Any], misfits: list[Any]
) -> None:
    model = reading(annotation).model
    for value in fits:
        model.model_validate({"f": value})
    for value in misfits:
        with pytest.raises(ValidationError):
            model.model_validate({"f": value})


def test_a_short_passage_allows_few_items() -> None:
    """The limit of the list stops a model that repeats itself."""
    bounds = [
        reading(list[Figure], "字" * size).model.model_json_schema()["properties"]["f"]["maxItems"]
        for size in (10, 250, 9999)
    ]
    assert bounds == [3, 10, 30]


@pytest.mark.parametrize("nothing", ["无", "null", "None", "N/A", "没有", "未提及", "", "[]", " 无 "])
def test_words_for_nothing_are_read_as_null(nothing: str) -> None:
    question = reading(list[Figure])
    answer: Any = question.model.model_validate({"f": [{"what": "增长", "value": "5%", "region": None}]})
    answer.f[0].region = nothing
    assert question.read_back(answer) == [AnswerItem({"what": "增长", "value": "5%", "region": None})]


@pytest.mark.parametrize("annotation", [Verbatim | None, list[Verbatim]], ids=str)
def test_words_for_nothing_are_dropped_from_a_plain_field(annotation: Any) -> None:
    question = reading(annotation)
    value: Any = "无" if annotation != list[Verbatim] else ["无"]
    assert question.read_back(question.model.model_validate({"f": value})) == []


def test_the_example_is_shown_if_it_answers_the_field() -> None:
    shown = build_read(recipe().schema.fields[0], whole("会议。"), PROMPTS).text
    assert '示例原文的回答：{"date": "3月12日上午"}' in shown
    assert "示例" not in reading(Verbatim | None).text


# --- forms ---


def test_a_form_asks_only_for_values_that_code_has_not_read_off() -> None:
    question = form(list[Figure], "增长5%。我市下降3个。")
    assert [c.text for c in question.candidates] == ["5%", "3个"]
    assert "n1 5%（增长5%）\nn2 3个（我市下降3个）\n" in question.text
    for row in question.model.model_json_schema()["$defs"].values():
        assert list(row["properties"]) == ["what"]
    for misfit in ({}, {"n1": {"what": "增长"}}, {"n1": {"what": "增长"}, "n2": {"what": None}}):
        with pytest.raises(ValidationError):
            question.model.model_validate(misfit)


def test_a_filled_form_is_read_back_with_the_values_from_code() -> None:
    """A model cannot change a value that code has read off."""
    question = form(list[Figure], "增长5%。我市下降3个。")
    answer = question.model.model_validate(
        {"n1": {"what": "增长", "value": "9%"}, "n2": {"what": "无", "region": "全国"}}
    )
    assert question.read_back(answer) == [
        AnswerItem({"what": "增长", "value": "5%", "region": None}, (2, 4)),
        AnswerItem({"what": None, "value": "3个", "region": "我市"}, (9, 11)),
    ]


def test_a_form_for_a_single_date_is_a_choice_of_candidates() -> None:
    question = form(EdtfDate | None, "3月12日，会议召开，3月15日结束，3月12日开始。")
    assert question.model.model_json_schema()["properties"]["f"]["enum"] == ["3月12日", "3月15日", NONE]
    assert question.read_back(question.model.model_validate({"f": "3月15日"})) == [
        AnswerItem({"f": "3月15日"}, (11, 16))
    ]
    assert question.read_back(question.model.model_validate({"f": "3月12日"})) == [AnswerItem({"f": "3月12日"}, (0, 5))]
    assert question.read_back(question.model.model_validate({"f": NONE})) == []


def test_candidates_that_code_has_filled_need_no_model() -> None:
    """The number of a clause is read off, and `note` is asked for only if its cue matches."""
    text = "新建3个站。加强管理，备注另见。"
    field = field_of(list[Task])
    candidates = find_candidates(field, whole(text), whole(text)) or []
    assert [c.text for c in open_candidates(field, candidates)] == ["加强管理", "备注另见"]
    assert settle_without_model(field, candidates) == [
        AnswerItem({"text": "新建3个站", "value": "3个", "note": None}, (0, 5))
    ]


def test_a_form_describes_only_the_leaves_that_it_asks_for() -> None:
    text = form(list[Figure], "全市增长5%。").text
    assert "- what：名称\n" in text
    assert "region" not in text
    assert "- value" not in text


def test_the_answer_model_does_not_depend_on_earlier_questions() -> None:
    """The models are cached; a cache that confused two fields would send the wrong schema."""
    one = form(list[Figure], "增长5%。").model.model_json_schema()
    form(list[Task], "备注另见5%。")
    form(list[Figure], "增长5%，下降6%。")
    assert form(list[Figure], "增长5%。").model.model_json_schema() == one
