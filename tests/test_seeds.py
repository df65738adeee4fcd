"""The pipeline on the real seeds, with recorded replies of the embedded model (fixtures/replies).

The records are compared with fixtures/records.jsonl. After a change that is meant to alter them, check the
difference, then write the file again with `extractor extract seeds -o fixtures/records.jsonl --mode
replay`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from scripted import ROOT

from extractor.authoring.describe import line_schema
from extractor.document import Document, Json
from extractor.errors import NetworkError
from extractor.lang.fold import fold, simplify
from extractor.llm.call import Reply, Request
from extractor.llm.models import choose
from extractor.llm.prices import FREE
from extractor.llm.recordings import Recordings
from extractor.pipeline.convert import convert
from extractor.pipeline.read.read import read
from extractor.pipeline.recipe import Recipe
from extractor.schema.loading import load_schema

REPLIES = ROOT / "fixtures" / "replies"
RECORDS = ROOT / "fixtures" / "records.jsonl"
IDS = [
    "000_f3784ed5a834436f",
    *(f"001_b33f20b64f905d37#{n}" for n in range(1, 9)),
    "002_8d4852ad37b2be12",
    "003_0f4e80f0cf21daff",
    "004_0a382a7e9a65e718",
]


def no_model(request: Request) -> Reply:
    raise AssertionError(f"a model was asked: {request.about}")


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    model = choose("local", None, {})
    return Recipe(load_schema("meeting"), model.name, model.profile, FREE)


@pytest.fixture(scope="module")
def documents() -> dict[str, Document]:
    return {d.id: d for d in read([str(ROOT / "seeds")]) if isinstance(d, Document)}


@pytest.fixture(scope="module")
def lines(recipe: Recipe, documents: dict[str, Document]) -> list[Json]:
    call = Recordings(REPLIES, "replay").over(no_model)
    converted = [done for document in documents.values() for done in convert(document, recipe, call)]
    assert [failure for done in converted for failure in done.failures] == []
    return [done.line for done in converted]


def test_the_seeds_give_twelve_lines(lines: list[Json]) -> None:
    assert [line["id"] for line in lines] == IDS


def test_records_have_not_changed(lines: list[Json]) -> None:
    expected = RECORDS.read_text(encoding="utf-8")
    written = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    for old, new in zip(expected.splitlines(), written.splitlines(), strict=True):
        assert json.loads(new) == json.loads(old)
    assert written == expected


def test_lines_fit_their_published_schema(lines: list[Json], recipe: Recipe) -> None:
    validator = jsonschema.Draft202012Validator(line_schema(recipe.schema))
    for line in lines:
        validator.validate(line)
        read_back = recipe.schema.record.model_validate(line["record"])
        assert read_back.model_dump(mode="json") == line["record"]


def places(value: Any) -> Iterator[Json]:
    """All evidence in a value, at any depth."""
    if isinstance(value, dict):
        if {"text", "start", "end"} <= set(value):
            yield value
        for inner in value.values():
            yield from places(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from places(inner)


def test_evidence_is_cut_from_the_source(lines: list[Json], documents: dict[str, Document]) -> None:
    count = 0
    for line in lines:
        text = documents[line["id"].partition("#")[0]].text
        source = line["source"]
        for place in [*places(line["record"]), *places(line["evidence"])]:
            assert text[place["start"] : place["end"]] == place["text"]
            assert source["start"] <= place["start"] < place["end"] <= source["end"]
            count += 1
    assert count > 300


def plain(text: str) -> str:
    """A text without pinyin and white space, folded, to compare words.

    It does not use the engine's own cleaning and grounding, so that the two can disagree.
    """
    text = re.sub(r"\([a-zāáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜńňǹüɡê]{1,7}\)", "", text, flags=re.I)
    return re.sub(r"\s", "", fold(text))


def values_of(line: Json) -> Iterator[tuple[str, str]]:
    """Every value of a record that must occur in the speech."""
    record = line["record"]
    if record["date"]:
        yield "date", record["date"]["text"]
    for official in record["officials"]:
        yield "name", official["name"]
        yield from (("title", title) for title in official["titles"])
    for statistic in record["statistics"]:
        yield "value", statistic["value"]["text"]
        yield from ((name, statistic[name]) for name in ("period", "region") if statistic[name])
    for target in record["targets"]:
        yield "text", target["text"]
        yield from (("value", target["value"]["text"]) for _ in range(target["value"] is not None))
        yield from (("deadline", target["deadline"]) for _ in range(target["deadline"] is not None))
    for measure in record["measures"]:
        yield "text", measure["text"]
        yield from (("responsible", organ) for organ in measure["responsible"])
        yield from ((name, measure[name]) for name in ("deadline", "speaker") if measure[name])
    for item in (*record["statistics"], *record["targets"], *record["measures"]):
        yield from (("heading", words) for words in (item["heading"] or "").split(" / ") if words)


def test_nothing_is_invented(lines: list[Json], documents: dict[str, Document]) -> None:
    count = 0
    for line in lines:
        source = line["source"]
        speech = plain(documents[line["id"].partition("#")[0]].text[source["start"] : source["end"]])
        for kind, value in values_of(line):
            assert plain(value) in speech, (line["id"], kind, value)
            count += 1
    assert count > 500


def test_indicators_use_only_characters_of_their_sentence(lines: list[Json], documents: dict[str, Document]) -> None:
    for line in lines:
        text = documents[line["id"].partition("#")[0]].text
        for statistic in line["record"]["statistics"]:
            place = next(places(statistic["evidence"]))
            before = re.split(r"[。！？]", text[: place["start"]])[-1]
            after = re.split(r"[。！？]", text[place["end"] :])[0]
            sentence = plain(before + place["text"] + after)
            assert set(plain(statistic["indicator"])) <= set(sentence), statistic["indicator"]


PINYIN = re.compile(r"[\u4e00-\u9fff]\([a-zāáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ]+\)")


def test_evidence_keeps_the_noise_of_the_source(lines: list[Json]) -> None:
    for name in ("003_0f4e80f0cf21daff", "004_0a382a7e9a65e718"):
        line = next(line for line in lines if line["id"] == name)
        assert any(PINYIN.search(place["text"]) for place in places(line["record"]))
        assert not any(PINYIN.search(target["text"]) for target in line["record"]["targets"])


def test_the_model_sees_neither_noise_nor_boilerplate(recipe: Recipe, documents: dict[str, Document]) -> None:
    """In both styles: forms as for the embedded model, and passages to read as for a large one."""
    sent: list[str] = []

    def noting(request: Request) -> Reply:
        sent.extend(message["content"] for message in request.body["messages"])
        raise NetworkError("no server")

    reading = choose("gpt", "http://127.0.0.1:9/v1", {})
    for asked in (recipe, Recipe(recipe.schema, reading.name, reading.profile)):
        for document in documents.values():
            assert list(convert(document, asked, noting))
    assert len(sent) > 70
    for words in sent:
        assert not PINYIN.search(words)
        assert simplify(words) == words
        for boilerplate in ("推荐阅读", "省略440字", "正式会员", "http", "导医热线", "发表了评论", "推荐8篇"):
            assert boilerplate not in words


def test_the_compilation_is_split_where_its_speeches_begin(lines: list[Json]) -> None:
    annotated = json.loads((ROOT / "fixtures/gold/001_b33f20b64f905d37.segments.json").read_text(encoding="utf-8"))
    speeches = [s for s in annotated["segments"] if s["kind"] != "furniture"]
    found = [line["source"] for line in lines if line["id"].startswith("001")]
    for speech, source in zip(speeches, found, strict=True):
        assert abs(speech["start"] - source["start"]) <= 30
        assert abs(speech["end"] - source["end"]) <= 30


def test_recordings_say_who_answered() -> None:
    for path in REPLIES.glob("*.json"):
        for by in json.loads(path.read_text(encoding="utf-8"))["answered_by"]:
            assert by["model"] == "qwen2.5-coder-1.5b-instruct-q4_k_m"
            assert by["digest"] == "sha256:cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"
            assert by["version"].startswith("xllamacpp ")


def test_two_runs_write_the_same_bytes(recipe: Recipe, documents: dict[str, Document], lines: list[Json]) -> None:
    call = Recordings(REPLIES, "replay").over(no_model)
    again = [done.line for document in documents.values() for done in convert(document, recipe, call)]
    assert json.dumps(again, ensure_ascii=False) == json.dumps(lines, ensure_ascii=False)
    assert str(ROOT) not in json.dumps(again)
