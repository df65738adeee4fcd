"""Field types for schemas.

A schema is a plain pydantic model. The type of a field decides what the model is asked for and what the
record holds:

| type       | the model fills                     | the record holds                                         |
|------------|-------------------------------------|----------------------------------------------------------|
| `Name`     | the name of a person or body        | the source's characters, matched without tolerance       |
| `Verbatim` | a short piece of the text, verbatim | the source's characters                                  |
| `Clause`   | a clause, verbatim                  | the source's words, in Simplified and without noise      |
| `Worded`   | its own short wording               | that wording, if the sentence has each of its characters |
| `Quantity` | a number with unit, verbatim        | text, number, low, high, unit, approx: computed by code  |
| `EdtfDate` | a date, verbatim                    | text, edtf, year_inferred, evidence: computed by code    |
| `Evidence` | nothing                             | where the values stand: `source_text[start:end] == text` |

Write `… | None` for a value that may be missing and `list[…]` for several. An item with several values is a
model of its own, and a `Literal` of strings is a choice. A choice that is a field of the record itself is a label
of the whole text: it has no place in the text, so it has no evidence.

Markers go into `Annotated[…]`:

- when to ask: `Cue`, `Mood`, `Unless`
- what counts: `Within` (how far a value may stand from its item), `Shown` (words that a choice needs), `Unit`
  (the units of a number)
- what code reads off by itself: `Beside`, `Subject`, `Period`, `Like`
- how to ask: `Most` (the length of a list), `Group` (fields that share a question)
- bookkeeping: `Expects` (what coverage counts), `Was` (the field's former name)

The examples in the docstrings are run by the tests and printed in docs/fields.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from extractor.markers import (
    Beside,
    Cue,
    Expects,
    Group,
    Like,
    Mood,
    Most,
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
    "Clause",
    "Cue",
    "EdtfDate",
    "Evidence",
    "Expects",
    "Group",
    "Like",
    "Mood",
    "Most",
    "Name",
    "Period",
    "Quantity",
    "Shown",
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

    kind: Literal["name", "verbatim", "clause", "worded"]


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
item's sentence; otherwise the words of the clause replace it, and the record notes a `reworded` problem. A
wording has no place in the text, so put it into a model beside a value that has one.

Example:
    class Count(BaseModel):
        what: Worded
        value: Quantity

    counts: list[Count]

    text    去年，全县排查出隐患1260处。
    fills   [{"what": "隐患", "value": "1260处"}]
    holds   [{"what": "隐患", "value": {"text": "1260处", "number": 1260, "low": null, "high": null, "unit": "处", "approx": null}, "evidence": [{"text": "全县排查出隐患1260处", "start": 3, "end": 15}]}]

    text    去年，全县排查出隐患1260处。
    fills   [{"what": "安全问题", "value": "1260处"}]
    holds   [{"what": "全县排查出隐患", "value": {"text": "1260处", "number": 1260, "low": null, "high": null, "unit": "处", "approx": null}, "evidence": [{"text": "全县排查出隐患1260处", "start": 3, "end": 15}]}]
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
    unit 倍. A range such as `103-107` has low 103, high 107 and no `number`.

    Example:
        amount: Quantity | None

        text    少生160万人。
        fills   "160万人"
        holds   {"text": "160万人", "number": 1600000, "low": null, "high": null, "unit": "人", "approx": null}

        text    性别比在103-107之间。
        fills   "103-107"
        holds   {"text": "103-107", "number": null, "low": 103, "high": 107, "unit": null, "approx": null}

        text    发病率控制在2%以下。
        fills   "2%以下"
        holds   {"text": "2%以下", "number": 2, "low": null, "high": null, "unit": "%", "approx": "max"}

        text    收入翻一番。
        fills   "翻一番"
        holds   {"text": "翻一番", "number": 2, "low": null, "high": null, "unit": "倍", "approx": null}
    """

    model_config = ConfigDict(json_schema_extra=_leave_out_example)

    text: str
    number: int | float | None = None
    low: int | float | None = None
    high: int | float | None = None
    unit: str | None = None
    approx: Literal["min", "max", "about", "over", "nearly"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_words(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value


class EdtfDate(BaseModel):
    """A date in the words of the source (`text`), and the same date in EDTF (ISO 8601-2), computed by code.

    `year_inferred` is true if the words lack the year and it was inferred from the rest of the text.

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
