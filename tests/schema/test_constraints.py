"""Schemas that would lose paid answers are refused when they are loaded, each with its line and what to do instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripted import cases, labels

from extractor.document import Json
from extractor.schema.loading import load_schema
from extractor.schema.shape import SchemaError

HEAD = """from typing import Annotated, Literal
import annotated_types
from pydantic import *
from extractor.fields import *

"""
SCHEMA = (
    HEAD
    + """class Sum(BaseModel):
    value: Quantity
    LEAF

class Record(BaseModel):
    CONFIG
    sums: list[Sum]
    FIELD
"""
)


def source_of(case: Json) -> str:
    leaf, config = case.get("leaf", "purpose: Verbatim | None"), case.get("config", "pass")
    settings = "pass" if config == "pass" else f"model_config = ConfigDict({config})"
    field = case.get("field", "venue: Verbatim | None")
    if case.get("item_config"):
        leaf += f"\n    model_config = ConfigDict({case['item_config']})"
    return SCHEMA.replace("LEAF", leaf).replace("CONFIG", settings).replace("FIELD", field)


@pytest.mark.parametrize("case", cases("constraints")["refused"], ids=labels)
def test_a_schema_that_would_lose_answers_is_refused(case: Json, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(source_of(case), encoding="utf-8")
    with pytest.raises(SchemaError) as error:
        load_schema(str(path))
    message = str(error.value)
    place, _, rest = message.partition(": ")
    line = source_of(case).splitlines()[int(place.rpartition(":")[2]) - 1]
    assert case["line"] in line
    assert rest.startswith(case["says"])
    assert message.endswith(".")


@pytest.mark.parametrize("case", cases("constraints")["accepted"], ids=labels)
def test_a_schema_that_loses_nothing_is_accepted(case: Json, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(source_of(case), encoding="utf-8")
    assert load_schema(str(path)).record.__name__ == "Record"
