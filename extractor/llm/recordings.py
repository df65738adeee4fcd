"""Recorded replies: what a real model really answered, kept beside the very request, one readable file a document.

A recording is found by the meaning of the request: the canonical JSON of all that is sent. A file holds its calls in the
order of the text; the text of a message is a list of its lines, and one that several calls share (the task) stands once,
under `texts`. Neither keys nor headers reach this layer.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from extractor.document import Json
from extractor.errors import NotRecordedError, RecordingsDamagedError
from extractor.files import escape_halves, file_stem
from extractor.llm.call import Call, Reply, Request, request_key

Mode = Literal["auto", "replay", "record", "live"]

# Documents whose recordings are held in memory at a time.
_HELD = 128
# What of a completion is kept: what records are made of, and what it cost. Timings differ from run to run.
_KEPT = ("id", "object", "created", "model", "system_fingerprint", "choices", "usage")


@dataclass
class Recording:
    """One recorded call."""

    about: Json
    request: Json
    reply: Json
    by: Json
    used: bool = False


@dataclass
class RecordingFile:
    """The recordings of one document, by key."""

    path: Path
    calls: dict[str, Recording] = field(default_factory=dict)
    changed: bool = False


class Recordings:
    """A folder of recordings, and how it is used.

    auto    answers from the tape, asks the model for the rest, writes nothing
    replay  answers from the tape only; a request that it does not hold raises NotRecordedError
    record  answers from the tape, asks the model for the rest, and writes that down
    live    does without the tape

    `missed` holds what a replay did not find.
    """

    def __init__(self, folder: Path | None, mode: Mode) -> None:
        self.folder = folder
        self.mode = mode if folder is not None else "live"
        self._reels: OrderedDict[str, RecordingFile] = OrderedDict()
        self._lock = threading.Lock()
        self.missed: list[NotRecordedError] = []

    def over(self, call: Call) -> Call:
        """`call` behind this tape."""
        return call if self.mode == "live" else lambda request: self._answer(request, call)

    def _answer(self, request: Request, call: Call) -> Reply:
        document = str(request.about.get("document", "unnamed"))
        key = request_key(request.body)
        with self._lock:
            reel = self._reel(document)
            known = reel.calls.get(key)
            if known is not None:
                known.used = True
                return Reply(json.loads(json.dumps(known.reply)), known.by)
        if self.mode == "replay":
            missed = self._missed(request, reel)
            self.missed.append(missed)
            raise missed
        reply = call(request)
        if self.mode == "record":
            kept = {k: v for k, v in reply.body.items() if k in _KEPT}
            with self._lock:
                reel = self._reel(document)
                reel.calls[key] = Recording(request.about, request.body, kept, reply.by, used=True)
                reel.changed = True
                # Written at once: an answer took seconds of a model, this takes milliseconds.
                _write(reel)
            return Reply(json.loads(json.dumps(kept)), reply.by)
        return reply

    def reel(self, document: str) -> RecordingFile:
        """The recordings of a document, loaded where need be."""
        with self._lock:
            return self._reel(document)

    def drop_unused(self, document: str) -> int:
        """Take the recordings that this run did not use out of the document's file; how many they were."""
        with self._lock:
            reel = self._reel(document)
            unused = [key for key, recording in reel.calls.items() if not recording.used]
            for key in unused:
                del reel.calls[key]
            if unused:
                _write(reel)
            return len(unused)

    def _reel(self, document: str) -> RecordingFile:
        assert self.folder is not None
        if document not in self._reels:
            self._reels[document] = _read(reel_path(self.folder, document))
            while len(self._reels) > _HELD:
                self._reels.popitem(last=False)
        self._reels.move_to_end(document)
        return self._reels[document]

    def _missed(self, request: Request, reel: RecordingFile) -> NotRecordedError:
        about = request.about
        where = (
            f"{about.get('document')}, {about.get('field')} of the passage at {about.get('start')}-{about.get('end')}"
        )
        nearest = nearest_recording(request, reel)
        if nearest is None:
            found = f"{reel.path} holds no recording for this field" if reel.calls else f"there is no {reel.path}"
        else:
            there = f"{nearest.about.get('start')}-{nearest.about.get('end')}"
            found = f"the nearest recording, of {there} in {reel.path}, differs in {describe_difference(request.body, nearest.request)}"
        return NotRecordedError(
            f"No recorded reply for {where}: {found}.",
            "Record it by running the same command with --mode record, or ask the model with --mode auto.",
        )


def reel_path(folder: Path, document: str) -> Path:
    """The file of a document's recordings."""
    return folder / f"{file_stem(document)}.json"


def nearest_recording(request: Request, reel: RecordingFile) -> Recording | None:
    """The recording of the same field that overlaps the passage most, or any of that field."""
    same = [r for r in reel.calls.values() if r.about.get("field") == request.about.get("field")]
    start, end = request.about.get("start", 0), request.about.get("end", 0)

    def nearness(r: Recording) -> tuple[bool, int, bool, int]:
        overlap = min(end, r.about.get("end", 0)) - max(start, r.about.get("start", 0))
        again = len(r.request["messages"]) == len(request.body["messages"])
        common = _common(_user_text(r.request), _user_text(request.body))
        return (again, overlap, r.request.get("model") == request.body.get("model"), common)

    return max(same, key=nearness, default=None)


def describe_difference(asked: Json, recorded: Json) -> str:
    """In a few words, in what a request differs from a recorded one."""
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
        return "the shape of the answer (the schema's types or bounds)"
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
        reel = RecordingFile(path)
        for call in data["calls"]:
            request = _unfold(call["request"], data["texts"])
            reel.calls[request_key(request)] = Recording(
                dict(call["about"]), request, dict(call["reply"]), dict(data["answered_by"][call["by"]])
            )
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise RecordingsDamagedError(
            f"The recordings in {path} can't be read ({type(error).__name__}: {error}).",
            "Restore the file, or delete it and record again.",
        ) from error
    return reel


def _write(reel: RecordingFile) -> None:
    """The whole file anew, in place at once, so that it is never half-written."""
    by: list[Json] = []
    texts: dict[str, list[str]] = {}
    calls = []
    for key, recording in sorted(reel.calls.items(), key=_order):
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
        reel.path.parent.mkdir(parents=True, exist_ok=True)
        part = reel.path.with_name(f"{reel.path.name}.{os.getpid()}.part")
        part.write_text(escape_halves("\n".join(lines) + "\n"), encoding="utf-8")
        os.replace(part, reel.path)
    except OSError as error:
        raise RecordingsDamagedError(
            f"The recordings can't be written to {reel.path} ({error.strerror}).",
            "Make room or name another folder with --replies.",
        ) from error
    reel.changed = False


def _order(entry: tuple[str, Recording]) -> tuple[int, int, str, int, str]:
    key, recording = entry
    about = recording.about
    return (about.get("start", 0), about.get("end", 0), about.get("field", ""), len(recording.request["messages"]), key)


def _write_call(call: Json) -> str:
    """A call with one line a line of text, and one for each other thing, so that it reads and diffs well."""
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
    """Texts as lists of lines, a task prompt as a reference to `texts`."""
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
    messages = []
    for message in request["messages"]:
        content = message.get("content")
        if isinstance(content, dict):
            content = "\n".join(texts[content["text"]] if "text" in content else content["lines"])
        messages.append({**message, "content": content})
    return {**request, "messages": messages}
