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


# A line as version 0.1 wrote it about the same text.
OLD = (ROOT / "tests" / "cases" / "format_1.jsonl").read_bytes()


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
    output.write_bytes(OLD)
    assert "older version of extractor (format 1" in run("-o", str(output)).stderr
    assert run("-o", str(output), "--restart").exit_code == 0
    assert output.read_bytes() == whole


def test_an_interrupted_output_of_another_format_is_kept_by_a_restart(tmp_path: Path) -> None:
    output = tmp_path / "records.jsonl"
    part, before = (tmp_path / f"records.jsonl.{end}" for end in ("part", "before"))
    part.write_bytes(OLD + OLD.replace(b"003_0f4e", b"003_0f4f"))
    content = part.read_bytes()
    refused = run("-o", str(output)).stderr
    assert f"{part} was written by an older version" in refused
    assert f"--restart ({before} then holds the old records)" in refused
    assert run("-o", str(output), "--restart").exit_code == 0
    assert before.read_bytes() == content
    # The name is taken now.
    output.rename(part)
    part.write_bytes(content)
    assert f"--restart ({before}.2 then holds the old records)" in run("-o", str(output)).stderr
    assert run("-o", str(output), "--restart").exit_code == 0
    assert Path(f"{before}.2").read_bytes() == before.read_bytes() == content


def test_schema_diff_refuses_an_output_of_another_format(tmp_path: Path) -> None:
    path = tmp_path / "old.jsonl"
    path.write_bytes(OLD)
    result = CliRunner().invoke(app, ["schema", "diff", str(path), "meeting"])
    assert result.exit_code == 2
    assert f"{path} was written by an older version of extractor (format 1;" in result.stderr
    assert result.stderr.rstrip().endswith("so its recipe can't be read: name the older schema's file instead.")


def test_a_restart_that_could_not_begin_is_resumed_as_a_restart(tmp_path: Path, output: Path) -> None:
    output.write_bytes(OLD)
    none = str(tmp_path / "none")
    text = tmp_path / "more.txt"
    text.write_text("各部门要加强管理，县长何志远6月8日主持会议。", encoding="utf-8")
    stopped = CliRunner().invoke(
        app, ["extract", str(text), "--model", "dashscope/qwen-plus", "--replies", none, "-o", str(output), "--restart"]
    )
    assert stopped.exit_code == 2
    assert "run the same command without --restart: it resumes" in stopped.stderr
    assert output.read_bytes() == OLD
    resumed = CliRunner().invoke(
        app, ["extract", str(text), "--model", "dashscope/qwen-plus", "--replies", none, "-o", str(output)]
    )
    assert "older version" not in resumed.stderr, "the output is still to be replaced"
    assert output.read_bytes() == OLD


def test_a_line_without_its_card_is_made_again_and_nothing_is_asked(tmp_path: Path, output: Path) -> None:
    """The card is part of the recipe and of no field, so lines that were written before there was one are outdated."""
    whole = output.read_bytes()
    line = json.loads(whole)
    rewrite(output, document=None, run={**line["run"], "recipe": "0123456789ab"})
    none = str(tmp_path / "none")
    result = CliRunner().invoke(app, ["extract", SEED, "--replies", none, "--mode", "replay", "-o", str(output)])
    assert result.exit_code == 0, result.stderr
    assert "back-fill: 1 records are of an earlier recipe; nothing will be asked" in result.stderr
    assert output.read_bytes() == whole


def test_a_head_is_read_quickly_and_by_parsing_alike(output: Path) -> None:
    line = output.read_bytes()
    spaced = json.dumps(json.loads(line), ensure_ascii=False, separators=(" , ", " : ")).encode() + b"\n"
    assert read_head(line) == read_head(spaced) is not None
