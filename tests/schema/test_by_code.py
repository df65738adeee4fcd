"""Parts of items that code fills, and parts that only a large model is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, create_model
from scripted import document, scripted

from extractor.document import Json
from extractor.fields import (
    ChangesTo,
    Clause,
    Deadline,
    Heading,
    LargeModelOnly,
    Mentions,
    Mood,
    Position,
    Quantity,
    Speaker,
    Subject,
    Verbatim,
    Worded,
)
from extractor.llm.call import Request
from extractor.llm.models import LARGE, SMALL
from extractor.pipeline.convert import convert
from extractor.pipeline.recipe import Recipe
from extractor.schema.kinds import Kind, Occurrence
from extractor.schema.loading import load_schema
from extractor.schema.shape import SchemaError, read_fields


def word_count(item: Occurrence) -> int:
    return item.end - item.start


LENGTH = Kind("length", grounded_as="code", fill=word_count)


class Task(BaseModel):
    """一项任务。"""

    text: Clause = Field(description="任务")
    by: Annotated[list[Verbatim], Subject("([^，。]+?)要")] = Field(description="单位")
    heading: Heading
    paragraph: Position
    speaker: Speaker
    mentions: Mentions
    length: Annotated[int, LENGTH]


class Tasks(BaseModel):
    tasks: Annotated[list[Task], Mood("action")] = Field(description="任务")


def record(schema: type[BaseModel], text: str, answer: Json, profile: Any = LARGE, asked: Any = None) -> Any:
    call = scripted(lambda _: answer, asked)
    (done,) = convert(document(text), Recipe(load_schema(schema), "m", profile), call)
    return done.line


TEXT = "全县大会召开\n一、突出重點\n縣長何志遠(yuǎn)要求，各鄉鎮要加强巡查，落實責任。\n要建立台账。"
ANSWER = {"tasks": [{"text": words} for words in ("建立台账", "落实责任", "加强巡查")]}


def test_code_fills_them_beside_what_the_model_answers() -> None:
    tasks = record(Tasks, TEXT, ANSWER)["record"]["tasks"]
    parts = ("text", "heading", "paragraph", "speaker", "mentions", "length")
    assert [tuple(task[part] for part in parts) for task in tasks] == [
        ("加强巡查", "一、突出重点", 3, "何志遠(yuǎn)", ["body"], 8),
        ("落实责任", "一、突出重点", 3, "何志遠(yuǎn)", [], 4),
        ("建立台账", "一、突出重点", 4, None, [], 5),
    ]


def test_they_are_filled_for_forms_too_and_who_governs_a_clause_is_mentioned() -> None:
    tasks = record(Tasks, TEXT, {}, SMALL)["record"]["tasks"]
    assert [(task["text"], task["speaker"], task["mentions"]) for task in tasks[:2]] == [
        ("各乡镇要加强巡查", "何志遠(yuǎn)", ["body"]),
        ("落实责任", "何志遠(yuǎn)", ["body"]),
    ]


def test_no_model_is_asked_for_them() -> None:
    asked: list[Request] = []
    record(Tasks, TEXT, ANSWER, asked=asked)
    assert all(name not in str(asked[0].body) for name in ("paragraph", "speaker", "mentions", "length"))


def test_a_page_of_markup_gives_its_text() -> None:
    page = "<html><body><p>县长何志&#36828;要求，要加强巡查。</p></body></html>"
    call = scripted(lambda _: {"tasks": [{"text": "加强巡查"}]})
    source = document(page)
    html = type(source)(source.id, source.path, page, source.sha256, "html")
    (done,) = convert(html, Recipe(load_schema(Tasks), "m", LARGE), call)
    assert done.line["record"]["tasks"][0]["speaker"] == "何志远"


# --- only for a large model ---


class Plain(BaseModel):
    """一个目标。"""

    text: Clause = Field(description="目标")
    value: Quantity | None = Field(description="数字")


class Goal(Plain):
    """一个目标。"""

    what: Annotated[Worded | None, LargeModelOnly()] = Field(description="名称")
    base: Annotated[Quantity | None, LargeModelOnly(), ChangesTo("value")] = Field(description="原值")
    by: Annotated[Verbatim | None, LargeModelOnly(), Deadline()] = Field(description="期限")


def goals_of(item: type[BaseModel]) -> type[BaseModel]:
    annotation = Annotated[list[item], Mood("goal")]  # type: ignore[valid-type]
    return create_model("Goals", goals=(annotation, Field(description="目标")))


GOALS = "各乡镇要确保年底前补助由35元提高到40元。"


def test_a_model_that_fills_forms_is_asked_the_same_with_and_without_them() -> None:
    bodies = []
    for item in (Plain, Goal):
        asked: list[Request] = []
        record(goals_of(item), GOALS, {"goals": []}, SMALL, asked)
        record(goals_of(item), GOALS + "补助提高到50元。", {"goals": []}, replace(SMALL, second_pass=True), asked)
        bodies.append([request.body for request in asked])
    assert str(bodies[0]).replace("Plain", "Goal") == str(bodies[1])


def test_if_forms_are_filled_they_stay_empty_unless_code_reads_them_off() -> None:
    (goal,) = record(goals_of(Goal), GOALS, {}, SMALL)["record"]["goals"]
    assert (goal["what"], goal["base"]["text"], goal["by"]) == (None, "35元", "年底前")


@pytest.mark.parametrize(
    ("answer", "expect", "problems"),
    [
        ({"what": "补助", "base": "35元"}, ("补助", "35元"), []),
        ({"what": "津贴费"}, (None, "35元"), [("ungrounded", "goals.what")]),
        ({"what": "补助由35元提高到40元"}, (None, "35元"), [("ungrounded", "goals.what")]),
        # Code reads both ends of the change, whichever of them is given for which part.
        ({"base": "40元"}, (None, "35元"), []),
        ({"value": "35元"}, (None, "35元"), []),
        ({"base": "30元"}, (None, "35元"), [("ungrounded", "goals.base")]),
        ({}, (None, "35元"), []),
    ],
)
def test_a_large_model_fills_them_from_the_text_or_not_at_all(answer: Json, expect: Any, problems: Any) -> None:
    row = {"text": "补助由35元提高到40元", "value": "40元", **answer}
    line = record(goals_of(Goal), GOALS, {"goals": [row]})
    (goal,) = line["record"]["goals"]
    assert (goal["what"], goal["base"] and goal["base"]["text"], goal["value"]["text"]) == (*expect, "40元")
    assert [(problem["kind"], problem["field"]) for problem in line["problems"]] == problems


class Venue(BaseModel):
    venue: Annotated[Verbatim | None, LargeModelOnly()] = Field(description="地点")


@pytest.mark.parametrize(("profile", "venue"), [(LARGE, "县政府礼堂"), (SMALL, None)])
def test_a_field_of_the_record_can_be_left_to_large_models(profile: Any, venue: str | None) -> None:
    line = record(Venue, "会议在县政府礼堂召开。", {"venue": "县政府礼堂"}, profile)
    assert line["record"] == {"venue": venue}


@pytest.mark.parametrize(
    ("annotation", "says"),
    [
        (Annotated[Verbatim, LargeModelOnly()], "must be able to stay empty"),
        (Annotated[Heading, LargeModelOnly()], "is filled by code"),
        (Annotated[Quantity | None, ChangesTo("valu")], "ChangesTo\\('valu'\\) must name another Quantity"),
        (Annotated[Verbatim | None, ChangesTo("value")], "and stand on a Quantity"),
        (Annotated[Quantity | None, ChangesTo("extra")], "must name another Quantity"),
    ],
)
def test_a_marker_that_does_not_fit_is_refused(annotation: Any, says: str) -> None:
    item = create_model("Item", __base__=Plain, extra=(annotation, ...))
    with pytest.raises(SchemaError, match=says):
        read_fields(goals_of(item))


@pytest.mark.parametrize("annotation", [Heading, Position, Mentions, Annotated[Quantity | None, ChangesTo("x")]])
def test_a_field_of_the_record_has_no_surroundings(annotation: Any) -> None:
    with pytest.raises(SchemaError, match=r"Put (it|both numbers) into a model"):
        read_fields(create_model("Record", f=(annotation, ...)))


def test_the_markers_are_part_of_the_fingerprint() -> None:
    unmarked = create_model("Goal", __base__=Plain, what=(Worded | None, Field(description="名称")))
    marked = create_model(
        "Goal", __base__=Plain, what=(Annotated[Worded | None, LargeModelOnly()], Field(description="名称"))
    )
    digests = {Recipe(load_schema(goals_of(item)), "m", LARGE).digest for item in (unmarked, marked)}
    assert len(digests) == 2
