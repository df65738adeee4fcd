"""Words that stand twice: an item's place is chosen by all of its values."""

from __future__ import annotations

import random
from typing import Any

import pytest
from scripted import document, scripted

from extractor.llm.models import LARGE
from extractor.pipeline.convert import convert
from extractor.pipeline.recipe import Recipe
from extractor.schema.loading import load_schema

MEETING = load_schema("meeting")
THINGS = [
    "新建学校",
    "招收学生",
    "改造农房",
    "培训教师",
    "受灾人口",
    "新增床位",
    "发放贷款",
    "整治河道",
    "检查企业",
    "查处案件",
]
PERIODS = ["去年", "今年上半年", "2018年", "2019年", "“十二五”期间", "第一季度"]
REGIONS = ["全县", "全市", "我省", "城区"]
VALUES = ["1200人", "3个", "450万元", "8.5%", "20公里"]
ACTIONS = ["开展联合检查", "建立工作台账", "落实网格管理", "加强业务培训"]
BODIES = ["县公安局", "县交通局", "各乡镇", "市教育局", "县水利局"]


def line_of(text: str, answer: Any) -> Any:
    (done,) = convert(document(text), Recipe(MEETING, "m", LARGE), scripted(lambda _: answer))
    return done.line


def test_the_place_is_the_one_whose_sentence_has_the_item_s_other_values() -> None:
    text = "去年，全县有3个乡镇受灾，受灾人口1200人。今年上半年，全县新建学校3个，招收学生1200人。"
    line = line_of(text, {"statistics": [{"indicator": "招收学生", "value": "1200人", "period": "今年上半年"}]})
    (item,) = line["record"]["statistics"]
    assert (item["indicator"], item["period"], item["evidence"][0]["text"]) == (
        "招收学生",
        "今年上半年",
        "招收学生1200人",
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("会议学习了《关于加强安全管理的意见》。会议要求，要加强安全管理，落实责任。", "要加强安全管理"),
        ("一、加强安全管理\n各单位要加强安全管理，配齐人员。", "各单位要加强安全管理"),
        ("加强安全管理工作很重要。各单位要加强安全管理。", "各单位要加强安全管理"),
    ],
    ids=["not inside a title", "not a heading", "where it fills its clause"],
)
def test_an_action_is_where_somebody_is_to_act(text: str, shown: str) -> None:
    (item,) = line_of(text, {"measures": [{"text": "加强安全管理"}]})["record"]["measures"]
    assert item["evidence"][0]["text"] == shown


def statistics(chance: random.Random) -> tuple[str, list[dict[str, Any]], list[str]]:
    """A text whose numbers stand several times, its facts as answers, and the sentence of each."""
    sentences, items = [], []
    values = chance.sample(VALUES, 2)
    for thing in chance.sample(THINGS, chance.randint(3, 6)):
        period, region, value = chance.choice(PERIODS), chance.choice(REGIONS), chance.choice(values)
        sentences.append(f"{period}，{region}{thing}{value}。")
        items.append({"indicator": thing, "value": value, "period": period, "region": region})
    return "".join(sentences), items, sentences


def measures(chance: random.Random) -> tuple[str, list[dict[str, Any]], list[str]]:
    """The same actions of several bodies."""
    sentences, items = [], []
    for body in chance.sample(BODIES, chance.randint(2, 4)):
        action = chance.choice(ACTIONS[:2])
        sentences.append(f"{body}要{action}。")
        items.append({"text": action, "responsible": [body]})
    return "会议要求，" + "".join(sentences), items, sentences


@pytest.mark.parametrize("number", range(200))
def test_twins_are_told_apart(number: int) -> None:
    """Answers in and out of text order, some left out: no item stands in another one's sentence unmarked."""
    chance = random.Random(number)
    name, make = ("statistics", statistics) if number % 2 else ("measures", measures)
    text, items, sentences = make(chance)
    answered = list(zip(items, sentences, strict=True))
    if number % 3:
        chance.shuffle(answered)
    answered = answered[: chance.randint(1, len(answered))]
    line = line_of(text, {name: [item for item, _ in answered]})
    unsure = {mark["item"] for mark in line["marks"] if mark["field"] == name and "unsure" in mark["marks"]}
    found = line["record"][name]
    assert len(found) == len(answered)
    right = 0
    for item, sentence in answered:
        for at, made in enumerate(found):
            (place,) = made["evidence"]
            start = text.index(sentence)
            if start <= place["start"] < start + len(sentence):
                own = item.get("indicator") or item["responsible"][0]
                has = made.get("indicator") or (made["responsible"] or [None])[0]
                assert has == own or at in unsure
                right += has == own
    assert right >= len(answered) - len(unsure)


def test_a_place_that_nothing_tells_from_another_is_marked() -> None:
    text = "甲乡投资50万元。乙乡投资50万元。"
    line = line_of(text, {"statistics": [{"indicator": "投资", "value": "50万元"}]})
    assert line["marks"] == [{"field": "statistics", "item": 0, "marks": ["unsure"]}]
    line = line_of(text, {"statistics": [{"indicator": "乙乡投资", "value": "50万元"}]})
    assert (line["marks"], line["record"]["statistics"][0]["evidence"][0]["start"]) == ([], 9)
