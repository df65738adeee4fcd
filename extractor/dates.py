"""Dates: the words of a Chinese official text to EDTF, the year a meeting took place, where dates and periods stand.

EDTF (ISO 8601-2) as written here, level 1: `2014-05-27`, `2014-05`, `2014`, `20XX`, `199X`; `2014-21` to `-24` seasons;
`2009/..` since, `../2009` until. Level 2: `XXXX-05-27`, `20XX-05` (a known digit right of an unspecified one is level 2
for the Library of Congress), `2014-33` to `-36` quarters, `2014-40` and `-41` half-years. Inside an interval quarters
and half-years become months, since EDTF has no place for them there. Parts of a day and of a month (上午, 月底) and the
ends of a year (年初, 年底) are dropped: the result is coarser, never more exact, than the words.
"""

from __future__ import annotations

import calendar
import re
from collections import Counter
from dataclasses import dataclass, replace

from extractor.fold import fold

_FULL_STOPS = str.maketrans("。｡", ";;")


def _folded(text: str) -> str:
    """`fold`, but a full stop becomes ";": folded to "." it would make a decimal of 达到3。5月."""
    return fold(text.translate(_FULL_STOPS))


@dataclass(frozen=True, slots=True)
class EdtfValue:
    """A date in EDTF; `year_inferred` where the year comes from the meeting's year and not from the words."""

    edtf: str
    year_inferred: bool


@dataclass(frozen=True, slots=True)
class InferredYear:
    """The year of a meeting and the words that show it, `text[start:end]` (empty where they stand in `extra`).

    `written`: the year stands in the full date of the meeting; else it follows from what was reviewed or planned.
    """

    year: int
    start: int
    end: int
    written: bool


# --- words to EDTF ------------------------------------------------------------------------------------------------

_LONGEST = 60  # characters of a date expression; more is a clause
_RELATIVE = {"今年": 0, "本年": 0, "去年": -1, "上年": -1, "上一年": -1, "前年": -2, "明年": 1, "下一年": 1, "后年": 2}
_RELATIVE_WORDS = "|".join(_RELATIVE)
_DIGITS = {**{c: i for i, c in enumerate("零一二三四五六七八九")}, **dict.fromkeys("〇○o", 0), "首": 1, "元": 1}
_SEASONS = {"春": "21", "夏": "22", "秋": "23", "冬": "24"}
_FIRST_MONTH = {"33": "01", "34": "04", "35": "07", "36": "10", "40": "01", "41": "07"}
_LAST_MONTH = {"33": "03", "34": "06", "35": "09", "36": "12", "40": "06", "41": "12"}

_LUNAR = re.compile("农历|阴历|旧历|腊月|正月|冬月|闰|廿|初[一二三四五六七八九十]|公元前")
_ISO = re.compile(r"(?<!\d)(\d{4})([-./])(\d{1,2})\2(\d{1,2})(?!\d)")
_ISO_MONTH = re.compile(r"(\d{4})([-/.])(\d{1,2})")
_COMPACT = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)")
_NUMERAL = re.compile(r"(?<!\d)[〇零○o0一二三四五六七八九十]{1,4}(?=年|月|日|号|个?季度|世纪|[-至到、和])")
_LONE = re.compile("首(?=季度)|元(?=月)")
_REDACTED = re.compile(r"(?<!\d)(\d{2,3}|)([x×*#_○]{1,4}|-)(?=年)|[x×*#_○]{1,2}(?=[月日])")
_TWO_DIGITS = re.compile(r"(?<![\dxX纪])(?!20年|(?:10|30|[45]\d)年(?!\d|度))(\d\d)(?=年(?!代))")
_PLAN = re.compile(r"(第)?([一二三四五六七八九十]{1,3})(?(1)个五年|五)(?:规划|计划)?(期间|时期|以来|[初中末]期?)?")
_DECADE = re.compile(r"(?:(上|20|21)个?世纪|(19|20)(?=\d))?(\d)0年代(?:[初中末前后]期?|中后期)?")
_FIRST_PARTS = re.compile(r"[前头](\d{1,2})个?(季度|月)")
_NEIGHBOURS = re.compile(r"(\d{1,4})([年月日号]?)[、和](\d{1,4})(?=[年月日号两])")
_SINCE = re.compile("(?:以来|至今|到现在|到目前|之后|以后|开始|起|后)$")
_BEFORE = re.compile("(?:以前|之前|前)$")
_LEADING = re.compile("^(?:截至|截止到?|直到|自从|从|自|到|至|在|于|公元)")
_TRAILING = re.compile("(?:为止|期间|时期)$")
_CONNECTOR = re.compile("-{1,2}|至|到")
_UNIT = re.compile(r"(?:\d{1,4}|[x]{1,2})(年|月|日|号|季度)")
_CLOCK = (
    r"(?:\(?(?:星期|周|礼拜)[一二三四五六七日天]\)?)?(?:当天)?"
    "(?:上午|下午|早上|早晨|清晨|凌晨|中午|晚上?|傍晚|夜间?)?"
)
_POINT = re.compile(
    rf"(?:(?P<year>\d{{4}}|[\dX]{{4}})年度?|(?P<relative>{_RELATIVE_WORDS})度?|(?P<next>次年|翌年))?"
    r"(?:(?P<half>[上下])半年|第?(?P<quarter>[1-4])季度?|(?P<season>[春夏秋冬])[季天]?"
    rf"|(?P<month>\d{{1,2}}|XX)月份?(?:(?P<day>\d{{1,2}}|XX)[日号]?{_CLOCK}(?:\d{{1,2}}[:时点](?:\d{{1,2}}分?|半|许|整)?)?)?"
    r"|(?P<whole>全年|年[内间]))?"
    r"(?:[上中下]旬|[年月]?[初中底末终])?"
)


@dataclass(frozen=True, slots=True)
class _Point:
    year: str
    month: str = ""  # also a season, quarter or half-year
    day: str = ""
    inferred: bool = False
    following: bool = False  # 次年

    def edtf(self) -> str | None:
        if not self.month:
            return None if self.year == "XXXX" else self.year
        if not self.day and int(self.month.replace("X", "0")) > 12 and "X" in self.year:
            return self.edtf_of_masked_part()
        if not _is_real(self.year, self.month, self.day):
            return None
        return "-".join(part for part in (self.year, self.month, self.day) if part)

    def edtf_of_masked_part(self) -> str | None:
        """EDTF has no 20XX-40 (the first half of some year): 20XX is what it can say."""
        return None if self.year == "XXXX" else self.year


def _is_real(year: str, month: str, day: str) -> bool:
    if month == "XX" or not day or day == "XX":
        return (month != "XX" or day in ("", "XX")) and not (month == "XX" and year == "XXXX")
    # 29 February may exist in a year that is not known.
    number = int(year) if year.isdigit() else 2000
    return 1 <= int(day) <= calendar.monthrange(number, int(month))[1]


def parse_date(words: str, *, year: int | None = None) -> EdtfValue | None:
    """The words of a date or period as EDTF, or None where they name none (本月, 近三年, 农历五月, 2月30日).

    `year`, the year of the meeting, completes 5月27日 and 去年11月. A year that the source has redacted stays
    unspecified: 20xx年 is 20XX, and xx年 alone is None, since XXXX says nothing.

        >>> parse_date("5月27日上午", year=2014)
        EdtfValue(edtf='2014-05-27', year_inferred=True)
    """
    text = re.sub(r"\s", "", fold(words[: 2 * _LONGEST])).strip(",.;:()")
    if not text or len(words) > 2 * _LONGEST or len(text) > _LONGEST or _LUNAR.search(text):
        return None
    plan = _parse_plan(text)
    if plan:
        return plan
    text = _to_digits(text.replace('"', ""))
    decade = _parse_decade(text)
    if decade:
        return decade
    return _parse_interval(text, year)


def _parse_plan(text: str) -> EdtfValue | None:
    match = _PLAN.fullmatch(_LEADING.sub("", text).replace('"', ""))
    if not match:
        return None
    number, suffix = _to_number(match[2]), match[3] or ""
    # 十五 alone is fifteen; the later plans' names are no numbers.
    bare = not match[1] and not suffix and '"' not in text and number <= 10 and text[-1] == "五"
    years = plan_years(number)
    if bare or not years:
        return None
    first, last = years
    if suffix[:1] in ("初", "末"):
        return EdtfValue(str(first if suffix[0] == "初" else last), False)
    return EdtfValue(f"{first}/.." if suffix == "以来" else f"{first}/{last}", False)


def plan_years(number: int) -> tuple[int, int] | None:
    """First and last year of China's n-th five-year plan: the 12th is 2011-2015. 1963-65 belonged to none."""
    if not 1 <= number <= 19:
        return None
    first = 1953 + 5 * (number - 1) if number <= 2 else 1966 + 5 * (number - 3)
    return first, first + 4


