"""Boundaries of speeches: a real compilation of eight, others glued together, and texts that stay whole."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import ROOT

from extractor.document import Document, Excerpt
from extractor.pipeline.clean.clean import clean
from extractor.pipeline.split.speeches import split_speeches

SEEDS = ROOT / "seeds"
CASES = json.loads((ROOT / "tests" / "cases" / "speeches.json").read_text(encoding="utf-8"))
TEXTS: dict[str, str] = CASES["texts"]

# Where the eight speeches of the compilation begin and end, by hand.
COMPILATION = "001_b33f20b64f905d37"
BOUNDS = [28, 5590, 10781, 13723, 18009, 19680, 24676, 25156, 28097]
NEAR = 30

LINES = st.lists(
    st.sampled_from(
        [
            *[
                "同志们:",
                "各位代表：",
                "一、加强领导",
                "二、突出重点",
                "(一)抓落实",
                "谢谢大家!",
                "【篇一】",
                "篇2",
                "",
            ],
            *[
                "本报讯 5月27日,市委召开会议。",
                "在全市会议上的讲话",
                "XX市人民政府办公室",
                "讲话要点(推荐8篇)",
                " \u3000",
            ],
            *[
                "今天这次会议,主要任务是部署防汛工作,下面我讲三点意见:" * 3,
                "林业部门要做好防火。" * 25,
                "我县小麦长势良好," * 30,
            ],
        ]
    ),
    max_size=14,
).map("\n".join)


def whole(text: str) -> Excerpt:
    return Excerpt.whole(Document("d", "d.txt", text, ""))


def seed(name: str) -> Document:
    (path,) = SEEDS.glob(f"{name}*.txt")
    return Document(path.stem, path.name, path.read_text(encoding="utf-8"), "")


def speeches_of_compilation() -> list[str]:
    text = seed(COMPILATION).text
    return [text[i:j].strip() for i, j in pairwise(BOUNDS)]


def glued(parts: list[str]) -> tuple[str, list[int]]:
    """The parts with one line break between them, and where each begins."""
    begins = [sum(len(part) + 1 for part in parts[:n]) for n in range(len(parts))]
    return "\n".join(parts), begins


def labels(case: Any) -> str:
    return str(case["label"]) if isinstance(case, dict) else str(case)


@pytest.mark.parametrize("prepare", [Excerpt.whole, clean])
def test_real_compilation_is_eight_speeches(prepare: Any) -> None:
    found = split_speeches(prepare(seed(COMPILATION)))
    assert len(found) == len(BOUNDS) - 1
    assert all(abs(speech.start - start) <= NEAR for speech, start in zip(found, BOUNDS[:-1], strict=True))


def test_the_title_of_a_compilation_is_a_named_omission() -> None:
    speech = split_speeches(Excerpt.whole(seed(COMPILATION)))[0]
    assert [(o.start, o.end, o.rule) for o in speech.omissions] == [(0, 27, "compilation-title")]


@pytest.mark.parametrize("name", ["000", "002", "003", "004"])
@pytest.mark.parametrize("prepare", [Excerpt.whole, clean])
def test_single_seed_stays_one(name: str, prepare: Any) -> None:
    assert len(split_speeches(prepare(seed(name)))) == 1


@pytest.mark.parametrize("order", [[1, 0, 2], [4, 3, 7], [6, 1, 4], [7, 5, 3, 2], [0, 5, 1], [2, 1, 3], [5, 6, 7]])
def test_speeches_of_compilation_in_another_order(order: list[int]) -> None:
    speeches = speeches_of_compilation()
    text, begins = glued([speeches[n] for n in order])
    assert [speech.start for speech in split_speeches(whole(text))] == begins


@pytest.mark.parametrize(
    "order",
    [
        pytest.param([4, 0], marks=pytest.mark.xfail(strict=True, reason="same subject and level, no first words")),
        pytest.param([7, 0], marks=pytest.mark.xfail(strict=True, reason="a number is missing at its beginning")),
    ],
)
def test_speeches_without_a_visible_boundary(order: list[int]) -> None:
    speeches = speeches_of_compilation()
    text, begins = glued([speeches[n] for n in order])
    assert [speech.start for speech in split_speeches(whole(text))] == begins


@pytest.mark.parametrize("case", CASES["several"], ids=labels)
def test_glued_speeches_are_separated(case: dict[str, Any]) -> None:
    text, begins = glued([TEXTS[part] for part in case["parts"]])
    assert [speech.start for speech in split_speeches(whole(text))] == begins


@pytest.mark.parametrize("case", CASES["marks"], ids=labels)
@pytest.mark.parametrize("prepare", [Excerpt.whole, clean])
def test_a_compilers_marks_are_boundaries(case: dict[str, Any], prepare: Any) -> None:
    parts = [f"{mark}\n{TEXTS[name]}" for mark, name in zip(case["marks"], ["wheat", "fire", "school"], strict=True)]
    text, begins = glued(["领导讲话稿大全(3篇)\n以下是小编整理的讲话稿,供大家参考。", *parts])
    speeches = split_speeches(prepare(Document("d", "d.txt", text, "")))
    assert len(speeches) == len(case["marks"])
    assert all(0 <= speech.start - begin <= NEAR for speech, begin in zip(speeches, begins[1:], strict=True))


@pytest.mark.parametrize("case", CASES["negative"], ids=labels)
def test_single_text_stays_one(case: dict[str, Any]) -> None:
    (speech,) = split_speeches(whole(case["input"]))
    assert speech.text == case["input"]


@pytest.mark.parametrize("name", TEXTS)
def test_single_speech_stays_one(name: str) -> None:
    (speech,) = split_speeches(whole(f"\n \n{TEXTS[name]}\n\n"))
    assert speech.text == TEXTS[name]


def test_a_compilation_title_stays_with_a_single_speech() -> None:
    text = f"讲话稿(精选2篇)\n{TEXTS['fire']}"
    assert [speech.text for speech in split_speeches(whole(text))] == [text]


def test_a_removed_byline_ends_a_report() -> None:
    text = f"{TEXTS['visit']}\n(记者 陈晨)\n今年以来,{TEXTS['visit'][10:]}"
    speeches = split_speeches(clean(Document("d", "d.txt", text, "")))
    assert [speech.text[:4] for speech in speeches] == ["本报讯 ", "今年以来"]


@pytest.mark.parametrize("text", ["", "\n \n\u3000"])
def test_a_blank_text_has_no_speech(text: str) -> None:
    assert split_speeches(whole(text)) == []


@given(LINES)
@settings(max_examples=150, deadline=None)
def test_every_visible_character_is_in_one_speech_or_a_named_omission(text: str) -> None:
    speeches = split_speeches(whole(text))
    covered = [n for speech in speeches for n in speech.starts]
    omitted = [n for o in speeches[0].omissions for n in range(o.start, o.end)] if speeches else []
    assert sorted(set(covered) | set(omitted)) == sorted([*covered, *omitted])
    assert covered == sorted(covered)
    assert all(text[n].isspace() for n in set(range(len(text))) - set(covered) - set(omitted))
    assert all(speech.text == speech.text.strip() != "" for speech in speeches)
