"""The summary of a run: who changes it, and the exit code that follows from it."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from scripted import ROOT

from extractor.errors import KeyRefusedError, RunInterruptedError
from extractor.runs.summary import Summary


def test_only_its_own_methods_change_a_summary() -> None:
    for path in sorted((ROOT / "extractor").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            targets: list[Any] = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            for target in targets:
                changed = ast.unparse(target) if isinstance(target, ast.AST) else ""
                assert "summary." not in changed, f"{path}, line {node.lineno}: {changed}"


@pytest.mark.parametrize(
    ("summary", "code"),
    [
        (Summary(documents=1, records=1), 0),
        (Summary(skipped=1), 0),
        (Summary(submitted=1), 0),
        (Summary(failed=1), 1),
        (Summary(waiting=1), 1),
        (Summary(left=1), 1),
        (Summary(outdated=1), 1),
        (Summary(open=1), 1),
        (Summary(stopped=KeyRefusedError("no")), 2),
        (Summary(stopped=RunInterruptedError("stopped"), failed=1), 130),
    ],
)
def test_the_exit_code(summary: Summary, code: int) -> None:
    assert summary.exit_code == code


def test_a_submission_closes_the_open_documents() -> None:
    summary = Summary(open=3)
    summary.add_earlier(skipped=1, waiting=0, left=0, outdated=2)
    summary.submit()
    assert (summary.submitted, summary.open, summary.skipped, summary.outdated, summary.exit_code) == (3, 0, 1, 0, 0)
