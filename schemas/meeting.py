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
    Like,
    Name,
    Period,
    Places,
    Quantity,
    Shown,
    Subject,
    Unless,
    Verbatim,
    Within,
    Worded,
)

EXAMPLE = "meeting.example.json"

# An office; what of it stands before a name (市委副书记、市长张文深) and what after (薛书记, 马崑副市长).
OFFICE = (
    "(?:总书记|书记|总指挥|指挥长|[省市县区州盟旗镇乡村局厅部处科院校行会司所站队组署台社]长|检察长|秘书长|委员长|理事长|董事长|主任|主席|总理"
    "|总裁|总经理|政委|司令员?|专员|巡视员|调研员|常委|委员|大使|参事)"
)
BEFORE = f"(?:(?![由和与及是为在对向受请让把将被等的了讲随刚才日前，受]).){{0,16}}{OFFICE}"
AFTER = f"(?:常务)?副?{OFFICE}"

# A sentence that dates the meeting: a day beside a word of holding it; or a date alone on its line, as a sign-off.
HELD = (
    "日[^。]{0,60}(?:召开|举行|举办|主持|出席|会议|大会|讲话|座谈|动员|部署)|(?:召开|举行|会议|讲话|讯)[^。]{0,30}日"
    "|^[^，。]{0,12}(?:[0-9]{4}|[一二〇○零]{2,4}[一二三四五六七八九〇○零]{0,2})年[^，。]{1,6}月[^，。]{1,4}日[^，。]{0,4}$"
)

# Words between a number and the one before it that make it a plan or a duty, not a fact.
PLANNED = (
    "计划(?!生育)|规划|力争|争取|争创|确保|目标(?!责任|管理|考核)|预计|将|(?<![主重需首简概])要(?![求素点]|清醒|看到|认识|认清|感谢|说明|强调指出)|拟|新增|再增|总投资|提高到|必须|不低于|原则上|开展为期|每年|每季|每月|每半月|每周|占.*总投资|安排|落实"
    "|完成(?!了)|新建(?!项目)|不少于|不超过|不得|少于|[日月年底]前|年内|到[0-9]{4}年"
)
# Words before a number in its sentence that make the rest of it a duty.
DUTY = "(?<![主重需首简概])要(?![求素点]|清醒|看到|认识|认清|感谢|说明|强调指出)|必须|务必|力争|到[0-9]{4}年底"

# Regions as speeches name them: 全国, 我市. Place names need more than a pattern to tell where they begin.
REGION = "(?:全|我|本|该)(?:国|省|市|县|区|州|旗|镇|乡|村)"

# The organs that open a sentence and rule its clauses: 各级各部门要…, 省人口计生委、卫生厅等部门要联合….
ORGAN = (
    "(?:[^，,。；;：:]{0,12}[前内起])?((?:[^，,。；;：:、的要对在把将由向]{1,14}、){0,6}[^，,。；;：:、的要对在把将由向]{0,14}(?:部门|单位|政府|党委|委|局|厅|办公室|机构|支队"
    "|小组|乡镇|[省市县区镇乡村]|各地|各级|企业|院校|学校|医院|协会|公司|中心|领导干部|领导)(?:等(?:部门|单位|地)?)?)"
    "(?:也|都|均|一定|务必|必须|要|应|应当|须|负责)"
)

# Words by which a person is shown to act.
ACT = "强调|指出|要求|主持|出席|讲话|说|宣读|通报|部署|作了?.{0,4}报告|陪同|签订|递交|参加"

# What is told as done, as a reason or as a circumstance is neither a goal nor a measure.
DONE = "了(?!解)|已经|已[^有]|取得|得到|一直|始终|仍然|存在|较好地|过去|以来|现象|充分肯定|以下[几三四五]|下面[几三四五]|[从由][^，,]{1,40}(?:增|提|降|减|升|扩)[^，,]{0,3}到"
CIRCUMSTANCE = (
    "以[^，,]{2,30}为|为[^，,]{2,}(?:提供|营造|创造|奠定|作出|做出|保驾)|在[^，,]{2,30}(?:下|中|前提下|基础上|过程中|方面)$|围绕|随着|由于|因为|如果"
    "|只有|尽管|虽然|不论|无论|对于|关于|根据|按照|通过|针对|结合|立足|面对|这|那|其中|所以|因此|会议|让我们|他|我省是|我市是|我县是|尤其是"
)

