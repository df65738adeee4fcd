"""History: which run made an output, with what, and what it came to.

records.jsonl.runs.jsonl   two lines a run: when it starts (arguments, settings, recipe, versions) and when it ends
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
    """Where the runs into `output` are noted."""
    return output.with_name(f"{output.name}.runs.jsonl")


@contextmanager
def recorded(
    files: Output, arguments: list[str], settings: Json, ready: Session
) -> Iterator[Callable[[Summary], None]]:
    """Note a run: that it starts, and how it ends. Nothing is noted where nothing can stand beside the output."""
    path = run_log_path(files.path) if files.failures is not None else None
    run, began = uuid.uuid4().hex[:8], time.monotonic()
    start = {
        "arguments": [_SECRETS.sub("***", argument) for argument in arguments],
        "settings": {
            name: _SECRETS.sub("***", value) if isinstance(value, str) else value for name, value in settings.items()
        },
        "recipe": ready.recipe.to_json(),
        "versions": {"python": platform.python_version(), **_versions()},
    }
    _note(path, {"run": run, "event": "start", "time": now(), **start})
    ended: list[Summary] = []
    try:
        yield ended.append
    finally:
        end: Json = {"run": run, "event": "end", "time": now(), "seconds": round(time.monotonic() - began, 1)}
        if ended:
            summary = ended[0]
            end |= {
                "exit_code": summary.exit_code,
                "stopped": summary.stopped.kind if summary.stopped else None,
                "documents": summary.documents,
                "records": summary.records,
                "failed": summary.failed,
                "skipped": summary.skipped,
                "failures": dict(summary.failures),
            }
        with suppress(OutputError):  # of a full disk the output itself has told
            _note(path, {**end, "spent": ready.budget.to_json()})


def _note(path: Path | None, entry: Json) -> None:
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
        except PackageNotFoundError:  # the embedded model is an extra
            continue
    return found
