"""Recorded replies: what a real model answered, stored with the request, in one readable file per document.

A recording is found by its request: the canonical JSON of everything that is sent. A file lists its calls in
the order of the text. A message's text is stored as a list of lines; the system prompt, which calls share, is
stored once under `texts`. Keys and headers never reach this module.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from extractor.document import Json
from extractor.errors import NotRecordedError, RecordingsDamagedError
from extractor.files import escape_surrogates, file_stem
from extractor.llm.call import Call, Reply, Request, request_key

Mode = Literal["auto", "replay", "record", "live"]

# How many documents' recordings are kept in memory. The least recently used are dropped first.
_MAX_LOADED = 128
# The recorded parts of a completion. Timings are left out, since they differ from run to run.
_RECORDED = ("id", "object", "created", "model", "system_fingerprint", "choices", "usage")


@dataclass
class Recording:
    """One recorded call. `used` says whether this run has replayed or recorded it."""

    about: Json
    request: Json
    reply: Json
    by: Json
    used: bool = False


@dataclass
class RecordingFile:
    """The recordings of one document, by the key of the request."""

    path: Path
    calls: dict[str, Recording] = field(default_factory=dict)


class Recordings:
    """A folder of recordings, and how a run uses it. Threads share it.

    auto    replays what is recorded, asks the model for the rest, writes nothing
    replay  replays only; a request that is not recorded raises NotRecordedError
    record  replays what is recorded, asks the model for the rest and records it
    live    ignores the recordings

    `missed` lists the errors of a replay; `on_asked` gets the `about` of each question before the model is
    asked. Raises RecordingsDamagedError if a file can't be read or written.
    """

    def __init__(self, folder: Path | None, mode: Mode, on_asked: Callable[[Json], None] | None = None) -> None:
        self.folder = folder
        self._on_asked = on_asked
        self.mode = mode if folder is not None else "live"
        self._files: OrderedDict[str, RecordingFile] = OrderedDict()
        self._lock = threading.Lock()
        self.missed: list[NotRecordedError] = []

    def over(self, call: Call) -> Call:
        """`call` behind the recordings."""
        return call if self.mode == "live" else lambda request: self._answer(request, call)

    def _answer(self, request: Request, call: Call) -> Reply:
        document = str(request.about.get("document", "unnamed"))
        key = request_key(request.body)
        with self._lock:
            file = self._load(document)
            known = file.calls.get(key)
            if known is not None:
                known.used = True
                return Reply(json.loads(json.dumps(known.reply)), known.by)
        if self.mode == "replay":
            missed = _not_recorded(request, file)
            self.missed.append(missed)
            raise missed
        if self._on_asked is not None:
            self._on_asked(request.about)
        reply = call(request)
        return self._record(document, key, request, reply) if self.mode == "record" else reply

    def _record(self, document: str, key: str, request: Request, reply: Reply) -> Reply:
        """Record the reply; returns it as a replay would."""
        recorded = {k: v for k, v in reply.body.items() if k in _RECORDED}
        with self._lock:
            file = self._load(document)
            file.calls[key] = Recording(request.about, request.body, recorded, reply.by, used=True)
            # Written at once: the answer took seconds, writing takes milliseconds.
            _write(file)
        return Reply(json.loads(json.dumps(recorded)), reply.by)

    def file(self, document: str) -> RecordingFile:
        """The recordings of a document, read from disk if necessary."""
        with self._lock:
            return self._load(document)

    def drop_unused(self, document: str) -> int:
        """Delete the recordings of a document that this run did not use; returns their number."""
        with self._lock:
            file = self._load(document)
            unused = [key for key, recording in file.calls.items() if not recording.used]
            for key in unused:
                del file.calls[key]
            if unused:
                _write(file)
            return len(unused)

    def _load(self, document: str) -> RecordingFile:
        assert self.folder is not None
        if document not in self._files:
            self._files[document] = _read(recordings_path(self.folder, document))
            while len(self._files) > _MAX_LOADED:
                self._files.popitem(last=False)
        self._files.move_to_end(document)
        return self._files[document]


def recordings_path(folder: Path, document: str) -> Path:
    """The file of a document's recordings."""
    return folder / f"{file_stem(document)}.json"


# --- a miss: what is recorded instead ---


def _not_recorded(request: Request, file: RecordingFile) -> NotRecordedError:
    about = request.about
    passage = f"passage at {about.get('start')}-{about.get('end')}"
    nearest = nearest_recording(request, file)
    if nearest is None:
        found = "has no recording for this field" if file.calls else "does not exist"
        found = f"{file.path} {found}"
    else:
        place = f"{nearest.about.get('start')}-{nearest.about.get('end')}"
        difference = describe_difference(request.body, nearest.request)
        found = f"the nearest recording, of {place} in {file.path}, differs in {difference}"
    return NotRecordedError(
        f"No recorded reply for {about.get('document')}, {about.get('field')} of the {passage}: {found}.",
        "Record it by running the same command with --mode record, or ask the model with --mode auto.",
    )


def nearest_recording(request: Request, file: RecordingFile) -> Recording | None:
    """The recording of the same field that overlaps the passage most, or any of that field."""
    same = [r for r in file.calls.values() if r.about.get("field") == request.about.get("field")]
    start, end = request.about.get("start", 0), request.about.get("end", 0)

    def nearness(r: Recording) -> tuple[bool, int, bool, int]:
        overlap = min(end, r.about.get("end", 0)) - max(start, r.about.get("start", 0))
        again = len(r.request["messages"]) == len(request.body["messages"])
        common = _common(_user_text(r.request), _user_text(request.body))
        return (again, overlap, r.request.get("model") == request.body.get("model"), common)

    return max(same, key=nearness, default=None)


