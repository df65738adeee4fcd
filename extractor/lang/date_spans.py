"""Finds dates and periods in a text.

All patterns run on folded text (`fold` keeps the length). Every repetition is bounded, so the time is linear.
"""

from __future__ import annotations

import re

from extractor.lang.fold import fold
from extractor.lang.sentences import Span

_FULL_STOPS = str.maketrans("。｡", ";;")
_SPACE = r"[ \t\u3000]{0,2}"
_NO_NUMBER = r"(?<!\d)(?<!\d\.)"
CN = "[〇零○0一二三四五六七八九]"
_YEAR4 = rf"{_NO_NUMBER}(?<!近)(?:18|19|20)\d\d|(?<![一二三四五六七八九十〇])[一二][九〇零○0]{CN}{{2}}"
_MASKED = rf"{_NO_NUMBER}(?:(?:19|20)[x×*#_○]{{1,2}}|20-|(?:19|20)\d[x×*#_])"
# 05年 and 14年3月 are years. 18年 and 20年 are durations, or what a redaction left of a year.
_YEAR2 = rf"{_NO_NUMBER}(?<![%连近约第满])(?:0\d(?=年(?![来间内多]))|(?!20)\d\d(?=年\d{{1,2}}月))"
_TO = rf"{_SPACE}(?:-{{1,2}}|至|到|、){_SPACE}"
_YEAR = rf"(?:{_NO_NUMBER}(?<!近)(?:18|19|20)\d\d年?{_TO})?(?:{_YEAR4}|{_MASKED}|{_YEAR2}){_SPACE}年度?(?!级)"
MONTH_NUMBER = rf"(?:{_NO_NUMBER}(?:1[0-2]|0?[1-9])|十[一二]?|[一二三四五六七八九元])"
_MONTH = rf"(?:{MONTH_NUMBER}月?{_TO})?{MONTH_NUMBER}{_SPACE}月"
DAY_NUMBER = r"(?:3[01]|[12]\d|0?[1-9]|[二三]?十[一二三四五六七八九]?|[一二三四五六七八九])"
_DAY = rf"(?:{DAY_NUMBER}[日号]?{_TO})?{DAY_NUMBER}{_SPACE}[日号](?!文件|线|楼|院|机|令|公告)"
_PART_OF_DAY = (
    r"(?:\(?(?:星期|周|礼拜)[一二三四五六日天]\)?)?(?:上午|下午|早上|早晨|清晨|凌晨|中午|晚上?|傍晚)?"
    r"(?:\d{1,2}[:时点](?:\d{1,2}分?|半|许|整)?)?"
)
_PART_OF_MONTH = "(?:份|[上中下]旬|月?[初底末](?!级))?"
_PART_OF_YEAR = (
    r"(?:年?[初底末](?![中级步])|年[中终]|岁末|上半年|下半年|第?[一二三四1-4首]季度|(?:主?汛期|入汛|春节|国庆节?|元旦|中秋|开学|雨季|入冬|冬季|春耕|秋收|春运)(?:来临|到来)?之?前|前[一二三四五六七八九十\d]{1,2}个?(?:季度|月)"
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
    """The pattern of one date. `group` is the number of its only capturing group."""
    iso = _ISO_DATE.replace(r"\{n}", rf"\{group}")
    return rf"(?:{_YEAR}(?:{_SPACE}{_IN_YEAR})?|{_MONTH_DAY}|(?:{_BARE_MONTH}){_PART_OF_MONTH}|{iso})"


_FIVE_YEARS = (
    r'"?(?:十[一二三四五六七八九]?|[一二三四五六七八九])五"?(?:规划|计划)?(?:期间|时期|[初末中]期|[初末]|以来)'
    r'|"(?:十[一二三四五六七八九]?|[一二三四五六七八九])五"(?=年均|平均|累计|合计|共(?![同和产]))'
    r"|第[一二三四五六七八九十]{1,3}个五年(?:规划|计划)?(?:期间|时期)|第[一二三四五六七八九十]{1,3}个五年(?=共(?![同和产])|累计|合计|年均|平均)"
    rf"|{_NO_NUMBER}(?:19|20)\d\d[、和](?:19|20)\d\d两年"
)
_DECADES = r"(?:(?:上|本|\d\d|二十一?|十九)个?世纪)?(?:(?:19|20)?\d0|[一二三四五六七八九]十)年代(?:[初中末前后]期?)?"
_DATE = rf"(?:{_FIVE_YEARS}|{_DECADES}|{_date_pattern(1)}(?:{_SPACE}(?:-{{1,2}}|至|到){_SPACE}{_date_pattern(2)})?)"
# A look at the first character before the alternatives are tried: four times as fast on prose.
_DATE_BEGINS = '(?=["\\d一二三四五六七八九十元上本第])'
# 12日上午 at the head of a report. Its month is that of the newspaper, which is not in the text.
_BARE_DAY = r"(?<![\d月年日、至到期限续每-])(?<!连续)(?:3[01]|[12]\d|[1-9])[日号](?=[上下]午|中午|凌晨|早上|晚上|[,，])"
_DATES = re.compile(f"{_DATE_BEGINS}(?:{_DATE}|{_BARE_DAY}{_PART_OF_DAY})")

_THIS_YEAR = (
    r"(?:今年|去年|明年|后年(?!度)|本年|(?<!以)上年(?![龄纪份])|(?<![\d年月日目之以一两三几])前年(?![均产度])|当年)度?"
)
# The end of 2010年至今年6月. (2010年至今年均增长5% contains 至今 and 年均, not 今年.)
_TO_THIS_YEAR = rf"{_SPACE}(?:-{{1,2}}|至|到){_SPACE}(?!今年均){_THIS_YEAR}{_IN_YEAR}?(?:期间|为止)?"
_COUNT = r"(?:\d{1,2}|[一二两三四五六七八九十几]{1,3}|半)"
_SPAN_BEGINS = '(?=["\\d一二三四五六七八九十元上本第截从自到至今去明前当目现迄后年下全月近最过未这此之用通经两几半汛主春国中开雨冬秋入元整])'
_SPANS = re.compile(
    rf"{_SPAN_BEGINS}(?:(?:截至|截止到?|从|自|到|至)?{_DATE}(?:{_TO_THIS_YEAR}|以来|以后|以前|之前|之后|底?前(?![一二三四五六七八九十\d])"
    rf"|开始|起|至今|为止|同期|期间|间)?"
    rf"|(?:截至|截止到?|从|自|到|至)?{_THIS_YEAR}(?:(?:-|至|到)?{_IN_YEAR}|同期)?(?:以来|以前|之前|之后|底?前|开始|起|同期)?"
    r"|(?:截至|截止到?|到)(?:目前|现在|今)(?:为止)?|目前|现在(?=[，,已有共全累仍还正是达])|迄今(?:为止)?|至今"
    r"|(?:到|至)?(?<![\d一二两三四五六七八九十几每])年[内底初末终]前?(?![级步考总])|上半年|下半年|全年(?!龄)|第?[一二三四]季度|月底前?"
    r"|去冬今春|(?:今|去|明|整个)(?:春|夏|秋|冬)季?(?![节分至])|(?:主?汛期|入汛|春节|国庆节?|元旦|中秋|开学|雨季|入冬|冬季|春耕|秋收|春运)(?:来临|到来)?之?前"
    r"|前[一二三四五六七八九十\d]{1,2}个?(?:季度|月)|近年来?|近几?年来?"
    rf"|(?:最?近|过去|今后|未来|这|此前|之后|(?<!提)前|用|通过|经过)(?:的)?(?<!每){_COUNT}(?:个月|年)(?:多)?(?:以来|以内|来|间|内|左右|时间)?"
    rf"|(?<![每\d第连续一二三四五六七八九十、])[二两三四五六七八九十]年(?=共|累计|总共|合计|平均|增长|增加)"
    rf"|(?<![每\d第一二三四五六七八九十])(?<![一二三四五六七八九]、){_COUNT}(?:年|个月)(?:多)?(?:以来|以内|之内|来|间|内)"
    rf"|(?<![每\d第])\d{{1,3}}(?:天|日|周|个工作日)(?:之|以)?内|[二三四五六七八]普(?![通遍查法及选]))"
)
# What ends a deadline, or begins it. (前三季度 and 前年 are periods.)
_DEADLINE = re.compile(
    r"(?<=.)前$|以前$|之前$|[底末内]$|期间$|时期$|^(?:今后|未来)|^[到至].*(?:[年月日号]|季度|[底初末])$|^到"
)
_NO_DEADLINE = re.compile(
    "以来|以后|之后|同期|至今|迄今|为止|目前|现在|截至|截止|去年|上年|前年(?!均)|此前|过去|^近|^最近|年代|开始$|起$|^到(?:目前|现在|今$)|世纪|^这"
)
# 用三年时间, 通过三年的努力.
_LASTING = re.compile(rf"{_COUNT}(?:个月|年)(?:左右|时间|内)?")
_MEANS = ("用", "通过", "经过", "力争", "争取")
_EVENT_SINCE = re.compile("以来")
_EVENT_LONGEST = 20
_CLAUSE_EDGE = re.compile(r"[\s,.;:!?、()<>了]|(?=党的)")


def find_dates(text: str) -> list[Span]:
    """Spans of dates: days, months, years (redacted ones too), five-year plans, and ranges of these."""
    return [match.span() for match in _DATES.finditer(fold_keeping_stops(text))]


def find_periods(text: str) -> list[Span]:
    """Spans of what can be the period of a statistic or the deadline of a target, without overlaps.

    Beside dates these are dates with 以来 or 前, and 去年, 近三年, 年内, 改革开放以来.
    """
    folded = fold_keeping_stops(text)
    spans = [_without_preposition(folded, *match.span()) for match in _SPANS.finditer(folded)]
    spans = _joined(folded, spans)
    taken = {end for _, end in spans}
    since = [_event(folded, match.start()) for match in _EVENT_SINCE.finditer(folded) if match.end() not in taken]
    events = [span for span in since if span]
    return _without_overlaps(sorted(spans + events))


_UNTIL = re.compile(rf"{_SPACE}(?:-{{1,2}}|至|到){_SPACE}")
_AND = re.compile(rf"{_SPACE}[、和与]{_SPACE}")
_ONE_YEAR = re.compile(r"\d{4}年|[一二][一二三四五六七八九零〇○]{3}年")
_YEARLY = re.compile("^(?:到|至)?(?:今年|去年|明年|后年|上年|本年|当年|\\d{4}年)")
_OF_YEAR = re.compile("全年|本年度?|[上下]半年|第?[一二三四]季度|前[一二三四五六七八九十]{1,2}个(?:季度|月)")


def _joined(folded: str, spans: list[Span]) -> list[Span]:
    """The spans with a part of a year joined to the year right before it: 1954年全年."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and joined[-1][1] == start and folded[start] == "这":  # 从1953年到1960年这八年
            joined[-1] = (joined[-1][0], end)
            continue
        gap = folded[joined[-1][1] : start] if joined else "。"
        until = _UNTIL.fullmatch(gap) is not None or (not gap and folded[start] in "到至")
        years = [_ONE_YEAR.search(folded[i:j]) for i, j in ((joined[-1] if joined else (0, 0)), (start, end))]
        both = _AND.fullmatch(gap) is not None and all(years) and _ONE_YEAR.fullmatch(folded[start:end]) is not None
        if both or (until and _YEARLY.search(folded[start:end])):
            joined[-1] = (joined[-1][0], end)
            continue
        ends_in_year = bool(joined) and joined[-1][1] == start and folded[start - 1] == "年"
        if ends_in_year and _OF_YEAR.fullmatch(folded, start, end):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def find_deadlines(text: str) -> list[Span]:
    """Spans of the periods by whose end something is to be done: 年底前, 9月底, 三年内, 到2020年, 今后五年.

    A period that has begun or is over is not a deadline: 今年, 去年, 近三年, 2010年以来.
    """
    folded = fold_keeping_stops(text)
    return [span for span in find_periods(text) if _is_deadline(folded, span)]


def _is_deadline(folded: str, span: Span) -> bool:
    words = folded[slice(*span)]
    if _NO_DEADLINE.search(words):
        return False
    lasts = _LASTING.fullmatch(words) is not None and folded.endswith(_MEANS, 0, span[0])
    return lasts or _DEADLINE.search(words) is not None


def fold_keeping_stops(text: str) -> str:
    """Like `fold`, but a full stop becomes ";". As "." it would turn 达到3。5月 into a decimal."""
    return fold(text.translate(_FULL_STOPS))


def _without_preposition(folded: str, start: int, end: int) -> Span:
    """The span without its preposition: 三年 of 通过三年, 今年 of 从今年; all of 从2月到5月."""
    for means in ("通过", "经过", "用"):
        if folded.startswith(means, start):
            return start + len(means), end
    if folded[start] in "从自" and not re.search("以来|起|开始|以后|之后|到|至|-", folded[start:end]):
        return start + 1, end
    return start, end


def _event(folded: str, since: int) -> Span | None:
    """The clause that ends in 以来, from its 自 or 从 on; None if it is too long or too short."""
    begin = max(0, since - _EVENT_LONGEST)
    edges = [match.end() for match in _CLAUSE_EDGE.finditer(folded, begin, since)]
    if not edges and begin > 0:
        return None
    start = edges[-1] if edges else begin
    words = folded[start:since]
    start += max(words.rfind("自从"), words.rfind("从") if "自从" not in words else -1, words.rfind("自"), 0)
    return (start, since + 2) if since - start >= 2 else None


def _without_overlaps(spans: list[Span]) -> list[Span]:
    kept: list[Span] = []
    for start, end in spans:
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept
