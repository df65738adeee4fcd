"""Numbers in tables: what they count, their unit and time, for forms and for a model that reads."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import pytest
from scripted import ROOT, cases, labels

from extractor.document import Document, Json

sys.path.insert(0, str(ROOT / "benchmarks"))

from transformations import convert


@pytest.mark.parametrize("case", cases("tables"), ids=labels)
def test_a_number_in_a_table_has_the_names_of_its_row_and_column(case: Json) -> None:
    document = replace(Document.from_text(case["text"]), media=case.get("media", "text"))
    found = convert(document, None)
    assert not found.wrong_evidence
    assert [shown(item) for item in found.items["statistics"]] == case["expect"]


def test_a_model_may_give_a_number_of_a_table_with_its_unit() -> None:
    text = "| 指标 | 单位 | 完成数 | 增长（%） |\n| 地区生产总值 | 亿元 | 356.2 | 5.1 |"
    says = [
        {"indicator": "地区生产总值", "value": "356.2亿元"},
        {"indicator": "地区生产总值增长", "value": "5.1%"},
        {"indicator": "地区生产总值", "value": "356.2万元"},
    ]
    found = convert(Document.from_text(text), {"statistics": says})
    assert [shown(item)[:3] for item in found.items["statistics"]] == [
        ["地区生产总值", 35620000000, "元"],
        ["地区生产总值增长", 5.1, "%"],
    ]
    assert [problem["value"] for problem in found.problems] == ["356.2万元"]


def shown(item: Json) -> list[Any]:
    value = item["value"]
    return [item["indicator"], value["number"], value["unit"], item["period"], value["change"]]
