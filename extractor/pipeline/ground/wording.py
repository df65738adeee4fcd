"""Wordings: a model's own short name for what is counted, held against the sentence of its number.

A wording that the sentence does not bear out is replaced by the text's own words around the number.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from extractor.lang.characters import HAN_CHARACTER
from extractor.lang.fold import fold
from extractor.pipeline.ground.evidence import Prepared, telling_clause
from extractor.pipeline.ground.locate import Match
from extractor.schema.shape import Field, Leaf

# Words that link an indicator to its number and don't belong to it: 出生人口性别比从…, 人均收入达到.
_LINKING = re.compile(r"(?:(?<=..)[从由].{0,12}|(?<=..)(?:达到|达|为|是|到|约|共|仅|有|占|和|与|的))$")
# What a number went by, at the end of a wording: 事故起数同比下降. The number itself says the direction (`change`).
_MOVED = re.compile(
    r"(?<=..)(?:同比|环比|分别|比上年|比去年|较上年|较去年|均|年均)*(?:增长|增加|提高|上升|上涨|下降|减少|降低|回落|下跌)(?:了|幅度)?$"
)
# What a number compares with or did, and nothing of what is counted: 同比下降.
_ONLY_MOVED = re.compile(
    r"(?:同比|环比|比上年|比去年|较上年|较去年|分别|年均|均|又|再|增长|增加|提高|上升|上涨|下降|减少|降低|回落|下跌|达到?|了|幅度)+"
)
# Words for what is counted that an indicator may end in though the text lacks them: they say no more than its unit.
_GENERIC_HEAD = re.compile(
    r"(?<=..)(?:人数|户数|总数|个数|件数|数量|数额|金额|总额|比重|比例|占比|标准|规模|面积|名次|排名|率|数|额|量)$"
)
# How much of the rest must stand in the sentence.
_KEPT = 0.7
# What ends the words about one number: punctuation, another number, 和.
_BREAK = re.compile(
    r"[，,；;：:、。！？!?()（）\n]|[0-9]+[.0-9]*[十百千万亿]*(?:美元|年|月|日|元|人|个|家|项|名|户|亩|倍|例|次|所|[%％‰])?的?|[和与及]"
)
# Function words around the words proper: 然后对项目库中137家, 占全部总投资的76%.
_FRAME = re.compile(
    r"^(?:然后|其中|同时|目前|我们|已经?|将|对|在|从|由|把|是|使|有|的|了|也|还|又|但|仍)+|(?:达到|在|为|有|的|是|了|到|达|至|约|共|已|中|占|等)+$"
)


def worded(quote: str, field: Field, prepared: Prepared, anchor: Match) -> str | None:
    """The wording without the item's number; None unless the item's sentence has its characters.

    One that only repeats the words of a clause says nothing about it, so it is None too.

    General words for what is counted (率, 人数) need not be there. A few others that are missing are taken out, as
    long as most of the wording remains: the record holds nothing that the text does not say.
    """
    words = prepared.speech.text[anchor.start : anchor.end]
    if field.anchor.kind.reads != "number" and fold(quote).strip("。") == fold(words):
        return None
    quote = _without_numbers(quote, words)
    if _ONLY_MOVED.fullmatch(quote):
        return None
    i, j = prepared.sentence(anchor.start, anchor.end)
    available = set(fold(prepared.speech.text[i:j]))
    head = _GENERIC_HEAD.search(quote)
    specific, generic = (quote[: head.start()], head.group()) if head else (quote, "")
    kept = "".join(c for c in specific if not c.isalnum() or fold(c) in available)
    letters = [sum(map(str.isalnum, words)) for words in (specific, kept)]
    if letters[1] < 2 or letters[1] < _KEPT * letters[0]:
        return None
    return kept + generic


def _without_numbers(wording: str, value: str) -> str:
    """出生人口性别比 for 出生人口性别比从120下降到110: a small model copies the clause with its numbers."""
    before, _, after = wording.partition(value)
    kept = before if len(before) >= len(after) else re.sub(r"^[^\w]+", "", after)
    head = re.split(r"[0-9０-９]", kept)[0]
    kept = head if len(head) > 1 else kept
    return _MOVED.sub("", _LINKING.sub("", kept.strip(" ，,。、：:；;")))


def words_around(leaf: Leaf, prepared: Prepared, anchor: Match) -> str | None:
    """What replaces a missing or refused wording: the words around the value.

    They are those of its clause, or of a clause before it in the sentence if its own only compares (同比下降4.2%). None
    for a leaf that is no wording or may be missing.
    """
    if leaf.kind.grounded_as != "wording" or leaf.optional:
        return None
    text = prepared.speech.text
    i, j = telling_clause(prepared, anchor)
    before = _BREAK.split(text[i : anchor.start])[-1]
    after = _BREAK.split(text[anchor.end : j])[0]
    # In 奖励10万元 the words before the number describe it, in 对100家先进单位 those after it.
    around = [part for part in (before, after) if len(HAN_CHARACTER.findall(part)) > 1]
    if all(map(_ONLY_MOVED.fullmatch, around)):
        around = [*_words_before(prepared, i, prepared.sentence(anchor.start, anchor.end)[0]), *around]
    words = next(iter(around), text[i:j])
    return _FRAME.sub("", words[: leaf.longest].strip()) or words[: leaf.longest].strip()


def _words_before(prepared: Prepared, start: int, lowest: int) -> list[str]:
    """What the clauses between `lowest` and `start` are about, the nearest first."""
    at = bisect_left(prepared.clauses, (start, 0))
    near = [prepared.speech.text[i:j] for i, j in reversed(prepared.clauses[:at]) if i >= lowest]
    parts = [part for clause in near for part in _BREAK.split(clause)]
    return [part for part in parts if len(HAN_CHARACTER.findall(part)) > 1 and not _ONLY_MOVED.fullmatch(part)]
