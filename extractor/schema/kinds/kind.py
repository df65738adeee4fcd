"""What the stages need to know about a type of value. One `Kind` holds it all, so a new field type is one module.

A stage never asks which kind it has in hand: it asks the kind for what it does. The choices below name what a stage
offers (`grounded_as`, `evidence_from`, `scored_by`); the functions are the kind's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from extractor.lang.fold import fold
from extractor.lang.sentences import Span


class Located(Protocol):
    """A value found in the source: as the source has it, without noise, and its source offsets."""

    @property
    def text(self) -> str: ...
    @property
    def clean(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


def accept_all(words: str) -> bool:
    return True


def as_found(words: str) -> str:
    return words


def words_of(value: Any) -> str:
    """A value's words, whether it is a string or an object with `text`."""
    return str(value["text"] if isinstance(value, dict) else value)


def same_words(one: Any, other: Any) -> bool:
    """Whether two values have the same words once width, script and white space are folded."""
    return fold(words_of(one)) == fold(words_of(other))


@dataclass(frozen=True, eq=False)
class Kind:
    """A type of value: how it is found, grounded, read, merged and scored.

    name            as it appears in descriptions and fingerprints
    longest         most characters that a model may write for it
    find            all spans of a text that could be such a value; used for candidates and for coverage
    offered_as      how candidates are made of these spans when forms are filled; None: the model reads
    cued_by         what a field's cue is held against
    is_read_off     whether code reads it off inside the words of its item

    grounded_as     "place": its words must stand in the passage; "wording": the characters of the model's words must
                    stand in the item's sentence; "choice": the words that show it must stand in a sentence about the
                    item; "code": code fills it and no model is asked
    forgives_slips  whether a near match counts (never one that changes a digit, a name or a direction)
    is_clean        whether the record holds the words without the noise of the source
    tidy            a last touch to the words that the record holds
    accepts         whether words can be such a value at all; what is refused becomes the problem `refusal`
    absence         the kind and the detail of the problem that is noted when it is not found

    evidence_from   what shows an item that stands on it: "value" itself; its "clause", with the clauses that show the
                    item's choices; the "telling clause", with the one before it if it says too little; or the clause
                    that it is part of ("statement")

    read            its value as the record holds it, computed from its words and the year of the speech; None if the
                    words can't be read. `reads` names what is computed
    holds_evidence  whether the value that is read has `evidence` of its own
    is_entity       whether items with the same words are one item (a person) and not a repeated statement
    same            whether two values are equal, as the record holds them

    scored_by       how `extractor eval` compares items that stand on it
    """

    name: str
    longest: int = 0
    find: Callable[[str], list[Span]] | None = None
    offered_as: Literal["person", "clause", "number", "date", "span"] | None = None
    cued_by: Literal["clause", "sentence", "passage"] = "passage"
    is_read_off: bool = False
    grounded_as: Literal["place", "wording", "choice", "code"] = "place"
    forgives_slips: bool = False
    is_clean: bool = False
    tidy: Callable[[str], str] = as_found
    accepts: Callable[[str], bool] = accept_all
    refusal: tuple[str, str] = ("refused", "these words can't be such a value")
    absence: tuple[str, str] = ("ungrounded", "not found in the passage that was asked about")
    evidence_from: Literal["value", "clause", "telling clause", "statement"] = "statement"
    read: Callable[[Located, int | None], Any] | None = None
    reads: str = ""
    holds_evidence: bool = False
    is_entity: bool = False
    same: Callable[[Any, Any], bool] = same_words
    scored_by: Literal["names", "numbers", "characters"] = "characters"

    @property
    def has_place(self) -> bool:
        """Whether its words stand somewhere in the text, so that an item can stand on it."""
        return self.grounded_as == "place"

    @property
    def is_asked(self) -> bool:
        """Whether a model fills it."""
        return self.grounded_as != "code"

    def __str__(self) -> str:
        return self.name
