"""The ledger: what each answer of a run took, so that a run that is killed is on the bill as well.

records.jsonl.spent.jsonl   one line an answer, on disk before the answer is used; only while a run is under way

When a run ends, its entry in the log of runs takes the place of its lines. What a killed run left is summed up
there by the next run.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from extractor.document import Json
from extractor.errors import CannotKeepError
from extractor.files import dump
from extractor.llm.call import Usage
from extractor.output.files import append, cut_torn_line


class Ledger:
    """The lines of one run. Threads may share it: each line is appended at once."""

    def __init__(self, path: Path, run: str) -> None:
        self._path, self._run = path, run

    def add(self, entry: Json) -> None:
        """Append a line. Raises CannotKeepError."""
        with _kept(self._path):
            append(self._path, (dump({"run": self._run, **entry}) + "\n").encode())


def ledger_path(output: Path) -> Path:
    """Where the ledger of runs into `output` is."""
    return output.with_name(f"{output.name}.spent.jsonl")


def sums(path: Path) -> dict[str, Json]:
    """What the runs in a ledger spent, as in the log of runs: first questions, and questions asked again.

    A torn line is left out.
    """
    first: defaultdict[str, tuple[Usage, float | None]] = defaultdict(lambda: (Usage(), 0.0))
    reasked: defaultdict[str, tuple[Usage, float | None]] = defaultdict(lambda: (Usage(), 0.0))
    for entry in _entries(path):
        part = reasked if entry.get("reasked") else first
        usage, cost = part[entry["run"]]
        added = entry.get("cost")
        part[entry["run"]] = usage + Usage.from_json(entry), None if cost is None or added is None else cost + added
    return {run: {"first": _spent(*first[run]), "reasked": _spent(*reasked[run])} for run in {*first, *reasked}}


def close(path: Path) -> None:
    """Delete the ledger: the log of runs has its sums. Raises CannotKeepError."""
    with _kept(path):
        path.unlink(missing_ok=True)


def repair(path: Path) -> None:
    """Cut off a torn last line, so that others can follow. Raises CannotKeepError."""
    with _kept(path):
        cut_torn_line(path)


def _spent(usage: Usage, cost: float | None) -> Json:
    return {**usage.to_json(), "cost": cost}


def _entries(path: Path) -> Iterator[Json]:
    with suppress(FileNotFoundError), path.open("rb") as lines:
        for line in lines:
            with suppress(ValueError):
                entry = json.loads(line)
                if isinstance(entry, dict) and isinstance(entry.get("run"), str):
                    yield entry


@contextmanager
def _kept(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotKeepError(f"What the answers cost can't be kept in {path} ({error.strerror}).") from error
