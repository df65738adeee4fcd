"""Finds the files of an input (a file, folder, glob or `-`), and the paths and ids they have in the output.

Memory: the names in one folder, and about 150 bytes per document to keep ids unique.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from extractor.pipeline.read.formats import FORMATS

_ANY_SUFFIX = re.compile(r"\.[A-Za-z]{1,5}$")
WILDCARD = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file to open, and its path (never absolute) and id in the output."""

    source: str  # what to open
    path: str
    id: str


@dataclass(frozen=True, slots=True)
class ClosedFolder:
    """A folder that the system does not list."""

    folder: InputFile
    error: OSError


def find_files(given: str) -> Iterator[InputFile | ClosedFolder]:
    """The files that the input `given` stands for, sorted."""
    if given == "-":
        yield InputFile("-", "stdin", "stdin")
    elif os.path.isdir(given):
        yield from _walk(given, ("**", "*"), tuple(FORMATS))
    elif os.path.lexists(given) or not WILDCARD.search(given):
        yield InputFile(given, _shown(given), _stem(os.path.basename(given)))
    else:
        parts = given.replace(os.sep, "/").split("/")
        fixed = next(i for i, part in enumerate(parts) if WILDCARD.search(part))
        root = "/".join(parts[:fixed]) or ("/" if given.startswith("/") else ".")
        pattern = [part for part in parts[fixed:] if part not in ("", ".")]
        if os.path.isdir(root):
            yield from _walk(root, (*pattern, "*") if pattern[-1] == "**" else tuple(pattern), ("",))


def _walk(root: str, pattern: tuple[str, ...], suffixes: tuple[str, ...]) -> Iterator[InputFile | ClosedFolder]:
    """The files under `root` whose relative path matches `pattern`, which has one part for each folder.

    `pending` has the names to visit, last first, each with the positions in the pattern that it has
    reached. A name that ends in "/" is a folder. No folder is entered twice, so circular links end.
    """
    shown = _shown(root)
    seen: set[tuple[int, int]] = set()
    pending = [("", _positions(pattern, {0}))]
    while pending:
        relative, positions = pending.pop()
        file = InputFile(os.path.join(root, relative), f"{shown}/{relative}".strip("/"), _stem(relative.rstrip("/")))
        if relative and not relative.endswith("/"):
            yield file
            continue
        try:
            names = _names(file.source, suffixes, seen)
        except OSError as error:
            yield ClosedFolder(file, error)
            continue
        for name in reversed(names):
            reached = _advance(pattern, positions, name.rstrip("/"))
            if reached - {len(pattern)} if name.endswith("/") else len(pattern) in reached:
                pending.append((relative + name, reached))


def _advance(pattern: tuple[str, ...], positions: frozenset[int], name: str) -> frozenset[int]:
    """The positions in `pattern` after one more part of a path. `**` matches any part and stays."""
    here = [p for p in positions if p < len(pattern) and fnmatchcase(name, pattern[p])]
    return _positions(pattern, {p if pattern[p] == "**" else p + 1 for p in here})


def _positions(pattern: tuple[str, ...], reached: set[int]) -> frozenset[int]:
    """`reached`, and the position after each `**` in it, since `**` matches no folder too."""
    for p, part in enumerate(pattern):
        if p in reached and part == "**":
            reached.add(p + 1)
    return frozenset(reached)


def _names(folder: str, suffixes: tuple[str, ...], seen: set[tuple[int, int]]) -> list[str]:
    """The visible names in `folder`, sorted: folders with a final "/", and files with one of `suffixes`."""
    about = os.stat(folder)
    if (about.st_dev, about.st_ino) in seen:
        return []
    seen.add((about.st_dev, about.st_ino))
    names = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir():
                names.append(entry.name + "/")
            elif entry.name.lower().endswith(suffixes) and _is_readable(entry):
                names.append(entry.name)
    return sorted(names)


def _is_readable(entry: os.DirEntry[str]) -> bool:
    """Whether it is a regular file or a broken link, which is reported when it is read. A pipe would hang."""
    if entry.is_symlink():
        return os.path.isfile(entry.path) or not os.path.exists(entry.path)
    return entry.is_file()


def _shown(given: str) -> str:
    """The path for the output: relative as given, only the name if absolute, "" for the current folder."""
    path = os.path.normpath(given)
    path = os.path.basename(path) if os.path.isabs(path) else path.replace(os.sep, "/")
    return "" if path == "." else path


def _stem(name: str) -> str:
    """`name` without its suffix: speech for speech.jsonl.gz; 讲话.2014 stays."""
    for suffix in FORMATS:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)] or name
    return _ANY_SUFFIX.sub("", name) or name


def unique(name: str, taken: dict[int, int]) -> str:
    """`name`, or `name~2`, `name~3` if it is taken. `taken` has 8-byte hashes, not names."""
    own = _hash(name)
    if own not in taken:
        taken[own] = 1
        return name
    number, unique = taken[own], name
    while _hash(unique) in taken:
        number += 1
        unique = f"{name}~{number}"
    taken[own] = number
    taken.setdefault(_hash(unique), 1)
    return unique


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")
