"""The kinds of value that schemas use. A field type names its kind; a new one carries a kind of its own."""

from __future__ import annotations

from extractor.schema.kinds.choice import CHOICE, EVIDENCE
from extractor.schema.kinds.date import DATE
from extractor.schema.kinds.kind import Kind, words_of
from extractor.schema.kinds.name import NAME
from extractor.schema.kinds.quantity import QUANTITY
from extractor.schema.kinds.text import CLAUSE, VERBATIM, WORDED

__all__ = ["CHOICE", "CLAUSE", "DATE", "EVIDENCE", "NAME", "QUANTITY", "VERBATIM", "WORDED", "Kind", "words_of"]
