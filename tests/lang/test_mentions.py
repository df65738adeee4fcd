"""The concrete things that a clause names, and the periods by whose end something is to be done."""

from __future__ import annotations

import pytest
from scripted import cases, labels

from extractor.document import Json
from extractor.lang.date_spans import find_deadlines
from extractor.lang.mentions import mentions_of

DEADLINES = cases("deadlines")


@pytest.mark.parametrize("case", cases("mentions")["clauses"], ids=labels)
def test_names_the_concrete_things_of_a_clause(case: Json) -> None:
    assert mentions_of(case["input"]) == case["expect"]


@pytest.mark.parametrize("case", DEADLINES["found"], ids=labels)
def test_finds_deadlines(case: Json) -> None:
    text = case["input"]
    assert [text[i:j] for i, j in find_deadlines(text)] == case["expect"]


@pytest.mark.parametrize("case", DEADLINES["none"], ids=labels)
def test_takes_no_other_period_for_a_deadline(case: Json) -> None:
    assert find_deadlines(case["input"]) == []
