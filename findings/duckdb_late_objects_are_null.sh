#!/usr/bin/env bash
# duckdb 2.0.1, read_json_auto without options: a column that is null in the first 20,480 lines of a JSONL file and an
# object later is typed from those lines alone, and the objects are read as NULL, without an error or a warning.
# With `sample_size = -1` they are there.
#
# Seen: "default: 0 objects of 5, all lines sampled: 5 of 5".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet 'duckdb==2.0.1'
cd "$work"
"$work/venv/bin/python" - <<'PY'
import json
import duckdb

with open("lines.jsonl", "w", encoding="utf-8") as file:
    for number in range(30_005):
        date = {"text": "5月27日", "edtf": "2014-05-27"} if number >= 30_000 else None
        file.write(json.dumps({"id": str(number), "date": date}, ensure_ascii=False) + "\n")


def objects(options: str) -> int:
    return duckdb.sql(f"SELECT count(date) FROM read_json_auto('lines.jsonl'{options})").fetchall()[0][0]


default, whole = objects(""), objects(", sample_size = -1")
print(f"default: {default} objects of 5, all lines sampled: {whole} of 5")
assert (default, whole) == (0, 5), "the behaviour has changed"
PY
