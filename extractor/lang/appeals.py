"""Tells a clause that says only how, why or in what spirit to act from one that says what to do.

`directives` is generous: a clause it takes for an action may still be a frame (各级各部门要立足新形势新任务) for the
action in the clauses after it, or an appeal (要高度重视这些问题). Coverage, which asks whether an action was
overlooked, leaves these out.
"""

from __future__ import annotations

import re

from extractor.lang.directive_words import ADVERBS, DUTY

# A frame: from a preposition, or a verb like one, to a noun that no verb governs.
_FRAME = (
    "(?:立足|着眼|放眼|本着|依靠|依托|按照?|根据|依据|遵循|围绕|针对|面对|随着|适应|顺应|服从|从(?!严|快|重)|在|以|把|将|对|结合|通过|由|为|与"
    "|发扬|抓住|处理好)"
    ".{1,60}(?:要求|原则|精神|方针|任务|形势|情况|需要|需求|可能|实际|特点|规律|条件|规定|部署|安排|目标|主线|契机|格局|问题|领域|企业|工作|项目|单位|部门|手段|作用"
    "|政策|体制|机制|改革|结构|水平|质量|效益|速度|比例|关系|利益|基础上?|前提下?|过程中|期间|时间|年|中|下|时|后|前|同时|力量|力气|经验|信心|认识|态度)$"
)
# Verbs of attitude, and of acting in general: no action of their own without another verb after them.
_APPEAL = (
    "(?:高度|更加|倍加)?(?:重视|关注|关心|关怀|注意|注重|留心|正视|直面|珍惜|警惕|牢记|记住|懂得|明白|相信|理解|认识|看到|看清|思考|考虑|体谅|顾全|对标|比照|攀比|践行)"
    "(?!和|、|并|搞好|做好|抓好|解决|发展|加强|支持|培养|推广)"
    "|坚定(?!不移|地)|坚信|树立|发扬|弘扬|咬定|虚心|奋力|奋发|齐心|同心|团结|拼搏|进行艰苦|做好.{0,30}准备$"
    "|坚持.{0,24}(?:方针|原则|道路|方向|第一|为主|并重|并举|不动摇|不放松)$|保持.{0,24}(?:局面|势头|态势|平衡|增长|发展|稳定|作风|本色)$"
    "|(?:采取|拿出).{0,14}(?:措施|办法|对策|行动|方针)$|给予.{0,10}(?:扶持|支持|重视|关心)$|(?:充分|更好|积极)?发挥.{1,24}(?:作用|优势)$"
    "|(?:取得|见到).{0,10}(?:成效|实效|进展|突破|成绩)$|付出.{0,8}努力|作出.{0,8}(?:贡献|努力)|承担起?.{0,8}(?:责任|使命)$|(?:认真)?履行.{0,10}(?:职责|职能|义务)$"
    "|下.{0,4}(?:力气|气力|功夫|决心)(?:进行|推进|抓|解决|治理)?.{0,4}$|标本兼治|统筹兼顾|稳妥$|全覆盖$|及时.{0,4}到位$|一个一个|着重说明"
    "|(?:重点)?(?:抓|做|突出抓)好(?:以下|下列|如下|[一二三四五六七八九十几0-9]+[个项方件]).{0,10}$"
    "|(?:同|与|和).{1,30}(?:结合起来|相结合|相适应|相协调|相衔接)$|(?:相互|互相).{2}(?:、|$)"
)
_SLIGHT = re.compile(f"(?:很好地)?(?:{_FRAME}|{_APPEAL})")
_RANKED = re.compile(
    "(?:把|将).{2,40}(?:放在|放到|摆在|摆上|摆到|作为|当作|当成|看作|看成).{0,24}$|(?:同|与).{1,30}(?:结合起来|相适应|相协调)$"
)
# 不要盲目攀比, 不应当超越条件: what not to do in spirit. 不得 and 严禁 forbid an act.
_NOT_TO = re.compile("(?:不|勿|莫)$")


def is_slight(clause: str) -> bool:
    """Whether the clause, after its word of duty, is only a frame or an appeal."""
    duty = DUTY.search(clause)
    if duty is not None and duty[0] in ("不得", "不准", "严禁", "禁止"):
        return False
    predicate = ADVERBS.sub("", clause[duty.end() :] if duty else clause)
    if duty is not None and _NOT_TO.search(clause, 0, duty.start()) is not None:
        return True
    return _SLIGHT.match(predicate) is not None or _RANKED.match(predicate) is not None