# Signals of a goal, after the annotation guide: a word of reaching or keeping, a state to bring about, a planned number.
GOAL = (
    f"^(?!{CIRCUMSTANCE})(?!.*(?:{DONE}))(?:.{{0,20}}?(?:力争|争取|争创|力求|力促|确保|保证|务求|努力(?:使|实现|做到|达到)|达到[^，,]{{1,12}}(?:目标|标准|要求|水平|以上|以内)"
    "|控制在|(?:降|下降|降低|减少)到|(?:提高|增长|增加|提升|上升|扩大)到|稳定在|保持在|圆满完成|全面完成|按时完成|如期|提前完成|超额完成|不低于|不超过|不少于"
    "|总体要求是|(?:总|主要|工作|奋斗|战略|这一|预期)目标(?:是|为|$))"
    "|(?:要|必须|逐步|基本|全面|最终|真正|切实|持续|尽快|早日|年内|年底)*(?:实现|完成|做到|达到|使|让|促使|防止|杜绝|保持|稳定|创建成|建成)"
    "|.*(?:计划|安排|新增|新建|新改建|完成|实现|增长|下降|投资|改造|培训|建成|发展)[^，,]{0,20}[0-9]+(?:\\.[0-9]+)?(?:%|％|亿|万|个|家|户|名|人|公里|平方米|亩|次|项|所)"
    "|.*每(?:年|月|季度?|半年|周)[^，,]{0,12}[0-9一二两三四]次)"
)

# A sentence that tells of the past: it has words of completion and none of duty.
TOLD = "^(?!.*(?:要|必须|应当|应该|务必|须|确保|继续|下一步|今后|下阶段|力争|严禁))(?=.*(?:了|取得|以来|已|上升|下降|去年|上年|突破|首次|同比|环比|累计|前三季度))"

# Verbs that open an action somebody is to take; nouns and particles that may stand before the verb in its clause.
DO = (
    "建立|健全|完善|加强|强化|加大|加快|开展|推进|推行|落实|实施|组织|制定|制订|出台|抓好|抓紧|抓住|抓实|抓|做好|搞好|严格|严厉|严肃|严查|严把|严防"
    "|查处|打击|整治|治理|规范|改进|改革|创新|宣传|普及|倡导|培训|培养|建设|构建|打造|支持|鼓励|引导|帮助|帮扶|解决|提供|发挥|深化|深入|优化|调整|充实"
    "|配齐|配强|巩固|夯实|拓展|拓宽|扩大|提升|提高|整合|统筹|协调|督促|督查|督导|检查|考核|审计|评估|评价|监督|监管|监测|监控|排查|清理|淘汰|关停|取缔|追究|问责"
    "|处罚|奖励|表彰|发放|拨付|划拨|拨出|征收|安排|纳入|设立|成立|召开|报告|调研|走访|公开|公示|公布|执行|贯彻|履行|细化|量化|分解|明确|研究|探索|总结|推广|学习|借鉴|保障"
    "|维护|关心|关爱|防控|堵住|消灭|消除|破解|引进|招商|签订|推动|争取|克服|杜绝|依法|集中|坚决|缓解|改造|改善|修订|编制|启动|选配|选拔|配备|运用|利用|动员|分类|限期|挂钩|应对|参与|协助|配合|收集|评估|选派|听取|征求|防范|防止|保证|服务|关停|打通|盘活|兑现|摸清|掌握|跟踪|指导"
)
LEAD = "(?:[^，,]{0,16}?(?:要|应|必须|务必|须|得|把|将|对|由|和|与|给予|着力|继续|积极|大力|切实|认真|全面|进一步|深入|努力|不断|及时|逐步|抓紧|坚决|充分|重点|突出|扎实|有效|严格|广泛|加快|尽快|依法|科学|提前|定期|共同|联合|免费|专题|统一|逐步|强力|密切|主动|精心|千方百计|想方设法|一律|适时|随时|切实))"
ATTITUDE = (
    "(?:提高|统一|深化)(?:思想)?认识|统一思想|高度重视|认清|充分认识|深刻认识|清醒认识|正视|树立|增强[^，,]{0,12}(?:意识|紧迫感|责任感|使命感|自觉性|信心)"
    "|坚定信心|克难|理清思路|上下功夫$|有新|凝聚|形成[^，,]{0,20}(?:合力|局面|氛围|格局)|营造|开创|创造[^，,]{0,10}环境|促进|推动[^，,]{0,30}(?:发展|提高|提升|落实)$|再上|迈上"
)
ACTION = f"^(?!{CIRCUMSTANCE})(?!.*(?:{DONE}|{ATTITUDE}))(?!.{{0,4}}(?:确保|力争|力求|做到|实现|使|让|防止|达到))(?:{LEAD}?(?:{DO})|(?:把|将)[^，,]{{4,}}|对[^，,]{{2,}}(?:进行|实施|给予|予以|加以|实行|开展))"


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

    indicator: Worded = Field(description="被计数的事物的名称，只写名词短语，不含数字，如“财政收入”“死亡人数”")
    value: Quantity = Field(description="数字连同单位和约数词，照抄原文，如“160万人”“110左右”")
    period: Annotated[Verbatim | None, Within("passage"), Period()] = Field(
        description="这个数字的时间，照抄原文，没有则为null"
    )
    region: Annotated[Verbatim | None, Within("passage"), Like(REGION)] = Field(
        description="这个数字的地区，照抄原文，没有则为null"
    )
    evidence: Places


