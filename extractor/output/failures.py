"""The failures file: one JSON line for each question or document that failed and has not succeeded since.

During a run, a line of kind `resolved` withdraws all earlier failures of its document; the finished
file has no such lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from extractor.document import Json
from extractor.errors import NOT_REACHED
from extractor.output.files import OutputError, encode, guard_reading

# A line of this kind withdraws the earlier failures of its document.
RESOLVED = "resolved"
# What version 0.1 called it.
_RESOLVED_BEFORE = "mended"


@with_config(ConfigDict(extra="forbid"))
class FailureEntry(TypedDict):
    """A failure: of one question, or, if `field`, `start` and `end` are null, of the document as a whole."""

    id: Annotated[str, Field(description="The document's id.")]
    path: Annotated[str | None, Field(description="The input that the document was read from.")]
    sha256: Annotated[str | None, Field(description="Digest of the document's source; null if it was not read.")]
    kind: Annotated[str, Field(description="The kind of error, which --retry takes.")]
    reason: Annotated[str, Field(description="What happened and what to do, for people.")]
    field: Annotated[str | None, Field(description="The field that was asked for.")]
    start: Annotated[int | None, Field(description="Where the passage starts, in characters of the source.")]
    end: Annotated[int | None, Field(description="Where the passage ends, exclusive.")]
    requests: NotRequired[
        Annotated[list[str], Field(description="Keys of the requests whose answers did not fit.", min_length=1)]
    ]


# The current failures, by document id.
Failures = dict[str, list[FailureEntry]]


def failure_schema() -> Json:
    """The JSON Schema of a line of the failures file."""
    return TypeAdapter(FailureEntry).json_schema()


def read_failures(*paths: Path, keep_unreached: bool = True) -> Failures:
    """The current failures, by document; those in a later file replace those in an earlier one.

    Without `keep_unreached`, documents that an earlier run did not get to are left out. A torn last line is
    ignored. Raises OutputError.
    """
    failures: Failures = {}
    for path in paths:
        in_file: Failures = {}
        for entry in _entries(path):
            if entry["kind"] in (RESOLVED, _RESOLVED_BEFORE):
                in_file[entry["id"]] = []
            elif keep_unreached or entry["kind"] != NOT_REACHED:
                in_file.setdefault(entry["id"], []).append(entry)
        failures.update(in_file)
    return {document: entries for document, entries in failures.items() if entries}


def encode_failures(entries: Iterable[FailureEntry], resolved: str | None = None) -> bytes:
    """The lines of these failures; `resolved` names a document whose earlier failures they replace."""
    withdrawn = [] if resolved is None else [{"id": resolved, "kind": RESOLVED}]
    lines: list[Mapping[str, Any]] = [*withdrawn, *entries]
    return b"".join(encode(dict(line)) for line in lines)


def _entries(path: Path) -> Iterator[FailureEntry]:
    with guard_reading(path):
        content = path.read_bytes() if path.is_file() else b""
    for line in content.splitlines(keepends=True):
        try:
            if line.strip():
                yield _entry(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            if not line.endswith(b"\n"):
                return  # torn
            raise OutputError(
                f"{path} is not a list of failures ({error}). Restore it, or start over with --restart."
            ) from error


def _entry(line: Json) -> FailureEntry:
    """A line as an entry; keys that an edited file lacks are filled in."""
    return {
        "id": str(line["id"]),
        "path": line.get("path"),
        "sha256": line.get("sha256"),
        "kind": line.get("kind", "unknown"),
        "reason": line.get("reason", ""),
        "field": line.get("field"),
        "start": line.get("start"),
        "end": line.get("end"),
        **({"requests": line["requests"]} if line.get("requests") else {}),  # type: ignore[typeddict-item]
    }
