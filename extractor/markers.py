"""Markers for `Annotated[…]` in schemas, which add what a type can't express.

Schemas import them from `extractor.fields`. A model is asked in one of two ways. A large one reads the
passage and lists the items. The embedded one fills forms: code finds the candidates, and the model describes
each of them.

The examples in the docstrings are run by the tests and printed in docs/fields.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Cue:
    """Ask for a field only if certain words occur, to save questions and to keep out unrelated passages.

    `pattern` is a regular expression, searched for in the cleaned text in Simplified script: in each clause
    for items that are clauses, in the sentence of a date, and anywhere in the passage for other fields. If
    forms are filled, only clauses, dates and numbers whose words match are candidates (a number by its
    clause). `where="ends"` asks only about the beginning and the end of a text, where the lead and the
    sign-off are.

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
    """Only clauses that demand something. Use it for items that are clauses, such as measures and targets.

    `kind` is "action" for clauses that demand that someone do something, and "goal" for clauses that name a
    result to be reached; a clause may be both. Grammar and context decide (`extractor.lang.directives`). If
    forms are filled, these clauses are the candidates; otherwise a passage without such a clause is not asked
    about.

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
    """Rules out candidates that the field's type and cue would allow. It takes effect if forms are filled.

    `pattern` is a regular expression. For a clause it is searched for in the sentence; for a number in its
    own words, from the start of its clause (or the end of the number before it) through the number. `before`
    is searched for in everything that precedes a number in its sentence. `mood` rules out the numbers of
    clauses in that mood.

    Example:
        class Sum(BaseModel):
            value: Quantity

        sums: Annotated[list[Sum], Cue("投资"), Unless("计划|拟")]

        text    已投资3亿元，计划投资5亿元。
        asks    nothing
        holds   [{"value": {"text": "3亿元", "number": 300000000, "low": null, "high": null, "unit": "元", "approx": null, "change": null}, "evidence": [{"text": "已投资3亿元", "start": 0, "end": 6}]}]
    """

    pattern: str
    before: str | None = None
    mood: Literal["action", "goal"] | None = None


@dataclass(frozen=True)
class Within:
    """How far from its item a value may stand: in the same sentence (the default) or in the same passage.

    With "passage" the sentence is searched first, then the text before the item (the nearest match wins),
    then the text after it.

    Example:
        class Sum(BaseModel):
            value: Quantity
            year: Annotated[Verbatim | None, Within("passage")]

        sums: list[Sum]

        text    2020年任务完成。共投资3亿元。
        fills   [{"value": "3亿元", "year": "2020年"}]
        holds   [{"value": {"text": "3亿元", "number": 300000000, "low": null, "high": null, "unit": "元", "approx": null, "change": null}, "year": "2020年", "evidence": [{"text": "共投资3亿元", "start": 10, "end": 16}]}]

    Example:
        class Sum(BaseModel):
            value: Quantity
            year: Verbatim | None

        sums: list[Sum]

        text    2020年任务完成。共投资3亿元。
        fills   [{"value": "3亿元", "year": "2020年"}]
        holds   [{"value": {"text": "3亿元", "number": 300000000, "low": null, "high": null, "unit": "元", "approx": null, "change": null}, "year": null, "evidence": [{"text": "共投资3亿元", "start": 10, "end": 16}]}]
        problem ungrounded sums.year 2020年
    """

    reach: Literal["sentence", "passage"]


@dataclass(frozen=True)
class Beside:
    """Values right beside a name, such as titles.

    `before` and `after` are regular expressions for one value before the name and one after it. Several
    values before the name are joined by 、; the one after it is used only if there is none before. If forms
    are filled, code reads them off and the model is not asked.

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
    """Values that govern the clauses after them in their sentence, as the organ does in 各级各部门要加强…,落实….

    Group 1 of `pattern`, a regular expression, matches the values, several of them joined by 、 和 与 or 及. If
    forms are filled, code reads them off and the model is not asked.

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
    """A time or a span of time (2014年上半年, 去年, 年底前). If forms are filled, code reads it off.

    Code takes the time from the item's own clause. With `Within("passage")` it falls back on the last time
    before the item in its sentence.

    Example:
        class Sum(BaseModel):
            value: Quantity
            period: Annotated[Verbatim | None, Within("passage"), Period()]

        sums: Annotated[list[Sum], Cue("投资")]

        text    2014年上半年，全县投资3亿元。
        asks    nothing
        holds   [{"value": {"text": "3亿元", "number": 300000000, "low": null, "high": null, "unit": "元", "approx": null, "change": null}, "period": "2014年上半年", "evidence": [{"text": "全县投资3亿元", "start": 9, "end": 16}]}]
    """


@dataclass(frozen=True)
class Deadline(Period):
    """A period by whose end something is to be done (年底前, 三年内, 到2020年). If forms are filled, code reads
    it off.

    It looks for it where it looks for a `Period`, and takes none that has begun or is over (今年, 去年, 近年来).

    Example:
        class Task(BaseModel):
            text: Clause
            deadline: Annotated[Verbatim | None, Deadline()]

        tasks: Annotated[list[Task], Mood("action")]

        text    今年要加强巡查，年底前要建立台账。
        asks    nothing
        holds   [{"text": "今年要加强巡查", "deadline": null, "evidence": [{"text": "今年要加强巡查", "start": 0, "end": 7}]}, {"text": "年底前要建立台账", "deadline": "年底前", "evidence": [{"text": "年底前要建立台账", "start": 8, "end": 16}]}]
    """


@dataclass(frozen=True)
class Like:
    """Values that match a regular expression (全国, 我市 …). If forms are filled, code reads them off.

    It looks for them where it looks for a `Period`.

    Example:
        class Sum(BaseModel):
            value: Quantity
            region: Annotated[Verbatim | None, Like("[全我][国省市县]")]

        sums: Annotated[list[Sum], Cue("投资")]

        text    2014年上半年，全县投资3亿元。
        asks    nothing
        holds   [{"value": {"text": "3亿元", "number": 300000000, "low": null, "high": null, "unit": "元", "approx": null, "change": null}, "region": "全县", "evidence": [{"text": "全县投资3亿元", "start": 9, "end": 16}]}]
    """

    pattern: str


@dataclass(frozen=True, init=False)
class Unit:
    """Only numbers in one of these units, as a record writes units: `Unit("元", "美元")`, `Unit("%")`.

    The unit is compared after the number has been computed, so 3亿元 and 5万元 are both in 元, and 每年3亿元 is
    in 元/年. `Unit("")` stands for numbers without a unit. A number in another unit is reported as a
    `refused` problem: an item that needs it is left out, and otherwise the value is null. If forms are
    filled, only numbers in these units are candidates.

    Example:
        class Sum(BaseModel):
            value: Annotated[Quantity, Unit("元")]

        sums: list[Sum]

        text    投资3亿元，惠及2000户，占财政支出的两成。
        fills   [{"value": "3亿元"}, {"value": "2000户"}]
        holds   [{"value": {"text": "3亿元", "number": 300000000, "low": null, "high": null, "unit": "元", "approx": null, "change": null}, "evidence": [{"text": "投资3亿元", "start": 0, "end": 5}]}]
        problem refused sums.value 2000户
    """

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", names)

    def __str__(self) -> str:
        return " or ".join(name or "no unit" for name in self.names)


@dataclass(frozen=True)
class LargeModelOnly:
    """A part of an item that only a large model is asked for. With forms it stays null or `[]`.

    Use it for what a small model gets wrong. The embedded model's questions are the same with and without the
    part. What code reads off by a marker of the part (`Beside`, `Subject`, `Deadline` …) stands there all the
    same.

    Example:
        class Goal(BaseModel):
            text: Clause
            what: Annotated[Worded | None, LargeModelOnly()]

        goals: Annotated[list[Goal], Mood("goal")]

        text    各乡镇要确保整改率达到99%。
        fills   [{"text": "确保整改率达到99%", "what": "整改率"}]
        holds   [{"text": "确保整改率达到99%", "what": "整改率", "evidence": [{"text": "各乡镇要确保整改率达到99%", "start": 0, "end": 14}]}]

        text    各乡镇要确保整改率达到99%。
        asks    nothing
        holds   [{"text": "各乡镇要确保整改率达到99%", "what": null, "evidence": [{"text": "各乡镇要确保整改率达到99%", "start": 0, "end": 14}]}]
    """


@dataclass(frozen=True)
class OwnDate:
    """A date of the event that the text is about. Dates that the words around them give to something else are refused.

    These are a deadline (6月5日前), a beginning (自…起), an end (截至…), the date of a document (…印发), of what happened
    (…发生) and of another event (去年…, 下次…).

    Example:
        date: Annotated[EdtfDate | None, OwnDate()]

        text    2014年5月27日召开会议，要求6月5日前完成整改。
        fills   "6月5日"
        holds   null
        problem misplaced date 6月5日
    """


@dataclass(frozen=True)
class ChangesTo:
    """The number from which something changes to that of the part `name` of the same item.

    Code reads both numbers off where a clause has them (由35元提高到40元), whichever of them a model gives. Elsewhere
    this part is what a model says, unless it is the same number as the other part: then it is left out, and the
    record notes it as `repeated`.

    Example:
        class Goal(BaseModel):
            value: Quantity
            base: Annotated[Quantity | None, ChangesTo("value")]

        goals: list[Goal]

        text    补助由35元提高到40元。
        fills   [{"value": "35元"}]
        holds   [{"value": {"text": "40元", "number": 40, "low": null, "high": null, "unit": "元", "approx": null, "change": null}, "base": {"text": "35元", "number": 35, "low": null, "high": null, "unit": "元", "approx": null, "change": null}, "evidence": [{"text": "补助由35元提高到40元", "start": 0, "end": 12}]}]

        text    补助提高到40元。
        fills   [{"value": "40元", "base": "40元"}]
        holds   [{"value": {"text": "40元", "number": 40, "low": null, "high": null, "unit": "元", "approx": null, "change": null}, "base": null, "evidence": [{"text": "补助提高到40元", "start": 0, "end": 8}]}]
        problem repeated goals.base 40元
    """

    name: str


@dataclass(frozen=True)
class Most:
    """The maximum number of items in one answer of the embedded model, which is about one passage.

    It keeps a small model from listing on and on; a large one lists without a limit, and merged records may
    hold more. The default is 30, and 8 for a list within an item. For a short passage the limit is lower: one
    item per 25 characters, but not below 3.

    Example:
        bodies: Annotated[list[Name], Most(2)]

        text    县住建局、县水利局参加会议。
        fills   ["县住建局", "县水利局"]
        holds   ["县住建局", "县水利局"]
    """

    items: int


@dataclass(frozen=True)
class Expects:
    """Counts the places in a text that call for an item of this field.

    Coverage lists those that no item cites. Without `pattern` the field's type decides: every number, every
    date, or every person named beside an office. With `pattern`, a regular expression, it is every clause
    that matches if the items are clauses, and otherwise every match.

    The field's other markers narrow them down: with a `Cue`, numbers and dates count where its words are;
    with a `Mood`, clauses count that are in it. Headings whose content follows and mere appeals (必须高度重视)
    call for nothing.

    Example:
        class Sum(BaseModel):
            value: Quantity
            evidence: list[Evidence]

        sums: Annotated[list[Sum], Expects()]

        text    已投资3亿元，惠及2000户。
        fills   [{"value": "3亿元"}]
        holds   [{"value": {"text": "3亿元", "number": 300000000, "low": null, "high": null, "unit": "元", "approx": null, "change": null}, "evidence": [{"text": "已投资3亿元", "start": 0, "end": 6}]}]
        uncited ["2000户"]

    Example:
        class Task(BaseModel):
            text: Clause
            evidence: list[Evidence]

        tasks: Annotated[list[Task], Mood("action"), Expects("要|必须")]

        text    一、要突出重点。我们必须高度重视。各乡镇要建立台账，要加强巡查。
        fills   [{"text": "要建立台账"}]
        holds   [{"text": "要建立台账", "evidence": [{"text": "各乡镇要建立台账", "start": 17, "end": 25}]}]
        uncited ["要加强巡查"]
    """

    pattern: str | None = None


@dataclass(frozen=True)
class Group:
    """Fields with the same group `name` share one question, so that the passage is sent once.

    Forms are never shared. A field without a group is asked for by itself. If a field is added or changed,
    only that field is asked again.

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
    """The former name of a renamed field. Existing records keep their values, and no question is asked again.

    Example:
        place: Annotated[Verbatim | None, Was("venue")]

        text    会议在县政府礼堂召开。
        fills   "县政府礼堂"
        holds   "县政府礼堂"
    """

    name: str


