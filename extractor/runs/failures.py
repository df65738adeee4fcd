"""The failure entries of a run: what failed, in words."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from extractor.document import Document
from extractor.errors import BUG, NOT_REACHED, AnswersUnusableError, ExtractorError
from extractor.pipeline.convert import Converted
from extractor.pipeline.read.read import Unreadable

if TYPE_CHECKING:
    from extractor.output.failures import FailureEntry

PACKAGE = Path(__file__).parents[1]


def document_failure(document: Document | Unreadable, kind: str, reason: str) -> FailureEntry:
    """The document failed as a whole."""
    return {
        "id": document.id,
        "path": document.path,
        "sha256": document.sha256 if isinstance(document, Document) else None,
        "kind": kind,
        "reason": reason,
        "field": None,
        "start": None,
        "end": None,
    }


def question_failures(document: Document, converted: Converted) -> Iterator[FailureEntry]:
    """The questions of a speech that got no usable answer."""
    for failure in converted.failures:
        entry = document_failure(document, failure.error.kind, str(failure.error))
        entry |= {"field": failure.field, "start": failure.start, "end": failure.end}
        yield _with_requests(entry, failure.error)


def stopped_failure(document: Document, error: ExtractorError) -> FailureEntry:
    """The document met an error that ended the run."""
    return _with_requests(document_failure(document, error.kind, str(error)), error)


def unreached_failure(document: Document | Unreadable, error: ExtractorError, begun: bool = False) -> FailureEntry:
    """The run stopped, because of `error`, before the document; or in the middle of it, if it had `begun`."""
    if isinstance(document, Unreadable):
        return document_failure(document, document.kind, document.reason)
    when = "was done" if begun else "came"
    reason = f"The run stopped before this document {when} ({error.kind})."
    return _with_requests(document_failure(document, error.kind if begun else NOT_REACHED, reason), error)


def _with_requests(entry: FailureEntry, error: ExtractorError) -> FailureEntry:
    """The entry with the keys of the requests whose answers a retry must not reuse."""
    unusable = error.unusable.get(entry["id"], ()) if isinstance(error, AnswersUnusableError) else ()
    if requests := unusable or getattr(error, "requests", ()):
        entry["requests"] = list(requests)
    return entry


def bug_failure(document: Document, error: Exception) -> FailureEntry:
    """A bug of ours, or of the schema, with the line of ours that it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    frame = [frame for frame in frames if PACKAGE in Path(frame.filename).parents][-1]
    message = " ".join(str(error).split())[:200]
    return document_failure(
        document,
        BUG,
        f"{type(error).__name__} in {Path(frame.filename).name}, line {frame.lineno}: {message or 'no message'}. "
        "This is a bug of extractor or of the schema, not of the text: please report it with the text.",
    )
