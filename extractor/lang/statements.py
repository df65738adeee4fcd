"""What a clause says of the words quoted from it: that they are demanded, denied, done, planned, or only supposed.

建立小金库 is forbidden in 不得建立小金库, supposed in 如果建立小金库 and no statement of its own in 建立小金库的行为. Texts are clean and
Simplified.
"""

from __future__ import annotations

import re

from extractor.lang.characters import HAN
from extractor.lang.sentences import Span
from extractor.lang.vocabulary import begins_with_verb, ends_in_adverb

_DUTY = "(?<![主重需首简概])要(?![求素点闻])|必须|务必|应当|应该|力争|确保"
_DEMANDED = re.compile(f"{_DUTY}|要求|强调|指出|提出|号召|动员|责成")
# How far around a clause words about all of it may stand.
_NEAR, _FAR = 16, 30

# A clause with these supposes something.
_IF = re.compile(
    "^(?:如果|倘若|假如|假使|若(?!干)|一旦|凡是?|除非|即使|万一|要是)|(?:如果|一旦|凡是)[^，,。；;]{0,12}$"
)
_ONLY_IF = re.compile("^只有")
# 私设账外账的，要严肃查处: the clause says whom the next one is about.
_WHOM = re.compile("的(?:[，,]|$)")
_DENIED_AFTER = re.compile(
    "(?:的?(?:目标|任务|要求))?(?:已经?|还|仍|尚)?(?:没有|没能|未能|未|尚未|难以|无法|不能|落空|予以取消|取消|作废|暂缓)"
)

# What was done: 已建立, 建立了, and facts in figures, which the next clause compares with earlier ones.
_DONE_BEFORE = re.compile(f"(?:已经?|业已|曾经?)[{HAN}]{{0,2}}$|(?:累计|先后|共计?)$")
_DONE = re.compile(
    f"^(?:已经?)?[{HAN}]{{2}}了(?![解结])(?<!为了)(?<!除了)|现[为有](?=[约近0-9一二两三四五六七八九十百])|已达到?|居全[国省市县]"
)
_COMPARED = re.compile(
    "[，,；;](?:比上年|比去年|同比|较上年|较去年|增速|增幅|居全|快于|高于全|创[^，,。；;]{0,10}(?:新高|历史|纪录|记录))"
)
_PAST = re.compile(
    "^(?:去年|上年|前年|上半年|前[一二三四]个?季度|今年以来|截至[^，,]{0,10}|经过[^，,]{2,12}(?<!努力)(?=[，,]|$)|近[几两三]+年?来"
    "|过去的?[一二三四五六七八九十几两0-9]+年[来里间]?[，,中]?|[一二三四五六七八九十几两]+年来"
    "|“十[一二三]五”(?:期间|时期))(?!.*(?:基础上|水平))"
)
# The clause before, if it is all that stands before in its sentence.
_AHEAD = re.compile("将|今年|明年|今后|下一步|计划|拟")
_LEAD = re.compile(r"(?:^|[。！？!?；;\n])([^，,。；;：:\n]{2,14})[，,]$")
_CAUSE = re.compile("(?:因|由于|针对|关于)$")
_SITUATION = re.compile("事关|关系(?=来年|全局)|正值|面临|适逢")
_COMPLAINT = re.compile("^(?:有的|有些|一些|少数|个别|部分)[^，,]{0,14}(?:不|没有|未)")
_STATE = re.compile("事关|关系到|正值|适逢|面临|存在|处于|位于|属于")

# What may follow the words of a statement in its clause: 在稳定低生育水平的基础上, 以推进改革为主线.
_GOES_ON = re.compile(
    f"的?[{HAN}]{{0,4}}(?:目标|任务)|的(?:基础上|同时|前提下|过程中|[要需]求|发放)|[为上和与及并等之后时中来不就也都才外内间]|方面|这一|作为|决不|绝不"
)
# Verbs whose object may itself look like a statement: 查处|制售假冒农资行为, 加强对|非法采矿的打击.
_TAKES = re.compile(
    "(?:(?:严厉|依法|坚决|严肃|从严){0,6}(?:查处|打击|惩处|惩治|整治|制止|纠正|取缔|制定|制订|起草|编制|出台|修订)"
    "|(?:(?:进一步|继续|切实|不断)?(?:加强|加大|强化|严格|抓好|做好|注重|重视|实施|开展))?(?:对于?|把))$"
)

