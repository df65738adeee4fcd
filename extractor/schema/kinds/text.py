"""Words: short pieces of the text, clauses, and the model's own short wording."""

from __future__ import annotations

from extractor.lang.sentences import clauses
from extractor.schema.kinds.kind import Kind

VERBATIM = Kind("verbatim", longest=60)

CLAUSE = Kind(
    "clause",
    longest=160,
    find=clauses,
    offered_as="clause",
    cued_by="clause",
    forgives_slips=True,
    is_clean=True,
)

WORDED = Kind(
    "worded",
    longest=40,
    grounded_as="wording",
    absence=(
        "reworded",
        "worded with characters that its sentence does not have; the clause's own words stand for it",
    ),
)
