#!/usr/bin/env bash
# pydantic 2.14.x: two models of the same name in one JSON Schema are told apart by their modules, and the module's
# dotted path becomes part of the $defs names and $refs. For a schema that is sent to a language model this means that
# moving a file changes the request: prefix caches miss, and recorded replies that are keyed by the request are stale.
# `create_model(..., __module__="a.fixed.name")` pins it.
#
# Seen: the keys of $defs are "billing__invoices__Row__1" and "billing__invoices__Row__2"; after the same models are made
# in another module, "accounting__Row__1" and "accounting__Row__2".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet 'pydantic>=2.14,<2.15'
cd "$work"
"$work/venv/bin/python" - <<'PY'
from pydantic import create_model


def names(module: str) -> list[str]:
    first = create_model("Row", __module__=module, count=(int, ...))
    second = create_model("Row", __module__=module, text=(str, ...))
    form = create_model("Form", __module__=module, n1=(first, ...), n2=(second, ...))
    return sorted(form.model_json_schema()["$defs"])


here, moved = names("billing.invoices"), names("accounting")
print(here, moved)
assert here != moved and all("billing__invoices" in name for name in here), "the behaviour has changed"
PY
