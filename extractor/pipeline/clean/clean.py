"""Removes boilerplate and noise, and converts the script: Document → Excerpt.

Every character of the source belongs to exactly one visible character or one named omission. Each finder,
here and in the modules beside this one, yields what should be removed; in doubt it leaves the text alone.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from extractor.document import Document, Excerpt
from extractor.lang.characters import HAN
from extractor.lang.fold import simplify
from extractor.lang.sentences import numbering
from extractor.lang.surnames import OFFICE
from extractor.pipeline.clean.boilerplate import REPORTERS, find_boilerplate, find_notices
from extractor.pipeline.clean.html import main_text
from extractor.pipeline.clean.omissions import CONTENT, Cut, absorb, account_for, remove
from extractor.pipeline.clean.pinyin import find_readings


def clean(document: Document) -> Excerpt:
    """The text for the model: no noise or boilerplate, Simplified, half-width digits and letters."""
    excerpt = main_text(document) if document.media == "html" else Excerpt.whole(document)
    excerpt = remove(excerpt, find_invisible(excerpt.text))
    excerpt = replace(excerpt, text=narrow(excerpt.text))
    excerpt = absorb(excerpt, find_readings(excerpt.text))
    excerpt = replace(excerpt, text=simplify(excerpt.text))
    excerpt = remove(excerpt, find_notices(excerpt.text))
    excerpt = remove(excerpt, find_spaces(excerpt.text))
    excerpt = remove(excerpt, find_boilerplate(excerpt.text))
    excerpt = remove(excerpt, find_layout(excerpt.text))
    return account_for(excerpt)


# --- characters ---------------------------------------------------------------------------------

# Zero-width, soft-hyphen, direction and variation marks, byte order mark, controls other than line ends and
# tab.
_INVISIBLE_CHARACTER = (
    "[\0-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0001-\U000e01ef]"
)
# A line of nothing else is removed with its line end: it is a page break, usually inside a sentence.
_INVISIBLE = re.compile(rf"(?:(?<=\n){_INVISIBLE_CHARACTER}+\r?\n|{_INVISIBLE_CHARACTER}+|\r(?=\n))")
_WIDE = [code for a, b in ("０９", "ＡＺ", "ａｚ", "％％") for code in range(ord(a), ord(b) + 1)]
_NARROW: dict[int, int | str] = {
    **{code: code - 0xFEE0 for code in _WIDE},
    **dict.fromkeys([0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F], " "),
    **dict.fromkeys(map(ord, "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), "\n"),
}
_WIDE_POINT = re.compile(r"(?<=[0-9])．(?=[0-9])")


def find_invisible(text: str) -> Iterator[Cut]:
    """Characters that are not displayed."""
    return (Cut(*m.span(), "invisible") for m in _INVISIBLE.finditer(text))


def narrow(text: str) -> str:
    """`text` with half-width digits, letters and %, and with plain spaces; same length."""
    return _WIDE_POINT.sub(".", text.translate(_NARROW))


# --- spaces inside the line --------------------------------------------------------------------------------

# Single digits with single spaces between: `2 0 0 人`. The group matches if a unit or a Han character
# follows.
_SPACED_DIGITS = re.compile(
    r"(?<![\d.,:/-])(?<!\d[ \u3000])\d(?:[ \u3000]\d)+(?![\d.,:/-]|[ \u3000]\d)"
    rf"(?=([ \u3000]?[{HAN}%‰])?)"
)
_BEFORE_PUNCTUATION = rf"(?<=[{HAN}”》）]) (?=[,，。、;；:：!！?？”》）)])"
_AFTER_PUNCTUATION = rf"(?:(?<=[，。、；：！？“《（])|(?<=[{HAN}][,;:!?])) (?=[{HAN}“《（])"
_LOOSE_SPACE = re.compile(f"{_BEFORE_PUNCTUATION}|{_AFTER_PUNCTUATION}")
# A gap inside a clause: at least five Han characters on both sides, and punctuation beyond them. Shorter
# runs are names, headings or table cells. A name or an office after the gap means that the gap separates
# people.
_GAP = re.compile(
    rf"(?<=[{HAN}]{{5}}) (?=[{HAN}]{{5,40}}[,，。、;；:：!！?？“”《》])(?![{REPORTERS}]|[{HAN}]{{0,6}}{OFFICE})"
)
_CLAUSE_START = re.compile(rf"[,，。、;；:：!！?？“”《》][{HAN}]*$")
# Thousands separated by thin or plain spaces: 减少1 268户.
_THOUSANDS = re.compile(rf"(?<=[{HAN}])[0-9]{{1,3}}(?:[ \u00a0\u2009\u202f][0-9]{{3}})+(?=[{HAN}%])")


def find_spaces(text: str) -> list[Cut]:
    """Spaces inside a number or a word. Gaps that separate names, headings and columns stay."""
    cuts = [Cut(m.start(), m.end(), "space") for m in _LOOSE_SPACE.finditer(text)]
    for m in _GAP.finditer(text):
        if _CLAUSE_START.search(text, max(0, m.start() - 40), m.start()):
            cuts.append(Cut(m.start(), m.end(), "space"))
    for m in _THOUSANDS.finditer(text):
        cuts += [Cut(i, i + 1, "spaced-digits") for i in range(m.start(), m.end()) if not text[i].isdigit()]
    for m in _SPACED_DIGITS.finditer(text):
        around = text[max(0, m.start() - 1) : m.start()].strip() and text[m.end() : m.end() + 1].strip()
        if m[1] or (m.end() - m.start() >= 5 and around):
            cuts += [Cut(i, i + 1, "spaced-digits") for i in range(m.start() + 1, m.end(), 2)]
    return sorted(cuts)


# --- lines -------------------------------------------------------------------------------------------------

_SENTENCE_END = re.compile(r"[。！？；;!?]")
_OPEN_END = re.compile(rf"[{HAN}A-Za-z0-9,，、]")
_GOES_ON = re.compile(rf"[{HAN}A-Za-z0-9,，。、；：;:%“”《》）)]")
# What begins a new line, beside the numbering of headings: 一, 第三条 3) 【…】 同志们 附件 and bullets.
# More than headings have, since joining two lines wrongly is worse than leaving one broken.
_OWN_LINE = re.compile(
    r"[一二三四五六七八九十百]{1,3}(?:[,，:：章节条)）]|方面)|第[一二三四五六七八九十百]|\d{1,3}(?:[、．)）]|\.(?!\d))"
    r"|[⑴-⒛●■◆★▲•·※—*-]|【|同志们|各位|附件?\d*[:：]"
)
_IN_SENTENCE = re.compile(r"[，,。；;！？、]")


class _LayoutLine(NamedTuple):
    """A line without the white space around it. If indented or after a blank line, it begins a paragraph."""

    start: int
    end: int
    indented: bool
    after_blank: bool


def find_layout(text: str) -> Iterator[Cut]:
    """Line breaks inside a sentence, indentation, white space at line ends, and repeated blank lines."""
    lines = list(_lines(text))
    width = _wrap_width(lines)
    end, length, prose = 0, 0, False
    for number, line in enumerate(lines):
        goes_on = number > 0 and not line.after_blank and _goes_on(text, lines[number - 1], line, length, prose, width)
        if goes_on and not line.indented:
            yield Cut(end, line.start, "line-break")
            length += line.end - line.start
        else:
            # If only its indentation shows that a paragraph begins, the indentation stays.
            kept = line.start - 1 if goes_on else line.start
            yield from _between(text, end, kept, first_line=number == 0)
            length, prose = line.end - line.start, False
        prose = prose or _SENTENCE_END.search(text, line.start, line.end) is not None
        end = line.end
    if end < len(text):
        yield Cut(end, len(text), "white-space")


def _lines(text: str) -> Iterator[_LayoutLine]:
    end = 0
    for m in CONTENT.finditer(text):
        newline = text.rfind("\n", end, m.start())
        after_blank = newline > 0 and text.find("\n", end, newline) >= 0
        yield _LayoutLine(m.start(), m.end(), m.start() > newline + 1, after_blank)
        end = m.end()


def _wrap_width(lines: list[_LayoutLine]) -> int:
    """The width at which the text is hard-wrapped; `sys.maxsize` if it is not."""
    lengths = Counter(line.end - line.start for line in lines)
    full = {width: sum(lengths[width - i] for i in range(3)) for width in lengths if 20 <= width <= 80}
    width = max(full, key=lambda width: full[width], default=0)
    return width if width and full[width] >= max(8, 0.4 * len(lines)) else sys.maxsize


def _goes_on(text: str, before: _LayoutLine, line: _LayoutLine, length: int, prose: bool, width: int) -> bool:
    """Whether `line` continues the sentence in `before`, whose paragraph has `length` characters so far."""
    if not _OPEN_END.match(text, before.end - 1) or not _GOES_ON.match(text, line.start):
        return False
    if numbering(text[line.start : line.end]) or _OWN_LINE.match(text, line.start):
        return False
    if text[before.end - 1 : line.start + 1].isascii():
        return False
    if before.end - before.start >= width - 2:
        return True
    heading = line.end - line.start < 20 and not _SENTENCE_END.search(text, line.start, line.end)
    return prose and length >= 20 and not heading and _IN_SENTENCE.search(text, line.start, line.end) is not None


def _between(text: str, end: int, start: int, first_line: bool) -> Iterator[Cut]:
    """What to remove between two lines: all white space but a line break or one blank line."""
    newline, last = text.find("\n", end, start), text.rfind("\n", end, start)
    if first_line or newline < 0:
        cuts = [Cut(end, start, "white-space")]
    else:
        blank, indentation = Cut(newline + 1, last, "blank-line"), Cut(last + 1, start, "indentation")
        cuts = [Cut(end, newline, "white-space"), blank, indentation]
    yield from (cut for cut in cuts if cut.start < cut.end)
