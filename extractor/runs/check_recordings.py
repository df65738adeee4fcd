"""Recorded replies compared with what a run would ask: which are missing, and which are unused."""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from extractor.document import Document
from extractor.errors import NotRecordedError
from extractor.llm.call import option_of
from extractor.pipeline.convert import convert
from extractor.pipeline.items import Failure
from extractor.pipeline.read.read import Unreadable
from extractor.runs.call_stack import assemble_call
from extractor.runs.session import open_session
from extractor.runs.settings import Settings

if TYPE_CHECKING:
    from extractor.llm.call import Call
    from extractor.llm.recordings import Recording, RecordingFile, Recordings
    from extractor.pipeline.recipe import Recipe


def check_replies(settings: Settings, prune: bool) -> tuple[int, list[str]]:
    """How many recordings are missing, unused or unreadable for the inputs, and a line on each."""
    check = _Check()
    with open_session(settings) as session:
        call = assemble_call(session.call_stack())
        for document in settings.documents():
            if isinstance(document, Unreadable):
                check.lines.append(f"unread   {document.reason}")
                check.findings += 1
            else:
                check.compare(document, session.recipe, call, session.recordings, prune)
        folder = session.recordings.folder
    others = [] if folder is None else sorted(set(folder.glob("*.json")) - check.seen)
    lines = check.lines
    for name, counts in check.stale.items():
        lines.append(f"stale    {name}: {', '.join(f'{n} {what}' for what, n in counts.items())}")
    if any(counts["missing"] for counts in check.stale.values()):
        lines.append(f"renew    {_renewing(settings)}")
    # Not a finding: the inputs may be a part of the texts.
    lines += [f"other    {path} belongs to no document among the inputs" for path in others]
    lines.append(f"{check.used} recordings in use, {check.findings} findings")
    return check.findings, lines


class _Check:
    """What was found so far."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.findings = 0
        # Recordings in use.
        self.used = 0
        # Files of documents that are among the inputs.
        self.seen: set[Path] = set()
        # By field: how many are missing, how many unused.
        self.stale: dict[str, Counter[str]] = defaultdict(Counter)

    def compare(self, document: Document, recipe: Recipe, call: Call, recordings: Recordings, prune: bool) -> None:
        """Replay a document, and compare what it asks with its recordings."""
        missing = _missing(document, recipe, call)
        file = recordings.file(document.id)
        self.seen.add(file.path)
        unused = [recording for recording in file.calls.values() if not recording.used]
        self.used += len(file.calls) - len(unused)
        self.findings += len(missing) + len(unused)
        for failure in missing:
            self.stale[failure.field]["missing"] += 1
        for recording in unused:
            self.stale[str(recording.about.get("field"))]["unused"] += 1
        self.lines += [f"missing  {failure.error.what}" for failure in missing]
        self.lines += [f"unused   {_describe_unused(document.id, recording)}" for recording in unused]
        if prune and unused:
            self.lines.append(_prune(recordings, file, document.id, len(unused), bool(missing)))


def _missing(document: Document, recipe: Recipe, call: Call) -> list[Failure]:
    """What a replay of the document misses. Questions that follow from a missing answer can't be known."""
    failures = (failure for converted in convert(document, recipe, call) for failure in converted.failures)
    return [failure for failure in failures if isinstance(failure.error, NotRecordedError)]


def _renewing(settings: Settings) -> str:
    """The command that records what is missing, and nothing else."""
    words = ["extractor", "extract", *settings.inputs, "-o", "renewed.jsonl", "--mode", "record"]
    options = {
        "--schema": (settings.schema, "meeting"),
        "--model": (settings.model, "local"),
        "--base-url": (settings.base_url, None),
        "--replies": (settings.replies, None),
        "--encoding": (settings.encoding, None),
        "--text-column": (settings.text_column, None),
        "--id-column": (settings.id_column, None),
        "--answer-format": (option_of(settings.answer_format), None),
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
        f"{document}: {about.get('field')} of {about.get('start')}-{about.get('end')}: no question uses it any more, "
        "since the text, the prompts, the schema or the model has changed"
    )


def _prune(recordings: Recordings, file: RecordingFile, document: str, unused: int, missing: bool) -> str:
    """Delete what is unused, unless replies are missing.

    What seems unused may be the re-ask of a missing one, and a wrong --model or --schema would empty the
    folder.
    """
    if missing:
        return f"kept     {document}: record what is missing first, then prune ({unused} unused in {file.path})"
    return f"pruned   {document}: {recordings.drop_unused(document)} recordings deleted from {file.path}"
