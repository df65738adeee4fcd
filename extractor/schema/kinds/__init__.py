"""The kinds of value that schemas use. A field type names its kind; a new one carries a kind of its own."""

from __future__ import annotations

from extractor.schema.kinds.by_code import EVIDENCE, HEADING, MENTIONS, POSITION, SPEAKER
from extractor.schema.kinds.choice import CHOICE
from extractor.schema.kinds.date import DATE
from extractor.schema.kinds.kind import Kind, Occurrence, words_of
from extractor.schema.kinds.name import NAME, PERSON
from extractor.schema.kinds.quantity import QUANTITY
from extractor.schema.kinds.text import CLAUSE, VERBATIM, WORDED

__all__ = [
    "CHOICE",
    "CLAUSE",
    "DATE",
    "EVIDENCE",
    "HEADING",
    "MENTIONS",
    "NAME",
    "PERSON",
    "POSITION",
    "QUANTITY",
    "SPEAKER",
    "VERBATIM",
    "WORDED",
    "Kind",
    "Occurrence",
    "words_of",
]
