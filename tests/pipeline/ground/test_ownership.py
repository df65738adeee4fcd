"""Values that stand in the text, but belong to something else than the item that a model gave them for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scripted import ROOT, document, scripted

from extractor.llm.models import LARGE
from extractor.pipeline.convert import convert
from extractor.pipeline.recipe import Recipe
from extractor.schema.loading import load_schema

CASES = json.loads((ROOT / "tests" / "cases" / "ownership.json").read_text(encoding="utf-8"))
RECIPE = Recipe(load_schema("meeting"), "m", LARGE)


@pytest.mark.parametrize("case", CASES, ids=[case["label"] for case in CASES])
def test_a_value_that_belongs_to_something_else_is_left_out_with_a_problem(case: dict[str, Any]) -> None:
    (done,) = convert(document(case["text"]), RECIPE, scripted(lambda _: {case["field"]: [case["says"]]}))
    items = done.line["record"][case["field"]]
    assert [problem["field"] for problem in done.line["problems"] if problem["kind"] == "misplaced"] == (
        [case["problem"]] if "problem" in case else []
    )
    if case["holds"] is None:
        assert items == []
    else:
        assert {name: items[0][name] for name in case["holds"]} == case["holds"]


def test_how_far_something_went_is_no_part_of_what_is_counted() -> None:
    text = "上半年，全县事故起数、死亡人数同比分别下降12.3%、8.7%。"
    says = [{"indicator": "事故起数同比分别下降", "value": "12.3%"}, {"indicator": "死亡人数", "value": "8.7%"}]
    (done,) = convert(document(text), RECIPE, scripted(lambda _: {"statistics": says}))
    found = [(item["indicator"], item["value"]["change"]) for item in done.line["record"]["statistics"]]
    assert found == [("事故起数", "down"), ("死亡人数", "down")]


def test_a_wording_that_only_compares_is_replaced_by_what_is_counted() -> None:
    text = "全县累计投入水利资金1.3亿元，同比下降4.2%。"
    (done,) = convert(
        document(text), RECIPE, scripted(lambda _: {"statistics": [{"indicator": "同比下降", "value": "4.2%"}]})
    )
    (item,) = done.line["record"]["statistics"]
    assert (item["indicator"], item["value"]["change"]) == ("全县累计投入水利资金", "down")
    assert [problem["kind"] for problem in done.line["problems"]] == ["reworded"]
