"""Values without words of their own in the text: choices of a `Literal`, and the evidence that code fills."""

from __future__ import annotations

from extractor.schema.kinds.kind import Kind

CHOICE = Kind(
    "choice",
    grounded_as="choice",
    absence=("unsupported", "no sentence that names the item has the words that this choice needs"),
)

EVIDENCE = Kind("evidence", grounded_as="code")
