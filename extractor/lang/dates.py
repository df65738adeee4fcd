"""Reads the words of a date as EDTF.

EDTF (ISO 8601-2) as written here:
- level 1: `2014-05-27`, `2014-05`, `2014`, `20XX`, `199X`; seasons `2014-21` to `2014-24`; `2009/..` since,
  `../2009` until;
- level 2: `XXXX-05-27`; `20XX-05` (the Library of Congress puts a known digit right of an unspecified one
  at level 2); quarters `2014-33` to `2014-36`; half-years `2014-40` and `2014-41`.

EDTF does not allow quarters and half-years inside an interval, so there they become months. Parts of a day
or month (上午, 月底) and the ends of a year (年初, 年底) are dropped: the result may be coarser than the
words, never more exact.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, replace

from extractor.lang.fold import fold

_LONGEST = 60  # characters; a longer text is a clause, not a date
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
_TWO_YEARS = re.compile(r"(?<=\d{4})两年")
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
_TIME = rf"{_CLOCK}(?:\d{{1,2}}[:时点](?:\d{{1,2}}分?|半|许|整)?)?"
_DAY = r"(3[01]|[12]\d|0?[1-9])"
_BARE_DAY = re.compile(rf"{_DAY}[日号]{_TIME}")
_BARE_DAYS = re.compile(rf"(?:从|自)?{_DAY}[日号]?(?:-|至|到|、|和){_DAY}[日号]{_TIME}")
_MONTH_DAY = re.compile(rf"(1[0-2]|0?[1-9])月(?:{_DAY}[日号])?(?![^-至到]{{0,9}}[前后底起止来])")
_POINT = re.compile(
    rf"(?:(?P<year>\d{{4}}|[\dX]{{4}})年度?|(?P<relative>{_RELATIVE_WORDS})度?|(?P<next>次年|翌年))?"
    r"(?:(?P<half>[上下])半年|第?(?P<quarter>[1-4])季度?|(?P<season>[春夏秋冬])[季天]?"
    rf"|(?P<month>\d{{1,2}}|XX)月份?(?:(?P<day>\d{{1,2}}|XX)[日号]?{_CLOCK}(?:\d{{1,2}}[:时点](?:\d{{1,2}}分?|半|许|整)?)?)?"
    r"|(?P<whole>全年|年[内间]))?"
    r"(?:[上中下]旬|[年月]?[初中底末终])?"
)


@dataclass(frozen=True, slots=True)
class EdtfValue:
    """A date in EDTF. `year_inferred`: its year or its month comes from elsewhere, not from the words."""

    edtf: str
    year_inferred: bool


@dataclass(frozen=True, slots=True)
class _Point:
    year: str
    month: str = ""  # or the EDTF number of a season, quarter or half-year
    day: str = ""
    inferred: bool = False
    relative: bool = False  # 去年, 今年
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
        """EDTF has no 20XX-40 (the first half of some year), so only the year is left."""
        return None if self.year == "XXXX" else self.year


def _is_real(year: str, month: str, day: str) -> bool:
    if month == "XX" or not day or day == "XX":
        return (month != "XX" or day in ("", "XX")) and not (month == "XX" and year == "XXXX")
    # An unknown year may have a 29 February.
    number = int(year) if year.isdigit() else 2000
    return 1 <= int(day) <= calendar.monthrange(number, int(month))[1]


def parse_date(words: str, *, year: int | None = None, month: int | None = None) -> EdtfValue | None:
    """The words of a date or period as EDTF; None if they name no date (本月, 近三年, 农历五月, 2月30日).

    `year`, the year of the meeting, completes 5月27日 and 去年11月. A redacted year stays unspecified:
    20xx年 is 20XX. xx年 alone gives None, since XXXX says nothing. `month` completes a day without a month (27日) or
    a range of such days, and nothing else.

        >>> parse_date("5月27日上午", year=2014)
        EdtfValue(edtf='2014-05-27', year_inferred=True)
    """
    text = _folded(words)
    if not text or len(words) > 2 * _LONGEST or len(text) > _LONGEST or _LUNAR.search(text):
        return None
    plan = _parse_plan(text)
    if plan:
        return plan
    text = _to_digits(text.replace('"', ""))
    decade = _parse_decade(text)
    if decade:
        return decade
    if month is not None and bare_days(words):
        completed = _parse_interval(f"{month}月{text.removeprefix('从').removeprefix('自')}", year)
        return None if completed is None else replace(completed, year_inferred=True)
    if day := _BARE_DAY.fullmatch(text):
        known = "XXXX" if year is None else str(year)
        return EdtfValue(f"{known}-XX-{int(day[1]):02}", year is not None)
    return _parse_interval(text, year)


def _folded(words: str) -> str:
    return re.sub(r"\s", "", fold(words[: 2 * _LONGEST])).strip(",.;:()")


def bare_days(words: str) -> tuple[int, ...]:
    """The days of words that name no month: (20,) for 20日上午, (20, 22) for 20日至22日; () for other words."""
    text = _to_digits(_folded(words))
    match = _BARE_DAY.fullmatch(text) or _BARE_DAYS.fullmatch(text)
    return tuple(int(day) for day in match.groups()) if match else ()


def month_and_day(words: str) -> tuple[int, int] | None:
    """The month and day that the words begin with, if they have no year: (12, 30) for 12月30日上午.

    The day is 1 if there is none. None for a deadline (12月30日前) and for all other words.
    """
    match = _MONTH_DAY.match(_to_digits(_folded(words)))
    return (int(match[1]), int(match[2] or 1)) if match else None


def _parse_plan(text: str) -> EdtfValue | None:
    match = _PLAN.fullmatch(_LEADING.sub("", text).replace('"', ""))
    if not match:
        return None
    number, suffix = to_number(match[2]), match[3] or ""
    # 十五 alone is fifteen. 十一五 and later plans cannot be mistaken for numbers.
    bare = not match[1] and not suffix and '"' not in text and number <= 10 and text[-1] == "五"
    years = plan_years(number)
    if bare or not years:
        return None
    first, last = years
    if suffix[:1] in ("初", "末"):
        return EdtfValue(str(first if suffix[0] == "初" else last), False)
    return EdtfValue(f"{first}/.." if suffix == "以来" else f"{first}/{last}", False)


def plan_years(number: int) -> tuple[int, int] | None:
    """First and last year of China's five-year plan `number`: 2011-2015 for the 12th. 1963-65 had no plan."""
    if not 1 <= number <= 19:
        return None
    first = 1953 + 5 * (number - 1) if number <= 2 else 1966 + 5 * (number - 3)
    return first, first + 4


