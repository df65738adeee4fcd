"""The files of an output, as they are opened and put in place."""

from __future__ import annotations

from pathlib import Path

from extractor.output.files import before_path, open_output, part_path


def test_each_restart_of_an_unfinished_run_keeps_what_was_written(tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    for written in ("one\n", "two\n"):
        part_path(output).write_text(written)
        with open_output(output, restart=True):
            pass
    kept = [before_path(output), tmp_path / "out.jsonl.before.2"]
    assert [path.read_text() for path in kept] == ["one\n", "two\n"]
    assert not list(tmp_path.glob("*.new"))
