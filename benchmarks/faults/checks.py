"""What must hold after every run, whatever the fault: nothing lost, doubled, hung, leaked or crashed."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from corpus import facts_of
from tool import Ended
from verdict import Verdict

_CRASHED = re.compile(
    rb"Traceback \(most recent call last\)|Exception ignored|Fatal Python error|^Aborted|core dumped|Segmentation fault"
    rb"|Exception in thread|was never awaited|Task exception was never retrieved|Task was destroyed|unclosed",
    re.MULTILINE,
)
MEMORY = 300
"""MB that a run may take at its peak."""
# What a run may leave beside its output.
_FILES = re.compile(
    r"records\.jsonl(\.(failures\.jsonl|runs\.jsonl|answers(/.*\.jsonl)?|restart|before(\.\d+)?))?|log\.jsonl"
)
_PARTS = re.compile(r"records\.jsonl((\.failures\.jsonl)?\.part|\.spent\.jsonl)")
_VARYING = ("run",)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def strict(line: bytes | str) -> Any:
    """One line of strict JSON in UTF-8. Raises ValueError."""
    return json.loads(line.decode() if isinstance(line, bytes) else line, parse_constant=_no_constant)


def read_lines(path: Path) -> list[Any]:
    """The lines of a JSONL file; [] if it is missing. Raises ValueError for a line that is not strict JSON."""
    if not path.exists():
        return []
    content = path.read_bytes()
    if content and not content.endswith(b"\n"):
        raise ValueError(f"the last line of {path.name} is torn: {content[-60:]!r}")
    return [strict(line) for line in content.split(b"\n")[:-1]]


def records(folder: Path, output: str = "out/records.jsonl") -> list[Any]:
    return read_lines(folder / output)


def failures(folder: Path, output: str = "out/records.jsonl") -> list[Any]:
    return read_lines(folder / f"{output}.failures.jsonl")


def document_of(line: Mapping[str, Any]) -> str:
    """The document of a record or a failure."""
    return re.sub(r"#\d+$", "", str(line["id"]))


def said_of(line: Mapping[str, Any]) -> str:
    """A record without what depends on how often something was asked."""
    return json.dumps({k: v for k, v in line.items() if k not in _VARYING}, ensure_ascii=False, sort_keys=True)


def check_process(verdict: Verdict, ended: Ended, memory: int = MEMORY) -> None:
    """No traceback, no hang, no process left over, bounded memory."""
    for name, said in (("standard error", ended.screen.encode()), ("standard output", ended.stdout)):
        if found := _CRASHED.search(said):
            end = said.strip().splitlines()[-1].decode(errors="replace")
            verdict.count("traceback", f"{found[0].decode()!r} on {name}, exit code {ended.code}: {end[:200]}")
    if ended.code < 0 and not ended.hung and ended.after_signal is None:
        verdict.count("traceback", f"ended by signal {-ended.code}")
    if ended.hung:
        verdict.count("hung", f"no end after {ended.seconds:.0f} s")
    verdict.expect(not ended.left_over, f"processes left over: {ended.left_over}")
    verdict.expect(ended.peak <= memory, f"{ended.peak} MB of memory at the peak, over {memory}")


def check_files(verdict: Verdict, folder: Path, finished: bool = True) -> None:
    """Every file of the run is readable, and nothing else is left."""
    for path in _files(folder / "out"):
        name = str(path.relative_to(folder / "out"))
        known = _FILES.fullmatch(name) or (not finished and _PARTS.fullmatch(name))
        verdict.expect(bool(known), f"a file is left over: out/{name}")
        if path.suffix == ".jsonl":
            try:
                read_lines(path)
            except ValueError as error:
                verdict.expect(False, f"out/{name} cannot be read as JSONL: {error}")
    for name in ("tmp", "home"):
        left = [str(path.relative_to(folder)) for path in _files(folder / name)]
        verdict.expect(not left, f"files are left in {name}: {left[:3]}")


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file()) if folder.exists() else iter(())


def check_records(verdict: Verdict, folder: Path, texts: Mapping[str, str | None]) -> None:
    """Every document has a record or a failure, no record stands twice, and every value is in its text."""
    try:
        lines, failed = records(folder), failures(folder)
    except ValueError as error:
        verdict.expect(False, str(error))
        return
    for name, times in Counter(line["id"] for line in lines).items():
        if times > 1:
            verdict.count("doubled", f"{name} stands {times} times in the output")
    present = {document_of(line) for line in lines} | {line["id"] for line in lines}
    listed = {str(line["id"]) for line in failed}
    missing = [
        name
        for name in texts
        if name not in present | listed and not any(other.startswith((f"{name}.", f"{name}:")) for other in listed)
    ]
    if missing:
        verdict.count("lost", f"neither record nor failure: {', '.join(missing[:5])}", len(missing))
    for line in lines:
        text = texts.get(line["id"], texts.get(document_of(line)))
        if text is not None:
            for what in ungrounded(line, text):
                verdict.expect(False, f"{line['id']}: {what}")


def ungrounded(line: Any, text: str) -> Iterator[str]:
    """What a record holds that its text does not."""
    for evidence in _evidence([line["record"], line["document"], line["evidence"], line["coverage"]]):
        if text[evidence["start"] : evidence["end"]] != evidence["text"]:
            yield f"evidence {evidence} is not its slice of the source"
    quoted = {str(official["name"]) for official in line["record"].get("officials", ())}
    for kind in ("targets", "measures"):
        quoted |= {str(item["text"]) for item in line["record"].get(kind, ())}
    quoted |= {str(item["value"]["text"]) for item in line["record"].get("statistics", ())}
    bare = without_noise(text)
    for words in quoted:
        if without_noise(words) not in bare:
            yield f"{words!r} is not in the source"


def without_noise(text: str) -> str:
    """The text without blanks and invisible characters, which evidence keeps and values leave out."""
    return "".join(c for c in text if not c.isspace() and unicodedata.category(c) not in ("Cf", "Cc"))


def incomplete(line: Any, text: str) -> Iterator[str]:
    """What a record of the corpus lacks, or has too much, if the right answer arrived."""
    facts = facts_of(text)
    for field, key in (("officials", "name"), ("targets", "text"), ("measures", "text")):
        here = sorted(str(item[key]) for item in line["record"][field])
        right = sorted(str(item[key]) for item in facts[field])
        if here != right:
            yield f"{field} {here}, not {right}"
    if not line["record"]["date"] or len(line["record"]["statistics"]) != len(facts["statistics"]):
        yield "no date, or not all statistics"


def _evidence(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        if {"text", "start", "end"} <= value.keys():
            yield value
        for inner in value.values():
            yield from _evidence(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _evidence(inner)


def check_equal(verdict: Verdict, folder: Path, reference: Mapping[str, str], except_for: tuple[str, ...] = ()) -> None:
    """The records of these documents say what an undisturbed run says. `reference`: id → `said_of`."""
    try:
        here = {line["id"]: said_of(line) for line in records(folder)}
    except ValueError as error:
        verdict.expect(False, str(error))
        return
    for name, said in reference.items():
        if name not in except_for and here.get(name) != said:
            if name not in here:
                verdict.count("lost", f"no record of {name}")
            else:
                verdict.expect(False, f"the record of {name} differs from that of an undisturbed run")
    for name in here.keys() - reference.keys():
        verdict.expect(name in except_for, f"a record of {name} that an undisturbed run has not")


def written_forms(secret: str) -> set[str]:
    """A secret as it may be written: as it is, as JSON, in a URL, in HTML."""
    in_json = json.dumps(secret)[1:-1]
    forms = {secret, in_json, in_json.replace("/", "\\/"), html.escape(secret), html.escape(secret, quote=False)}
    for case in ("04x", "04X"):
        forms.add(in_json.replace("/", f"\\u{ord('/'):{case}}"))
        forms.add("".join(c if c.isalnum() else f"\\u{ord(c):{case}}" for c in secret))
        forms.add("".join(f"\\u{ord(c):{case}}" for c in secret))
    urls = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    return forms | urls | {re.sub("%..", lambda found: found[0].lower(), url) for url in urls}


def check_secret(
    verdict: Verdict, folder: Path, secret: str, *ends: Ended, ways: Mapping[str, str] | None = None
) -> None:
    """The secret is on no screen and in no file of the run, in whatever way it may be written.

    `ways`: the document → how the secret was echoed in the reply about it.
    """
    forms = {form.encode() for form in written_forms(secret)}
    places = [(f"screen: {line[:160]}", line.encode()) for ended in ends for line in ended.screen.splitlines()]
    places += [("standard output", ended.stdout) for ended in ends]
    for root in ("out", "tmp", "home"):
        for path in _files(folder / root):
            places += [(str(path.relative_to(folder)), line) for line in path.read_bytes().split(b"\n")]
            places.append((f"the name {path.name}", path.name.encode()))
    found: dict[str, int] = {}
    for where, said in places:
        # Twice decoded: a file that holds JSON within JSON shows the secret to whoever reads it.
        if any(form in said or form in said.replace(b"\\\\", b"\\") for form in forms):
            document = _document(said)
            what = f"{where}, echoed {ways[document]}" if ways and document in ways else where
            found[what] = found.get(what, 0) + 1
    for what, times in found.items():
        verdict.count("leaked", f"the key is in {what}" + (f" ({times} times)" if times > 1 else ""), times)


def _document(line: bytes) -> str:
    try:
        entry = json.loads(line)
        return str(entry.get("id", entry.get("document", "")))
    except (ValueError, AttributeError):
        return ""
