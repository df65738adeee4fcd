"""What the other cells of a table row say about its text: its title, its date, and the cells to keep."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta, timezone
from typing import Any

from extractor.pipeline.read.tables import Cells

TITLE_COLUMNS = ("title", "标题", "题名", "文章标题", "headline")
DATE_COLUMNS = (
    *("publish_date", "published", "published_at", "publish_time", "pub_date", "pubdate", "pub_time", "date"),
    *("发布日期", "发布时间", "发表日期", "发表时间", "日期"),
)

# Times without a zone are Chinese, and so are the days of the others.
_CHINA = timezone(timedelta(hours=8))
_YEARS = range(1900, 2101)
_DATE = re.compile(r"(\d{4})\s?[-/.年]\s?(\d{1,2})\s?[-/.月]\s?(\d{1,2})(?!\d)")
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:\d{6})?")
_ZONED = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?\s?(?:Z|[+-]\d\d:?\d\d)")
# Seconds or milliseconds since 1970, from 1973 on: fewer digits are a date or a number.
_SECONDS, _MILLISECONDS = re.compile(r"(\d{9,10})(?:\.\d{1,9})?"), re.compile(r"(\d{9,10})\d{3}")


def row_title(row: Cells, column: str | None) -> str:
    """The title in `column`, or in the first of the usual columns that holds one; "" without one."""
    return next(iter(filter(None, (cell_text(cell).strip() for cell in _cells(row, column, TITLE_COLUMNS)))), "")


def row_date(row: Cells, column: str | None) -> date | None:
    """The day in `column`, or in the first of the usual columns that holds one; None without one."""
    return next(filter(None, (read_day(cell) for cell in _cells(row, column, DATE_COLUMNS))), None)


def kept_cells(row: Cells, columns: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The cells of these columns, by name; "" for a column that the row lacks."""
    return tuple((column, cell_text(row.get(column))) for column in columns)


def cell_text(cell: Any) -> str:
    """A cell as text: a string as it is, "" for null, any other JSON value as compact JSON."""
    if cell is None:
        return ""
    text = cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # a lone surrogate is no character


def read_day(cell: Any) -> date | None:
    """The day that a cell gives: 2020-01-03 (with a time or not), 2020年1月3日, 2020/1/3, 20200103, or Unix time.

    None if it gives none. Times with a zone and Unix times are converted to Chinese time.
    """
    text = cell_text(cell).strip()
    with suppress(ValueError, OverflowError, OSError):  # 2020-02-30
        if match := _ZONED.fullmatch(text):
            return _sensible(
                datetime.fromisoformat(match[0].replace(" +", "+").replace(" Z", "Z")).astimezone(_CHINA).date()
            )
        if match := _DATE.match(text) or _COMPACT.fullmatch(text):
            return _sensible(date(*map(int, match.groups()[:3])))
        if match := _SECONDS.fullmatch(text) or _MILLISECONDS.fullmatch(text):
            return _sensible(datetime.fromtimestamp(int(match[1]), _CHINA).date())
    return None


def _sensible(day: date) -> date | None:
    return day if day.year in _YEARS else None


def _cells(row: Cells, column: str | None, usual: Sequence[str]) -> list[Any]:
    if column is not None:
        return [row.get(column)]
    names = {name.lower(): name for name in reversed(row)}
    return [row[names[name]] for name in usual if name in names]
