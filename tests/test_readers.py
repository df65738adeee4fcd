"""Common JSONL readers take the records without options: each key has one type, on every line."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

RECORDS = Path(__file__).parents[1] / "fixtures" / "records.jsonl"
LINES = [json.loads(line) for line in RECORDS.read_text(encoding="utf-8").splitlines()]


def types(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Each path of keys with the type that stands there; null is of any type, a whole number is a number."""
    if value is None:
        return
    yield path, "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from types(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from types(inner, f"{path}[]")


def test_a_key_has_one_type() -> None:
    found = defaultdict(set)
    for line in LINES:
        for path, kind in types(line):
            found[path].add(kind)
    assert {path: kinds for path, kinds in found.items() if len(kinds) > 1} == {}
    in_records = {
        path: kinds for path, kinds in found.items() if path.startswith(".record") and path.endswith(".evidence")
    }
    assert len(in_records) == 5
    assert all(kinds == {"list"} for kinds in in_records.values())


def test_duckdb_reads_records_and_evidence() -> None:
    query = f"""
        SELECT id, item.text, item.evidence[1].start
        FROM (SELECT id, unnest(record.measures) AS item FROM read_json_auto('{RECORDS}'))
    """
    expected = [
        (line["id"], item["text"], item["evidence"][0]["start"])
        for line in LINES
        for item in line["record"]["measures"]
    ]
    assert duckdb.sql(query).fetchall() == expected
