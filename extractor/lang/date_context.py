"""Completes a date from the other dates of its text, and from those of the table row that the text is in.

The text comes first. A date stays incomplete (XXXX, XX) where the evidence is not clear: a wrong year is worse
than none.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from extractor.lang.date_spans import DAY_NUMBER, MONTH_NUMBER, fold_keeping_stops
from extractor.lang.dates import EdtfValue, bare_days, month_and_day, parse_date
from extractor.lang.meeting_year import dates_of_text, infer_year, meeting_day, small_number

_LEAD = 300  # characters
# How far a day without a month may be from the day that completes it. Further away it may be of another month.
_NEAR = 7
# A day so soon after the date of its row may have been announced there, or be of the year before.
_SOON = 31
_DAY = rf"(?:((?:19|20)\d\d)\s?年\s?)?({MONTH_NUMBER})\s?月\s?({DAY_NUMBER})\s?[日号]"
_AGENCY = "本报|本网|本台|本刊|新华社|新华网|中新社|中新网|人民网|央视网|光明网"
# The day of a report: 今天(8月21日), 新华社北京8月21日电, 8月21日电.
_REPORTED = (
    re.compile(rf"(?:[今昨][天日]|当天)\({_DAY}"),
    re.compile(rf"(?:{_AGENCY})[^\n;,\d]{{0,12}}?{_DAY}"),
    re.compile(rf"{_DAY}\s?(?:电|讯|报道)"),
)
# The day of a meeting: 8月20日,全市工作会议召开.
_MET = re.compile(rf"{_DAY}(?!以来|起|前)[^\n;]{{0,40}}?(?:召开|举行|举办|开幕|召集|主持)")
_IN_OTHER_YEARS = re.compile("去年|上年|前年|明年|后年|次年|翌年")


@dataclass(frozen=True, slots=True)
class _Day:
    """A day with its month, and its year if that is known. `first`, `last`: which days without a month it completes."""

    year: int | None
    month: int
    first: int
    last: int

    @classmethod
    def reported(cls, year: int | None, month: int, day: int) -> _Day:
        """Of a report: what it calls 20日 was shortly before."""
        return cls(year, month, day - _NEAR, day)

    @classmethod
    def met(cls, year: int | None, month: int, day: int) -> _Day:
        """Of the beginning of a meeting: what it calls 20日 is shortly after."""
        return cls(year, month, day, day + _NEAR)


@dataclass(frozen=True)
class DateContext:
    """What completes the dates of a speech: its text, and the title and date of its row ("" and None without one)."""

    text: str
    title: str = ""
    published: date | None = None

    def read(self, words: str) -> tuple[EdtfValue | None, bool]:
        """The date that the words name (see `parse_date`), and whether its year or month comes from the row."""
        days = bare_days(words)
        day = self._day_in(self._days, days)
        is_from_row = day is None and (day := self._day_in(self._days_of_row(days), days)) is not None
        month = None if day is None else day.month
        year = self._year_of_text if day is None else day.year or self._year_of_text
        if year is None:
            year = self._year_of_row(words if month is None else f"{month}月{days[0]}日")
            is_from_row |= year is not None
        value = parse_date(words, year=year, month=month)
        return value, is_from_row and value is not None and value.year_inferred

    def _day_in(self, known: Iterable[_Day], days: tuple[int, ...]) -> _Day | None:
        """The month and year that the known days give to days without a month; None if they disagree."""
        if not days or list(days) != sorted(days):
            return None
        near = [day for day in known if day.first <= days[0] and days[-1] <= day.last]
        months = {day.month for day in near}
        years = {day.year for day in near} | {self._year_of_text}
        years.discard(None)
        if len(months) != 1 or len(years) > 1:
            return None
        year, month = next(iter(years), None), months.pop()
        if days[-1] > calendar.monthrange(year or 2000, month)[1]:  # an unknown year may have a 29 February
            return None
        return _Day(year, month, days[0], days[-1])

    def _days_of_row(self, days: tuple[int, ...]) -> Iterator[_Day]:
        """The month of the row's date, and the one before it if the days are its last ones."""
        if self.published is not None:
            for back in range(_NEAR + 1):
                day = self.published - timedelta(days=back)
                if days and day.day == days[-1]:
                    yield _Day(day.year, day.month, 1, day.day)

    @cached_property
    def _folded(self) -> str:
        return fold_keeping_stops(self.text)

    @cached_property
    def _year_of_text(self) -> int | None:
        found = infer_year(self.text)
        return found.year if found else None

    @cached_property
    def _days(self) -> tuple[_Day, ...]:
        """The days in the text that complete others."""
        days = [_Day.reported(day.year, day.month, day.day) for day, _ in dates_of_text(self._folded)]
        for pattern, make in [*((pattern, _Day.reported) for pattern in _REPORTED), (_MET, _Day.met)]:
            for match in pattern.finditer(self._folded, 0, _LEAD):
                year, month, day = match.groups()
                days.append(make(int(year) if year else None, small_number(month), small_number(day)))
        return tuple(days)

    @cached_property
    def _year_of_title(self) -> int | None:
        found = infer_year(self.text, extra=self.title) if self.title else None
        return found.year if found else None

    def _year_of_row(self, words: str) -> int | None:
        """The year of the meeting that the row's title and date show; None if they disagree."""
        years: list[int | None] = [self._year_of_title] if self._year_of_title else []
        if self.published is not None:
            named = None if _IN_OTHER_YEARS.search(words) else month_and_day(words)
            years += [_latest_year(day, self.published) for day in (named, meeting_day(self._folded)) if day]
        return years[0] if len(set(years)) == 1 else None


def _latest_year(month_and_day: tuple[int, int], published: date) -> int | None:
    """The latest year in which the day is not after the date; None if the date may announce it."""
    month, day = month_and_day
    for year in range(published.year + 1, published.year - 9, -1):
        with suppress(ValueError):  # 29 February
            that_day = date(year, month, day)
            if that_day <= published:
                return year
            if that_day <= published + timedelta(days=_SOON):
                return None
    return None
