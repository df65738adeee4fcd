"""Where the lines of a speech leave it open what belongs together."""

from __future__ import annotations

from itertools import pairwise

from extractor.document import Excerpt
from extractor.lang.sentences import TITLES, paragraphs, seems_broken_off
from extractor.pipeline.answer import Problem


def layout_problems(speech: Excerpt) -> list[Problem]:
    """One problem if lines end within a sentence, as far as code can tell, and were not joined.

    It says how many, and where the first of them ends.
    """
    text = speech.text
    ends = [
        (before[1], after[0])
        for before, after in list(pairwise(paragraphs(text)))[TITLES:]
        if text.count("\n", before[1], after[0]) == 1
        and seems_broken_off(text[slice(*before)].rpartition("\n")[2], text[slice(*after)])
    ]
    if not ends:
        return []
    start, end = speech.span(ends[0][0] - 1, ends[0][1] + 1)
    number = "a line seems" if len(ends) == 1 else f"{len(ends)} lines seem"
    detail = f"{number} to end within a sentence: clauses, headings and speakers around it may be wrong"
    return [Problem("layout", "", None, start, end, detail)]