_VERB = re.compile(
    "(?:进一步|继续|切实|不断|加快|积极){0,8}(?:健全|完善|建立|落实|推进|推广|实施|强化|加强|提升|提高|优化|改进|培育|发展|保护|开展)$"
)
_PLANNED = re.compile(
    "力争|确保|争取(?![了到])|力求|预计|(?<!比)预期(?=[增达超]|目标(?!完成|任务))"
    "|(?<![定年的])计划(?!生育|单列|总?投资|期间|[的”》内外])|拟(?!定)|即将|有望"
    "|将(?=[达突实完新建投增超要为可]|带动|有望|惠及|覆盖|吸引|使)|目标(?:[是为]|：|:)|[年月]底前"
    f"|(?:达产|投产|建成|投用|完工)后|{_DUTY}"
)
_FORETOLD = re.compile("(?:预计|预测|预报|估计)[，,：:]$")
_THEN = re.compile("就|将|则|会")
_SAID = re.compile("网传|传言|谣传|有人称|所谓")
_RUMOUR = re.compile("不属实|谣言|失实|不实|传谣|子虚乌有|系谣传|虚假信息|不符合事实")
_NOT_SO = re.compile(
    "(?:不是|并非|而非)[^，,。；;]{0,6}$"
    "|(?:没有|没能|未能?|尚未|并未|无)(?:再|曾)?(?:完成|发生|实现|达到?|出现|突破|超过|超出|造成|导致|引发)[^，,。；;]{0,6}$"
)


def why_no_statement(text: str, clause: Span, quote: Span, is_demand: bool) -> str | None:
    """Why the clause does not state what is quoted from it; None if nothing speaks against it.

    What `is_demand` must not have been done.
    """
    words, before, after = text[slice(*quote)], text[clause[0] : quote[0]], text[quote[1] : clause[1] + 1]
    if len(re.findall(f"[{HAN}]", words)) < 2:
        return "these words state nothing"
    if _IF.search(before) or _ONLY_IF.match(before):
        return "the text only supposes these words"
    if _DENIED_AFTER.match(after):
        return "the text denies these words"
    if _WHOM.match(after):
        return "the clause only says whom another one is about"
    if is_demand and _COMPLAINT.search(before):
        return "the text complains of it"
    if _CAUSE.search(before) and re.match(f"[{HAN}]", after):
        return "these words are what the clause acts on, not what it states"
    if is_demand and (_STATE.match(words) or _SITUATION.search(words)) and not re.search(_DUTY, words):
        return "the text tells how things are"
    if is_demand and _is_done(text, clause, quote):
        return "the text tells it as done"
    return None


def whole_statement(text: str, clause: Span, quote: Span) -> Span:
    """The quote with the rest of its clause where it is cut off within it: 加大对拖欠工资行为的惩处力度 for 拖欠工资.

    A part stays that can stand by itself: 稳定低生育水平 of 在稳定低生育水平的基础上.
    """
    before = text[clause[0] : quote[0]]
    taken = _TAKES.search(before) or (None if begins_with_verb(text[slice(*quote)]) else _VERB.search(before))
    tail = text[quote[1] : clause[1]]
    is_cut = re.match(f"[{HAN}]", tail) is not None and _GOES_ON.match(tail) is None
    if not (is_cut or (taken and not tail)):
        return quote
    if is_cut and taken is None and begins_with_verb(tail) and not ends_in_adverb(text[slice(*quote)]):
        return quote
    return clause[0] + taken.start() if taken else quote[0], clause[1]


def _is_done(text: str, clause: Span, quote: Span) -> bool:
    words, before = text[slice(*quote)], text[clause[0] : quote[0]]
    if _DEMANDED.search(before) or re.search(_DUTY, words):
        return False
    if _DONE_BEFORE.search(before) or _DONE.search(words) or _COMPARED.match(text[clause[1] : clause[1] + _NEAR]):
        return True
    lead = _LEAD.search(text[max(0, clause[0] - _NEAR) : clause[0]])
    if _PAST.match(before + words) or (lead is not None and _PAST.fullmatch(lead[1])):
        return True
    # 一年来，我们改造了旱厕六千座，新开通线路九条: the sentence tells what was done.
    begin = max(text.rfind(mark, 0, clause[0]) for mark in "。！？；;\n") + 1
    told = text[begin : clause[0]]
    if _DEMANDED.search(told) or _AHEAD.search(before + words):
        return False
    done = re.search(f"[{HAN}]{{2}}了|[0-9]|[一二三四五六七八九十百千]{{2}}", told)
    return _PAST.match(told) is not None and done is not None


def why_no_fact(text: str, clause: Span, number: Span) -> str | None:
    """Why a number is no fact: the text plans, foretells, supposes or denies it before it comes."""
    before = text[clause[0] : number[0]]
    if _PLANNED.search(before) or _FORETOLD.search(text[max(0, clause[0] - _NEAR) : clause[0]]):
        return "the text plans or demands this number"
    begin = max(text.rfind(mark, 0, clause[0]) for mark in "。！？；;\n") + 1
    if _IF.search(before) or (_IF.match(text[begin : clause[0]]) and _THEN.search(before)):
        return "the text only supposes this number"
    is_quoted = "“" in text[max(0, clause[0] - 1) : number[0]] or _SAID.search(text[begin : number[0]]) is not None
    if _NOT_SO.search(before) or (is_quoted and _RUMOUR.search(text, number[1], number[1] + _FAR)):
        return "the text denies this number"
    return None
