"""Recorded replies held against what a run would ask: which are missing, which nothing asks for any more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from extractor.data import Document
from extractor.faults import NotRecorded
from extractor.pipeline import convert
from extractor.read import Unreadable
from extractor.settings import Settings, prepared

if TYPE_CHECKING:
    from extractor.data import Call
    from extractor.recipe import Recipe
    from extractor.tape import Recording, Reel, Tape


def check_replies(settings: Settings, prune: bool) -> tuple[int, list[str]]:
    """How many recordings are missing or unused for the inputs, or can't be read, and a line on each."""
    lines: list[str] = []
    findings = used = 0
    seen: set[Path] = set()
    with prepared(settings) as ready:
        recipe, tape, call = ready.recipe, ready.tape, ready.tape.over(ready.ask)
        for document in settings.documents():
            if isinstance(document, Unreadable):
                lines.append(f"unread   {document.reason}")
                findings += 1
                continue
            missing = _missing(document, recipe, call)
            reel = tape.reel(document.id)
            seen.add(reel.path)
            unused = [recording for recording in reel.calls.values() if not recording.used]
            used += len(reel.calls) - len(unused)
            findings += len(missing) + len(unused)
            lines += [f"missing  {fault.what}" for fault in missing]
            lines += [f"unused   {_describe_unused(document.id, recording)}" for recording in unused]
            if prune and unused:
                lines.append(_prune(tape, reel, document.id, len(unused), missing))
        others = sorted(set(tape.folder.glob("*.json")) - seen) if tape.folder is not None else []
    # No finding: the inputs may be some of many.
    lines += [f"other    {path} is of no document among the inputs" for path in others]
    lines.append(f"{used} recordings in use, {findings} findings")
    return findings, lines


def _missing(document: Document, recipe: Recipe, call: Call) -> list[NotRecorded]:
    """What a replay of the document misses. Answers that depend on a missing one can't be known."""
    faults = [f.fault for converted in convert(document, recipe, call) for f in converted.failures]
    return [fault for fault in faults if isinstance(fault, NotRecorded)]


def _describe_unused(document: str, recording: Recording) -> str:
    about = recording.about
    return (
        f"{document}: {about.get('field')} of {about.get('start')}-{about.get('end')}: no question asks this any more, "
        "since the text, the prompts, the schema or the model has changed"
    )


def _prune(tape: Tape, reel: Reel, document: str, unused: int, missing: list[NotRecorded]) -> str:
    """Delete what is unused. Not while replies are missing: what seems unused may be the re-ask of a missing one, and
    a wrong --model or --schema would empty the folder."""
    if missing:
        return f"kept     {document}: record what is missing first, then prune ({unused} unused in {reel.path})"
    return f"pruned   {document}: {tape.drop_unused(document)} recordings deleted from {reel.path}"
