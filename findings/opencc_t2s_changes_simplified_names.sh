#!/usr/bin/env bash
# OpenCC 1.4.2 (package opencc), configuration t2s: it changes text that is Simplified already. Characters that are
# Traditional for one word and Simplified in a name are replaced wherever they stand: 乾县 (a county) becomes 干县. So
# "convert everything to Simplified, it does no harm" changes names; only text with a character that Simplified does not
# have should be converted.
#
# Seen: "乾县 -> 干县, 毕昇 -> 毕升, 於潜 -> 于潜".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet 'opencc==1.4.2'
cd "$work"
"$work/venv/bin/python" - <<'PY'
import opencc

converter = opencc.OpenCC("t2s")
changed = {name: converter.convert(name) for name in ("乾县", "毕昇", "於潜")}
print(", ".join(f"{before} -> {after}" for before, after in changed.items()))
assert changed["乾县"] == "干县", "the behaviour has changed"
PY
