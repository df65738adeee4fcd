"""Removes differences of writing that do not change the words. One character stays one character.

`simplify` makes text for people and models to read; `fold` makes text for comparison only.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Protocol

# Punctuation that writers and models use interchangeably, folded to one of each kind.
_PUNCTUATION = {
    **dict.fromkeys(",，﹐､", ","),
    **dict.fromkeys("、", "、"),
    **dict.fromkeys("。.．｡﹒", "."),
    **dict.fromkeys(";；﹔", ";"),
    **dict.fromkeys(":：﹕∶", ":"),
    **dict.fromkeys("!！﹗", "!"),
    **dict.fromkeys("?？﹖", "?"),
    **dict.fromkeys('"“”„‟＂「」『』〝〞', '"'),
    **dict.fromkeys("'‘’‛＇", "'"),
    **dict.fromkeys("(（﹙〔", "("),
    **dict.fromkeys(")）﹚〕", ")"),
    **dict.fromkeys("<〈＜﹤", "<"),
    **dict.fromkeys(">〉＞﹥", ">"),
    **dict.fromkeys("-－‐‑‒–—―─−~～〜∼", "-"),
    **dict.fromkeys("·•・‧∙⋅", "·"),
    **dict.fromkeys("%％﹪", "%"),
}

# Variants that writers use interchangeably, at least in some words, and that script conversion leaves
# alone: 瞭 is 了 in 明瞭 and itself in 瞭望, which a single character does not show.
_VARIANTS = dict(zip("著麽瞭覆甦藉衞敍痺濬揹像俱", "着么了复苏借卫叙痹浚背象具", strict=True))

# Lone surrogates, which JSON and Windows file names may hold. OpenCC rejects them, so they are left as they
# are.
_SURROGATES = re.compile("([\ud800-\udfff]+)")


class _Converter(Protocol):
    def convert(self, text: str) -> str: ...


@cache
def _converter() -> _Converter:
    import opencc  # loads its dictionaries: 20 ms that `--help` can do without

    converter: _Converter = opencc.OpenCC("t2s")
    return converter


def _convert(text: str) -> str:
    pieces = _SURROGATES.split(text)
    pieces[::2] = map(_converter().convert, pieces[::2])
    return "".join(pieces)


@cache
def _simplified_character(character: str) -> str:
    simplified = _convert(character)
    return simplified if len(simplified) == 1 else character


# Characters of names that Simplified has too, though OpenCC has another for them: 毕昇, 朱镕基.
_BOTH = frozenset("昇陞甯迺祕甦堃喆淼氾邨蹟")


def is_traditional(text: str) -> bool:
    """Whether the text has a character that only Traditional script has.

    Other texts must not be converted: 乾县 would become 干县, and 於潜 于潜.
    """
    return not text.isascii() and any(_is_traditional_only(c) for c in set(text))


@cache
def _is_traditional_only(character: str) -> bool:
    if character.isascii() or character in _BOTH or _simplified_character(character) == character:
        return False
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return True
    return False


def simplify(text: str) -> str:
    """`text` in Simplified characters, same length.

    Whole words decide where they can: 乾淨 is 干净, 乾坤 stays.
    """
    if text.isascii():
        return text
    converted = _convert(text)
    if len(converted) == len(text):
        return converted
    return "".join(_simplified_character(c) for c in text)


@cache
def _folded_character(character: str) -> str:
    if character in _PUNCTUATION:
        return _PUNCTUATION[character]
    plain = unicodedata.normalize("NFKC", character)
    if len(plain) != 1 or plain.isspace():
        plain = character
    plain = _PUNCTUATION.get(plain, plain).lower()
    if len(plain) != 1:
        plain = character
    plain = _simplified_character(plain)
    return _VARIANTS.get(plain, plain)


def fold(text: str) -> str:
    """`text` with width, punctuation, script and case folded, for comparison.

    Same length; white space is kept.
    """
    return "".join(map(_folded_character, text))
