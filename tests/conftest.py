"""No test may reach a network or run the embedded model, except in a run with `pytest -m live`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from extractor.llm import local_weights

# A separate project: test_pytest_plugin runs its tests the way a user would.
collect_ignore = ["example_project"]

# pytest-socket does not reach subprocesses, so every Python that a test starts runs this first.
OFFLINE = """
import sys

LOOPBACK = ("127.0.0.1", "::1", "localhost", None)


def refuse(event, args):
    if event == "socket.connect":
        host = args[1][0] if isinstance(args[1], tuple) else None
    elif event == "socket.getaddrinfo":
        host = args[0]
    else:
        return
    if host not in LOOPBACK and not str(host).startswith("127."):
        raise RuntimeError(f"A test's subprocess tried to reach {host!r}: only this machine is allowed.")


sys.addaudithook(refuse)
"""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _is_live(config):
        return
    skip = pytest.mark.skip(reason="runs the embedded model: use -m live")
    for item in items:
        if item.get_closest_marker("live"):
            item.add_marker(skip)


@pytest.fixture(scope="session", autouse=True)
def offline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Remove all keys. Unless the run is live, block the network in subprocesses and hide the embedded model.

    The model's parts may be installed. Empty packages with their names come earlier on the path and hide
    them, also in subprocesses; the cache is an empty folder, so that no joined file is found.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in [*os.environ]:
            if name.endswith("_API_KEY") or name.startswith("OPENAI_"):
                patch.delenv(name)
        if not _is_live(request.config):
            shadows = _shadow(tmp_path_factory.mktemp("shadows"))
            patch.syspath_prepend(shadows)
            patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(shadows), os.environ.get("PYTHONPATH")])))
            patch.setenv("EXTRACTOR_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def _is_live(config: pytest.Config) -> bool:
    return config.getoption("markexpr") == "live"


def _shadow(folder: Path) -> Path:
    for n in range(1, local_weights.MODEL.parts + 1):
        package = folder / f"{local_weights.MODEL.package}{n}"
        package.mkdir()
        (package / "__init__.py").touch()
    (folder / "sitecustomize.py").write_text(OFFLINE, encoding="utf-8")
    return folder