def _to_number(numeral: str) -> int:
    """一 to 九十九 in tens, or digit by digit (二〇一四); up to four characters."""
    if "十" in numeral:
        tens, _, ones = numeral.partition("十")
        return 10 * _DIGITS.get(tens, 1) + _DIGITS.get(ones, 0)
    return int("".join(c if c.isdecimal() else str(_DIGITS[c]) for c in numeral))


def _numeral_to_digits(match: re.Match[str]) -> str:
    numeral = match[0]
    if numeral.isascii() and numeral.isdecimal():
        return numeral
    if numeral.count("十") > 1:
        return "?"
    if len(numeral) == 2 and "十" not in numeral and match.string.startswith("年", match.end()):
        # 九八年 and 〇五年 are years; 三五年 and 七八年 may be "three to five", "seven or eight" years.
        if numeral[0] not in "〇零○o0八九" or _to_number(numeral) == 89:
            return "?"
        return f"{_to_number(numeral):02d}"
    return "".join(str(_to_number(c)) for c in numeral) if len(numeral) == 4 else str(_to_number(numeral))


def _to_digits(text: str) -> str:
    """The words with Chinese numerals, two-digit years, redactions and ISO dates in one form: 2014年5月27日."""
    if match := _COMPACT.fullmatch(text) or _ISO_MONTH.fullmatch(text):
        return f"{match[1]}年{match[2]}月{match[3]}日" if match[2].isdigit() else f"{match[1]}年{match[3]}月"
    text = _ISO.sub(r"\1年\3月\4日", text)
    text = _LONE.sub("1", _NUMERAL.sub(_numeral_to_digits, text))
    text = _REDACTED.sub(lambda m: (m[1] or "").ljust(4 if m.string.startswith("年", m.end()) else 2, "X"), text)
    text = _TWO_DIGITS.sub(lambda m: ("20" if int(m[1]) < 40 else "19") + m[1], text)
    text = _FIRST_PARTS.sub(r"1-\1\2", text)
    return _NEIGHBOURS.sub(_join_neighbours, text).replace("两个月", "月").replace("两天", "")


def _join_neighbours(match: re.Match[str]) -> str:
    """7、8月 is a span of two months; 3、8月 is two dates, which EDTF cannot say in one."""
    return f"{match[1]}{match[2]}-{match[3]}" if int(match[3]) == int(match[1]) + 1 else match[0]


def _parse_decade(text: str) -> EdtfValue | None:
    match = _DECADE.fullmatch(text)
    if not match:
        return None
    century, prefix, decade = match.groups()
    if century:
        prefix = "20" if century == "21" else "19"
    elif not prefix:
        # 10 to 40年代 may be of either century.
        prefix = "20" if decade == "0" else "19" if decade >= "5" else None
    return EdtfValue(f"{prefix}{decade}X", False) if prefix else None


def _parse_interval(text: str, year: int | None) -> EdtfValue | None:
    text = _TRAILING.sub("", text)
    since, before = _SINCE.search(text), _BEFORE.search(text)
    if since or before:
        words = _LEADING.sub("", text[: (since or before).start()])  # type: ignore[union-attr]
        point = _parse_point(words, year)
        if not point:
            return None
        return _value(None, point) if before else _value(point, None)
    text = _LEADING.sub("", text)
    parts = _CONNECTOR.split(text)
    if len(parts) == 1:
        point = _parse_point(text, year)
        edtf = point.edtf() if point else None
        return EdtfValue(edtf, point.inferred) if point and edtf else None
    if len(parts) != 2:
        return None
    left, right = parts
    if re.search(r"[\dX]$", left) and (unit := _UNIT.match(right)):
        left += unit[1]
    first = _parse_point(left, year)
    if first and re.match(r"\d{1,2}[日号]", right):
        right = f"{first.month}月{right}"
    last = _parse_point(right, year)
    if not first or not last:
        return None
    return _join(first, last)


def _join(first: _Point, last: _Point) -> EdtfValue | None:
    """`first/last`, the second taking its year from the first; None where they are in the wrong order."""
    written_first = first.year != "XXXX" and not first.inferred
    if last.following:
        later = str(int(first.year) + 1) if first.year.isdigit() else first.year
        last = replace(last, year=later, inferred=first.inferred)
    elif (last.inferred or last.year == "XXXX") and written_first:
        last = replace(last, year=first.year, inferred=False)
    elif last.year != "XXXX" and not last.inferred and not written_first:
        return None  # 9月至2015年3月: the first year is anybody's guess
    if first.year == last.year and not last.following and (first.month, first.day) > (last.month, last.day):
        return None
    if first.year.isdigit() and last.year.isdigit() and first.year > last.year:
        return None
    return _value(first, last)


