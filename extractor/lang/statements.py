"""What a clause says of the words quoted from it: that they are demanded, denied, done, or only supposed.

建立小金库 is forbidden in 不得建立小金库, supposed in 如果建立小金库 and no statement of its own in 建立小金库的行为. Texts are clean and
Simplified.
"""

from __future__ import annotations

import re

from extractor.lang.characters import HAN
from extractor.lang.sentences import Span

_DUTY = "(?<![主重需首简概])要(?![求素点闻])|必须|务必|应当|应该|力争|确保"
# A clause with these supposes something.
_IF = re.compile(
    "^(?:如果|倘若|假如|假使|若(?!干)|一旦|凡是?|只有|除非|即使|万一|要是)|(?:如果|一旦|凡是)[^，,。；;]{0,12}$"
)
# 建立小金库的，要严肃查处: the clause says whom the next one is about.
_WHOM = re.compile("的?[，,]|的$")
_OF = re.compile("的(?!同时|基础上|前提下|过程中|话)")
_HANDLED = re.compile("(?:对|对于|把|将|关于|以|因|由于|针对)$")
_DENIED_AFTER = re.compile("(?:的?(?:目标|任务|要求))?(?:还|仍|尚)?(?:没有|没能|未能|未|尚未|难以|无法|不能|落空)")
_DONE_BEFORE = re.compile(f"(?:已经?|业已|曾经?)[{HAN}]{{0,2}}$")
_DONE = re.compile(f"^(?:已经?)?[{HAN}]{{2}}了(?![解结])(?<!为了)(?<!除了)")
_PAST = re.compile(
    "^(?:去年|上年|前年|近[几两三年]+年?来|过去的?[一二三四五六七八九十几两0-9]+年[来里间]?[，,中]?|[一二三四五六七八九十几两]+年来|“十[一二三]五”(?:期间|时期))(?!.*(?:基础上|水平))"
)
_SHORT = 14

_PLANNED = re.compile(
    "力争|确保|争取(?![了到])|力求|预计|预期(?=[增达超目])|(?<![定年的])计划(?!生育|单列|总?投资|期间|的)|拟(?!定)|即将|将(?=[达突实完新建投增超要])|目标(?:[是为]|：|:)"
    f"|{_DUTY}|[年月]底前"
)
_NOT_SO = re.compile(
    "(?:没有|没能|未能?|尚未|并未|无)(?:再|曾)?(?:完成|发生|实现|达到?|出现|突破|超过|超出)(?:过|一起|任何)?$"
)


def why_no_statement(text: str, clause: Span, quote: Span, is_demand: bool) -> str | None:
    """Why the clause does not state what is quoted from it; None if nothing speaks against it.

    What `is_demand` must not have been done.
    """
    before, after = text[clause[0] : quote[0]], text[quote[1] : clause[1] + 1]
    if len(re.findall(f"[{HAN}]", text[slice(*quote)])) < 2:
        return "these words state nothing"
    if _IF.search(before):
        return "the text only supposes these words"
    if _DENIED_AFTER.match(after):
        return "the text denies these words"
    if _WHOM.match(after) and after.startswith("的"):
        return "the clause only says whom another one is about"
    if _OF.match(after) and _HANDLED.search(before):
        return "these words are what the clause acts on, not what it states"
    if is_demand and _is_done(text, clause, quote):
        return "the text tells it as done"
    return None


def _is_done(text: str, clause: Span, quote: Span) -> bool:
    before = text[clause[0] : quote[0]]
    if re.search(_DUTY, before) or re.search(_DUTY, text[slice(*quote)]):
        return False
    if _DONE_BEFORE.search(before) or _DONE.match(text[slice(*quote)]):
        return True
    lead = re.search(
        r"(?:^|[。！？!?；;\n])([^，,。；;：:\n]{2,14})[，,]$", text[max(0, clause[0] - _SHORT - 2) : clause[0]]
    )
    return _PAST.match(before) is not None or (lead is not None and _PAST.fullmatch(lead[1]) is not None)


def why_no_fact(text: str, clause: Span, number: Span) -> str | None:
    """Why a number is no fact: its clause plans, supposes or denies it before it comes."""
    before = text[clause[0] : number[0]]
    if _PLANNED.search(before):
        return "the text plans or demands this number"
    if _IF.search(before) and not before.startswith("只有"):
        return "the text only supposes this number"
    return "the text denies this number" if _NOT_SO.search(before) else None
