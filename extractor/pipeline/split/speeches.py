"""Splits a compilation into its speeches; any other text stays one.

No single clue proves a boundary: 同志们 and 刚才 occur in the middle of speeches too, and numbering
restarts in long reports. Each line is scored by what ends above it and begins at it (`boundaries`) and by
how the two sides differ.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import replace
from itertools import accumulate
from math import sqrt

from extractor.document import Excerpt, Omission
from extractor.pipeline.split.boundaries import (
    DEEPEST,
    Line,
    count_levels,
    find_pairs,
    has_byline,
    is_compilation_title,
    is_first_mark,
    is_prose,
    is_reported,
    is_section,
    is_spoken,
    read_lines,
    score_connection,
    score_ending,
    score_opening,
)

# benchmarks/splitting.py measures the recall and precision of these weights on speeches glued together at
# random.
_THRESHOLD = 4.0  # score of a boundary
_RESTART = 3.3  # what restarting numbers add to the likeliest line above them
_RESTART_ALONE = 2.2  # the same if no words look like a beginning or an end
_RESTART_IN_SECTIONS = 1.0  # the same after a title without a number: sections may be numbered separately
_OTHER_SUBJECT = 2.0  # what a different subject adds
_MAX_DIFFERENCE = 7.0  # what all differences between the two sides can add
_SHORTEST = 150  # characters of prose in a speech
_WINDOW = 800  # characters compared on each side
_PREAMBLE = 2000  # characters a speech may have before its first numbered heading
_FRONT = 600  # characters a compilation may have before its first piece


def split_speeches(excerpt: Excerpt) -> list[Excerpt]:
    """One excerpt for each speech or report, without the blank lines around it; none for a blank text.

    The title of a compilation, and what its compiler wrote before the mark of the first piece, belong to no
    speech.
    """
    lines = read_lines(excerpt)
    if not lines:
        return []
    front = _front(lines)
    begins = _boundaries(excerpt.text, lines[front:])
    if len(begins) == 1:
        front = 0  # the title of a compilation above a single speech
    if front:
        title = Omission(*excerpt.span(lines[0].start, lines[front - 1].end), "compilation-title")
        excerpt = replace(excerpt, omissions=(*excerpt.omissions, title))
    ends = [*begins[1:], len(lines) - front]
    return [excerpt.cut(lines[front + i].start, lines[front + j - 1].end) for i, j in zip(begins, ends, strict=True)]


def _front(lines: list[Line]) -> int:
    """Index of the first line of the first speech."""
    for i, line in enumerate(lines[1:9], 1):
        if is_first_mark(line) and line.start - lines[0].start < _FRONT:
            return i
    return 1 if len(lines) > 1 and is_compilation_title(lines[0]) else 0


class _Subject:
    """Counts of the pairs of characters that show what a text is about."""

    def __init__(self, text: str = "") -> None:
        self.counts: Counter[str] = Counter()
        self.square = self.total = 0
        self.add(text)

    def add(self, text: str) -> None:
        for pair in find_pairs(text):
            self.counts[pair] += 1
            self.square += 2 * self.counts[pair] - 1
            self.total += 1

    def similarity(self, other: _Subject) -> float:
        """The cosine of the counts, 0 to 1."""
        common = sum(n * self.counts[pair] for pair, n in other.counts.items() if pair in self.counts)
        return common / sqrt(self.square * other.square) if common else 0.0


class _Piece:
    """The speech being read: its first line, the last number of its outermost rank, and its subject."""

    def __init__(self, begin: int) -> None:
        self.begin = begin
        self.number: tuple[int, int] | None = None
        self.subject = _Subject()

    def read(self, text: str, line: Line) -> None:
        self.subject.add(text[line.start : line.end])
        if line.number and (self.number is None or line.number[0] <= self.number[0]):
            self.number = line.number


def _boundaries(text: str, lines: list[Line]) -> list[int]:
    """Indices of the lines where speeches begin; the first is 0."""
    prose = [0, *accumulate(line.end - line.start if is_prose(line) else 0 for line in lines)]
    numbered: list[list[int]] = [[] for _ in range(DEEPEST + 1)]
    for i, line in enumerate(lines):
        if line.number:
            numbered[line.number[0]].append(i)
    begins, piece, likeliest, searched = [0], _Piece(0), -1, -1
    marked = sum(1 for line in lines if line.mark) >= 2
    for i, line in enumerate(lines):
        if marked and not line.mark:
            continue  # marks alone decide
        if min(prose[i] - prose[piece.begin], prose[-1] - prose[i]) >= _SHORTEST:
            ahead = _ahead(numbered, piece, i)
            if ahead > searched and _restarts(lines, piece, i, ahead):
                likeliest, searched = _likeliest(text, lines, piece, range(i, ahead + 1)), ahead
            continues = bool(piece.number and ahead and lines[ahead].number == (piece.number[0], piece.number[1] + 1))
            if i == likeliest or _begins(text, lines, piece, i, prose, continues):
                begins.append(i)
                piece = _Piece(i)
        piece.read(text, line)
    return begins


def _ahead(numbered: list[list[int]], piece: _Piece, i: int) -> int:
    """The first line from `i` on with a number of the piece's outermost rank; 0 if there is none."""
    same = numbered[piece.number[0]] if piece.number else []
    n = bisect_left(same, i)
    return same[n] if n < len(same) else 0


