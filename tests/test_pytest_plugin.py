"""The fixture for projects that use the library, run in such a project by a separate Python."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from fake_endpoint import answering
from scripted import ROOT

EXAMPLE = ROOT / "tests" / "example_project"
TEST = """
from extractor import Document, extract

TEXT = "5月27日，全市安全生产工作会议召开。要加强管理。"


def test_measures(replies):
    (done,) = extract([Document.from_text(TEXT, "d")], model="m", base_url="{url}", replies=replies)
    assert [measure.text for measure in done.records[0].measures] == ["加强管理"]


def test_nothing(replies):
    pass


def test_wrong(replies):
    assert "this" == "that"


def test_asserts_nothing(replies):
    list(extract([Document.from_text(TEXT, "e")], separate_fields=True, model="m", base_url="{url}", replies=replies))
"""


# What a project's tests would load besides: most of the time that they take to start.
OTHER_PLUGINS = ("cacheprovider", "hypothesispytest", "xdist", "pytest_socket", "anyio")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    assert "extractor.pytest_plugin" in {point.value for point in entry_points(group="pytest11")}, (
        "the installed package lacks the plugin: run `pip install -e '.[test]'` again"
    )
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *(f"-pno:{plugin}" for plugin in OTHER_PLUGINS), *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONUTF8": "1", "COLUMNS": "500", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture
def example(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "example", ignore=shutil.ignore_patterns("__pycache__")))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose model is at an address where no server listens."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    write(tmp_path, "http://127.0.0.1:1/v1")
    return tmp_path


def write(project: Path, url: str) -> None:
    (project / "tests" / "test_it.py").write_text(TEST.format(url=url), encoding="utf-8")


def test_a_project_s_tests_ask_no_model(example: Path) -> None:
    done = run(example)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("1 passed")


def test_a_missing_recording_fails_with_the_command_that_records_it(example: Path) -> None:
    shutil.rmtree(example / "replies")
    done = run(example)
    assert done.returncode == 1
    expected = (
        r"^No recorded reply for library, date of the passage at 0-97: \S+/replies/library\.json does not exist\. "
        r"Record them with the model: "
        r"pytest --record-replies test_opening\.py::test_an_opening_is_read$"
    )
    assert re.search(expected, done.stdout, re.MULTILINE), done.stdout
    assert "AssertionError" not in done.stdout
    assert not (example / "replies").exists()


def test_recording_without_a_model_says_how_to_get_one(example: Path) -> None:
    shutil.rmtree(example / "replies")
    done = run(example, "--record-replies")
    assert done.returncode == 1
    assert "pip install 'meeting-extractor[local]'" in done.stdout


def test_replies_are_recorded_once_and_replayed(project: Path) -> None:
    with answering() as fake:
        write(project, fake.base_url)
        recorded = run(project, "--record-replies").stdout
        assert "1 failed, 3 passed" in recorded
        shown = re.findall(r"recording (\w): [\w+]+ at \d+$", recorded, re.MULTILINE)
        assert len(shown) == len(fake.seen)
        assert set(shown) == {"d", "e"}
        asked = len(fake.seen)
        assert asked
        run(project, "--record-replies")
        assert len(fake.seen) == asked
    write(project, "http://127.0.0.1:1/v1")
    assert {path.name for path in (project / "tests" / "replies").iterdir()} == {"d.json", "e.json"}
    done = run(project)
    assert "1 failed, 3 passed" in done.stdout
    assert "assert 'this' == 'that'" in done.stdout


def test_a_missing_recording_fails_a_test_that_asserts_nothing(project: Path) -> None:
    done = run(project, "-k", "asserts_nothing")
    assert "pytest --record-replies tests/test_it.py::test_asserts_nothing" in done.stdout
    assert re.search(r"[1-9] more repl(y is|ies are) missing\.", done.stdout)
    assert "1 failed" in done.stdout


def test_a_project_can_choose_the_folder(project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\nextractor_replies = ../recorded\n")
    with answering() as fake:
        write(project, fake.base_url)
        run(project, "--record-replies", "-k", "measures")
    assert [path.name for path in (project / "recorded").iterdir()] == ["d.json"]


def test_the_plugin_loads_nothing_heavy() -> None:
    """pytest loads it in every project of the environment."""
    code = "import sys, extractor.pytest_plugin; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"pydantic", "openai", "instructor", "typer"} & set(loaded) == set()
