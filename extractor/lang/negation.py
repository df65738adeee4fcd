"""Words that are denied where they stand: 未出席, 没有参加, 委托副市长主持."""

from __future__ import annotations

import re
from collections.abc import Iterator

# What denies the words right after it, and where the next clause begins, in which it denies nothing.
_DENIED = re.compile(
    r"(?:未(?!来)|没(?!收)|不(?!仅|但|只|断|久|日|光)|无法|无暇|缺席|委托|请假|免于)[^，,。；;：:、！!？?\n]{0,6}$"
)
_REACH, _FAR = 10, 60


def affirmed(pattern: str, text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    """The matches of the pattern in text[start:end] that no word before them in their clause denies."""
    for match in re.compile(pattern).finditer(text, start, end):
        denied = _DENIED.search(text[max(start, match.start() - _REACH) : match.start()])
        # 受县政府委托报告: who is asked to do it does it.
        is_asked = (
            denied is not None
            and denied[0].startswith("委托")
            and "受" in text[max(start, match.start() - _FAR // 2) : match.start()]
        )
        if denied is None or is_asked:
            yield match


def find_affirmed(pattern: str, text: str, start: int, end: int) -> re.Match[str] | None:
    """The first of `affirmed`."""
    return next(affirmed(pattern, text, start, end), None)


# What forbids or averts the words after it: part of what is demanded. 不断 and 不仅 deny nothing.
_FORBIDS = re.compile(
    "(?:不宜|不再|防止|防范|杜绝|避免|严防|谨防|停止|取消|暂停|制止|拒绝|克服|纠正|反对)[^，,。；;：:、！!？?\n“”的]{0,4}$|(?<![不])不$"
)
# These forbid whatever follows in their clause, a whole list too: 不得设立账外账、私分国有资产.
_FORBIDS_ALL = re.compile(
    "(?:不得|不准|不许|不可(?![或避逆])|不要|都不能|不能(?=以|再|有|搞|随意|擅自|让)|决不能|绝不能|严禁|禁止|坚决不|绝不|决不)(?:(?!而要|而应)[^，,。；;：:！!？?\n“”]){0,40}$"
)
# What says that something is not, or not yet, so.
_DENIES = re.compile(
    r"(?:忘记了?|忽视了?|疏于|怠于|不追求|不提倡|不主张|不鼓励|(?:不再|不)要求(?:[^，,。；;]{0,8}(?=[^，,。；;]{0,4}$))?|没有|没(?!收)|没能|未能|尚未|从未|并未|不能|不是|并非|难以|无法|无力|不足以|未)[^，,。；;：:、！!？?\n“”的]{0,4}$"
)


def forbidding(text: str, clause_start: int, start: int) -> int | None:
    """Where the word begins that forbids what stands at `start` of its clause (不得|建立小金库); None without one."""
    match = _FORBIDS_ALL.search(text[max(clause_start, start - _FAR) : start])
    if match is not None:
        return max(clause_start, start - _FAR) + match.start()
    match = _FORBIDS.search(text[max(clause_start, start - _REACH) : start])
    return None if match is None else max(clause_start, start - _REACH) + match.start()


def gives_up(words: str) -> bool:
    """Whether the words that forbid something say that it is aimed at no longer: 取消到2015年翻一番的目标."""
    return words.startswith(("取消", "停止", "暂停", "不再", "放弃"))


def is_denied(text: str, clause_start: int, start: int) -> bool:
    """Whether the clause says that what stands at `start` is not so (未能|实现目标)."""
    return _DENIES.search(text[max(clause_start, start - _REACH) : start]) is not None


# What denies the word right behind it as a part of a name: 未脱贫人口, 非公有制企业, 不合格产品.
_PREFIX = re.compile("(?:尚未|没有|[未不非无没])$")
_OTHER_PREFIX = re.compile("(?:南非|是非|除非|莫非|有无|[能会可要]不)$")


def with_denial(text: str, sentence: tuple[int, int], words: str) -> str:
    """The words with what denies them, if they are denied wherever they stand in the sentence: 未脱贫人口 for 脱贫人口."""
    denials = []
    for match in re.finditer(re.escape(words), text[slice(*sentence)]):
        at = sentence[0] + match.start()
        before = text[max(sentence[0], at - 2) : at]
        denial = None if _OTHER_PREFIX.search(before) else _PREFIX.search(before)
        denials.append(denial.group() if denial else "")
    return (denials[0] if denials and all(denials) else "") + words
