"""The card of a speech: what a reader looks for first, with its evidence.

Code reads the first lines and sentences. What a large model answered, and the text has, stands before what code reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from extractor.document import Excerpt
from extractor.lang.date_spans import fold_keeping_stops
from extractor.lang.document_head import read_head
from extractor.lang.document_kind import kind_of
from extractor.lang.meetings import find_occasion
from extractor.lang.sentences import Span
from extractor.lang.speech_giver import find_speaker
from extractor.pipeline.ground.evidence import evidence_of
from extractor.pipeline.line_format import CARD_PARTS, Card, CardEntry, DocumentKind, EvidenceEntry, KindEntry
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
    """The card as code reads it. A value that the text does not show for certain is None."""
    folded = fold_keeping_stops(speech.text)
    head = read_head(folded)
    shown = kind_of(folded, head)
    kind = shown[0] if shown else None
    occasion = find_occasion(folded, head, kind)
    speaker = find_speaker(folded, head, kind, occasion.meeting is not None)
    return {
        "title": _entry(speech, head.title, head.gap) or _title_beside(speech),
        "kind": None if shown is None else _kind_entry(speech, *shown),
        "meeting": _entry(speech, _one(occasion.meeting)),
        "place": _entry(speech, _one(occasion.place)),
        "body": _entry(speech, _one(occasion.body)),
        "speaker": _entry(speech, _one(speaker), spaced=False),
    }


def _one(span: Span | None) -> list[Span]:
    return [] if span is None else [span]


def _entry(speech: Excerpt, spans: Sequence[Span], gap: str = "", spaced: bool = True) -> CardEntry | None:
    """The words at these visible characters; `spaced` is False for names (李 强 is 李强).

    `gap` stands between two lines, except before the dash of a subtitle.
    """
    if not spans:
        return None
    lines = ["".join(speech.text[i:j].splitlines()) for i, j in spans]
    text = "".join(line if line[0] in "-—－–" or not n else gap + line for n, line in enumerate(lines))
    return {"text": text if spaced else "".join(text.split()), "evidence": _evidence(speech, spans)}


def _kind_entry(speech: Excerpt, kind: str, span: Span) -> KindEntry:
    return {"text": cast("DocumentKind", kind), "evidence": _evidence(speech, [span])}


def _evidence(speech: Excerpt, spans: Sequence[Span]) -> list[EvidenceEntry]:
    return [evidence_of(speech.document, speech.span(i, j)) for i, j in spans]


def _title_beside(speech: Excerpt) -> CardEntry | None:
    """The title that came beside the text, which has no place in it."""
    title = speech.document.title
    return {"text": title, "evidence": []} if title else None


def _answered(name: str, answered: Merged, read: Card) -> CardEntry | KindEntry | None:
    """What a model answered for a part. A kind has no words of its own: code's words show it if both agree."""
    field = f"{PREFIX}{name}"
    text = answered.record.get(field)
    if text is None:
        return None
    if name == "kind":
        shown = read["kind"] if read["kind"] and read["kind"]["text"] == text else None
        return shown or {"text": cast("DocumentKind", text), "evidence": []}
    return {"text": text, "evidence": [_narrowed(place, text) for place in answered.evidence.get(field, [])]}


def _narrowed(place: EvidenceEntry, text: str) -> EvidenceEntry:
    """The words themselves, if the clause that shows them has them without noise."""
    at = place["text"].find(text)
    if at < 0:
        return place
    return {"text": text, "start": place["start"] + at, "end": place["start"] + at + len(text)}
