"""Lists of names, times or places that share out a list of numbers: 城镇、农村居民收入分别增长4.5%、5.7%.

Texts are clean and Simplified.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from extractor.lang.characters import HAN
from extractor.lang.sentences import Span
from extractor.lang.vocabulary import word_ends

_EACH = re.compile("分别|各自|依次")
_LISTED = re.compile(r"\s*(?:、|和|与|及|以及|[，,](?=[\d+-]))\s*")
_JOINT = re.compile("、|以及|[和与及]")
# Between the names and 分别, and between 分别 and the first number.
_COMPARED = re.compile(
    "(?:[比较][0-9]{4}年(?:同期|[末底])?|也|又|还|均|都|同比|环比|比上年(?:同期)?|比去年(?:同期)?|较上年(?:同期)?|较去年(?:同期)?|年均){0,20}$"
)
_MOVED = re.compile(rf"[，,]?[{HAN}]{{0,14}}")
_ONLY_MOVED = re.compile(
    "[，,](?:同比|环比|比上年|比去年|较上年|较去年|分别|年均|均|又|再|增长|增加|提高|上升|下降|减少|降低|回落|增幅|为|达到?|了)+"
)
_HEAD = re.compile(r"[，,。；;：:！!？?\n]")
_ORDINAL = re.compile("[一二三四五六七八九十]")
# What the last member may end in that all of them share.
_MEASURED = re.compile(
    "(?:收入|投资|产业|贸易|人口|支出|[存贷]款|水平|指数|价格|消费|产量|面积|比[例重]|标准|[额量率值数])$"
)
_TIME = re.compile(r"(?:[0-9]{4}年|[今去明前上]年|[0-9]{1,2}月份?|[上下]半年|[一二三四]季度)")
_TIMES = re.compile(rf"{_TIME.pattern}(?:[、和与]{_TIME.pattern}){{1,20}}(?=[，,])")
_PLACE = re.compile(f"(?:全|我|本|该)?[{HAN}]{{0,3}}?[省市县区州镇乡村]")
# How far before 分别 its names may begin.
_REACH = 60
# A short part before a longer last one lacks what the last one ends in.
_SHORT = 4
# Of which the first one may have this many more, for a place: 全区餐饮.
_REGION = 2


class Share(NamedTuple):
    """A number, and what is its own of the names before 分别.

    `own` is the place of its member of the list, `name` this member with what all share (农村|居民收入), `others` the other
    members, `stated` the words between 分别 and the numbers.
    """

    number: Span
    own: Span
    name: str
    others: tuple[str, ...]
    stated: str
    is_first: bool

    def is_of_another(self, words: str) -> bool:
        """Whether the words are another member, or begin one that is not the first: a place before the first is for all."""
        first = () if self.is_first else self.others[:1]
        return words in self.others or any(other.startswith(words) for other in self.others[len(first) :])


def shares_in(text: str, sentence: Span, numbers: Sequence[Span]) -> list[Share]:
    """The shares of the numbers (those of the sentence, in order) that it gives out by 分别, in order.

    Where there are not as many names as numbers, nothing is paired.
    """
    found: list[Share] = []
    for each in _EACH.finditer(text, *sentence):
        after = [number for number in numbers if number[0] >= each.end()]
        if not after or not _MOVED.fullmatch(text, each.end(), after[0][0]):
            continue
        listed = _list_of(text, after)
        parts = _parts(text, max(sentence[0], each.start() - _REACH), each.start())
        if len(parts) != len(listed):
            parts = _times_before(text, sentence[0], each.start())
        if len(listed) < 2 or len(parts) != len(listed):
            continue
        found += _paired(text, listed, parts, text[each.end() : listed[0][0]])
        following = [number for number in after if number[0] >= listed[-1][1]]
        while following and _ONLY_MOVED.fullmatch(text, listed[-1][1], following[0][0]):
            between = text[listed[-1][1] : following[0][0]]
            listed = _list_of(text, following)
            if len(listed) != len(parts):
                break
            found += _paired(text, listed, parts, between)
            following = [number for number in following if number[0] >= listed[-1][1]]
    return found


def _times_before(text: str, start: int, end: int) -> list[Span]:
    """The last list of times in text[start:end], in a clause of its own: 2021年和2022年，减税分别为…."""
    listed = list(_TIMES.finditer(text, start, end))
    if not listed:
        return []
    return [match.span() for match in _TIME.finditer(text, *listed[-1].span())]


def _list_of(text: str, numbers: Sequence[Span]) -> list[Span]:
    """The first of the numbers and those that follow it in one list."""
    listed = [numbers[0]]
    for number in numbers[1:]:
        if not _LISTED.fullmatch(text, listed[-1][1], number[0]):
            break
        listed.append(number)
    return listed


def _parts(text: str, start: int, end: int) -> list[Span]:
    """The members of the list that ends at `end`, within one clause."""
    edges = [match.end() for match in _HEAD.finditer(text, start, end)]
    begin = edges[-1] if edges else start
    compared = _COMPARED.search(text[begin:end])
    end = begin + compared.start() if compared else end
    spans, at = [], begin
    for joint in _JOINT.finditer(text, begin, end):
        spans.append((at, joint.start()))
        at = joint.end()
    spans = [(i + len(text[i:j]) - len(text[i:j].lstrip()), j) for i, j in [*spans, (at, end)]]
    return [span for span in spans if span[1] > span[0]]


def _paired(text: str, numbers: Sequence[Span], parts: Sequence[Span], stated: str) -> list[Share]:
    shared = _shared(text, parts)
    own = [*parts[:-1], (parts[-1][0], parts[-1][1] - len(shared))]
    words = [text[slice(*part)] for part in own]
    if words[0].startswith("第") and all(map(_ORDINAL.fullmatch, words[1:])):
        words = [words[0], *(f"第{word}" for word in words[1:])]
    return [
        Share(number, part, words[at] + shared, tuple(w for n, w in enumerate(words) if n != at), stated, at == 0)
        for at, (number, part) in enumerate(zip(numbers, own, strict=True))
    ]


def _shared(text: str, parts: Sequence[Span]) -> str:
    """What the last member ends in and the others lack: 居民收入 of 城镇、农村居民收入."""
    *_, before, last = (text[slice(*part)] for part in parts)
    before = before[place.end() :] if (place := _PLACE.match(before)) and place.end() < len(before) else before
    times = [re.match(r"(?:[0-9]{4}|[一二三四五六七八九〇零]{4})年|[今去明前上]年", words) for words in (before, last)]
    if all(times):
        return last[times[1].end() :] if times[1] else ""
    if _MEASURED.search(last) is None:
        return ""
    averaged = re.search("(?<=..)(?:居民)?(?:人均|平均)", last)
    if averaged is not None:
        return last[averaged.start() :]
    alike = next((k for k in range(len(before) - 2) if before[k:] in last[:-1]), None)
    if alike is not None:  # 高技术制造业、装备制造业|增加值
        return last[last.index(before[alike:]) + len(before) - alike :]
    if len(before) > _SHORT + _REGION or len(last) < len(before):
        return ""
    # 餐饮、住宿业|营业额: a word that ends about where the other member does.
    ends = [end for end in word_ends(last) if 1 < end < len(last) - 1 and _MEASURED.search(last[end:])]
    wanted = len(before) if len(parts) > 2 else min(len(before), _SHORT)
    return last[min(ends, key=lambda end: abs(end - wanted)) :] if ends and len(last) > 3 else last[wanted:]