def to_number(numeral: str) -> int:
    """The value of up to four characters: 一 to 九十九, or digit by digit (二〇一四)."""
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
        # 九八年 and 〇五年 are years. 三五年 and 七八年 may mean "three to five" and "seven or eight years".
        if numeral[0] not in "〇零○o0八九" or to_number(numeral) == 89:
            return "?"
        return f"{to_number(numeral):02d}"
    return "".join(str(to_number(c)) for c in numeral) if len(numeral) == 4 else str(to_number(numeral))


def _to_digits(text: str) -> str:
    """The words with all numerals, short years, redactions and ISO dates in one form: 2014年5月27日."""
    if match := _COMPACT.fullmatch(text) or _ISO_MONTH.fullmatch(text):
        return f"{match[1]}年{match[2]}月{match[3]}日" if match[2].isdigit() else f"{match[1]}年{match[3]}月"
    text = _ISO.sub(r"\1年\3月\4日", text)
    text = _LONE.sub("1", _NUMERAL.sub(_numeral_to_digits, text))
    text = _REDACTED.sub(lambda m: (m[1] or "").ljust(4 if m.string.startswith("年", m.end()) else 2, "X"), text)
    text = _TWO_DIGITS.sub(lambda m: ("20" if int(m[1]) < 40 else "19") + m[1], text)
    text = _FIRST_PARTS.sub(r"1-\1\2", text)
    text = _TWO_YEARS.sub("年", _NEIGHBOURS.sub(_join_neighbours, text))
    return text.replace("两个月", "月").replace("两天", "")


def _join_neighbours(match: re.Match[str]) -> str:
    """7、8月 is a range of two months. 3、8月 is two dates, which a single EDTF value cannot express."""
    return f"{match[1]}{match[2]}-{match[3]}" if int(match[3]) == int(match[1]) + 1 else match[0]


def _parse_decade(text: str) -> EdtfValue | None:
    match = _DECADE.fullmatch(text)
    if not match:
        return None
    century, prefix, decade = match.groups()
    if century:
        prefix = "20" if century == "21" else "19"
    elif not prefix:
        # 10年代 to 40年代 may be in either century.
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
    """The interval from `first` to `last`; None if they are in the wrong order.

    `last` takes its year from `first` if it has none of its own.
    """
    written_first = first.year != "XXXX" and not first.inferred
    if last.following:
        later = str(int(first.year) + 1) if first.year.isdigit() else first.year
        last = replace(last, year=later, inferred=first.inferred)
    elif (last.inferred or last.year == "XXXX") and written_first and not last.relative:
        last = replace(last, year=first.year, inferred=False)
    elif last.year != "XXXX" and not last.inferred and not written_first:
        return None  # 9月至2015年3月: the first year is unknown
    if first.year == last.year and not last.following and (first.month, first.day) > (last.month, last.day):
        return None
    if first.year.isdigit() and last.year.isdigit() and first.year > last.year:
        return None
    return _value(first, last)


def _value(first: _Point | None, last: _Point | None) -> EdtfValue | None:
    """The EDTF of an interval, open (`..`) at a side that is None."""
    ends = []
    for point, months in ((first, _FIRST_MONTH), (last, _LAST_MONTH)):
        if point and point.month in months:
            point = replace(point, month=months[point.month])
        ends.append(point.edtf() if point else "..")
    start, end = ends
    # EDTF validators reject an open interval whose other end is partly unknown (20XX/..).
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
        if not year:
            return None
        return replace(point, year=f"{year + _RELATIVE[match['relative']]:04d}", inferred=True, relative=True)
    in_year = month or match["whole"] or text.startswith("年")
    if not in_year:
        return None
    return replace(point, year=f"{year:04d}", inferred=True) if year else point


def _month(match: re.Match[str]) -> str | None:
    """The month, season, quarter or half-year of a point: "" for none, None for an impossible month."""
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
