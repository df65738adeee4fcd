"""Events: a JSON line for each thing that happens, for those who monitor a run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from extractor.data import Json
from extractor.naming import dump
from extractor.output import guard


def now() -> str:
    """UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@contextmanager
def telling(path: Path | None) -> Iterator[Callable[[Json], None] | None]:
    """Adds events to a file, each with its time; None where there is no file. Raises OutputError."""
    if path is None:
        yield None
        return
    lock = threading.Lock()
    with guard(path), path.open("a", encoding="utf-8", buffering=1, newline="\n") as stream:

        def tell(event: Json) -> None:
            with lock, guard(path):
                stream.write(dump({"time": now(), **event}) + "\n")

        yield tell
