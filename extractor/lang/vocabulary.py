"""Whether characters are an ordinary word of the language, as a dictionary knows it."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate

_FUNCTION = frozenset(("d", "v", "vd", "p", "c", "r", "u"))
_NOUNS, _OTHERS = frozenset(("n", "l", "i", "b")), frozenset(("v", "vn", "vd", "vi", "a", "ad", "an", "d"))


def is_ordinary_word(words: str, nouns: bool = True) -> bool:
    """Whether `words` are one verb, adjective, adverb or (if `nouns`) noun, and no name of a person, place or body."""
    return _tag_of(words) in (_NOUNS | _OTHERS if nouns else _OTHERS)


def is_function_word(words: str) -> bool:
    """Whether `words` are one verb, adverb, preposition, conjunction or the like (应当, 随后), of two characters or more."""
    return len(words) > 1 and _tag_of(words) in _FUNCTION


def begins_with_verb(text: str) -> bool:
    """Whether the first word is a verb or an adverb, which begins another statement."""
    return _tags(text)[0] in ("v", "d", "vd")


def ends_in_adverb(text: str) -> bool:
    """Whether the last word asks for another one: 要切实."""
    return _tags(text)[-1] in ("d", "vd", "p", "c", "ad") or text.endswith(("要", "务必", "必须"))


def ends_in_act(words: str) -> bool:
    """Whether the last word is a verb, an adverb or an adjective, as in 场馆运营 and 从严."""
    return _tags(words)[-1] in ("v", "vn", "vd", "d", "ad", "a")


def without_places(text: str) -> str:
    """The text without the names of places that the dictionary knows."""
    import rjieba  # loads its dictionary

    return "".join(word for word, tag in rjieba.tag(text) if tag != "ns")


def word_ends(text: str) -> list[int]:
    """Where the words of the text end."""
    import rjieba  # loads its dictionary

    return list(accumulate(map(len, rjieba.cut(text))))


def _tags(text: str) -> list[str]:
    import rjieba  # loads its dictionary

    return [tag for _, tag in rjieba.tag(text)]


@lru_cache(maxsize=4096)
def _tag_of(words: str) -> str | None:
    """The part of speech of a word of the dictionary, None for other words."""
    import rjieba  # loads its dictionary

    if len(rjieba.cut(words, False)) > 1:  # without the guess that unknown characters are a word
        return None
    tagged = rjieba.tag(words)
    return tagged[0][1] if len(tagged) == 1 else None
