from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import ROOT

from extractor.document import Document, Excerpt
from extractor.pipeline.clean.clean import clean

HERE = ROOT / "tests"
SEEDS = sorted((HERE.parent / "seeds").glob("*.txt"))
GOLD = sorted(path for path in (HERE.parent / "fixtures" / "gold").glob("*.json") if "segments" not in path.name)


def document(text: str) -> Document:
    return Document("t", "t.txt", text, "0")


def cases(name: str) -> list[Any]:
    rows = json.loads((HERE / "cases" / name).read_text("utf-8"))
    return [pytest.param(row, id=row["label"]) for row in rows]


def seed(name: str) -> str:
    return (HERE.parent / "seeds" / name).read_bytes().decode()


def assert_accounted(excerpt: Excerpt) -> None:
    """Each source character belongs to exactly one visible character or one omission."""
    extents = list(zip(excerpt.starts, excerpt.ends, strict=True))
    assert all(a[1] <= b[0] for a, b in pairwise(extents))
    covered = sorted([*extents, *((o.start, o.end) for o in excerpt.omissions)])
    at = 0
    for start, end in covered:
        assert start == at
        assert end > start
        at = end
    assert at == len(excerpt.document.text)
    assert all(o.rule for o in excerpt.omissions)


@pytest.mark.parametrize("case", cases("clean.json"))
def test_noise_and_boilerplate_are_removed(case: dict[str, Any]) -> None:
    excerpt = clean(document(case["input"]))
    assert excerpt.text == case["expect"]
    assert_accounted(excerpt)
    if "rules" in case:
        assert sorted({o.rule for o in excerpt.omissions}) == case["rules"]


@pytest.mark.parametrize("case", cases("clean_negative.json"))
def test_words_of_a_speech_stay(case: dict[str, Any]) -> None:
    assert clean(document(case["input"])).text == case.get("expect", case["input"])


@pytest.mark.xfail(strict=True, reason="three spaced names look like any other words; only brackets show reporters")
def test_reporters_without_brackets_are_removed() -> None:
    assert clean(document("提供保障。\n张小明 李四 王大伟")).text == "提供保障。"


@pytest.mark.xfail(strict=True, reason="a space beside a short word may separate names or headings: it stays")
def test_a_space_beside_a_short_word_is_removed() -> None:
    assert clean(document("要指导 镇村认真梳理机构,抓好落实。")).text == "要指导镇村认真梳理机构,抓好落实。"


def test_pinyin_becomes_part_of_its_character() -> None:
    excerpt = clean(document("部門聯(lián)動(dòng)要加強(qiáng)。"))
    assert excerpt.text == "部门联动要加强。"
    assert excerpt.source(0, 7) == "部門聯(lián)動(dòng)要加強(qiáng)"
    assert excerpt.span(2, 3) == (2, 9)


def test_an_unfinished_notice_with_pinyin_is_removed_with_its_second_line() -> None:
    excerpt = clean(document("部門聯(lián) ……(未完,全文共9字,當(dāng)前僅顯示5字。\n收藏《講話》)"))
    assert excerpt.text == "部门联"
    assert [o.rule for o in excerpt.omissions] == ["unfinished"]


def test_wrapped_text_is_joined() -> None:
    line = "各级各部门要认真贯彻落实会议精神切实加强领导强化责任"
    text = "\n".join([line] * 9 + ["抓好落实。", "一、工作目标", "完成任务。"])
    assert clean(document(text)).text == line * 9 + "抓好落实。\n一、工作目标\n完成任务。"


