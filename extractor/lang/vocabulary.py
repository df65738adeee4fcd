"""Whether characters are an ordinary word of the language, as a dictionary knows it."""

from __future__ import annotations

from functools import lru_cache

_NOUNS, _OTHERS = frozenset(("n", "l", "i", "b")), frozenset(("v", "vn", "vd", "vi", "a", "ad", "an", "d"))


def is_ordinary_word(words: str, nouns: bool = True) -> bool:
    """Whether `words` are one verb, adjective, adverb or (if `nouns`) noun, and no name of a person, place or body."""
    return _tag_of(words) in (_NOUNS | _OTHERS if nouns else _OTHERS)


@lru_cache(maxsize=4096)
def _tag_of(words: str) -> str | None:
    """The part of speech of a word of the dictionary, None for other words."""
    import rjieba  # loads its dictionary

    if len(rjieba.cut(words, False)) > 1:  # without the guess that unknown characters are a word
        return None
    tagged = rjieba.tag(words)
    return tagged[0][1] if len(tagged) == 1 else None
