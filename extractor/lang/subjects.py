"""Who is to do something: the bodies that open a clause, and those that are named as in charge.

县公安局和交通局要开展联合检查，各乡镇、街道要落实网格管理 has two subjects: the second one ends what the first one
governs. Texts are clean and Simplified.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from extractor.lang.organs import ENDINGS
from extractor.lang.sentences import Span, clauses
from extractor.lang.vocabulary import ends_in_act

# How the name of a body ends, or of a kind of bodies or those who lead them.
_BODY = re.compile(
    rf"(?:{ENDINGS}|部门|单位|党委|党组织|[居村]委会|工作组|专班|[^委原]委|院校|司|站|(?:派出|研究|卫生|服务|事务|检验|管理|监理)所|队|企业|学校|[馆厂矿]|(?:供销|农信|信用|合作)社|全社会"
    "|工会|残联|机关|机构|小组|街道|社区|乡镇|[各区县市镇乡村旗州盟][省市县区镇乡村旗州盟]|各地|各级|各方面?|双方|领导干部|常委会|中央|军区|代表团"
    "|负责同志|负责人|[我本][省市县区局])(?:等(?:有关|相关)?(?:部门|单位|地)?)?$"
)
# 部署 and 布局 end like one.
_NO_BODY = re.compile("(?:部署|布局|全部)$")
# What stands between the bodies and what they are to do.
_DUTY = re.compile(
    "(?:也|都|均|一定|务必|同样|还|更)?(?:(?<![主重需首简概])要(?![求素点])|应当|应(?!急|用|对)|必须|务必|须|需要?(?!求)|负责|牵头|会同|配合"
    "|(?<!的)(?:(?:切实|认真|积极|全面|严格|及时|主动|抓紧|加快|继续|进一步|具体)?(?:做好|抓好|落实|加强|开展|组织|建立|完善|制定|履行|承担|强化|推进|督促|研究|配备|安排|提供|参与|支持)|(?:同步|逐步|尽快|率先)))"
)
# No bodies: what stands before the duty has another head, or is an action itself.
_OTHER = re.compile(
    r"^(?:调整|优化|允许|改革|改进|改善|实行|实施|培育|倡导|扩大|规范|整合|提升|促使|新建)|[的对把将被了着过，,。；;：:“”]|^(?:加强|加快|加大|强化|提高|推进|推动|促进|支持|扶持|鼓励|引导|督促|指导|组织|协调|完善|健全|建立|建设|深化|落实|开展|做好|抓好|为|在|向|从|以|让|使|通过"
    "|依托|发挥|整合|充分|各项|这项|工作|有的|一些|要|尤其|特别|倒逼|重视|注重|对照|使得|确保|关心|服务|培育|壮大|围绕|根据|按照|结合)|^(?:可以|保证|是|这是|就|或|也就是|而|但|因此|只要|不但|不仅|既是|具体|认真|大家|他|她|全部|并|其他|如果|凡是|努力|增强|严肃|听取|强调|积极|兼并)|由|已经?责成|会见|提请|查处|参加|部署|这一|那些|非政府$"
)
# （市医保局、市卫生健康委按职责分工负责，6月底前完成）; 县财政局、县人社局配合。
_IN_CHARGE = re.compile(
    r"[（(](?P<who>[^（）()，,。；;：:\n]{2,60}?)(?:按照?(?:各自)?职责(?:分工)?|分工|分别|共同)?(?:负责|牵头|落实)"
)
_HELPING = re.compile(
    r"(?:^|(?<=[，,；;]))(?P<who>[^，,。；;：:\n]{2,40}?)(?:积极|密切|全力)?(?:牵头|负责|配合|协助|参与|协同)(?=[，,。；;）)\n]|$)"
)
_ABLE = re.compile("(?:有|具备)条件的(?:地区|地方|单位|企业|县市|市县|乡镇|村|城市)")
_MODAL = re.compile("也|都|均|一定|务必|要|应|必须|须")
_BEFORE_BODY = re.compile(
    "^(?:(?:而且|并且|同时|我们|广泛动员|动员|激励|约束|鼓励|支持|呼吁|敦促|督促|要求|希望|强调|声称|会同|联合|吸引|引导|嘱托|特别是|尤其是|其中|今年|当前|目前|按照|[「“])[和与]?)+"
    "|^第[一二三四五六七八九十百]+条[ \u3000]*|^[ \u3000]+"
)
_WITHIN_NO_BODY = re.compile("^(?:发展|构建|综合考虑|保障|新建)")
_HALF = re.compile("(?:[有营体作型级类技]|所有制|生产|建设|大中|中小)$")
_NOT_AT_ALL = re.compile("[是在为]")
_LEAD = re.compile(
    r"(?:[一二三四五六七八九十]+[是要、]|[（(][一二三四五六七八九十0-9]+[)）]|[0-9]+[.．、]|其次|首先|第[一二三四五六七八九十]+|同时|另外|此外|今后|下一步|会后|希望|请)[，,、]?"
)
_LONGEST = 60
# 由县发改局牵头, （责任单位：县发改局、各乡镇）.
_BY = re.compile(
    r"(?<!建立)(?<!形成)(?<!实行)(?<!推行)(?<!理)由(?P<who>[^，,。；;：:\n]{2,40}?)(?:具体|共同|分别)?(?:负责|牵头|承担|组织|实施|会同|办理|落实|研究)"
)
_LABEL = re.compile(r"[ \u3000\n]{0,3}[（(][^（）()\n]{0,12}(?:单位|部门)[：:][^（）()\n]{2,120}[)）]")
_NAMED = re.compile(r"(?:责任|牵头|配合|主办|协办|承办|实施)(?:单位|部门)[：:](?P<who>[^）)。；;\n]{2,80})")


class Subject(NamedTuple):
    """The words that name the bodies, and where what they govern begins."""

    who: Span
    start: int


@lru_cache(maxsize=64)
def subjects_in(text: str, start: int, end: int) -> tuple[Subject, ...]:
    """The bodies that open clauses of text[start:end], in order."""
    found = []
    for i, j in clauses(text[start:end]):
        subject = _opening(text, start + i, min(start + j, start + i + _LONGEST))
        if subject is not None:
            found.append(subject)
    return tuple(found)


def _opening(text: str, i: int, j: int) -> Subject | None:
    lead = _LEAD.match(text, i, j)
    begin = lead.end() if lead else i
    duty = _DUTY.search(text, begin + 2, j)
    if duty is None:
        return None
    able = _ABLE.match(text, begin, j)
    if able is not None:
        return Subject(able.span(), i)
    words = text[begin : duty.start()]
    if _OTHER.search(words) or _NO_BODY.search(words) or not _BODY.search(words):
        return None
    if words.endswith("全社会") and not _MODAL.match(duty[0]):
        return None
    return Subject((begin, duty.start()), i)


def governor_of(text: str, start: int, end: int, at: int) -> Subject | None:
    """The bodies that govern the clause at `at` in the sentence text[start:end]: the last ones that open one up to it."""
    return next((subject for subject in reversed(subjects_in(text, start, end)) if subject.start <= at), None)


def named_in(text: str, start: int, end: int) -> list[Span]:
    """The bodies that text[start:end] names as in charge: 由…牵头, 责任单位：…."""
    helping = [match.span("who") for match in _HELPING.finditer(text, start, end)]
    return [*led_by(text, start, end), *labelled_in(text, start, end), *helping]


def end_of_labels(text: str, end: int) -> int:
    """Where a bracket ends that names who is in charge of the sentence before it; `end` if none follows."""
    label = _LABEL.match(text, end)
    return label.end() if label else end


# What something is done to, or given to, stands behind these.
_OBJECT = re.compile(
    "(?:向|对|给|为|把|被|受|报|送|呈)$|(?:针对|面对|防范|应对|以(?![及上下内外来前后])|用|利用|通过|依托|借助|运用|凭借|发挥|围绕)(?:(?!由)[^，,。；;：:\n]){0,16}$"
)
_NO_NAME = re.compile(
    "(?:要|应|应当|须|需|必须|务必|将|都|均|也|还|一定|负责|牵头)+|(?:依法|依规|从严|从快|切实|统筹|全面)+|[^省市县区镇乡村旗州盟团]"
)

_TELLS = re.compile("已经|责成")


def may_name_body(words: str, is_listed: bool = False) -> bool:
    """False for what is no name.

    That is: words of duty, a body with its verb (国务院已经责成有关部门), single characters but 省, 县 and the like, and
    what somebody does (运营) if it is no member of a list (住建、劳动等部门).
    """
    if _NO_NAME.fullmatch(words) is not None or _TELLS.search(words) is not None:
        return False
    return is_listed or _BODY.search(words) is not None or not ends_in_act(words)


def is_object(text: str, start: int) -> bool:
    """Whether what begins at `start` is what something is done to: 向县政府报告, 对各乡镇的督导."""
    return _OBJECT.search(text[max(0, start - 20) : start]) is not None


def led_by(text: str, start: int, end: int) -> list[Span]:
    """The bodies in 由县发改局牵头, which lead what follows."""
    spans = [match.span("who") for match in _BY.finditer(text, start, end)]
    return [span for span in spans if _BODY.search(text[slice(*span)])]


def labelled_in(text: str, start: int, end: int) -> list[Span]:
    """The bodies behind a label, which are in charge of what stands before it: （责任单位：县应急局、各乡镇）."""
    return [match.span("who") for named in (_NAMED, _IN_CHARGE) for match in named.finditer(text, start, end)]


def body_names(words: str) -> list[str]:
    """The bodies that words before a duty name, without what leads to them (鼓励|企业) and what is no body (发展企业集团)."""
    words = re.sub(r"等(?:部门|单位|地)?$", "", words)
    if _NOT_AT_ALL.search(words):
        return []
    names: list[str] = []
    for part in re.split(r"、|以及", words):
        pieces = re.split("[和与及]", part)
        # 国有与合作流通企业 is one kind of bodies.
        names += [part] if any(map(_HALF.search, pieces[:-1])) else pieces
    names = [_BEFORE_BODY.sub("", name) for name in names]
    return [name for name in names if name and not _WITHIN_NO_BODY.search(name)]
