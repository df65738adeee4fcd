"""MeetingRecord: what a Chinese government speech or meeting report says.

Descriptions are what the model is asked; the annotation guide behind them is `fixtures/gold/README.md`.
To add a field, copy this file, add a line to MeetingRecord, and pass the copy with `--schema my.py`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from extractor.fields import (
    Beside,
    Clause,
    Cue,
    EdtfDate,
    Evidence,
    Label,
    Name,
    Places,
    Quantity,
    Shown,
    Verbatim,
    Within,
    Worded,
)

EXAMPLE = "meeting.example.json"

# An office; what of it stands before a name (市委副书记、市长张文深) and what after (薛书记, 马崑副市长).
OFFICE = (
    "(?:总书记|书记|[省市县区州盟旗镇乡村局厅部处科院校行会司所站队组署台社]长|检察长|秘书长|委员长|理事长|董事长|主任|主席|总理"
    "|总裁|总经理|政委|司令员?|专员|巡视员|调研员|常委|委员|大使|参事)"
)
BEFORE = f"(?:(?![由和与及是为在对向受请让把将被等的了讲随刚才日前，受]).){{0,16}}{OFFICE}"
AFTER = f"(?:常务)?副?{OFFICE}"

# Words by which a person is shown to act.
ACT = "强调|指出|要求|主持|出席|讲话|说|宣读|通报|部署|作了?.{0,4}报告|陪同|签订|递交|参加"

# Signals of a goal, after the annotation guide.
GOAL = (
    "目标|力争|争取|力求|力促|确保|保证|保持|实现|达到|完成|控制在|降到|下降到|降低到|提高到|增长到|增加到|创建成|做到"
    "|使|让|促使|防止|稳定在|不低于|不超过"
)

# Verbs that open an action somebody is to take.
DO = (
    "建立|健全|完善|加强|强化|加大|加快|开展|推进|推动|推行|落实|实施|组织|制定|制订|出台|抓好|抓紧|抓住|做好|严格|严厉|严肃"
    "|查处|打击|整治|治理|规范|改进|改革|创新|宣传|普及|倡导|培训|培养|建设|构建|打造|支持|鼓励|引导|帮助|解决|提供|发挥|深化"
    "|优化|调整|充实|配齐|配强|巩固|夯实|拓展|拓宽|扩大|提升|提高|整合|统筹|协调|督促|督查|检查|考核|审计|评估|监督|监管|监测"
    "|排查|清理|淘汰|关停|取缔|追究|问责|处罚|奖励|表彰|发放|拨付|划拨|征收|安排|纳入|设立|成立|召开|报告|调研|走访|公开|公示"
    "|执行|贯彻|履行|细化|量化|分解|明确|研究|探索|总结|推广|学习|借鉴|保障|维护|关心|杜绝|严防|防控|堵住|消灭|破解|引进"
)


class Official(BaseModel):
    """担任公职的人。"""

    name: Name = Field(description="姓名，照抄原文，不带职务和“同志”")
    titles: Annotated[list[Verbatim], Beside(BEFORE, AFTER)] = Field(
        description="原文写明的此人全部职务，逐个照抄，没有则为[]"
    )
    roles: list[
        Annotated[
            Literal["chair", "speaker", "reporter", "reader", "attendee", "signatory", "mentioned"],
            Shown(
                otherwise="mentioned",
                chair="主持",
                speaker="讲话|强调|指出|要求|说|表示|提出|意见",
                reporter="报告|通报|部署|安排|点评|汇报|介绍|传达",
                reader="宣读",
                attendee="出席|参加|陪同|到会|列席",
                signatory="签订|递交|接受|签署|签字",
            ),
        ]
    ] = Field(
        description="此人做了什么，可多选：chair 主持会议；speaker 讲话、强调、指出、要求；reporter 作报告、通报、部署；"
        "reader 宣读文件；attendee 出席、参加；signatory 签订、递交责任书；mentioned 只是被提到"
    )
    evidence: list[Evidence]


class Statistic(BaseModel):
    """已经发生或现存的数字事实。"""

    indicator: Worded = Field(description="这个数字说的是什么，用原句的词，尽量短，如“出生人口性别比”")
    value: Quantity = Field(description="数字连同单位和约数词，照抄原文，如“160万人”“110左右”")
    period: Annotated[Verbatim | None, Within("passage"), Cue("年|月|日|季度|半年|以来|期间|目前|普")] = Field(
        description="这个数字的时间，照抄原文，没有则为null"
    )
    region: Annotated[Verbatim | None, Within("passage"), Cue("省|市|县|区|镇|乡|村|国|州|全")] = Field(
        description="这个数字的地区，照抄原文，没有则为null"
    )
    evidence: Places


class Target(BaseModel):
    """要达到的结果。"""

    text: Clause = Field(description="目标，照抄原文的分句")
    value: Quantity | None = Field(description="目标中的数字连同单位，照抄原文，没有则为null")
    deadline: Annotated[Verbatim | None, Cue("年|月|季度|阶段|期间|底|末")] = Field(
        description="完成的期限，照抄原文，没有则为null"
    )
    evidence: Places


class Measure(BaseModel):
    """要采取的行动。"""

    text: Clause = Field(description="行动，从动词到宾语，照抄原文的分句")
    responsible: Annotated[
        list[Verbatim],
        Cue(
            "各级|各地|各县|各镇|各市|各乡|各部门|各单位|部门|政府|党委|机构|委员会|领导小组|局|厅|办公室|支队|成员单位"
        ),
    ] = Field(description="同一句中写明的执行单位，照抄原文，没有则为[]")
    evidence: Places


class MeetingRecord(BaseModel):
    """一次会议或一篇讲话。"""

    date: Annotated[EdtfDate | None, Cue(r"月[^。]{0,4}日|日[上下]午|\d{4}[-./年]\d", where="ends")] = Field(
        description="会议召开或讲话发表的日期，照抄原文，如“5月27日”；不是文件、统计或其他活动的日期；没有写明则为null"
    )
    officials: Annotated[
        list[Official],
        Cue(f"{OFFICE}|同志|领导|{ACT}"),
        Label("官员", {"其他": "记者、编辑、普通群众，或者不是人名"}),
    ] = Field(
        description="原文中有姓名的、担任公职的人：出席、主持、讲话或被提到的领导干部。不要记者、编辑、普通群众；"
        "姓名被隐去的（_、XX）不要；没有姓名的职务（如“市委书记”）不要"
    )
    statistics: Annotated[
        list[Statistic],
        Cue(r"[0-9]|[一二三四五六七八九十百千万两]{1,6}(?:个|名|人|成|倍|位|项|家|次|例)|分之|翻.番"),
        Label(
            "事实",
            {
                "计划": "将要达到、将要投入或要求的数",
                "其他": "编号、年份、会议届次、口号名称、条目的个数",
            },
        ),
    ] = Field(
        description="已经发生或现存的数字事实：人数、比率、名次、金额、标准等。计划要达到的数、年份日期、条目编号、"
        "口号和文件名里的数字不算"
    )
    targets: Annotated[list[Target], Cue(GOAL)] = Field(
        description="要达到的结果：数量目标、要保持的名次、要完成的任务、要形成的状态。多有“力争、确保、实现、完成、达到、"
        "控制在、使、让”等字样"
    )
    measures: Annotated[list[Measure], Cue(DO)] = Field(
        description="要采取的行动：谁要建立、开展、加强、查处、支付、培训、检查什么。一个分句一条；只有态度（提高认识、"
        "高度重视）的不算，已经做过的不算"
    )