def _value(first: _Point | None, last: _Point | None) -> EdtfValue | None:
    """An interval, open (`..`) where a side is None."""
    ends = []
    for point, months in ((first, _FIRST_MONTH), (last, _LAST_MONTH)):
        if point and point.month in months:
            point = replace(point, month=months[point.month])
        ends.append(point.edtf() if point else "..")
    start, end = ends
    # EDTF validators refuse an open interval whose other end is partly unknown (20XX/..).
    if not start or not end or (".." in ends and "X" in start + end):
        return None
    return EdtfValue(f"{start}/{end}", any(p.inferred for p in (first, last) if p))


def _parse_point(text: str, year: int | None) -> _Point | None:
    match = _POINT.fullmatch(text)
    if not match or not text:
        return None
    month, day = _month(match), match["day"] or ""
    if month is None or (day.isdigit() and not 1 <= int(day) <= 31):
        return None
    point = _Point("XXXX", month, day and day.zfill(2), following=bool(match["next"]))
    if match["year"]:
        return replace(point, year=match["year"]) if match["year"] != "0000" else None
    if match["next"]:
        return point
    if match["relative"]:
        return replace(point, year=f"{year + _RELATIVE[match['relative']]:04d}", inferred=True) if year else None
    in_year = month or match["whole"] or text.startswith("年")
    if not in_year:
        return None
    return replace(point, year=f"{year:04d}", inferred=True) if year else point


def _month(match: re.Match[str]) -> str | None:
    """The month, season, quarter or half-year of a point; "" where it has none, None where there is no such month."""
    if match["half"]:
        return "40" if match["half"] == "上" else "41"
    if match["quarter"]:
        return str(32 + int(match["quarter"]))
    if match["season"]:
        return _SEASONS[match["season"]]
    month = match["month"] or ""
    if month in ("", "XX"):
        return month
    return month.zfill(2) if 1 <= int(month) <= 12 else None


# --- where dates and periods stand --------------------------------------------------------------------------------

# All patterns run on folded text (fold keeps the length) and have bounded repetition only: linear on anything.
_SPACE = r"[ \t\u3000]{0,2}"
_NO_NUMBER = r"(?<!\d)(?<!\d\.)"
_CN = "[〇零○0一二三四五六七八九]"
_YEAR4 = rf"{_NO_NUMBER}(?<!近)(?:18|19|20)\d\d|(?<![一二三四五六七八九十〇])[一二][九〇零○0]{_CN}{{2}}"
_MASKED = rf"{_NO_NUMBER}(?:(?:19|20)[x×*#_○]{{1,2}}|20-|(?:19|20)\d[x×*#_])"
# 05年 and 14年3月 are years; 18年 and 20年 are spans of time or, in scrubbed texts, what a redaction left over.
_YEAR2 = rf"{_NO_NUMBER}(?<![%连近约第满])(?:0\d(?=年(?![来间内多]))|(?!20)\d\d(?=年\d{{1,2}}月))"
_TO = rf"{_SPACE}(?:-{{1,2}}|至|到|、){_SPACE}"
_YEAR = rf"(?:{_NO_NUMBER}(?<!近)(?:18|19|20)\d\d年?{_TO})?(?:{_YEAR4}|{_MASKED}|{_YEAR2}){_SPACE}年度?(?!级)"
_MONTH_NUMBER = rf"(?:{_NO_NUMBER}(?:1[0-2]|0?[1-9])|十[一二]?|[一二三四五六七八九元])"
_MONTH = rf"(?:{_MONTH_NUMBER}月?{_TO})?{_MONTH_NUMBER}{_SPACE}月"
_DAY_NUMBER = r"(?:3[01]|[12]\d|0?[1-9]|[二三]?十[一二三四五六七八九]?|[一二三四五六七八九])"
_DAY = rf"(?:{_DAY_NUMBER}[日号]?{_TO})?{_DAY_NUMBER}{_SPACE}[日号](?!文件|线|楼|院|机|令|公告)"
_PART_OF_DAY = (
    r"(?:\(?(?:星期|周|礼拜)[一二三四五六日天]\)?)?(?:上午|下午|早上|早晨|清晨|凌晨|中午|晚上?|傍晚)?"
    r"(?:\d{1,2}[:时点](?:\d{1,2}分?|半|许|整)?)?"
)
_PART_OF_MONTH = "(?:份|[上中下]旬|月?[初底末](?!级))?"
_PART_OF_YEAR = (
    r"(?:年?[初底末](?![中级步])|年[中终]|岁末|上半年|下半年|第?[一二三四1-4首]季度|前[一二三四五六七八九十\d]{1,2}个?(?:季度|月)"
    r"|[春夏秋冬][季天])"
)
_MASKED_DAY = r"[x×*#_○]{1,2}月(?:[x×*#_○\d]{1,2}[日号])?"
_IN_YEAR = rf"(?:{_MONTH}(?:{_SPACE}{_DAY}{_PART_OF_DAY}|{_PART_OF_MONTH})|{_MASKED_DAY}|{_PART_OF_YEAR})"
_ISO_DATE = r"(?<![\d./-])(?:19|20)\d\d([-./])(?:1[0-2]|0?[1-9])\{n}(?:3[01]|[12]\d|0?[1-9])(?![\d/-]|\.\d)"
_BARE_MONTH = (
    rf"{_NO_NUMBER}(?:(?:1[0-2]|[1-9])月?{_TO})?(?:1[0-2]|0?[1-9])(?:两个)?月(?![饼球票薪租均嫂子刊息]|收入)"
    "|(?:十[一二]?|[一二三四五六七八九])月份"
)
_MONTH_DAY = rf"{_MONTH}{_SPACE}{_DAY}{_PART_OF_DAY}"


