"""What a row of the table finds: five counts that must be 0, and expectations that must hold."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

COUNTS = ("lost", "doubled", "hung", "leaked", "traceback")


@dataclass
class Verdict:
    """The outcome of a row. `came` says what came out, `wrong` which expectations failed."""

    came: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    skipped: str = ""

    def count(self, kind: str, what: str, times: int = 1) -> None:
        """Something that must never happen has happened."""
        self.counts[kind] += times
        self.wrong.append(f"{kind}: {what}")

    def expect(self, holds: bool, what: str) -> bool:
        """Note an expectation that fails, in words that say what was seen."""
        if not holds:
            self.wrong.append(what)
        return holds

    @property
    def passed(self) -> bool:
        return not self.wrong


@dataclass(frozen=True)
class Bench:
    """What a row gets: an empty folder, a seeded source of chance, and whether the long form runs."""

    folder: Path
    chance: random.Random
    long: bool
    # Shared by all rows: references that are computed once.
    shared: Shared


class Shared:
    """Values that are computed once, by whichever row needs them first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._values: dict[str, object] = {}

    def once(self, name: str, compute: Callable[[Path], object]) -> object:
        """The value of this name; `compute` gets an empty folder."""
        with self._lock:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if name not in self._values:
                folder = self.folder / name
                folder.mkdir(parents=True, exist_ok=True)
                try:
                    self._values[name] = compute(folder)
                except Exception as error:
                    self._values[name] = error
            value = self._values[name]
        if isinstance(value, Exception):
            raise RuntimeError(f"there is no {name}: {value}")
        return value


@dataclass(frozen=True)
class Row:
    """One row of the table. `must` says in words what must come out; `check` finds out."""

    group: str
    fault: str
    must: str
    check: Callable[[Bench, Verdict], None]
    short: bool = False
