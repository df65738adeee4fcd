"""MeetingRecord: the content of a Chinese government speech or meeting report.

The descriptions are sent to the model; they follow the annotation guide in `fixtures/gold/README.md`.
To add a field, copy this file, add a line to MeetingRecord, and pass the copy with `--schema my.py`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from extractor.fields import (
    Beside,
    ChangesTo,
    Clause,
    Cue,
    Deadline,
    EdtfDate,
    Evidence,
    Expects,
    Group,
    Heading,
    LargeModelOnly,
    Like,
    Mentions,
    Mood,
    OwnDate,
    Period,
    Person,
    Quantity,
    Shown,
    Speaker,
    Subject,
    Unless,
    Verbatim,
    Within,
    Worded,
)

EXAMPLE = "meeting.example.json"
READING_EXAMPLE = "meeting.reading.json"
GUIDE = "meeting.guide.md"

# An office, and its forms before a name (市委副书记、市长张文深) and after one (薛书记, 马崑副市长).
OFFICE = (
    "(?:总书记|书记|总指挥|指挥长|[省市县区州盟旗镇乡村局厅部处科院校行会司所站队组署台社]长|检察长|秘书长|委员长|理事长|董事长|主任|主席|总理"
    "|总裁|总经理|政委|司令员?|专员|巡视员|调研员|常委|委员|党[组委]成员|级干部|大使|参事)"
)
BEFORE = f"(?:(?![由和与及是为在对向受请让把将被等的了讲随刚才日前，受用▲■●◆(（]|要自觉|传达|达学|学习|习[省市县区]).){{0,16}}{OFFICE}"
AFTER = f"(?:常务)?副?{OFFICE}"

# A sentence that dates the meeting: a day beside a word for holding it, or a date alone on its line.
HELD = (
    "[日号][^。]{0,60}(?:召开|举行|举办|主持|出席|会议|大会|讲话|座谈|动员|部署|仪式|开工|签约|活动|例会)|(?:召开|举行|会议|讲话|讯)[^。]{0,30}日"
    "|^[^，。]{0,12}(?:[0-9]{4}|[一二〇○零]{2,4}[一二三四五六七八九〇○零]{0,2})年[^，。]{1,6}月[^，。]{1,4}日[^，。]{0,4}$"
)

# Words between a number and the one before it that make it a plan, a duty or a forecast instead of a fact.
PLANNED = (
    "(?<!占)计划(?!生育)|规划|力争|争取|争创|确保|目标(?!责任|管理|考核)|预计|将|拟|再新?增|总投资(?!.*(?:已|完成|竣工))|必须|不低于|原则上|开展为期|每[年季月周]|每半[月年]|安排|落实"
    "|(?<![主重需首简概])要(?![求素点]|清醒|看到|认识|认清|感谢|说明|强调指出)|新建(?!项目)|不少于|不超过|不得|少于|[日月年底]前|年内|到[0-9]{4}年(?!的)"
    "|建成后|投产后|可(?:实现|达|促进|容|带动|新增)|任务|推迟|一[是要]"
)
# Words before a number in its sentence that make the rest of the sentence a duty or a forecast.
DUTY = "(?<![主重需首简概])要(?![求素点]|清醒|看到|认识|认清|感谢|说明|强调指出)|必须|务必|力争|到[0-9]{4}年底|建成后|投产后"

# Regions as speeches call them: 全国, 我市. Place names are left out: no pattern shows where they begin.
REGION = "(?:全|我|本|该)(?:国|省|市|县|区|州|旗|镇|乡|村)"

# The organs that open a sentence and govern its clauses: 各级各部门要…, 省人口计生委、卫生厅等部门要联合….
ORGAN = (
    "(?:[^，,。；;：:]{0,12}[前内起])?((?:[^，,。；;：:、的要对在把将由向]{1,14}、){0,6}[^，,。；;：:、的要对在把将由向]{0,14}(?:部门|单位|政府|党委|委|局|厅|办公室|机构|支队"
    "|小组|乡镇|[省市县区镇乡村]|各地|各级|企业|院校|学校|医院|协会|公司|中心|领导干部|领导)(?:等(?:部门|单位|地)?)?)"
    "(?:也|都|均|一定|务必|必须|要|应|应当|须|负责(?!人|同志))"
)

# Words that show what a person does.
ACT = "强调|指出|要求|主持|出席|讲话|说|宣读|通报|部署|作了?.{0,4}报告|陪同|签订|递交|参加"
# Clauses that coverage counts: those that pledge a result, and those with a word of duty. 完成 alone reports as often
# as it pledges, so it needs a word for what is to come before it.
PLEDGE = (
    "确保|力争(?!上游)|争取(?![得了])(?<!斗争取)|力求"
    "|(?:(?<![主重需首简概])要(?![求素点])|必须|务必|努力|如期|到.{0,10}[年月底末]|[年月日底末]前|今后|[年底]内|[今明]年|目标[是为]?|计划).{0,20}(?:实现|达到|完成|控制在|提高到|降到|保持(?!.{0,6}(?:头脑|定力|作风)))"
)
DUTY_TO_ACT = "(?<![主重需首简概])要(?![求素点])|必须|务必|应当|严禁|不得"


class Official(BaseModel):
    """担任公职的人。"""

    name: Person = Field(description="姓名，照抄原文，不带职务和“同志”")
    titles: Annotated[list[Verbatim], Beside(BEFORE, AFTER)] = Field(
        description="原文写明的此人全部职务，逐个照抄，没有则为[]"
    )
    roles: list[
        Annotated[
            Literal["chair", "speaker", "reporter", "reader", "attendee", "signatory", "mentioned"],
            Shown(
                otherwise="mentioned",
                also={
                    "chair": "召集|牵头召开",
                    "speaker": "致辞|批示|发言|发表|宣布|号召|希望|勉励|表态|介绍|叮嘱|嘱咐|寄语|建议|呼吁|演讲|授课|党课",
                    "reporter": "作(?:了?.{0,20})?说明|述职",
                    "attendee": "会见|会谈|会晤|见面|与会|参会|到场|见证|调研|考察|视察|慰问|座谈|随同",
                    "signatory": "签约|签署",
                },
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
    heading: Heading
    evidence: list[Evidence]


class Target(BaseModel):
    """要达到的结果。"""

    text: Clause = Field(description="目标，照抄原文的分句")
    indicator: Annotated[Worded | None, LargeModelOnly()] = Field(
        description="要达到这个数值的事物的名称，用原文的字写成名词短语，没有数值则为null"
    )
    value: Quantity | None = Field(description="目标中的数字连同单位，照抄原文，没有则为null")
    base: Annotated[Quantity | None, LargeModelOnly(), ChangesTo("value")] = Field(
        description="原来的数值，即“由35元提高到40元”的“35元”，照抄原文，没有则为null"
    )
    deadline: Annotated[Verbatim | None, Period()] = Field(description="完成的期限，照抄原文，没有则为null")
    heading: Heading
    mentions: Mentions
    evidence: list[Evidence]


class Measure(BaseModel):
    """要采取的行动。"""

    text: Clause = Field(description="行动，从动词到宾语，照抄原文的分句")
    responsible: Annotated[list[Verbatim], Subject(ORGAN)] = Field(
        description="同一句中写明的执行单位，照抄原文，没有则为[]"
    )
    deadline: Annotated[Verbatim | None, LargeModelOnly(), Deadline()] = Field(
        description="完成的期限，照抄原文，没有则为null"
    )
    heading: Heading
    speaker: Speaker
    mentions: Mentions
    evidence: list[Evidence]


class MeetingRecord(BaseModel):
    """一次会议或一篇讲话。"""

    date: Annotated[EdtfDate | None, Cue(HELD, where="ends"), OwnDate(), Expects(), Group("record")] = Field(
        description="会议召开或讲话发表的日期，照抄原文，如“5月27日”；不是文件、统计或其他活动的日期；没有写明则为null"
    )
    officials: Annotated[
        list[Official],
        Cue(f"{OFFICE}|同志|领导|{ACT}"),
        Expects(),
        Group("record"),
    ] = Field(
        description="原文中有姓名的、担任公职的人：出席、主持、讲话或被提到的领导干部。不要记者、编辑、普通群众；"
        "姓名被隐去的（_、XX）不要；没有姓名的职务（如“市委书记”）不要"
    )
    statistics: Annotated[
        list[Statistic],
        Cue(
            "[0-9]|第[一二三四五六七八九十]|分之|翻.番|[一二三四五六七八九十百千万亿两半](?:[多余几]?[百千万亿])*[多余几]?[个名人成倍位项家次例元吨斤公亩种户所座条台辆件起处度米岁天月]"
        ),
        Unless(PLANNED, before=DUTY, mood="goal"),
        Expects(),
        Group("record"),
    ] = Field(
        description="已经发生或现存的数字事实：人数、比率、名次、金额、标准等。计划要达到的数、年份日期、条目编号、"
        "口号和文件名里的数字不算"
    )
    targets: Annotated[list[Target], Mood("goal"), Expects(PLEDGE), Group("record")] = Field(
        description="要达到的结果：数量目标、要保持的名次、要完成的任务、要形成的状态。多有“力争、确保、实现、完成、达到、"
        "控制在、使、让”等字样"
    )
    measures: Annotated[list[Measure], Mood("action"), Expects(DUTY_TO_ACT), Group("record")] = Field(
        description="要采取的行动：谁要建立、开展、加强、查处、支付、培训、检查什么。一个分句一条；只有态度（提高认识、"
        "高度重视）的不算，已经做过的不算"
    )
