"""Find the `file:line` of a field, a class or a value: error messages about schemas begin with it."""

from __future__ import annotations

import ast
import inspect
import json
import re
import traceback
from pathlib import Path

from extractor.files import is_same

Keys = tuple[str | int, ...]

_GAP = re.compile(r"[\s,:]*")


def field_place(owner: type, name: str | None, given: Path) -> str:
    """`file:line` of a class's field, or of the class itself if `name` is None.

    It is the file alone if the line is unknown. The path is written as `given` if it is the same file.
    """
    file = _file_of(owner) or given
    for base in inspect.getmro(owner):
        source = _file_of(base)
        line = source and _line_of_field(source, base.__name__, name)
        if source and line:
            return f"{display_path(source, given)}:{line}"
    return display_path(file, given)


def name_place(path: Path, name: str) -> str:
    """`file:line` where a module assigns to `name`."""
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name:
            return f"{path}:{node.lineno}"
    return str(path)


def error_place(error: BaseException, path: Path) -> str:
    """`file:line` of the line that raised an error while the file was being loaded."""
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).name == path.name:
        return f"{path}:{error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if is_same(frame.filename, path)]
    return f"{path}:{lines[-1]}" if lines else str(path)


def json_lines(text: str) -> dict[Keys, int]:
    """The line of each value in a JSON text, by its path of keys: ("record", "officials", 0, "name")."""
    lines: dict[Keys, int] = {}
    _walk(text, _skip(text, 0), (), lines)
    return lines


def line_at(text: str, offset: int) -> int:
    """The number of the line that holds the character at `offset`, from 1."""
    return text.count("\n", 0, offset) + 1


def display_path(path: Path, given: Path) -> str:
    """The path as the user gave it, or else relative to the working folder, or else absolute."""
    if is_same(str(given), path):
        return str(given)
    beside = given.parent / path.name
    if is_same(str(beside), path):
        return str(beside)
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _walk(text: str, at: int, keys: Keys, lines: dict[Keys, int]) -> int:
    """Record the line of the value that starts at `at` and of all values inside it; return where it ends."""
    lines[keys] = line_at(text, at)
    decoder = json.JSONDecoder()
    if text[at] not in "{[":
        return decoder.raw_decode(text, at)[1]
    opening, at, n = text[at], _skip(text, at + 1), 0
    while text[at] not in "}]":
        key: str | int = n
        if opening == "{":
            key, end = decoder.raw_decode(text, at)
            at = _skip(text, end)
        at = _skip(text, _walk(text, at, (*keys, key), lines))
        n += 1
    return at + 1


def _skip(text: str, at: int) -> int:
    gap = _GAP.match(text, at)
    return gap.end() if gap else at


def _line_of_field(path: Path, owner: str, name: str | None) -> int | None:
    for node in ast.walk(_parsed(path)):
        if not (isinstance(node, ast.ClassDef) and node.name == owner):
            continue
        if name is None:
            return node.lineno
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign) and getattr(statement.target, "id", None) == name:
                return statement.lineno
    return None


def _file_of(owner: type) -> Path | None:
    try:
        return Path(inspect.getfile(owner))
    except (TypeError, OSError):  # a built-in class, or one created without a file
        return None


def _parsed(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return ast.Module([], [])
