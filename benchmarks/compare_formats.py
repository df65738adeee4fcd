"""Check that outputs of format 1 and format 2 hold the same values.

    python benchmarks/compare_formats.py OLD NEW

OLD is an output of format 1 (without a `format` key) and NEW an output of format 2 about the same texts. The
keys of OLD are renamed and its evidence is wrapped into lists as in format 2. Then the two must be equal
except for the digests of recipes, which depend on the types of a schema. Prints the first difference, if any,
and exits with 1.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

RENAMED_IN_RUN = {"again": "reasked", "as": "fingerprint"}
DIGESTS = ("recipe", "fingerprint")


def upgraded(line: dict[str, Any]) -> dict[str, Any]:
    """A line of format 1 converted to format 2."""
    coverage = {
        name: {"expected" if key == "signs" else key: value for key, value in covered.items()}
        for name, covered in line["coverage"].items()
    }
    marks = [
        {**mark, "marks": ["second_pass" if m == "filled" else m for m in mark["marks"]]} for mark in line["marks"]
    ]
    record = {name: with_lists(value) for name, value in line["record"].items()}
    run = renamed(line["run"])
    return {"format": 2, **line, "record": record, "marks": marks, "coverage": coverage, "run": run}


def with_lists(value: Any) -> Any:
    """The value with every `evidence`, at any depth, as a list."""
    if isinstance(value, list):
        return [with_lists(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        key: [inner] if key == "evidence" and isinstance(inner, dict) else with_lists(inner)
        for key, inner in value.items()
    }


def renamed(run: Any) -> Any:
    if not isinstance(run, dict):
        return run
    return {RENAMED_IN_RUN.get(key, key): renamed(value) for key, value in run.items()}


def without_digests(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_digests(inner) for key, inner in value.items() if key not in DIGESTS}
    return [without_digests(inner) for inner in value] if isinstance(value, list) else value


def read(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def main(old: str, new: str) -> int:
    before, after = read(old), read(new)
    if len(before) != len(after):
        print(f"{old} has {len(before)} lines, {new} has {len(after)}")
        return 1
    for number, (one, other) in enumerate(zip(before, after, strict=True), 1):
        expected, found = without_digests(upgraded(one)), without_digests(other)
        for key in expected.keys() | found.keys():
            if json.dumps(expected.get(key)) != json.dumps(found.get(key)):
                print(f"line {number}, {key}:\n  {expected.get(key)}\n  {found.get(key)}")
                return 1
    print(f"{len(after)} lines have the same values and the same order of keys, except for {' and '.join(DIGESTS)}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: compare_formats.py OLD NEW")
    sys.exit(main(*sys.argv[1:3]))
