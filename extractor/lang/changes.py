"""What the words around a number say of a change: its direction, and from which number to which.

下降12.3% goes down by 12.3 %; 由35元提高到40元 goes from one number to another. Texts are clean and Simplified.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from extractor.lang.quantities import find_quantities
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

_FROM = re.compile(r"(?:从|由|自)$")
# 由2015年的86.5亿元增加到2020年的142.3亿元, 从42%提高到45%, 由12起降到8起以下, 从12%—15%左右调整到10%.
_TO = re.compile(
    r"(?P<verb>(?:[^，,。；;：:、0-9]{0,6}?)(?:提高|增加|增长|上升|提升|扩大|下降|降低|减少|压缩|缩短|缩小|回落|调整|调低|调高|下调|上调|发展|扩展|拓展|变|升|降|增|减|涨|扩)?)"
    r"(?:到|至|为|成)(?:了|约|近)?(?P<time>(?:[^，,。；;：:、0-9]{0,4}[0-9]{4}年(?:末|底|初|前|上半年|的)?的?|去年的?|今年的?|目前的?|现在的?)?)"
    r"(?:的|约|近)?$"
)
_FROM_GAP = r"(?:[0-9]{4}年(?:末|底|初|的)?|去年|上年|前年|年初|原来|过去|当时|开始|解放初|建国初|期初)?(?:同期|末|底|初)?的?(?:全国|全省|全市|全县)?(?:的)?"
_FROM_TIMED = re.compile(rf"(?:从|由|自){_FROM_GAP}$")


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


def changes_in(text: str) -> list[FromTo]:
    """The changes from one number to another in a sentence or clause, in order."""
    spans = find_quantities(text)
    found = []
    for old, new in zip(spans, spans[1:], strict=False):
        between = text[old[1] : new[0]]
        if len(between) <= 24 and _TO.fullmatch(between) and _FROM_TIMED.search(text[max(0, old[0] - 24) : old[0]]):
            found.append(FromTo(old, new))
    return found
