"""Reads the number, unit and approximator of a quantity, and finds quantities in a text."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from extractor.fields import Quantity
from extractor.lang.characters import HAN
from extractor.lang.countable import SKIPPED, UNIT_AHEAD, spans_of
from extractor.lang.english_scales import in_chinese, position_before
from extractor.lang.fold import simplify
from extractor.lang.numerals import DIGIT, DIGIT_VALUES, FINANCIAL, neighbours, to_plain, value_of
from extractor.lang.quantity_pattern import (
    AFTER,
    BEFORE,
    QUANTITY,
    approximation,
    in_digits,
    is_change,
    is_indefinite,
    strongest,
)
from extractor.lang.sentences import Span
from extractor.lang.tables import find_cells
from extractor.lang.units import APPROX_BEFORE, DATED, Approx, any_of, words_in

_AROUND = rf"({BEFORE}?){{}}({AFTER})?"
_TERM = r"\d{1,9}+(?>(?:\.\d{1,4})?)"
_RATIO = re.compile(_AROUND.format(rf"(?<![\d./:])({_TERM})[/:比]({_TERM})(?![\d./:十百千万亿])"))
_NAMED = {
    **dict.fromkeys(words_in("半数 一半 过半 大半 多半"), (0.5, None)),
    **dict.fromkeys(words_in("翻番 翻倍"), (2, "倍")),
    **dict.fromkeys(words_in("首位"), (1, "位")),
    **dict.fromkeys(words_in("榜首 居首 之首 首名"), (1, None)),
    **{f"半{unit}": (0.5, unit) for unit in words_in("年 个月 小时")},
}
_NAMED_NUMBER = re.compile(_AROUND.format(f"({any_of(_NAMED)})"))
_ANNOTATION = re.compile(rf"(?<=[{HAN}])[(](?:(?![{HAN}])[^\W\d_]){{1,7}}[)]")  # pinyin: 第三名(míng)
_SPACE = re.compile(r"\s+")
_COLUMNS = re.compile(r"(?<=\d\d)\s+(?=\d)|(?<=\d)\s+(?=\d\d)")  # 100 200 is two numbers, 2 0 0 is one
_BLANK = r"[ \t\u3000\u200b\xa0]"
_SPACING = re.compile(  # the blank comes before its context, so that a text without blanks is skipped at once
    rf"{_BLANK}(?:(?<=\d.){_BLANK}{{0,2}}(?=[{HAN}%‰]|\.\d)|(?<=[{HAN}].)(?<![百千万亿].){_BLANK}{{0,2}}(?=\d)|"
    rf"(?<=\D\d.)(?=\d(?:{_BLANK}\d){{0,8}}(?:{_BLANK}?\.\d)?{_BLANK}?[{HAN}%‰]))"
)
_IN_PROPORTION = re.compile("[:/半翻]")  # no proportion without one of these
_PROPORTION = re.compile(
    rf"(?=[\d半一过翻{''.join(word[0] for word in APPROX_BEFORE)}])(?:"
    rf"(?<=[为例是比达])(?<![{DIGIT}])\d{{1,6}}+(?>(?:\.\d{{1,4}})?):\d{{1,6}}+(?>(?:\.\d{{1,4}})?)|"
    r"(?<=[少占达近约为加])\d{1,2}/\d{1,3}(?![\d/月日])(?:以上|左右)?|"
    rf"(?:{BEFORE})?(?:半数|(?<!另)一半(?!是|在)|过半(?!年))(?:{AFTER})?|翻番|翻倍)"
)
_BARE = re.compile(r"[+-]?\d[\d.,]*")
_UNIT_AHEAD = re.compile(rf"^{UNIT_AHEAD.pattern.removesuffix('$')}([+-]?\d[\d.,]*)$")
_PARTS = {"百分之": "%", "千分之": "‰", "万分之": "/万"}
_UNIT_NAMES = {"成": "%", "个百分点": "百分点", "个小时": "小时", "个工作日": "工作日"}


def parse_quantity(words: str) -> Quantity | None:
    """The number, unit and approximator in `words`; None for no number (几十个) or several (从3提高到5).

    A fraction or ratio becomes its value to six digits, without a unit: 三分之二 and 2:3 give 0.666667,
    半数 gives 0.5. A ratio to 100 becomes its first term: 118.8:100 gives 118.8. 翻两番 is 4 倍, 两成 is 20
    %, 每年组织1次 is 1 次/年.
    """
    plain = in_chinese(simplify(to_plain(words)).translate(FINANCIAL))[0]
    plain = _SPACE.sub("", _COLUMNS.sub(";", plain))
    plain = _UNIT_AHEAD.sub(r"\2\1", _ANNOTATION.sub("", plain), count=1)
    return _ratio(words, plain) or _counted(words, plain) or _named(words, plain)


def _counted(words: str, plain: str) -> Quantity | None:
    found = _matches(plain)
    if len(found) != 1:
        return None
    match = found[0]
    if is_change(plain[: match.start()], match):
        return None
    first, second = _bounds(match)
    if first is None or (match["second"] and second is None) or _units_differ(match):
        return None
    approx = approximation(match)
    unit = _unit_of(match)
    if second is None:
        return Quantity(text=words, number=_json_number(first), unit=unit, approx=approx)
    low, high = sorted((first, second))
    return Quantity(text=words, low=_json_number(low), high=_json_number(high), unit=unit, approx=approx)


def _matches(plain: str) -> list[re.Match[str]]:
    """The numbers in `plain`; of several, only those in digits and not in a date (2014年增长5.3%)."""
    found = [match for match in QUANTITY.finditer(plain) if not is_indefinite(plain, match)]
    for keep in (in_digits, _is_undated):
        if len(found) > 1:
            found = [match for match in found if keep(match)] or found
    return found


def _units_differ(match: re.Match[str]) -> bool:
    return bool(match["unit"] and match["unit2"]) and match["unit"] != match["unit2"]


def _is_undated(match: re.Match[str]) -> bool:
    return (match["unit2"] or match["unit"]) not in DATED


def _bounds(match: re.Match[str]) -> tuple[Decimal | None, Decimal | None]:
    """The number, or the two ends of a range."""
    lead, token = match["lead"], match["first"]
    pair = neighbours(token)
    second: Decimal | None = None
    if match["second"]:
        first, second = _range_values(match)
    elif pair:
        first, second = _scaled(lead, value_of(pair[0])), _scaled(lead, value_of(pair[1]))
    else:
        first = _scaled(lead, value_of(token))
    if first is not None and second is None:
        first = _with_remainder(match, first)
    scale = 10 if "成" in (match["unit"], match["unit2"]) else 1
    sign, second_sign = _signs(match)
    return first and first * sign * scale, second and second * second_sign * scale


def _signs(match: re.Match[str]) -> tuple[int, int]:
    """The signs of both ends of a range.

    In -5--10 and 负增长5%到10% the first sign is for both ends, in -10到5 it is not.
    """
    first = -1 if match["sign"][:1] in ("-", "负", "零") else 1
    if match["sign2"]:
        return first, -1 if match["sign2"][0] in ("-", "负", "零") else 1
    apart = match["sign"] == "-" and match["to"] in ("至", "到")
    return first, 1 if apart else first


def _range_values(match: re.Match[str]) -> tuple[Decimal | None, Decimal | None]:
    """Both ends of a range.

    In 1-10万元 (10000 to 100000) a bare, smaller first number shares the multiplier.
    """
    lead, token, other = match["lead"], match["first"], match["second"]
    shared = other[len(other.rstrip("十百千万亿")) :] if other[0].isdecimal() else ""
    first, second = value_of(token), value_of(other)
    mantissa = value_of(other.removesuffix(shared)) if shared else None
    bare = token[-1] not in "十百千万亿" and not match["unit"]
    if first is not None and mantissa is not None and bare and first < mantissa:
        first = value_of(token + shared)
    return _scaled(lead, first), _scaled(match["lead2"] or lead, second)


def _scaled(lead: str, value: Decimal | None) -> Decimal | None:
    """`value` as 百分之, 三分之 or 翻 before it change it."""
    if value is None:
        return None
    if lead.startswith("翻"):
        return Decimal(2) ** value if value == int(value) and 0 < value <= 10 else None
    if lead.endswith("分之") and not _part(lead):
        under = value_of(lead.removesuffix("分之"))
        return round(value / under, 6) if under else None
    return value


def _part(lead: str) -> str | None:
    """The unit that a fraction stands for: % for 百分之, /十万 for 十万分之."""
    return _PARTS.get(lead, "/" + lead.removesuffix("分之") if lead.endswith("万分之") else None)


def _with_remainder(match: re.Match[str], value: Decimal) -> Decimal:
    """`value` with what follows the unit: 三成五 is 35 %, 一倍半 1.5 倍, 两个半月 2.5 个月."""
    rest = match["rest"]
    if rest == "半" or match["half"]:
        value += Decimal("0.5")
    elif rest in DIGIT_VALUES:
        value += Decimal(DIGIT_VALUES[rest]) / 10
    return value


def _unit_of(match: re.Match[str]) -> str | None:
    lead, unit = match["lead"], match["unit2"] or match["unit"]
    if part := _part(lead):
        return part
    if lead.startswith("翻"):
        return "倍"
    if match["half"] or match["tail"]:  # 两个半月, 3个多月, 3个多百分点
        unit = "个" + (match["tail"] or unit.removeprefix("个"))
    unit = _UNIT_NAMES.get(unit, unit)
    per = match["per"].replace("·", "/")
    each = re.findall("每[^每]+", match["each"] or "")
    if each and unit:
        return unit + "".join("/" + word.removeprefix("每").removeprefix("一") for word in each) + per
    return "".join(each) or unit + per or None


def _json_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _ratio(words: str, plain: str) -> Quantity | None:
    match = _RATIO.search(plain)
    if not match or len(re.findall(_TERM, plain)) != 2:
        return None
    over, under = Decimal(match[2]), Decimal(match[3])
    if not under:
        return None
    value = over if under == 100 and "/" not in match[0] else round(over / under, 6)
    return Quantity(text=words, number=_json_number(value), approx=strongest(match[1], match[4], set()))


def _named(words: str, plain: str) -> Quantity | None:
    match = _NAMED_NUMBER.search(plain)
    if not match:
        return None
    number, unit = _NAMED[match[2]]
    approx: set[Approx] = {"over"} if match[2] in ("过半", "大半", "多半") else set()
    return Quantity(text=words, number=number, unit=unit, approx=strongest(match[1], match[3], approx))


def find_quantities(text: str) -> list[Span]:
    """Spans of what may be a quantity in clean Simplified `text`, with its approximator and unit.

    In a table every number that a header names is one.
    """
    spans, cells = _in_prose(text), [cell.span for cell in find_cells(text)]
    taken = bytearray(len(text) if cells else 0)
    for i, j in spans if cells else ():
        taken[i:j] = b"\1" * (j - i)
    others = [cell for cell in cells if not any(taken[slice(*cell)])]
    return sorted([*spans, *others])


@lru_cache(maxsize=16)
def _in_prose(text: str) -> tuple[Span, ...]:
    translated, cuts = in_chinese(to_plain(text))
    plain, gaps = _close_up(translated)
    spans: list[Span] = []
    position = 0
    for skipped in (*SKIPPED.finditer(plain), None):
        end = skipped.start() if skipped else len(plain)
        for match in QUANTITY.finditer(plain, position, end):
            spans.extend(spans_of(plain, match))
        if _IN_PROPORTION.search(plain, position, end):
            spans.extend(match.span() for match in _PROPORTION.finditer(plain, position, end))
        position = skipped.end() if skipped else end
    spans = [_with_unit_ahead(plain, *span) for span in _without_overlaps(spans)]
    spans = [(position_before(start, gaps), position_before(end - 1, gaps) + 1) for start, end in spans]
    if cuts:
        spans = [(position_before(start, cuts), position_before(end - 1, cuts) + 1) for start, end in spans]
    return tuple(spans)


def _with_unit_ahead(plain: str, start: int, end: int) -> Span:
    """The span with the unit in brackets before it: （万吨）18.2."""
    ahead = UNIT_AHEAD.search(plain, max(0, start - 12), start)
    return (ahead.start() if ahead and _BARE.fullmatch(plain, start, end) else start), end


def _close_up(plain: str) -> tuple[str, list[int]]:
    """`plain` without the spaces around and inside numbers (共有 160 万人, 2 0 0 人), and their gaps.

    A gap is the position in the result of the character that followed the space.
    """
    gaps: list[int] = []
    for space in _SPACING.finditer(plain):
        gaps += [space.start() - len(gaps)] * len(space[0])
    return _SPACING.sub("", plain), gaps


def _without_overlaps(spans: list[Span]) -> list[Span]:
    """The spans in order; of two that overlap the earlier, of two that begin together the longer."""
    kept: list[Span] = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept
