"""`from extractor import …`: what the command line does, as typed values, one document at a time."""

from __future__ import annotations

import gc
import inspect
import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from fake_endpoint import Step, answer_step, answering
from pydantic import BaseModel, Field
from scripted import ROOT

import extractor
from extractor import (
    BudgetSpentError,
    Document,
    Done,
    InputError,
    KeyMissingError,
    ModelMissingError,
    Recordings,
    SchemaError,
    SetupError,
    Unreadable,
    extract,
    line_schema,
    load_schema,
    read,
)
from extractor.cli.extract import extract as command
from extractor.fields import Verbatim

RECORDS = ROOT / "fixtures" / "records.jsonl"
REPLIES = ROOT / "fixtures" / "replies"
TEXT = "5月27日，全市安全生产工作会议召开。副县长李明指出，要加强管理。去年排查隐患1260处。"
# Options about the file that records go to, and about resuming it.
OF_THE_OUTPUT = {"output", "restart", "retry_failed", "retry", "batch", "quiet"}


class Rules(BaseModel):
    """A schema that is not in a schema file."""

    rules: list[Verbatim] = Field(description="规定")


@pytest.fixture
def asking() -> Iterator[Any]:
    """A server that answers, with the steps in `steps` if there are any, and the options to ask it."""
    steps: list[Step] = []
    with answering(lambda body: steps[0] if steps else None) as fake:
        yield fake, steps, {"model": "m", "base_url": fake.base_url, "mode": "live"}


def test_the_keywords_are_the_options_of_the_command() -> None:
    keywords, options = (inspect.signature(function).parameters for function in (extract, command))
    assert set(keywords) == set(options) - OF_THE_OUTPUT
    for name in set(keywords) - {"inputs", "mode"}:
        assert keywords[name].default == options[name].default, name


def test_the_seeds_give_the_lines_of_the_command() -> None:
    expected = [json.loads(line) for line in RECORDS.read_text(encoding="utf-8").splitlines()]
    extraction = extract(["seeds/"], replies=REPLIES, mode="replay", ordered=True)
    lines, validator = [], jsonschema.Draft202012Validator(line_schema(load_schema("meeting")))
    for done in extraction:
        assert done.failures == ()
        for record, line in zip(done.records, done.lines, strict=True):
            assert type(record) is load_schema("meeting").record
            assert record.model_dump(mode="json") == line["record"]
            validator.validate(line)
        lines += done.lines
    assert lines == expected
    assert (extraction.summary.documents, extraction.summary.records) == (5, 12)
    assert extraction.summary.usage.requests == sum(line["run"]["requests"] for line in expected)


def test_a_record_reads_back_from_its_line() -> None:
    model = load_schema("meeting").record
    for line in map(json.loads, RECORDS.read_text(encoding="utf-8").splitlines()):
        assert model.model_validate(line["record"]).model_dump(mode="json") == line["record"]


# --- inputs and schemas ---


def test_inputs_of_every_kind(tmp_path: Path, asking: Any) -> None:
    _, _, how = asking
    path = tmp_path / "a.txt"
    path.write_text(TEXT, encoding="utf-8")
    for inputs in (
        str(path),
        path,
        [path],
        iter([str(path)]),
        tmp_path,
        read([str(path)]),
        [Document.from_text(TEXT, "a")],
    ):
        (done,) = extract(inputs, **how)
        assert (done.id, len(done.records), done.failures) == ("a", 1, ())
        assert [official.name for official in done.records[0].officials] == []
        assert done.records[0].measures[0].text == "加强管理"


def test_a_document_made_by_the_caller_keeps_its_path() -> None:
    (done,) = extract([Document.from_text("天气很好。", "d", path="db:7")], mode="replay", replies=REPLIES)
    assert (done.lines[0]["source"]["path"], done.path) == ("db:7", "db:7")
    assert Document.from_text("甲") == Document("text", "text", "甲", Document.from_text("甲").sha256)


def test_a_model_class_is_a_schema(asking: Any) -> None:
    _, steps, how = asking
    steps.append(answer_step({"rules": ["要加强管理"]}))
    (done,) = extract([Document.from_text(TEXT)], schema=Rules, **how)
    assert done.records == (Rules(rules=["要加强管理"]),)
    assert load_schema(Rules).fields == load_schema(f"{__file__}:Rules").fields


def test_read_gives_documents() -> None:
    (found,) = extractor.read([str(ROOT / "seeds" / "003_0f4e80f0cf21daff.txt")])
    assert isinstance(found, Document)


