"""Held: the records that an output holds, by name, so that those which stand are known from those that are superseded.

A line that is written again goes before the older one of its name; lines of a source that has changed go with it.
Memory: some 250 bytes a record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from extractor.output.files import Lines, Output, OutputError, encode, guard, part_path
from extractor.pipeline.backfill import valid_fields
from extractor.pipeline.line_format import FORMAT, OutputLine
from extractor.pipeline.recipe import Recipe

_HEAD = re.compile(
    rb'\{"format": %d, "id": ("(?:[^"\\]|\\.)*"), "source": \{"path": ("(?:[^"\\]|\\.)*"), "sha256": "([0-9a-f]*)"'
    % FORMAT
)
_RECIPE = re.compile(rb'"recipe": "([0-9a-f]+)"')
_COPIED = 500  # lines at a time
_NUMBER = re.compile(r"#\d+$")  # of a speech, in the id of its record


@dataclass(frozen=True, slots=True)
class Head:
    """What a record's line says of itself."""

    format: int
    name: str
    path: str
    sha256: str
    recipe: str

    @property
    def owner(self) -> tuple[str, str]:
        """Names the document: lines of one document share it."""
        return _NUMBER.sub("", self.name), self.path


def read_head(line: bytes) -> Head | None:
    """The head of a record's whole line, or None. Lines as this version writes them are not parsed."""
    found = _HEAD.match(line)
    at = line.rfind(b'"recipe": "')
    recipe = _RECIPE.match(line, at) if at >= 0 else None
    try:
        if found and recipe and line.endswith(b"}\n"):
            name, path, sha256 = found.groups()
            return Head(FORMAT, _plain(name), _plain(path), sha256.decode(), recipe[1].decode())
    except ValueError:
        return None
    return _parse_head(line)


def _parse_head(line: bytes) -> Head | None:
    try:
        data = json.loads(line)
        source = data["source"]
        version = int(data.get("format", 1))  # the first format had no number
        recipe = str(data["run"]["recipe"])
        return Head(version, str(data["id"]), str(source["path"]), str(source["sha256"]), recipe)
    except (ValueError, KeyError, TypeError):
        return None


def _plain(quoted: bytes) -> str:
    return str(json.loads(quoted)) if b"\\" in quoted else quoted[1:-1].decode()


def _digits(sha256: str) -> int:
    return int(sha256[:16] or "0", 16)


