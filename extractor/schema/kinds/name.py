"""Names of persons and bodies: matched exactly, one entity for one name.

A name of a person is taken whole, and other words are refused.
"""

from __future__ import annotations

import re
from dataclasses import replace

from extractor.lang.fold import fold
from extractor.lang.people import find_people
from extractor.lang.person_names import whole_name
from extractor.schema.kinds.kind import Kind

_SPACES = re.compile("[ \u3000]+")
# Placeholders for a redacted name, folded: 张某, 李xx, 王__, 陈□□. An x or o beside other Latin letters is a
# letter.
_REDACTED = re.compile(r"[_#*×〇某\u25a0-\u25ff]|(?<![a-z])[xo]+(?![a-z])")


def is_name(words: str) -> bool:
    """False for a redacted name like 张某."""
    return _REDACTED.search(fold(words)) is None


def without_spaces(words: str) -> str:
    """刘洋 for 刘 洋."""
    return _SPACES.sub("", words)


NAME = Kind(
    "name",
    longest=20,
    find=find_people,
    offered_as="person",
    tidy=without_spaces,
    accepts=is_name,
    refusal=("redacted", "the text redacts this name"),
    evidence_from="clause",
    is_entity=True,
    scored_by="names",
)

PERSON = replace(
    NAME, name="person", whole=whole_name, not_there="stands in the text, but is no name of a person there"
)
