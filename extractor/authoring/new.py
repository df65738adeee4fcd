"""The files of a new schema: the schema, its example, and a test of both."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

SCHEMA = '''"""@RECORD@: what is extracted from a text.

The guide is docs/adding-a-field.md; docs/fields.md has every type and marker.

The model is asked with the descriptions: write them in the language of the texts, and also say what is *not* meant.
`extractor schema check @NAME@.py` shows what would work badly, `extractor schema try @NAME@.py TEXT` shows it at work.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from extractor.fields import Clause, Cue, EdtfDate, Evidence, Mood, Quantity, Subject, Verbatim

# The worked example that a model is shown: a file beside the schema.
EXAMPLE = "@NAME@.example.json"

# Who must act, before the word that demands it: 各乡镇、县水利局要…
ORGANS = "((?:[^，。；、]{1,10}、)*[^，。；、]{1,10}?)(?:要|应|必须|负责)"


class Amount(BaseModel):
    """一笔资金。"""

    # The first required value anchors an item in the text: here, the number. Code computes what it says.
    value: Quantity = Field(description="金额连同单位，照抄原文，如“160万元”")
    purpose: Verbatim | None = Field(description="这笔资金的用途，照抄同一句中的词语，没有则为null")
    # Filled by code: the places of the item in the source text.
    evidence: list[Evidence]


class Task(BaseModel):
    """一项要做的工作。"""

    text: Clause = Field(description="要做的事，照抄原文的分句")
    # With a Subject, code fills this field, and a small model is not asked for it.
    responsible: Annotated[list[Verbatim], Subject(ORGANS)] = Field(
        description="同一句中写明由谁做，照抄原文，没有则为[]"
    )
    evidence: list[Evidence]


class @RECORD@(BaseModel):
    """一篇文件或讲话。"""

    # One value, or null if the text has none. `where="ends"` asks about the start and the end of a text only.
    date: Annotated[EdtfDate | None, Cue("[0-9]+月[0-9]+日", where="ends")] = Field(
        description="会议召开或文件发布的日期，照抄原文；没有写明则为null"
    )
    # A Cue limits the passages that are asked about; without one every passage is.
    venue: Annotated[Verbatim | None, Cue("在[^，。]{2,20}(?:召开|举行)", where="ends")] = Field(
        description="会议地点，照抄原文，如“县政府礼堂”；没有写明则为null"
    )
    # A choice beside the items is a label of the whole text. No words show it, so it has no evidence.
    kind: Literal["报道", "讲话", "文件"] | None = Field(
        description="这是什么样的文本：报道是别人写的会议消息，讲话是讲话人自己的话，文件是印发的通知、意见、方案"
    )
    amounts: Annotated[list[Amount], Cue("资金|投入|投资|拨付|经费")] = Field(
        description="写明的资金：投入、拨付、安排了多少钱，用在哪里。人数、比率不算"
    )
    # Mood finds the clauses that demand something, by their grammar.
    tasks: Annotated[list[Task], Mood("action")] = Field(
        description="要做的工作：谁要做什么，一个分句一条。已经做过的不算"
    )
'''

EXAMPLE = """{
  "text": "4月8日，全县水利工作会议在县水利局会议室召开。去年，全县投入资金320万元用于渠道维修。会议要求，各乡镇要加强水库巡查，落实值班制度。",
  "record": {
    "date": "4月8日",
    "venue": "县水利局会议室",
    "kind": "报道",
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

TEST = '''"""Checks the schema and its example. Needs no model.

Install pytest (`pip install pytest`), then run `pytest test_@NAME@.py`.
"""

from __future__ import annotations

from pathlib import Path

from extractor import check_schema, load_schema

SCHEMA = str(Path(__file__).with_name("@NAME@.py"))


def test_the_schema_and_its_example_have_no_errors() -> None:
    """The answers of the example must fit the fields, and their words must be in its text."""
    assert check_schema(SCHEMA).errors == []


def test_the_example_answers_each_field() -> None:
    schema = load_schema(SCHEMA)
    assert schema.prompts.example is not None
    assert set(schema.prompts.example.record) == {field.name for field in schema.fields}
'''


class CannotWrite(ValueError):
    """A new schema can't be written. The message says what to do."""


def write_schema(name: str, folder: Path) -> list[Path]:
    """Write the three files of a new schema; return the paths of the schema, its example and its test.

    Raises CannotWrite, and writes nothing, if a file exists or the name is not usable.
    """
    if keyword.iskeyword(name):
        raise CannotWrite(f"{name!r} is a Python keyword: choose another name, for example {name}_record.")
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise CannotWrite(f"{name!r} can't name a schema: use small letters, digits and _, as in budget or road_plan.")
    if not folder.is_dir():
        raise CannotWrite(f"There is no folder {folder}: create it first, or name another with --into.")
    record = "".join(part.capitalize() for part in name.split("_")) + "Record"
    files = {f"{name}.py": SCHEMA, f"{name}.example.json": EXAMPLE, f"test_{name}.py": TEST}
    there = [folder / file for file in files if (folder / file).exists()]
    if there:
        raise CannotWrite(f"{there[0]} exists and is not overwritten: choose another name, or move it away.")
    try:
        for file, text in files.items():
            with open(folder / file, "x", encoding="utf-8", newline="\n") as out:
                out.write(text.replace("@NAME@", name).replace("@RECORD@", record))
    except OSError as error:
        raise CannotWrite(
            f"{folder / file} can't be written ({error.strerror}): name a folder that you may write to with --into."
        ) from None
    return [folder / file for file in files]
