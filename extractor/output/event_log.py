"""Events: a JSON line for each thing that happens, for those who monitor a run."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from extractor.document import Json
from extractor.files import dump
from extractor.output.files import guard


def now() -> str:
    """UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def document_events(name: str, records: int, failures: Sequence[Json]) -> Iterator[Json]:
    """An event for each failure of a finished document, then one for the document itself."""
    for failure in failures:
        named = {key: failure[key] for key in ("kind", "reason", "field", "start", "end")}
        yield {"event": "failure", "document": name, **named}
    yield {"event": "document", "document": name, "records": records, "failures": len(failures)}


@contextmanager
def open_event_log(path: Path | None) -> Iterator[Callable[[Json], None] | None]:
    """Adds events to a file, each with its time; None where there is no file. Raises OutputError where it can't be begun;
    where it can't be gone on with, that is said once, and the run goes on: an answer is worth more than a line about it.
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

        def tell(event: Json) -> None:
            nonlocal broken
            with lock:
                if broken:
                    return
                try:
                    stream.write((dump({"time": now(), **event}) + "\n").encode())
                except OSError as error:
                    broken = True
                    print(
                        f"extractor: {path} can't be written: {error.strerror}. The run goes on without.",
                        file=sys.stderr,
                    )

        yield tell
