"""A run that is cut short, at any moment, and the next run, which resumes it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from fake_endpoint import FakeEndpoint, Step, answering, completion_body, field_of, passage_of, read_facts
from typer.testing import CliRunner

from extractor.cli.main import app
from extractor.document import Json
from extractor.llm.call import request_key
from extractor.output.files import restart_path
from extractor.pipeline import convert
from extractor.pipeline.validate import validate
from extractor.runs.convert_to_file import answer_cache_path

SPEECH = (
    "5月27日，全市安全生产工作会议在{}市人民礼堂召开。市委书记李明主持会议并讲话。去年，全市排查隐患1260处。"
    "李明要求，各部门要加强隐患排查，确保不发生重大事故。\n"
)
FIELDS = ("date", "officials", "statistics", "targets", "measures")
CITIES = "丁丙乙己戊甲"  # in reading order
OUT = Path("out.jsonl")
PART = Path("out.jsonl.part")
FAILED = Path("out.jsonl.failures.jsonl")
# A line that version 0.1 wrote.
FORMAT_1 = (Path(__file__).parents[1] / "cases" / "format_1.jsonl").read_bytes()


@pytest.fixture(autouse=True)
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("texts").mkdir()
    for city in CITIES:
        Path(f"texts/{city}.txt").write_text(SPEECH.format(city), encoding="utf-8")
    return tmp_path


def arguments(fake: FakeEndpoint, *more: str) -> list[str]:
    return [
        "extract",
        "texts",
        "-o",
        str(OUT),
        "--base-url",
        fake.base_url,
        "--model",
        "fake",
        "--separate-fields",
        "--concurrency",
        "1",
        *more,
    ]


def extract(fake: FakeEndpoint, *more: str) -> Result:
    result = CliRunner().invoke(app, arguments(fake, *more))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def start(fake: FakeEndpoint, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "extractor", *arguments(fake, *more)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")


def lines(path: Path = OUT) -> list[Json]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def content(path: Path = OUT) -> list[str]:
    return sorted(path.read_text(encoding="utf-8").splitlines())


def keys(fake: FakeEndpoint) -> Counter[str]:
    return Counter(request_key(seen.body) for seen in fake.seen)


def city_of(body: Json) -> str:
    return next(city for city in CITIES if f"{city}市" in passage_of(body))


_UNDISTURBED: dict[str, bytes] = {}


@pytest.fixture
def undisturbed() -> Iterator[list[str]]:
    """The lines of a run that is not cut short; its files are made once and laid out for each test."""
    if not _UNDISTURBED:
        with answering() as fake:
            assert extract(fake).exit_code == 0
        _UNDISTURBED.update({path.name: path.read_bytes() for path in Path().glob("out.jsonl*")})
    for name, written in _UNDISTURBED.items():
        Path(name).write_bytes(written)
    yield content()
    assert not list(Path().glob("*.answers")), "the answers of finished documents are deleted"


def remove_output() -> None:
    for path in Path().glob("out.jsonl*"):
        path.unlink()


# --- kill -9 ---


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("moment", range(20))
def test_a_killed_run_is_resumed(moment: int, undisturbed: list[str]) -> None:
    """A run killed after a random number of requests, once or twice, and then resumed.

    The lines are the same except for their order, and only what was under way is asked twice.
    """
    remove_output()
    chance = random.Random(moment)
    at_once = chance.choice([1, 4])
    asked: Counter[str] = Counter()
    under_way = 0
    for _ in range(chance.choice([1, 2])):
        last = chance.randrange(1, 30)
        running: list[subprocess.Popen[str]] = []
        count = iter(range(1, 1000))
        killed = threading.Event()

        def kill(
            body: Json,
            last: int = last,
            running: list[subprocess.Popen[str]] = running,
            count: Iterator[int] = count,
            killed: threading.Event = killed,
        ) -> Step | None:
            if next(count) >= last and not killed.is_set():
                killed.set()
                running[0].send_signal(signal.SIGKILL)
            return Step(hang=True) if killed.is_set() else None

        with answering(kill) as fake:
            running.append(start(fake, "--concurrency", str(at_once)))
            running[0].communicate(timeout=60)
        asked += keys(fake)
        # An answer is kept before another question takes its place. The second round may have ended before the kill.
        under_way += at_once * killed.is_set()
        assert killed.is_set() or under_way
    with answering() as fake:
        assert extract(fake, "--concurrency", str(at_once)).exit_code == 0
    asked += keys(fake)
    assert content() == undisturbed
    assert sum(n - 1 for n in asked.values()) <= under_way
    assert not PART.exists()


@pytest.mark.parametrize("cut", [0, 1, 100])
def test_a_torn_last_line_is_repaired(cut: int, undisturbed: list[str]) -> None:
    """Whether the `.part` or the output itself is torn; no other document is asked about again."""
    whole = OUT.read_bytes()
    for path in (OUT, PART):
        remove_output()
        path.write_bytes(whole[: len(whole) - cut])
        with answering() as fake:
            assert extract(fake).exit_code == 0
        assert content() == undisturbed
        # The last document of a `.part` may lack a record, so it is converted again too.
        last = {0: "甲", 1: "戊甲", 100: "戊甲"}[cut] if path == PART else {0: "", 1: "", 100: "甲"}[cut]
        assert {city_of(seen.body) for seen in fake.seen} == set(last)


def test_zeros_that_a_power_loss_left_are_not_lines(undisturbed: list[str]) -> None:
    whole = OUT.read_bytes()
    remove_output()
    PART.write_bytes(whole[: len(whole) // 2] + b"\0" * 500)
    with answering() as fake:
        assert extract(fake).exit_code == 0
    assert content() == undisturbed


# --- Ctrl-C ---


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("signal_name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("at_once", [1, 4])
def test_a_signal_waits_for_answers_under_way_and_keeps_them(
    at_once: int, signal_name: str, undisturbed: list[str]
) -> None:
    remove_output()
    running: list[subprocess.Popen[str]] = []
    count = iter(range(1, 1000))
    stopping = threading.Event()
    shown: list[str] = []

    def interrupt(body: Json) -> Step | None:
        number = next(count)
        if number == 8:
            running[0].send_signal(getattr(signal, signal_name))
            assert running[0].stderr is not None
            while not shown or "Stopping" not in shown[-1]:
                shown.append(running[0].stderr.readline())
            stopping.set()
        elif number > 8:  # no answer until the signal has arrived, however long that takes
            stopping.wait(timeout=60)
        return None

    with answering(interrupt) as fake:
        running.append(start(fake, "--concurrency", str(at_once)))
        running[0].wait(timeout=60)
    _, stderr = running[0].communicate()
    assert running[0].returncode == 130
    assert "Traceback" not in stderr
    assert shown[-1] == "Stopping: waiting for the answers already requested. Press Ctrl-C again to stop at once.\n"
    assert stderr.rstrip().endswith("Run the same command again: it resumes where this one stopped.")
    assert not OUT.exists()
    asked = keys(fake)
    assert len(fake.seen) <= 8 + at_once
    with answering() as fake:
        assert extract(fake, "--concurrency", str(at_once)).exit_code == 0
    assert max((asked + keys(fake)).values()) == 1, "nothing is asked twice"
    assert content() == undisturbed


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("moment", range(8))
def test_two_signals_at_any_moment_end_a_run_without_a_trace(moment: int, undisturbed: list[str]) -> None:
    remove_output()
    chance = random.Random(moment)
    at_once = chance.choice(["1", "4"])
    with answering(lambda body: Step(hang=True) if chance.random() < 0.05 else None) as fake:
        running = start(fake, "--concurrency", at_once)
        while not fake.seen:
            threading.Event().wait(0.01)
        threading.Event().wait(chance.uniform(0, 0.3))
        for number in chance.choices([signal.SIGINT, signal.SIGTERM, signal.SIGHUP], k=2):
            running.send_signal(number)
            threading.Event().wait(chance.uniform(0, 0.05))
        _, stderr = running.communicate(timeout=60)
    assert running.returncode in (0, 130)  # it may have been done before the first signal
    for words in ("Traceback", "Abort", "Fatal", "Exception ignored"):
        assert words not in stderr
    with answering() as fake:
        assert extract(fake).exit_code == 0
    assert content() == undisturbed


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_hang_up_is_not_heard_under_nohup(undisturbed: list[str]) -> None:
    remove_output()
    running: list[subprocess.Popen[str]] = []

    def hang_up(body: Json) -> None:
        running[0].send_signal(signal.SIGHUP)

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a child inherits it
    try:
        with answering(hang_up) as fake:
            running.append(start(fake, "--concurrency", "1"))
            running[0].communicate(timeout=60)
        assert running[0].returncode == 0
    finally:
        signal.signal(signal.SIGHUP, before)
    assert content() == undisturbed


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("at_once", ["1", "32"])
def test_ctrl_c_twice_ends_the_run_at_once(at_once: str) -> None:
    running: list[subprocess.Popen[str]] = []
    once = threading.Lock()

    def interrupt(body: Json) -> Step | None:
        if city_of(body) == CITIES[0]:
            return None
        while not PART.read_bytes():  # the first document is written before
            threading.Event().wait(0.01)
        if once.acquire(blocking=False):
            running[0].send_signal(signal.SIGINT)
            assert running[0].stderr is not None
            while "Stopping" not in running[0].stderr.readline():
                pass
            running[0].send_signal(signal.SIGINT)
        return Step(hang=True)

    with answering(interrupt) as fake:
        running.append(start(fake, "--concurrency", at_once))
        assert running[0].wait(timeout=60) == 130
    _, stderr = running[0].communicate()
    assert "Traceback" not in stderr
    assert "extractor: Stopped. Finished records are in out.jsonl.part. Run the same command again" in stderr
    assert [line["id"] for line in lines(PART)] == [CITIES[0]]


# --- finished work is not repeated ---


def test_a_second_run_asks_nothing_and_changes_nothing(undisturbed: list[str]) -> None:
    before = OUT.read_bytes()
    with answering() as fake:
        result = extract(fake)
        assert fake.seen == []
    assert (result.exit_code, OUT.read_bytes()) == (0, before)
    assert "nothing to do: all 6 documents are up to date" in result.stderr


def test_only_new_and_changed_texts_are_converted(undisturbed: list[str]) -> None:
    Path("texts/庚.txt").write_text(SPEECH.format("庚"), encoding="utf-8")
    Path("texts/丙.txt").write_text(SPEECH.format("丙") + "各部门要加强监督。\n", encoding="utf-8")
    Path("texts/甲.txt").unlink()
    with answering() as fake:
        assert extract(fake).exit_code == 0
        assert {passage_of(seen.body).partition("在")[2][0] for seen in fake.seen} == {"丙", "庚"}
    assert [line["id"] for line in lines()] == [*"丁乙己戊甲", *"丙庚"], "records of other texts stay"
    assert "加强监督" in json.dumps(lines()[5]["record"], ensure_ascii=False)


def test_records_of_another_recipe_are_not_added_to(undisturbed: list[str]) -> None:
    before = OUT.read_bytes()
    with answering() as fake:
        refused = extract(fake, "--model", "other")
        assert fake.seen == []
        assert refused.exit_code == 2
        assert "holds records of another recipe" in refused.stderr
        assert "start over with --restart" in refused.stderr
        assert OUT.read_bytes() == before
        assert extract(fake, "--model", "other", "--restart").exit_code == 0
    assert {line["run"]["model"] for line in lines()} == {"other"}
    assert len(lines()) == 6


def test_a_file_that_holds_something_else_is_not_touched() -> None:
    OUT.write_text("old\n", encoding="utf-8")
    with answering() as fake:
        refused = extract(fake)
        assert (refused.exit_code, fake.seen) == (2, [])
        assert "out.jsonl, line 1, is not a record" in refused.stderr
        assert OUT.read_text(encoding="utf-8") == "old\n"
        assert extract(fake, "--restart").exit_code == 0
    assert len(lines()) == 6


def test_a_document_of_another_folder_does_not_take_the_id_of_a_record(undisturbed: list[str]) -> None:
    Path("more").mkdir()
    Path("more/甲.txt").write_text(SPEECH.format("辛"), encoding="utf-8")
    with answering() as fake:
        command = [
            "extract",
            "more",
            "-o",
            "out.jsonl",
            "--base-url",
            fake.base_url,
            "--model",
            "fake",
            "--separate-fields",
            "--concurrency",
            "1",
        ]
        result = CliRunner().invoke(app, command)
        assert (result.exit_code, fake.seen) == (1, [])
    (failure,) = lines(FAILED)
    assert failure["kind"] == "id-taken"
    assert (
        "which out.jsonl already has for texts/甲.txt. Give it another id, or name another file with -o."
        in failure["reason"]
    )
    assert content() == undisturbed


@pytest.mark.parametrize("workers", [1, 8])
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (1, 2, 0)])
def test_a_speech_and_a_document_of_the_same_id_are_not_both_written(order: tuple[int, ...], workers: int) -> None:
    compilation = next((Path(__file__).parents[2] / "seeds").glob("001_*.txt")).read_text(encoding="utf-8")
    texts = {"d": compilation, "d#1": SPEECH.format("甲"), "d#2": SPEECH.format("乙")}
    rows = [{"id": name, "text": text} for name, text in texts.items()]
    Path("in.jsonl").write_text("".join(json.dumps(rows[n]) + "\n" for n in order), encoding="utf-8")
    with answering() as fake:
        options = ["--base-url", fake.base_url, "--model", "fake", "--concurrency", str(workers)]
        command = ["extract", "in.jsonl", "--id-column", "id", "-o", "out.jsonl", *options]
        result = CliRunner().invoke(app, command)
        written = lines()
        # Each row has its records or a failure that says why not, and the summary counts both.
        failures = {failure["id"]: failure for failure in lines(FAILED)}
        owners = Counter(line["source"]["path"] for line in written)
        assert result.exit_code == 1
        assert len({line["id"] for line in written}) == len(written)
        assert len(owners) + len(failures) == len(rows)
        assert {failure["kind"] for failure in failures.values()} == {"id-taken"}
        assert all("in.jsonl#" in failure["reason"] for failure in failures.values())
        assert f"{len(written)} records" in result.stderr
        # Another run asks nothing and loses nothing.
        asked = len(fake.seen)
        assert CliRunner().invoke(app, command).exit_code == 1
        assert len(fake.seen) == asked
        assert lines() == written


def test_a_folder_may_hold_its_own_output() -> None:
    for city in CITIES:
        Path(f"texts/{city}.txt").rename(f"{city}.txt")
    refused = Step(400, {"error": {"message": "bad"}})
    for step, code in ((refused, 1), (None, 1)):
        with answering(lambda body, step=step: step if city_of(body) == "乙" else None) as fake:  # type: ignore[misc]
            command = ["extract", ".", "-o", "out.jsonl", "--base-url", fake.base_url, "--model", "fake"]
            assert CliRunner().invoke(app, command).exit_code == code
    assert {line["id"] for line in lines()} == set(CITIES) - {"乙"}
    assert {failure["id"] for failure in lines(FAILED)} == {"乙"}


# --- failures ---


def test_failures_wait_for_a_retry_and_only_they_are_asked_again(undisturbed: list[str]) -> None:
    remove_output()
    refused = Step(400, {"error": {"message": "bad"}})
    filtered = Step(400, {"error": {"message": "敏感内容"}})

    def misbehave(body: Json) -> Step | None:
        if field_of(body) == "officials":
            return {"乙": refused, "丙": filtered}.get(city_of(body))
        return None

    with answering(misbehave) as fake:
        assert extract(fake).exit_code == 1
    assert {(f["id"], f["kind"]) for f in lines(FAILED)} == {("乙", "bad_request"), ("丙", "content_filtered")}
    assert len(list(answer_cache_path(OUT).iterdir())) == 2
    with answering() as fake:
        again = extract(fake)
        assert (again.exit_code, fake.seen) == (1, [])
        assert "waiting: 2 documents that failed in an earlier run" in again.stderr
        assert "--retry-failed" in again.stderr
        one = extract(fake, "--retry", "content_filtered")
        assert (one.exit_code, len(fake.seen)) == (1, 1)
        assert [f["id"] for f in lines(FAILED)] == ["乙"]
        assert extract(fake, "--retry-failed").exit_code == 0
        assert len(fake.seen) == 2
    assert content() == undisturbed
    assert not FAILED.exists()


def test_failures_of_an_older_text_do_not_keep_the_changed_one_waiting() -> None:
    with answering(lambda body: bad if city_of(body) == "乙" and field_of(body) == "date" else None) as fake:
        assert extract(fake).exit_code == 1
    Path("texts/乙.txt").write_text(SPEECH.format("乙") + "各部门要加强监督。\n", encoding="utf-8")
    with answering() as fake:
        assert extract(fake).exit_code == 0
        assert {city_of(seen.body) for seen in fake.seen} == {"乙"}
    assert not FAILED.exists()


def test_a_kill_while_a_failure_is_written_loses_no_failure(undisturbed: list[str]) -> None:
    """The torn failure is of the last document of the `.part`, which is converted again anyway."""
    remove_output()
    with answering(lambda body: bad if city_of(body) in "乙甲" and field_of(body) == "date" else None) as fake:
        assert extract(fake).exit_code == 1
    OUT.rename(PART)
    failed_part = FAILED.rename(f"{FAILED}.part")
    failed_part.write_bytes(failed_part.read_bytes()[:-20])
    with answering() as fake:
        assert extract(fake).exit_code == 1
        assert [(city_of(seen.body), field_of(seen.body)) for seen in fake.seen] == [("甲", "date")]
        assert [failure["id"] for failure in lines(FAILED)] == ["乙"]
        assert extract(fake, "--retry-failed").exit_code == 0
    assert content() == undisturbed


def test_an_answer_that_did_not_fit_is_asked_for_again() -> None:
    with answering(lambda body: bad if city_of(body) == "乙" and field_of(body) == "date" else None) as fake:
        assert extract(fake).exit_code == 1
    with answering() as fake:
        assert extract(fake, "--retry", "invalid_answer").exit_code == 0
        assert [(city_of(seen.body), field_of(seen.body)) for seen in fake.seen] == [("乙", "date")]


def test_only_a_retry_asks_again_what_a_bug_was_met_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain run asks nothing, however often it is started: the answers are paid for."""

    def failing(schema: object, merged: object, *more: object) -> object:
        if "坏" in repr(merged):
            raise ZeroDivisionError("an answer that the code can't read")
        return validate(schema, merged, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(convert, "validate", failing)
    for city in CITIES[:2]:
        path = Path(f"texts/{city}.txt")
        path.write_text(path.read_text(encoding="utf-8").replace("全市排查", "坏市排查"), encoding="utf-8")
    refused = Step(400, {"error": {"message": "bad"}})
    with answering(lambda body: refused if city_of(body) == "乙" and field_of(body) == "date" else None) as fake:
        assert extract(fake).exit_code == 1
    assert [(f["id"], f["kind"]) for f in lines(FAILED)] == [("丁", "bug"), ("丙", "bug"), ("乙", "bad_request")]
    with answering() as fake:
        assert extract(fake).exit_code == 1
        assert fake.seen == []
        assert extract(fake, "--retry", "bad_request").exit_code == 1
        assert {city_of(seen.body) for seen in fake.seen} == {"乙"}
        fake.seen.clear()
        assert extract(fake, "--retry-failed").exit_code == 1
        assert Counter(city_of(seen.body) for seen in fake.seen) == {"丁": 5, "丙": 5}
        fake.seen.clear()
        assert extract(fake).exit_code == 1
        assert fake.seen == []
        monkeypatch.setattr(convert, "validate", validate)
        assert extract(fake, "--retry", "bug").exit_code == 0
        assert Counter(city_of(seen.body) for seen in fake.seen) == {"丁": 5, "丙": 5}
    assert not FAILED.exists()
    assert {line["id"] for line in lines()} == set(CITIES)


@pytest.mark.parametrize("stop", ["quota at the same text", "quota before it", "the text is gone"])
def test_a_retry_that_is_stopped_leaves_the_failures_to_the_next(stop: str, undisturbed: list[str]) -> None:
    remove_output()
    bad_officials = Step(400, {"error": {"message": "bad"}})
    used_up = Step(429, {"error": {"message": "您的账户额度已用尽，请充值"}})

    def misbehave(body: Json) -> Step | None:
        return bad_officials if city_of(body) in "丁乙" and field_of(body) == "officials" else None

    with answering(misbehave) as fake:
        assert extract(fake).exit_code == 1
    text = Path("texts/乙.txt").read_bytes()
    if stop == "the text is gone":
        Path("texts/乙.txt").write_text("", encoding="utf-8")
    with answering(
        lambda body: used_up if city_of(body) in ("乙" if stop.endswith("same text") else "丁") else None
    ) as fake:
        assert extract(fake, *([] if stop == "the text is gone" else ["--retry-failed"])).exit_code == 1
    Path("texts/乙.txt").write_bytes(text)
    with answering() as fake:
        assert extract(fake, "--retry-failed").exit_code == 0
        assert "乙" in {city_of(seen.body) for seen in fake.seen}
    assert content() == undisturbed
    assert not FAILED.exists()


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_record_with_a_failure_survives_a_run_that_is_cut_short_after_it(number: int) -> None:
    refused = Step(400, {"error": {"message": "bad"}})
    running: list[subprocess.Popen[str]] = []

    def misbehave(body: Json) -> Step | None:
        if city_of(body) == CITIES[0]:
            return refused if field_of(body) == "officials" else None
        if running and running[0].poll() is None:
            running[0].send_signal(number)
        return Step(hang=True) if number == signal.SIGKILL else None

    with answering(misbehave) as fake:
        running.append(start(fake))
        running[0].communicate(timeout=60)
    assert [line["id"] for line in lines(PART)] == [CITIES[0]]
    with answering(
        lambda body: refused if city_of(body) == CITIES[0] and field_of(body) == "officials" else None
    ) as fake:
        assert extract(fake).exit_code == 1
    assert {line["id"] for line in lines()} == set(CITIES)
    assert {failure["id"] for failure in lines(FAILED)} == {CITIES[0]}


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("model", ["fake", "other"])
def test_a_restart_that_is_cut_short_resumes_as_a_restart(model: str) -> None:
    """With the same recipe or another, neither records nor failures of the older output are reused."""
    with answering(lambda body: bad if city_of(body) == "乙" and field_of(body) == "date" else None) as fake:
        assert extract(fake).exit_code == 1
    before = OUT.read_bytes()
    running: list[subprocess.Popen[str]] = []

    def interrupt(body: Json) -> Step | None:
        if city_of(body) == CITIES[1] and field_of(body) == "targets":
            running[0].send_signal(signal.SIGINT)
        return None

    with answering(interrupt) as fake:
        running.append(start(fake, "--restart", "--model", model))
        running[0].communicate(timeout=60)
    assert OUT.read_bytes() == before
    first = {(city_of(seen.body), field_of(seen.body)) for seen in fake.seen}
    with answering() as fake:
        assert extract(fake, "--model", model).exit_code == 0
        then = {(city_of(seen.body), field_of(seen.body)) for seen in fake.seen}
    assert first | then == {(city, name) for city in CITIES for name in FIELDS}
    assert not first & then
    assert {line["run"]["model"] for line in lines()} == {model}
    assert sorted(path.name for path in Path().glob("out.jsonl*")) == ["out.jsonl", "out.jsonl.runs.jsonl"]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("presses", [1, 2])
def test_the_advice_after_a_restart_that_was_interrupted_at_once_works(presses: int) -> None:
    """Nothing is written yet, beside an output that can't be added to."""
    OUT.write_bytes(FORMAT_1)
    running: list[subprocess.Popen[str]] = []
    seen = threading.Event()

    def interrupt(body: Json) -> Step | None:
        if not seen.is_set():
            seen.set()
            running[0].send_signal(signal.SIGINT)
            if presses == 2:
                assert running[0].stderr is not None
                while "Stopping" not in running[0].stderr.readline():
                    pass
                running[0].send_signal(signal.SIGINT)
                return Step(hang=True)
        return None

    with answering(interrupt) as fake:
        running.append(start(fake, "--restart"))
        assert running[0].wait(timeout=60) == 130
    _, stderr = running[0].communicate()
    advice = {
        1: "Run the same command without --restart: it resumes",
        2: "Run the same command without --restart to resume.",
    }
    assert advice[presses] in stderr.splitlines()[-1]
    assert PART.read_bytes() == b""
    asked = keys(fake)
    with answering() as fake:
        assert extract(fake).exit_code == 0
    assert {line["id"] for line in lines()} == set(CITIES)
    # The one answer that came before the end was kept.
    assert sum((asked & keys(fake)).values()) == presses - 1
    assert sorted(path.name for path in Path().glob("out.jsonl*")) == ["out.jsonl", "out.jsonl.runs.jsonl"]


def test_a_stray_restart_marker_is_ignored(undisturbed: list[str]) -> None:
    restart_path(OUT).touch()
    with answering() as fake:
        assert extract(fake).exit_code == 0
        assert fake.seen == []
    assert not restart_path(OUT).exists()


def test_answers_that_cannot_be_deleted_give_one_sentence(
    undisturbed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    remove_output()
    with answering() as fake, monkeypatch.context() as patched:

        def full(path: Path, missing_ok: bool = False) -> None:
            if path.parent.name.endswith(".answers"):
                raise OSError(28, "No space left on device")
            os.unlink(path) if not missing_ok or path.exists() else None

        patched.setattr(Path, "unlink", full)
        result = extract(fake)
    assert result.exit_code == 2
    assert "The answers can't be kept in out.jsonl.answers (No space left on device)" in result.stderr
    with answering() as fake:
        assert extract(fake).exit_code == 0
    assert content() == undisturbed


def test_a_confirmation_that_did_not_fit_is_asked_for_again() -> None:
    with answering(lambda body: bad if field_of(body) == "answer" and city_of(body) == "乙" else None) as fake:
        assert extract(fake, "--verify").exit_code == 1
    failed = len(lines(FAILED))
    assert failed > 1
    with answering() as fake:
        assert extract(fake, "--verify", "--retry-failed").exit_code == 0
        assert [field_of(seen.body) for seen in fake.seen] == ["answer"] * failed
    assert not FAILED.exists()


def test_the_same_command_resumes_after_the_quota_is_topped_up(undisturbed: list[str]) -> None:
    remove_output()
    used_up = Step(429, {"error": {"message": "您的账户额度已用尽，请充值"}})
    with answering(lambda body: used_up if city_of(body) in "丙丁" and field_of(body) == "targets" else None) as fake:
        assert extract(fake).exit_code == 1
    asked = keys(fake)
    assert {f["kind"] for f in lines(FAILED)} == {"quota_used_up", "not_reached"}
    with answering() as fake:
        assert extract(fake).exit_code == 0
    twice = [key for key, n in (asked + keys(fake)).items() if n > 1]
    assert len(twice) == 1, "only the refused one is asked again"
    assert content() == undisturbed
    assert not FAILED.exists()


def test_more_failures_than_allowed_stop_the_run() -> None:
    with answering(lambda body: Step(400, {"error": {"message": "bad"}})) as fake:
        result = extract(fake, "--max-failures", "1")
        assert len(fake.seen) == 10
    assert result.exit_code == 1
    assert "stopped: 2 documents failed, which is more than --max-failures" in result.stderr
    assert Counter(f["kind"] for f in lines(FAILED)) == {"bad_request": 10, "not_reached": 4}


@pytest.mark.parametrize(
    "limit", [["--max-tokens", "12000"], ["--max-cost", "0.012", "--price-in", "1", "--price-out", "1"]]
)
def test_a_limit_stops_the_run_before_it_is_exceeded(limit: list[str]) -> None:
    def dear(body: Json) -> Step:
        usage = {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000}
        return Step(body=completion_body(json.dumps(read_facts(body), ensure_ascii=False), usage=usage))

    with answering(dear) as fake:
        result = extract(fake, *limit)
    assert result.exit_code == 1
    # The tokens of the next question are estimated, so some of the budget is left.
    assert 9 <= len(fake.seen) <= 11
    assert "stopped: The next question would take the run to about" in result.stderr
    asked = keys(fake)
    with answering(dear) as fake:
        assert extract(fake, *limit[2:]).exit_code == 0
    assert max((asked + keys(fake)).values()) == 1
    assert [line["id"] for line in lines()] == list(CITIES)


bad = Step(body={"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "{"}}]})
