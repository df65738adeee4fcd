"""The type of the output line, and what follows from it."""

from __future__ import annotations

import json

import jsonschema
import pytest
from output_keys import PAGE, page_with_table
from pydantic import BaseModel, TypeAdapter, ValidationError
from scripted import ROOT, document, scripted

from extractor.fields import Clause
from extractor.llm.models import LARGE
from extractor.pipeline.convert import convert
from extractor.pipeline.line_format import OutputLine, Run
from extractor.pipeline.output_line import line_schema
from extractor.pipeline.recipe import Recipe
from extractor.schema.loading import load_schema

LINES = [json.loads(line) for line in (ROOT / "fixtures" / "records.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("line", LINES, ids=lambda line: str(line["id"]))
def test_lines_are_of_the_type_and_fit_the_json_schema(line: OutputLine) -> None:
    assert TypeAdapter(OutputLine).validate_python(line, strict=True) == line
    jsonschema.validate(line, line_schema(load_schema("meeting")))


@pytest.mark.parametrize(
    "key", ["format", "id", "source", "document", "record", "evidence", "marks", "coverage", "problems", "run"]
)
def test_each_key_is_there_and_no_other(key: str) -> None:
    without = {name: value for name, value in LINES[0].items() if name != key}
    for wrong in (without, {**LINES[0], "more": 1}):
        with pytest.raises(ValidationError):
            TypeAdapter(OutputLine).validate_python(wrong)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, line_schema(load_schema("meeting")))


def test_the_table_of_keys_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page_with_table(), "run `python tests/update_docs.py`"


class Source(BaseModel):
    """An item with the name of a part of the line."""

    what: Clause


class Sources(BaseModel):
    sources: list[Source]


def test_an_item_may_have_the_name_of_a_part_of_the_line() -> None:
    schema = load_schema(Sources)
    call = scripted(lambda _: {"sources": [{"what": "要加强管理"}]})
    (done,) = convert(document("要加强管理。"), Recipe(schema, "m", LARGE), call)
    assert done.line["record"]["sources"][0]["what"] == "要加强管理"
    jsonschema.validate(done.line, line_schema(schema))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**done.line, "source": {"what": "要加强管理", "evidence": []}}, line_schema(schema))


def test_keys_come_in_the_order_of_the_type() -> None:
    assert list(LINES[0]) == list(OutputLine.__annotations__)
    assert list(LINES[0]["run"]) == list(Run.__annotations__)
