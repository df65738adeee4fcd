"""What a schema's own code refuses costs that value or item, never the document, and what it changes stays true."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from scripted import cases, document, labels, scripted

from extractor.document import Json
from extractor.llm.call import Request
from extractor.llm.models import LARGE
from extractor.pipeline.backfill import valid_fields
from extractor.pipeline.convert import EarlierRecord, convert
from extractor.pipeline.recipe import Recipe
from extractor.schema.loading import load_schema

SCHEMA = """from typing import Annotated, Literal
from pydantic import *
from extractor.fields import *

class Sum(BaseModel):
    value: Quantity
    purpose: Verbatim | None
    bodies: list[Verbatim]
    evidence: list[Evidence]
ITEM

class Record(BaseModel):
    venue: Verbatim | None
    hosts: list[Name]
    kind: Literal["speech", "report"] | None
    date: EdtfDate | None
    sums: list[Sum]
RECORD
"""
TEXT = (
    "2014年5月27日，县住建局和县水利局在县政府礼堂召开会议。"
    "县财政投资3亿元修路。县住建局、县水利局投资5亿元修桥。村里投资7万元修渠。"
)
ANSWER: Json = {
    "venue": "县政府礼堂",
    "hosts": ["县住建局", "县水利局"],
    "kind": "report",
    "date": "2014年5月27日",
    "sums": [
        {"value": "3亿元", "purpose": "修路", "bodies": ["县财政"]},
        {"value": "5亿元", "purpose": "修桥", "bodies": ["县住建局", "县水利局"]},
        {"value": "7万元", "purpose": "修渠", "bodies": []},
    ],
}


def converted(folder: Path, case: Json, earlier: Any = None) -> tuple[Json, int]:
    """The output line for a schema with the case's code, and how many questions were asked."""

    def indented(code: str) -> str:
        return "\n".join(f"    {line}" for line in code.splitlines())

    source = SCHEMA.replace("ITEM", indented(case.get("item", ""))).replace("RECORD", indented(case.get("record", "")))
    for old, new in case.get("types", {}).items():
        assert old in source
        source = source.replace(old, new)
    path = folder / "mine.py"
    path.write_text(source, encoding="utf-8")
    asked: list[Request] = []
    call = scripted(lambda request: {request.about["field"]: ANSWER[request.about["field"]]}, asked)
    recipe = Recipe(load_schema(str(path)), "scripted", LARGE)
    if earlier is not None:
        assert set(valid_fields(earlier, recipe)) == set(ANSWER)
    known = (lambda name: EarlierRecord(earlier)) if earlier else (lambda name: None)
    (done,) = convert(document(TEXT), recipe, call, known=known)
    assert done.failures == []
    return dict(done.line), len(asked)


def brief(record: Json) -> Json:
    """The record without what code computes: words alone."""
    sums = [f"{one['value']['text']} {one['purpose']} {'、'.join(one['bodies'])}".strip() for one in record["sums"]]
    date = record["date"] and record["date"]["text"]
    return {**{name: record[name] for name in ("venue", "hosts", "kind")}, "date": date, "sums": sums}


WHOLE = {
    "venue": "县政府礼堂",
    "hosts": ["县住建局", "县水利局"],
    "kind": "report",
    "date": "2014年5月27日",
    "sums": ["3亿元 修路 县财政", "5亿元 修桥 县住建局、县水利局", "7万元 修渠"],
}


def evidence_of(value: Any) -> list[Json]:
    if isinstance(value, dict) and value.keys() == {"text", "start", "end"}:
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [place for one in inner for place in evidence_of(one)]


@pytest.mark.parametrize("case", cases("validate"), ids=labels)
def test_what_own_code_refuses_costs_one_value(case: Json, tmp_path: Path) -> None:
    line, asked = converted(tmp_path, case)
    assert asked == len(ANSWER)
    assert brief(line["record"]) == {**WHOLE, **case.get("holds", {})}
    problems = [" ".join(filter(None, (p["kind"], p["field"], p["value"]))) for p in line["problems"]]
    assert problems == case.get("problems", [])
    details = [p["detail"] for p in line["problems"]]
    assert all(case["detail"] in detail for detail in details) if "detail" in case else details == []
    for place in evidence_of([line["record"], line["evidence"], line["coverage"]]):
        assert TEXT[place["start"] : place["end"]] == place["text"]
    # Each plain value that is left has its evidence, and no other.
    for name in ("venue", "hosts"):
        value, places = line["record"][name], line["evidence"].get(name, [])
        assert len(places) == (len(value) if isinstance(value, list) else int(value is not None))
    for key, value in case.get("adds", {}).items():
        assert line["record"][key] == value


@pytest.mark.parametrize("case", cases("validate"), ids=labels)
def test_a_line_is_the_same_when_it_is_written_again(case: Json, tmp_path: Path) -> None:
    """Nothing is asked again, and what was refused stays reported."""
    line, _ = converted(tmp_path, case)
    again, asked = converted(tmp_path, case, line)
    assert (asked, again) == (0, {**line, "problems": again["problems"]})
    assert {p["value"] for p in line["problems"]} <= {p["value"] for p in again["problems"]}


def test_marks_follow_their_items(tmp_path: Path) -> None:
    """The third sum is the second one left: its mark has the new index."""
    refusing = (
        '@model_validator(mode="after")\ndef f(self):\n    assert self.value.number != 500000000\n    return self'
    )
    slip = {**ANSWER, "sums": [*ANSWER["sums"][:2], {**ANSWER["sums"][2], "value": "7 万元"}]}
    before = dict(ANSWER)
    ANSWER.update(slip)
    try:
        whole, _ = converted(tmp_path, {})
        line, _ = converted(tmp_path, {"item": refusing})
    finally:
        ANSWER.update(before)
    assert [(mark["field"], mark["item"]) for mark in whole["marks"]] == [("sums", 2)]
    assert [(mark["field"], mark["item"]) for mark in line["marks"]] == [("sums", 1)]


def test_an_item_s_own_error_is_found_in_any_of_many(tmp_path: Path) -> None:
    """Each subset of the sums that raises, with errors that pydantic does not catch."""
    for count in range(4):
        for numbers in itertools.combinations((300000000, 500000000, 70000), count):
            code = f'@model_validator(mode="after")\ndef f(self):\n    if self.value.number in {set(numbers) or ()}:\n        raise KeyError("x")\n    return self'
            line, _ = converted(tmp_path, {"item": code})
            assert len(line["record"]["sums"]) == 3 - count
            assert sorted(p["detail"].partition(": ")[2] for p in line["problems"]) == ["KeyError: 'x'"] * count
