from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor.document import Document, Excerpt
from extractor.pipeline.clean.clean import clean
from extractor.pipeline.clean.html import main_text

PAGE = """<!DOCTYPE html>
<html><head><meta charset="gb2312"><title>会议</title><style>p > b {}</style></head><body>
<div class="nav"><a href="/">首页</a> <a href="/n">新闻</a></div>
<div id="content"><h1>全市计划生育工作会议召开</h1>
<p>　　本报讯 5月27日,市政府召开全市<b>人口和计划</b>生育工作会议,总结工作&amp;分析形势。出席会议的有张小明 李四。</p>
<p>&nbsp;&nbsp;市委书记张小明充分肯定了工作取得的成绩。<br/>实行计划生育政策以来,累计少生160万人,人口出生率明显下降。</p>
<!-- <p>注释里的话</p> --><script>var a = "<p>脚本里的话</p>";</script>
<ul><li>一是要加强组织领导,落实责任</li><li>二是强化</li></ul>
<table><tr><td>指标</td><td>10</td></tr></table>
<p>分享到: 微信</p></div>
<div class="footer">版权所有</div></body></html>"""


def page(text: str) -> Document:
    return Document("p", "p.html", text, "0", "html")


def assert_accounted(excerpt: Excerpt) -> None:
    covered = sorted([*zip(excerpt.starts, excerpt.ends, strict=True), *((o.start, o.end) for o in excerpt.omissions)])
    at = 0
    for start, end in covered:
        assert start == at
        assert end > start
        at = end
    assert at == len(excerpt.document.text)


def test_the_article_is_found_and_each_character_has_its_place() -> None:
    excerpt = main_text(page(PAGE))
    assert "首页" not in excerpt.text
    assert "脚本" not in excerpt.text
    assert "注释" not in excerpt.text
    for character, start, end in zip(excerpt.text, excerpt.starts, excerpt.ends, strict=True):
        if not character.isspace() and character != "&":
            assert excerpt.document.text[start:end] == character


def test_tags_inside_a_sentence_are_omitted_and_evidence_spans_them() -> None:
    excerpt = main_text(page(PAGE))
    i = excerpt.text.index("全市人口和计划生育")
    assert excerpt.source(i, i + 9) == "全市<b>人口和计划</b>生育"
    assert {o.rule for o in excerpt.omissions} == {"html"}


def test_an_entity_is_one_character() -> None:
    excerpt = main_text(page(PAGE))
    i = excerpt.text.index("&")
    assert excerpt.source(i, i + 1) == "&amp;"


def test_blocks_become_lines() -> None:
    lines = main_text(page(PAGE)).text.split("\n")
    assert lines[0] == "全市计划生育工作会议召开"
    assert "一是要加强组织领导,落实责任" in lines
    assert "二是强化" in lines
    assert any(line.endswith("有张小明 李四。") for line in lines)
    assert "指标\t10" in lines


def test_page_is_cleaned_like_text() -> None:
    excerpt = clean(page(PAGE.replace("人口出生率", "人口出生率(lǜ)")))
    assert "分享到" not in excerpt.text
    assert "率明显" in excerpt.text
    i = excerpt.text.index("率明显")
    assert excerpt.source(i, i + 1) == "率(lǜ)"
    assert_accounted(excerpt)
    assert {"html", "share"} <= {o.rule for o in excerpt.omissions}


@pytest.mark.parametrize(
    ("text", "expect"),
    [
        ("", ""),
        ("<p>短</p>", "短"),
        ("<div>甲<p>乙</p>丙&lt;1</div>", "甲\n乙\n丙<1"),
        ("没有标签 的话", "没有标签 的话"),
        ("<title>不看</title><p>看</p>", "看"),
        ("<p>1 < 2 & 3</p>", "1 < 2 & 3"),
        ("<p>未关<b", "未关"),
        ('<?xml version="1.0" encoding="gb2312"?><p>声明</p>', "声明"),
    ],
)
def test_all_text_is_taken_if_no_article_is_found(text: str, expect: str) -> None:
    excerpt = main_text(page(text))
    assert excerpt.text == expect
    assert_accounted(excerpt)