def _restarts(lines: list[Line], piece: _Piece, i: int, ahead: int) -> bool:
    """Whether the numbers restart at line `ahead` (with 一、 or a smaller number), not far below line `i`."""
    number = lines[ahead].number
    if not ahead or not number or not piece.number or lines[ahead].start - lines[i].start > _PREAMBLE:
        return False
    return number[1] < piece.number[1]


def _likeliest(text: str, lines: list[Line], piece: _Piece, among: range) -> int:
    """The line in `among` where the speech begins whose numbers restart at the last of them, or -1."""
    start = lines[among[-1]].start
    following = _Subject(text[start : start + 2 * _WINDOW])
    best, place, leaning = 0.0, -1, 0.0
    sections = any(is_section(lines, i) for i in among)
    for i in among:
        score = _score(text, lines, piece, i)
        worded = score_ending(lines, i) + score_opening(lines, i) >= 0.7
        restart = _RESTART_IN_SECTIONS if sections else _RESTART if worded else _RESTART_ALONE
        if score + restart >= _THRESHOLD and score + leaning > best:
            best, place = score + leaning, i
        paragraph = _Subject(text[lines[i].start : lines[i].end])
        leaning += 4 * (piece.subject.similarity(paragraph) - following.similarity(paragraph))
    return place


def _begins(text: str, lines: list[Line], piece: _Piece, i: int, prose: list[int], continues: bool) -> bool:
    """Whether a speech begins at line `i`, judged by its words and not by the numbering."""
    if lines[i].mark or has_byline(lines[i]):
        return True
    if continues:
        return False
    score = _score(text, lines, piece, i)
    if score < _THRESHOLD:
        return False
    rivals = [j for j in range(i + 1, min(i + 5, len(lines))) if prose[j] - prose[i] < _SHORTEST]
    return all(_score(text, lines, piece, j) <= score for j in rivals)


def _score(text: str, lines: list[Line], piece: _Piece, i: int) -> float:
    """How likely a speech begins at line `i`, leaving the numbering aside."""
    score = score_ending(lines, i) + score_opening(lines, i) - score_connection(lines, i)
    if score + _RESTART + _MAX_DIFFERENCE < _THRESHOLD:
        return score  # no difference can make up for this
    middle = lines[i].start
    before = text[max(lines[piece.begin].start, middle - _WINDOW) : middle]
    after = text[middle : middle + _WINDOW]
    score += _other_place(before, after) + _other_kind(lines, piece.begin, i)
    if score + _RESTART + _OTHER_SUBJECT < _THRESHOLD:
        return score
    return score + _other_subject(piece.subject, _Subject(after))


def _other_subject(before: _Subject, after: _Subject) -> float:
    """The score for having few pairs of characters in common."""
    if min(before.total, after.total) < 60:
        return 0.0
    difference = max(0.24 - before.similarity(after), 0.0)
    return _OTHER_SUBJECT * min(difference / 0.12, 1.0) + 4 * difference


def _other_place(before: str, after: str) -> float:
    """The score for another level of government: 我省 above, 我县 below."""
    a, b = count_levels(before), count_levels(after)
    if not a or not b:
        return 0.0
    (here, n), (there, m) = a.most_common(1)[0], b.most_common(1)[0]
    return 1.5 if here != there and min(n, m) >= 2 and a[there] <= m / 2 and b[here] <= n / 2 else 0.0


def _other_kind(lines: list[Line], begin: int, i: int) -> float:
    """The score for a speech above and a news report below, or the reverse."""
    above, below = lines[max(begin, i - 5) : i], lines[i : i + 4]
    reported, reports = (sum(1 for line in part if is_reported(line)) for part in (above, below))
    speaks = any(is_spoken(line) for line in below)
    spoke = any(is_spoken(line) for line in lines[max(begin, i - 15) : i])
    if reported == 0 and reports >= 2 and spoke:
        return 2.5
    return 3.3 if reported >= 2 and reports == 0 and speaks and not spoke else 0.0
