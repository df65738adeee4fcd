"""A run over many documents, without a command line or a server: what is written, noted, counted and kept."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import by_field, completion, document, nothing, recipe, scripted

from extractor.cli.report import describe
from extractor.document import Document, Json
from extractor.errors import (
    ExtractorError,
    KeyRefusedError,
    ModelMissingError,
    QuotaUsedUpError,
    RunInterruptedError,
    ServerError,
)
from extractor.llm.call import Call, Reply, Request
from extractor.output.files import OutputError, encode, failures_path, open_output, part_path
from extractor.pipeline.read.read import Unreadable
from extractor.runs.call_stack import CallStack
from extractor.runs.run import run
from extractor.runs.summary import Summary

TEXT = "5月27日，全市安全生产工作会议召开。李明指出，要加强管理。去年排查隐患1260处。"
FACTS = {
    "date": "5月27日",
    "statistics": [{"indicator": "排查隐患", "value": "1260处", "period": "去年", "region": None}],
}
MISSING = Unreadable("gone", "gone.txt", "missing", "gone.txt is no longer there.")


class Written:
    """Keeps what a run writes."""

    def __init__(self) -> None:
        self.records: list[Json] = []
        self.failures: list[Json] = []
        self.done: list[tuple[str, int, int]] = []

    def write(self, document: Document | Unreadable, lines: list[Json], failures: list[Json]) -> None:
        self.records += lines
        self.failures += failures
        self.done.append((document.id, len(lines), len(failures)))


def convert(documents: Any, call: Call, written: Written | None = None) -> tuple[Summary, Written]:
    written = written or Written()
    return run(documents, recipe(), CallStack(model=call), written.write), written


def named(*names: str) -> list[Document]:
    return [document(TEXT, name) for name in names]


def failing(name: str, error: ExtractorError, field: str | None = None) -> Call:
    """A Call that fails for one document, or one field of it."""
    good = scripted(by_field(**FACTS))

    def call(request: Request) -> Reply:
        if request.about["document"] == name and field in (None, request.about["field"]):
            raise error
        return good(request)

    return call


def test_documents_are_read_as_they_are_needed() -> None:
    written = Written()

    def documents() -> Iterator[Document]:
        for number in range(40):
            assert number - len(written.records) <= 1, "read ahead"
            yield document(TEXT, f"d{number}")

    summary, _ = convert(documents(), scripted(by_field(**FACTS)), written)
    assert summary.records == len(written.records) == 40


def test_a_record_is_written_before_the_next_document_is_asked_about() -> None:
    written = Written()
    good = scripted(nothing)

    def call(request: Request) -> Reply:
        assert len(written.records) == int(request.about["document"])
        return good(request)

    convert(named("0", "1", "2"), call, written)
    assert written.done == [("0", 1, 0), ("1", 1, 0), ("2", 1, 0)]


def test_the_summary_counts_what_was_found() -> None:
    summary, written = convert([*named("a", "b"), MISSING], scripted(by_field(**FACTS)))
    assert (summary.documents, summary.records, summary.failed, summary.empty) == (3, 2, 1, 0)
    assert summary.items == {"date": 2, "officials": 0, "statistics": 2, "targets": 0, "measures": 0}
    assert summary.failures == {"missing": 1}
    assert written.failures == [
        {"id": "gone", "path": "gone.txt", "kind": "missing", "reason": MISSING.reason}
        | dict.fromkeys(("sha256", "field", "start", "end"))
    ]
    assert summary.usage.requests == sum(line["run"]["requests"] for line in written.records) > 0
    assert summary.usage.input_tokens == 1000 * summary.usage.requests
    assert summary.exit_code == 1


def test_a_text_without_facts_gives_an_empty_record() -> None:
    summary, written = convert([document("番茄两个，鸡蛋三个，炒熟。", "recipe")], scripted(nothing))
    assert (summary.records, summary.empty, summary.exit_code) == (1, 1, 0)
    assert not any(written.records[0]["record"].values())
    assert any(line.startswith("empty: 1 record without any item") for line in describe(summary, 1.0))


@pytest.mark.parametrize(
    ("error", "code"),
    [(ModelMissingError("No model."), 2), (KeyRefusedError("Refused."), 2), (QuotaUsedUpError("Used up."), 1)],
    ids=["no model", "key", "quota"],
)
def test_a_fatal_error_ends_the_asking(error: ExtractorError, code: int) -> None:
    asked: list[str] = []
    call = failing("b", error)

    def counted(request: Request) -> Reply:
        asked.append(request.about["document"])
        return call(request)

    summary, written = convert([*named("a", "b", "c"), MISSING], counted)
    assert summary.exit_code == code
    assert summary.stopped is error
    assert asked.count("b") == 1
    assert "c" not in asked
    assert [line["id"] for line in written.records] == ["a"]
    assert [(f["id"], f["kind"]) for f in written.failures] == [
        ("b", error.kind),
        ("c", "not_reached"),
        ("gone", "missing"),
    ]
    assert (summary.documents, summary.failed) == (4, 3)
    assert written.done == [("a", 1, 0), ("b", 0, 1), ("c", 0, 1), ("gone", 0, 1)]


def test_an_error_of_one_question_costs_only_that_question() -> None:
    summary, written = convert(named("a", "b"), failing("a", ServerError("It broke."), "statistics"))
    assert summary.exit_code == 1
    assert [line["id"] for line in written.records] == ["a", "b"]
    assert written.records[0]["record"]["statistics"] == []
    assert written.records[0]["record"]["date"] == written.records[1]["record"]["date"]
    assert [(f["id"], f["kind"], f["field"], f["start"], f["end"]) for f in written.failures] == [
        ("a", "server_error", "statistics", 0, len(TEXT))
    ]
    assert written.failures[0]["reason"].startswith("It broke. ")


def test_nothing_is_written_if_nothing_was_answered() -> None:
    summary, written = convert(named("a", "b"), failing("a", ServerError("It broke.")))
    assert [line["id"] for line in written.records] == ["b"]
    assert {failure["id"] for failure in written.failures} == {"a"}
    assert written.done[0][:2] == ("a", 0)
    assert summary.failures["server_error"] == len(written.failures)


def test_answers_that_do_not_fit_are_failures_too() -> None:
    def answer(request: Request) -> Any:
        if request.about["document"] == "a" and request.about["field"] == "date":
            return {"nonsense": 1}
        return completion("cut", "length") if request.about["document"] == "b" else by_field(**FACTS)(request)

    summary, written = convert(named("a", "b", "c"), scripted(answer))
    assert [line["id"] for line in written.records] == ["a", "c"]
    of_a = [failure for failure in written.failures if failure["id"] == "a"]
    assert [(failure["kind"], failure["field"]) for failure in of_a] == [("invalid_answer", "date")]
    assert of_a[0]["reason"].startswith("The answer holds no JSON object with date: '{\"nonsense\": 1}'. ")
    assert {failure["kind"] for failure in written.failures if failure["id"] == "b"} == {"truncated"}
    assert summary.failed == 2


def test_a_question_that_was_answered_in_part_gives_a_record() -> None:
    """A long passage is asked again in halves; one is answered, with nothing, and one is not."""
    text = "各部门要加强管理。" * 20 + "李明指出，要加强监督。" * 20

    def answer(request: Request) -> Any:
        whole = request.about["end"] - request.about["start"] > len(text) // 2 + 20
        return completion("cut", "length") if whole or request.about["start"] else nothing(request)

    _, written = convert([document(text, "a")], scripted(answer))
    assert [line["id"] for line in written.records] == ["a"]
    assert written.failures
    _, written = convert([document(text, "a")], scripted(lambda request: completion("cut", "length")))
    assert written.records == []


def test_what_code_found_by_itself_is_written_even_if_no_question_was_answered() -> None:
    def down(request: Request) -> Reply:
        raise ServerError("down")

    written = Written()
    text = "同志们：去年排查隐患1305处。各乡镇要建立台账。"
    summary = run([document(text, "a")], recipe(style="form"), CallStack(model=down), written.write)
    assert [measure["text"] for measure in written.records[0]["record"]["measures"]] == ["各乡镇要建立台账"]
    assert ({failure["field"] for failure in written.failures}, summary.exit_code) == ({"statistics"}, 1)


def test_a_bug_is_reported_with_its_line() -> None:
    def call(request: Request) -> Reply:
        raise ZeroDivisionError("division by zero")

    summary, written = convert(named("a"), call)
    assert summary.exit_code == 1
    (failure,) = written.failures
    assert failure["kind"] == "bug"
    assert ".py, line " in failure["reason"]
    assert "please report it" in failure["reason"]


# --- the summary in words ---


def test_what_to_do_next_fits_how_it_ended() -> None:
    summary = Summary(documents=2, records=1, output=Path("o.jsonl"))
    assert not any(line.startswith("next:") for line in describe(summary, 0.0))
    summary.failures["network"] = summary.failed = 1
    assert "with -o FILE" in describe(summary, 0.0)[-1]
    summary.failures_file, summary.resumes = Path("o.jsonl.failures.jsonl"), True
    assert "with --retry-failed" in describe(summary, 0.0)[-1]
    summary.stopped = QuotaUsedUpError("Used up.")
    lines = describe(summary, 0.0)
    assert lines[-1] == "next: fix the cause and run the same command again: it resumes where this run stopped"
    assert lines[-2].startswith("stopped: Used up. Top up the account")
    summary.failures_file, summary.output = Path("o.jsonl.failures.jsonl.part"), Path("o.jsonl.part")
    lines = describe(summary, 0.0)
    # A back-fill was stopped.
    assert lines[-1].endswith("run the same command again: it resumes where this run stopped; o.jsonl is unchanged")
    assert lines[0] == "2 documents (1 with failures), 1 record, 0.0 s → o.jsonl.part"
    summary.stopped = RunInterruptedError("The run was interrupted.")
    assert describe(summary, 0.0)[-1] == (
        "stopped: The run was interrupted. Run the same command again: it resumes where this one stopped."
    )
    summary.restarted = True
    assert describe(summary, 0.0)[-1] == (
        "stopped: The run was interrupted. Run the same command without --restart: it resumes where this one stopped."
    )
    assert summary.exit_code == 130


# --- the files ---


def test_files_appear_when_they_are_whole(tmp_path: Path) -> None:
    output = tmp_path / "o.jsonl"
    output.write_text("old\n", encoding="utf-8")
    with open_output(output) as files:
        files.records.add(encode({"id": "甲"}))
        assert output.read_text(encoding="utf-8") == "old\n"
        # A line is in the file at once: others can read it, and a kill does not lose it.
        assert part_path(output).read_text(encoding="utf-8") == '{"id": "甲"}\n'
        files.put(whole=True)
    assert output.read_text(encoding="utf-8") == '{"id": "甲"}\n'
    assert [path.name for path in tmp_path.iterdir()] == ["o.jsonl"]


def test_a_run_that_is_cut_short_leaves_the_older_files(tmp_path: Path) -> None:
    output = tmp_path / "o.jsonl"
    output.write_text("old\n", encoding="utf-8")
    failures_path(output).write_text("old failure\n", encoding="utf-8")

    def break_off() -> None:
        with open_output(output) as files:
            files.records.add(encode({"id": "a"}))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert output.read_text(encoding="utf-8") == "old\n"
    assert failures_path(output).read_text(encoding="utf-8") == "old failure\n"
    assert part_path(output).read_text(encoding="utf-8") == '{"id": "a"}\n'
    assert not part_path(failures_path(output)).exists()


def test_an_older_failures_file_goes_when_nothing_failed(tmp_path: Path) -> None:
    output = tmp_path / "o.jsonl"
    failures_path(output).write_text("old failure\n", encoding="utf-8")
    with open_output(output) as files:
        files.put(whole=True)
    assert output.read_bytes() == b""
    assert not failures_path(output).exists()


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    output = tmp_path / "o.jsonl"
    with open_output(output) as files:
        files.records.add(encode({"id": "first"}))
        with pytest.raises(OutputError, match="Another run is writing"), open_output(output):
            pass
        assert part_path(output).read_text(encoding="utf-8") == '{"id": "first"}\n'
        files.put(whole=True)
    with open_output(output) as files:
        files.records.add(encode({"id": "second"}))
        files.put(whole=True)
    assert output.read_text(encoding="utf-8") == '{"id": "second"}\n'


def test_the_next_run_finds_what_a_killed_run_left(tmp_path: Path) -> None:
    output = tmp_path / "o.jsonl"
    part_path(output).write_text('{"id": "left"}\n', encoding="utf-8")
    with open_output(output) as files:
        files.records.add(encode({"id": "more"}))
        files.put(whole=True)
    assert output.read_text(encoding="utf-8") == '{"id": "left"}\n{"id": "more"}\n'
    part_path(output).write_text('{"id": "left"}\n', encoding="utf-8")
    with open_output(output, restart=True) as files:
        files.put(whole=True)
    assert output.read_bytes() == b""


def test_a_link_stays_and_permissions_stay(tmp_path: Path) -> None:
    real = tmp_path / "real.jsonl"
    real.write_text("old\n", encoding="utf-8")
    real.chmod(0o640)
    link = tmp_path / "o.jsonl"
    link.symlink_to(real)
    with open_output(link) as files:
        files.records.add(encode({"id": "a"}))
        files.put(whole=True)
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == '{"id": "a"}\n'
    assert real.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_full_device_gives_one_sentence() -> None:
    with open_output(Path("/dev/full")) as files:
        with pytest.raises(OutputError, match=r"^/dev/full can't be written: No space left on device"):
            files.records.add(encode({"id": "a"}))
        assert files.failures is None
    assert not os.path.exists("/dev/full.part")


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("", "is a folder"),
        ("none/o.jsonl", "There is no folder"),
        ("file/o.jsonl", "is a file, so"),
        ("x" * 300, "long"),
    ],
)
def test_paths_that_cannot_be_written(tmp_path: Path, place: str, words: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=words), open_output(tmp_path / place):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=30), min_size=1, max_size=5), st.integers(0, 40))
def test_a_disk_that_fills_up_leaves_whole_lines(
    tmp_path_factory: pytest.TempPathFactory, texts: list[bytes], room: int
) -> None:
    """However much fits, the file ends with a line end."""
    output = tmp_path_factory.mktemp("full") / "o.jsonl"
    with open_output(output) as files:
        raw = files.records.stream

        class Full:
            def write(self, data: memoryview) -> int:
                left = room - raw.tell()
                if left <= 0:
                    raise OSError(28, "No space left on device")
                return raw.write(data[:left])

            def truncate(self, size: int) -> int:
                raw.seek(size)
                return raw.truncate(size)

        full: Any = Full()
        lines = replace(files.records, stream=full)
        written = b""
        with suppress(OutputError):
            for text in texts:
                line = text.replace(b"\n", b"") + b"\n"
                lines.add(line)
                written += line
        assert len(written) <= room
        assert part_path(output).read_bytes() == written


def test_lines_are_utf8_whatever_the_text(tmp_path: Path) -> None:
    output = tmp_path / "o.jsonl"
    with open_output(output) as files:
        files.records.add(encode({"id": "𠮷\u2028\n"}))
        files.put(whole=True)
    assert [json.loads(line) for line in output.read_bytes().split(b"\n")[:-1]] == [{"id": "𠮷\u2028\n"}]


def test_a_page_without_text_is_a_failure() -> None:
    """Not a document that silently gives no record."""
    page = Document("e", "e.html", "<html><head><title>x</title></head><body></body></html>", "", "html")
    summary, written = convert([page], scripted(nothing))
    assert summary.exit_code == 1
    assert [failure["kind"] for failure in written.failures] == ["empty"]