def test_every_public_name_can_be_imported() -> None:
    assert all(getattr(extractor, name) is not None for name in extractor.__all__)
    assert {*extractor.__all__} <= {*dir(extractor)}
    assert sorted(name for names in extractor._MODULES.values() for name in names) == extractor.__all__
    with pytest.raises(AttributeError, match="no attribute 'extracts'"):
        extractor.extracts  # noqa: B018


# --- what goes wrong ---


def test_a_failure_is_a_value_and_the_other_documents_are_converted(asking: Any) -> None:
    _, _, how = asking
    gone = Unreadable("gone", "gone.txt", "missing", "gone.txt is no longer there.")
    first, second = extract([gone, Document.from_text(TEXT)], **how)
    assert (first.id, first.records, first.failures[0].kind) == ("gone", (), "missing")
    assert first.failures[0].reason == "gone.txt is no longer there."
    assert (len(second.records), second.failures) == (1, ())


def test_a_missing_recording_is_a_value(tmp_path: Path) -> None:
    (done,) = extract([Document.from_text(TEXT)], replies=tmp_path, mode="replay")
    assert {failed.kind for failed in done.failures} == {"not_recorded"}
    assert all(failed.field and failed.start is not None for failed in done.failures)


@pytest.mark.parametrize(
    ("inputs", "options", "error"),
    [
        ("no such file.txt", {}, InputError),
        ([], {}, InputError),
        ("seeds", {"encoding": "klingon"}, InputError),
        ("seeds", {"schema": "meating"}, SchemaError),
        ("seeds", {"model": "openai/gpt-4o", "mode": "live"}, KeyMissingError),
        ("seeds", {"mode": "live"}, ModelMissingError),
        ("seeds", {"model": "openai/gpt-4o", "max_cost": 1.0}, SetupError),
    ],
)
def test_wrong_usage_is_raised_at_the_first_document(
    inputs: Any, options: dict[str, Any], error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    extraction = extract(inputs, **options)
    with pytest.raises(error):
        list(extraction)


@pytest.mark.parametrize(
    "options",
    [{"mode": "sometimes"}, {"concurrency": 0}, {"concurrency": "many"}, {"concurrency": 1000}, {"price_in": 1.0}],
)
def test_an_impossible_option_is_raised_at_once(options: Any) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        extract("seeds", **options)
    with pytest.raises(TypeError):
        extract("seeds", retry_failed=True)  # type: ignore[call-arg]


def test_a_fatal_error_is_raised_after_the_finished_documents(asking: Any) -> None:
    _, steps, how = asking
    done: list[Done[Any]] = []
    extraction = extract((Document.from_text(TEXT, f"d{n}") for n in range(5)), **how, concurrency=1)
    done.append(next(extraction))
    steps.append(Step(status=401, body={"error": {"message": "no"}}))
    with pytest.raises(extractor.KeyRefusedError):
        done.extend(extraction)
    assert [(one.id, bool(one.failures)) for one in done] == [("d0", False), ("d1", True)]
    assert isinstance(extraction.summary.stopped, extractor.KeyRefusedError)


def test_limits_end_the_run(asking: Any) -> None:
    _, _, how = asking
    with pytest.raises(BudgetSpentError):
        list(extract([Document.from_text(TEXT)], **how, max_tokens=10))
    gone = [Unreadable(str(n), str(n), "missing", "gone") for n in range(5)]
    done: list[Done[Any]] = []
    with pytest.raises(extractor.TooManyFailuresError):
        done.extend(extract(gone, **how, max_failures=1, concurrency=1))
    assert len(done) == 2


# --- laziness ---


def counted(taken: list[int], count: int = 1000) -> Iterator[Document]:
    for number in range(count):
        taken.append(number)
        yield Document.from_text(TEXT, f"d{number}")


def test_nothing_is_read_or_asked_before_the_first_document(asking: Any) -> None:
    fake, _, how = asking
    taken: list[int] = []
    extraction = extract(counted(taken), **how, concurrency=1)
    assert (taken, fake.seen) == ([], [])
    assert next(extraction).id == "d0"
    assert taken == [0]
    extraction.close()


@pytest.mark.parametrize("concurrency", [1, 4, "auto"])
def test_leaving_the_loop_asks_no_more(asking: Any, concurrency: Any) -> None:
    fake, _, how = asking
    taken: list[int] = []
    before = set(threading.enumerate())
    for _ in extract(counted(taken), **how, concurrency=concurrency):
        break
    gc.collect()
    # Of the threads that came, those of the fake endpoint may stay while it keeps its connections open.
    workers = [thread for thread in set(threading.enumerate()) - before if thread.name.startswith(("ask", "convert"))]
    for thread in workers:
        thread.join(timeout=10)
    asked = len(fake.seen)
    assert len(taken) < 100
    assert not any(thread.is_alive() for thread in workers)
    assert len(fake.seen) == asked


def test_leaving_the_block_closes_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    from contextlib import ExitStack
    from dataclasses import replace

    from scripted import nothing, scripted

    from extractor.llm.call import Call
    from extractor.runs import session

    closed = []

    def choose(*given: Any) -> Any:
        def opening(stack: ExitStack) -> Call:
            stack.callback(closed.append, True)
            return scripted(nothing)

        return replace(real(*given), open=opening)

    real = session.choose
    monkeypatch.setattr(session, "choose", choose)
    with extract(counted([]), mode="live") as extraction:
        next(extraction)
        assert closed == []
    assert closed == [True]
    for _ in extract(counted([]), mode="live"):
        break
    assert closed == [True, True]


# --- recordings, the log, concurrency ---


def test_recordings_have_their_own_mode(tmp_path: Path, asking: Any) -> None:
    _, _, how = asking
    (recorded,) = extract([Document.from_text(TEXT)], **how, replies=Recordings(tmp_path, "record"))
    recordings = Recordings(tmp_path, "replay")
    (replayed,) = extract([Document.from_text(TEXT)], model="m", base_url="http://127.0.0.1:1/v1", replies=recordings)
    assert replayed.lines == recorded.lines
    assert recordings.missed == []
    list(
        extract(
            [Document.from_text("要加强管理。" * 9)], model="m", base_url="http://127.0.0.1:1/v1", replies=recordings
        )
    )
    assert recordings.missed


def test_many_questions_at_a_time_give_the_same_records(tmp_path: Path, asking: Any) -> None:
    _, _, how = asking
    log = tmp_path / "log.jsonl"
    alone = list(extract(counted([], 20), **how))
    extraction = extract(counted([], 20), **how, concurrency=8, ordered=True, log_json=log, price_in=1, price_out=2)
    together = list(extraction)
    assert [done.records for done in together] == [done.records for done in alone]
    events = Counter(json.loads(event)["event"] for event in log.read_text(encoding="utf-8").splitlines())
    assert events == {"attempt": extraction.summary.usage.requests, "document": 20}
    assert together[0].lines[0]["run"]["cost"] > 0


# --- types ---

USER = """
from opening import Opening

from extractor import Done, Failed, Document, Unreadable, extract, load_schema, read

for found in read(["texts"]):
    print(found.reason if isinstance(found, Unreadable) else found.text)

for done in extract("texts", schema=Opening, mode="replay", concurrency="auto"):
    for record in done.records:
        reveal_type(record.date)
    failed: tuple[Failed, ...] = done.failures

for any_schema in extract(["texts"], schema="meeting", max_cost=1.5):
    print(any_schema.records[0].date.edtf, any_schema.lines[0]["id"])

mine: list[Done[Opening]] = list(extract([Document.from_text("甲")], schema=Opening))
load_schema(Opening).record.model_validate({})
WRONG
"""
WRONG = {
    "extract('texts', modell='local')": 'Unexpected keyword argument "modell"',
    "extract('texts', mode='sometimes')": 'Argument "mode" to "extract" has incompatible type',
    "[done.record for done in extract('texts')]": '"Done[Any]" has no attribute "record"',
    "[r.dates for done in extract('texts', schema=Opening) for r in done.records]": '"Opening" has no attribute "dates"',
}


def test_a_user_s_project_sees_the_types(tmp_path: Path) -> None:
    (tmp_path / "opening.py").write_bytes((ROOT / "tests" / "example_project" / "opening.py").read_bytes())
    (tmp_path / "user.py").write_text(USER.replace("WRONG", "\n".join(WRONG)), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "user.py"], cwd=tmp_path, capture_output=True, encoding="utf-8"
    )
    *notes, last = done.stdout.splitlines()
    assert next(note for note in notes if "Revealed type" in note).endswith('"extractor.fields.EdtfDate | None"')
    errors = [note for note in notes if ": error: " in note]
    assert len(errors) == len(WRONG), done.stdout
    for error, expected in zip(errors, WRONG.values(), strict=True):
        assert expected in error
    assert last.startswith(f"Found {len(WRONG)} errors")
