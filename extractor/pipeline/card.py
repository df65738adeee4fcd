"""The card of a speech: what a reader looks for first, computed from its first lines and sentences.

Each value is in the text, or there is none. `card` is what code can tell; nothing is asked.
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
from extractor.lang.speaker import find_speaker
from extractor.pipeline.ground.evidence import evidence_of
from extractor.pipeline.line_format import Card, CardEntry, DocumentKind, EvidenceEntry, KindEntry


def card(speech: Excerpt) -> Card:
    """The card of a speech. A value that the text does not show for certain is None."""
    folded = fold_keeping_stops(speech.text)
    head = read_head(folded)
    shown = kind_of(folded, head)
    kind = shown[0] if shown else None
    occasion = find_occasion(folded, head, kind)
    speaker = find_speaker(folded, head, kind, occasion.meeting is not None)
    return {
        "title": _entry(speech, head.title, head.gap),
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