def describe_difference(asked: Json, recorded: Json) -> str:
    """What differs between a request and a recorded one, in a few words."""
    if asked.get("model") != recorded.get("model"):
        return f"the model ({recorded.get('model')} recorded, {asked.get('model')} asked)"
    mine, theirs = asked["messages"], recorded["messages"]
    if len(mine) != len(theirs):
        return f"the number of messages ({len(theirs)} recorded, {len(mine)} asked): one of them is a re-ask"
    for a, b in zip(mine, theirs, strict=True):
        if a != b:
            name = "the task prompt" if a["role"] == "system" else "the question or the passage"
            return f"{name}, from {_first_difference(str(a.get('content')), str(b.get('content')))}"
    if asked.get("response_format") != recorded.get("response_format"):
        return "the answer's shape (the types or limits of the schema)"
    other = sorted(k for k in {*asked, *recorded} if asked.get(k) != recorded.get(k))
    return "settings: " + ", ".join(f"{k} ({recorded.get(k)!r} recorded, {asked.get(k)!r} asked)" for k in other)


def _first_difference(a: str, b: str) -> str:
    at = _common(a, b)
    return f"character {at}: “{b[at : at + 20]}” recorded, “{a[at : at + 20]}” asked".replace("\n", " ")


def _common(a: str, b: str) -> int:
    pairs = enumerate(zip(a, b, strict=False))
    return next((at for at, (x, y) in pairs if x != y), min(len(a), len(b)))


def _user_text(body: Json) -> str:
    return next((str(m.get("content")) for m in body["messages"] if m["role"] == "user"), "")


# --- the file ---


def _read(path: Path) -> RecordingFile:
    if not path.is_file():
        return RecordingFile(path)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        file = RecordingFile(path)
        for call in data["calls"]:
            request = _unfold(call["request"], data["texts"])
            file.calls[request_key(request)] = Recording(
                dict(call["about"]), request, dict(call["reply"]), dict(data["answered_by"][call["by"]])
            )
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise RecordingsDamagedError(
            f"The recordings in {path} can't be read ({type(error).__name__}: {error}).",
            "Restore the file, or delete it and record again.",
        ) from error
    return file


def _write(file: RecordingFile) -> None:
    """Rewrite the whole file by an atomic replace, so that it is never half-written."""
    by: list[Json] = []
    texts: dict[str, list[str]] = {}
    calls = []
    for key, recording in sorted(file.calls.items(), key=_order):
        if recording.by not in by:
            by.append(recording.by)
        calls.append(
            {
                "about": recording.about,
                "key": key,
                "by": by.index(recording.by),
                "request": _fold(recording.request, texts),
                "reply": recording.reply,
            }
        )
    lines = [
        "{",
        f' "answered_by": {_spread(by)},',
        f' "texts": {json.dumps(texts, ensure_ascii=False, indent=1)},',
        ' "calls": [',
        ",\n".join(_write_call(call) for call in calls),
        " ]",
        "}",
    ]
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        part = file.path.with_name(f"{file.path.name}.{os.getpid()}.part")
        part.write_text(escape_surrogates("\n".join(lines) + "\n"), encoding="utf-8")
        os.replace(part, file.path)
    except OSError as error:
        raise RecordingsDamagedError(
            f"The recordings can't be written to {file.path} ({error.strerror}).",
            "Free some space, or name another folder with --replies.",
        ) from error


def _order(entry: tuple[str, Recording]) -> tuple[int, int, str, int, str]:
    key, recording = entry
    about = recording.about
    return (about.get("start", 0), about.get("end", 0), about.get("field", ""), len(recording.request["messages"]), key)


def _write_call(call: Json) -> str:
    """A call as JSON, with one line per line of text and per setting, so that it reads and diffs well."""
    request = call["request"]
    rest = {k: v for k, v in request.items() if k != "messages"}
    messages = ",\n".join(f"    {json.dumps(m, ensure_ascii=False, indent=1)}" for m in request["messages"])
    settings = "".join(f"   {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)},\n" for k, v in rest.items())
    return (
        "  {\n"
        f'   "about": {json.dumps(call["about"], ensure_ascii=False)},\n'
        f'   "key": {json.dumps(call["key"])},\n'
        f'   "by": {call["by"]},\n'
        '   "request": {\n'
        f"{settings}"
        f'   "messages": [\n{messages}\n   ]}},\n'
        f'   "reply": {json.dumps(call["reply"], ensure_ascii=False)}\n'
        "  }"
    )


def _spread(values: list[Json]) -> str:
    return json.dumps(values, ensure_ascii=False, indent=1)


def _fold(request: Json, texts: dict[str, list[str]]) -> Json:
    """The request with its texts as lists of lines and its system prompt as a reference to `texts`."""
    messages = []
    for message in request["messages"]:
        content = message.get("content")
        if isinstance(content, str):
            lines = content.split("\n")
            if message["role"] == "system":
                name = hashlib.sha256(content.encode()).hexdigest()[:8]
                texts[name] = lines
                content = {"text": name}
            else:
                content = {"lines": lines}
        messages.append({**message, "content": content})
    return {**request, "messages": messages}


def _unfold(request: Json, texts: dict[str, list[str]]) -> Json:
    """The inverse of `_fold`."""
    messages = []
    for message in request["messages"]:
        content = message.get("content")
        if isinstance(content, dict):
            content = "\n".join(texts[content["text"]] if "text" in content else content["lines"])
        messages.append({**message, "content": content})
    return {**request, "messages": messages}
