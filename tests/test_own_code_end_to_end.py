"""A schema's own validators, from the command line to the files: a refused item costs neither document nor answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from fake_endpoint import FakeEndpoint, Step, answer_step, answering, field_of, passage_of
from typer.testing import CliRunner

from extractor import load_schema
from extractor.cli.main import app
from extractor.document import Json

SCHEMA = """from typing import Annotated, Literal
from pydantic import BaseModel, Field, field_validator, model_validator
from extractor.fields import *

class Sum(BaseModel):
    value: Annotated[Quantity, Unit("元")] = Field(description="金额")
    purpose: Verbatim | None = Field(description="用途")
    evidence: list[Evidence]

    @model_validator(mode="after")
    def check(self):
        CHECK
        return self

class Record(BaseModel):
    kind: Literal["speech", "report"] | None = Field(description="文种")
    venue: Verbatim | None = Field(description="地点")
    sums: Annotated[list[Sum], Cue("投资")] = Field(description="资金")
"""
TEXT = "会议在{}市礼堂召开。县里投资3亿元修路，投资5亿元修桥，投资20人。\n"
ANSWERS: Json = {
    "kind": "report",
    "sums": [
        {"value": "3亿元", "purpose": "修路"},
        {"value": "5亿元", "purpose": "修桥"},
        {"value": "20人", "purpose": None},
    ],
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("texts").mkdir()
    for city in "甲乙":
        Path(f"texts/{city}.txt").write_text(TEXT.format(city), encoding="utf-8")
    return tmp_path


@pytest.fixture
def fake() -> Iterator[FakeEndpoint]:
    def answer(body: Json) -> Step:
        name = field_of(body)
        city = "甲" if "甲市" in passage_of(body) else "乙"
        return answer_step({name: ANSWERS.get(name, f"{city}市礼堂")})

    with answering(answer) as server:
        yield server


def write(check: str, more: str = "") -> None:
    Path("my.py").write_text(SCHEMA.replace("CHECK", check) + more, encoding="utf-8")


def extract(fake: FakeEndpoint, *more: str) -> Result:
    model = ("--base-url", fake.base_url, "--model", "fake")
    result = CliRunner().invoke(app, ["extract", "texts", "-o", "out.jsonl", "--schema", "my.py", *model, *more])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def lines() -> list[Json]:
    return [json.loads(line) for line in Path("out.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ('assert self.purpose != "修桥", "no bridges"', "no bridges"),
        ('if self.purpose == "修桥": raise ValueError("no bridges")', "no bridges"),
        ('if self.purpose == "修桥": raise KeyError(self.purpose)', "KeyError: '修桥'"),
        ('{"修路": 1}[self.purpose]', "KeyError: '修桥'"),
        ('if self.purpose == "修桥": raise RecursionError("deep")', "RecursionError: deep"),
    ],
)
def test_a_refused_item_costs_neither_the_document_nor_an_answer(check: str, message: str, fake: FakeEndpoint) -> None:
    write(check)
    assert extract(fake).exit_code == 0
    assert not Path("out.jsonl.failures.jsonl").exists()
    for line, city in zip(lines(), "乙甲" if lines()[0]["id"] == "乙" else "甲乙", strict=True):
        assert (line["record"]["kind"], line["record"]["venue"]) == ("report", f"{city}市礼堂")
        assert [item["value"]["text"] for item in line["record"]["sums"]] == ["3亿元"]
        load_schema("my.py").record.model_validate(line["record"])
        unit, own = line["problems"]
        assert (unit["kind"], unit["field"], unit["value"]) == ("refused", "sums.value", "20人")
        assert (own["kind"], own["field"], own["value"]) == ("refused", "sums", "5亿元")
        assert own["detail"] == f"the schema's own code refuses it: {message}"
        assert "5亿元" in TEXT.format(city)[own["start"] : own["end"]]
    count = len(fake.seen)
    assert extract(fake).exit_code == 0
    assert len(fake.seen) == count == 6


def test_a_back_fill_asks_for_the_new_field_alone(fake: FakeEndpoint) -> None:
    write('assert self.purpose != "修桥", "no bridges"')
    extract(fake)
    before = {line["id"]: line for line in lines()}
    fake.seen.clear()
    write('assert self.purpose != "修桥", "no bridges"', '    place: Verbatim | None = Field(description="礼堂")\n')
    assert extract(fake).exit_code == 0
    assert [field_of(seen.body) for seen in fake.seen] == ["place", "place"]
    for line in lines():
        old = before[line["id"]]
        assert {name: line["record"][name] for name in old["record"]} == old["record"]
        assert line["problems"] == old["problems"]


def test_a_schema_that_would_lose_answers_asks_nothing(fake: FakeEndpoint) -> None:
    write("pass")
    source = Path("my.py").read_text(encoding="utf-8")
    Path("my.py").write_text(
        source.replace("venue: Verbatim | None", "venue: Annotated[Verbatim | None, Field(max_length=3)]")
    )
    result = extract(fake)
    assert result.exit_code == 2
    assert "my.py:17: Record.venue has max_length=3. A true value of a text may break that" in result.stderr
    assert fake.seen == []
    assert not Path("out.jsonl").exists()