def _date_pattern(group: int) -> str:
    """One date; `group` is the number that its one capturing group gets."""
    iso = _ISO_DATE.replace(r"\{n}", rf"\{group}")
    return rf"(?:{_YEAR}(?:{_SPACE}{_IN_YEAR})?|{_MONTH_DAY}|(?:{_BARE_MONTH}){_PART_OF_MONTH}|{iso})"


_FIVE_YEARS = (
    r'"?(?:十[一二三四五六七八九]?|[一二三四五六七八九])五"?(?:规划|计划)?(?:期间|时期|[初末中]期|[初末]|以来)'
    r"|第[一二三四五六七八九十]{1,3}个五年(?:规划|计划)(?:期间|时期)"
)
_DECADES = r"(?:(?:上|本|\d\d|二十一?|十九)个?世纪)?(?:(?:19|20)?\d0|[一二三四五六七八九]十)年代(?:[初中末前后]期?)?"
_DATE = rf"(?:{_FIVE_YEARS}|{_DECADES}|{_date_pattern(1)}(?:{_SPACE}(?:-{{1,2}}|至|到){_SPACE}{_date_pattern(2)})?)"
# No alternative is tried where none can begin: four times as fast on prose.
_DATE_BEGINS = '(?=["\\d一二三四五六七八九十元上本第])'
_DATES = re.compile(_DATE_BEGINS + _DATE)

_THIS_YEAR = r"(?:今年|去年|明年|本年|(?<!以)上年(?![龄纪份])|(?<![\d年月日目之以一两三几])前年(?![均产度])|当年)度?"
_COUNT = r"(?:\d{1,2}|[一二两三四五六七八九十几]{1,3}|半)"
_SPAN_BEGINS = '(?=["\\d一二三四五六七八九十元上本第截从自到至今去明前当目迄年下全月近最过未这此之用通经两几半])'
_SPANS = re.compile(
    rf"{_SPAN_BEGINS}(?:(?:截至|截止到?|从|自|到|至)?{_DATE}(?:以来|以后|以前|之前|之后|底?前(?![一二三四五六七八九十\d])|开始|起|至今|为止|同期|期间|间)?"
    rf"|(?:截至|截止到?|从|自|到|至)?{_THIS_YEAR}(?:(?:-|至|到)?{_IN_YEAR}|同期)?(?:以来|以前|之前|之后|底?前|开始|起|同期)?"
    r"|(?:截至|截止到?|到)(?:目前|现在|今)(?:为止)?|目前|迄今(?:为止)?|至今"
    r"|(?:到|至)?(?<![\d一二两三四五六七八九十几每])年[内底初末终]前?(?![级步考总])|上半年|下半年|全年(?!龄)|第?[一二三四]季度|月底前?"
    r"|前[一二三四五六七八九十\d]{1,2}个?(?:季度|月)|近年来?|近几?年来?"
    rf"|(?:最?近|过去|今后|未来|这|此前|之后|前|用|通过|经过)(?:的)?(?<!每){_COUNT}(?:个月|年)(?:多)?(?:以来|以内|来|间|内|左右|时间)?"
    rf"|(?<![每\d第一二三四五六七八九十]){_COUNT}(?:年|个月)(?:多)?(?:以来|以内|之内|来|间|内)"
    rf"|(?<![每\d第])\d{{1,3}}(?:天|日|周|个工作日)(?:之|以)?内|[二三四五六七八]普(?![通遍查法及选]))"
)
_EVENT_SINCE = re.compile("以来")
_EVENT_LONGEST = 20
_CLAUSE_EDGE = re.compile(r"[\s,.;:!?、()<>了]|(?=党的)")


