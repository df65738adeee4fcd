"""Choices of a `Literal`, which have no words of their own in the text."""

from __future__ import annotations

from extractor.schema.kinds.kind import Kind

CHOICE = Kind(
    "choice",
    grounded_as="choice",
    absence=("unsupported", "no sentence that names the item has the words that this choice needs"),
)
