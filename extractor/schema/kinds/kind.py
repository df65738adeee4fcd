"""Everything that the stages need to know about a type of value, so that a new field type is one module.

A stage never compares kinds. It reads an option of the kind (`grounded_as`, `evidence_from`, `scored_by` …),
or calls one of its functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from extractor.lang.date_context import DateContext
from extractor.lang.fold import fold
from extractor.lang.sentences import Span


class Located(Protocol):
    """A value: `text` as the record holds it, `clean` without noise, `source` with all noise, and its source offsets.

    `change` says which way something went by this much, if it is a number of which the text says so; `unit` is the
    unit that a table gives a number.
    """

    @property
    def text(self) -> str: ...
    @property
    def clean(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def source(self) -> str: ...
    @property
    def change(self) -> Literal["up", "down"] | None: ...
    @property
    def unit(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An item and where it stands, from which code fills a value.

    `text[start:end]` is the item's first evidence in the clean text of its speech, and `quote(i, j)` gives the source's
    own characters behind `text[i:j]`. `values` are the item's values as
    the record holds them, and `governed_by` those that govern its clause (`Subject`). `evidence` lists all its places
    (text, start, end), with offsets into the source.
    """

    text: str
    start: int
    end: int
    quote: Callable[[int, int], str]
    values: Mapping[str, Any]
    governed_by: Sequence[str]
    evidence: Sequence[Mapping[str, Any]]


def accept_all(words: str) -> bool:
    return True


def as_found(words: str) -> str:
    return words


def words_of(value: Any) -> str:
    """The words of a value, which is a string or an object with `text`."""
    return str(value["text"] if isinstance(value, dict) else value)


def same_words(one: Any, other: Any) -> bool:
    """Whether two values have the same words after folding width, script and white space."""
    return fold(words_of(one)) == fold(words_of(other))


@dataclass(frozen=True, eq=False)
class Kind:
    """A type of value: how it is found, grounded, read, merged and scored.

    name            the name in descriptions and fingerprints
    longest         the maximum number of characters that a model may write
    find            finds all spans of a text that could be such a value, for candidates and coverage
    whole           the whole value (a span of the text) that a place is a part of, given all spans that `find`
                    finds; None if the place is no value, as 12 in 3月12日 is no number; without it, every place is
                    whole
    not_there       what a problem says of words whose places `whole` refuses
    offered_as      how these spans become candidates if forms are filled; None: the model reads instead
    cued_by         which part of the text a field's cue is searched in
    is_read_off     whether code reads the value off inside the words of its item

    grounded_as     "place": the words must occur in the passage; "wording": their characters must occur in
                    the item's sentence; "choice": the words that show the choice must occur in a sentence
                    about the item; "code": code fills the value (`fill`) and no model is asked
    fill            computes such a value from an item and where it stands
    forgives_slips  whether a near match counts (never one that changes a digit, a name or a direction)
    is_clean        whether the record holds the words without the noise of the source
    tidy            the last change to the words before they go into the record
    accepts         whether the words can be such a value; if not, the problem is `refusal` (kind, detail)
    absence         the problem (kind, detail) if the words are not found

    evidence_from   the evidence of an item whose anchor is of this kind: the "value" itself; its "clause",
                    with the clauses that show the item's choices; its "telling clause", with the one before
                    it if it says too little; or the clause that it is part of ("statement")

    read            computes the value in the record from the words and the dates around the speech; None if
                    the words can't be read
    doubts          the marks of an item with this value that are due to `read`
    reads           what `read` computes, as messages name it
    holds_evidence  whether the value that is read has `evidence` of its own
    is_entity       whether items with the same words are one entity (a person), not a repeated statement
    same            whether two values are equal, as the record holds them

    scored_by       how `extractor eval` compares items whose anchor is of this kind
    """

    name: str
    longest: int = 0
    find: Callable[[str], list[Span]] | None = None
    whole: Callable[[str, list[Span], int, int], Span | None] | None = None
    not_there: str = "stands in the text, but is no such value there"
    offered_as: Literal["person", "clause", "number", "date", "span"] | None = None
    cued_by: Literal["clause", "sentence", "passage"] = "passage"
    is_read_off: bool = False
    grounded_as: Literal["place", "wording", "choice", "code"] = "place"
    fill: Callable[[Occurrence], Any] | None = None
    forgives_slips: bool = False
    is_clean: bool = False
    tidy: Callable[[str], str] = as_found
    accepts: Callable[[str], bool] = accept_all
    refusal: tuple[str, str] = ("refused", "these words can't be such a value")
    absence: tuple[str, str] = ("ungrounded", "not found in the passage that was asked about")
    evidence_from: Literal["value", "clause", "telling clause", "statement"] = "statement"
    read: Callable[[Located, DateContext], Any] | None = None
    doubts: Callable[[Located, DateContext], frozenset[str]] | None = None
    reads: str = ""
    holds_evidence: bool = False
    is_entity: bool = False
    same: Callable[[Any, Any], bool] = same_words
    scored_by: Literal["names", "numbers", "characters"] = "characters"

    @property
    def has_place(self) -> bool:
        """Whether its words occur in the text, so that it can be the anchor of an item."""
        return self.grounded_as == "place"

    @property
    def is_asked(self) -> bool:
        """Whether a model is asked for it."""
        return self.grounded_as != "code"

    def __str__(self) -> str:
        return self.name
