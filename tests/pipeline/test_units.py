"""Numbers in other units than `Unit` names are refused, are no candidates, and are not missed by coverage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scripted import document, scripted

from extractor.document import Json
from extractor.llm.call import Profile, Request
from extractor.llm.models import LARGE, SMALL
from extractor.pipeline.convert import convert
from extractor.pipeline.recipe import Recipe
from extractor.schema.loading import load_schema

SCHEMA = """from typing import Annotated
from pydantic import BaseModel, Field
from extractor.fields import *

class Sum(BaseModel):
    ANCHOR

class Record(BaseModel):
    sums: Annotated[list[Sum], Cue("投资|增长|建成"), Expects()] = Field(description="资金")
    total: TOTAL = Field(description="总额")
"""
ANCHOR = 'value: Annotated[Quantity, UNIT] = Field(description="金额")'
TEXT = "全县投资3亿元，其中外商投资2万美元，建成8个项目，增长两成，投资强度每亩5万元。"
NUMBERS = ["3亿元", "2万美元", "8个", "两成", "每亩5万元"]


def converted(folder: Path, profile: Profile, anchor: str, total: str, answers: Json) -> tuple[Json, list[Request]]:
    path = folder / "mine.py"
    source = SCHEMA.replace("ANCHOR", anchor).replace("TOTAL", total)
    if "Clause" in anchor:
        source = source.replace(", Expects()", "")
    path.write_text(source, encoding="utf-8")
    asked: list[Request] = []
    call = scripted(lambda request: {request.about["field"]: answers[request.about["field"]]}, asked)
    (done,) = convert(document(TEXT), Recipe(load_schema(str(path)), "scripted", profile), call)
    return dict(done.line), asked


@pytest.mark.parametrize(
    ("unit", "kept", "expected"),
    [
        ('Unit("元")', ["3亿元"], 1),
        ('Unit("元", "美元")', ["3亿元", "2万美元"], 2),
        ('Unit("%")', ["两成"], 1),
        ('Unit("个")', ["8个"], 1),
        ('Unit("元/亩")', ["每亩5万元"], 1),
        ('Unit("")', [], 0),
        ("Most(30)", NUMBERS, 5),
    ],
)
def test_numbers_in_another_unit(unit: str, kept: list[str], expected: int, tmp_path: Path) -> None:
    answers = {"sums": [{"value": words} for words in NUMBERS], "total": None}
    line, asked = converted(tmp_path, LARGE, ANCHOR.replace("UNIT", unit), "Quantity | None", answers)
    assert [item["value"]["text"] for item in line["record"]["sums"]] == kept
    refused = [words for words in NUMBERS if words not in kept]
    assert [(p["kind"], p["field"], p["value"]) for p in line["problems"]] == [
        ("refused", "sums.value", words) for words in refused
    ]
    for problem in line["problems"]:
        assert TEXT[problem["start"] : problem["end"]] == problem["value"]
    assert line["coverage"]["sums"]["expected"] == expected
    # If forms are filled, code finds the numbers and no model is asked.
    line, asked = converted(tmp_path, SMALL, ANCHOR.replace("UNIT", unit), "Quantity | None", answers)
    assert [item["value"]["text"] for item in line["record"]["sums"]] == kept
    assert [request.about["field"] for request in asked] == ["total"]
    assert line["problems"] == []


def test_a_problem_names_unit_and_number(tmp_path: Path) -> None:
    answers = {"sums": [{"value": "8个"}], "total": None}
    line, _ = converted(tmp_path, LARGE, ANCHOR.replace("UNIT", 'Unit("元", "%", "")'), "Quantity | None", answers)
    assert [p["detail"] for p in line["problems"]] == ["8个 is in 个, not in 元 or % or no unit"]


@pytest.mark.parametrize("profile", [LARGE, SMALL], ids=["read", "form"])
def test_a_single_value_is_null(profile: Profile, tmp_path: Path) -> None:
    answers = {"sums": [], "total": "8个"}
    unit = 'Annotated[Quantity | None, Unit("元")]'
    line, asked = converted(tmp_path, profile, ANCHOR.replace("UNIT", 'Unit("元")'), unit, answers)
    assert line["record"]["total"] is None
    assert [(p["kind"], p["field"], p["value"]) for p in line["problems"]] == [("refused", "total", "8个")]
    question = next(request for request in asked if request.about["field"] == "total")
    assert "总额（只要单位为元的数）" in "".join(message["content"] for message in question.body["messages"])


@pytest.mark.parametrize(
    ("part", "holds"),
    [
        ('Annotated[Quantity | None, Unit("元")]', [{"text": "投资3亿元", "n": "3亿元"}, {"text": "建成8个项目", "n": None}]),
        ('Annotated[list[Quantity], Unit("元")]', [{"text": "投资3亿元", "n": ["3亿元"]}, {"text": "建成8个项目", "n": []}]),
        ('Annotated[Quantity, Unit("元")]', [{"text": "投资3亿元", "n": "3亿元"}]),
    ],
)  # fmt: skip
def test_a_part_in_another_unit(part: str, holds: list[Any], tmp_path: Path) -> None:
    """An optional part becomes null, and the item goes if it needs the part."""

    def words(value: Any) -> Any:
        return [words(one) for one in value] if isinstance(value, list) else value and value["text"]

    anchor = f'text: Clause = Field(description="事")\n    n: {part} = Field(description="数")'
    is_list = "list" in part
    items = [{"text": text, "n": [n] if is_list else n} for text, n in (("投资3亿元", "3亿元"), ("建成8个项目", "8个"))]
    line, _ = converted(tmp_path, LARGE, anchor, "Quantity | None", {"sums": items, "total": None})
    assert [{"text": item["text"], "n": words(item["n"])} for item in line["record"]["sums"]] == holds
    assert [(p["kind"], p["field"], p["value"]) for p in line["problems"]] == [("refused", "sums.n", "8个")]


def test_code_reads_off_the_number_in_the_unit(tmp_path: Path) -> None:
    anchor = 'text: Clause = Field(description="事")\n    n: Annotated[Quantity | None, Unit("元/亩")] = Field(description="数")'
    line, _ = converted(tmp_path, SMALL, anchor, "Quantity | None", {"sums": [], "total": None})
    numbers = [item["n"] and item["n"]["text"] for item in line["record"]["sums"]]
    assert numbers == [None, None, None, None, "每亩5万元"]


def test_a_unit_is_part_of_the_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    prints = []
    for unit in ('Unit("元")', 'Unit("美元")', "Most(30)"):
        path.write_text(SCHEMA.replace("ANCHOR", ANCHOR.replace("UNIT", unit)).replace("TOTAL", "Quantity | None"))
        prints.append(Recipe(load_schema(str(path)), "m", LARGE).fields["sums"])
    assert len(set(prints)) == 3
