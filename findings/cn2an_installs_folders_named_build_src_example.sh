#!/usr/bin/env bash
# cn2an 0.5.24: its wheel installs, beside the package, top-level folders `build/`, `example/` and `src/` into site-packages.
# They are importable namespace packages of these names, so `import build` finds a leftover folder where the PyPA package
# `build` is not installed, and two such distributions overwrite or uninstall each other's files.
#
# Seen: the list printed at the end.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet 'cn2an==0.5.24'
cd "$work"
"$work/venv/bin/python" - <<'PY'
from importlib.metadata import files

tops = sorted({file.parts[0] for file in files("cn2an") or () if len(file.parts) > 1})
print(tops)
import build

print("import build finds", list(build.__path__)[0].rpartition("site-packages/")[2])
assert {"build", "src"} <= set(tops), "the behaviour has changed"
PY
