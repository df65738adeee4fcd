"""Folding: the differences between two writings of the same words that do not matter. One character to one.

`simplify` is for what people and models read; `fold` is for comparison only.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Protocol

# Punctuation that writers and models use for one another, folded to one of each kind.
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

# Variants that no script conversion maps and that writers use for one another, in some words at least: 瞭 is 了 in
# 明瞭 and itself in 瞭望, and a single character cannot tell which.
_VARIANTS = dict(zip("著麽瞭覆甦藉衞敍痺濬揹像俱", "着么了复苏借卫叙痹浚背象具", strict=True))

# Half a character, as JSON and Windows file names may hold: OpenCC refuses it, so it stays as it is.
_SURROGATES = re.compile("([\ud800-\udfff]+)")


class _Converter(Protocol):
    def convert(self, text: str) -> str: ...


@cache
def _converter() -> _Converter:
    import opencc  # loads its dictionaries: 20 ms that `--help` need not pay

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


def simplify(text: str) -> str:
    """Traditional to Simplified, same length. Words decide where they can (乾淨 干净, 乾坤 乾坤)."""
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
    """`text` for comparison: width, punctuation, script and case folded; same length, white space kept."""
    return "".join(map(_folded_character, text))
