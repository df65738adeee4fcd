"""People in official prose. Names and places are invented."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import cases, labels

from extractor.document import Json
from extractor.lang.people import find_people

NAMES = cases("names")


def people(text: str) -> list[str]:
    spans = find_people(text)
    return list(dict.fromkeys(text[i:j] for i, j in spans))


@pytest.mark.parametrize("case", NAMES["found"], ids=labels)
def test_finds_people(case: Json) -> None:
    assert people(case["input"]) == case["expect"]


@pytest.mark.parametrize("case", NAMES["none"], ids=labels)
def test_takes_nothing_else_for_a_name(case: Json) -> None:
    assert people(case["input"]) == []


@pytest.mark.parametrize("case", NAMES["known_failures"], ids=labels)
@pytest.mark.xfail(strict=True, reason="only knowing the people, or reading on, separates the name from its neighbours")
def test_known_failures(case: Json) -> None:
    assert people(case["input"]) == case["expect"]


def test_finds_each_mention() -> None:
    text = "县长何志远主持会议。何志远要求，要抓好落实。会后，何志远到企业调研。"
    assert [text[i:j] for i, j in find_people(text)] == ["何志远"] * 3


PROSE = st.lists(
    st.sampled_from(
        [*"王李张欧阳同志的、，。\n_某", "县长", "副书记", "同志", "出席", "强调", "领导", "欧阳", "x" * 9]
    ),
    max_size=40,
).map("".join)


def test_a_name_at_the_very_end_ends_there() -> None:
    text = "出席的有县长李燕"
    assert find_people(text) == [(6, 8)]


@settings(deadline=None, max_examples=150)
@given(PROSE)
def test_spans_are_in_order_and_apart(prose: str) -> None:
    text = f"{prose}。"
    spans = find_people(text)
    assert all(0 <= i < j <= len(text) for i, j in spans)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))
    assert not any(set(text[i:j]) & set("、，。\n_x") for i, j in spans)
