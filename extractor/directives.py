"""Directives: which clauses of an official text tell somebody to act, and which name a result to be reached.

Chinese official prose drops subjects and rarely marks mood, so a clause is read in its context: the words of duty before
it in its sentence, who speaks (a news report quotes demands, a speech makes them), the heading above. Its own words then
tell an action (verb and object) from an attitude, a circumstance, a state of things or something already done.

Rules of grammar and closed lists of function words; nouns are never listed. `rjieba` tells verbs from nouns. Candidates
only: what the words do not show (irony, a plan told as a fact) is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from extractor.passages import clauses, numbering, paragraphs, sentences

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Directive:
    """A clause (`start:end` of the text) that demands an action, names a goal, or both (新建10个园区)."""

    start: int
    end: int
    is_action: bool
    is_goal: bool


@dataclass(slots=True)
class _Mood:
    """What earlier clauses of the sentence leave for the later ones."""

    told: bool
    bare: bool  # whether a clause without a word of duty may be a demand here
    duty: bool = False
    acted: bool = False
    copula: bool = False


# --- words of duty, speech and report ---

# 要 in 重要, 主要, 要求, 要素 is none.
_YAO = "(?<![主重需首简概想只])要(?![求素点闻件]|清醒|看到|说明|不是|不然)"
_ORGAN = (
    "(?:部门|单位|政府|党委|[省市县区镇]委|局|厅|办公室|机构|小组|乡镇|街道|各[省市县区镇乡村地级]|地方|企业|院校|学校|医院|协会|公司|中心"
    "|干部|领导|我们|大家|同志|人员|负责人|系统|委员会|指挥部|[我全][省市县区]|[省市县区]|[委府局办])"
)
_DUTY = re.compile(
    f"{_YAO}|必须|务必|务求|应当|应该|(?<![一各])须(?!知)|(?<![相适反对供响因])应(?![用急对变邀])|不得(?!不)|不准|严禁|禁止|一律|(?<![正必])需(?=[把将对])"
)
_ORGAN_LAST = re.compile(f"{_ORGAN}(?:也|都|均|一定)?$")
# 县将组织…, 将对…: what is announced.
_ANNOUNCED = re.compile(
    f"(?:(?:.{{0,14}}{_ORGAN}))?将(?=在|对|从|按|进|全|定|会同|继|大|组|制|新增|今年|拔|拨|出台|通报)"
)
_PLANNED = re.compile("确保|力争|争取|务求|拟(?=[定建于])|计划(?!生育)|(?:新增|增加)[^，,]{0,6}[0-9]+[^，,]{0,4}以上")
_SPEAKER = "(?:他|她|会议|大会|[\u4e00-\u9fff]{2,4})?(?:还|并|同时)?"
_SAYING = re.compile(
    "^(?!按照?|根据|落实|全面|严格|提出|认真|达到|符合|统一).{0,16}(?:强调指出|强调|指出|要求|提出|希望|期望|号召|表示|说|建议)[，,：:“]?$"
    f"|^{_SPEAKER}(?:强调指出|强调|指出|要求|希望|期望|号召)"
)
_SAID = re.compile("^.{0,16}?(?:强调指出|强调|指出|要求|希望|期望|号召)[，,]?")
_QUOTES_DEMANDS = re.compile("(?:强调|要求|指出|希望)(?:[，,:：]|要|[\u4e00-\u9fff]{2,10}要)")
_NEWS = re.compile("[\u4e00-\u9fff]{2,4}(?:强调|指出|要求)[，,:：]|会议(?:强调|指出|要求)|本报讯|记者|出席会议|召开")
_ADDRESSES = re.compile("同志们|各位|大家")
_LISTED = re.compile(
    r"^\s*(?:[一二三四五六七八九十]{1,3}(?:是|要|、)|第[一二三四五六七八九十]|首先|其次|最后|[(（][一二三四五六七八九十]{1,3}[)）]|\d{1,2}[、.．])"
    "|^.{0,40}[一二三四五六七八九]是"
)

# --- what is no demand ---

_DONE = re.compile(
    "了(?!解|如指掌)|已(?:经|[^有])|取得|得到|一直|始终(?!坚持)|以来|曾|较好地|累计|顺利通过|荣获|圆满结束|(?:去|上)年|先后|共(?:有|计|投)|达到?(?=[0-9])|同比"
    "|正在|不够|不到位|不强|不高|(?<!查找)不足|不力|不严"
)
_COPULA = re.compile("^[^，,]*?(?<![于但凡可还只若要尤特别硬老其求不正就])是(?!否|非)")
_AGENDA = re.compile(
    "^(?:会议|大会|会上|这次会议|此次会议|今天|本次)|召开(?:这|此|本)|任务(?:就)?是|目的(?:就)?是|主题是|议题|(?:研究|安排|动员|全面)部署"
    "|(?:进行|作出?)了?.{0,6}(?:安排|部署|动员|总结|研究|解读|报告|讲话)$|讲.{0,4}意见|^.{0,6}(?:传达|听取(?!.*汇报)|审议)|通报(?:情况|了)"
    "|总结.{0,12}(?:工作|经验|情况)$|回顾总结|分析.{0,16}(?:形势|情况|任务)$|工作(?:讲|谈|提).{0,6}(?:意见|要求)"
)
# Appeals to attitude alone, slogans, and the purposes that an action serves.
_ATTITUDE = re.compile(
    "(?:提高|统一|深化|增进)(?:思想|政治)?(?:认识|站位|思想)|高度重视(?!和)|认清|(?:充分|深刻|清醒|进一步|正确)(?:的)?认识|深刻(?:领会|把握|理解)|正视"
    "|(?:增强|强化|提高|克服|摒弃|坚定|树立).{0,40}(?:意识|观念|紧迫感|责任感|使命感|自觉性|信心|思想|能动性|情绪|理念|严肃性|政绩观|责任心|主动性)"
    "|(?:坚定|提振|增强|鼓足).{0,4}(?:信心|干劲)$|思想.{0,8}统一到|(?:学习|贯彻|落实|领会).{0,40}(?:精神|思想|要义|内涵|部署要求)$"
    "|站在.{0,14}高度|思路$|凝心聚力|凝聚.{0,20}(?:共识|力量|合力|正能量)|克难|(?:形成|营造|创造|开创|掀起|谱写|打赢|打好).{0,24}(?:合力|局面|氛围"
    "|格局|环境|热潮|篇章|战|风气|高潮|导向)|重要性|负责的态度|再上|迈上|新台阶|本着|放眼|着眼|发扬.{0,8}精神|把握.{0,10}(?:机遇|大势|形势|方向|规律"
    "|主动权)|丝毫|半点|折扣|清醒(?:的)?(?:头脑|认识)|麻痹|侥幸|懈怠|掉以轻心|负起责任|优异成绩|作出.{0,8}贡献|干劲|放在心上|拿在手上|找差距|寻找差距"
    "|看到|珍惜|劲头|决心$|危机感|勇气|斗志|.感情$|作风$|战.作风|警惕|价值追求|转变.{0,8}(?:观念|理念)|问题导向|榜样|这根弦|审视.{0,14}(?:形势|困难)|清醒地认识|翻身仗|牢记|使命担当|高度警觉|引起.{0,4}重视"
)
_SERVES = re.compile(
    "(?:^|并)为.{1,40}(?:提供.{0,8}(?:保障|依据|支撑|信息|动力|条件|环境)|奠定|创造|保驾护航|[作做]出|营造|积累|.{0,6}努力)|^为把|^为(?:切实|努力|进一步|更好)|^以.{2,60}(?:态度|精神|姿态|需要|认识|觉悟|责任感)$"
)
_PRINCIPLE = re.compile("^坚持(?!.{0,30}(?:制度|机制|活动|开展|做好|抓好|实行|执行|推进))|不动摇$|不放松$|^稳定低")
_RANKED = re.compile(
    "(?:把|将).{2,40}(?:作为|当作|当成|看成|摆[在上到]|放[在到]|转化为).{0,24}(?:任务|大事|位置|工程|重中之重|要求|首位|第一位|动力|责任|全局|追求|谋划|上)"
    "|^(?:并|更)?(?:摆[在上到]|放[在到]|统一到).{0,20}(?:位置|位|日程|上来)|(?:把|将).{2,30}抓(?:紧|好|实|细|出|牢|严|大)[^，,]{0,12}$"
)
# 周密部署, 狠抓落实: how, without a what.
_MANNER = re.compile(
    "^.{0,6}抓(?:好|紧|实|细)?、?(?:抓实|落实|好|紧)?.{0,6}(?:落实|成效)$|^(?:扎实|认真)(?:开展|做好)工作$|^突出重点"
    "|^(?:统筹|周密|精心|科学|集中|密切|协调|攻坚|真抓|齐抓|同心|上下|综合|标本|多管|迅速|积极|及时|相互|主动|奋力|长期).{2}$|^(?:主动)?防范化解$"
    "|^(?!.*[把将]).{0,8}(?:到底|到位)$|密切配合$|因地制宜|实事求是|砥砺|^.{2}、.{2}$|务求实效"
    "|^(?:认真|深入|切实|抓好|一定|全面|坚决)*(?:学习|贯彻|领会|落实|执行){1,2}$|^抓住.{2}$|一级抓一级"
)
# “两项管理”, 五个方面: the heads of what follows.
_HEADING_OF_MANY = re.compile(
    "“[两二三四五六七八]个?[^”]{1,6}”$|(?:[两二三四五六七八]个|[几3-9]个)(?:方面|重点|关键|问题|环节)(?:的?工作)?$|这(?:项|一)工作$"
)
_CIRCUMSTANCE = re.compile(
    "^(?:以[^，,]{2,30}为[^，,]{0,20}$|随着|由于|因为|因(?!地|人|势|病)|如果|只有|只要|尽管|虽然|不论|无论|不仅|不但|即使|当前|目前|这|那|其中|所以|因此"
    "|让我们|他|它|从而|以便|以利|有的|有些|一些|既|不是|没有|可以|能够|可(?!持续)|也(?!要)|旨在|第|但|就(?!业)|都(?!要)|才|还有|比如|例如|特别是(?!要)"
    "|造成|导致|影响|出现|缺少|缺乏|具有|属于|来自|成为|体现|呈现|表现|显示|说明|意味|相信|感到|觉得|认为|可能|会(?!同|商|议)|能(?!源|力|上)|必将|势必"
    "|带来|面临|处于|等于|包括|涉及|伴随|贯穿|经过|离不开|有利于|受(?!理)|被|关系|关乎|存在|位于|占|总投资|据|总觉得|不能|绝不|决不|切不|切忌|千万|尚"
    "|越|值得|必然|主要(?!领导|负责|抓)|有(?!序|效|力|针|计划|重点|步骤|条件)|无|在于|需要|迫切|尽量|完全|基本上|特别|难以|概括|由单纯|增长|下降|上升|回落|增速|排名|位居|居|低于|高于|超过|环比|合计|尊敬|到.{2,10}$|通过.{2,12}$)|(?:同志们|朋友们|讲话稿?|发言|致辞|范文|第[0-9]页)$"
)
# 在…基础上, 按照…要求: a prepositional phrase and nothing else.
_PHRASE_ONLY = re.compile(
    "^(?:在|从|当|自).{1,40}(?:下|中|前提下|基础上|过程中|方面|时|后|前|同时|来看|看|高度|角度|开始|期间|内|入手|出发)$"
    "|^(?:对|对于|关于|就).{1,30}(?:问题|方面|工作|情况|情况下|人员|单位|现象|的)$"
    "|^(?:按照|根据|针对|结合|通过|面对|依据|围绕|紧紧围绕|紧扣|立足|严格按照).{1,50}(?:要求|原则|思路|精神|情况|实际|特点|需要|部署|规定|问题|目标|主线"
    "|中心|大局|形式|途径|方式|契机|重点|关键|环节|工作|建设|标准|标|形势|现象|安排|思考)$"
)
_PURPOSE = re.compile(
    "^(?:并|也|全面|进一步|不断|着力|切实|有力|有效|努力|逐步|加快|大力|共同|积极|全力|以|来)*(?:促进|推动|提高|提升|增强|维护|拓展|激发|调动|扩大|改善"
    "|巩固|转变|减轻|缓解|助推|形成|引导群众|激励)"
)
# 管理措施进一步强化: a state of things, since nothing stands after its verb.
_STATE = re.compile(
    "(?:增加|增大|增强|增多|提升|提高|汇聚|规范|确立|强化|回升|改善|好转|严重|艰巨|重大|重要|明显|显著|突出|推进|落实|加强|扎实|推广|完成|胜利|领先|前列|成效)$"
)
_STATE_ALL_THE_SAME = re.compile("^(?:.{0,4}(?:抓好|做好|推动|促进))")

# --- what is one ---

_LEAD_IN = re.compile(
    "^(?:(?:同时|此外|另外|特别是要?|尤其是?要?|因此|为此|首先|其次|最后|一方面|另一方面|今年|明年|年内|下半年|下一步|今后|近期|并且|并|且|而且|再|请(?:大家)?"
    "|希望|期望|我们|大家)[，,]?)+"
)
_ADVERB = (
    "进一步|着力|大力|努力|积极|全力|切实|认真|逐步|及时|深入|扎实|有效|重点|集中|继续|加紧|抓紧|全力以赴|全面|严格|充分|坚决|广泛|主动|科学|定期|不定期地?"
    "|统一|不断|加快|尽快|尽早|提前|共同|联合|免费|专题|依法|真正|牢牢|一律|持续|深刻|稳步|精心|妥善|基本|系统|强力|层层|逐层|逐级|逐项|现场|迅速|随时|适时"
    "|带头|亲自|更好地|千方百计|想方设法|下大力气|多渠道|大胆|稳妥|有序|有针对性地|有计划地|有重点地|最大限度地?|着手|超前|率先|密切|多方|从严|从快|坚持不懈地?"
    "|一手|多|都|也|还|又|更|再|先|每年|每月|每季度?|每半月|大张旗鼓地|早日|始终|合理|有力|灵活|健康|快速|高标准|高质量|协同|紧紧|时刻|全程|经常|就地|立即|马上"
    "|坚定不移地?|毫不放松地?|毫不动摇地?|旗帜鲜明地?|理直气壮地?|按期|按时|客观|扎扎实实地?|千方百计地?|特别注重|注重"
)
_ADVERBS = re.compile(f"^(?:(?:{_ADVERB})(?:地|的)?(?:要|、)?)+")
# Adverbs that are verbs as well: 加快前期工作进度, 严格作业审批管理.
_ADVERB_OR_VERB = re.compile("加快|严格|集中|密切|深入|提前|注重")
# Verbs of office that a tagger without context takes for nouns.
_VERB = re.compile(
    "^(?:建立|健全|完善|加强|强化|加大|加快|开展|推进|推行|落实|实施|实行|组织|制定|制订|出台|抓|做好|做实|做细|搞好|严格|严厉|严肃|严查|严把|严防|严打|查处"
    "|打击|整治|治理|规范|改进|改革|创新|宣传|普及|倡导|培训|培养|培育|建设|建好|构建|打造|支持|鼓励|引导|帮助|帮扶|解决|提供|发挥|深化|深入|优化|调整|充实"
    "|配齐|配强|用好|用活|管好|巩固|夯实|压实|拓展|拓宽|扩大|提升|提高|整合|统筹|协调|督促|督查|督导|检查|考核|审计|评估|评价|监督|监管|监测|监控|排查|清理"
    "|淘汰|关停|取缔|追究|问责|处罚|奖励|表彰|发放|拨付|划拨|征收|安排|纳入|设立|成立|召开|报告|调研|走访|公开|公示|公布|执行|贯彻|履行|细化|量化|分解|明确|研究"
    "|探索|总结|推广|学习|借鉴|保障|维护|关心|关爱|防控|堵住|消灭|消除|破解|引进|招商|签订|推动|克服|杜绝|集中|缓解|改造|改善|修订|编制|启动|选配|选拔|配备|运用"
    "|利用|动员|分类|限期|挂钩|应对|参与|协助|配合|收集|选派|征求|防范|防止|保证|服务|打通|盘活|兑现|摸清|掌握|跟踪|指导|采取|停止|守住|筑牢|盯住|聚焦|突出|对照"
    "|新建|扶持|落细|理顺|简化|下放|取消|承接|对接|密切|促进|转变|形成|坚持|教育引导|调度|当好|把好|管住|切断|绷紧|倒排)"
)
_PREPOSITIONS = "把 将 对 由 为 与 和 向 在 以 按照 根据 针对 围绕 从 用 通过 结合 给 同 依据 依托".split()
_DEALT_WITH = re.compile("进行|实施|给予|予以|加以|实行|开展|要|加强|严")

# --- goals ---

# 确保空气质量好转, 让群众得到实惠: however the rest reads, it is still to come.
_PLEDGE = re.compile("^(?:.{0,20}?)(?:确保(?!了)|保证(?!金|书|了)|力争|争取(?!了)|力求|力促|务求|(?<![促迫即假])使(?!用)|让(?!我们))")
_NOT_REACHED = "(?!才能|是为|为了|以便|尚未|没有|不能|难以)"
_GOAL = re.compile(
    f"^{_NOT_REACHED}(?:.{{0,20}}?(?:力争|争取|争创|力求|力促|确保(?!了)|保证(?!金|书)|努力(?:使|实现|做到|达到)|控制在|(?:降|下降|降低|减少|压缩)到"
    "|(?:提高|增长|增加|提升|上升|扩大)到|稳定在|保持在|圆满完成|全面完成|按时完成|如期|提前完成|超额完成|不低于|不超过|不少于"
    "|达到[^，,]{1,12}(?:目标|标准|要求|水平|以上|以内))"
    "|.{2,20}?(?:把|将).{2,30}?(?:建设成|建成|打造成|降到|降下来|降至|提高到)|(?:把|将).{2,30}?(?:建设成|建成|打造成|降到|降下来|降至|提高到)"
    "|.{0,8}?(?:预防|防范|严防|防止|杜绝|避免|遏制).{2,30}(?:发生|出现|反弹|复燃|蔓延|扩散)$"
    "|(?:从根本上|[全今]年|[一二三四]季度|全[国省市县区]|努力|并|要|必须|逐步|基本|全面|最终|真正|切实|持续|尽快|早日|年内|年底|坚决|严格|有效|也|更好地|从而|以|到[^，,]{2,8})*"
    "(?:实现|完成|做到|达到|使|让|促使|防止|避免|杜绝|保持|建成|创建成))"
)
# Planned money is a goal even where it is told as a fact: 项目总投资7.64亿元, 占计划总投资的53.53%.
_BUDGET = re.compile(r"(?:总投资|计划投资|概算投资|预算投资)[^，,]{0,8}[0-9]")
_SPENT = re.compile("已|完成|竣工|累计")
_RATE = re.compile("^.{0,10}?(?:提高|降低|提升|减少|增加)[^，,]{0,20}(?:率|量|比重|水平线)(?:$|[和、])")
_NUMBER = re.compile(
    r"[0-9]+(?:\.[0-9]+)?\s*(?:多|余)?(?:%|％|亿|万|个|家|户|名|人|公里|千米|平方米|亩|次|项|所|元|吨|台|套|座|条|对|天|头|株|公顷)"
)
_PLANNED_NUMBER = re.compile(
    "计划|安排|新增|新建|新改建|改造|培训|建成|培育|引进|创建|开工(?!项目)|打造|达到|确保|力争"
)
_REGULARLY = re.compile(
    "每(?:年|月|周|季度?|半年|半月|旬)[^，,]{0,12}(?:[0-9]+|[一二三两四])次|每(?:年|月|季|周)[^，,]{0,3}一次|[一半]月一次"
)

_TOLD_HEADING = re.compile("回顾|成绩|成效|问题|原因|形势|意义|重要性|认识|总结|过去|特点|差距|压力|挑战|现状|前阶段|上半年")
_PLAN_HEADING = re.compile(
    "打算|下一步|下阶段|下半年|今后|任务|措施|重点|抓好|做好|加强|落实|强化|推进|完善|加快|突出|着力|切实|狠抓|要求|部署|安排"
)
_ALWAYS_TOLD = re.compile("认识|意义|重要性|问题|形势|回顾|成绩|前阶段|上半年")
_QUOTED = re.compile("“[^”]*”|《[^》]*》|[(（][^)）]*[)）]")
_NUMBERED = re.compile(
    r"\s*(?:[一二三四五六七八九十]{1,3}(?:是|要|、|，|,)|第[一二三四五六七八九十]{1,3}|[(（][一二三四五六七八九十]{1,3}[)）]|[0-9]{1,2}[、.．](?![0-9]))"
)
_LONGEST_HEADING, _LONGEST_HEAD_OF_MANY = 40, 14
# Words of duty further into a clause than this belong to what it tells, not to it.
_DUTY_WITHIN = 30


@lru_cache(maxsize=4)
def find_directives(text: str) -> tuple[Directive, ...]:
    """The clauses of clean Simplified `text` that demand or set a goal, in order. Takes the whole speech: what a clause
    is depends on who speaks and under which heading."""
    sentence_spans = sentences(text)
    headings = set(headings_of(text, sentence_spans))
    in_sentence = _clauses_by_sentence(text, sentence_spans)
    found: list[Directive] = []
    for span, mood in zip(sentence_spans, _moods(text, sentence_spans), strict=True):
        if span not in headings:
            found += _read_sentence(text, in_sentence[span], mood)
    return tuple(found)


def headings_of(text: str, sentence_spans: list[Span]) -> Iterator[Span]:
    """Sentences that only head what follows: 二是要突出重点,优化环境。 before the sentences that say how."""
    for (i, j), (k, m) in pairwise(sentence_spans):
        same_line = "\n" not in text[j:k] or text[j - 1] not in "。！？；"
        numbered = _NUMBERED.match(text, i, j) is not None and _NUMBERED.match(text, k, m) is None
        if j - i <= _LONGEST_HEADING and numbered and same_line:
            yield i, j


def _clauses_by_sentence(text: str, sentence_spans: list[Span]) -> dict[Span, list[Span]]:
    grouped: dict[Span, list[Span]] = {span: [] for span in sentence_spans}
    remaining = iter(sentence_spans)
    sentence = next(remaining, None)
    for clause in clauses(text):
        while sentence is not None and sentence[1] <= clause[0]:
            sentence = next(remaining, None)
        if sentence is not None:
            grouped[sentence].append(clause)
    return grouped


def _moods(text: str, sentence_spans: list[Span]) -> Iterator[_Mood]:
    """For each sentence, the mood it begins in. A speech demands unless its heading announces a review; a report does
    from the words on that quote a demand to the end of the paragraph, and in numbered points."""
    is_news = _NEWS.search(text[:400]) is not None and _ADDRESSES.search(text[:300]) is None
    paragraph_ends = iter([end for _, end in paragraphs(text)])
    paragraph_end = 0
    demanding, reviewing = not is_news, False
    for i, j in sentence_spans:
        sentence = text[i:j]
        listed = _LISTED.search(sentence) is not None
        if i >= paragraph_end:
            paragraph_end = next((end for end in paragraph_ends if end > i), j)
            demanding = demanding and (listed or not is_news)
        rank = numbering(sentence)
        if rank is not None and rank[0] <= 2 and j - i <= _LONGEST_HEADING + 20:
            reviewing = _reviews(sentence)
        plain = _QUOTED.sub("〃", sentence)
        duty = _DUTY.search(plain) is not None or _PLANNED.search(plain) is not None
        demanding = demanding or listed or _QUOTES_DEMANDS.search(sentence) is not None
        told = not duty and _DONE.search(plain) is not None
        yield _Mood(told=told, bare=demanding and not reviewing)


def _reviews(heading: str) -> bool:
    told = _TOLD_HEADING.search(heading) is not None
    return told and (_PLAN_HEADING.search(heading) is None or _ALWAYS_TOLD.search(heading) is not None)


def _read_sentence(text: str, spans: list[Span], mood: _Mood) -> Iterator[Directive]:
    for i, j in spans:
        if text[i - 1 : i] in ("；", ";"):
            mood.acted = False
        is_action, is_goal = _read_clause(text[i:j], mood)
        mood.acted = mood.acted or is_action
        if is_action or is_goal:
            yield Directive(i, j, is_action, is_goal)


def _read_clause(clause: str, mood: _Mood) -> tuple[bool, bool]:
    """Whether the clause is an action, and whether it is a goal; `mood` learns from it."""
    saying = _SAYING.search(clause)
    if saying is not None and saying.end() == len(clause) and _DUTY.search(clause) is None:
        mood.told = False
        return False, False
    body = _LEAD_IN.sub("", _SAID.sub("", clause) if saying else clause)
    duty = _duty_of(body)
    before, predicate = (body[: duty.start()], body[duty.end() :]) if duty else ("", body)
    if duty is not None:
        mood.duty, mood.told, mood.copula = True, False, False
    if _BUDGET.search(body) is not None and not _SPENT.search(body):
        return False, True
    if mood.told or len(predicate) < 2 or _is_told(body, before, duty is not None, mood):
        return False, False
    return _is_action(body, before, predicate, duty is not None, mood), _is_goal(body, predicate, mood)


def _duty_of(body: str) -> re.Match[str] | None:
    duty, announced = _DUTY.search(body), _ANNOUNCED.match(body)
    if announced is not None and (duty is None or announced.start() < duty.start()):
        duty = announced
    return duty if duty is not None and duty.start() <= _DUTY_WITHIN else None


def _is_told(body: str, before: str, duty: bool, mood: _Mood) -> bool:
    """Whether the clause tells what is or was: 了, 已, X是Y and what goes on after it."""
    plain = _QUOTED.sub("〃", body)
    if duty:
        return "了" in before or _COPULA.search(before) is not None
    if _PLEDGE.match(body) is not None:
        return False
    if _COPULA.search(plain) is not None:
        mood.copula = True
    done = _DONE.search(plain) is not None and not body.startswith("对")
    state = len(body) > 5 and _STATE.search(body) is not None and _STATE_ALL_THE_SAME.match(body) is None
    return mood.copula or done or state or _AGENDA.search(body) is not None


def _is_action(body: str, before: str, predicate: str, duty: bool, mood: _Mood) -> bool:
    topical = len(before) > 3 and _ORGAN_LAST.search(before) is None
    if _COPULA.search(predicate) or _is_talk(predicate, topical):
        return False
    if _CIRCUMSTANCE.search(predicate if duty else body) or _PHRASE_ONLY.search(predicate):
        return False
    if _GOAL.search(predicate) or (not duty and mood.acted and _PURPOSE.search(predicate)):
        return False
    return (duty or mood.duty or mood.bare) and _has_verb_and_object(predicate, duty, mood)


def _is_talk(predicate: str, topical: bool) -> bool:
    """Attitude, principle, manner, or the heading of many points: no action of its own. `topical`: what is acted on
    stands before the word of duty (该转移的群众要及时转移)."""
    bare = _ADVERBS.sub("", predicate)
    return any(
        pattern.search(words) is not None
        for pattern, words in (
            (_ATTITUDE, predicate),
            (_SERVES, predicate),
            (_MANNER, "" if topical else predicate),
            (_HEADING_OF_MANY, predicate if len(predicate) <= _LONGEST_HEAD_OF_MANY else ""),
            (_RANKED, predicate),
            (_PRINCIPLE, bare),
        )
    )


def _has_verb_and_object(predicate: str, duty: bool, mood: _Mood) -> bool:
    """Adverbs and prepositional phrases left out, whether the clause begins with a verb that has something after it."""
    import rjieba

    core = _ADVERBS.sub("", predicate)
    skipped = predicate[: len(predicate) - len(core)]
    if len(core) < 2:
        return False
    if _VERB.match(core) is not None:
        return len(core) > 2 or duty
    if _ADVERB_OR_VERB.search(skipped) is not None and not core.endswith("的"):
        return True
    words = rjieba.tag(core)
    first, tag = words[0]
    if tag == "p" or first in _PREPOSITIONS:
        if first == "对" and _DEALT_WITH.search(core):
            return True
        return any(t in ("v", "vn", "vg", "l") for _, t in words[2:])
    if tag in ("v", "vi", "vg", "vn"):
        return len(words) > 1 or duty
    if tag in ("l", "i"):
        return len(words) > 1
    if tag in ("a", "ad", "d", "b", "m", "q", "f", "z", "t") and any(t in ("v", "vn") for _, t in words[1:4]):
        return True
    if duty:
        return any(t in ("v", "vn") for _, t in words)
    return _SUBJECT.match(core) is not None


_SUBJECT = re.compile(f"^.{{0,24}}?{_ORGAN}(?=(?:{_ADVERB}|对|把|将|按|根据|与)|{_VERB.pattern[1:]})")


def _is_goal(body: str, predicate: str, mood: _Mood) -> bool:
    if _CIRCUMSTANCE.search(body) or _COPULA.search(predicate):
        return False
    if _GOAL.search(body) or _GOAL.search(predicate) or _RATE.search(predicate) or _REGULARLY.search(body):
        return True
    if _NUMBER.search(body) is None:
        return False
    return mood.duty or (mood.bare and _PLANNED_NUMBER.search(body) is not None)