class RecordIndex:
    """The records of an output, and where their lines begin in its `.part`.

    `outdated` counts lines of another recipe of which some fields hold: they stay until they are back-filled.
    """

    def __init__(self, files: Output, recipe: Recipe, restart: bool) -> None:
        """Take up what is there. Raises OutputError where it is of another recipe of which nothing holds, or no records."""
        self._lines: Lines = files.records
        self._path, self._part, self._recipe = files.path, part_path(files.path), recipe
        # By the record's name: where its line begins, the first digits of its source's digest, whether it is outdated.
        self._live: dict[str, tuple[int, int, bool]] = {}
        # By the digits of a recipe: the fields that hold of it.
        self.recipes: dict[str, frozenset[str]] = {}
        # By document: the first digits of its source's digest.
        self._sources: dict[int, int] = {}
        self.superseded = False
        self.outdated = 0
        # The document whose lines were cut off a `.part`, and whether the output itself has some of this recipe.
        self._cut: tuple[str, str] | None = None
        self.is_mixed = False
        if not restart and files.failures is not None:
            with guard(self._path):
                self._take_up_part()
                if self._path.is_file() and not files.replaces:
                    self._take_up_output()

    def has(self, document: str, sha256: str) -> bool:
        """Whether a document of this name and content has its records, and they are not outdated."""
        digits = _digits(sha256)
        return any(self._live[name][1:] == (digits, False) for name in self._first_names(document))

    def was_cut(self, document: str, path: str) -> bool:
        """Whether lines of this document were there that may not have been all."""
        return self._cut == (_NUMBER.sub("", document), path)

    def line(self, name: str) -> OutputLine | None:
        """The record of this name."""
        if name not in self._live:
            return None
        with self._part.open("rb") as stream:
            stream.seek(self._live[name][0])
            line: OutputLine = json.loads(stream.readline())
            return line

    def path_of(self, document: str) -> str | None:
        """The path of the document whose records have this name."""
        heads = [self._head_at(self._live[name][0]) for name in self._first_names(document)]
        return next((head.path for head in heads if head is not None), None)

    def add(self, document: str, path: str, lines: list[OutputLine], complete: bool) -> None:
        """Add a document's lines. Where it is complete they go before all older ones of it, else before those of the
        same names. Raises OutputError."""
        older = self._names_of(document, path) if complete else []
        written = [encode(line) for line in lines]
        offset = self._lines.size
        self._lines.add(b"".join(written))
        for name in older:
            self._drop(name)
        for line in written:
            head = read_head(line)
            assert head is not None
            self._index(head, offset)
            offset += len(line)

    def standing(self) -> Iterator[bytes]:
        """The lines that nothing has superseded."""
        offset = 0
        with self._part.open("rb") as stream:
            for line in stream:
                head = read_head(line)
                if head is not None and self._live.get(head.name, (-1, 0, False))[0] == offset:
                    yield line
                offset += len(line)

    def _take_up_part(self) -> None:
        """The whole lines of a `.part`, but for those of the last document, which may lack some."""
        offset = 0
        last: list[tuple[Head, int]] = []
        with self._part.open("rb") as part:
            for line in part:
                head = read_head(line) if line.endswith(b"\n") else None
                if head is None:
                    self.superseded = True
                else:
                    self._check(head, line)
                    if last and last[-1][0].owner != head.owner:
                        for done, at in last:
                            self._index(done, at)
                        last = []
                    last.append((head, offset))
                offset += len(line)
        self._lines.cut(last[0][1] if last else 0)
        if last:
            self._cut = last[0][0].owner

    def _take_up_output(self) -> None:
        """The lines of the output itself, but for those of the documents that stand in the `.part`."""
        in_part = set(self._live)
        copied: list[bytes] = []
        offset = self._lines.size
        with self._path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                torn = not line.endswith(b"\n")
                line += b"\n" * torn
                # Torn behind some "}", a line may look whole to a glance at its two ends.
                head = _parse_head(line) if torn else read_head(line)
                if head is None and (torn or not line.strip()):
                    continue
                if head is None:
                    raise OutputError(
                        f"{self._path}, line {number}, is no record: mend or delete it, name another file with -o, or "
                        "replace the file with --restart."
                    )
                self._check(head, line)
                self.is_mixed |= head.recipe == self._recipe.digest
                if head.name in in_part:
                    continue
                if len(copied) >= _COPIED or self._has_changed(head):
                    self._lines.add(b"".join(copied))
                    copied.clear()
                copied.append(line)
                self._index(head, offset)
                offset += len(line)
        self._lines.add(b"".join(copied))

    def _fits(self, head: Head, line: bytes) -> bool:
        """Whether anything of a line's recipe holds."""
        if head.recipe not in self.recipes:
            same = head.recipe == self._recipe.digest
            self.recipes[head.recipe] = frozenset(
                self._recipe.fields if same else valid_fields(json.loads(line), self._recipe)
            )
        return bool(self.recipes[head.recipe])

    def _check(self, head: Head, line: bytes) -> None:
        if head.format != FORMAT:
            older = "an older" if head.format < FORMAT else "a newer"
            raise OutputError(
                f"{self._path} was written by {older} version of extractor (format {head.format}; this one writes format "
                f"{FORMAT}), so it can't be added to. Name another file with -o, or convert everything anew with --restart "
                "(the old records stay until all new ones are there)."
            )
        if not self._fits(head, line):
            raise OutputError(
                f"{self._path} holds records of another recipe ({head.recipe}; this run's is {self._recipe.digest}), no field "
                "of which is as it was: the schema, the prompts, the model or how it is asked has changed. Name another file "
                "with -o, or begin anew with --restart (the old records stay until all new ones are there)."
            )

    def _index(self, head: Head, offset: int) -> None:
        digits = _digits(head.sha256)
        source = hash(head.owner)
        if self._has_changed(head):  # its older lines go
            for name in self._names_of(*head.owner):
                if self._live[name][1] == self._sources[source]:
                    self._drop(name)
        self._sources[source] = digits
        if head.name in self._live:
            self._drop(head.name)
        outdated = head.recipe != self._recipe.digest
        self.outdated += outdated
        self._live[head.name] = (offset, digits, outdated)

    def _has_changed(self, head: Head) -> bool:
        """Whether the document's source has changed since a line before this one."""
        digits = _digits(head.sha256)
        return self._sources.get(hash(head.owner), digits) != digits

    def _drop(self, name: str) -> None:
        self.outdated -= self._live.pop(name)[2]
        self.superseded = True

    def _first_names(self, document: str) -> list[str]:
        return [name for name in (document, f"{document}#1") if name in self._live]

    def _names_of(self, document: str, path: str) -> list[str]:
        """The names of the records that there are of a document."""
        if hash((_NUMBER.sub("", document), path)) not in self._sources:
            return []  # as of nearly all
        names = [document, *(f"{document}#{number}" for number in range(1, 1000))]
        there = [name for name in names if name in self._live]
        return [name for name in there if (head := self._head_at(self._live[name][0])) and head.path == path]

    def _head_at(self, offset: int) -> Head | None:
        with self._part.open("rb") as stream:
            stream.seek(offset)
            return read_head(stream.readline())
