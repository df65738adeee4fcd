"""A pytest fixture for projects that use the library: model replies are recorded once, then replayed.

    def test_the_date(replies: Recordings) -> None:
        (done,) = extract("speech.txt", schema="my.py", replies=replies)

The folder is `replies/` beside the test file (ini option `extractor_replies`). Tests ask no model and use no
network: a test whose replies are not recorded fails with the command that records them, `pytest
--record-replies`.

pytest loads this module at every start, even in projects that never use it, so heavy imports wait for the
fixture.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from extractor.errors import NotRecordedError
    from extractor.llm.recordings import Recordings

RECORD = "--record-replies"
_RECORDINGS = pytest.StashKey["Recordings"]()
_SHOWING = threading.Lock()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("extractor")
    group.addoption(
        RECORD,
        action="store_true",
        help="Ask the model for replies that are not recorded yet, and record them.",
    )
    parser.addini(
        "extractor_replies",
        "Folder of recorded replies, relative to the test file [default: replies]",
        default="replies",
    )


@pytest.fixture
def replies(request: pytest.FixtureRequest) -> Recordings:
    """The recorded replies beside the test, for `extract(…, replies=replies)`."""
    from extractor.llm.recordings import Recordings

    folder = request.path.parent / str(request.config.getini("extractor_replies"))
    if request.config.getoption(RECORD):
        recordings = Recordings(folder, "record", on_asked=lambda about: _show(request.config, about))
    else:
        recordings = Recordings(folder, "replay")
    request.node.stash[_RECORDINGS] = recordings
    return recordings


def _show(config: pytest.Config, about: dict[str, object]) -> None:
    """Show a question that the model is asked, since an answer may take a minute."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")
    if reporter is None or capture is None:
        return
    with _SHOWING, capture.global_and_fixture_disabled():
        reporter.ensure_newline()
        reporter.write_line(f"recording {about.get('document')}: {about.get('field')} at {about.get('start')}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that missed a recording.

    `extract` only lists it among a document's failures, so the test could pass, or fail for a
    misleading reason.
    """
    try:
        result = yield
    except Exception:
        if not _missed(item):
            raise
        result = None
    if missed := _missed(item):
        more = len(missed) - 1
        others = f" {more} more {'reply is' if more == 1 else 'replies are'} missing." if more else ""
        record = f"Record them with the model: pytest {RECORD} {item.nodeid}"
        pytest.fail(f"{missed[0].what}{others} {record}", pytrace=False)
    return result


def _missed(item: pytest.Item) -> list[NotRecordedError]:
    recordings = item.stash.get(_RECORDINGS, None)
    return [] if recordings is None else recordings.missed
