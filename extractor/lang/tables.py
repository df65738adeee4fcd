"""Numbers in the rows of a table, with the names of their row and column and their unit.

| 指标 | 单位 | 完成数 | 增长（%） |
| 地区生产总值 | 亿元 | 356.2 | 5.1 |

Rows are consecutive lines with the same number of cells, parted by bars or tabs, below a header without numbers. Texts
are clean and Simplified.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from extractor.lang.characters import HAN_CHARACTER
from extractor.lang.sentences import Span
from extractor.lang.units import UNIT

_NUMBER = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?")
_RULE = re.compile(r"[ \t]*+(?:\|[ \t]*+)?(?::?-{2,}+:?[ \t]*+\|[ \t]*+)+(?::?-{2,}+:?[ \t]*+)?")
# The unit in the head of a column, 增长（%）, and in the line above a table, 单位：亿元.
_IN_BRACKETS = re.compile(rf"[（(\[]\s{{0,9}}(?:单位[:：]\s{{0,9}})?([十百千万亿]{{0,3}}(?:{UNIT}))\s{{0,9}}[)）\]]")
_ABOVE = re.compile(rf"单位[:：]\s{{0,9}}([十百千万亿]{{0,3}}(?:{UNIT}))")
_UNITS = re.compile("(?:计量)?单位")
# Columns whose head adds nothing to the name of the row, and those whose unit is not that of the row.
_PLAIN = re.compile(
    "(?:本[年月期季]|当[年月期季]|累计|实际|全年)?(?:完成)?(?:数值?|数量|金额|总[量额数]|绝对[值数]|值|合计|实绩|完成|情况|指标值)"
)
_RELATIVE = re.compile("增长|增速|增幅|增减|同比|环比|比重|占比|比例|百分比|率$|±")
_GREW = re.compile("增长|增速|增幅|涨幅")
_TIME = re.compile(r"(?:[12]\d{3}年?|[今去前]年|[上下]半年|第?[一二三四]季度|\d{1,2}月(?:份)?|[12]\d{3}年.{1,8})")


class Cell(NamedTuple):
    """A number in a table: its place, its row's and column's names, the place of the head of its column, its unit.

    `name` says what is counted; `time` is the place of the head if that is a time, and `grew` whether it says
    that the number is a growth.
    """

    span: Span
    name: str
    unit: str | None
    time: Span | None
    grew: bool


class _Line(NamedTuple):
    start: int
    mark: str
    cells: list[Span]


def find_cells(text: str) -> list[Cell]:
    """The numbers in the tables of a text, in order."""
    if "|" not in text and "\t" not in text:
        return []
    return [cell for rows in _tables(text) for cell in _cells_of(text, rows)]


def _tables(text: str) -> Iterator[list[_Line]]:
    """Runs of lines with the same number of cells, without the rules between them."""
    rows: list[_Line] = []
    for match in re.finditer(r"[^\n]+", text):
        if _RULE.fullmatch(match[0]):
            continue
        line = _line(text, *match.span())
        if rows and (len(line.cells) != len(rows[0].cells) or line.mark != rows[0].mark):
            yield rows
            rows = []
        if len(line.cells) > 1:
            rows.append(line)
    yield rows


def _line(text: str, start: int, end: int) -> _Line:
    mark = "|" if text.count("|", start, end) > 1 else "\t"
    cells, at = [], start
    for piece in text[start:end].split(mark):
        i = at + len(piece) - len(piece.lstrip())
        cells.append((i, max(i, at + len(piece.rstrip()))))
        at += len(piece) + 1
    if mark == "|":  # bars at both ends of the line
        cells = cells[text[start:end].lstrip().startswith("|") :]
        cells = cells[: len(cells) - text[start:end].rstrip().endswith("|")]
    return _Line(start, mark, cells)


def _cells_of(text: str, rows: list[_Line]) -> Iterator[Cell]:
    if len(rows) < 2:
        return
    heads, *body = rows
    words = [text[slice(*head)] for head in heads.cells]
    if any(map(_NUMBER.fullmatch, words)) and not all(_TIME.fullmatch(word) for word in words[1:]):
        return
    above = _ABOVE.search(text[: heads.start].rstrip().rpartition("\n")[2])
    in_column = next((at for at, word in enumerate(words) if _UNITS.fullmatch(word)), None)
    for row in body:
        named = next((at for at, cell in enumerate(row.cells) if HAN_CHARACTER.search(text[slice(*cell)])), None)
        if named is None or named == in_column:
            continue
        name = text[slice(*row.cells[named])]
        for at, cell in enumerate(row.cells):
            if at > named and _NUMBER.fullmatch(text[slice(*cell)]):
                units = [_IN_BRACKETS.search(words[at]), _IN_BRACKETS.search(name)]
                unit = next((found[1] for found in units if found), None)
                if unit is None and not _RELATIVE.search(words[at]):
                    unit = text[slice(*row.cells[in_column])] if in_column is not None else above and above[1]
                yield _cell(text, cell, name, heads.cells[at], unit or None)


def _cell(text: str, span: Span, row: str, head: Span, unit: str | None) -> Cell:
    column = _IN_BRACKETS.sub("", text[slice(*head)]).strip()
    row = _IN_BRACKETS.sub("", row).strip()
    if _TIME.fullmatch(column):
        return Cell(span, row, unit, head, grew=False)
    grew = _GREW.search(column) is not None and text[span[0]] != "-"
    return Cell(span, row if _PLAIN.fullmatch(column) else row + column, unit, None, grew)
