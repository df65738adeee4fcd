"""A quantity is taken whole, or not at all, whatever part of it a model quotes."""

from __future__ import annotations

import pytest
from scripted import cases, document, labels, scripted

from extractor.document import Json
from extractor.lang.quantities import parse_quantity
from extractor.llm.models import LARGE
from extractor.pipeline.convert import convert
from extractor.pipeline.recipe import Recipe
from extractor.schema.loading import load_schema

MEETING = load_schema("meeting")


@pytest.mark.parametrize("case", cases("quantities_whole"), ids=labels)
def test_a_part_of_a_quantity_stands_for_all_of_it(case: Json) -> None:
    answer = {"statistics": [{"indicator": "数", "value": case["answered"]}]}
    (done,) = convert(document(case["text"]), Recipe(MEETING, "m", LARGE), scripted(lambda _: answer))
    found = [{**item["value"], "change": None} for item in done.line["record"]["statistics"]]
    whole = parse_quantity(case["whole"]) if case["whole"] else None
    assert found == ([whole.model_dump()] if whole else [])
    if not whole:
        assert case["answered"] in [problem["value"] for problem in done.line["problems"]]
