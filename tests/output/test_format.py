"""The number of the line's format: an output of another format is recognised and left as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from extractor.cli.main import app
from extractor.output.record_index import read_head

ROOT = Path(__file__).parents[2]
REPLIES = str(ROOT / "fixtures" / "replies")
SEED = str(ROOT / "seeds" / "003_0f4e80f0cf21daff.txt")


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["extract", SEED, "--replies", REPLIES, "--mode", "replay", *arguments])


@pytest.fixture
def output(tmp_path: Path) -> Path:
    path = tmp_path / "records.jsonl"
    assert run("-o", str(path)).exit_code == 0
    return path


def rewrite(path: Path, **changes: Any) -> bytes:
    line = json.loads(path.read_text(encoding="utf-8"))
    line = {key: value for key, value in {**line, **changes}.items() if value is not None}
    path.write_text(json.dumps(line, ensure_ascii=False) + "\n", encoding="utf-8")
    return path.read_bytes()


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (None, "was written by an older version of extractor (format 1; this one writes format 2)"),
        (3, "was written by a newer version of extractor (format 3; this one writes format 2)"),
    ],
    ids=["older", "newer"],
)
def test_an_output_of_another_format_is_refused_and_stays(output: Path, found: int | None, message: str) -> None:
    before = rewrite(output, format=found)
    result = run("-o", str(output))
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Name another file with -o, or convert everything again with --restart" in result.stderr
    assert output.read_bytes() == before


def test_the_step_that_the_message_names_works(output: Path) -> None:
    whole = output.read_bytes()
    rewrite(output, format=None)
    assert run("-o", str(output), "--restart").exit_code == 0
    assert output.read_bytes() == whole


def test_a_head_is_read_quickly_and_by_parsing_alike(output: Path) -> None:
    line = output.read_bytes()
    spaced = json.dumps(json.loads(line), ensure_ascii=False, separators=(" , ", " : ")).encode() + b"\n"
    assert read_head(line) == read_head(spaced) is not None
