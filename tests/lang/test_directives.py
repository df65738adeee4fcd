"""Clauses that demand an action or set a goal: tables in cases/, properties here."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import cases, labels

from extractor.lang.directives import find_directives
from extractor.lang.sentences import clauses

# Pieces of official prose, so that random strings come near the grammar.
PIECES = st.lists(
    st.sampled_from(
        [
            *"要应须将把对为在是了，。；：\n、“”（）12",
            *[
                "各部门",
                "加强",
                "确保",
                "强调",
                "一是",
                "二、",
                "回顾",
                "打算",
                "同志们",
                "领导",
                "10个",
                "总投资",
                "提高",
                "认识",
            ],
        ]
    ),
    max_size=40,
).map("".join)


@pytest.mark.parametrize("case", cases("directives"), ids=labels)
def test_clauses_are_read_in_their_context(case: dict[str, Any]) -> None:
    found = find_directives(case["text"])
    texts = {
        "actions": [case["text"][d.start : d.end] for d in found if d.is_action],
        "goals": [case["text"][d.start : d.end] for d in found if d.is_goal],
    }
    assert texts == {"actions": case["actions"], "goals": case["goals"]}


@given(PIECES | st.text(max_size=200))
def test_directives_are_clauses_in_order(text: str) -> None:
    found = [(d.start, d.end) for d in find_directives(text)]
    assert found == sorted(set(found))
    starts, ends = zip(*clauses(text), strict=True) if clauses(text) else ((), ())
    assert {i for i, _ in found} <= set(starts)
    assert {j for _, j in found} <= set(ends)
    assert all(d.is_action or d.is_goal for d in find_directives(text))


@pytest.mark.parametrize(
    "piece", ["到", "年到", "要", "将", "把将", "“", "（", "一是", "部门", "全面", "加强，", "每年", "确保"]
)
def test_repetition_takes_linear_time(piece: str) -> None:
    """A pattern that tries its parts in every combination would not finish."""
    assert len(find_directives("同志们：" + piece * 2000)) <= 4000