def test_a_list_of_links_ends_at_the_next_speech() -> None:
    text = "结束。\n推荐阅读:\n工作会议讲话01-26\n同志们:\n今天开会,我讲两点。\n相关阅读\n另一篇讲话"
    assert clean(document(text)).text == "结束。\n\n同志们:\n今天开会,我讲两点。"


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem[:3])
def test_seeds_are_accounted_for_and_cleaned_at_once(path: Path) -> None:
    excerpt = clean(document(path.read_bytes().decode()))
    assert_accounted(excerpt)
    assert clean(document(excerpt.text)).text == excerpt.text


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("000_f3784ed5a834436f.txt", "本报讯 5月27日", "提供保障。"),
        ("001_b33f20b64f905d37.txt", "今年全市人口计生工作", "重用一批干部。"),
        ("002_8d4852ad37b2be12.txt", "徐州召开计划生育工作会议", "作了交流发言。"),
        ("003_0f4e80f0cf21daff.txt", "(一)突出“一个核心”", "纳入制度建设。"),
        ("004_0a382a7e9a65e718.txt", "同志们:", "部门联"),
    ],
)
def test_seeds_begin_and_end_with_the_speech(name: str, first: str, last: str) -> None:
    excerpt = clean(document(seed(name)))
    assert excerpt.text.startswith(first)
    assert excerpt.text.endswith(last)
    assert not any("\u00e0" <= c <= "\u01dc" for c in excerpt.text)


def _evidence(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [found for item in value for found in _evidence(item)]
    if not isinstance(value, dict):
        return []
    if {"text", "start", "end"} <= value.keys():
        return [value]
    return [found for item in value.values() for found in _evidence(item)]


def test_evidence_of_the_reference_annotations_survives_cleaning() -> None:
    checked = 0
    for path in GOLD:
        reference = json.loads(path.read_text("utf-8"))
        text = seed(reference["id"].split("#")[0] + ".txt")
        excerpt = clean(document(text))
        starts, ends = set(excerpt.starts), set(excerpt.ends)
        for evidence in _evidence(reference["record"]):
            assert text[evidence["start"] : evidence["end"]] == evidence["text"]
            assert evidence["start"] in starts, evidence
            assert evidence["end"] in ends, evidence
            checked += 1
    if GOLD:
        assert checked > 100


# Pieces that the rules look for, so that random texts contain them.
_PIECES = st.sampled_from([
    "核(hé)", "(dan)", "单", "（", "）", "(", ")", "\u3000", "\u200b", "\ufeff", "ＡＢ", "２", "0", "%", "，",
    "。", "；", ":", "、", "“", "”", "《", "》", "…", "……", "一、", "(一)", "4、", "同志们", "记者",
    "来源:", "编辑:张三", "李四", "王", "推荐阅读:", "讲话01-26", "(记者", "(未完,全文共9字,", "省略4字",
    "收藏《", "http://a.cn", "已有0人发表了评论", "下载", "点击", "第3页", "-", "某某网", "人口信息:", "會議",
    "發展", "要抓好落实工作", "各级各部门要认真贯彻落实会议精神", " ", "  ", "\n", "\n\n", "\r\n", "\t",
    "\u00a0",
])  # fmt: skip
_TEXTS = st.lists(_PIECES, max_size=40).map("".join) | st.text(max_size=60)


@settings(max_examples=300, deadline=None)
@given(_TEXTS)
def test_any_text_is_accounted_for(text: str) -> None:
    assert_accounted(clean(document(text)))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(list("核(hé)心2 %，。一、\n\u3000“”的工作要抓好")), max_size=60).map("".join))
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    once = clean(document(text)).text
    assert clean(document(once)).text == once


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(codec="gb2312", categories=["Lo"]), min_size=1, max_size=40))
def test_plain_simplified_words_are_left_alone(words: str) -> None:
    text = words + "。"
    excerpt = clean(document(text))
    assert list(excerpt.starts) == list(range(len(text)))
    assert not excerpt.omissions


_RUNS = ["人", "(", " ", "a(b", "\n", "1 ", "人 ", "…", "核(hé)", "(未完,全文共1字", "(记者王 ", "推荐阅读\n"]


@pytest.mark.parametrize("unit", _RUNS)
def test_long_runs_are_accounted_for(unit: str) -> None:
    assert_accounted(clean(document(unit * (200_000 // len(unit)))))
