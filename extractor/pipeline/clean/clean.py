"""Removes boilerplate and noise, and converts the script: Document → Excerpt.

Every character of the source belongs to exactly one visible character or one named omission. Each finder,
here and in the modules beside this one, yields what should be removed; in doubt it leaves the text alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from extractor.document import Document, Excerpt
from extractor.lang.fold import is_traditional, simplify
from extractor.pipeline.clean.boilerplate import find_boilerplate, find_notices, find_time_codes
from extractor.pipeline.clean.html import main_text
from extractor.pipeline.clean.lines import find_layout
from extractor.pipeline.clean.markup import find_markdown, without_tags
from extractor.pipeline.clean.omissions import Cut, absorb, account_for, remove
from extractor.pipeline.clean.pinyin import find_readings
from extractor.pipeline.clean.spaces import find_misread, find_spaces


def clean(document: Document) -> Excerpt:
    """The text for the model: no noise or boilerplate, Simplified, half-width digits and letters."""
    excerpt = main_text(document) if document.media == "html" else without_tags(document)
    excerpt = remove(excerpt, find_invisible(excerpt.text))
    excerpt = replace(excerpt, text=narrow(excerpt.text))
    excerpt = absorb(excerpt, find_readings(excerpt.text))
    if is_traditional(excerpt.text):
        excerpt = replace(excerpt, text=_ZHE.sub("着", simplify(excerpt.text)))
    excerpt = remove(excerpt, find_notices(excerpt.text))
    excerpt = remove(excerpt, find_markdown(excerpt.text))
    excerpt = remove(excerpt, find_time_codes(excerpt.text))
    excerpt = remove(excerpt, find_misread(excerpt.text))
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
# Also where a blank or a line end stands beside it.
_WIDE_POINT = re.compile(r"(?:(?<=[0-9])|(?<=[0-9] ))．(?=\s{0,3}[0-9])")


# 著 that stands for 着 (著力, 隨著), which OpenCC leaves alone; not in 显著, 著作, 著名.
_ZHE = re.compile("(?<![显名论巨编译原专所合遗拙土卓昭])著(?![名作称者书述录])")


def find_invisible(text: str) -> Iterator[Cut]:
    """Characters that are not displayed."""
    return (Cut(*m.span(), "invisible") for m in _INVISIBLE.finditer(text))


def narrow(text: str) -> str:
    """`text` with half-width digits, letters and %, and with plain spaces; same length."""
    return _WIDE_POINT.sub(".", text.translate(_NARROW))
