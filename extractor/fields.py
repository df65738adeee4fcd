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
answer), `Signs` (what coverage counts), `Beside` (what stands next to a name), `Subject` (what rules the clauses after it), `Period` (a time), `Like` (what it looks like), `Was` (what the field
was called before), `Together` (fields that share a question).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator


@dataclass(frozen=True)
class Words:
    """How a string field relates to the source's words; `longest` bounds what the model may write."""

    kind: Literal["name", "verbatim", "clause", "worded"]
    longest: int


Name = Annotated[str, Words("name", 20)]
Verbatim = Annotated[str, Words("verbatim", 60)]
Clause = Annotated[str, Words("clause", 160)]
Worded = Annotated[str, Words("worded", 40)]


@dataclass(frozen=True)
class Cue:
    """Ask for a field only where `pattern` (a regular expression on clean Simplified text) matches: for an item that is
    a clause in one of the passage's clauses, for a date in its sentence, else anywhere in the passage.

    Where forms are filled, the clauses, the dates and the numbers (by their clause) that match are the candidates.
    `where="ends"` asks only at the beginning and the end of a text, where a lead or a sign-off stands.
    """

    pattern: str
    where: Literal["anywhere", "ends"] = "anywhere"


@dataclass(frozen=True)
class Mood:
    """Clauses that demand: "action" where somebody is told to do something, "goal" where a result is to be reached (a
    clause may be both). Told by grammar and context (`extractor.directives`), for items that stand on a clause: where forms are
    filled these clauses are the candidates, else a passage without one is not asked about."""

    kind: Literal["action", "goal"]


@dataclass(frozen=True)
class Unless:
    """Where forms are filled: what is none of this field's, though its type and cue would allow it. `pattern` is held
    against a number's own words (its clause, from the number before it on), or against the sentence of a clause;
    `before` against all of a number's sentence before it. `mood`: no number of a clause in that mood."""

    pattern: str
    before: str | None = None
    mood: Literal["action", "goal"] | None = None


@dataclass(frozen=True)
class Within:
    """How far from its item a value may stand: the item's own sentence (the default) or its passage."""

    reach: Literal["sentence", "passage"]


@dataclass(frozen=True)
class Beside:
    """Values that stand right beside a name, as titles do: regular expressions for one before it (several are joined
    by 、) and for one after it. A model that fills forms is not asked for them: code reads them off."""

    before: str
    after: str


@dataclass(frozen=True)
class Subject:
    """Values that rule the clauses after them in their sentence, as the organ does in 各级各部门要加强…,落实…: a regular
    expression whose group 1 holds them (several joined by 、 和 与 及). Where forms are filled, code reads them off."""

    pattern: str


@dataclass(frozen=True)
class Period:
    """A time or a span of time (2014年上半年, 去年, 年底前). Where forms are filled, code takes the one of the item's own
    clause; with `Within("passage")` else the last one before the item in its sentence."""


@dataclass(frozen=True)
class Like:
    """As `Period`, for values that a regular expression finds (全国, 我市 …)."""

    pattern: str


@dataclass(frozen=True)
class Most:
    """The most items that one answer, about one passage, may list. Merged records may hold more."""

    items: int


@dataclass(frozen=True)
class Signs:
    """What in a text calls for an item of this field, so that coverage can name what no item cites: each number, date or
    person beside an office, after the field's type; with `pattern` (a regular expression) each clause that matches, for
    items that stand on a clause, or each match."""

    pattern: str | None = None


@dataclass(frozen=True)
class Together:
    """Fields of one `group` are asked for in one question, where a model reads: the passage is then sent once. A field
    without is asked for by itself. What is asked again when a field is added or changed is that field alone."""

    group: str


@dataclass(frozen=True)
class Was:
    """What this field was called before: records that hold it by that name keep their values, and nothing is asked."""

    name: str


class Shown:
    """Words (regular expressions) one of which a choice needs in a sentence of its item; `Shown(chair="主持")`.

    A choice that is not listed needs none. `otherwise` is the choice that holds where no other is left.
    """

    def __init__(self, otherwise: str | None = None, **patterns: str) -> None:
        self.otherwise = otherwise
        self.patterns = patterns


class Evidence(BaseModel):
    """Where a value stands: `source_text[start:end] == text`, in code points of the decoded file."""

    model_config = ConfigDict(frozen=True)

    text: str
    start: int
    end: int


class Quantity(BaseModel):
    """A number as the source words it, and what it says in plain units.

    `160万人` is number 1600000, unit 人; `103-107` is low 103, high 107; `2%以下` is 2, %, approx `max`.
    `number` is null for a range, and where the words hold no number (翻一番 has number 2, unit 倍).
    """

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
    not written beside it but follows from the text."""

    text: str
    edtf: str | None = None
    year_inferred: bool = False
    evidence: Evidence | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_words(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value


Places = Evidence | list[Evidence]
"""Where an item stands: one place, or a list of them where the text repeats it."""
