"""The bill of an output: what all runs into it spent, the killed ones included."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result
from fake_endpoint import FakeEndpoint, Step, answer_step, answering, read_facts
from typer.testing import CliRunner

from extractor.cli.main import app
from extractor.document import Json
from extractor.llm.prices import Price
from extractor.output.ledger import ledger_path
from extractor.runs.bill import UNDER_WAY, Bill, bill_of
from extractor.runs.run_log import KILLED, run_log_path

SPEECH = "5月27日，全市安全生产工作会议第{}次召开。市委书记李明主持会议并讲话。去年，全市排查隐患1260处。\n"
OUT = Path("o.jsonl")
LOG = Path("log.jsonl")
# What the fake endpoint reports for each answer.
ANSWER = Price(1.0, 2.0).of


@pytest.fixture(autouse=True)
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(6):
        Path(f"d{number}.txt").write_text(SPEECH.format(number), encoding="utf-8")


def command(fake: FakeEndpoint, *more: str) -> list[str]:
    texts = [f"d{number}.txt" for number in range(6)]
    options = [
        "-o",
        str(OUT),
        "--base-url",
        fake.base_url,
        "--model",
        "fake",
        "--separate-fields",
        "--log-json",
        str(LOG),
    ]
    return ["extract", *texts, *options, "--price-in", "1", "--price-out", "2", "--concurrency", "1", *more]


def extract(fake: FakeEndpoint, *more: str) -> Result:
    return CliRunner().invoke(app, command(fake, *more))


def killed_run(fake_count: int) -> int:
    """A run that is killed when it asks the question of this number; returns how many were answered."""
    running: list[subprocess.Popen[bytes]] = []

    def kill(body: Json) -> Step | None:
        if len(fake.seen) < fake_count:
            return None
        running[0].send_signal(signal.SIGKILL)
        return Step(hang=True)

    with answering(kill) as fake:
        running.append(subprocess.Popen([sys.executable, "-m", "extractor", *command(fake)], stderr=subprocess.DEVNULL))
        running[0].wait(timeout=60)
    return len(fake.seen) - 1


def logged() -> list[Json]:
    events = [json.loads(line) for line in LOG.read_text(encoding="utf-8").splitlines()]
    return [event for event in events if event["event"] == "attempt"]


def agrees(bill: Bill) -> bool:
    """Whether the bill is what the log of events and the records say."""
    events = logged()
    lines = [json.loads(line) for line in OUT.read_text(encoding="utf-8").splitlines()]
    return (
        bill.total.usage.requests == len(events) == sum(line["run"]["requests"] for line in lines)
        and bill.total.cost == pytest.approx(sum(event["cost"] for event in events))
        and bill.total.cost == pytest.approx(sum(line["run"]["cost"] for line in lines))
        and bill.total.usage == bill.in_records.usage
    )


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", [1, 2, 9])
def test_a_killed_run_is_on_the_bill(number: int) -> None:
    answered = killed_run(number)
    assert answered == number - 1
    left = bill_of(OUT)
    assert [(run.ended, run.spent.usage.requests) for run in left.runs] == [(UNDER_WAY, answered)]
    with answering() as fake:
        assert extract(fake).exit_code == 0
    bill = bill_of(OUT)
    assert [run.spent.usage.requests for run in bill.runs] == [answered, len(fake.seen)]
    assert bill.runs[0].ended == (KILLED if answered else UNDER_WAY)
    assert bill.runs[1].ended == "exit code 0"
    assert agrees(bill)
    assert not ledger_path(OUT).exists()


def test_a_run_that_failed_and_one_that_spent_nothing_are_on_the_bill() -> None:
    with answering(lambda body: Step(400, {"error": {"message": "no"}}) if len(fake.seen) == 3 else None) as fake:
        assert extract(fake).exit_code == 1
        assert extract(fake, "--retry-failed").exit_code == 0
        assert extract(fake).exit_code == 0
    bill = bill_of(OUT)
    assert [run.ended for run in bill.runs] == ["exit code 1", "exit code 0", "exit code 0"]
    assert [run.spent.usage.requests for run in bill.runs] == [len(fake.seen) - 2, 1, 0]
    assert bill.total.usage.requests == bill.in_records.usage.requests
    result = CliRunner().invoke(app, ["cost", str(OUT)])
    assert result.exit_code == 0
    head, *rows, total, behind = result.stdout.splitlines()
    assert head.split("  ")[0] == "run"
    assert [row.split()[0] for row in rows] == [run.run for run in bill.runs]
    assert total.split() == ["total", "18", "18,000", "0", "9,000", "$0.0360"]
    assert behind == "behind the 6 records: 18 answers, 18,000 tokens read and 9,000 written, cost $0.0360"


def test_another_price_can_be_named() -> None:
    with answering() as fake:
        assert extract(fake).exit_code == 0
    result = CliRunner().invoke(app, ["cost", str(OUT), "--price-in", "10", "--price-out", "20"])
    assert "cost $0.36" in result.stdout


def test_a_torn_ledger_and_a_torn_log_are_repaired() -> None:
    with answering() as fake:
        assert extract(fake).exit_code == 0
    for path in (ledger_path(OUT), run_log_path(OUT)):
        with path.open("ab") as stream:
            stream.write(b'{"run": "ab')
    with answering() as fake:
        assert extract(fake).exit_code == 0
    entries = [json.loads(line) for line in run_log_path(OUT).read_text(encoding="utf-8").splitlines()]
    assert [entry["event"] for entry in entries] == ["start", "end"] * 2
    assert not ledger_path(OUT).exists()


def test_an_endpoint_that_reports_nothing_is_billed_by_estimate() -> None:
    with answering() as fake:
        assert extract(fake).exit_code == 0
    reported = bill_of(OUT).total.usage
    assert reported.estimated == 0
    OUT.unlink()
    run_log_path(OUT).unlink()

    def silent(body: Json) -> Step:
        step = answer_step(read_facts(body))
        return Step(body={**step.body, "usage": None})

    with answering(silent) as fake:
        assert extract(fake).exit_code == 0
    bill = bill_of(OUT)
    assert bill.total.usage.estimated == bill.total.usage.requests == reported.requests
    assert bill.total.usage.input_tokens > 0
    assert bill.in_records.cost == pytest.approx(bill.total.cost)
    assert "estimated: the tokens of 18 answers" in CliRunner().invoke(app, ["cost", str(OUT)]).stdout


def test_what_is_no_output_is_said() -> None:
    result = CliRunner().invoke(app, ["cost", "none.jsonl"])
    assert result.exit_code == 2
    assert "none.jsonl.runs.jsonl has no runs" in result.stderr
