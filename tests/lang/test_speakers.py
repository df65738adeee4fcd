"""Who voices what a text says. Names and places are invented."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import cases, labels

from extractor.document import Json
from extractor.lang.speakers import find_voiced, speaker_at

SPEAKERS = cases("speakers")


@pytest.mark.parametrize("case", SPEAKERS["named"] + SPEAKERS["none"], ids=labels)
def test_says_who_voices_a_place(case: Json) -> None:
    text = case["input"]
    span = speaker_at(text, text.index(case["at"]))
    assert (text[slice(*span)] if span else None) == case["expect"]


PIECES = [
    "何志远",
    "会议",
    "强调，",
    "要求",
    "“",
    "”",
    "。",
    "，",
    "在",
    "对",
    "他",
    "并",
    "：",
    "的",
    "\n",
    "要",
    "书记",
]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_stretches_are_in_order_and_in_the_text(text: str) -> None:
    voiced = find_voiced(text)
    assert all(0 <= one.start <= one.end <= len(text) for one in voiced)
    assert list(voiced) == sorted(voiced, key=lambda one: one.start)


@pytest.mark.parametrize(
    "piece", ["在", "对就", "还也", "并", "会", "会议强调，", "何志远说：“", "他说，", "根据", "提出"]
)
def test_long_texts_take_linear_time(piece: str) -> None:
    def seconds(count: int) -> float:
        find_voiced.cache_clear()
        begun = time.thread_time()
        find_voiced(piece * count)
        return time.thread_time() - begun

    short = min(seconds(500) for _ in range(3))
    assert seconds(4000) < max(0.5, 24 * short)
