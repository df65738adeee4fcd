"""Names of persons and bodies: matched exactly, one entity for one name."""

from __future__ import annotations

import re

from extractor.lang.fold import fold
from extractor.lang.people import find_people
from extractor.schema.kinds.kind import Kind

_SPACES = re.compile("[ \u3000]+")
# Signs that stand for a name left out, folded: 张某, 李xx, 王__, 陈□□. An x or o beside other Latin letters is a letter.
_REDACTED = re.compile(r"[_#*×〇某\u25a0-\u25ff]|(?<![a-z])[xo]+(?![a-z])")


def is_name(words: str) -> bool:
    """False for a name that the text leaves out, such as 张某."""
    return _REDACTED.search(fold(words)) is None


def without_spaces(words: str) -> str:
    """刘 洋 is 刘洋."""
    return _SPACES.sub("", words)


NAME = Kind(
    "name",
    longest=20,
    find=find_people,
    offered_as="person",
    tidy=without_spaces,
    accepts=is_name,
    refusal=("redacted", "a name that the text leaves out is no name"),
    evidence_from="clause",
    is_entity=True,
    scored_by="names",
)
