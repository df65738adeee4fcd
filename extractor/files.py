"""Text and names that are safe to write: JSON as UTF-8, a document's id as a file name."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

_SURROGATES = re.compile("[\ud800-\udfff]")


def escape_surrogates(dumped: str) -> str:
    """JSON with lone surrogates escaped (a model may write "\\ud800"): UTF-8 cannot encode them."""
    return _SURROGATES.sub(lambda match: f"\\u{ord(match[0]):04x}", dumped)


def dump(value: Any) -> str:
    """One line of JSON that UTF-8 can encode."""
    return escape_surrogates(json.dumps(value, ensure_ascii=False))


def file_stem(document: str) -> str:
    """A document's id as a file name: characters that a file name cannot hold are replaced."""
    safe = "".join(c if c.isalnum() or c in "._-~" else "__" for c in document).lstrip(".") or "unnamed"
    if safe != document or len(safe.encode()) > 120:
        # Two ids may become the same safe name; a digest keeps them apart.
        safe = f"{safe[:32]}-{hashlib.sha256(document.encode()).hexdigest()[:8]}"
    return safe


def is_same(file: str, path: Path) -> bool:
    """Whether both names lead to the same file."""
    try:
        return path.samefile(file)
    except OSError:
        return False
