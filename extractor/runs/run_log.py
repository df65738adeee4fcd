"""The run log: which runs made an output, with what settings, and how each ended.

records.jsonl.runs.jsonl   two lines per run: at its start (arguments, settings, recipe, versions), at its end
                           (how it ended, what it spent; for a killed run the next one writes it)
"""

from __future__ import annotations

import json
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
from extractor.errors import CannotKeepError
from extractor.files import dump
from extractor.output.event_log import now
from extractor.output.files import Output, OutputError, append, cut_torn_line, guard, guard_reading
from extractor.output.ledger import Ledger, close, ledger_path, repair, sums
from extractor.runs.summary import Summary

if TYPE_CHECKING:
    from extractor.runs.session import Session

KILLED = "killed"
"""In place of what stopped a run: it was killed, and a later run logs its end."""

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

    Meanwhile each answer's cost goes into the ledger. What a killed run left there is logged as its end. Nothing
    is logged if no file can stand beside the output. Raises OutputError and CannotKeepError if it can't be begun.
    """
    if files.failures is None:
        yield lambda summary: None
        return
    path, ledger = run_log_path(files.path), ledger_path(files.path)
    run, began = uuid.uuid4().hex[:8], time.monotonic()
    with guard(path):
        cut_torn_line(path)
    _log_killed(path, ledger)
    _note(path, {"run": run, "event": "start", "time": now(), **_start(arguments, settings, session)})
    session.budget.on_spent = Ledger(ledger, run).add
    ended: list[Summary] = []
    try:
        yield ended.append
    finally:
        end: Json = {"run": run, "event": "end", "time": now(), "seconds": round(time.monotonic() - began, 1)}
        for summary in ended:
            end |= _end(summary)
        with suppress(OutputError, CannotKeepError):  # on a full disk, writing the output already failed with a message
            _note(path, {**end, "spent": session.budget.to_json()})
            close(ledger)


def _log_killed(path: Path, ledger: Path) -> None:
    """Log the ends of runs that were killed, from the ledger that they left."""
    if not ledger.exists():
        return
    repair(ledger)
    ended = {entry["run"] for entry in read_log(path) if entry["event"] == "end"}
    for run, spent in sums(ledger).items():
        if run not in ended:
            _note(path, {"run": run, "event": "end", "time": now(), "stopped": KILLED, "spent": spent})
    close(ledger)


def read_log(path: Path) -> Iterator[Json]:
    """The entries of a log of runs; lines that are none are left out. Raises OutputError."""
    with guard_reading(path), suppress(FileNotFoundError), path.open("rb") as lines:
        for line in lines:
            with suppress(ValueError):
                entry = json.loads(line)
                if isinstance(entry, dict) and {"run", "event", "time"} <= entry.keys():
                    yield entry


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


def _note(path: Path, entry: Json) -> None:
    with guard(path):
        append(path, (dump(entry) + "\n").encode())


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # the embedded model is optional
            continue
    return found