def find_dates(text: str) -> list[tuple[int, int]]:
    """Spans of the date expressions: days, months, years (redacted ones too), five-year plans, ranges of them."""
    return [match.span() for match in _DATES.finditer(_folded(text))]


def find_periods(text: str) -> list[tuple[int, int]]:
    """Spans of all that can be a statistic's period or a target's deadline: dates with 以来 or 前, 去年, 近三年, 年内,
    改革开放以来. Spans do not overlap."""
    folded = _folded(text)
    spans = [_without_preposition(folded, *match.span()) for match in _SPANS.finditer(folded)]
    taken = {end for _, end in spans}
    since = [_event(folded, match.start()) for match in _EVENT_SINCE.finditer(folded) if match.end() not in taken]
    events = [span for span in since if span]
    return _without_overlaps(sorted(spans + events))


def _without_preposition(folded: str, start: int, end: int) -> tuple[int, int]:
    """通过三年 is the means, 三年 the time; 从今年 is 今年, but 从去年起 and 从2月到5月 stay whole."""
    for means in ("通过", "经过", "用"):
        if folded.startswith(means, start):
            return start + len(means), end
    if folded[start] in "从自" and not re.search("以来|起|开始|以后|之后|到|至|-", folded[start:end]):
        return start + 1, end
    return start, end


def _event(folded: str, since: int) -> tuple[int, int] | None:
    """The clause that ends in 以来, from 自 or 从 on where it has one."""
    begin = max(0, since - _EVENT_LONGEST)
    edges = [match.end() for match in _CLAUSE_EDGE.finditer(folded, begin, since)]
    if not edges and begin > 0:
        return None
    start = edges[-1] if edges else begin
    words = folded[start:since]
    start += max(words.rfind("自从"), words.rfind("从") if "自从" not in words else -1, words.rfind("自"), 0)
    return (start, since + 2) if since - start >= 2 else None


