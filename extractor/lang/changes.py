"""What the words around a number say of a change: its direction, and from which number to which.

下降12.3% goes down by 12.3 %; 由35元提高到40元 goes from one number to another. Texts are clean and Simplified.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from extractor.lang.numerals import to_plain
from extractor.lang.quantities import find_quantities
from extractor.lang.quantity_pattern import QUANTITY
from extractor.lang.sentences import Span

Direction = Literal["up", "down"]

_UP = (
    "增长|增加|提高|提升|上升|上涨|上调|上浮|攀升|增收|增产|扩大|新增(?=[0-9.]+个?百分点)|增速|增幅|涨幅|升幅|净增|多出"
    "|(?<=[同环]比)[增涨升多]|(?<=比去年)[增涨升多]|(?<=比上年)[增涨升多]|(?<=比上月)[增涨升多]"
)
_DOWN = (
    "下降|降低|减少|回落|下跌|下滑|下调|下浮|缩小|缩减|压减|收窄|减幅|降幅|跌幅|净减|减产|减收|少于上年"
    "|(?<=[同环]比)[减降跌少]|(?<=比去年)[减降跌少]|(?<=比上年)[减降跌少]|(?<=比上月)[减降跌少]"
)
# Between the verb and its number: 下降了近12.3%, 增长幅度达到8%, 分别增长4.5%、5.7%. 到 makes the number a level.
_LINK = r"(?:率|幅度?|速度)?(?:分别)?(?:只|仅)?(?:了|为|是|达到?|约|近|超过?|不到|将近|大约|近乎|高达|均)?(?:了|约|近)?"
_VERB = re.compile(rf"(?:(?P<up>{_UP})|(?P<down>{_DOWN})){_LINK}$")
# Behind the number: 8%的增速, 5个百分点的降幅.
_NOUN = re.compile(r"\s?的(?:(?P<up>增长|增速|增幅|涨幅|升幅)|(?P<down>下降|降幅|跌幅|减幅))")
_LISTED = re.compile(r"\s*(?:、|和|与|及|以及|[，,](?=\d))\s*")
_REACH = 24

# 由2015年的86.5亿元增加到2020年的142.3亿元, 从42%提高到45%, 由12起降到8起以下.
_BUILT_ON = re.compile(r"在[^，,。；;：:、！!？?\n]{0,12}$")
_ON = re.compile("的?基础上")
_FROM = re.compile(r"(?:从|由|自)[^，,。；;：:、！!？?\n]{0,16}$")
_TO = re.compile(
    r"[，,]?[^，,。；;：:、0-9]{0,6}?(?:提高|增加|增长|上升|提升|扩大|下降|降低|减少|压缩|缩短|缩小|回落|下调|上调|调整|调低|调高|转|发展|扩展|拓展|转变|变|升|降|增|减|涨|扩|延长|延伸)"
    r"(?:到|至|为|成)(?:了|约|近)?[^，,。；;：:、]{0,12}?|(?:到|至)(?:了|约|近)?"
)
_WIDEST = 30


class FromTo(NamedTuple):
    """Two numbers of a change, as places in the text."""

    old: Span
    new: Span


def direction_of(text: str, start: int, end: int) -> Direction | None:
    """Whether the number at text[start:end] is how far something went up or down; None for a level or a bare number."""
    before = text[max(0, start - _REACH) : start]
    match = _VERB.search(before) or _NOUN.match(text, end)
    if match is None:
        first = _first_of_list(text, start)
        match = None if first is None else _VERB.search(text[max(0, first - _REACH) : first])
    if match is None:
        return None
    return "up" if match["up"] else "down"


def _first_of_list(text: str, start: int) -> int | None:
    """Where the first number of a list begins that ends right before `start`: 下降4.5%、5.7%和6.1%."""
    window = max(0, start - 60)
    spans = [(window + i, window + j) for i, j in find_quantities(text[window:start])]
    first, at = None, start
    for i, j in reversed(spans):
        if _LISTED.fullmatch(text, j, at) is None:
            break
        first = at = i
    return first


@lru_cache(maxsize=256)
def changes_in(text: str) -> tuple[FromTo, ...]:
    """The changes from one number to another in a sentence or clause, in order.

    从50%、75%提高到100% is two.
    """
    spans = find_quantities(text)
    found: list[FromTo] = []
    first = 0
    for number, old in enumerate(spans):
        is_listed = number > first and _LISTED.fullmatch(text, spans[number - 1][1], old[0]) is not None
        first = first if is_listed else number
        before = text[max(0, spans[first][0] - _REACH) : spans[first][0]]
        is_base = _BUILT_ON.search(before) is not None and _ON.match(text, old[1]) is not None
        if not is_base and _FROM.search(before) is None:
            continue
        new = _reached(text, old, spans)
        if new is not None:
            found += [FromTo(one, new) for one in spans[first : number + 1]]
    return tuple(found)


def _reached(text: str, old: Span, spans: list[Span]) -> Span | None:
    """The number to which a change from `old` goes: the next one, or one that would count nothing elsewhere (第二位)."""
    following = next((span for span in spans if span[0] >= old[1]), None)
    if following is not None and following[0] - old[1] <= _WIDEST and _TO.fullmatch(text, old[1], following[0]):
        return following
    to = _TO.match(text, old[1], old[1] + _WIDEST)
    number = to and QUANTITY.match(to_plain(text), to.end())
    if not number or number.end() == number.start() or (following is not None and number.start() >= following[0]):
        return None
    return number.span()
