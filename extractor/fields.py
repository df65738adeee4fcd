"""Field types for schemas.

A schema is a plain pydantic model. The type of a field decides what the model is asked for and what the
record holds:

| type       | the model fills                     | the record holds                                         |
|------------|-------------------------------------|----------------------------------------------------------|
| `Name`     | the name of a person or body        | the source's characters, matched without tolerance       |
| `Person`   | the name of a person                | the same, and the whole name where a part is given       |
| `Verbatim` | a short piece of the text, verbatim | the source's characters                                  |
| `Clause`   | a clause, verbatim                  | the source's words, in Simplified and without noise      |
| `Worded`   | its own short wording               | that wording, if the sentence has each of its characters |
| `Quantity` | a number with unit, verbatim        | text, number, unit, approx, change …: computed by code   |
| `EdtfDate` | a date, verbatim                    | text, edtf, year_inferred, evidence: computed by code    |
| `Evidence` | nothing                             | where the values stand: `source_text[start:end] == text` |
| `Heading`  | nothing                             | the headings above the item                              |
| `Position` | nothing                             | the number of the item's paragraph                       |
| `Speaker`  | nothing                             | who voices the item                                      |
| `Mentions` | nothing                             | which concrete things the item names                     |

Write `… | None` for a value that may be missing and `list[…]` for several. An item with several values is a
model of its own, and a `Literal` of strings is a choice. A choice that is a field of the record itself is a label
of the whole text: it has no place in the text, so it has no evidence.

Markers go into `Annotated[…]`:

- when to ask: `Cue`, `Mood`, `Unless`
- what counts: `Within` (how far a value may stand from its item), `Shown` (words that a choice needs), `Unit`
  (the units of a number), `ChangesTo` (two numbers of one item), `OwnDate` (the text's own event)
- what code reads off by itself: `Beside`, `Subject`, `Period`, `Deadline`, `Like`
- how to ask: `Most` (the length of a list), `Group` (fields that share a question), `LargeModelOnly`
- bookkeeping: `Expects` (what coverage counts), `Was` (the field's former name)

The examples in the docstrings are run by the tests and printed in docs/fields.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from extractor.markers import (
    Beside,
    ChangesTo,
    Cue,
    Deadline,
    Expects,
    Group,
    LargeModelOnly,
    Like,
    Mood,
    Most,
    OwnDate,
    Period,
    Shown,
    Subject,
    Unit,
    Unless,
    Was,
    Within,
)

__all__ = [
    "Beside",
    "ByCode",
    "ChangesTo",
    "Clause",
    "Cue",
    "Deadline",
    "EdtfDate",
    "Evidence",
    "Expects",
    "Group",
    "Heading",
    "LargeModelOnly",
    "Like",
    "Mentions",
    "Mood",
    "Most",
    "Name",
    "OwnDate",
    "Period",
    "Person",
    "Position",
    "Quantity",
    "Shown",
    "Speaker",
    "Subject",
    "Unit",
    "Unless",
    "Verbatim",
    "Was",
    "Within",
    "Worded",
    "Words",
]


@dataclass(frozen=True)
class Words:
    """The kind of a string field, one of those in `extractor.schema.kinds`."""

    kind: Literal["name", "person", "verbatim", "clause", "worded"]


@dataclass(frozen=True)
class ByCode:
    """The kind of a part of an item that code fills, one of those in `extractor.schema.kinds`."""

    kind: Literal["heading", "position", "speaker", "mentions"]


Name = Annotated[str, Words("name")]
"""The name of a person or a body, up to 20 characters. It must match the text exactly, because one wrong
character makes it another person.

Example:
    speakers: list[Name]

    text    市长何志远主持会议，副市长吴倩讲话。
    fills   ["何志远", "吴情"]
    holds   ["何志远"]
    problem ungrounded speakers 吴情
"""

Person = Annotated[str, Words("person")]
"""The name of a person, like `Name`. A part of a name stands for all of it, and words that are no name where they
stand are refused: those that neither begin with a surname nor stand beside an office nor are written as foreign
names are.

Example:
    speakers: list[Person]

    text    县长何志远主持会议。
    fills   ["何志", "会议"]
    holds   ["何志远"]
    problem ungrounded speakers 会议
"""

Verbatim = Annotated[str, Words("verbatim")]
"""A short piece of the text, up to 60 characters. The record holds the source's own characters, in the
source's script. A difference in width, punctuation, white space or script still matches; another digit, name
or direction does not.

