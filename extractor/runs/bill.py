"""The bill of an output: what all runs into it spent, killed ones included, and how much of that is in the records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from extractor.document import Json
from extractor.llm.call import Usage
from extractor.llm.prices import Price
from extractor.output.files import OutputError, followed, guard_reading, part_path
from extractor.output.ledger import ledger_path, sums
from extractor.runs.run_log import KILLED, read_log, run_log_path

UNDER_WAY = "no end"
"""How a run ended that has not ended yet, or that was killed, and no later run has come."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens, and US dollars if a price was known."""

    usage: Usage = field(default_factory=Usage)
    cost: float | None = 0.0

    def __add__(self, other: Spent) -> Spent:
        cost = None if self.cost is None or other.cost is None else self.cost + other.cost
        return Spent(self.usage + other.usage, cost)


@dataclass(frozen=True, slots=True)
class RunBill:
    """What one run spent, and how it ended."""

    run: str
    started: str
    model: str
    spent: Spent
    ended: str


@dataclass(frozen=True, slots=True)
class Bill:
    """What all runs into an output spent, and what the answers behind its records took."""

    runs: list[RunBill]
    in_records: Spent
    records: int

    @property
    def total(self) -> Spent:
        """All runs together."""
        return sum((run.spent for run in self.runs), Spent())


def bill_of(output: Path, price: Price | None = None) -> Bill:
    """The bill of an output; `price` replaces the prices that the runs knew.

    A run that goes on meanwhile is on it with what it has spent so far. Raises OutputError.
    """
    output = followed(output)
    entries = list(read_log(run_log_path(output)))
    if not entries:
        raise OutputError(
            f"{run_log_path(output)} has no runs, so there is nothing to sum up: name the file given with -o."
        )
    left = sums(ledger_path(output))
    ends = {entry["run"]: entry for entry in entries if entry["event"] == "end"}
    runs = [_run_bill(entry, ends, left, price) for entry in entries if entry["event"] == "start"]
    lines = list(_usages(output).values())
    return Bill(runs, sum((_spent(line, price) for line in lines), Spent()), len(lines))


def _run_bill(start: Json, ends: dict[str, Json], left: dict[str, Json], price: Price | None) -> RunBill:
    run = start["run"]
    end = ends.get(run)
    spent = (end or {}).get("spent") or left.get(run) or {}
    parts = [_spent(spent[name], price) for name in ("first", "reasked") if name in spent]
    if end is None:
        ended = UNDER_WAY
    else:
        code = end.get("exit_code")
        ended = end.get("stopped") or (KILLED if code is None else f"exit code {code}")
    model = str((start.get("settings") or {}).get("model", ""))
    return RunBill(run, start["time"], model, sum(parts, Spent()), ended)


def _spent(entry: Json, price: Price | None) -> Spent:
    usage = Usage.from_json(entry)
    return Spent(usage, entry.get("cost") if price is None else price.of(usage))


def _usages(output: Path) -> dict[str, Json]:
    """What the answers behind each record took, by its id; a newer line takes the place of an older one."""
    usages: dict[str, Json] = {}
    for path in (output, part_path(output)):
        for line in _lines(path):
            run = line.get("run")
            if isinstance(run, dict) and isinstance(line.get("id"), str):
                names = ("requests", "input_tokens", "cached_tokens", "output_tokens", "cost")
                usages[line["id"]] = {name: run.get(name) for name in names}
    return usages


def _lines(path: Path) -> Iterator[Json]:
    with guard_reading(path), suppress(FileNotFoundError), path.open("rb") as lines:
        for line in lines:
            with suppress(ValueError):
                yield json.loads(line)
