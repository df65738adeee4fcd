"""Words that are denied where they stand: 未出席, 没有参加, 委托副市长主持."""

from __future__ import annotations

import re

# What denies the words right after it, and where the next clause begins, in which it denies nothing.
_DENIED = re.compile(
    r"(?:未(?!来)|没(?!收)|不(?!仅|但|只|断|久|日|光)|无法|无暇|缺席|委托|请假|免于)[^，,。；;：:、！!？?\n]{0,6}$"
)
_REACH = 10


def find_affirmed(pattern: str, text: str, start: int, end: int) -> re.Match[str] | None:
    """The first match of the pattern in text[start:end] that no word before it in its clause denies."""
    for match in re.compile(pattern).finditer(text, start, end):
        if _DENIED.search(text[max(start, match.start() - _REACH) : match.start()]) is None:
            return match
    return None
