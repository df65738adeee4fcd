"""Recognises the names of bodies (市委、市政府, 国务院办公厅) by the words that they end in."""

from __future__ import annotations

import re

from extractor.lang.characters import HAN

ENDINGS = (
    "[党省市县区州盟旗镇乡团工纪监军]委|政府|人大|政协|国务院|党组|党工委|[常组筹]委会|委员会|管委会|政治局|书记处|局|厅|署"
    "|(?<![干全内外东西南北中前后支])部|办公室|(?<!开)办|办事处|领导小组|(?:总)?指挥部|秘书处|公司|集团|银行|总工会|妇联"
    "|[法检]院|检察院|研究院|科学院|大学|学院|医院|协会|学会|商会|联合会|基金会|红十字会|理事会|董事会|中心|管理处|支队|总队"
)
"""How the name of a body ends, as a pattern."""
_ENDING = re.compile(rf"(?:{ENDINGS})$")
_MANY = re.compile(r"等[一二三四五六七八九十两多几\d]{0,3}个?(?:部门|部委|单位|家单位)$")
_HAN_ONLY = re.compile(rf"[{HAN}]{{2,24}}")
# Words that are in a statement and not in a name.
_STATEMENT = re.compile(r"[我你他她它]|[是对把被将为让]|召开|举行|出席|主持|强调|贯彻|关于|根据|以来|会议|大会")

ORGANS = rf"[{HAN}、 ]{{2,60}}"
"""What may be the names of bodies, for a pattern. `are_organs` decides."""


def are_organs(words: str) -> bool:
    """Whether `words` name one or more bodies: 市委、市政府; 教育部等三部门."""
    parts = re.split("[、 ]", _MANY.sub("", words))
    return all(_HAN_ONLY.fullmatch(part) and _ENDING.search(part) and not _STATEMENT.search(part) for part in parts)
