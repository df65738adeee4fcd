"""Values that code fills from where an item stands; no model is asked for them."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import Any

from extractor.lang.headings import headings_above
from extractor.lang.mentions import mentions_of
from extractor.lang.sentences import paragraphs
from extractor.lang.speakers import speaker_at
from extractor.schema.kinds.kind import Kind, Occurrence
from extractor.schema.kinds.name import without_spaces


def evidence_of_item(item: Occurrence) -> list[dict[str, Any]]:
    """Every place of the item."""
    return [dict(place) for place in item.evidence]


def heading_of(item: Occurrence) -> str | None:
    """The headings above the item, outermost first, joined by " / "."""
    return " / ".join(headings_above(item.text, item.start)) or None


def position_of(item: Occurrence) -> int:
    """The number of the item's paragraph in the speech, from 1."""
    return bisect_right(_paragraph_starts(item.text), item.start)


@lru_cache(maxsize=128)
def _paragraph_starts(text: str) -> list[int]:
    return [start for start, _ in paragraphs(text)]


def speaker_of(item: Occurrence) -> str | None:
    """Who voices the item, in the source's own characters, as a `Name` is. Its last character counts: its evidence may begin with the words of speech."""
    span = speaker_at(item.text, item.end - 1)
    return without_spaces(item.quote(*span)) if span else None


def mentions_in(item: Occurrence) -> list[str]:
    """The concrete things that the words of the item name; who is to act counts as a body wherever it is named."""
    found = mentions_of(item.text[item.start : item.end])
    return found if "body" in found or not item.governed_by else ["body", *found]


EVIDENCE = Kind("evidence", grounded_as="code", fill=evidence_of_item)
HEADING = Kind("heading", grounded_as="code", fill=heading_of)
POSITION = Kind("position", grounded_as="code", fill=position_of)
SPEAKER = Kind("speaker", grounded_as="code", fill=speaker_of)
MENTIONS = Kind("mentions", grounded_as="code", fill=mentions_in)
