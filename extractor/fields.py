"""Field types for schemas: what a field is, is said by its type.

A schema is plain pydantic. The types say what the model is asked for and what the record then holds:

| type       | the model fills                     | the record holds                                             |
|------------|-------------------------------------|--------------------------------------------------------------|
| `Name`     | a person's or body's name, verbatim | the source's characters; matched without any tolerance       |
| `Verbatim` | a short piece of the text, verbatim | the source's characters                                      |
| `Clause`   | a clause, verbatim                  | the source's words, clean and Simplified                     |
| `Worded`   | its own short wording               | that wording, if each of its characters is in the sentence   |
| `Quantity` | a number with unit, verbatim        | text, number, low, high, unit, approx: computed by code      |
| `EdtfDate` | a date, verbatim                    | text, edtf, year_inferred, evidence: computed by code        |
| `Evidence` | nothing: it is not asked for        | where the values stand: `source_text[start:end] == text`     |

`str | None` variants are optional; lists take any of them or a model of their own; `Literal` is a choice.
Markers for `Annotated[...]`: `Cue` (when to ask), `Mood` (clauses that demand something), `Unless` (which
numbers are none of it), `Within` (how far from
its item a value may stand), `Shown` (words that a choice needs in the text), `Most` (items an
answer), `Expects` (what coverage counts), `Beside` (what stands next to a name), `Subject` (what rules the clauses after it), `Period` (a time), `Like` (what it looks like), `Was` (what the field
was called before), `Group` (fields that share a question).

An `Example` in a docstring is a field in code and what the engine makes of it in a text: see docs/fields.md.
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
    "Unless",
    "Verbatim",
    "Was",
    "Within",
    "Worded",
    "Words",
]


@dataclass(frozen=True)
class Words:
    """How a string field relates to the words of the source (see `extractor.schema.kinds`)."""

    kind: Literal["name", "verbatim", "clause", "worded"]


Name = Annotated[str, Words("name")]
"""A person's or a body's name, of at most 20 characters: matched without any tolerance, since one character makes
another person of it.

Example:
    speakers: list[Name]

    text    市长何志远主持会议，副市长吴倩讲话。
    fills   ["何志远", "吴情"]
    holds   ["何志远"]
    problem ungrounded speakers 吴情
"""

Verbatim = Annotated[str, Words("verbatim")]
"""A short piece of the text, of at most 60 characters. The record holds the source's own characters, in its own script;
width, punctuation, white space and script are forgiven when it is looked for, another digit, name or direction is not.

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
"""A clause, of at most 160 characters. The record holds the source's words, clean and Simplified; an item that stands
on a clause has the whole clause for its evidence.

Example:
    goal: Clause | None

    text    會議要求，確保不發生重大事故。
    fills   "确保不发生重大事故"
    holds   "确保不发生重大事故"
"""

Worded = Annotated[str, Words("worded")]
"""The model's own short wording, of at most 40 characters: kept if each of its characters stands in the item's
sentence, else the clause's own words stand for it. It has no place of its own, so it goes into a model beside a value
that has one.

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
    """A JSON Schema describes a type; the examples of docs/fields.md are no part of it, nor of what names a recipe."""
    schema["description"] = schema["description"].partition("\n\nExample:")[0]


class Evidence(BaseModel):
    """Where a value stands: `source_text[start:end] == text`, in code points of the decoded file.

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
    """A number as the source words it, and what it says in plain units.

    `160万人` is number 1600000, unit 人; `103-107` is low 103, high 107; `2%以下` is 2, %, approx `max`.
    `number` is null for a range, and where the words hold no number (翻一番 has number 2, unit 倍).

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
    """A date as the source words it, and the same in EDTF (ISO 8601-2); `year_inferred` where the year is
    not written beside it but follows from the text.

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
