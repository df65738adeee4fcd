"""What the words around a number say of a change."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scripted import ROOT

from extractor.lang.attributes import is_qualifier
from extractor.lang.changes import changes_in, direction_of
from extractor.lang.quantities import find_quantities

CASES = json.loads((ROOT / "tests" / "cases" / "changes.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["text"] for case in CASES])
def test_direction_and_both_ends_of_a_change(case: dict[str, Any]) -> None:
    text = case["text"]
    directions = {text[i:j]: direction_of(text, i, j) for i, j in find_quantities(text)}
    expected = case.get("numbers", {})
    assert {number: directions[number] for number in expected} == expected
    found = [[text[slice(*change.old)], text[slice(*change.new)]] for change in changes_in(text)]
    assert found == case.get("changes", [])


@pytest.mark.parametrize(
    ("text", "qualifiers"),
    [
        ("开工亿元以上项目25个", ["亿元以上"]),
        ("引进500强企业3家", ["500强"]),
        ("培育年销售收入超10亿元企业5家", ["超10亿元"]),
        ("建成1000亩以上示范园3个，总投资5亿元", ["1000亩以上"]),
        ("增长8%以上和城镇登记失业率4%以内", []),
        ("确保粮食产量50万吨以上、棉花产量3万吨以上", []),
        ("扶持50户以上大企业", []),
        ("完成投资3亿元的8个项目", []),
    ],
)
def test_a_bound_that_says_which_things_are_counted_is_no_value(text: str, qualifiers: list[str]) -> None:
    numbers = find_quantities(text)
    assert [text[i:j] for i, j in numbers if is_qualifier(text, (i, j), numbers)] == qualifiers