Example:
    venue: Verbatim | None

    text    會議在縣政府礼堂召開。
    fills   "县政府礼堂"
    holds   "縣政府礼堂"

    text    会议在县政府礼堂召开。
    fills   "市政府礼堂"
    holds   null
    problem ungrounded venue 市政府礼堂
"""

Clause = Annotated[str, Words("clause")]
"""A clause of the text, up to 160 characters. The record holds the source's words, without noise and in
Simplified script. A few wrong characters are corrected from the source. The evidence of such an item is the
whole clause.

Example:
    goal: Clause | None

    text    會議要求，確保不發生重大事故。
    fills   "确保不发生重大事故"
    holds   "确保不发生重大事故"
"""

Worded = Annotated[str, Words("worded")]
"""The model's own short wording, up to 40 characters. It is kept if every character of it occurs in the
item's sentence; otherwise the words of the clause replace it, and the record notes a `reworded` problem. One
that may be null becomes null instead. A wording has no place in the text, so put it into a model beside a
value that has one.

Example:
    class Count(BaseModel):
        what: Worded
        value: Quantity

    counts: list[Count]

    text    去年，全县排查出隐患1260处。
    fills   [{"what": "隐患", "value": "1260处"}]
    holds   [{"what": "隐患", "value": {"text": "1260处", "number": 1260, "low": null, "high": null, "unit": "处", "approx": null, "change": null}, "evidence": [{"text": "全县排查出隐患1260处", "start": 3, "end": 15}]}]

    text    去年，全县排查出隐患1260处。
    fills   [{"what": "安全问题", "value": "1260处"}]
    holds   [{"what": "全县排查出隐患", "value": {"text": "1260处", "number": 1260, "low": null, "high": null, "unit": "处", "approx": null, "change": null}, "evidence": [{"text": "全县排查出隐患1260处", "start": 3, "end": 15}]}]
    problem reworded counts.what 安全问题
"""


def _leave_out_example(schema: dict[str, Any]) -> None:
    """Keep the examples, which are for docs/fields.md, out of the JSON Schema and so out of fingerprints."""
    schema["description"] = schema["description"].partition("\n\nExample:")[0]


class Evidence(BaseModel):
    """Where a value stands: `source_text[start:end] == text`, in code points of the decoded file.

    The engine adds `evidence` to every item, whether its model declares it or not. No model is asked for it.

    Example:
        class Order(BaseModel):
            text: Clause
            evidence: list[Evidence]

        orders: list[Order]

        text    要加强巡查。一要加强巡查。
        fills   [{"text": "加强巡查"}, {"text": "加强巡查"}]
        holds   [{"text": "加强巡查", "evidence": [{"text": "要加强巡查", "start": 0, "end": 5}, {"text": "加强巡查", "start": 8, "end": 12}]}]
    """

    model_config = ConfigDict(frozen=True, json_schema_extra=_leave_out_example)

    text: str
    start: int
    end: int


class Quantity(BaseModel):
    """A number in the words of the source (`text`), with the value and the unit that code computes from them.

    `160万人` has number 1600000 and unit 人; `2%以下` has number 2, unit % and approx `max`; 翻一番 has number 2 and
    unit 倍. A range such as `103-107` has low 103, high 107 and no `number`. `change` is "up" or "down" if the text
    says that something rose or fell by this number (下降12.3%), and null for a level (降到8起).

    Example:
        amount: Quantity | None

        text    少生160万人。
        fills   "160万人"
        holds   {"text": "160万人", "number": 1600000, "low": null, "high": null, "unit": "人", "approx": null, "change": null}

        text    性别比在103-107之间。
        fills   "103-107"
        holds   {"text": "103-107", "number": null, "low": 103, "high": 107, "unit": null, "approx": null, "change": null}

        text    发病率控制在2%以下。
        fills   "2%以下"
        holds   {"text": "2%以下", "number": 2, "low": null, "high": null, "unit": "%", "approx": "max", "change": null}

        text    事故起数同比下降12.3%。
        fills   "12.3%"
        holds   {"text": "12.3%", "number": 12.3, "low": null, "high": null, "unit": "%", "approx": null, "change": "down"}

        text    收入翻一番。
        fills   "翻一番"
        holds   {"text": "翻一番", "number": 2, "low": null, "high": null, "unit": "倍", "approx": null, "change": null}
    """

    model_config = ConfigDict(json_schema_extra=_leave_out_example)

    text: str
    number: int | float | None = None
    low: int | float | None = None
    high: int | float | None = None
    unit: str | None = None
    approx: Literal["min", "max", "about", "over", "nearly"] | None = None
    change: Literal["up", "down"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_words(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value


class EdtfDate(BaseModel):
    """A date in the words of the source (`text`), and the same date in EDTF (ISO 8601-2), computed by code.

    `year_inferred` is true if the words lack the year or the month, and it was inferred from the rest of the
    text, or from the title or date of the table row that the text is in.

    Example:
        date: EdtfDate | None

        text    5月27日，全市表彰2013年度先进单位。
        fills   "5月27日"
        holds   {"text": "5月27日", "edtf": "2014-05-27", "year_inferred": true, "evidence": [{"text": "5月27日", "start": 0, "end": 5}]}

        text    会议于二〇一四年五月下旬召开。
        fills   "二〇一四年五月下旬"
        holds   {"text": "二〇一四年五月下旬", "edtf": "2014-05", "year_inferred": false, "evidence": [{"text": "二〇一四年五月下旬", "start": 3, "end": 12}]}
    """

    model_config = ConfigDict(json_schema_extra=_leave_out_example)

    text: str
    edtf: str | None = None
    year_inferred: bool = False
    evidence: list[Evidence] = []

    @model_validator(mode="before")
    @classmethod
    def _from_words(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value


Heading = Annotated[str | None, ByCode("heading")]
"""The headings above the item, outermost first, joined by " / "; null if there are none.

