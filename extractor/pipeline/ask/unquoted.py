"""JSON in which a model forgot to escape quotation marks, as in {"text": "推进"放管服"改革"}."""

from __future__ import annotations

import re

_MARK = re.compile(r'\\.|"', re.S)
_BEHIND = re.compile(r"\s*([,:}\]]|$)")
_DANGLING_COMMA = re.compile(r",(?=\s*[}\]])")


def escape_inner_quotes(text: str) -> str:
    """The text with a backslash before each quotation mark that stands within a string.

    A mark ends a string if a comma, a colon or a closing bracket follows it. Commas before a closing bracket
    go, too.
    """
    parts: list[str] = []
    at, is_inside = 0, False
    for mark in _MARK.finditer(text):
        if mark[0] != '"':
            continue
        between = text[at : mark.start()]
        is_end = is_inside and _BEHIND.match(text, mark.end()) is not None
        parts.append(between if is_inside else _DANGLING_COMMA.sub("", between))
        parts.append('\\"' if is_inside and not is_end else '"')
        is_inside = not is_end if is_inside else True
        at = mark.end()
    parts.append(_DANGLING_COMMA.sub("", text[at:]))
    return "".join(parts)
