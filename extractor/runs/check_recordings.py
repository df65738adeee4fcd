"""Recorded replies held against what a run would ask: which are missing, which nothing asks for any more."""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from extractor.document import Document
from extractor.errors import NotRecordedError
from extractor.pipeline.convert import convert
from extractor.pipeline.items import Failure
from extractor.pipeline.read.read import Unreadable
from extractor.runs.session import open_session
from extractor.runs.settings import Settings

if TYPE_CHECKING:
    from extractor.llm.call import Call
    from extractor.llm.recordings import Recording, RecordingFile, Recordings
    from extractor.pipeline.recipe import Recipe


def check_replies(settings: Settings, prune: bool) -> tuple[int, list[str]]:
    """How many recordings are missing or unused for the inputs, or can't be read, and a line on each."""
    lines: list[str] = []
    findings = used = 0
    seen: set[Path] = set()
    stale: dict[str, Counter[str]] = defaultdict(Counter)
    with open_session(settings) as ready:
        recipe, recordings, call = ready.recipe, ready.recordings, ready.recordings.over(ready.ask)
        for document in settings.documents():
            if isinstance(document, Unreadable):
                lines.append(f"unread   {document.reason}")
                findings += 1
                continue
            missing = _missing(document, recipe, call)
            reel = recordings.reel(document.id)
            seen.add(reel.path)
            unused = [recording for recording in reel.calls.values() if not recording.used]
            used += len(reel.calls) - len(unused)
            findings += len(missing) + len(unused)
            for failure in missing:
                stale[failure.field]["missing"] += 1
            for recording in unused:
                stale[str(recording.about.get("field"))]["unused"] += 1
            lines += [f"missing  {failure.error.what}" for failure in missing]
            lines += [f"unused   {_describe_unused(document.id, recording)}" for recording in unused]
            if prune and unused:
                lines.append(_prune(recordings, reel, document.id, len(unused), bool(missing)))
        others = sorted(set(recordings.folder.glob("*.json")) - seen) if recordings.folder is not None else []
    for name, counts in stale.items():
        lines.append(f"stale    {name}: {', '.join(f'{n} {what}' for what, n in counts.items())}")
    if any(counts["missing"] for counts in stale.values()):
        lines.append(f"renew    {_renewing(settings)}")
    # No finding: the inputs may be some of many.
    lines += [f"other    {path} is of no document among the inputs" for path in others]
    lines.append(f"{used} recordings in use, {findings} findings")
    return findings, lines


def _missing(document: Document, recipe: Recipe, call: Call) -> list[Failure]:
    """What a replay of the document misses. Answers that depend on a missing one can't be known."""
    failures = (failure for converted in convert(document, recipe, call) for failure in converted.failures)
    return [failure for failure in failures if isinstance(failure.error, NotRecordedError)]


def _renewing(settings: Settings) -> str:
    """The command that asks for what is missing, and for nothing else."""
    words = ["extractor", "extract", *settings.inputs, "-o", "renewed.jsonl", "--mode", "record"]
    options = {
        "--schema": (settings.schema, "meeting"),
        "--model": (settings.model, "local"),
        "--base-url": (settings.base_url, None),
        "--replies": (settings.replies, None),
        "--encoding": (settings.encoding, None),
        "--text-column": (settings.text_column, None),
        "--id-column": (settings.id_column, None),
    }
    for option, (value, default) in options.items():
        words += [] if value == default else [option, str(value)]
    words += (
        ["--second-pass"] * settings.second_pass
        + ["--verify"] * settings.verify
        + ["--separate-fields"] * settings.separate_fields
    )
    return shlex.join(words)


def _describe_unused(document: str, recording: Recording) -> str:
    about = recording.about
    return (
        f"{document}: {about.get('field')} of {about.get('start')}-{about.get('end')}: no question asks this any more, "
        "since the text, the prompts, the schema or the model has changed"
    )


def _prune(recordings: Recordings, reel: RecordingFile, document: str, unused: int, missing: bool) -> str:
    """Delete what is unused. Not while replies are missing: what seems unused may be the re-ask of a missing one, and
    a wrong --model or --schema would empty the folder."""
    if missing:
        return f"kept     {document}: record what is missing first, then prune ({unused} unused in {reel.path})"
    return f"pruned   {document}: {recordings.drop_unused(document)} recordings deleted from {reel.path}"
