"""Who did what: whether the words for an act (主持, 出席) in a sentence are about one of the persons whom it names.

会议由副县长李明主持，县委书记何志远讲话 has two acts, each with a person of its own, and 学习何志远的讲话 has none of 何志远. Texts are
clean and Simplified.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from extractor.lang.characters import HAN, HAN_CHARACTER
from extractor.lang.name_lists import list_starts, occurrences
from extractor.lang.negation import affirmed
from extractor.lang.sentences import Span, clauses
from extractor.lang.surnames import OFFICE

# Acts that several persons do together, whichever of them the clause begins with.
_TOGETHER = re.compile("会见|会谈|会晤|见面|座谈|接见|陪同|随同|签")
# What stands between two persons of whom only the second one does what follows: 何志远听取吴倩汇报.
_PARTED = re.compile("听取|会见|接见|[由受对向让请率]|委托|代表|介绍|宣布|任命|致电|来信|祝贺|转达")
# What an act is followed by if those who do it come after it: 出席会议的有何志远、吴倩.
_INTRODUCES = re.compile("[^，,。；;：:]{0,6}的")

# 去年的大会由何志远主持, 何志远曾主持过: not at the meeting that the text is about.
_TIME = "(?:去年|前年|上年|上一?次|上届|上个?月|此前)"
_ELSEWHEN = re.compile(
    rf"^{_TIME}(?:[0-9一二三四五六七八九十]{{1,3}}月(?:[0-9一二三四五六七八九十]{{1,3}}日)?)?(?:[，,]|[底初末]|的|在|召开|举行|由|[^，,]{{0,8}}?会议?[上由])"
    "|(?:上一?次|上届)[^，,]{0,8}?会|曾经?[^，,]{0,24}$|原定[^，,]{0,20}$|原计划[^，,]{0,20}$|本[应来][^，,]{0,8}$"
)
_ONLY_TIME = re.compile(
    rf"{_TIME}[0-9一二三四五六七八九十年月日底初末]*|在?{_TIME}[^，,]{{0,14}}会议?上?|[^，,]{{0,10}}召开前"
)
_ELSEWHERE = re.compile("了?另(?:外)?[一几][场个次]")

# What hands on somebody's words: 学习何志远的讲话, 贯彻落实何志远同志的部署.
_HANDED_ON = re.compile(
    "(?:学习|贯彻|落实|按照|根据|遵照|领会|结合|围绕|宣传(?![部处科办委口])|践行|重温|印发|传达|转发|遵循|牢记)"
    "[^，,。；;：:]{0,24}$"
)
_HANDED_REACH = 26
# The act as a noun that belongs to the person: 何志远的讲话, 何志远同志关于防汛的重要指示.
_OWNED = re.compile(
    "(?:同志)?(?:在[^，,。；;：:]{0,40}上)?(?:关于[^，,。；;：:]{0,40})?的?(?:系列|有关|相关|一系列|重要|明确|具体|总体|工作){0,3}(?:决策|指示|批示)?"
)
_AS_NOUN = re.compile("精神|稿|内容|原文|全文|要点|材料|(?<=签[约字署])仪式|(?<=座谈)会")
# A word for something said that others deal with: 研究贯彻意见, 学习汇报材料.
_DEALT_WITH = re.compile(
    "(?:学习|贯彻|落实|研究(?!中心|所|院|员|室|生|会|局|部)|审议|讨论|征求|审定|起草|印发|修改)(?:(?!并|[作做]|提出|发表|进行|[，,。；;：:])[^\n]){0,24}$"
)
_OWN = re.compile("[作做]|提出|发表")
_HEARD = re.compile("(?:听取|征求|反映|收集)[^，,。；;]{0,8}$")
# Others without an office, who do it instead: 随后职工代表发言.
_OTHERS = re.compile(
    "(?:[工业众大员生民家]代表|职工|女工|工人|群众|负责人|学生|队员|专家|农民|家属|居民|村民)[^，,。；;]{0,8}$"
)
_MEMBER = re.compile("[^、和与及]+")
# Whom something is said or given to: 向司长禚宁递交国书.
_TO = re.compile("(?:向|对|给|为)[^，,。；;、]{0,16}$")
# Words right before an act that name somebody by an office.
_OFFICER = re.compile(rf"{OFFICE}[{HAN}]{{2,4}}$")
_SAID = re.compile("讲话|意见|报告|要求|部署|安排|汇报|通报|介绍|说明|指示|批示")


class _Names(NamedTuple):
    """Where a sentence has a certain name, where it has any, in order, and where the last one of ours begins."""

    ours: frozenset[Span]
    all: list[Span]
    last: int


@dataclass(frozen=True)
class Sentence:
    """A sentence of a text, the persons named in it (spans, in order), and the words for acts, any of them."""

    text: str
    span: Span
    people: Sequence[Span]
    acts: re.Pattern[str]
    _named: dict[str, _Names] = field(default_factory=dict, init=False, compare=False)

    def act_of(self, name: str, act: str, start: int | None = None) -> re.Match[str] | None:
        """The first words that match `act` at or after `start` and say that the person of this name did it."""
        begin, end = self.span
        for match in affirmed(act, self.text, begin if start is None else start, end):
            if self._is_at_this_meeting(match) and not self._is_handed_on(match, name) and self._is_by(match, name):
                return match
        return None

    @cached_property
    def _clauses(self) -> list[Span]:
        begin, end = self.span
        return [(begin + i, begin + j) for i, j in clauses(self.text[begin:end])] or [self.span]

    def _is_at_this_meeting(self, act: re.Match[str]) -> bool:
        count = bisect_right(self._clauses, (act.start(), sys.maxsize))
        if not count:
            return True
        begin = self._clauses[count - 1][0]
        if count > 1 and _ONLY_TIME.fullmatch(self.text[slice(*self._clauses[count - 2])].rstrip("，,")):
            return False
        if not self.text[begin : act.start()].strip("，,并") and count > 1:  # goes on about what came before
            begin = self._clauses[count - 2][0]
        if _ELSEWHERE.match(self.text, act.end()):
            return False
        return _ELSEWHEN.search(self.text[begin : act.start()].rstrip("，,")) is None

    def _is_handed_on(self, act: re.Match[str], name: str) -> bool:
        """Whether it is a noun for what the person said, which somebody else hands on."""
        if _AS_NOUN.match(self.text, act.end()) or self.text.endswith(("决策", "见证"), 0, act.start()):
            return True
        begin = (self._clause_at(act.start()) or self.span)[0]
        if act[0] in ("意见", "建议") and _HEARD.search(self.text[begin : act.start()]):
            return True
        is_own = _OWN.search(self.text, begin, act.start()) is not None
        if not is_own and _SAID.fullmatch(act[0]) and _DEALT_WITH.search(self.text[begin : act.start()]):
            return True
        names = self._names_of(name)
        first, last = bisect_left(names.all, (begin, 0)), bisect_left(names.all, (act.start(), 0))
        return any(
            _OWNED.fullmatch(self.text, j, act.start())
            and _HANDED_ON.search(self.text[max(begin, i - _HANDED_REACH) : i])
            for i, j in names.all[first:last]
            if (i, j) in names.ours and j <= act.start()
        )

    def _is_by(self, act: re.Match[str], name: str) -> bool:
        """Whether the person is among those who do it: the nearest ones before it, or those whom it introduces."""
        text, names = self.text, self._names_of(name)
        ours, named = names.ours, names.all
        if not ours:
            return True
        given = self._given_out(act)
        if given is not None:
            return given in ours
        group = self._group(act.start())
        before_act = text[group[0] : act.start()]
        if "由" in before_act and name not in before_act.rpartition("由")[2] and name not in text[act.end() : group[1]]:
            return False
        first, last = (bisect_left(named, (at, 0)) for at in group)
        inside = named[first:last]
        has_ours = any(span in ours for span in inside)
        alone = text[(self._clause_at(act.start()) or self.span)[0] : act.start()]
        if len(named) == len(ours):
            return name in alone or not (_OTHERS.search(alone) or (not has_ours and _OFFICER.search(alone)))
        before = [span for span in inside if span[1] <= act.start()]
        if _TOGETHER.match(act[0]) and has_ours:
            return True
        if before:
            return any(span in ours for span in self._doing(before, act.start()))
        if names.last >= act.end() and (_INTRODUCES.match(text, act.end()) or has_ours):
            return True
        return self._carried(named[:first], ours)

    def _names_of(self, name: str) -> _Names:
        """Where the sentence has this name, and all names in it."""
        if name not in self._named:
            ours = list(occurrences(self.text, name, *self.span))
            people = self._people_here
            if not all(one in people for one in ours):  # code does not know it as a name
                taken = {at for i, j in ours for at in range(i, j)}
                people = {(i, j) for i, j in people if taken.isdisjoint(range(i, j))} | set(ours)
            self._named[name] = _Names(frozenset(ours), sorted(people), ours[-1][0] if ours else -1)
        return self._named[name]

    @cached_property
    def _people_here(self) -> set[Span]:
        begin, end = self.span
        return {one for one in self.people if begin <= one[0] < end}

    def _clause_at(self, at: int) -> Span | None:
        """The last clause that begins at or before `at`."""
        number = bisect_right(self._clauses, (at, sys.maxsize))
        return self._clauses[number - 1] if number else None

    def _clause_around(self, at: int) -> Span:
        """The clause that holds `at`, or the whole sentence."""
        span = self._clause_at(at)
        return span if span is not None and at < span[1] else self.span

    def _group(self, at: int) -> Span:
        """The clauses around `at` that share an act: those since the last clause with one."""
        number = bisect_right(self._groups, at, key=lambda group: group[1])
        return self._groups[min(number, len(self._groups) - 1)]

    @cached_property
    def _groups(self) -> list[Span]:
        groups, start = [], self.span[0]
        for i, j in self._clauses:
            if self.acts.search(self.text, i, j):
                groups.append((start, j))
                start = j
        return [*groups, (start, self.span[1])]

    def _given_out(self, act: re.Match[str]) -> Span | None:
        """Whom 分别 gives the act to: 甲、乙分别主持会议、宣读决定; None if it gives none out."""
        i, j = self._clause_around(act.start())
        each = self.text.rfind("分别", i, act.start())
        if each < 0:
            return None
        people = [span for span in self.people if self.span[0] <= span[0] and span[1] <= each]
        people = list(reversed(self._side_by_side(people))) if people and people[-1][1] == each else []
        window = max(self.span[0], each - 40)
        starts = list_starts(self.text, window, each, 4)
        begin = next((at for at in starts if at == window or not HAN_CHARACTER.match(self.text[at - 1])), None)
        if begin is not None:
            people = [match.span() for match in _MEMBER.finditer(self.text, begin, each)]
        if len(people) < 2:
            return None
        parts = [match.span() for match in _MEMBER.finditer(self.text, each + 2, j)]
        if len(parts) != len(people) or not all(self.acts.search(self.text, *part) for part in parts):
            return None
        return people[sum(start <= act.start() for start, _ in parts) - 1]

    def _doing(self, named: list[Span], at: int) -> list[Span]:
        """Which of the persons named before an act did it: the last ones, or those whom an earlier clause is about."""
        receiver = self.text[max(self.span[0], named[-1][0] - 20) : named[-1][0]]
        if len(named) > 1 and _TO.search(receiver) and not self.acts.search(self.text, named[-2][1], named[-1][0]):
            named = named[:-1]
        i, j = self._clause_around(named[-1][0])
        inside = [span for span in named if i <= span[0]]
        if j > at or len(inside) < 2:
            return self._side_by_side(named)
        # 何志远转达了周平的问候，并指出: the next clause goes on about the first one.
        apart = next((k for k in range(1, len(inside)) if not self._linked(inside[k - 1], inside[k])), len(inside))
        return inside[:apart] if not _PARTED.search(self.text[i : inside[0][0]]) else self._side_by_side(named)

    def _linked(self, one: Span, other: Span) -> bool:
        gap = self.text[one[1] : other[0]]
        return not (_PARTED.search(gap) or self.acts.search(gap))

    def _side_by_side(self, named: list[Span]) -> list[Span]:
        """The last of the persons, and those before who do the same: 何志远、吴倩等."""
        found = [named[-1]]
        for span in reversed(named[:-1]):
            if not self._linked(span, found[-1]):
                break
            found.append(span)
        return found

    def _carried(self, before: list[Span], ours: frozenset[Span]) -> bool:
        """Whether the last of the persons named before, in one group of clauses, are ours or there are none."""
        if not before:
            return True
        group = self._group(before[-1][0])
        return any(span in ours for span in before[bisect_left(before, (group[0], 0)) :])
