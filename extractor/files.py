"""Naming: what a request and a document are called on disk."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

_HALVES = re.compile("[\ud800-\udfff]")


def escape_halves(dumped: str) -> str:
    """JSON whose half characters (a model may write "\\ud800") are escaped: UTF-8 has none."""
    return _HALVES.sub(lambda half: f"\\u{ord(half[0]):04x}", dumped)


def dump(value: Any) -> str:
    """One line of JSON that can be written as UTF-8."""
    return escape_halves(json.dumps(value, ensure_ascii=False))


def file_stem(document: str) -> str:
    """A document's id, with what no file name can hold replaced."""
    safe = "".join(c if c.isalnum() or c in "._-~" else "__" for c in document).lstrip(".") or "unnamed"
    if safe != document or len(safe.encode()) > 120:
        # Two ids may look alike once made safe; a digest keeps them apart.
        safe = f"{safe[:32]}-{hashlib.sha256(document.encode()).hexdigest()[:8]}"
    return safe


def is_same(file: str, path: Path) -> bool:
    """Whether this is another name of that file."""
    try:
        return path.samefile(file)
    except OSError:
        return False
