"""Merging answers about several passages: entities by name, statements by words or place, single values keep
the first."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, create_model
from scripted import document

from extractor.document import Json
from extractor.fields import EdtfDate, Evidence, Name, Quantity, Shown, Verbatim
from extractor.pipeline.answer import Answer, AnswerItem, Problem
from extractor.pipeline.clean.clean import clean
from extractor.pipeline.ground.evidence import prepare
from extractor.pipeline.ground.ground import ground
from extractor.pipeline.merge import merge
from extractor.pipeline.normalise import date_context, normalise
from extractor.schema.loading import load_schema
from extractor.schema.shape import Field, read_fields

MEETING = {field.name: field for field in load_schema("meeting").fields}


def merged(text: str, field: Field, *answers: tuple[str, Json]) -> tuple[Any, Json, list[Problem]]:
    """The field's value, its evidence and the problems, from (sentence, row) pairs: each sentence is a
    passage."""
    source = document(text)
    speech = clean(source)
    prepared = prepare(speech)
    items = []
    for sentence, row in answers:
        at = speech.text.index(sentence)
        passage = speech.cut(at, at + len(sentence))
        found, none = ground(Answer(field.name, passage, (AnswerItem(row),)), field, prepared)
        assert none == []
        for item in found:
            values, nothing = normalise(item, field, date_context(speech))
            assert (values is None, nothing) == (False, [])
            items.append((item, values or {}))
    merged = merge([field], items, speech)
    record, evidence, problems = merged.record, merged.evidence, merged.problems
    return record[field.name], evidence, problems


def field_of(annotation: Any) -> Field:
    (field,) = read_fields(create_model("Record", f=(annotation, ...)))
    return field


def official(name: str, titles: list[str], roles: list[str]) -> Json:
    return {"name": name, "titles": titles, "roles": roles}


def texts(evidence: Any) -> list[str]:
    return [place["text"] for place in (evidence if isinstance(evidence, list) else [evidence])]


# --- entities ---


def test_all_mentions_of_a_person_become_one_entry() -> None:
    a, b, c = "县委书记何志远主持会议。", "何志远同志要求落实。", "县长吴倩讲话。"
    people, _, problems = merged(
        a + b + c,
        MEETING["officials"],
        (a, official("何志远", ["县委书记"], ["chair"])),
        (b, official("何志远", [], ["speaker"])),
        (c, official("吴倩", ["县长"], ["speaker"])),
    )
    assert problems == []
    assert [(p["name"], p["titles"], p["roles"]) for p in people] == [
        ("何志远", ["县委书记"], ["chair", "speaker"]),
        ("吴倩", ["县长"], ["speaker"]),
    ]
    assert texts(people[0]["evidence"]) == ["县委书记何志远主持会议", "何志远同志要求落实"]


def test_a_name_with_noise_or_in_another_script_is_the_same_person() -> None:
    a, b = "縣長何志遠(yuǎn)主持會議。", "何志远讲话。"
    people, _, _ = merged(
        a + b,
        MEETING["officials"],
        ("县长何志远主持会议。", official("何志远", ["县长"], ["chair"])),
        (b, official("何志远", [], ["speaker"])),
    )
    assert [(p["name"], p["roles"]) for p in people] == [("何志遠(yuǎn)", ["chair", "speaker"])]


@pytest.mark.parametrize(
    ("full_names", "people"), [(["陈润儿"], ["陈润儿"]), (["陈润儿", "陈大为"], ["陈润儿", "陈大为", "陈"])]
)
def test_a_short_name_is_joined_only_if_one_full_name_fits(full_names: list[str], people: list[str]) -> None:
    parts = [f"副省长{name}讲话。" for name in [*full_names, "陈"]]
    rows = [(part, official(part[3:-3], ["副省长"], ["speaker"])) for part in parts]
    found, _, _ = merged("".join(parts), MEETING["officials"], *rows)
    assert [person["name"] for person in found] == people


@pytest.mark.parametrize(
    ("titles", "kept"),
    [
        (["副市长", "市政府副市长"], ["副市长"]),
        (["市政府副市长", "副市长"], ["市政府副市长"]),
        (["市委常委", "副市长"], ["市委常委", "副市长"]),
        (["副市長", "副市长"], ["副市長"]),
    ],
)
def test_a_title_and_its_ending_are_the_same(titles: list[str], kept: list[str]) -> None:
    parts = [f"{title}何志远讲话。" for title in titles]
    rows = [
        (s.replace("長", "长"), official("何志远", [t.replace("長", "长")], ["speaker"]))
        for s, t in zip(parts, titles, strict=True)
    ]
    (person,), _, _ = merged("".join(parts), MEETING["officials"], *rows)
    assert person["titles"] == kept


def test_an_office_and_its_deputy_are_different_titles() -> None:
    a, b = "市长何志远讲话。", "副市长何志远讲话。"
    rows = [(s, official("何志远", [t], ["speaker"])) for s, t in ((a, "市长"), (b, "副市长"))]
    (person,), _, _ = merged(a + b, MEETING["officials"], *rows)
    assert person["titles"] == ["市长", "副市长"]


def test_roles_are_in_the_schemas_order_and_otherwise_stands_alone() -> None:
    a, b = "何志远讲话。", "何志远主持会议。"
    (person,), _, _ = merged(
        a + b,
        MEETING["officials"],
        (a, official("何志远", [], ["mentioned", "speaker"])),
        (b, official("何志远", [], ["chair"])),
    )
    assert person["roles"] == ["chair", "speaker"]
    (person,), _, _ = merged(a, MEETING["officials"], (a, official("何志远", [], [])))
    assert person["roles"] == ["mentioned"]


class Person(BaseModel):
    name: Name
    born: Verbatim | None
    role: Annotated[Literal["chair", "guest"], Shown(otherwise="guest", chair="主持")]
    places: list[Evidence]


def test_a_single_value_of_an_entity_keeps_the_first_and_reports_a_conflict() -> None:
    a, b, c = "何志远1960年生。", "何志远主持。", "何志远1961年生。"
    rows = [(a, "1960年"), (b, None), (c, "1961年")]
    (person,), _, (problem,) = merged(
        a + b + c, field_of(list[Person]), *((s, {"name": "何志远", "born": born, "role": None}) for s, born in rows)
    )
    assert (person["born"], person["places"][0]["text"]) == ("1960年", "何志远1960年生")
    assert (problem.kind, problem.field, problem.value) == ("conflict", "f.born", "1961年")
    assert problem.detail == "何志远 keeps '1960年', found before it"


def test_a_single_choice_that_nothing_shows_becomes_otherwise() -> None:
    a, b = "何志远主持。", "吴倩出席。"
    rows = [(a, "何志远", "chair"), (b, "吴倩", None)]
    people, _, _ = merged(
        a + b, field_of(list[Person]), *((s, {"name": n, "born": None, "role": role}) for s, n, role in rows)
    )
    assert [p["role"] for p in people] == ["chair", "guest"]


# --- statements ---


def statistic(value: str, **more: Any) -> Json:
    return {"indicator": "收入", "value": value, "period": None, "region": None, **more}


def test_a_repeated_statement_is_one_entry_with_both_places() -> None:
    a, b = "全市收入5亿元。", "会上说，收入５亿元。"
    (one,), _, problems = merged(
        a + b, MEETING["statistics"], (a, statistic("5亿元")), ("会上说，收入5亿元。", statistic("5亿元"))
    )
    assert problems == []
    assert texts(one["evidence"]) == ["全市收入5亿元", "会上说，收入５亿元"]
    assert one["value"]["text"] == "5亿元"


def test_a_single_place_is_a_list_too() -> None:
    a = "全市收入5亿元。"
    (one,), _, _ = merged(a, MEETING["statistics"], (a, statistic("5亿元")))
    assert one["evidence"] == [{"text": "全市收入5亿元", "start": 0, "end": 7}]


def test_two_answers_about_the_same_place_are_one_statement() -> None:
    """Even if they describe it differently: the first description wins, and the second fills its gaps."""
    a = "去年全市收入5亿元。"
    (one,), _, problems = merged(
        a,
        MEETING["statistics"],
        (a, statistic("5亿元", indicator="全市收入")),
        (a, statistic("5亿元", period="去年")),
    )
    assert (one["indicator"], one["period"], texts(one["evidence"]), problems) == (
        *("全市收入", "去年"),
        [a[:-1]],
        [],
    )


def test_the_second_place_of_a_statement_is_recognised_too() -> None:
    a, b = "全市收入5亿元。", "会上说收入5亿元。"
    found, _, _ = merged(
        a + b,
        MEETING["statistics"],
        (a, statistic("5亿元")),
        (b, statistic("5亿元")),
        (b, statistic("5亿元", indicator="会上说收入")),
    )
    assert len(found) == 1


@pytest.mark.parametrize("other", [{"value": "6亿元"}, {"indicator": "支出"}, {"period": "去年"}, {"region": "全县"}])
def test_statements_that_differ_stay_separate(other: Json) -> None:
    a, b = "全市收入5亿元。", "去年全县支出5亿元、收入5亿元、6亿元。"
    found, _, _ = merged(
        a + b, MEETING["statistics"], (a, statistic("5亿元")), (b, statistic(**{"value": "5亿元", **other}))
    )
    assert len(found) == 2


def test_the_same_action_of_another_body_is_another_statement() -> None:
    a, b = "各乡镇要建立台账。", "县安监局要建立台账。"
    rows = [(s, {"text": "建立台账", "responsible": [organ]}) for s, organ in ((a, "各乡镇"), (b, "县安监局"))]
    measures, _, _ = merged(a + b, MEETING["measures"], *rows)
    assert [measure["responsible"] for measure in measures] == [["各乡镇"], ["县安监局"]]


# --- plain values ---


def test_a_list_of_plain_values_keeps_all_distinct_values() -> None:
    a, b, c = "5月31日前完成自查。", "6月30日前报送。", "再说一遍，5月31日前完成。"
    found, evidence, problems = merged(
        a + b + c, field_of(list[Verbatim]), (a, {"f": "5月31日前"}), (b, {"f": "6月30日前"}), (c, {"f": "5月31日前"})
    )
    assert (found, problems) == (["5月31日前", "6月30日前"], [])
    assert texts(evidence["f"]) == ["5月31日前完成自查", "5月31日前完成", "6月30日前报送"]


@pytest.mark.parametrize(
    ("annotation", "words", "expect"),
    [
        (list[Name], ["何志远", "吴倩"], ["何志远", "吴倩"]),
        (list[Quantity], ["5亿元", "6亿元"], [500000000, 600000000]),
        (list[EdtfDate], ["2014年5月1日", "2014年6月"], ["2014-05-01", "2014-06"]),
    ],
    ids=str,
)
def test_lists_of_every_kind_of_plain_value(annotation: Any, words: list[str], expect: list[Any]) -> None:
    parts = [f"会上说{word}好。" for word in words]
    rows = [(part, {"f": word}) for part, word in zip(parts, words, strict=True)]
    found, _, _ = merged("".join(parts), field_of(annotation), *rows)
    values = [x if isinstance(x, str) else x.get("number") or x.get("edtf") for x in found]
    assert values == expect


def test_a_field_without_items_is_null_or_an_empty_list() -> None:
    assert merged("会议。", MEETING["date"])[0] is None
    assert merged("会议。", MEETING["officials"])[0] == []
    assert merged("会议。", field_of(list[Verbatim]))[:2] == ([], {})
    assert merged("会议。", field_of(Verbatim | None))[:2] == (None, {})


def test_a_later_different_single_value_is_a_conflict() -> None:
    a, b, c = "2014年5月27日，会议召开。", "5月28日，会议继续。", "5月27日，会议开幕。"
    date, _, (problem,) = merged(
        a + b + c, MEETING["date"], (a, {"date": "2014年5月27日"}), (b, {"date": "5月28日"}), (c, {"date": "5月27日"})
    )
    assert date["edtf"] == "2014-05-27"
    assert (problem.kind, problem.field, problem.value) == ("conflict", "date", "5月28日")
    assert problem.detail == "the record keeps '2014年5月27日', found before it"
    assert (a + b + c)[problem.start : problem.end] == "5月28日"


def test_a_single_person_is_merged_from_all_mentions_and_another_is_a_conflict() -> None:
    class Chair(BaseModel):
        name: Name
        titles: list[Verbatim]
        evidence: list[Evidence]

    a, b, c = "书记何志远主持。", "县长何志远讲话。", "县长吴倩主持。"
    chair, _, (problem,) = merged(
        a + b + c,
        field_of(Chair | None),
        (a, {"name": "何志远", "titles": ["书记"]}),
        (b, {"name": "何志远", "titles": ["县长"]}),
        (c, {"name": "吴倩", "titles": ["县长"]}),
    )
    assert (chair["name"], chair["titles"], len(chair["evidence"])) == ("何志远", ["书记", "县长"], 2)
    assert (problem.kind, problem.value) == ("conflict", "吴倩")


# --- order ---


def test_items_are_in_the_order_of_the_text() -> None:
    a, b, c = "全市收入5亿元。", "全市收入6亿元。", "全市收入7亿元。"
    found, _, _ = merged(a + b + c, MEETING["statistics"], *((s, statistic(s[4:7])) for s in (c, a, b, a)))
    assert [one["value"]["text"] for one in found] == ["5亿元", "6亿元", "7亿元"]


def test_people_are_in_the_order_of_their_first_mentions() -> None:
    a, b, c = "县长吴倩讲话。", "县委书记何志远讲话。", "吴倩要求落实。"
    rows = [(c, official("吴倩", [], ["speaker"])), (b, official("何志远", [], [])), (a, official("吴倩", [], []))]
    people, _, _ = merged(a + b + c, MEETING["officials"], *rows)
    assert [person["name"] for person in people] == ["吴倩", "何志远"]


# --- marks ---


def test_an_item_is_marked_only_if_all_its_mentions_are() -> None:
    text = "排查隐患1260处。共排查隐患1260处。"
    source = document(text)
    speech = clean(source)
    field = MEETING["statistics"]

    def item(sentence: str, value: str, mark: str | None) -> tuple[Any, Json]:
        at = speech.text.index(sentence)
        row = {"indicator": "排查隐患", "value": value, "period": None, "region": None}
        passage = speech.cut(at, at + len(sentence))
        (found,), _ = ground(Answer(field.name, passage, (AnswerItem(row),)), field, prepare(speech))
        values, _ = normalise(found, field, date_context(speech))
        return replace(found, marks=frozenset({mark} if mark else ())), values or {}

    doubtful = item("排查隐患1260处。共", "1260处", "second_pass")
    sure = item("共排查隐患1260处。", "1260处", None)
    assert merge([field], [doubtful], speech).marks == [{"field": "statistics", "item": 0, "marks": ["second_pass"]}]
    assert merge([field], [doubtful, sure], speech).marks == []


def test_an_item_whose_words_needed_folding_is_marked() -> None:
    text = "排查隐患1260处，整改率96.5%。"
    speech = clean(document(text))
    row = {"indicator": "排查隐患", "value": "１２６０处", "period": None, "region": None}
    other = {"indicator": "整改率", "value": "96.5%", "period": None, "region": None}
    field = MEETING["statistics"]
    items, _ = ground(Answer(field.name, speech, (AnswerItem(row), AnswerItem(other))), field, prepare(speech))
    assert [item.marks for item in items] == [{"folded"}, set()]
