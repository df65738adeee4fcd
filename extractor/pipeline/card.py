"""The card of a speech: what a reader looks for first, with its evidence.

Code reads the head of the text. What a large model answered, and the text has, stands before what code has read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from extractor.document import Excerpt
from extractor.lang.headers import header_of
from extractor.lang.sentences import Span
from extractor.pipeline.ground.evidence import evidence_of
from extractor.pipeline.line_format import CARD_PARTS, Card, CardEntry, EvidenceEntry
from extractor.pipeline.merge import Merged
from extractor.schema.card import PREFIX


def card_of(speech: Excerpt, answered: Merged, earlier: Card | None) -> Card:
    """The card of a speech: what a model `answered`, or the `earlier` line has, else what code reads."""
    read = read_card(speech)
    if earlier is not None:
        beside = earlier["title"] is not None and not earlier["title"]["evidence"]
        return {**earlier, "title": read["title"]} if beside or earlier["title"] is None else earlier
    given = {name: _answered(name, answered, read) for name in CARD_PARTS}
    return cast("Card", {**read, **{name: entry for name, entry in given.items() if entry is not None}})


def read_card(speech: Excerpt) -> Card:
    """The card as code reads it off the head of the text."""
    header = header_of(speech.text)
    kind = None if header.kind is None else _entry(speech, header.kind[1], header.kind[0])
    spans: Mapping[str, Span | None] = {
        "meeting": header.meeting,
        "place": header.place,
        "body": header.body,
        "speaker": header.speaker,
    }
    parts = {name: None if span is None else _entry(speech, span) for name, span in spans.items()}
    return cast("Card", {"title": _title(speech, header.title), "kind": kind, **parts})


def _entry(speech: Excerpt, span: Span, text: str | None = None) -> CardEntry:
    words = speech.text[slice(*span)] if text is None else text
    return {"text": words, "evidence": [evidence_of(speech.document, speech.span(*span))]}


def _title(speech: Excerpt, lines: tuple[Span, ...]) -> CardEntry | None:
    """The lines of the title joined; else the title that came beside the text, which has no place in it."""
    if not lines:
        beside = speech.document.title
        return {"text": beside, "evidence": []} if beside else None
    entries = [_entry(speech, line) for line in lines]
    return {"text": "".join(e["text"] for e in entries), "evidence": [p for e in entries for p in e["evidence"]]}


def _answered(name: str, answered: Merged, read: Card) -> CardEntry | None:
    """What a model answered for a part. A kind has no words of its own: code's words show it if both agree."""
    field = f"{PREFIX}{name}"
    text = answered.record.get(field)
    if text is None:
        return None
    if name == "kind":
        shown = read["kind"] if read["kind"] and read["kind"]["text"] == text else None
        return shown or {"text": text, "evidence": []}
    return {"text": text, "evidence": [_narrowed(place, text) for place in answered.evidence.get(field, [])]}


def _narrowed(place: EvidenceEntry, text: str) -> EvidenceEntry:
    """The words themselves, if the clause that shows them has them without noise."""
    at = place["text"].find(text)
    if at < 0:
        return place
    return {"text": text, "start": place["start"] + at, "end": place["start"] + at + len(text)}
