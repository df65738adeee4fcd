from __future__ import annotations

from pathlib import Path

from opening import Opening

from extractor import Recordings, extract

TEXTS = Path(__file__).parent / "texts"


def test_an_opening_is_read(replies: Recordings) -> None:
    (done,) = extract(TEXTS / "library.txt", schema=Opening, replies=replies)
    assert done.failures == ()
    (record,) = done.records
    assert record.date is not None
    assert record.date.edtf == "2023-04-21"
    assert {guest.name: guest.titles for guest in record.guests} == {"周以宁": ["县长"], "贺文清": ["副县长"]}
