"""Markup in a text that is no page: tags and entities that a row or a copied text has kept, and marks of Markdown.

A text reads as if its markup were not there. What only looks like markup stays: a < b, 20**年, 张*.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator

from extractor.document import Document, Excerpt
from extractor.lang.characters import HAN
from extractor.pipeline.clean.omissions import Cut
from extractor.pipeline.clean.page import BLOCKS, CELLS, KNOWN, VOID, Page, excerpt_of, scan

_ATTRIBUTE = r"""\s{1,9}[A-Za-z_:@][\w:.-]{0,40}(?:\s?=\s?(?:"[^"<>]{0,2000}"|'[^'<>]{0,2000}'|[^\s"'<>=]{1,500}))?"""
_NAME = "|".join(sorted(KNOWN, key=len, reverse=True))
# A whole tag of an element that HTML has, or of one that Word adds (o:p).
_TAG = re.compile(
    rf"</?((?:{_NAME})(?![\w:-])|(?:o|w|v|st1):[a-z]{{1,20}})(?:{_ATTRIBUTE}){{0,30}}\s{{0,9}}/?>", re.IGNORECASE
)
_ALONE = BLOCKS | CELLS | VOID
_ENTITY = re.compile(
    r"&(?:#\d{2,7}|#[xX][0-9a-fA-F]{2,6}|nbsp|ensp|emsp|thinsp|amp|lt|gt|quot|apos|ldquo|rdquo|lsquo|rsquo|middot|bull"
    r"|mdash|ndash|hellip|permil|times|deg|yen|copy|reg|laquo|raquo);"
)

_HEADING = re.compile(r"(?m)^[ \t\u3000]{0,8}#{1,6} {1,4}(?=\S)")
_QUOTE = re.compile(r"(?m)^ {0,3}(?:> ?){1,6}(?=[^\s>])")
_BULLET = re.compile(rf"(?m)^[ \t]{{0,12}}[-*+] {{1,3}}(?=[{HAN}“‘《（(【A-Za-z*#]|\d(?!\d{{0,3}} ?[-—]? *$))")
# Bold, italic and code. Two marks of a pair stand on one line, and don't touch a blank on their inner sides.
_PAIR = re.compile(r"(?P<mark>\*{1,3}|`)(?=[^\s*`])(?P<inner>[^\n*`]{0,200}?[^\s*`])(?P=mark)(?![*`])")
# What asterisks stand for when they hide something, rather than mark it: 20**年5**月, 张**同志、李**, **省**市.
_HIDES = re.compile(r"[、，,。；;：:）)]|同志|先生|女士|等|[省市县区镇乡村]$")
_HIDDEN_DATE = re.compile(r"(?:^|\D)\d{0,2}$")


def without_tags(document: Document) -> Excerpt:
    """The document without its tags; an entity is one character. Block tags begin a line, cells stand behind a tab."""
    source = document.text
    if not has_tags(source):
        return Excerpt.whole(document)
    return excerpt_of(document, *_with_breaks(scan(source, _TAG)))


def has_tags(text: str) -> bool:
    """Whether the text has tags or entities. An inline tag counts if it is closed somewhere: a<b and b>c has none."""
    if "&" in text and _ENTITY.search(text):
        return True
    if "<" not in text:
        return False
    seen: dict[str, int] = {}
    for tag in _TAG.finditer(text):
        name = tag[1].lower()
        closes = tag[0].startswith("</")
        if name in _ALONE or ":" in name:
            return True
        seen[name] = seen.get(name, 0) | (2 if closes else 1)
        if seen[name] == 3:
            return True
    return False


def _with_breaks(page: Page) -> tuple[str, array[int], array[int]]:
    """The characters of the page, with a line end or a tab in the place of a tag where none stands beside it."""
    text: list[str] = []
    starts, ends = array("i"), array("i")
    done = 0
    for index, place, kind in page.breaks:
        text += page.text[done:index]
        starts += page.starts[done:index]
        ends += page.ends[done:index]
        done = index
        mark = "\n" if kind == "line" else "\t"
        around = [*text[-1:], *page.text[index : index + 1]]
        if len(around) == 2 and not any(c in ("\n", "\r", mark) for c in around) and ends[-1] <= place:
            text.append(mark)
            starts.append(place)
            ends.append(place + 1)
    text += page.text[done:]
    starts += page.starts[done:]
    ends += page.ends[done:]
    return "".join(text), starts, ends


def find_markdown(text: str) -> list[Cut]:
    """The marks of Markdown: of headings, quotes and items at the head of lines, and around bold and italic words."""
    cuts = [Cut(*m.span(), "markdown") for pattern in (_HEADING, _QUOTE, _BULLET) for m in pattern.finditer(text)]
    pairs = list(_pairs(text))
    marked = bool(cuts) or len(pairs) > 1
    for m in pairs:
        size = len(m["mark"])
        if marked or size > 1 or m["mark"] == "`":  # a single pair of asterisks may hide two names
            cuts += [Cut(m.start(), m.start() + size, "markdown"), Cut(m.end() - size, m.end(), "markdown")]
    return sorted(cuts)


def _pairs(text: str) -> Iterator[re.Match[str]]:
    """Pairs of marks around words, without those that hide something."""
    if "*" not in text and "`" not in text:
        return
    for m in _PAIR.finditer(text):
        inner = m["inner"]
        hides = _HIDES.match(inner) or (
            inner[0] in "年月日号" and _HIDDEN_DATE.search(text[max(0, m.start() - 4) : m.start()])
        )
        if not hides:
            yield m
