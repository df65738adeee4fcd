"""Recorded replies: found by what is sent alone, readable by people, recognised when they are stale."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import completion

from extractor.document import Json
from extractor.errors import NotRecordedError, RecordingsDamagedError
from extractor.llm import recordings as recordings_module
from extractor.llm.call import Call, Reply, Request, request_key
from extractor.llm.recordings import Mode, Recordings, recordings_path

SYSTEM = "你从讲话中摘取信息。\n只输出 JSON。"


def request(
    question: str = "【原文】\n县长何志远主持。\n【问题】officials",
    start: int = 0,
    field: str = "officials",
    **body: Any,
) -> Request:
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
    about = {"document": "d", "start": start, "end": start + 10, "field": field}
    return Request({"model": "scripted", "messages": messages, "temperature": 0.0, **body}, about)


def answering(content: str = '{"officials": []}', asked: list[Request] | None = None) -> Call:
    def call(asking: Request) -> Reply:
        if asked is not None:
            asked.append(asking)
        return completion(content)

    return call


def refusing(asking: Request) -> Reply:
    raise AssertionError("the model was asked")


def recorded(folder: Path, *requests: Request, content: str = '{"officials": []}') -> Path:
    """A file of recordings of these requests."""
    call = Recordings(folder, "record").over(answering(content))
    for asking in requests:
        call(asking)
    return folder / "d.json"


# --- the key ---

CHANGES: list[Json] = [
    {"model": "other"},
    {"temperature": 0.1},
    {"seed": 1},
    {"max_tokens": 10},
    {"response_format": {"type": "json_object"}},
    {"messages": []},
    {
        "messages": [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": "【原文】\n县长何志远主持。\n【问题】officials "},
        ]
    },
]


def test_the_key_depends_only_on_what_is_sent() -> None:
    body = request().body
    assert request_key(body) == request_key(dict(reversed(body.items())))
    assert request(start=0).about != request(start=99, field="x").about
    assert request_key(request(start=0).body) == request_key(request(start=99, field="x").body)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_any_change_of_what_is_sent_changes_the_key(change: Json) -> None:
    assert request_key({**request().body, **change}) != request_key(request().body)


# --- the modes ---


def test_replay_answers_with_what_record_wrote(tmp_path: Path) -> None:
    reply = Recordings(tmp_path, "record").over(answering("甲"))(request())
    again = Recordings(tmp_path, "replay").over(refusing)(request(start=50))
    assert (again.body, again.by) == (reply.body, reply.by) == (completion("甲").body, {"model": "scripted"})


def test_record_asks_only_for_what_is_missing(tmp_path: Path) -> None:
    recorded(tmp_path, request())
    asked: list[Request] = []
    call = Recordings(tmp_path, "record").over(answering(asked=asked))
    call(request())
    call(request("另一个问题"))
    assert [r.body["messages"][1]["content"] for r in asked] == ["另一个问题"]


def test_auto_asks_for_what_is_missing_and_writes_nothing(tmp_path: Path) -> None:
    path = recorded(tmp_path, request())
    before = path.read_bytes()
    asked: list[Request] = []
    call = Recordings(tmp_path, "auto").over(answering(asked=asked))
    call(request())
    call(request("另一个问题"))
    assert len(asked) == 1
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["d.json"]


@pytest.mark.parametrize("folder", [True, False])
def test_live_ignores_the_recordings(tmp_path: Path, folder: bool) -> None:
    recorded(tmp_path, request(), content="甲")
    call = Recordings(tmp_path if folder else None, "live" if folder else "auto").over(answering("乙"))
    assert call(request()).body["choices"][0]["message"]["content"] == "乙"


def test_a_reply_may_be_changed_by_its_receiver(tmp_path: Path) -> None:
    """instructor adds up usage in what it is given."""
    recorded(tmp_path, request())
    call = Recordings(tmp_path, "replay").over(refusing)
    call(request()).body["usage"]["prompt_tokens"] = 999
    assert call(request()).body["usage"]["prompt_tokens"] == 1000


def test_recording_returns_the_same_reply_as_replaying(tmp_path: Path) -> None:
    """Timings and the like are not recorded, so they must not reach a record either."""

    def timed(asking: Request) -> Reply:
        return Reply({**completion("甲").body, "timings": {"ms": 12.5}}, {})

    first = Recordings(tmp_path, "record").over(timed)(request())
    assert first == Recordings(tmp_path, "replay").over(refusing)(request())
    assert "timings" not in first.body


# --- a miss ---


def missed(recordings: Recordings, asking: Request) -> str:
    with pytest.raises(NotRecordedError) as error:
        recordings.over(refusing)(asking)
    assert error.value.hint == (
        "Record it by running the same command with --mode record, or ask the model with --mode auto."
    )
    return error.value.what


def test_a_miss_names_the_missing_file(tmp_path: Path) -> None:
    what = missed(Recordings(tmp_path, "replay"), request())
    assert what == f"No recorded reply for d, officials of the passage at 0-10: {tmp_path / 'd.json'} does not exist."


def test_a_miss_for_a_field_that_was_never_recorded(tmp_path: Path) -> None:
    path = recorded(tmp_path, request())
    what = missed(Recordings(tmp_path, "replay"), request("x", field="venue"))
    assert what == f"No recorded reply for d, venue of the passage at 0-10: {path} has no recording for this field."


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model": "other"}, "the model (scripted recorded, other asked)"),
        ({"temperature": 0.5}, "settings: temperature (0.0 recorded, 0.5 asked)"),
        ({"seed": 3}, "settings: seed (None recorded, 3 asked)"),
        ({"response_format": {"type": "json_object"}}, "the answer's shape (the types or limits of the schema)"),
        (
            {
                "messages": [
                    {"role": "system", "content": SYSTEM},
                    {"role": "user", "content": "【原文】\n县长吴倩主持。"},
                ]
            },
            "the question or the passage, from character 7: “何志远主持。 【问题】officials” recorded, “吴倩主持。” asked",
        ),
        (
            {"messages": [{"role": "system", "content": "你从公文中"}, {"role": "user", "content": "x"}]},
            "the task prompt, from character 2: “讲话中摘取信息。 只输出 JSON。” recorded, “公文中” asked",
        ),
        (
            {"messages": [*request().body["messages"], {"role": "assistant", "content": "{"}]},
            "the number of messages (2 recorded, 3 asked): one of them is a re-ask",
        ),
    ],
    ids=lambda x: next(iter(x)) if isinstance(x, dict) else "",
)
def test_a_miss_says_what_differs_from_the_nearest_recording(tmp_path: Path, change: Json, says: str) -> None:
    path = recorded(tmp_path, request(), request("别的问题", start=500), request("别的字段", field="date"))
    what = missed(Recordings(tmp_path, "replay"), request(**change))
    nearest = f"the nearest recording, of 0-10 in {path}, differs in {says}."
    assert what == f"No recorded reply for d, officials of the passage at 0-10: {nearest}"


# --- the file ---


def test_the_file_is_json_that_people_read(tmp_path: Path) -> None:
    path = recorded(tmp_path, request())
    text = path.read_text(encoding="utf-8")
    data = json.loads(text)
    assert "\\u" not in text
    lines = [line.strip().rstrip(",") for line in text.split("\n")]
    for line in ["【原文】", "县长何志远主持。", "【问题】officials", *SYSTEM.split("\n")]:
        assert json.dumps(line, ensure_ascii=False) in lines
    assert data["answered_by"] == [{"model": "scripted"}]
    assert data["calls"][0]["key"] == request_key(request().body)
    assert text.endswith("}\n")


def test_a_text_that_calls_share_is_stored_once(tmp_path: Path) -> None:
    path = recorded(tmp_path, *(request(f"问题{i}") for i in range(5)))
    assert path.read_text(encoding="utf-8").count("你从讲话中摘取信息。") == 1


def test_the_file_does_not_depend_on_the_order_of_the_calls(tmp_path: Path) -> None:
    requests = [request(f"问题{i}", start=i % 3, field="ab"[i % 2]) for i in range(7)]
    reask = [*request("问题1").body["messages"], {"role": "assistant", "content": "{"}]
    requests.append(request(messages=reask, start=1, field="b"))
    forth = recorded(tmp_path / "1", *requests).read_bytes()
    assert recorded(tmp_path / "2", *reversed(requests)).read_bytes() == forth


def test_recording_again_does_not_change_the_file(tmp_path: Path) -> None:
    path = recorded(tmp_path, request(), request("另一个"))
    before = path.read_bytes()
    Recordings(tmp_path, "record").over(refusing)(request())
    recorded(tmp_path, request("第三个"))
    recordings = Recordings(tmp_path, "replay")
    for question in (request(), request("另一个")):
        recordings.over(refusing)(question)
    assert recordings.drop_unused("d") == 1
    assert path.read_bytes() == before


TEXTS = st.text(st.one_of(st.sampled_from('核一\n\r\t"\\ \u2028\u0085\x00\ud800'), st.characters()), max_size=30)


@settings(deadline=None, max_examples=100)
@given(
    system=TEXTS,
    user=TEXTS,
    answer=TEXTS,
    document=TEXTS,
    extra=st.dictionaries(TEXTS, st.one_of(TEXTS, st.integers(), st.floats(allow_nan=False)), max_size=2),
)
def test_any_text_survives_recording_and_replaying(
    tmp_path_factory: pytest.TempPathFactory, system: str, user: str, answer: str, document: str, extra: Json
) -> None:
    folder = tmp_path_factory.mktemp("recordings")
    if any("\ud800" <= c <= "\udfff" for c in system + document):
        return  # prompts and documents' names come from decoded files
    messages = [
        {"role": "system", "content": system},
        {"role": "user", "content": user},
        {"role": "assistant", "content": None},
    ]
    asking = Request({"messages": messages, "extra": extra}, {"document": document, "field": "f"})
    reply = Recordings(folder, "record").over(answering(answer))(asking)
    (path,) = folder.iterdir()
    json.loads(path.read_text(encoding="utf-8"))
    assert Recordings(folder, "replay").over(refusing)(asking) == reply
    assert reply.body["choices"][0]["message"]["content"] == answer


def with_call(text: str, **changed: Any) -> str:
    data = json.loads(text)
    data["calls"][0].update(changed)
    return json.dumps(data)


DAMAGES: dict[str, Any] = {
    "cut off by a second writer": lambda text: text[: len(text) // 2],
    "two files in one": lambda text: text + text,
    "a conflict of git": lambda text: text.replace(' "calls": [', '<<<<<<< ours\n "calls": [', 1),
    "no calls": lambda text: text.replace('"calls"', '"cells"', 1),
    "an answerer that is not listed": lambda text: text.replace('"by": 0', '"by": 7', 1),
    "a text that is not listed": lambda text: text.replace('"text": "', '"text": "0', 1),
    "a reply that is no object": lambda text: with_call(text, reply=5),
    "no about": lambda text: with_call(text, about=None),
    "a list": lambda text: "[]",
    "empty": lambda text: "",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_reported(tmp_path: Path, damage: Any) -> None:
    path = recorded(tmp_path, request())
    whole = path.read_text(encoding="utf-8")
    assert damage(whole) != whole
    path.write_text(damage(whole), encoding="utf-8")
    with pytest.raises(RecordingsDamagedError) as error:
        Recordings(tmp_path, "auto").over(refusing)(request())
    assert error.value.what.startswith(f"The recordings in {path} can't be read (")
    assert error.value.hint == "Restore the file, or delete it and record again."


def test_bytes_that_are_not_text_are_reported(tmp_path: Path) -> None:
    recorded(tmp_path, request()).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecordingsDamagedError, match="can't be read"):
        Recordings(tmp_path, "auto").over(refusing)(request())


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingsDamagedError) as error:
        Recordings(tmp_path / "file", "record").over(answering())(request())
    assert error.value.what.startswith(f"The recordings can't be written to {tmp_path / 'file' / 'd.json'} (")
    assert "--replies" in error.value.hint


def test_concurrent_calls_lose_nothing(tmp_path: Path) -> None:
    call = Recordings(tmp_path, "record").over(answering())
    threads = [threading.Thread(target=call, args=(request(f"问题{i}"),)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(json.loads((tmp_path / "d.json").read_text(encoding="utf-8"))["calls"]) == 16
    assert [p.name for p in tmp_path.iterdir()] == ["d.json"]


def test_only_the_files_used_last_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings_module, "_MAX_LOADED", 3)
    asking = {name: Request(request().body, {"document": name}) for name in "abcd"}
    record = Recordings(tmp_path, "record").over(answering())
    for question in asking.values():
        record(question)
    replay = Recordings(tmp_path, "replay").over(refusing)
    for name in ("a", "b", "c", "a", "d"):  # d is one file too many, and b was used longest ago
        replay(asking[name])
    for path in tmp_path.iterdir():
        path.unlink()
    for name in ("a", "c", "d"):
        replay(asking[name])
    with pytest.raises(NotRecordedError, match=r"b\.json does not exist"):
        replay(asking["b"])


def test_recordings_that_left_memory_are_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings_module, "_MAX_LOADED", 1)
    record = Recordings(tmp_path, "record").over(answering())
    asking = [Request(request(f"问题{i}").body, {"document": f"d{i % 2}"}) for i in range(6)]
    for question in asking:
        record(question)
    replay = Recordings(tmp_path, "replay").over(refusing)
    for question in asking:
        replay(question)


# --- what is not recorded, and what is not used ---


def test_the_file_never_contains_a_key_or_a_header(tmp_path: Path) -> None:
    """A Call gets only body and about; what a provider returns beside the completion is not recorded."""
    secret = "sk-0123456789abcdef"

    def leaking(asking: Request) -> Reply:
        return Reply(
            {**completion("甲").body, "headers": {"authorization": secret}, "request": {"api_key": secret}}, {}
        )

    Recordings(tmp_path, "record").over(leaking)(request())
    text = (tmp_path / "d.json").read_text(encoding="utf-8")
    assert secret not in text
    assert set(json.loads(text)["calls"][0]) == {"about", "key", "by", "request", "reply"}


def test_unused_recordings_are_found_and_dropped(tmp_path: Path) -> None:
    path = recorded(tmp_path, request(), request("旧问题"))
    recordings = Recordings(tmp_path, "replay")
    recordings.over(refusing)(request())
    assert [r.used for r in recordings.file("d").calls.values()].count(False) == 1
    assert recordings.drop_unused("d") == 1
    assert recordings.drop_unused("d") == 0
    assert "旧问题" not in path.read_text(encoding="utf-8")
    Recordings(tmp_path, "replay").over(refusing)(request())


# --- names of files ---


@pytest.mark.parametrize(
    ("document", "name"),
    [("000_f378", "000_f378.json"), ("讲话.2014", "讲话.2014.json"), ("a~2", "a~2.json")],
)
def test_a_document_is_recorded_under_its_name(document: str, name: str) -> None:
    assert recordings_path(Path("replies"), document) == Path("replies") / name


@pytest.mark.parametrize(
    "document", ["../../etc/passwd", "a/b", "a\\b", ".hidden", "", "x" * 300, "县" * 100, "a:b", "\n"]
)
def test_no_document_id_leads_out_of_the_folder(document: str) -> None:
    path = recordings_path(Path("replies"), document)
    assert path.parent == Path("replies")
    assert len(path.name.encode()) <= 150
    assert not path.name.startswith(".")


def test_ids_with_the_same_safe_name_get_different_files() -> None:
    documents = ["a/b", "a__b", "a\\b", "x" * 300, "x" * 301, ".a", "a"]
    assert len({recordings_path(Path("r"), document) for document in documents}) == len(documents)


def test_modes_are_the_options_of_the_command_line() -> None:
    assert set(Mode.__args__) == {"auto", "replay", "record", "live"}  # type: ignore[attr-defined]
