"""Numbers, times and places that belong to something else than what a clause states.

亿元以上 says which projects are counted, 比2018年 what a growth is compared with, 居全省第2位 among whom a rank holds:
none of them is the value, the period or the region of the statement. Texts are clean and Simplified.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence

from extractor.lang.changes import changes_in
from extractor.lang.characters import HAN
from extractor.lang.sentences import Span
from extractor.lang.vocabulary import is_ordinary_word

# 亿元以上项目25个, 500强企业3家, 超10亿元企业5家: a bound or a rank, its noun, and how many of these there are.
_BOUNDED = re.compile(r"^(?:超过?|逾|不低于|不少于)|(?:及?以[上下内]|以外|强)$")
_BOUND = re.compile("及?以[上下内]|以外|强")
_NOUN = re.compile(rf"(?:及?以[上下内]|以外|强)?的?(?![和与及、])[{HAN}]{{1,14}}")

_COMPARED = re.compile(r"(?:[比较]|相对于|相较于|较之|比起|对比|[高低多少大小好优快慢强差]于|超过|略高于|略低于)$")
_BESIDE = re.compile(r"(?:与|同|和|跟)[^，,。；;：:、0-9]{0,8}$")
_WITH = re.compile(
    r"(?:同期|年末|年底|全年|水平)?(?:的[^，,。；;：:]{0,16}|[^，,。；;：:]{0,6}?)(?:相比|[作做]?比较|[作做]比|持平|基本持平)"
)
_MULTIPLE = re.compile(r"(?:年末|年底|全年|同期)?的(?:[0-9.]+(?:倍|%)|近?[一二两三四五六七八九十百点]+倍|近?[0-9.]+倍)")
_EQUALS = re.compile(r"(?:是|为|相当于|等于|达到?|占)$")
_TO_OR_FROM = re.compile("(?:来自|源自|[销发运寄输]往|运至|出口[到至]?|进口自|赴|前往|飞往|通往)$")
_BY = re.compile("援建|援助|捐赠|对口|支援|投资|出资")
_FOR_THE_FIRST_TIME = re.compile("(?<=年来)(?:首次|最|第一次)")
_BUILT = re.compile(
    "(?:以来的?|的)(?:历史)?(?:最[高低好大多]|第)|(?<=以来)(?:最|第|首)|(?:所|初)?(?:确定|提出|下达|制定|规定)的|租期|期限|工期|历史|(?:以前|之前|以后|之后)?[^，,。；;：:]{0,4}(?:建成|出生|毕业|发布|印发|投产|成立|立项|投用)的"
)
_FROM = re.compile("(?:从|由|自)[^，,。；;：:、0-9]{0,6}$")
# 从今年预计的1.03比1改为1比1: whatever follows is not about 今年.
_MOVES = re.compile(
    "[^，,。；;]{1,20}?[，,]?(?:改|提高|增加|增长|上升|提升|降低|下降|减少|压缩|缩短|扩大|调整|转)(?:到|为|至|成)"
)
_FROM_TO = ("由", "从", "自", "到", "至")
# How far behind a time its number may begin.
_NEXT = 8
# How far behind a time the number may stand to which its own number changes.
_WIDEST = 160
_PRICED = re.compile(r"(?:年)?(?:的)?(?:不变价|可比价|价格)")

_RANKED = re.compile(r"(?:居|列|占[到了据]?|排|排名|位列|代表|面向|跻身|进入|属于|成为|获)$")
# 在长三角27个城市中，…位列第五.
_RANK, _MEMBERS = (
    re.compile("第|[名位]$"),
    re.compile("(?:的)?[0-9一二三四五六七八九十百]{1,4}个[^，,。；;]{0,8}[中内]"),
)
# 全国政协委员, 全国文明村镇: a part of what somebody or something is called.
_IN_NAME = re.compile("重点文物|文明|优秀|先进|劳模|劳动模范|百强|人大|政协|总工会")
_SURPASSED = re.compile(r"(?:高于|低于|优于|好于|快于|超过|超出|较|比)$")
_AMONG = re.compile(
    r"(?:(?:同类|其他|所有)?[^，,。；;0-9得获]{0,4}?(?:第[0-9一二三四五六七八九十]+(?![、产])|前[0-9一二三四五六七八九十列茅]|首位|榜首|之首|平均|唯一|领先|率先|先进|同期)"
    r"|(?:[0-9一二三四五六七八九十百]{1,4}个[^，,。；;]{0,8}(?:试点|示范|之一|先进|百强)))"
)


def is_qualifier(text: str, span: Span, numbers: Sequence[Span]) -> bool:
    """Whether a number says which things are counted by the next number of its clause (亿元以上项目25个)."""
    at = bisect_left(numbers, (span[1], 0))
    if at == len(numbers):
        return False
    between = (span[1], numbers[at][0])
    bounded = _BOUNDED.search(text[slice(*span)]) or _BOUND.match(text, *between)
    return bounded is not None and _NOUN.fullmatch(text, *between) is not None


def is_base(text: str, span: Span, number: Span) -> bool:
    """Whether a time is what a number compares with: 比2018年增长8%, 与上年同期相比, 是2015年的1.5倍.

    It is not if the number is its own: 比2018年的3亿元多.
    """
    if (
        span[1] <= number[0]
        and text[span[1] : number[0]] in ("", "的")
        and not _EQUALS.search(text[max(0, span[0] - 3) : span[0]])
    ):
        return False
    if _is_where_it_began(text, span, number) or _is_of_what_it_became(text, span, number):
        return True
    before, after = text[max(0, span[0] - 12) : span[0]], text[span[1] : span[1] + 24]
    # 由2015年的86亿元增加到2020年的142亿元，…: each of these times has its own number.
    if after.startswith("的") and (before.endswith(_FROM_TO) or text.startswith(_FROM_TO, span[0])):
        return True
    if _COMPARED.search(before):
        return True
    if _BESIDE.search(before) and _WITH.match(after):
        return True
    return (_EQUALS.search(before) and _MULTIPLE.match(after)) is not None or _PRICED.match(after) is not None


def _is_where_it_began(text: str, span: Span, number: Span) -> bool:
    """Whether a time is that of the number from which something changed to this one: 由2015年的86亿元增加到142亿元."""
    if number[0] < span[1] or not _FROM.search(text[max(0, span[0] - 8) : span[0]]):
        return False
    moved = _MOVES.match(text, span[1])
    if moved is not None and moved.end() <= number[0]:
        return True
    begin = max(0, span[0] - 8)
    if number[0] > span[1] + _WIDEST:
        return False
    return any(
        begin + change.new[0] < number[1]
        and number[0] < begin + change.new[1]
        and span[1] <= begin + change.old[0] <= span[1] + _NEXT
        for change in changes_in(text[begin : number[1]])
    )


def _is_of_what_it_became(text: str, span: Span, number: Span) -> bool:
    """Whether a number is the old one of a change, of which a time is not: 到1954年由38%提高到44%."""
    if text[max(0, number[0] - 1) : number[0]] not in ("由", "从", "自") and span[1] <= number[0] <= span[1] + _NEXT:
        return False
    begin, end = max(0, number[0] - _NEXT), number[1] + 2 * _NEXT
    return any(begin + change.old[0] == number[0] for change in changes_in(text[begin:end]))


def is_elsewhere(text: str, span: Span) -> bool:
    """Whether a place is where something comes from or goes to: 来自东南亚, 销往欧洲, 由上海援建."""
    return (
        text.startswith("时间", span[1])
        or _TO_OR_FROM.search(text[max(0, span[0] - 4) : span[0]]) is not None
        or (text[max(0, span[0] - 1) : span[0]] == "由" and _BY.match(text, span[1]) is not None)
    )


def is_of_a_thing(text: str, span: Span) -> bool:
    """Whether a time is that of a thing that a noun names: 2000年以前建成的小区, 《2025年方案》."""
    if _FOR_THE_FIRST_TIME.match(text, span[1]):
        return True
    in_title = text.rfind("《", max(0, span[0] - 40), span[0]) > text.rfind("》", max(0, span[0] - 40), span[0])
    in_name = (
        text[span[0] - 1 : span[0]] == "“" and re.match(rf"[{HAN}]{{1,8}}”", text[span[1] : span[1] + 10]) is not None
    )
    return in_title or in_name or _BUILT.match(text, span[1]) is not None


def is_scope(text: str, span: Span, number: Span | None = None) -> bool:
    """Whether a place is the whole in which a rank or a share holds: 居全省第2位, 全国28个试点城市之一, 高于全国平均."""
    before, after = text[max(0, span[0] - 4) : span[0]], text[span[1] : span[1] + 16]
    if number is not None and _RANK.search(text[slice(*number)]) and _MEMBERS.match(after):
        return True
    if _IN_NAME.match(after):
        return True
    # 低于全国120.56 gives a number of the whole itself.
    surpassed = _SURPASSED.search(before) is not None and not after[:1].isdigit()
    return surpassed or _RANKED.search(before) is not None or _AMONG.match(after) is not None


_YEAR = re.compile(
    r"[0-9]{4}|[近过今未][去来后]?的?[一二三四五六七八九十几两0-9]+年|[一二三四五六七八九十几两]年[来间]|后年|[一二三四五六七八九〇零]{4}|今年|去年|明年|前年|上年|当年|本年|五[”\"]?期间"
)
# 两项工作均须在开学前到位: what comes later holds for all.
_OF_ALL = re.compile("[，,]是$|[这该此][项些]|[均都]|全部|上述|以上|各项|[两三四]项|一并")
_PLACE = re.compile(
    rf"(?:(?<=[，,；;。：:、在往年])|(?<=邻近的)|(?<=其中)|^)(?![全我本该各])[{HAN}]{{2,3}}(?<!城)(?:省|县|市|镇|乡)(?![级民场委镇乡市村厅])"
)
_ONE_TIME = re.compile("[；;。]")
_IS_WHEN = ("时间是", "时间为", "时间在", "时间:", "时间：")
_OF_TIME = re.compile("[年月日天旬季周期时世纪今昔前后来近初末底普现]|[0-9]{4}")
_OF_PLACE = re.compile("[省市县区州盟旗镇乡村国街道地洲港台境域内外][内外]?$|^[全本我各该]")
# Characters before a time that opens its clause: 到, 在, 一是.
_LEADING = 3
_TO = re.compile(r"\s?(?:至|到|-{1,2}|—{1,2}|~|～)\s?")


def is_superseded(text: str, span: Span, item: Span, clause: Span, others: Sequence[Span]) -> bool:
    """Whether a time or a place is not that of an item, because another one stands nearer, or because it comes later.

    In 2018年完成3亿元，2019年完成5亿元 each number has its own. `others` are the times (or places) of the text, in order;
    the base of a comparison is none. A time without a year may stand within one: 去年…，上半年….
    """
    if span[0] >= clause[1]:
        return not (text.endswith(_IS_WHEN, 0, span[0]) or _OF_ALL.search(text, clause[1], span[0]))
    if span[1] > clause[0]:
        return False
    own = [one for one in others if clause[0] <= one[0] and one[1] <= item[0]]
    own = [one for one in own if not (is_base(text, one, item) or is_of_a_thing(text, one))]
    years = [_YEAR.search(text[slice(*one)]) is not None for one in own]
    return any(years) or (bool(own) and _YEAR.search(text[slice(*span)]) is None)


def places_in(text: str, span: Span) -> list[Span]:
    """Where text[start:end] names a place (泾源县, 白沙镇), but not a kind of places that are counted (示范区3个)."""
    return [match.span() for match in _PLACE.finditer(text, *span)]


def may_not_reach(
    text: str, span: Span, item: Span, others: Sequence[Span], *, is_place: bool, is_passage: bool
) -> bool:
    """Whether a time or a place stands in an earlier part of a sentence, up to a semicolon, and not for all of it.

    A time that may stand anywhere (`is_passage`) gives way to another one behind the semicolon.
    于汛期前印发；开展演练 has a time of its own part only, and so has 考察了黄陂镇；前往白沙镇，冷库有9座.
    """
    parting = [match.start() for match in _ONE_TIME.finditer(text, span[1], item[0])]
    if not parting:
        return False
    if is_place:
        return bool(places_in(text, (parting[-1], item[0])))
    if any(parting[-1] < one[0] and one[1] <= item[0] and not is_base(text, one, item) for one in others):
        return True
    if is_passage:
        return False
    lead = max(text.rfind(mark, 0, span[0]) for mark in "，,；;。：:\n") + 1
    return span[0] - lead > _LEADING


def may_be_time(words: str) -> bool:
    """Whether the words have a character for a time in them."""
    return _OF_TIME.search(words) is not None


def may_be_place(words: str) -> bool:
    """False for a verb or an adjective (投资). A noun may be the name of a place (焦作, 园区)."""
    return _OF_PLACE.search(words) is not None or not is_ordinary_word(words, nouns=False)


def whole_interval(text: str, span: Span, periods: Sequence[Span]) -> Span:
    """2018年至2020年 for one of its ends; any other time as it is."""
    for one in periods:
        # 到2023年 is no interval.
        is_interval = _TO.search(text[slice(*one)], 1) is not None
        if one[0] <= span[0] and span[1] <= one[1] and one != span and is_interval:
            return one
    return span
