"""A role needs words about the person that say it and don't deny it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scripted import ROOT, document, scripted

from extractor.llm.models import LARGE
from extractor.pipeline.convert import convert
from extractor.pipeline.recipe import Recipe
from extractor.schema.loading import load_schema

CASES = json.loads((ROOT / "tests" / "cases" / "roles.json").read_text(encoding="utf-8"))
RECIPE = Recipe(load_schema("meeting"), "m", LARGE)


@pytest.mark.parametrize("case", CASES, ids=[case["label"] for case in CASES])
def test_roles_that_a_large_model_says(case: dict[str, Any]) -> None:
    answer = {"officials": [{"name": case["name"], "roles": case["says"]}]}
    (done,) = convert(document(case["text"]), RECIPE, scripted(lambda _: answer))
    (official,) = done.line["record"]["officials"]
    assert official["roles"] == case["holds"]
    refused = [p["value"] for p in done.line["problems"] if p["kind"] == "unsupported"]
    assert refused == [role for role in case["says"] if role not in case["holds"]]
