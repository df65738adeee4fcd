"""Markers for `Annotated[…]` in schemas: what of a field its type does not say. Schemas import them from `fields`.

An `Example` in a docstring is a field in code and what the engine makes of it in a text: see docs/fields.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Cue:
    """Ask for a field only where `pattern` (a regular expression on clean Simplified text) matches: for an item that is
    a clause in one of the passage's clauses, for a date in its sentence, else anywhere in the passage.

    Where forms are filled, the clauses, the dates and the numbers (by their clause) that match are the candidates.
    `where="ends"` asks only at the beginning and the end of a text, where a lead or a sign-off stands.

    Example:
        venue: Annotated[Verbatim | None, Cue("召开|举行")]

        text    会议在县政府礼堂召开。
        fills   "县政府礼堂"
        holds   "县政府礼堂"

        text    县政府礼堂今年修缮。
        asks    nothing
        holds   null
    """

    pattern: str
    where: Literal["anywhere", "ends"] = "anywhere"


@dataclass(frozen=True)
class Mood:
    """Clauses that demand: "action" where somebody is told to do something, "goal" where a result is to be reached (a
    clause may be both). Told by grammar and context (`extractor.lang.directives`), for items that stand on a clause: where forms are
    filled these clauses are the candidates, else a passage without one is not asked about.

    Example:
        class Task(BaseModel):
            text: Clause

        tasks: Annotated[list[Task], Mood("action")]

        text    去年成绩很好。各乡镇要加强巡查，落实责任。
        asks    nothing
        holds   [{"text": "各乡镇要加强巡查", "evidence": [{"text": "各乡镇要加强巡查", "start": 7, "end": 15}]}, {"text": "落实责任", "evidence": [{"text": "落实责任", "start": 16, "end": 20}]}]
    """

    kind: Literal["action", "goal"]


@dataclass(frozen=True)
class Unless:
    """Where forms are filled: what is none of this field's, though its type and cue would allow it. `pattern` is held
    against a number's own words (its clause, from the number before it on), or against the sentence of a clause;
    `before` against all of a number's sentence before it. `mood`: no number of a clause in that mood.

    Example:
        class Sum(BaseModel):
            value: Quantity

        sums: Annotated[list[Sum], Cue("投资"), Unless("计划|拟")]

        text    已投资3亿元，计划投资5亿元。
        asks    nothing
        holds   [{"value": {"text": "3亿元", "number": 300000000, "low": null, "high": null, "unit": "元", "approx": null}, "evidence": [{"text": "已投资3亿元", "start": 0, "end": 6}]}]
    """

    pattern: str
    before: str | None = None
    mood: Literal["action", "goal"] | None = None


@dataclass(frozen=True)
class Within:
    """How far from its item a value may stand: the item's own sentence (the default) or its passage.

    Example:
        class Sum(BaseModel):
            value: Quantity
            year: Annotated[Verbatim | None, Within("passage")]

        sums: list[Sum]

        text    2020年任务完成。共投资3亿元。
        fills   [{"value": "3亿元", "year": "2020年"}]
        holds   [{"value": {"text": "3亿元", "number": 300000000, "low": null, "high": null, "unit": "元", "approx": null}, "year": "2020年", "evidence": [{"text": "共投资3亿元", "start": 10, "end": 16}]}]

    Example:
        class Sum(BaseModel):
            value: Quantity
            year: Verbatim | None

        sums: list[Sum]

        text    2020年任务完成。共投资3亿元。
        fills   [{"value": "3亿元", "year": "2020年"}]
        holds   [{"value": {"text": "3亿元", "number": 300000000, "low": null, "high": null, "unit": "元", "approx": null}, "year": null, "evidence": [{"text": "共投资3亿元", "start": 10, "end": 16}]}]
        problem ungrounded sums.year 2020年
    """

    reach: Literal["sentence", "passage"]


@dataclass(frozen=True)
class Beside:
    """Values that stand right beside a name, as titles do: regular expressions for one before it (several are joined
    by 、) and for one after it. A model that fills forms is not asked for them: code reads them off.

    Example:
        class Person(BaseModel):
            name: Name
            titles: Annotated[list[Verbatim], Beside(before="县委[^、]{0,3}书记|县长", after="书记|县长")]

        people: list[Person]

        text    县委副书记、县长何志远主持会议。
        asks    nothing
        holds   [{"name": "何志远", "titles": ["县委副书记", "县长"], "evidence": [{"text": "县委副书记、县长何志远主持会议", "start": 0, "end": 15}]}]
    """

    before: str
    after: str


@dataclass(frozen=True)
class Subject:
    """Values that rule the clauses after them in their sentence, as the organ does in 各级各部门要加强…,落实…: a regular
    expression whose group 1 holds them (several joined by 、 和 与 及). Where forms are filled, code reads them off.

    Example:
        class Task(BaseModel):
            text: Clause
            by: Annotated[list[Verbatim], Subject("([^，。]+?)要")]

        tasks: Annotated[list[Task], Mood("action")]

        text    县住建局和各乡镇要加强巡查，落实责任。
        asks    nothing
        holds   [{"text": "县住建局和各乡镇要加强巡查", "by": ["县住建局", "各乡镇"], "evidence": [{"text": "县住建局和各乡镇要加强巡查", "start": 0, "end": 13}]}, {"text": "落实责任", "by": ["县住建局", "各乡镇"], "evidence": [{"text": "落实责任", "start": 14, "end": 18}]}]
    """

    pattern: str


@dataclass(frozen=True)
class Period:
    """A time or a span of time (2014年上半年, 去年, 年底前). Where forms are filled, code takes the one of the item's own
    clause; with `Within("passage")` else the last one before the item in its sentence.

    Example:
        class Sum(BaseModel):
            value: Quantity
            period: Annotated[Verbatim | None, Within("passage"), Period()]

        sums: Annotated[list[Sum], Cue("投资")]

        text    2014年上半年，全县投资3亿元。
        asks    nothing
        holds   [{"value": {"text": "3亿元", "number": 300000000, "low": null, "high": null, "unit": "元", "approx": null}, "period": "2014年上半年", "evidence": [{"text": "全县投资3亿元", "start": 9, "end": 16}]}]
    """


@dataclass(frozen=True)
class Like:
    """As `Period`, for values that a regular expression finds (全国, 我市 …).

    Example:
        class Sum(BaseModel):
            value: Quantity
            region: Annotated[Verbatim | None, Like("[全我][国省市县]")]

        sums: Annotated[list[Sum], Cue("投资")]

        text    2014年上半年，全县投资3亿元。
        asks    nothing
        holds   [{"value": {"text": "3亿元", "number": 300000000, "low": null, "high": null, "unit": "元", "approx": null}, "region": "全县", "evidence": [{"text": "全县投资3亿元", "start": 9, "end": 16}]}]
    """

    pattern: str


@dataclass(frozen=True)
class Most:
    """The most items that one answer, about one passage, may list: 30 where nothing is said, 8 for a list within an
    item; of a short passage fewer, one for 25 characters (but 3 at the least). Merged records may hold more.

    Example:
        bodies: Annotated[list[Name], Most(2)]

        text    县住建局、县水利局参加会议。
        fills   ["县住建局", "县水利局"]
        holds   ["县住建局", "县水利局"]
    """

    items: int


@dataclass(frozen=True)
class Expects:
    """What in a text calls for an item of this field, so that coverage can name what no item cites: each number, date or
    person beside an office, after the field's type; with `pattern` (a regular expression) each clause that matches, for
    items that stand on a clause, or each match.

    Example:
        class Sum(BaseModel):
            value: Quantity
            evidence: list[Evidence]

        sums: Annotated[list[Sum], Expects()]

        text    已投资3亿元，惠及2000户。
        fills   [{"value": "3亿元"}]
        holds   [{"value": {"text": "3亿元", "number": 300000000, "low": null, "high": null, "unit": "元", "approx": null}, "evidence": [{"text": "已投资3亿元", "start": 0, "end": 6}]}]
        uncited ["2000户"]
    """

    pattern: str | None = None


@dataclass(frozen=True)
class Group:
    """Fields of one `Group` are asked for in one question, where a model reads: the passage is then sent once. A field
    without is asked for by itself. What is asked again when a field is added or changed is that field alone.

    Example:
        venue: Annotated[Verbatim | None, Group("where")]
        hosts: Annotated[list[Name], Group("where")]

        text    县住建局在县政府礼堂召开会议。
        fills   {"venue": "县政府礼堂", "hosts": ["县住建局"]}
        holds   {"venue": "县政府礼堂", "hosts": ["县住建局"]}
    """

    name: str


@dataclass(frozen=True)
class Was:
    """What this field was called before: records that hold it by that name keep their values, and nothing is asked.

    Example:
        place: Annotated[Verbatim | None, Was("venue")]

        text    会议在县政府礼堂召开。
        fills   "县政府礼堂"
        holds   "县政府礼堂"
    """

    name: str


class Shown:
    """Words (regular expressions) one of which a choice needs in a sentence of its item; `Shown(chair="主持")`.

    A choice that is not listed needs none. `otherwise` is the choice that holds where no other is left.

    Example:
        class Person(BaseModel):
            name: Name
            roles: list[Annotated[Literal["chair", "guest", "other"], Shown(otherwise="other", chair="主持")]]

        people: list[Person]

        text    何志远主持会议。吴倩出席会议。
        fills   [{"name": "何志远", "roles": ["chair"]}, {"name": "吴倩", "roles": ["chair"]}]
        holds   [{"name": "何志远", "roles": ["chair"], "evidence": [{"text": "何志远主持会议", "start": 0, "end": 7}]}, {"name": "吴倩", "roles": ["other"], "evidence": [{"text": "吴倩出席会议", "start": 8, "end": 14}]}]
        problem unsupported people.roles chair
    """

    def __init__(self, otherwise: str | None = None, **patterns: str) -> None:
        self.otherwise = otherwise
        self.patterns = patterns
