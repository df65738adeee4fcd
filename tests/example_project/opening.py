"""An example schema: what a report says about an opening."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from extractor.fields import Beside, Cue, EdtfDate, Evidence, Name, Verbatim


class Guest(BaseModel):
    """到场的人。"""

    name: Name = Field(description="姓名，照抄原文，不带职务")
    titles: Annotated[list[Verbatim], Beside("(?:副?[省市县区镇乡]长|书记)", "(?:副?[局馆]长)")] = Field(
        description="此人的职务，逐个照抄，没有则为[]"
    )
    evidence: list[Evidence]


class Opening(BaseModel):
    """一次开馆、开工或通车。"""

    date: Annotated[EdtfDate | None, Cue("开馆|开工|通车|举行")] = Field(
        description="开馆、开工或通车的日期，照抄原文；没有写明则为null"
    )
    guests: list[Guest] = Field(description="到场的人")
