"""Whether characters are an ordinary word of the language, as a dictionary knows it."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def is_ordinary_word(words: str) -> bool:
    """Whether `words` are one noun, verb, adjective or adverb, and no name of a person, a place or a body."""
    import rjieba  # loads its dictionary

    if len(rjieba.cut(words, False)) > 1:  # without the guess that unknown characters are a word
        return False
    tagged = rjieba.tag(words)
    return len(tagged) == 1 and tagged[0][1] in {"n", "v", "vn", "vd", "a", "ad", "an", "d", "l", "i", "vi", "b"}
