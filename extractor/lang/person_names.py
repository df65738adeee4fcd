"""Whether words are the name of a person, and where the whole name stands that they are a part of.

何志 of 县长何志远主持 is a part of a name, 何志远指 of 何志远指出 more than one, and 会议 or 县政府 is no name. Texts are clean and
Simplified.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from extractor.lang.characters import HAN
from extractor.lang.organs import ENDINGS
from extractor.lang.people import after_name, is_name, stands_like_a_name
from extractor.lang.sentences import Span
from extractor.lang.surnames import OFFICE, SOUNDS, SURNAMES, TRANSCRIBED
from extractor.lang.vocabulary import is_function_word, is_ordinary_word

# Names of other languages often have a dot between their parts.
_DOTTED_SOUNDS = re.compile(rf"[{SOUNDS}]{{1,6}}(?:[·•．][{SOUNDS}]{{1,6}}){{1,3}}")
_DOTTED = re.compile(rf"(?=.[^·•．.]*[·•．.].)[{HAN}A-Za-z.]+(?:[·•．][{HAN}A-Za-z.]+)*")
# Offices beside which any word can be a name, Chinese or not.
_ANY_OFFICE = (
    rf"(?:{OFFICE}|总统|首相|国王|国务卿|外[长相]|大臣|特使|议长|发言人|特首|代表|教授|院士|将军|参赞|会长|董事)"
)
_TITLE_BEFORE = re.compile(rf"(?:{_ANY_OFFICE}|同志|先生|女士)[ \u3000]?$")
_TITLE_AFTER = re.compile(rf"[ \u3000]?(?:同志(?!们)|先生|女士|阁下|(?:常务)?副?{_ANY_OFFICE})")
_LONGEST_TITLE = 6
# Of those with a surname of one character.
_LONGEST_NAME = 3

# A place: 张家口市, 石家庄市.
_PLACE_AFTER = re.compile(
    "(?:[省市县区州盟旗镇乡村](?!长|委)|社区|街道|小区|大街|林场|水库|集团|公司|医院|学校|酒店|银行)|自治[区州县]"
)
# Words that follow an office where a name could.
_AFTER_OFFICES = frozenset(
    [
        "应当",
        "应该",
        "必须",
        "随后",
        "同时",
        "分别",
        "共同",
        "一同",
        "亲自",
        "首先",
        "最后",
        "曾经",
        "已经",
        "正在",
        "高度",
        "充分",
        "认真",
        "及时",
        "全程",
        "先后",
        "对照",
        "带头",
        "率先",
        "每月",
        "每年",
        "每周",
    ]
)
_BEFORE_PLACES = ("到", "赴", "前往", "来到", "抵达")
# What no name ends in, or has in it.
_NO_NAME = re.compile(
    rf"(?:{ENDINGS}|[省市县区镇乡村委]|部门|单位|同志|领导|干部|群众|代表团|会议|大会|讲话|工作)$"
    rf"|{OFFICE}|[的了把被将0-9，,。；;：:！!？?“”《》（）()]|会议|讲话|加强|要求|强调|指出|主持|出席|参加"
)
# Words that stand where names do.
_WORDS = frozenset(
    [
        "会议",
        "会上",
        "会后",
        "大会",
        "全会",
        "例会",
        "工作",
        "讲话",
        "报告",
        "负责",
        "领导",
        "群众",
        "干部",
        "记者",
        "代表",
        "委员",
        "同志",
        "成员",
        "人员",
        "企业",
        "单位",
        "部门",
        "基层",
        "中央",
        "地方",
        "各地",
        "各级",
        "今天",
        "今年",
        "去年",
        "上午",
        "下午",
        "近日",
        "日前",
        "目前",
        "当前",
        "同时",
        "其中",
        "有关",
        "相关",
        "主要",
        "重要",
        "全体",
        "全面",
        "党员",
        "书记",
        "主任",
        "主席",
        "局长",
        "县长",
        "市长",
        "省长",
        "总理",
        "总统",
    ]
)


def whole_name(text: str, found: list[Span], start: int, end: int) -> Span | None:
    """The name that text[start:end] is, is a part of or holds; None if the words are no name.

    `found` are the names that `find_people` finds. A surname by itself (陈) is a name where one is found.
    """
    start, end = _with_other_parts(text, start, end)
    end -= text.endswith("等", start, end) and end - start > 2
    first = bisect_left(found, (start, 0))
    first -= bool(first) and found[first - 1][1] > start
    touched = [span for span in found[first : first + 3] if span[0] < end and start < span[1]]
    if len(touched) == 1 and touched[0] != (start, end) and _is_part(text, touched[0], (start, end)):
        # 周强作 of 周强作的报告 is no longer name of 周强, who is named by himself elsewhere.
        is_named = any(text[i:j] == text[start:end] for i, j in found)
        return (start, end) if is_named else touched[0]
    listed = [one for one in found[max(0, first - 1) : first + 3] if _is_listed(text, one, (start, end))]
    return (start, end) if listed or may_be_name(text, start, end) else None


def _with_other_parts(text: str, start: int, end: int) -> Span:
    """阿依木尼沙·托合提 for one of its parts."""
    for match in _DOTTED_SOUNDS.finditer(text, max(0, start - 12), end + 12):
        if match.start() <= start and end <= match.end():
            return match.span()
    return start, end


def _is_listed(text: str, one: Span, other: Span) -> bool:
    """Whether the spans stand side by side in a list: 陈元、万钢."""
    return text[one[1] : other[0]] == "、" or text[other[1] : one[0]] == "、"


def _is_part(text: str, found: Span, given: Span) -> bool:
    """Whether a name holds the words given, or these hold it and have too much.

    陈大为 of 陈大为讲话 has not, though 陈大 might be a name as well: it ends where a word begins.
    """
    if found[0] <= given[0] and given[1] <= found[1]:
        return True
    if not (given[0] <= found[0] and found[1] <= given[1]):
        return False
    follows = after_name(text, found[1])
    is_full = given[1] - given[0] <= _LONGEST_NAME and text[given[0]] in SURNAMES
    return not is_full or follows is None or follows > given[1]


def may_be_name(text: str, start: int, end: int) -> bool:
    """Whether the words at text[start:end] can be the name of a person there.

    They can if they begin with a surname, are written as foreign names are, or stand beside an office.
    """
    words = re.sub(r"[ \u3000]", "", text[start:end])
    if _DOTTED.fullmatch(words):
        return True
    if words in _WORDS or _NO_NAME.search(words) or _PLACE_AFTER.match(text, end):
        return False
    before = text[max(0, start - _LONGEST_TITLE) : start]
    has_office = _TITLE_BEFORE.search(before) is not None or _TITLE_AFTER.match(text, end) is not None
    if before.endswith(_BEFORE_PLACES) or words in _AFTER_OFFICES or (not has_office and is_function_word(words)):
        return False
    if has_office:
        return True
    if re.fullmatch("[A-Za-z.' -]+", words) or TRANSCRIBED.fullmatch(words):
        return True
    rare = len(words) == 3 and words[0] in SURNAMES
    if is_ordinary_word(words) or is_ordinary_word(words[:2]):
        return False
    return is_name(words) or (rare and stands_like_a_name(text, start, end))