class Target(BaseModel):
    """要达到的结果。"""

    text: Clause = Field(description="目标，照抄原文的分句")
    value: Quantity | None = Field(description="目标中的数字连同单位，照抄原文，没有则为null")
    deadline: Annotated[Verbatim | None, Period()] = Field(description="完成的期限，照抄原文，没有则为null")
    evidence: Places


class Measure(BaseModel):
    """要采取的行动。"""

    text: Clause = Field(description="行动，从动词到宾语，照抄原文的分句")
    responsible: Annotated[list[Verbatim], Subject(ORGAN)] = Field(
        description="同一句中写明的执行单位，照抄原文，没有则为[]"
    )
    evidence: Places


class MeetingRecord(BaseModel):
    """一次会议或一篇讲话。"""

    date: Annotated[EdtfDate | None, Cue(HELD, where="ends")] = Field(
        description="会议召开或讲话发表的日期，照抄原文，如“5月27日”；不是文件、统计或其他活动的日期；没有写明则为null"
    )
    officials: Annotated[
        list[Official],
        Cue(f"{OFFICE}|同志|领导|{ACT}"),
    ] = Field(
        description="原文中有姓名的、担任公职的人：出席、主持、讲话或被提到的领导干部。不要记者、编辑、普通群众；"
        "姓名被隐去的（_、XX）不要；没有姓名的职务（如“市委书记”）不要"
    )
    statistics: Annotated[
        list[Statistic],
        Cue(
            "[0-9]|分之|翻.番|[一二三四五六七八九十百千万亿两半](?:[多余几]?[百千万亿])*[多余几]?[个名人成倍位项家次例元吨斤公亩种户所座条台辆件起处度米岁天月]"
        ),
        Unless(PLANNED, before=DUTY),
    ] = Field(
        description="已经发生或现存的数字事实：人数、比率、名次、金额、标准等。计划要达到的数、年份日期、条目编号、"
        "口号和文件名里的数字不算"
    )
    targets: Annotated[list[Target], Cue(GOAL), Unless(TOLD)] = Field(
        description="要达到的结果：数量目标、要保持的名次、要完成的任务、要形成的状态。多有“力争、确保、实现、完成、达到、"
        "控制在、使、让”等字样"
    )
    measures: Annotated[list[Measure], Cue(ACTION), Unless(TOLD)] = Field(
        description="要采取的行动：谁要建立、开展、加强、查处、支付、培训、检查什么。一个分句一条；只有态度（提高认识、"
        "高度重视）的不算，已经做过的不算"
    )
