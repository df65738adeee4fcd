"""Numbers, units and dates are computed from words of the source; the words themselves don't change."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel, create_model
from scripted import document, whole

from extractor.document import Json
from extractor.fields import EdtfDate, Name, Quantity
from extractor.lang.dates import EdtfValue
from extractor.pipeline.answer import Answer, AnswerItem, Problem
from extractor.pipeline.clean.clean import clean
from extractor.pipeline.ground.evidence import prepare
from extractor.pipeline.ground.ground import ground
from extractor.pipeline.normalise import compute_again, date_context, normalise
from extractor.schema.loading import load_schema
from extractor.schema.shape import Field, read_fields

MEETING = {field.name: field for field in load_schema("meeting").fields}


def normalised(text: str, field: Field, row: Json) -> tuple[Any, list[Problem]]:
    speech = clean(document(text))
    ((item,), none) = ground(Answer(field.name, speech, (AnswerItem(row),)), field, prepare(speech))
    assert none == []
    return normalise(item, field, date_context(speech))


def field_of(annotation: Any) -> Field:
    (field,) = read_fields(create_model("Record", f=(annotation, ...)))
    return field


@pytest.mark.parametrize(
    ("words", "number", "low", "high", "unit", "approx"),
    [
        ("160万人", 1600000, None, None, "人", None),
        ("98.27%", 98.27, None, None, "%", None),
        ("103-107", None, 103, 107, None, None),
        ("2%以下", 2, None, None, "%", "max"),
        ("110左右", 110, None, None, None, "about"),
        ("5000万元", 50000000, None, None, "元", None),
    ],
)
def test_quantities_are_computed_from_their_words(
    words: str, number: Any, low: Any, high: Any, unit: str | None, approx: str | None
) -> None:
    values, problems = normalised(f"全市指标为{words}。", MEETING["statistics"], {"indicator": "指标", "value": words})
    assert problems == []
    assert values["value"] == {
        **{"text": words, "number": number, "low": low, "high": high},
        **{"unit": unit, "approx": approx, "change": None},
    }
    assert Quantity.model_validate(values["value"]).model_dump() == values["value"]


def test_a_quantity_keeps_the_noise_of_the_source_in_its_words_only() -> None:
    values, _ = normalised(
        "全縣人口１６０萬(wàn)人。", MEETING["statistics"], {"indicator": "人口", "value": "160万人"}
    )
    assert (values["value"]["text"], values["value"]["number"]) == ("１６０萬(wàn)人", 1600000)


@pytest.mark.parametrize(
    ("noisy", "words", "number"),
    [("1 268户", "1268户", 1268), ("3\u200b0万元", "30万元", 300000), ("三\u200b萬(wàn)元", "三万元", 30000)],
)
def test_a_number_is_computed_from_its_words_without_the_noise(noisy: str, words: str, number: int) -> None:
    values, problems = normalised(f"全县减少{noisy}。", MEETING["statistics"], {"indicator": "全县", "value": words})
    assert problems == []
    assert (values["value"]["text"], values["value"]["number"]) == (noisy, number)


def test_a_date_is_computed_from_its_words_without_the_noise() -> None:
    values, problems = normalised("2014年5月(yuè)27日，会议召开。", MEETING["date"], {"date": "2014年5月27日"})
    assert problems == []
    assert (values["date"]["text"], values["date"]["edtf"]) == ("2014年5月(yuè)27日", "2014-05-27")


@pytest.mark.parametrize(
    ("text", "words", "edtf", "inferred"),
    [
        ("2014年5月27日，会议召开。", "2014年5月27日", "2014-05-27", False),
        ("5月27日，会议召开，表彰了2013年度先进。", "5月27日", "2014-05-27", True),
        ("5月27日，会议召开。", "5月27日", "XXXX-05-27", False),
        ("2014年5月，会议召开。", "2014年5月", "2014-05", False),
    ],
)
def test_dates_are_computed_from_their_words(text: str, words: str, edtf: str, inferred: bool) -> None:
    values, problems = normalised(text, MEETING["date"], {"date": words})
    assert problems == []
    date = values["date"]
    assert (date["text"], date["edtf"], date["year_inferred"]) == (words, edtf, inferred)
    (place,) = date["evidence"]
    assert text[place["start"] : place["end"]] == place["text"] == words


@pytest.mark.parametrize(
    ("field", "row", "expect"),
    [
        ("date", {"date": "会议"}, ("date", "会议", "no date can be computed from these words")),
        (
            "statistics",
            {"indicator": "全市", "value": "会议"},
            ("statistics.value", "会议", "no number can be computed from these words"),
        ),
    ],
)
def test_an_item_whose_anchor_cannot_be_read_becomes_a_problem(
    field: str, row: Json, expect: tuple[str, str, str]
) -> None:
    values, (problem,) = normalised("全市会议召开。", MEETING[field], row)
    assert values is None
    assert (problem.kind, problem.field, problem.value, problem.detail) == ("unreadable", *expect)
    assert (problem.start, problem.end) == (2, 4)


def test_an_optional_number_that_cannot_be_read_is_null_and_its_item_stays() -> None:
    row = {"text": "确保不发生事故", "value": "事故", "deadline": None}
    values, (problem,) = normalised("要确保不发生事故。", MEETING["targets"], row)
    assert (values["text"], values["value"], problem.kind) == ("确保不发生事故", None, "unreadable")


class Payment(BaseModel):
    to: Name
    amount: Quantity
    days: list[EdtfDate]


@pytest.mark.parametrize(("amount", "stays"), [("5万元", True), ("奖金", False)])
def test_an_item_is_dropped_if_a_required_number_cannot_be_read(amount: str, stays: bool) -> None:
    row = {"to": "何志远", "amount": amount, "days": []}
    values, problems = normalised("发给何志远奖金5万元。", field_of(list[Payment]), row)
    assert (values is not None) == stays
    assert [p.kind for p in problems] == [] if stays else ["unreadable"]


def test_an_unreadable_value_is_dropped_from_its_list() -> None:
    row = {"to": "何志远", "amount": "5万元", "days": ["5月1日", "奖金"]}
    values, problems = normalised("5月1日发给何志远奖金5万元。", field_of(list[Payment]), row)
    assert [day["text"] for day in values["days"]] == ["5月1日"]
    assert [(p.field, p.value) for p in problems] == [("f.days", "奖金")]


def test_the_year_comes_from_the_text_alone() -> None:
    assert date_context(whole("县长主持会议。")).read("5月27日")[0] == EdtfValue("XXXX-05-27", False)
    assert date_context(whole("")).read("5月27日")[0] == EdtfValue("XXXX-05-27", False)


@pytest.mark.parametrize(
    ("before", "after", "edtf", "marks"),
    [
        (None, date(2016, 1, 8), "2015-12-30", {"year_from_row"}),
        (date(2020, 1, 3), date(2016, 1, 8), "2015-12-30", {"year_from_row"}),
        (date(2020, 1, 3), None, "XXXX-12-30", set()),
    ],
)
def test_a_date_is_computed_again_when_its_row_changes(
    before: date | None, after: date | None, edtf: str, marks: set[str]
) -> None:
    source = document("12月(yuè)30日发给何志远奖金5万元。")
    first, second = (clean(replace(source, published=day)) for day in (before, after))
    field = field_of(list[Payment])
    row = {"to": "何志远", "amount": "5万元", "days": ["12月30日"]}
    ((item,), _) = ground(Answer(field.name, first, (AnswerItem(row),)), field, prepare(first))
    values, _ = normalise(item, field, date_context(first))
    ((renewed, due),) = compute_again([values], field, date_context(second), second)
    assert (renewed["days"][0]["edtf"], due) == (edtf, marks)
    assert renewed == normalise(item, field, date_context(second))[0]


def test_a_date_that_can_be_read_no_more_is_asked_for_again() -> None:
    speech = whole("今年5月，县长主持会议。")
    value = {
        "text": "今年5月",
        "edtf": "2014-05",
        "year_inferred": True,
        "evidence": [{"text": "今年5月", "start": 0, "end": 4}],
    }
    assert compute_again(value, MEETING["date"], date_context(speech), speech) == [(None, frozenset())]