Headings are numbered lines and numbered first sentences, with their numbers and without noise. The title of
the text is left out, since it stands above every item, and so is a heading in which the item itself stands. A
point within a paragraph (一是…) holds to the end of that paragraph.

Example:
    class Task(BaseModel):
        text: Clause
        heading: Heading

    tasks: list[Task]

    text    一、突出重点。要加强巡查。
    fills   [{"text": "加强巡查"}, {"text": "突出重点"}]
    holds   [{"text": "突出重点", "heading": null, "evidence": [{"text": "突出重点", "start": 2, "end": 6}]}, {"text": "加强巡查", "heading": "一、突出重点", "evidence": [{"text": "要加强巡查", "start": 7, "end": 12}]}]
"""

Position = Annotated[int, ByCode("position")]
"""The number of the item's paragraph in its speech, from 1.

Example:
    class Task(BaseModel):
        text: Clause
        paragraph: Position

    tasks: list[Task]

    text    各乡镇要加强巡查。
    fills   [{"text": "加强巡查"}]
    holds   [{"text": "加强巡查", "paragraph": 1, "evidence": [{"text": "各乡镇要加强巡查", "start": 0, "end": 8}]}]
"""

Speaker = Annotated[str | None, ByCode("speaker")]
"""Who voices the item, in the words of the text: 何志远 after 何志远要求，, 会议 after 会议强调，.

Such words hold to the end of their paragraph, or until the next ones; in a speech, where others are only
cited, to the end of their sentence. It is null if no such words stand before the item: who holds the whole
speech is not meant.

Example:
    class Task(BaseModel):
        text: Clause
        speaker: Speaker

    tasks: list[Task]

    text    会议强调，要加强巡查。何志远要求，按照会议要求建立台账。
    fills   [{"text": "加强巡查"}, {"text": "建立台账"}]
    holds   [{"text": "加强巡查", "speaker": "会议", "evidence": [{"text": "要加强巡查", "start": 5, "end": 10}]}, {"text": "建立台账", "speaker": "何志远", "evidence": [{"text": "按照会议要求建立台账", "start": 17, "end": 27}]}]
"""

Mentions = Annotated[list[Literal["body", "number", "deadline", "programme"]], ByCode("mentions")]
"""Which concrete things the item's clause names, so that a reader can take first what can be checked.

`body` is an organ (县住建局, 各乡镇), which also counts if it governs the clause from further before
(`Subject`); `number` a quantity; `deadline` a date or a period by whose end something is to be done;
`programme` a named document, programme or campaign (《条例》, 专项行动, 改造方案).

Example:
    class Task(BaseModel):
        text: Clause
        mentions: Mentions

    tasks: list[Task]

    text    要提高认识。县住建局年底前更换管道80公里，开展专项行动。
    fills   [{"text": "提高认识"}, {"text": "更换管道80公里"}, {"text": "开展专项行动"}]
    holds   [{"text": "提高认识", "mentions": [], "evidence": [{"text": "要提高认识", "start": 0, "end": 5}]}, {"text": "更换管道80公里", "mentions": ["body", "number", "deadline"], "evidence": [{"text": "县住建局年底前更换管道80公里", "start": 6, "end": 21}]}, {"text": "开展专项行动", "mentions": ["programme"], "evidence": [{"text": "开展专项行动", "start": 22, "end": 28}]}]
"""
