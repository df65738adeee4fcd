"""Candidates: what code finds in a passage before a model is asked, and the values that it reads off."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, create_model
from scripted import whole

from extractor.document import Document, Excerpt
from extractor.fields import (
    Beside,
    Clause,
    Cue,
    EdtfDate,
    Evidence,
    Like,
    Name,
    Period,
    Quantity,
    Shown,
    Subject,
    Unless,
    Verbatim,
    Within,
)
from extractor.pipeline.ask.candidates import Candidate, find_candidates
from extractor.schema.loading import load_schema
from extractor.schema.shape import Field, read_fields

SENTENCE = "3月12日，县长何志远主持。"


class Figure(BaseModel):
    value: Quantity
    period: Annotated[Verbatim | None, Period()]
    far: Annotated[Verbatim | None, Period(), Within("passage")]
    region: Annotated[Verbatim | None, Like("[全我](?:市|县)")]


class Task(BaseModel):
    text: Clause
    value: Quantity | None
    who: Annotated[list[Verbatim], Subject("((?:[^，。、]{1,8}、){0,3}[^，。、]{0,8}(?:局|办|单位))(?:要|负责)")]


class Person(BaseModel):
    name: Name
    titles: Annotated[list[Verbatim], Beside("(?:县委|副)?(?:书记|县长|主任)", "副?(?:书记|县长)")]
    roles: list[
        Annotated[Literal["chair", "speaker", "other"], Shown(otherwise="other", chair="主持", speaker="讲话|要求")]
    ]


def field_of(annotation: Any) -> Field:
    (field,) = read_fields(create_model("Record", f=(annotation, ...)))
    return field


def found(annotation: Any, text: str) -> list[Candidate]:
    candidates = find_candidates(field_of(annotation), whole(text), whole(text))
    assert candidates is not None
    assert all(text[slice(*c.place)] == c.text and c.text in c.sentence for c in candidates)
    return candidates


@pytest.mark.parametrize("annotation", [Verbatim | None, list[Verbatim], list[Name], list[EdtfDate]], ids=str)
def test_there_are_no_candidates_for_types_that_code_cannot_find(annotation: Any) -> None:
    assert find_candidates(field_of(annotation), whole(SENTENCE), whole(SENTENCE)) is None


def test_dates_are_taken_from_sentences_that_match_the_cue() -> None:
    text = "3月12日，会议召开。2014年5月结束。"
    assert [c.text for c in found(EdtfDate | None, text)] == ["3月12日", "2014年5月"]
    assert [c.text for c in found(Annotated[EdtfDate | None, Cue("召开")], text)] == ["3月12日"]


# --- numbers ---


def test_a_number_that_unless_rules_out_is_left_out() -> None:
    """Its own words begin after the number before it, so 计划 before that one does not affect it."""
    text = "去年增长5%，今年计划增长6%，计划投资3亿元、已完成1亿元。"
    assert [c.text for c in found(Annotated[list[Figure], Unless("计划")], text)] == ["5%", "1亿元"]
    assert [c.text for c in found(list[Figure], text)] == ["5%", "6%", "3亿元", "1亿元"]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("计划新建10个园区和200个站，投入3亿元。", ["3亿元"]),
        ("计划新建10个园区。200个站已建成。", ["200个"]),
        ("计划新建10个园区，建成200个站。", ["200个"]),
    ],
)
def test_the_next_number_of_the_same_list_is_ruled_out_too(text: str, numbers: list[str]) -> None:
    assert [c.text for c in found(Annotated[list[Figure], Unless("计划")], text)] == numbers


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("去年增长5%。", "去年", "去年"),
        ("去年情况好，增长5%。", None, "去年"),
        ("2012年情况好，2013年情况更好，增长5%。", None, "2013年"),
        ("2012年增长5%，2013年情况好。", "2012年", "2012年"),
        ("增长5%，2013年情况好。", None, None),
        ("2012年情况好；增长5%。", None, None),
        ("去年情况好。增长5%。", None, None),
        ("增长5%。", None, None),
    ],
)
def test_a_time_is_read_from_the_clause_or_with_within_from_before_it(
    text: str, near: str | None, far: str | None
) -> None:
    (figure,) = found(list[Figure], text)
    assert (figure.known["period"], figure.known["far"]) == (near, far)


def test_a_number_takes_the_last_time_before_it() -> None:
    """If a clause has several."""
    first, second = found(list[Figure], "2010年的3%比2011年的5%低。")
    assert (first.known["period"], second.known["period"]) == ("2010年", "2011年")


@pytest.mark.parametrize(
    ("text", "region"),
    [("全市增长5%。", "全市"), ("全市情况好，增长5%。", None), ("从全市看我县增长5%。", "我县"), ("增长5%。", None)],
)
def test_words_that_match_like_are_read_off_like_times(text: str, region: str | None) -> None:
    (figure,) = found(list[Figure], text)
    assert figure.known["region"] == region


# --- clauses ---


def test_clauses_of_a_sentence_that_unless_rules_out_are_left_out() -> None:
    text = "去年建立台账，落实责任。今年落实责任。"
    assert [c.text for c in found(Annotated[list[Task], Unless("去年")], text)] == ["今年落实责任"]


def test_a_heading_whose_content_follows_is_left_out() -> None:
    text = "一是要加强领导。县长负总责。二是要落实责任。三是要严格检查。"
    assert [c.text for c in found(list[Task], text)] == ["县长负总责", "要落实责任", "要严格检查"]


def test_clauses_are_candidates_if_they_match_the_cue() -> None:
    text = "我们要建立台账，天气很好，落实责任。"
    assert [c.text for c in found(Annotated[list[Task], Cue("建立|落实")], text)] == ["我们要建立台账", "落实责任"]
    assert len(found(list[Task], text)) == 3


def test_a_clauses_number_is_read_off() -> None:
    tasks = found(list[Task], "新建3个站，改造5公里、2公里，抓好落实。")
    assert [task.known["value"] for task in tasks] == ["3个", "5公里", None]


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("县安监局要建立台账，落实责任。", [["县安监局"], ["县安监局"]]),
        ("县安监局、县应急办要建立台账，落实责任。", [["县安监局", "县应急办"], ["县安监局", "县应急办"]]),
        ("县安监局要建立台账。落实责任。", [["县安监局"], []]),
        ("县安监局要建立台账，县应急办负责检查。", [["县安监局"], ["县应急办"]]),
        ("建立台账，县应急办负责检查。", [[], ["县应急办"]]),
        ("建立台账。", [[]]),
    ],
)
def test_the_subject_of_a_clause_stands_before_it_in_its_sentence(text: str, who: list[list[str]]) -> None:
    assert [task.known["who"] for task in found(list[Task], text)] == who


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("县安监局以及县应急办要建立台账。", ["县安监局", "县应急办"]),
        ("由县发改局牵头，制定改造方案，完善工作机制。", ["县发改局"]),
        ("要建立防汛台账，落实值班制度（责任单位：县应急局、各乡镇）。", ["县应急局", "各乡镇"]),
        ("各级各部门要加强领导。", ["各级各部门"]),
        ("各乡镇、街道要落实网格管理，县公安局要加强巡逻。", ["各乡镇", "街道"]),
        ("各项工作要抓好，加强领导。", []),
    ],
)
def test_who_is_in_charge(text: str, who: list[str]) -> None:
    assert found(list[Task], text)[0].known["who"] == who


@pytest.mark.parametrize(("text", "who"), [("和平县安监局要建立台账。", ["和平县安监局"])])
@pytest.mark.xfail(strict=True, reason="和, 与 and 及 always split a list")
def test_conjunctions_inside_the_name_of_an_organ_do_not_split_it(text: str, who: list[str]) -> None:
    assert found(list[Task], text)[0].known["who"] == who


# --- people ---


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("县委书记何志远主持。", ["县委书记"]),
        ("书记、县长何志远主持。", ["书记", "县长"]),
        ("县长吴倩、副县长何志远主持。", ["副县长"]),
        ("何志远同志主持。", []),
        ("县委书记何志远主持，何志远县长讲话。", ["县委书记", "县长"]),
    ],
)
def test_titles_are_read_off_beside_a_name(text: str, titles: list[str]) -> None:
    people = [c for c in found(list[Person], text) if c.text == "何志远"]
    assert [title for person in people for title in person.known["titles"]] == titles


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("县长何志远主持会议。", {"何志远": ["chair"]}),
        ("县长何志远主持会议，副县长吴倩讲话。", {"何志远": ["chair"], "吴倩": ["speaker"]}),
        ("县长何志远、副县长吴倩主持会议。", {"何志远": ["chair"], "吴倩": ["chair"]}),
        ("县长何志远到会。吴倩同志主持。", {"何志远": [], "吴倩": ["chair"]}),
    ],
)
def test_roles_are_read_off_after_a_name(text: str, roles: dict[str, list[str]]) -> None:
    assert {c.text: c.known["roles"] for c in found(list[Person], text)} == roles


def test_each_mention_is_a_candidate_with_its_own_words() -> None:
    mentions = found(list[Person], "县长何志远主持。何志远要求落实。何志远同志很好。")
    assert [(c.known["titles"], c.known["roles"]) for c in mentions] == [
        (["县长"], ["chair"]),
        ([], ["speaker"]),
        ([], []),
    ]


@pytest.mark.parametrize("text", ["", "。", "\n\n", "，，，", "1", "、"])
@pytest.mark.parametrize(
    "annotation", [list[Figure], list[Task], list[Person], EdtfDate | None], ids=["Figure", "Task", "Person", "date"]
)
def test_a_tiny_text_has_at_most_one_candidate(annotation: Any, text: str) -> None:
    assert len(found(annotation, text)) <= 1


def test_evidence_is_not_read_off() -> None:
    class Seen(BaseModel):
        text: Clause
        one: list[Evidence]

    assert found(list[Seen], "会议召开。")[0].known == {}


def test_a_duty_before_a_number_rules_it_out_as_a_fact() -> None:
    """Anywhere before it in its sentence, even with clauses in between."""
    field = next(f for f in load_schema("meeting").fields if f.name == "statistics")

    def kept(text: str) -> list[str]:
        passage = Excerpt.whole(Document("x", "x", text, ""))
        return [c.text for c in find_candidates(field, passage, passage) or ()]

    assert kept("县农业农村局要组织技术人员下沉一线,开展指导200场。") == []
    assert kept("主要粮食作物播种面积达58万亩。") == ["58万亩"]
    assert kept("全县新建10个文化园区和200个文化屋。") == []


def test_a_year_alone_beside_a_full_date_is_not_the_meetings_date() -> None:
    field = next(f for f in load_schema("meeting").fields if f.name == "date")
    passage = Excerpt.whole(Document("x", "x", "5月16日下午,我县召开2023年防汛抗旱工作会议,安排部署任务。", ""))
    assert [c.text for c in find_candidates(field, passage, passage) or ()] == ["5月16日下午"]


def test_a_cue_selects_numbers_by_their_clause() -> None:
    """A match elsewhere in the passage is not enough."""

    class Fund(BaseModel):
        amount: Quantity

    class Record(BaseModel):
        funds: Annotated[list[Fund], Cue("资金|经费")]

    (field,) = read_fields(Record)
    passage = Excerpt.whole(Document("x", "x", "投入防汛资金3200万元,抢修堤防17处。", ""))
    assert [c.text for c in find_candidates(field, passage, passage) or ()] == ["3200万元"]


@pytest.mark.parametrize(
    ("text", "expect"),
    [
        ("粮食产量达到四亿零七百多万吨,棉花六百零八万吨。", ["四亿零七百多万吨", "六百零八万吨"]),
        ("也要清醒地看到,教师平均年龄47岁,还有十几所学校没有操场。", ["47岁", "十几所"]),
        ("近亿人次出游,品种四十三种。", ["近亿人次", "四十三种"]),
    ],
)
def test_facts_in_words_and_after_an_admission_are_found(text: str, expect: list[str]) -> None:
    field = next(f for f in load_schema("meeting").fields if f.name == "statistics")
    whole_text = Excerpt.whole(Document("x", "x", text, ""))
    found = find_candidates(field, whole_text, whole_text) or ()
    assert [c.text for c in found] == expect
