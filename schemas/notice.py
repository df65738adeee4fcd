"""Notice: the obligations of an official notice (通知, 通告, 意见, 办法) and their deadlines."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from extractor.fields import Clause, Cue, EdtfDate, Evidence, Group, Verbatim

EXAMPLE = "notice.example.json"

# Words of duty, and words of time limits.
DUTY = "应当|应于|应在|必须|须|不得|禁止|严禁|要求|负责|按照|报送|上报|提交|组织|落实|做好|开展|完成|要"
LIMIT = r"(?:年|月|日|底|末)[^，。；]{0,3}前|前(?:完成|报|上报|报送|提交|到位)|截止|截至|之日起|个工作日内|日内|年内|月底|年底|期限"


class Obligation(BaseModel):
    """一项要求。"""

    text: Clause = Field(description="要求做或不得做的事，照抄原文的分句")
    responsible: Annotated[list[Verbatim], Cue("各|部门|单位|局|厅|委|政府|办公室|企业|机构|学校|医院")] = Field(
        description="同一句中写明由谁做，照抄原文，没有则为[]"
    )
    deadline: Annotated[Verbatim | None, Cue(LIMIT)] = Field(description="完成的期限，照抄原文，没有则为null")
    evidence: list[Evidence]


class Notice(BaseModel):
    """一份通知。"""

    issuer: Annotated[
        Verbatim | None, Cue("局|厅|委|政府|办公室|部|院|中心|公司|会", where="ends"), Group("record")
    ] = Field(description="发文机关的名称，照抄原文，如“某某市人民政府办公室”；没有写明则为null")
    number: Annotated[
        Verbatim | None, Cue(r"[〔\[(（【]\s*\d{4}\s*[〕\])）】]|第\s*\d+\s*号", where="ends"), Group("record")
    ] = Field(description="发文字号，照抄原文，如“某政办发〔2021〕15号”；没有写明则为null")
    date: Annotated[
        EdtfDate | None, Cue(r"\d{4}年\d{1,2}月|[二〇○零一]{4}年|月[^。]{0,4}日", where="ends"), Group("record")
    ] = Field(description="成文日期，照抄原文；没有写明则为null")
    obligations: Annotated[list[Obligation], Cue(DUTY), Group("record")] = Field(
        description="通知规定的要求：谁应当做什么、不得做什么，一个分句一条"
    )
    deadlines: Annotated[list[Verbatim], Cue(LIMIT), Group("record")] = Field(
        description="文中写明的期限，照抄原文，如“2021年6月30日前”"
    )
