"""For the tests of a project that uses the library: model replies that are recorded once and replayed ever after.

    def test_the_date(replies: Recordings) -> None:
        (done,) = extract("speech.txt", schema="my.py", replies=replies)

The folder is `replies/` beside the test's file (ini option `extractor_replies`). A test neither asks a model nor reaches a
network: one whose replies are not recorded fails, and says how to record them, `pytest --record-replies`.

pytest loads this module at every start, in projects that never use it: what is heavy waits for the fixture.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from extractor.errors import NotRecordedError
    from extractor.llm.recordings import Recordings

RECORD = "--record-replies"
_RECORDINGS = pytest.StashKey["Recordings"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("extractor")
    group.addoption(
        RECORD, action="store_true", help="Ask the model for replies that are not recorded, and record them."
    )
    parser.addini(
        "extractor_replies",
        "Folder of recorded replies, seen from the test's file [default: replies]",
        default="replies",
    )


@pytest.fixture
def replies(request: pytest.FixtureRequest) -> Recordings:
    """The recorded replies beside the test: for `extract(…, replies=replies)`."""
    from extractor.llm.recordings import Recordings

    folder = request.path.parent / str(request.config.getini("extractor_replies"))
    recordings = Recordings(folder, "record" if request.config.getoption(RECORD) else "replay")
    request.node.stash[_RECORDINGS] = recordings
    return recordings


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A missing recording is a value among a document's failures: whatever the test made of that, it is the reason."""
    try:
        result = yield
    except Exception:
        if not _missed(item):
            raise
        result = None
    if missed := _missed(item):
        others = f" So it is with {len(missed) - 1} more." if len(missed) > 1 else ""
        record = f"Have the model asked and its replies recorded: pytest {RECORD} {item.nodeid}"
        pytest.fail(f"{missed[0].what}{others} {record}", pytrace=False)
    return result


def _missed(item: pytest.Item) -> list[NotRecordedError]:
    recordings = item.stash.get(_RECORDINGS, None)
    return [] if recordings is None else recordings.missed
