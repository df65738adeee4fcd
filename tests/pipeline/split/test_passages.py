"""Sentences, clauses and passages: tables in cases/, and properties (nothing lost, doubled or too long)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import ROOT

from extractor.document import Document, Excerpt
from extractor.lang.sentences import clauses, sentences
from extractor.pipeline.split.passages import split_passages

SEEDS = sorted((ROOT / "seeds").glob("*.txt"))
CASES = json.loads((ROOT / "tests" / "cases" / "passages.json").read_text(encoding="utf-8"))

# Pieces of speeches, so that random strings have headings, quotations and broken lines.
TEXTS = st.lists(
    st.sampled_from(
        [
            *["一、加强领导\n", "(一)抓好落实\n", "1、", "一是", "第二,", "同时,", "\n", "\n\n", " ", "\u3000"],
            *["各级各部门要高度重视", "新建1,234公里", "。", "!", "？", "；", ",", "，", "、", ":", "…", "9:30"],
            *["“", "”", '"', "《", "》", "(", ")", "啊" * 40, "要", "的"],
        ]
    ),
    max_size=40,
).map("".join)


def whole(text: str) -> Excerpt:
    return Excerpt.whole(Document("d", "d.txt", text, ""))


def labels(case: Any) -> str:
    return str(case["label"])


@pytest.mark.parametrize("case", CASES["clauses"], ids=labels)
def test_clauses(case: dict[str, Any]) -> None:
    assert [case["input"][i:j] for i, j in clauses(case["input"])] == case["expect"]


@pytest.mark.parametrize("case", CASES["sentences"], ids=labels)
def test_sentences(case: dict[str, Any]) -> None:
    assert [case["input"][i:j] for i, j in sentences(case["input"])] == case["expect"]


def test_semicolons_end_sentences_on_request() -> None:
    text = "清理文件;修订办法；公布结果。"
    assert [text[i:j] for i, j in sentences(text, semicolons=True)] == ["清理文件;", "修订办法；", "公布结果。"]


@pytest.mark.parametrize("case", CASES["headings"], ids=labels)
def test_headings_above_a_passage(case: dict[str, Any]) -> None:
    passages = split_passages(whole(case["input"]), case["longest"])
    for words, headings in case["expect"].items():
        (passage,) = (p for p in passages if words in p.text)
        above = passage.headings + tuple(line for line in passage.text.split("\n") if line in headings)
        assert list(above) == headings


def test_headings_of_the_speech_come_first() -> None:
    speech = whole("一、种树\n今年种五万亩。\n明年种六万亩。").cut(0, 20, headings=("讲话",))
    assert split_passages(speech, 10)[-1].headings == ("讲话", "一、种树")


def test_a_text_that_fits_is_one_passage() -> None:
    assert [p.text for p in split_passages(whole("\n一、种树\n今年种五万亩。\n "), 100)] == ["一、种树\n今年种五万亩。"]


def test_a_heading_stays_with_its_section() -> None:
    text = "\n".join(f"{n}、第{n}件事\n{'这件事要办好。' * 6}" for n in "一二三四五六")
    passages = split_passages(whole(text), 120)
    assert len(passages) > 2
    assert all(passage.text[1] == "、" for passage in passages)


def test_passages_are_of_similar_size() -> None:
    text = "\n".join("各级各部门要高度重视。" * 4 for _ in range(23))
    sizes = [len(p.text) for p in split_passages(whole(text), 1000)]
    assert len(sizes) == 2
    assert min(sizes) > 0.8 * max(sizes)


def test_a_sentence_is_cut_at_a_comma_only_if_it_is_too_long() -> None:
    long = "要" * 30 + "," + "快" * 30
    texts = [p.text for p in split_passages(whole(f"短句在前。{long}。短句在后。"), 50)]
    assert texts == ["短句在前。", "要" * 30 + ",", "快" * 30 + "。短句在后。"]


@pytest.mark.parametrize("longest", [0, -5])
def test_a_passage_needs_at_least_one_character(longest: int) -> None:
    with pytest.raises(ValueError, match=f"not {longest}"):
        split_passages(whole("文"), longest)


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem[:3])
@pytest.mark.parametrize("longest", [300, 1000, 3000])
def test_passages_of_seeds_end_with_sentences(path: Path, longest: int) -> None:
    text = path.read_text(encoding="utf-8")
    ends = {j for _, j in sentences(text)}
    passages = split_passages(whole(text), longest)
    cut_inside = [p for p in passages if p.end not in ends]
    assert all(len(p.text) > longest // 3 for p in cut_inside)  # parts of a sentence longer than a passage
    assert len(cut_inside) <= len(passages) // 10 or longest == 300


@given(TEXTS, st.integers(1, 80))
@settings(max_examples=200, deadline=None)
def test_every_visible_character_is_in_exactly_one_passage(text: str, longest: int) -> None:
    passages = split_passages(whole(text), longest)
    covered = [n for passage in passages for n in passage.starts]
    assert covered == sorted(set(covered))
    assert all(text[n].isspace() for n in set(range(len(text))) - set(covered))
    assert all(0 < len(p.text) <= longest and p.text == p.text.strip() for p in passages)


@given(TEXTS)
@settings(max_examples=200, deadline=None)
def test_sentences_cover_the_text_in_order(text: str) -> None:
    for spans in (sentences(text), sentences(text, semicolons=True)):
        covered = [n for i, j in spans for n in range(i, j)]
        assert covered == sorted(set(covered))
        assert all(text[n].isspace() for n in set(range(len(text))) - set(covered))


@given(TEXTS)
@settings(max_examples=200, deadline=None)
def test_clauses_are_stripped_in_order_and_within_sentences(text: str) -> None:
    spans = clauses(text)
    ends = [n for span in spans for n in span]
    assert ends == sorted(ends)
    assert all(text[i:j] == text[i:j].strip() != "" for i, j in spans)


@pytest.mark.parametrize("character", ["啊", "。", ",", "“", '"', "(", "一", "1", "\n", " "])
def test_a_long_run_of_one_character_passes(character: str) -> None:
    text = character * 200_000
    passages = split_passages(whole(text), 3000)
    assert sum(len(p.text) for p in passages) == len(text.strip())
    assert all(i < j for i, j in [*sentences(text), *clauses(text)])
