"""The run log: which runs made an output, with what settings, and how each ended.

records.jsonl.runs.jsonl   two lines per run: at its start (arguments, settings, recipe, versions), at its end
"""

from __future__ import annotations

import os
import platform
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from extractor.document import Json
from extractor.files import dump
from extractor.output.event_log import now
from extractor.output.files import Output, OutputError, guard
from extractor.runs.summary import Summary

if TYPE_CHECKING:
    from extractor.runs.session import Session

PACKAGES = ("meeting-extractor", "pydantic", "instructor", "openai", "tenacity", "typer", "xllamacpp")
_SECRETS = re.compile(r"(?<=//)[^/@\s]+(?=@)|\b(?:sk|ak|pk)-[\w-]{6,}")


def run_log_path(output: Path) -> Path:
    """The log of the runs into `output`."""
    return output.with_name(f"{output.name}.runs.jsonl")


@contextmanager
def logged_run(
    files: Output, arguments: list[str], settings: Json, session: Session
) -> Iterator[Callable[[Summary], None]]:
    """Log the start of a run and, when the block ends, its end. The yielded function takes the summary.

    Nothing is logged if no file can stand beside the output. Raises OutputError if it can't be begun.
    """
    path = run_log_path(files.path) if files.failures is not None else None
    run, began = uuid.uuid4().hex[:8], time.monotonic()
    _note(path, {"run": run, "event": "start", "time": now(), **_start(arguments, settings, session)})
    ended: list[Summary] = []
    try:
        yield ended.append
    finally:
        end: Json = {"run": run, "event": "end", "time": now(), "seconds": round(time.monotonic() - began, 1)}
        for summary in ended:
            end |= _end(summary)
        with suppress(OutputError):  # on a full disk, writing the output has already failed with a message
            _note(path, {**end, "spent": session.budget.to_json()})


def _start(arguments: list[str], settings: Json, session: Session) -> Json:
    return {
        "arguments": [_SECRETS.sub("***", argument) for argument in arguments],
        "settings": {
            name: _SECRETS.sub("***", value) if isinstance(value, str) else value for name, value in settings.items()
        },
        "recipe": session.recipe.to_json(),
        "versions": {"python": platform.python_version(), **_versions()},
    }


def _end(summary: Summary) -> Json:
    return {
        "exit_code": summary.exit_code,
        "stopped": summary.stopped.kind if summary.stopped else None,
        "documents": summary.documents,
        "records": summary.records,
        "failed": summary.failed,
        "skipped": summary.skipped,
        "failures": dict(summary.failures),
    }


def _note(path: Path | None, entry: Json) -> None:
    """Append a line; a torn last line is closed first."""
    if path is not None:
        with guard(path), path.open("ab+") as stream:
            stream.seek(max(stream.seek(0, os.SEEK_END) - 1, 0))
            torn = stream.read(1) not in (b"", b"\n")
            stream.write(b"\n" * torn + (dump(entry) + "\n").encode())


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # the embedded model is optional
            continue
    return found
