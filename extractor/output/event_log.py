"""The event log: one JSON line for each event of a run, for monitoring (--log-json)."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from extractor.document import Json
from extractor.files import dump
from extractor.output.files import guard

if TYPE_CHECKING:
    from extractor.output.failures import FailureEntry


def now() -> str:
    """UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def document_events(name: str, records: int, failures: Sequence[FailureEntry]) -> Iterator[Json]:
    """An event for each failure of a finished document, then one for the document itself."""
    for failure in failures:
        place = {"field": failure["field"], "start": failure["start"], "end": failure["end"]}
        yield {"event": "failure", "document": name, "kind": failure["kind"], "reason": failure["reason"], **place}
    yield {"event": "document", "document": name, "records": records, "failures": len(failures)}


@contextmanager
def open_event_log(path: Path | None) -> Iterator[Callable[[Json], None] | None]:
    """A function that appends an event to a file, with its time; None if there is no file.

    Raises OutputError if the file can't be opened. If a later write fails, the user is warned once and the
    run continues: answers are worth more than lines about them.
    """
    if path is None:
        yield None
        return
    lock = threading.Lock()
    with ExitStack() as stack:
        with guard(path):
            stream = path.open("ab", buffering=0)
        stack.callback(stream.close)
        broken = False

        def on_event(event: Json) -> None:
            nonlocal broken
            with lock:
                if broken:
                    return
                try:
                    stream.write((dump({"time": now(), **event}) + "\n").encode())
                except OSError as error:
                    broken = True
                    print(
                        f"extractor: {path} can't be written: {error.strerror}. The run continues without the log.",
                        file=sys.stderr,
                    )

        yield on_event
