"""The examples of docs/adding-a-field.md, each added to the schema that the page begins with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scripted import ROOT, document, scripted

from extractor.authoring.check import check_schema
from extractor.document import Json
from extractor.llm.call import Request
from extractor.llm.models import LARGE
from extractor.pipeline.convert import convert
from extractor.pipeline.recipe import Recipe
from extractor.schema.loading import load_schema

PAGE = (ROOT / "docs" / "adding-a-field.md").read_text(encoding="utf-8")
VENUE, *OTHERS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
IMPORTS = "from pydantic import field_validator\nfrom extractor.fields import Unit\n"
TEXT = "会议在县政府礼堂召开，预算3亿元。通知如下。"


def written(folder: Path, *blocks: str) -> str:
    source = (ROOT / "schemas" / "meeting.py").read_text(encoding="utf-8")
    head = "from __future__ import annotations\n"
    assert head in source
    path = folder / "my.py"
    path.write_text(source.replace(head, head + IMPORTS) + "".join(blocks), encoding="utf-8")
    return str(path)


def record_of(schema: str, answers: Json, text: str = TEXT) -> tuple[Json, Json]:
    def answer(request: Request) -> Json:
        return {name: answers[name] for name in request.about["field"].split("+") if name in answers}

    (done,) = convert(document(text), Recipe(load_schema(schema), "scripted", LARGE), scripted(answer))
    return done.line["record"], [f"{p['kind']} {p['field']} {p['value']}" for p in done.line["problems"]]


@pytest.mark.parametrize("block", [VENUE, *(VENUE + other for other in OTHERS)], ids=lambda block: block.strip()[:9])
def test_an_example_of_the_page_has_no_errors(block: str, tmp_path: Path) -> None:
    assert check_schema(written(tmp_path, block)).errors == []


def test_the_examples_of_the_page_do_what_it_says(tmp_path: Path) -> None:
    schema = written(tmp_path, VENUE, *OTHERS)
    answers: Json = {"venue": "县政府礼堂", "kind": "notice", "budget": "3亿元"}
    record, problems = record_of(schema, answers)
    assert (record["venue"], record["kind"], record["budget"]["number"]) == ("县政府礼堂", "notice", 300000000)
    assert problems == []
    answers = {"venue": "县政府", "kind": "notice", "budget": "3户"}
    record, problems = record_of(schema, answers, "会议在县政府召开，预算3户。")
    assert (record["venue"], record["kind"], record["budget"]) == (None, None, None)
    assert sorted(problems) == ["refused budget 3户", "refused venue 县政府", "unsupported kind notice"]
