"""The files that a new schema begins with: the schema, its example, and a test of both."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

SCHEMA = '''"""@RECORD@: what is extracted from a text. See docs/fields.md for every type and marker.

Descriptions are what the model is asked: write them in the language of the texts, and say what is *not* meant as well.
`extractor schema check @NAME@.py` names what would work badly, `extractor schema try @NAME@.py TEXT` shows it at work.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from extractor.fields import Clause, Cue, EdtfDate, Evidence, Mood, Quantity, Subject, Verbatim

# The worked example that a model is shown; a file of this name beside the schema.
EXAMPLE = "@NAME@.example.json"

# Who must act, before the word that says so: 各乡镇、县水利局要…
ORGANS = "((?:[^，。；、]{1,10}、)*[^，。；、]{1,10}?)(?:要|应|必须|负责)"


class Amount(BaseModel):
    """一笔资金。"""

    # An item stands where its first required value stands: here, the number. Code computes what it says.
    value: Quantity = Field(description="金额连同单位，照抄原文，如“160万元”")
    purpose: Verbatim | None = Field(description="这笔资金的用途，照抄同一句中的词语，没有则为null")
    # Filled by code: where in the source the item stands.
    evidence: list[Evidence]


class Task(BaseModel):
    """一项要做的工作。"""

    text: Clause = Field(description="要做的事，照抄原文的分句")
    # Subject has code read them off, so that a small model is not asked for them.
    responsible: Annotated[list[Verbatim], Subject(ORGANS)] = Field(
        description="同一句中写明由谁做，照抄原文，没有则为[]"
    )
    evidence: list[Evidence]


class @RECORD@(BaseModel):
    """一篇文件或讲话。"""

    # One value, or null: a text may lack it. `where="ends"` asks about the beginning and the end of a text only.
    date: Annotated[EdtfDate | None, Cue("[0-9]+月[0-9]+日", where="ends")] = Field(
        description="会议召开或文件发布的日期，照抄原文；没有写明则为null"
    )
    # A Cue says where it is worth asking: without one every passage is asked about.
    venue: Annotated[Verbatim | None, Cue("在[^，。]{2,20}(?:召开|举行)", where="ends")] = Field(
        description="会议地点，照抄原文，如“县政府礼堂”；没有写明则为null"
    )
    amounts: Annotated[list[Amount], Cue("资金|投入|投资|拨付|经费")] = Field(
        description="写明的资金：投入、拨付、安排了多少钱，用在哪里。人数、比率不算"
    )
    # Mood finds the clauses that tell somebody to do something, by their grammar.
    tasks: Annotated[list[Task], Mood("action")] = Field(
        description="要做的工作：谁要做什么，一个分句一条。已经做过的不算"
    )
'''

EXAMPLE = """{
  "text": "4月8日，全县水利工作会议在县水利局会议室召开。去年，全县投入资金320万元用于渠道维修。会议要求，各乡镇要加强水库巡查，落实值班制度。",
  "record": {
    "date": "4月8日",
    "venue": "县水利局会议室",
    "amounts": [
      {"value": "320万元", "purpose": "渠道维修"}
    ],
    "tasks": [
      {"text": "加强水库巡查", "responsible": ["各乡镇"]},
      {"text": "落实值班制度", "responsible": ["各乡镇"]}
    ]
  }
}
"""

TEST = '''"""That the schema works and its example is right. Needs no model: `pytest test_@NAME@.py`."""

from __future__ import annotations

from pathlib import Path

from extractor.schema.loading import load_schema
from extractor.authoring.check import check_schema

SCHEMA = str(Path(__file__).with_name("@NAME@.py"))


def test_it_loads() -> None:
    schema = load_schema(SCHEMA)
    assert [field.name for field in schema.fields] == ["date", "venue", "amounts", "tasks"]


def test_there_is_nothing_to_complain_about() -> None:
    """Neither in the schema nor in the example, whose answers must fit the fields and stand in its text."""
    assert check_schema(SCHEMA).complaints == []


def test_the_example_answers_each_field() -> None:
    schema = load_schema(SCHEMA)
    assert schema.prompts.example is not None
    assert set(schema.prompts.example.record) == {field.name for field in schema.fields}
'''


class CannotWrite(ValueError):
    """A schema that can't be begun, and what to do instead."""


def write_schema(name: str, folder: Path) -> list[Path]:
    """Write the three files of a new schema; the paths of the schema, its example and its test. Raises CannotWrite."""
    if keyword.iskeyword(name):
        raise CannotWrite(f"{name!r} is a word of Python itself: name the schema otherwise, such as {name}_record.")
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise CannotWrite(f"{name!r} names no schema: use small letters, digits and _, such as budget or road_plan.")
    if not folder.is_dir():
        raise CannotWrite(f"There is no folder {folder}: make it first, or name another with --into.")
    record = "".join(part.capitalize() for part in name.split("_")) + "Record"
    files = {f"{name}.py": SCHEMA, f"{name}.example.json": EXAMPLE, f"test_{name}.py": TEST}
    there = [folder / file for file in files if (folder / file).exists()]
    if there:
        raise CannotWrite(f"{there[0]} is there already and is not written over: choose another name, or move it away.")
    try:
        for file, text in files.items():
            with open(folder / file, "x", encoding="utf-8", newline="\n") as out:
                out.write(text.replace("@NAME@", name).replace("@RECORD@", record))
    except OSError as error:
        raise CannotWrite(
            f"{folder / file} can't be written ({error.strerror}): name a folder of yours with --into."
        ) from None
    return [folder / file for file in files]
