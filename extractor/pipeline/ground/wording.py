"""Wordings: a model's own short name for what is counted, held against the sentence of its number.

A wording that the sentence does not bear out is replaced by the text's own words around the number.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence

from extractor.lang.changes import changes_in
from extractor.lang.characters import HAN_CHARACTER
from extractor.lang.date_spans import find_periods
from extractor.lang.fold import fold
from extractor.lang.negation import with_denial
from extractor.lang.sentences import Span
from extractor.lang.vocabulary import without_places
from extractor.pipeline.ground.evidence import Prepared, telling_clause
from extractor.pipeline.ground.locate import Match
from extractor.schema.kinds import QUANTITY
from extractor.schema.shape import Field, Leaf

# Words that link an indicator to its number and don't belong to it: 出生人口性别比从…, 人均收入达到.
_LINKING = re.compile(r"(?:(?<=..)[从由].{0,12}|(?<=..)(?:达到|达|为|是|到|约|共|仅|有|占|和|与|的))$")
# What a number went by, at the end of a wording: 事故起数同比下降. The number itself says the direction (`change`).
_MOVED = re.compile(
    r"(?<=..)(?:同比|环比|分别|比上年|比去年|较上年|较去年|均|年均){0,6}(?:增长|增加|提高|上升|上涨|回升|反弹|下降|减少|降低|回落|下跌)(?:了|幅度)?$"
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
# What only says how far the thing named before went, or which part of it: 同比增长8%, 占全年计划的60%.
_COMPARING = re.compile(
    r"[，,；;、]?(?:其中)?(?:这一(?:数字|比例|指标)|该(?:数字|比例|指标)|[从由]|[升降增减]?至|到|同比|环比|占|比|较|增长|增加|增速|增幅|提高|上升|上涨|下降|减少|降低|回落|降幅|达到?|为|是|约|共|完成(?:全年|年度)|居|列|排|位|超|高于|低于|总量|总额|年均|人均|累计|平均|折合|相当|实现|圆满|完成)"
)
_SHARE = re.compile("[%％‰倍成位名强]|百分|分之|第")
_FROM = re.compile(r"(?P<what>[^，,。；;]*)(?:从|由|自)[^，,。；;]*$")
# A member of a list this long is recognised by a part of it.
_LONG = 4
# Function words around the words proper: 然后对项目库中137家, 占全部总投资的76%.
_FRAME = re.compile(
    r"^(?:然后|其中|同时|目前|我们|已经?|将|对|在|从|由|把|是|使|有|的|了|也|还|又|但|仍)+|(?:达到|在|为|有|的|是|了|到|达|至|约|共|已|中|占|等|将|拟|要){1,12}$"
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
    i, j = prepared.sentence(anchor.start, anchor.end)
    # 年收入50万元以上的村 is named by the text itself, with a number that is not the item's.
    cell = prepared.cells.get(anchor.start)
    if cell is None and (fold(quote) not in fold(prepared.speech.text[i:j]) or words in quote):
        quote = _without_numbers(quote, words)
    if _ONLY_MOVED.fullmatch(quote):
        return None
    if names_another(quote, field, prepared, anchor):
        return None
    available = set(fold(prepared.speech.text[i:j] + (cell.name if cell else "")))
    head = _GENERIC_HEAD.search(quote)
    specific, generic = (quote[: head.start()], head.group()) if head else (quote, "")
    kept = "".join(c for c in specific if not c.isalnum() or fold(c) in available)
    letters = [sum(map(str.isalnum, words)) for words in (specific, kept)]
    if letters[1] < 2 or letters[1] < _KEPT * letters[0]:
        return None
    return with_denial(prepared.speech.text, (i, j), kept) + generic


def names_another(wording: str, field: Field, prepared: Prepared, anchor: Match) -> bool:
    """Whether a wording for a number names what another number of the sentence counts, and nothing around this one.

    Of 投资增长8%，财政收入下降5% the wording 财政收入 is not that of 8%; where the text shares out numbers by 分别, a wording
    that has the name of another share, and not this one's, is not that of this number.
    """
    kind = field.anchor.kind
    if kind.reads != "number":
        return False
    text, number = prepared.speech.text, (anchor.start, anchor.end)
    if anchor.start in prepared.cells:
        return False
    share = prepared.share_of(number, kind)
    if share is not None:
        own = text[slice(*share.own)]
        return not _has_part(own, wording) and any(_has_part(other, wording) for other in share.others)
    i, j = prepared.sentence(*number)
    numbers = [one for one in prepared.found_in(kind, (i, j)) if one != number]
    before, after = beside(text, number, (i, j), numbers)
    pairs = {wording[k : k + 2] for k in range(len(wording) - 1)}
    if any(pair in before or pair in after for pair in pairs):
        return False
    at = text.find(wording, i, j)
    if at < 0 or len(wording) < 2:
        return False
    if at >= number[1]:
        return any(start >= at + len(wording) for start, _ in numbers)
    said = without_places(_without_periods(text[max(number[0] - len(before), prepared.clause(*number)[0]) : number[0]]))
    if len(HAN_CHARACTER.findall(said)) < 2 or _COMPARING.match(said) is not None:
        return False
    # In another clause a share or a rank may still be about what was named before.
    is_listed = prepared.clause(*number)[0] <= at and not set(before) & set("，,；;：:")
    is_amount = _SHARE.search(text[slice(*number)]) is None
    return (is_listed or is_amount) and any(at + len(wording) <= start < number[0] for start, _ in numbers)


def beside(text: str, number: Span, sentence: Span, numbers: Sequence[Span]) -> tuple[str, str]:
    """The words between the number before a number and this one, and those behind it up to the next number or mark."""
    begin = max((end for _, end in numbers if sentence[0] <= end <= number[0]), default=sentence[0])
    stop = min((start for start, _ in numbers if number[1] <= start < sentence[1]), default=sentence[1])
    return text[begin : number[0]], _BREAK.split(text[number[1] : stop])[0]


def _without_periods(words: str) -> str:
    for i, j in reversed(find_periods(words)):
        words = words[:i] + words[j:]
    return words


def _has_part(part: str, wording: str) -> bool:
    """Whether a wording has a member of a list in it: 农村 in 农村人均收入, and 事故 of 事故起数."""
    return (
        part in wording
        or part[-2:] in wording
        or (len(part) > _LONG and any(part[k : k + 3] in wording for k in range(len(part) - 2)))
    )


def _without_numbers(wording: str, value: str) -> str:
    """出生人口性别比 for 出生人口性别比从120下降到110: a small model copies the clause with its numbers."""
    before, _, after = wording.partition(value)
    kept = before if len(before) >= len(after) else re.sub(r"^[^\w]+", "", after)
    head = re.split(r"(?<![A-Za-z0-9.])[0-9０-９]", kept)[0]
    kept = head if len(head) > 1 else kept
    return _MOVED.sub("", _LINKING.sub("", kept.strip(" ，,。、：:；;")))


# How many clauses before its own may say what a number counts.
_CLAUSES_BEFORE = 40


def words_around(leaf: Leaf, prepared: Prepared, anchor: Match) -> str | None:
    """What replaces a missing or refused wording: the words around the value.

    They are those of its clause, or of a clause before it in the sentence if its own only compares (同比下降4.2%). None
    for a leaf that is no wording or may be missing.
    """
    if leaf.kind.grounded_as != "wording" or leaf.optional:
        return None
    text = prepared.speech.text
    if (cell := prepared.cells.get(anchor.start)) is not None:
        return cell.name[: leaf.longest]
    share = prepared.share_of((anchor.start, anchor.end), QUANTITY)
    if share is not None:
        is_time = find_periods(share.name) == [(0, len(share.name))]
        return _FRAME.sub("", share.stated if is_time else share.name)[: leaf.longest] or share.name[: leaf.longest]
    changed = _what_changes(text, prepared.clause(anchor.start, anchor.end), (anchor.start, anchor.end))
    if changed is not None:
        return changed[: leaf.longest]
    i, j = telling_clause(prepared, anchor)
    before = _BREAK.split(text[i : anchor.start])[-1]
    after = _BREAK.split(text[anchor.end : j])[0]
    # In 奖励10万元 the words before the number describe it, in 对100家先进单位 those after it.
    around = [part for part in (before, after) if len(HAN_CHARACTER.findall(part)) > 1]
    if all(map(_ONLY_MOVED.fullmatch, around)):
        around = [*_words_before(prepared, i, prepared.sentence(anchor.start, anchor.end)[0]), *around]
    words = next(iter(around), text[i:j])
    return _FRAME.sub("", words[: leaf.longest].strip()) or words[: leaf.longest].strip()


def _what_changes(text: str, clause: Span, number: Span) -> str | None:
    """What goes from one number to another, of which this is one: 财政收入 of 财政收入由86亿元增加到142亿元."""
    i, j = clause
    for old, new in changes_in(text[i:j]):
        if number in ((i + old[0], i + old[1]), (i + new[0], i + new[1])):
            lead = _FROM.match(text[i : i + old[0]])
            words = _FRAME.sub("", lead["what"]) if lead else ""
            return words if len(HAN_CHARACTER.findall(words)) > 1 else None
    return None


def _words_before(prepared: Prepared, start: int, lowest: int) -> list[str]:
    """What the clauses between `lowest` and `start` are about, the nearest first."""
    at = bisect_left(prepared.clauses, (start, 0))
    first = max(at - _CLAUSES_BEFORE, bisect_left(prepared.clauses, (lowest, 0)))
    near = reversed(prepared.clauses[first:at])
    parts = [part for i, j in near for part in _BREAK.split(prepared.speech.text[i:j])]
    return [part for part in parts if len(HAN_CHARACTER.findall(part)) > 1 and not _ONLY_MOVED.fullmatch(part)]