LONG = [f"各级各部门要认真贯彻会议精神，切实抓好第{n}季度各项工作的落实，确保完成全年目标任务。" * 3 for n in "一二三"]


@pytest.mark.parametrize(
    ("body", "expect"),
    [
        ("<p>20<sup>22</sup>年<em>6月9日</em>，县长<b>冯英</b>飞参加会议。</p>", "2022年6月9日，县长冯英飞参加会议。"),
        ("<div>完成投资<font color=red>3</font>.<span>2</span><a href='#'>亿元</a>。</div>", "完成投资3.2亿元。"),
        ("<p>甲县召开会议。</p>乙县<b>也</b>召开会议。<br>丙县没有。", "甲县召开会议。\n乙县也召开会议。\n丙县没有。"),
        ("<p>县长冯英\n飞参加\nA B会议。</p>", "县长冯英飞参加 A B会议。"),
    ],
    ids=["a name and a date", "a number", "blocks", "line ends of the source"],
)
def test_inline_tags_begin_no_line(body: str, expect: str) -> None:
    assert main_text(page(f"<html><body>{body}</body></html>")).text == expect


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [
        ("<p style='display:none'>广告</p>", ""),
        ("<div style='color:red; DISPLAY : none'><p>广告</p><div>更多</div></div>", ""),
        ("<p hidden>广告</p>", ""),
        ("<p hidden>广告", ""),
        ("<p style='display:block'>不是广告</p>", "不是广告"),
    ],
)
def test_what_is_not_displayed_is_left_out(hidden: str, shown: str) -> None:
    body = f"<p>{LONG[0]}</p>{hidden}<p>{LONG[1]}</p>"
    lines = main_text(page(f"<html><body>{body}</body></html>")).text.split("\n")
    assert lines == [LONG[0], *([shown] if shown else []), LONG[1]]


@pytest.mark.parametrize(
    "box", ["<div class='TRS_Editor'>{}</div>", "<div id='zoom'>{}</div>", "<article>{}</article>", "{}"]
)
def test_a_repeated_paragraph_stays(box: str) -> None:
    lines = [LONG[0], "强化责任，狠抓落实。", LONG[1], "强化责任，狠抓落实。", LONG[2], "强化责任，狠抓落实。"]
    article = box.format("".join(f"<p>{line}</p>" for line in lines))
    excerpt = main_text(page(f"<html><body><div><a href='/'>首页</a></div>{article}</body></html>"))
    assert excerpt.text.split("\n")[-len(lines) :] == lines


def test_repeated_words_are_found_at_their_own_place() -> None:
    text = PAGE.replace('<a href="/n">新闻</a>', "<a>二是强化</a><a>指标</a>")
    excerpt = main_text(page(text))
    i = excerpt.text.index("二是强化")
    assert excerpt.starts[i] == text.rindex("二是强化")


_PIECES = st.sampled_from([
    "<p>", "</p>", "<", ">", "<b>", "</b>", "<!--", "-->", "<script>", "</script>", "<title>", "<br/>",
    "<a href='x>y'>",
    "&amp;", "&nbsp;", "&#12;", "&", " ", "\n", "\0", "<table><tr><td>", "<li>", "会议", "召开。", "核(hé)心",
    "今天市委召开全市计划生育工作会议,研究部署任务。",
])  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(_PIECES, max_size=30).map("".join))
def test_any_page_is_accounted_for(text: str) -> None:
    assert_accounted(main_text(page(text)))
    assert_accounted(clean(page(text)))


@pytest.mark.parametrize("unit", ["<", "<!--", "<script>", "<p>", "&", "<a ", "会", "<p>会议召开</p>"])
def test_long_runs_are_accounted_for(unit: str) -> None:
    assert_accounted(main_text(page(unit * (50_000 // len(unit)))))
