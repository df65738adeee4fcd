"""Asking: what is sent, what is asked again, and how truncated, invalid and missing answers are handled."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, create_model
from pydantic import Field as PydanticField
from scripted import ROOT, completion, nothing, recipe, scripted, whole

from extractor.document import Document
from extractor.errors import (
    BlankAnswerError,
    ExtractorError,
    InvalidAnswerError,
    KeyRefusedError,
    NetworkError,
    RateLimitedError,
    RefusedError,
    TruncatedError,
)
from extractor.fields import Clause, Cue, EdtfDate, Most, Quantity, Verbatim, Worded
from extractor.lang.fold import simplify
from extractor.llm.call import REASKED, Reply, Request, request_key
from extractor.pipeline.answer import Answer
from extractor.pipeline.ask.ask import MOST_QUESTIONS, SMALLEST_PASSAGE, ask, verify
from extractor.pipeline.ask.misfit import SECOND_TRY
from extractor.pipeline.ask.structured_output import answer_schema_of
from extractor.pipeline.clean.clean import clean
from extractor.pipeline.convert import convert
from extractor.pipeline.recipe import Recipe
from extractor.runs.estimate import shortest_answer
from extractor.schema.shape import Field, read_fields


class Figure(BaseModel):
    what: Worded
    value: Quantity


class Task(BaseModel):
    text: Clause


def field_of(annotation: Any) -> Field:
    (field,) = read_fields(create_model("Record", f=(annotation, ...)))
    return field


FIGURES = field_of(list[Figure])
CUT_OFF = '{"f": [{"what": "增'


def asked_about(text: str, field: Field, answer: Any, how: Recipe | None = None) -> tuple[Answer, list[Request]]:
    asked: list[Request] = []
    speech = whole(text)
    return ask(field, speech, speech, how or recipe(), scripted(answer, asked)), asked


def passage_of(request: Request) -> str:
    found = re.search(r"【原文】[^\n]*\n(.*)\n【原文完】", request.body["messages"][1]["content"], re.S)
    assert found is not None
    return found[1]


def rows_of(request: Request) -> list[str]:
    return re.findall(r"^n\d+ (\S+?)（", request.body["messages"][1]["content"], re.M)


# --- what is sent ---


def test_a_request_holds_the_question_and_what_it_is_about() -> None:
    answer, (request,) = asked_about("全市增长5%。", FIGURES, lambda r: {"f": [{"what": "增长", "value": "5%"}]})
    assert [row.values for row in answer.items] == [{"what": "增长", "value": "5%"}]
    assert request.about == {"document": "d", "start": 0, "end": 7, "field": "f"}
    assert set(request.body) == {"model", "messages", "temperature", "max_tokens", "response_format"}
    assert [m["role"] for m in request.body["messages"]] == ["system", "user"]
    assert (request.body["model"], request.body["max_tokens"]) == ("scripted", recipe().profile.output)
    assert request.body["response_format"]["type"] == "json_schema"
    json.dumps(request.body)


def test_an_endpoint_without_schema_support_gets_the_schema_in_the_prompt() -> None:
    how = recipe(answer="json_object", limit="max_completion_tokens")
    answer, (request,) = asked_about("全市增长5%。", FIGURES, lambda r: {"f": []}, how)
    assert answer.failed == ()
    assert request.body["response_format"] == {"type": "json_object"}
    assert "max_completion_tokens" in request.body
    assert "max_tokens" not in request.body
    # In front of the passage, where it is the same for all.
    rules, passage = (message["content"] for message in request.body["messages"])
    _, words = rules.split("\n按此 JSON Schema 输出 JSON：")
    schema = json.loads(words)
    assert answer_schema_of(request.body) == schema
    assert shortest_answer(schema) == {"f": []}
    assert schema["properties"]["f"]["items"]["$ref"] == "#/$defs/Figure"
    assert "JSON Schema" not in passage


def test_an_endpoint_without_response_format_gets_none() -> None:
    answer, (request,) = asked_about("全市增长5%。", FIGURES, lambda r: {"f": []}, recipe(answer="text"))
    assert answer.failed == ()
    assert set(request.body) == {"model", "messages", "temperature", "max_tokens"}
    assert shortest_answer(answer_schema_of(request.body)) is not None


def test_the_same_question_gives_the_same_bytes() -> None:
    bodies = [json.dumps(asked_about("全市增长5%。", FIGURES, nothing)[1][0].body) for _ in range(2)]
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize(
    ("annotation", "text", "asks"),
    [
        (Annotated[list[Figure], Cue("[0-9]")], "会议召开。", False),
        (Annotated[list[Figure], Cue("[0-9]")], "增长5%。", True),
        (Annotated[EdtfDate | None, Cue("月", where="ends")], "5月1日" + "会" * 900, True),
        (Annotated[EdtfDate | None, Cue("月", where="ends")], "会" * 900 + "5月1日", True),
        (Annotated[EdtfDate | None, Cue("月", where="ends")], "会" * 450 + "5月1日" + "会" * 450, False),
        (Annotated[list[Task], Cue("^落实")], "会议召开，落实责任。", True),
        (Annotated[list[Task], Cue("^落实")], "会议要求落实责任。", False),
    ],
    ids=str,
)
@pytest.mark.parametrize("style", ["read", "form"])
def test_only_passages_with_the_fields_cue_are_asked_about(annotation: Any, text: str, asks: bool, style: str) -> None:
    answer, asked = asked_about(text, field_of(annotation), nothing, recipe(style=style))
    assert bool(asked or answer.items) == asks
    assert answer.failed == ()


# --- what is sent never depends on where the code is ---


class Shaped(BaseModel):
    what: Worded = PydanticField(description="名称")
    value: Quantity = PydanticField(description="数字")
    region: Annotated[Verbatim | None, Cue("县")] = PydanticField(description="地区")


# Version 0.1 made these keys and names, and its recorded replies are filed under such keys.
@pytest.mark.parametrize(
    ("answer", "form_key", "verification_key"),
    [
        (
            "json_schema",
            "cbe488c6a9c22bd660d97c67df2c30b2149854bd6caf6682d43510337101bd28",
            "2ac8e3661834490b045fbfa31f917e01aaa6ec587682e2e9353a3684f54ff739",
        ),
        (
            "strict",
            "2b3ab659aa63214f7ad55fe409ad48939dd13084c52fb058903d353d365f2bcf",
            "3373961ab0c6992e3e326d20c50af943b315a4ee821113e207d7c30f209ace46",
        ),
        (
            "json_object",
            "22cd741a70f87c5f552fc3cd2bc92479a7be55c7f35b3065876f6036fd8fdd65",
            "170b17480b39e3f138bee3d2e47f6b2c4538ee28eef5750e5e32d3257ea36112",
        ),
    ],
)
def test_requests_keep_the_keys_of_version_0_1(answer: Any, form_key: str, verification_key: str) -> None:
    text = "全市增长5%。全县下降3个。"
    (field,) = read_fields(create_model("Record", f=(list[Shaped], PydanticField(description="所有数字"))))
    _, (form,) = asked_about(text, field, nothing, recipe(style="form", answer=answer))
    asked: list[Request] = []
    assert verify(
        field, whole(text), "5%", "全市增长5%", recipe(answer=answer), scripted(lambda _: {"answer": "是"}, asked)
    )
    (verification,) = asked
    form_schema, verification_schema = answer_schema_of(form.body), answer_schema_of(verification.body)
    assert list(form_schema["$defs"]) == ["extractor__question__Row__1", "extractor__question__Row__2"]
    assert verification_schema["title"] == "Confirmation"
    assert (request_key(form.body), request_key(verification.body)) == (form_key, verification_key)


# --- truncated answers ---


SENTENCES = [f"第{i}项收入增长{i}%，情况良好，群众满意，工作扎实，成效明显。" for i in range(10, 34)]


def test_a_passage_whose_answer_is_truncated_is_halved_and_nothing_is_lost() -> None:
    def wordy(request: Request) -> Any:
        values = re.findall(r"[0-9]+%", passage_of(request))
        if len(values) > 5:
            return completion(CUT_OFF, "length")
        return {"f": [{"what": "收入", "value": value} for value in values]}

    answer, asked = asked_about("".join(SENTENCES), FIGURES, wordy)
    assert [row.values["value"] for row in answer.items] == [f"{i}%" for i in range(10, 34)]
    assert answer.failed == ()
    finished = [request for request in asked if len(re.findall("%", passage_of(request))) <= 5]
    assert "".join(map(passage_of, finished)).replace("\n", "") == "".join(SENTENCES)


def test_a_form_whose_answer_is_truncated_is_halved_and_nothing_is_lost() -> None:
    def wordy(request: Request) -> Any:
        rows = rows_of(request)
        if len(rows) > 2:
            return completion('{"n1": {"wh', "length")
        return {f"n{i}": {"what": "收入"} for i, _ in enumerate(rows, 1)}

    answer, asked = asked_about("".join(SENTENCES), FIGURES, wordy, recipe(style="form", rows=9))
    assert [row.values["value"] for row in answer.items] == [f"{i}%" for i in range(10, 34)]
    assert answer.failed == ()
    assert all(passage_of(request) == "".join(SENTENCES) for request in asked)


def test_candidates_are_asked_about_in_even_batches() -> None:
    _, asked = asked_about(
        "".join(SENTENCES),
        FIGURES,
        lambda r: {f"n{i}": {"what": "收入"} for i in range(1, 9)},
        recipe(style="form", rows=10),
    )
    assert [len(rows_of(request)) for request in asked] == [8, 8, 8]


@pytest.mark.parametrize("style", ["read", "form"])
def test_a_passage_too_small_to_halve_fails(style: str) -> None:
    text = "去年，全市收入增长5%。"
    assert len(text) < SMALLEST_PASSAGE
    answer, asked = asked_about(text, FIGURES, lambda r: completion(CUT_OFF, "length"), recipe(style=style))
    assert (answer.items, len(asked)) == ((), 1)
    ((start, end, error),) = answer.failed
    assert isinstance(error, TruncatedError)
    assert text[start:end] == (text if style == "read" else "5%")


def test_halving_ends_and_every_piece_is_reported() -> None:
    text = "".join(SENTENCES)
    answer, asked = asked_about(text, FIGURES, lambda r: completion(CUT_OFF, "length"))
    reported = sorted((start, end) for start, end, _ in answer.failed)
    assert {type(error) for _, _, error in answer.failed} == {TruncatedError}
    assert "".join(text[i:j] for i, j in reported) == text
    # The passage, its halves, quarters and eighths, each once.
    assert len(asked) == MOST_QUESTIONS == 15
    assert [bool(request.about.get(REASKED)) for request in asked] == [False] + [True] * 14


@pytest.mark.parametrize(
    "lengths", [(300, 900, 300), (100, 1000), (1000, 100), (1200,), (150,) * 8, (7,) * 200], ids=str
)
def test_a_passage_is_asked_about_fifteen_times_at_most(lengths: tuple[int, ...]) -> None:
    """Wherever its sentences end."""
    text = "".join("会" * (length - 1) + "。" for length in lengths)
    answer, asked = asked_about(text, FIGURES, lambda r: completion(CUT_OFF, "length"))
    assert 3 <= len(asked) <= MOST_QUESTIONS
    reported = sorted((start, end) for start, end, _ in answer.failed)
    assert "".join(text[i:j] for i, j in reported) == text


# --- answers that can't be used ---


FIGURE = '{"f": [{"what": "增长", "value": "5%"}]}'
ROW = '{"n1": {"what": "增长"}}'
# In a style: an answer, and what it is if the second is the same.
UNUSABLE: list[tuple[str, str | None, type[ExtractorError]]] = [
    *((style, content, BlankAnswerError) for style in ("read", "form") for content in ("", " \n", None)),
    *((style, "没有", RefusedError) for style in ("read", "form")),
    *(
        (style, content, InvalidAnswerError)
        for style in ("read", "form")
        for content in ("{", '{"g": [1]}', "[1]", '{"f": [{"wh')
    ),
    ("form", "{}", InvalidAnswerError),
    ("form", "[]", InvalidAnswerError),
    ("form", '{"n1": null}', InvalidAnswerError),
    ("form", '{"n1": {"what": 5}}', InvalidAnswerError),
]


@pytest.mark.parametrize(("style", "content", "kind"), UNUSABLE)
def test_an_answer_that_cannot_be_used_is_asked_for_once_more(style: str, content: str | None, kind: Any) -> None:
    replies = iter([completion(content), completion(FIGURE if style == "read" else ROW)])
    answer, asked = asked_about("全市增长5%。", FIGURES, lambda r: next(replies), recipe(style=style))
    assert ([(row.values["what"], row.values["value"]) for row in answer.items], answer.failed) == (
        [("增长", "5%")],
        (),
    )
    first, second = (request.body for request in asked)
    # The same question with a line behind it: nothing of the former answer.
    *before, question = first["messages"]
    *same, again = second["messages"]
    assert same == before
    assert again["content"].startswith(question["content"] + SECOND_TRY)
    assert {k: v for k, v in second.items() if k != "messages"} == {k: v for k, v in first.items() if k != "messages"}
    assert [bool(request.about.get(REASKED)) for request in asked] == [False, True]


@pytest.mark.parametrize(("style", "content", "kind"), UNUSABLE)
def test_two_answers_that_cannot_be_used_are_a_failure(style: str, content: str | None, kind: Any) -> None:
    text = "全市增长5%。" + "会议召开。" * 99
    answer, asked = asked_about(text, FIGURES, lambda r: completion(content), recipe(style=style))
    assert len(asked) == 2
    ((start, end, error),) = answer.failed
    assert (answer.items, type(error)) == ((), kind)
    assert text[start:end] == (text if style == "read" else "5%")
    # A retry must not reuse the answers.
    assert error.requests == tuple(request_key(request.body) for request in asked)  # type: ignore[attr-defined]


# --- the second try says what does not fit ---


class Job(BaseModel):
    what: Worded
    state: Literal["已完成", "进行中"]
    sort: Literal["工程"]
    bodies: Annotated[list[Literal["县", "乡"]], Most(1)]
    place: Verbatim | None
    value: Quantity


JOBS = field_of(list[Job])
JOB = {"what": "水渠", "state": "已完成", "sort": "工程", "bodies": ["县"], "place": None}
TOLD: list[tuple[Any, str]] = [
    ({}, "缺少 n1"),
    ({"n1": None}, "n1 要写成对象"),
    ({"n1": {key: value for key, value in JOB.items() if key != "what"}}, "缺少 n1.what"),
    ({"n1": JOB | {"state": "完工"}}, "n1.state 只能是“已完成”、“进行中”之一"),
    ({"n1": JOB | {"sort": None}}, "n1.sort 只能是“工程”"),
    ({"n1": JOB | {"bodies": ["省"]}}, "n1.bodies.第1条 只能是“县”、“乡”之一"),
    ({"n1": JOB | {"bodies": ["县", "乡"]}}, "n1.bodies 太长，最多1条"),
    ({"n1": JOB | {"bodies": "县"}}, "n1.bodies 要写成列表"),
    ({"n1": JOB | {"what": 5}}, "n1.what 要写成文字"),
    ({"n1": JOB | {"what": "长" * 999}}, "n1.what 太长，最多40个字"),
    ({"n1": JOB | {"place": 5}}, "n1.place 要写成文字或 null"),
    (
        {"n1": {"state": "完工"}},
        "缺少 n1.what；n1.state 只能是“已完成”、“进行中”之一；缺少 n1.sort；缺少 n1.bodies；缺少 n1.place",
    ),
    ("{", "没有可读的 JSON"),
]


@pytest.mark.parametrize(("said", "told"), TOLD, ids=str)
def test_the_second_try_names_what_does_not_fit(said: Any, told: str) -> None:
    _, asked = asked_about(
        "修水渠5条。", JOBS, lambda r: said if isinstance(said, dict) else completion(said), recipe(style="form")
    )
    first, second = (request.body["messages"][-1]["content"] for request in asked)
    again = second.removeprefix(first)
    assert told in again
    # No library's words: an upgrade would make every recording of it stale.
    assert not re.search("http|pydantic|error|valid|type=", again)
    assert len(again) < 200


@pytest.mark.parametrize(
    "wrapped",
    [
        "```json\n{}\n```",
        "```\n{}\n```",
        "{}\n",
        " {} ",
    ],
)
def test_an_answer_in_a_code_fence_is_read(wrapped: str) -> None:
    inner = '{"f": [{"what": "增长", "value": "5%"}]}'
    answer, asked = asked_about("全市增长5%。", FIGURES, lambda r: completion(wrapped.replace("{}", inner)))
    assert [row.values["value"] for row in answer.items] == ["5%"]
    assert len(asked) == 1


# --- errors and bugs ---


@pytest.mark.parametrize(
    "error", [NetworkError("the connection dropped"), RateLimitedError("429"), ExtractorError("anything")], ids=str
)
@pytest.mark.parametrize("style", ["read", "form"])
@pytest.mark.parametrize("at", [0, 1])
def test_an_error_is_passed_on_unchanged(error: ExtractorError, style: str, at: int) -> None:
    """From the first call and from the second attempt alike; the question is not asked again."""
    calls: list[int] = []

    def failing(request: Request) -> Reply:
        calls.append(1)
        if len(calls) > at:
            raise error
        return completion("{")

    answer, _ = asked_about("全市增长5%。", FIGURES, failing, recipe(style=style))
    assert [failed for _, _, failed in answer.failed] == [error]
    assert len(calls) == at + 1


@pytest.mark.parametrize("style", ["read", "form"])
def test_a_fatal_error_is_raised(style: str) -> None:
    """No other question can be answered either, so none is asked."""

    def refusing(request: Request) -> Reply:
        raise KeyRefusedError("401")

    with pytest.raises(KeyRefusedError):
        asked_about("全市增长5%。", FIGURES, refusing, recipe(style=style))


@pytest.mark.parametrize(
    "bug", [KeyError("x"), TypeError("y"), ZeroDivisionError(), RuntimeError("z"), OSError("w")], ids=repr
)
def test_a_bug_is_not_taken_for_an_invalid_answer(bug: Exception) -> None:
    def broken(request: Request) -> Reply:
        raise bug

    with pytest.raises(Exception) as error:  # noqa: PT011 (instructor wraps it)
        asked_about("全市增长5%。", FIGURES, broken)
    chain: list[BaseException] = [error.value]
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)
    assert bug in chain or repr(bug) in str(chain)


def test_an_interrupt_is_passed_on_at_once() -> None:
    def interrupted(request: Request) -> Reply:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asked_about("全市增长5%。", FIGURES, interrupted)


# --- what a model sees of noisy files ---

PINYIN = re.compile(r"[(（][a-zA-Zāáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜü]+[)）]")
NOISY = sorted(path for path in (ROOT / "seeds").glob("*.txt") if PINYIN.search(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("style", ["read", "form"])
@pytest.mark.parametrize("path", NOISY, ids=lambda path: str(path.stem))
def test_a_model_sees_no_noise(path: Any, style: str) -> None:
    """No pinyin, no Traditional characters, and no characters that the source lacks."""
    text = path.read_text(encoding="utf-8")
    asked: list[Request] = []
    done = list(convert(Document(path.stem, path.name, text, ""), recipe(style=style), scripted(nothing, asked)))
    assert len(done) >= 1
    assert asked or style == "form"  # code may settle everything
    for request in asked:
        for message in request.body["messages"]:
            assert not PINYIN.search(message["content"])
            assert simplify(message["content"]) == message["content"]
        assert passage_of(request) in clean(Document("d", "d", text, "")).text


def test_there_are_noisy_seeds() -> None:
    assert len(NOISY) == 2
