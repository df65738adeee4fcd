"""Finds the concrete things that official prose names: organs, programmes, numbers, and dates to keep.

They tell a clause that can be checked (县住建局年底前更换管道80公里) from one that only appeals (进一步加强领导).
"""

from __future__ import annotations

import re

from extractor.lang.characters import HAN
from extractor.lang.date_spans import find_dates, find_deadlines
from extractor.lang.quantities import find_quantities

_HAN = f"[{HAN}]"
# 市委, 住建局, 各有关部门, 县政府, 领导小组: not 格局, 大厅, 加强部门协作, 委托.
_BODY = re.compile(
    f"(?:各级?(?![项类种自个方])|有关|相关){_HAN}{{0,8}}(?:部门|单位|机关|党组织|机构)|(?:主管|职能|责任|牵头|成员|监管|执法|所属)(?:部门|单位)"
    f"|{_HAN}{{2,6}}(?:等部门|等单位)|{_HAN}{{2,6}}部门(?=[要应须将]|必须|负责)|各地(?!方)|各级?[省市县区州旗镇乡村]|各(?:街道|社区|企业|学校|医院)"
    "|[省市县区州盟旗镇乡村党工纪团]委(?![托派员任屈婉])|政法委|发改委|卫健委|国资委|住建委|农委|经信委"
    f"|{_HAN}{{2}}委员会|(?:人民|[省市县区州镇乡]|乡镇|地方|各级|党委)政府|[市县区省]府办?"
    f"|{_HAN}(?![格布结全大开时僵困变新破定棋战当死败危]){_HAN}局(?![限面部势促外内中点])|{_HAN}(?![大客餐展门前]){_HAN}厅(?![堂局级])"
    "|领导小组|指挥部|(?<=[委府组县市省区])办公室|街道办|联席会议(?!制度)|[村居]委会|党支部|常委会|人大(?!代)|政协|法院|检察院|公安机关"
    f"|中共中央|党中央|国务院|(?:教育|财政|国防|外交|商务|公安)部(?!门|署)|{_HAN}{{2,4}}部(?=[、和]{_HAN}{{2,6}}[部局委])"
)
# A whole word that says which, before 工程, 行动, 计划 or 方案: 民心工程, 改造方案, but not 重点工程, 制定方案.
_WHICH = (
    f"{_HAN}{{2}}(?<!重点)(?<!重大)(?<!建设)(?<!项目)(?<!系统)(?<!基础)(?<!确保)(?<!大量)(?<!各项)(?<!一批)(?<!有关)(?<!相关)(?<!在建)(?<!自觉)(?<!统一)(?<!实际)"
    "(?<!迅速)(?<!立即)(?<!积极)(?<!全面)(?<!一致)(?<!按照)(?<!严格)(?<!列入)(?<!纳入)(?<!制定)(?<!制订)(?<!年度)(?<!工作)(?<!编制)(?<!完成)(?<!具体)(?<!出台)"
    "(?<!完善)(?<!细化)(?<!实施)"
)
_PROGRAMME = re.compile(
    rf"《[^《》\n]{{2,60}}》|“[^“”\n]{{1,20}}”{_HAN}{{0,4}}(?:工程|行动|计划|规划|方案|专项)|专项(?:行动|整治|治理|检查|督查)|攻坚(?:行动|战)"
    rf"|{_WHICH}(?:行动(?!力|起来|不便|迟缓|[上中])|工程(?!建设|质量|项目|进度|技术|施工|监理|验收|[师款量])|计划(?!生育|[投用在于到安总中内外地])|方案)"
)


def mentions_of(clause: str) -> list[str]:
    """Which of body, number, deadline and programme the clause names, in this order."""
    # A year alone dates what it stands beside; a month or a day is when something is to happen.
    dates = [span for span in find_dates(clause) if re.search("[月日号]", clause[slice(*span)])]
    named = {
        "body": _BODY.search(clause),
        "number": find_quantities(clause),
        "deadline": find_deadlines(clause) or dates,
        "programme": _PROGRAMME.search(clause),
    }
    return [name for name, found in named.items() if found]