class Shown:
    """Words that a choice needs in a sentence about its item.

    `Shown(chair="主持")` accepts "chair" only in a sentence with 主持 that names the item, or goes on about it, and
    does not deny the word (未出席). The keyword arguments are regular expressions, by choice; a choice that is not
    listed needs no words. If forms are filled, these words alone make the choice. `also` has further words by
    which a large model's choice is accepted. `otherwise` is the choice that the record gets if no other is left. For a
    label of the whole text, which is a choice beside the items, the words may stand anywhere in the passage that
    was asked about.

    Example:
        class Person(BaseModel):
            name: Name
            roles: list[Annotated[Literal["chair", "guest", "other"], Shown(otherwise="other", chair="主持")]]

        people: list[Person]

        text    何志远主持会议。吴倩出席会议。
        fills   [{"name": "何志远", "roles": ["chair"]}, {"name": "吴倩", "roles": ["chair"]}]
        holds   [{"name": "何志远", "roles": ["chair"], "evidence": [{"text": "何志远主持会议", "start": 0, "end": 7}]}, {"name": "吴倩", "roles": ["other"], "evidence": [{"text": "吴倩出席会议", "start": 8, "end": 14}]}]
        problem unsupported people.roles chair

    Example:
        kind: Annotated[Literal["speech", "notice"] | None, Shown(notice="通知")]

        text    同志们：今天召开全县水利工作会议。
        fills   "speech"
        holds   "speech"

        text    同志们：今天召开全县水利工作会议。
        fills   "notice"
        holds   null
        problem unsupported kind notice
    """

    def __init__(self, otherwise: str | None = None, also: dict[str, str] | None = None, **patterns: str) -> None:
        self.otherwise = otherwise
        self.also = also or {}
        self.patterns = patterns

    def words_for(self, choice: str) -> str | None:
        """The words by which the choice is accepted, as a regular expression; None if it needs none."""
        if choice not in self.patterns:
            return None
        return "|".join(filter(None, (self.patterns[choice], self.also.get(choice))))

    @property
    def acts(self) -> str:
        """The words of any choice, as a regular expression."""
        return "|".join(filter(None, map(self.words_for, self.patterns)))