def _without_overlaps(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    kept: list[tuple[int, int]] = []
    for start, end in spans:
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept


# --- the year of the meeting --------------------------------------------------------------------------------------

_LEAD, _SIGN_OFF = 300, 150  # characters in which a text says when it was given
_Y = rf"(?<!\d)((?:19|20)\d\d(?!\d)|[一二][九〇零○]{_CN}{{2}})"
_FULL = rf"{_Y}\s?年\s?({_MONTH_NUMBER})\s?月\s?{_DAY_NUMBER}\s?[日号]"
# A date that is the text's own: alone on its line, in brackets behind the title, with the meeting behind it, labelled.
_OWN_DATE = re.compile(
    rf"(?:^|\n)[ \t\u3000(-]{{0,8}}{_FULL}"
    rf"(?=[ \t\u3000)-]{{0,8}}(?:\n|$)|在[^\n]{{1,60}}会[^\n]{{0,9}}上|第[^\n]{{1,40}}通过)"
    rf"|(?:讲话|报告|发言|致辞|要点|摘要)[^\n(]{{0,3}}\({_FULL}\)|(?:会议|讲话|召开)时间[:\s]{{1,3}}{_FULL}"
    rf"|[;!][ \t\u3000(-]{{0,8}}{_FULL}[ \t\u3000)]{{0,8}}$"
)
_NEWS_LEAD = re.compile(
    rf"(?:^|\n|[讯电)】])[ \t\u3000]{{0,4}}{_FULL}"
    r"(?:(?!以来|起|前|实施|施行|印发|发布|这次|今天)[^\n;]){0,60}?(?:召开|举行|举办|开幕|召集|主持)"
)
_SALUTATION = re.compile("同志们|同志:|各位|尊敬的|女士们|今天")
_BARE_DAY = re.compile(
    rf"(?<!年)(?<!年 )(?<![\d一二三])({_MONTH_NUMBER})\s?月\s?{_DAY_NUMBER}\s?[日号](?!以来|起|前|至|到|-)"
)
# 今年 and a year said to be the same; a plan's first or last year; an anniversary.
_BOUND = re.compile(
    rf"(?P<word>今年|去年)(?:\({_Y}年?\)|(?:是|即|即是|也就是|,即){_Y}年?(?=[,\n;]|$))|{_Y}年\((?:即)?(?P<after>今年|去年)\)"
)
_MILESTONE = re.compile(
    r'(?P<word>今年|去年|明年|过去的?一年)[^\n;]{0,60}?(?:"(?P<plan>[一二三四五六七八九十]{1,3})五"|第(?P<ordinal>[一二三四五六七八九十]{1,3})个五年)'
    r"[^\n;,、]{0,14}?(?P<which>开局|起步|开篇|第[一二三四五]年|首年|收官|最后一年|末年)"
)
_IN_PLAN = {"开局": 0, "起步": 0, "开篇": 0, "首年": 0, "第一年": 0, "第二年": 1, "第三年": 2, "第四年": 3}
_ANNIVERSARY = re.compile(
    r"(?P<word>今年|去年)(?:又?是|既是|适逢|恰逢|正值|将?迎来)[^\n;,]{0,8}?(?P<founded>新中国成立|中华人民共和国成立|建国"
    r"|中国共产党成立|建党|改革开放)(?P<count>\d{2,3}|[一二三四五六七八九]?十[一二三四五六七八九]?)周年"
)
_FOUNDED = {"新中国成立": 1949, "中华人民共和国成立": 1949, "建国": 1949, "中国共产党成立": 1921, "建党": 1921}
_SPEECH_MINUS_WORD = {"今年": 0, "去年": 1, "过去一年": 1, "过去的一年": 1, "明年": -1}
# What is reviewed or awarded lies in the year before; what is planned, pledged or convened, in the year itself.
_PLACES = "(?:[我全][国省市县区乡镇州旗系])?"
_WORK = "(?:工作|任务|目标)"
_WHOLE_YEAR = r"(?!度?(?:上半|下半|第?[一二三四]季|前|以来|以前|至|到|-|、|\d|[一二三四五六七八九十]{1,2}月))"
_REVIEWED = re.compile(
    rf"(?:回顾|总结|通报)(?:和部署|了)?{_PLACES}{_Y}年{_WHOLE_YEAR}[^\n;,]{{0,20}}?{_WORK}"
    rf"|(?:^|\n)[ \t\u3000]{{0,4}}[^\n;,]{{0,9}}?{_Y}年{_WHOLE_YEAR}(?:的|国内|政府|主要){{0,2}}"
    rf"{_WORK}的?(?:简要|主要)?(?:回顾|总结)"
)
_AWARDED = re.compile(
    rf"(?:表彰|表扬|奖励|授予|命名)[^\n;,]{{0,20}}?{_Y}年度[^\n;,]{{0,50}}?(?:先进|优秀|模范|标兵|单位|个人|集体)"
    rf"|{_Y}年度[^\n;,]{{0,30}}?(?:考核|考评|评比)(?:结果|得分|排名)"
)
_PLANNED = re.compile(
    rf"(?:部署|安排|谋划|布置)(?:了|好)?{_PLACES}{_Y}年[^\n;,]{{0,20}}?{_WORK}"
    rf"|(?:^|\n)[ \t\u3000]{{0,4}}[^\n;,\d]{{0,9}}?{_Y}年[^\n;,\d]{{0,16}}?"
    rf"(?:总体要求|{_WORK}的?(?:总体)?(?:安排|部署|建议|打算))"
)
_PLEDGED = re.compile(rf"(?:签订|签署|签定|签|递交)[^\n;,]{{0,20}}?{_Y}年度?[^\n;,]{{0,40}}?(?:责任[书状]|承诺书)")
_CONVENED = re.compile(rf"(?:召开|举行)(?:了|的)?{_PLACES}{_Y}年度?[^\n;,]{{0,30}}?会(?:议)?(?!精神|以来|后|上)")
_TITLED = re.compile(rf"{_Y}年[^\n;,执述]{{0,40}}?(?:会议|大会|推进会|动员会|政府工作报告)(?!精神)")
_YEAR_END = re.compile(
    "今年(?:前|1-|1至|1到)1[01]个?月|(?:部署|安排|谋划|布置|做好|抓好)[^\n;,]{0,4}明年|即将过去|明年(?:的)?(?:工作|任务|重点)"
)


def infer_year(text: str, *, extra: str = "") -> InferredYear | None:
    """The year in which the meeting or speech took place; None where the text does not show it or contradicts itself.

    In order of weight: the full date of the lead or sign-off; 今年 tied to a year (今年是“十二五”收官之年); what
    was reviewed, awarded, planned, pledged or convened; a meeting's name in `extra`, which is what stands beside the
    text (a title). Years merely mentioned, and redacted ones, say nothing.
    """
    folded, beside = _folded(text), _folded(extra)
    month = _month_held(folded)
    for find in (_written_years, _bound_years, _implied_years):
        found = find(folded, month)
        found += [replace(year, start=0, end=0) for year in find(beside, month)] if beside else []
        if found:
            return _clear_winner(found)
    if _is_late(folded, month):
        return None
    return _clear_winner([replace(_inferred(match, 0), start=0, end=0) for match in _TITLED.finditer(beside)])


def _month_held(folded: str) -> int | None:
    """The month of a day without year in the lead or else the sign-off: 5 for 本报讯 5月27日."""
    for part in (folded[:_LEAD], folded[-_SIGN_OFF:]):
        if match := _BARE_DAY.search(part):
            return _small_number(match[1])
    return None


def _is_late(folded: str, month: int | None) -> bool:
    """Late in a year the year that is reviewed is the meeting's own, and the one that is planned the next."""
    return month >= 11 if month else bool(_YEAR_END.search(folded))


def _small_number(words: str) -> int:
    return int(words) if words.isdecimal() else _to_number(words)


def _inferred(match: re.Match[str], plus: int, written: bool = False) -> InferredYear:
    """The four-digit year among the match's groups, plus so many years."""
    year = next(group for group in match.groups() if group and len(group) == 4 and not group.endswith("年"))
    start = match.end() - len(match[0].lstrip(" \t\u3000\n(-)】讯电;!"))
    return InferredYear(_to_number(year) + plus, start, match.end(), written)


def _written_years(folded: str, month: int | None) -> list[InferredYear]:
    """Full dates that are the text's own. One before the month of the meeting belongs to a later publication."""
    lead, tail = folded[:_LEAD], len(folded) - _SIGN_OFF
    matches = [match for match in _OWN_DATE.finditer(folded) if not _LEAD <= match.start() < tail]
    news = _NEWS_LEAD.search(lead)
    if news and not _SALUTATION.search(lead, 0, news.start()) and not lead[: news.start()].count("\n") > 3:
        matches.append(news)
    return [
        _inferred(match, 0, written=True)
        for match in matches
        if not month or month <= _small_number([group for group in match.groups() if group][1])
    ]


def _bound_years(folded: str, _month: int | None) -> list[InferredYear]:
    found = []
    for match in _BOUND.finditer(folded):
        found.append(_inferred(match, _SPEECH_MINUS_WORD[match["word"] or match["after"]]))
    for match in _MILESTONE.finditer(folded):
        years = plan_years(_to_number(match["plan"] or match["ordinal"]))
        if years:
            year = years[0] + _IN_PLAN.get(match["which"], 4) + _SPEECH_MINUS_WORD[match["word"]]
            found.append(InferredYear(year, *match.span(), False))
    for match in _ANNIVERSARY.finditer(folded):
        year = _FOUNDED.get(match["founded"], 1978) + _small_number(match["count"])
        found.append(InferredYear(year + _SPEECH_MINUS_WORD[match["word"]], *match.span(), False))
    return found


def _implied_years(folded: str, month: int | None) -> list[InferredYear]:
    late = _is_late(folded, month)
    reviewed = [_inferred(match, 0 if late else 1) for match in _REVIEWED.finditer(folded)]
    planned = [_inferred(match, -1 if late else 0) for match in _PLANNED.finditer(folded)]
    if late:  # one alone may be about anything; both together are the year's last meeting
        return reviewed + planned if {y.year for y in reviewed} == {y.year for y in planned} else []
    own = [*_PLEDGED.finditer(folded), *_CONVENED.finditer(folded, 0, _LEAD)]
    # From September on the year's own awards are given (Teachers' Day).
    awarded = [] if month and month >= 9 else [_inferred(match, 1) for match in _AWARDED.finditer(folded)]
    return reviewed + planned + [_inferred(match, 0) for match in own] + awarded


def _clear_winner(found: list[InferredYear]) -> InferredYear | None:
    """The year most of them say, if at least three times as often as any other."""
    votes = Counter(year.year for year in found).most_common(2)
    if not votes or (len(votes) == 2 and votes[0][1] < 3 * votes[1][1]):
        return None
    return next(year for year in found if year.year == votes[0][0])
