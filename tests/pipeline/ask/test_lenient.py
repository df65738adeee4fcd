"""What models put around and into their answers, from the endpoint to the record.

An answer in another form gives the record of the clean one and costs no second question; where something is
lost, the line says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_endpoint import Step, answering, completion_body, passage_of
from typer.testing import CliRunner

from extractor.cli.main import app
from extractor.document import Json
from extractor.pipeline.ask.answer_json import read_answer
from extractor.pipeline.ask.unquoted import escape_inner_quotes

TEXT = (
    "5月27日，全市安全生产工作会议召开。市委书记李明主持会议并讲话，市长王强出席会议。\n"
    "去年，全市排查隐患1260处，群众满意度98.27。\n"
    '李明要求，各部门要加强隐患排查，推进"放管服"改革，确保不发生重大事故。\n'
)
CLEAN: Json = {
    "date": "5月27日",
    "officials": [
        {"name": "李明", "titles": ["市委书记"], "roles": ["chair", "speaker"]},
        {"name": "王强", "titles": ["市长"], "roles": ["attendee"]},
    ],
    "statistics": [
        {"indicator": "隐患", "value": "1260处", "period": "去年", "region": "全市"},
        {"indicator": "群众满意度", "value": "98.27", "period": "去年"},
    ],
    "targets": [{"text": "确保不发生重大事故"}],
    "measures": [
        {"text": "加强隐患排查", "responsible": ["各部门"]},
        {"text": '推进"放管服"改革', "responsible": ["各部门"]},
    ],
}
SAID = json.dumps(CLEAN, ensure_ascii=False)
LI, WANG = CLEAN["officials"]
FIRST, SECOND = CLEAN["statistics"]


def message(content: Any, finish_reason: str = "stop", **more: Any) -> Json:
    """A completion with this message."""
    body = completion_body(None, finish_reason)
    body["choices"][0]["message"] |= {"content": content, **more}
    return body


def but(**changes: Any) -> Json:
    """The clean answer with other values for some fields."""
    return message(json.dumps(CLEAN | changes, ensure_ascii=False))


def called(arguments: Any) -> Json:
    return {"id": "c", "type": "function", "function": {"name": "Answer", "arguments": arguments}}


def without(*names: str) -> Json:
    return {name: value for name, value in CLEAN.items() if name not in names}


# --- nothing is lost ---

AROUND: dict[str, Json] = {
    "a thought": message(f"<think>会议在5月27日，要列出人名。</think>\n{SAID}"),
    "a thought with a draft": message(f'<think>草稿：{{"date": "5月26日", "officials": []}}</think>{SAID}'),
    "a thought without an end": message(f"<think>先看日期，再看人名。\n\n{SAID}"),
    "a thought with a draft and without an end": message(
        f'<think>草稿：{{"date": "5月26日", "officials": [...\n{SAID}'
    ),
    "only an end of a thought": message(f"先看日期。</think>{SAID}"),
    "the answer within a thought": message(f"<think>{SAID}</think>\n"),
    "another mark of a thought": message(f"◁think▷先看日期。◁/think▷{SAID}"),
    "prose before": message(f"好的，以下是摘取的结果：\n{SAID}"),
    "prose after": message(f"{SAID}\n以上是全部内容，希望对您有帮助！"),
    "prose with brackets": message(f"根据原文[1]和{{示例}}的要求，结果如下【见下】：{SAID}\n[注：以上]"),
    "a fence": message(f"```json\n{SAID}\n```"),
    "a fence in prose": message(f"结果：\n\n```JSON\n{SAID}\n```\n\n如有问题请告诉我。"),
    "a fence on one line": message(f"```{SAID}```"),
    "a byte order mark": message(f"\ufeff{SAID}"),
    "the object twice": message(f"{SAID}\n{SAID}"),
    "an object for each field": message("\n".join(json.dumps({k: v}, ensure_ascii=False) for k, v in CLEAN.items())),
    "a list of an object for each field": message(json.dumps([{k: v} for k, v in CLEAN.items()], ensure_ascii=False)),
    "an object for each item": message(
        json.dumps(without("measures"), ensure_ascii=False)
        + "".join(f'\n{{"measures": [{json.dumps(one, ensure_ascii=False)}]}}' for one in CLEAN["measures"])
    ),
    "an object in the object": message(json.dumps({"answer": CLEAN}, ensure_ascii=False)),
    "a call written as text": message(json.dumps({"name": "Answer", "arguments": CLEAN}, ensure_ascii=False)),
    "JSON in a JSON string": message(json.dumps(SAID, ensure_ascii=False)),
    "JSON over several lines": message(json.dumps(CLEAN, ensure_ascii=False, indent=2)),
    "only ASCII": message(json.dumps(CLEAN)),
    "the reasoning beside it": message(SAID, reasoning_content='要列出人名，如{"name": "李明"}。'),
    "the answer in the reasoning": message("", reasoning_content=f"先看日期。\n{SAID}"),
    "the answer in the reasoning of vLLM": message(None, reasoning=SAID),
    "a tool call": message(None, tool_calls=[called(SAID)]),
    "a tool call beside prose": message("我来填表。", tool_calls=[called(SAID)]),
    "a tool call with an object": message(None, tool_calls=[called(CLEAN)]),
    "a function call": message(None, function_call={"name": "Answer", "arguments": SAID}),
    "content in parts": message([{"type": "text", "text": SAID[:40]}, {"type": "text", "text": SAID[40:]}]),
    "content in parts with a thought": message(
        [{"type": "thinking", "thinking": "…", "text": '{"date": "x"}'}, {"type": "text", "text": SAID}]
    ),
    "content as an object": message(CLEAN),
    "a full answer at the limit": message(SAID, "length"),
    "a full answer and prose that is cut off": message(f"{SAID}\n以上内容", "length"),
    "a comma too many": message(SAID.replace("}]", "},]").replace('"]', '",]')),
    "quotation marks that are not escaped": message(SAID.replace("\\", "")),
    "a line break in a string": message(SAID.replace('日"', '日\n"')),
}
WITHIN: dict[str, Json] = {
    "null in an item": but(statistics=[FIRST, {**SECOND, "region": None}]),
    "words for nothing": but(
        statistics=[FIRST, {**SECOND, "region": "无"}], targets=[{**CLEAN["targets"][0], "deadline": ""}]
    ),
    "items of nothing": but(targets=[None, {}, "", {"text": None, "value": ""}, *CLEAN["targets"]]),
    "a number for text": but(statistics=[FIRST, {**SECOND, "value": 98.27}]),
    "objects for text": but(
        date={"text": "5月27日", "edtf": "XXXX-05-27"}, statistics=[{**FIRST, "value": {"text": "1260处"}}, SECOND]
    ),
    "objects with another key for text": but(
        date={"value": "5月27日"}, officials=[LI, {**WANG, "titles": [{"title": "市长"}]}]
    ),
    "a list for one value": but(date=["5月27日"], statistics=[{**FIRST, "period": ["去年"]}, SECOND]),
    "one value for a list": but(officials=[{**LI, "titles": "市委书记"}, {**WANG, "roles": "attendee"}]),
    "one object for a list": but(targets=CLEAN["targets"][0]),
    "text for an object": but(targets=["确保不发生重大事故"]),
    "text for a list of objects": but(targets="确保不发生重大事故"),
    "a list in a list": but(officials=[[LI], [WANG]]),
    "a list in a string": but(measures=json.dumps(CLEAN["measures"], ensure_ascii=False)),
    "choices in upper case": but(officials=[{**LI, "roles": ["Chair", "SPEAKER"]}, WANG]),
    "choices in one string": but(officials=[{**LI, "roles": "chair、speaker"}, WANG]),
    "keys in upper case": message(
        json.dumps({k.upper(): v for k, v in CLEAN.items()}, ensure_ascii=False).replace('"name"', '"Name"')
    ),
    "keys that nobody asked for": but(officials=[{**LI, "id": 1}, WANG], note="以上"),
}
# The clean record has nothing in some fields: how it is said must not matter.
NOTHING: dict[str, Any] = {
    "null": None,
    "an empty list": [],
    "无": "无",
    "empty text": "",
    "null in a list": [None],
    "an empty object": {},
}


@pytest.fixture
def converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Json, int]]:
    """Converts a text with a model that answers so: the output line, and the number of questions."""
    monkeypatch.chdir(tmp_path)

    def convert(
        answer: Json | Callable[[Json], Json], text: str = TEXT, *arguments: str, code: int = 0
    ) -> tuple[Json, int]:
        Path("t.txt").write_text(text, encoding="utf-8")
        with answering(lambda body: Step(body=answer if isinstance(answer, dict) else answer(body))) as fake:
            result = CliRunner().invoke(
                app, ["extract", "t.txt", "-q", "--base-url", fake.base_url, "--model", "fake", *arguments]
            )
            assert result.exit_code == code, result.stderr
            return json.loads(result.stdout) if result.stdout else {}, len(fake.seen)

    return convert


def contents(line: Json) -> Json:
    return {name: line[name] for name in ("record", "evidence", "marks", "coverage", "problems")}


def test_the_clean_answer_gives_the_whole_record(converted: Any) -> None:
    line, asked = converted(message(SAID))
    assert (asked, line["problems"]) == (1, [])
    record = line["record"]
    assert record["date"]["text"] == "5月27日"
    assert {name: len(record[name]) for name in record if name != "date"} == {
        name: len(CLEAN[name]) for name in CLEAN if name != "date"
    }


@pytest.mark.parametrize("answer", [*AROUND.values(), *WITHIN.values()], ids=[*AROUND, *WITHIN])
def test_another_form_gives_the_same_record(answer: Json, converted: Any) -> None:
    line, asked = converted(answer)
    clean, _ = converted(message(SAID))
    assert contents(line) == contents(clean)
    assert asked == 1


@pytest.mark.parametrize("nothing", NOTHING.values(), ids=list(NOTHING))
def test_nothing_may_be_said_in_any_form(nothing: Any, converted: Any) -> None:
    left_out, _ = converted(message(json.dumps(without("date", "officials", "targets"), ensure_ascii=False)))
    line, asked = converted(but(date=nothing, officials=nothing, targets=nothing))
    assert contents(line) == contents(left_out)
    assert (asked, left_out["record"]["date"], left_out["record"]["officials"]) == (1, None, [])


@pytest.mark.parametrize("answer", ["{}", "[]", "```json\n{}\n```", "原文没有要摘取的内容。\n{}"])
def test_an_empty_answer_is_an_answer(answer: str, converted: Any) -> None:
    line, asked = converted(message(answer), "今天天气很好，适合出门。")
    assert (asked, line["problems"]) == (1, [])


def test_bare_items_are_an_answer_to_a_question_about_one_field(converted: Any) -> None:
    def bare(wrap: Callable[[Any], str]) -> Callable[[Json], Json]:
        def answer(body: Json) -> Json:
            (name,) = body["response_format"]["json_schema"]["schema"]["properties"]
            return message(wrap(CLEAN[name]) if name != "date" else SAID)

        return answer

    clean, asked = converted(bare(lambda items: json.dumps(items, ensure_ascii=False)), TEXT, "--separate-fields")
    lines, again = converted(
        bare(lambda items: "\n".join(json.dumps(one, ensure_ascii=False) for one in items)), TEXT, "--separate-fields"
    )
    assert asked == again == len(CLEAN)
    assert contents(clean)["record"] == contents(lines)["record"] == converted(message(SAID))[0]["record"]


def test_lists_of_any_length_are_read(converted: Any) -> None:
    actions = [f"建设第{n}号水库" for n in range(200)]
    bodies = [f"{chr(0x7532 + n)}县水利局" for n in range(30)]
    text = f"{'、'.join(bodies)}要加强管理。" + "".join(f"要{action}。" for action in actions)
    said = {"measures": [{"text": "加强管理", "responsible": bodies}, *({"text": action} for action in actions)]}
    line, asked = converted(message(json.dumps(said, ensure_ascii=False)), text)
    assert asked == 1
    assert [measure["text"] for measure in line["record"]["measures"]] == ["加强管理", *actions]
    assert line["record"]["measures"][0]["responsible"] == bodies


# --- something is lost, and the line says so ---

LOST: dict[str, tuple[Json, str, str, str | None]] = {
    "a choice that is none": (but(officials=[{**LI, "roles": ["chair", "speaker", "boss"]}, WANG]), "unfit", "officials.roles", "boss"),
    "choices in one string, one that is none": (
        but(officials=[{**LI, "roles": "chair，speaker，boss"}, WANG]), "unfit", "officials.roles", "boss"
    ),
    "two values for one": (but(statistics=[{**FIRST, "period": ["去年", "今年"]}, SECOND]), "unfit", "statistics.period", "今年"),
    "no text": (but(statistics=[{**FIRST, "region": True}, SECOND]), "unfit", "statistics.region", "True"),
    "an object of several values": (
        but(statistics=[FIRST, SECOND | {"region": {"市": "甲", "县": "乙"}}]), "unfit", "statistics.region", "{'市': '甲', '县': '乙'}"
    ),
    "an item that is no object": (but(targets=[*CLEAN["targets"], True]), "unfit", "targets", "True"),
    "an item without its name": (but(officials=[LI, WANG, {"titles": ["副市长"]}]), "unfit", "officials", "{'titles': ['副市长']}"),
    "an item with other keys": (but(officials=[LI, WANG, {"姓名": "张三"}]), "unfit", "officials", "{'姓名': '张三'}"),
    "text that is far too long": (but(measures=[*CLEAN["measures"], {"text": "加强隐患排查" * 2000}]), "ungrounded", "measures.text", None),
    "words that the text lacks": (but(officials=[LI, WANG, {"name": "张三"}]), "ungrounded", "officials.name", "张三"),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "kind", "field", "value"), LOST.values(), ids=list(LOST))
def test_what_is_lost_is_a_problem(answer: Json, kind: str, field: str, value: str | None, converted: Any) -> None:
    line, asked = converted(answer)
    clean, _ = converted(message(SAID))
    (problem,) = line["problems"]
    assert (problem["kind"], problem["field"]) == (kind, field)
    assert value is None or problem["value"] == value
    assert problem["detail"]
    assert line["record"] == clean["record"] or "region" in field
    assert asked == 1


def test_a_field_under_another_key_is_a_problem(converted: Any) -> None:
    line, asked = converted(message(json.dumps({**without("officials"), "领导": [LI]}, ensure_ascii=False)))
    (problem,) = line["problems"]
    assert (problem["kind"], problem["field"], asked) == ("unfit", "officials", 1)
    assert "领导" in problem["value"]
    assert line["record"]["officials"] == []


# --- asked again ---

UNREADABLE: dict[str, tuple[Json, str]] = {
    "nothing": (message(""), "blank_answer"),
    "null": (message(None), "blank_answer"),
    "blanks": (message(" \n\t "), "blank_answer"),
    "a thought alone": (message("<think>先看日期。</think>"), "blank_answer"),
    "no parts": (message([]), "blank_answer"),
    "parts without text": (message([1, None, {"type": "image"}]), "blank_answer"),
    "a refusal": (message(None, refusal="I can't help with that."), "refused"),
    "a refusal in words": (message("很抱歉，我无法处理这份材料。"), "refused"),
    "words": (message("会议日期是5月27日。"), "refused"),
    "broken JSON": (message(SAID.replace('"officials":', '"officials"')), "invalid_answer"),
    "JSON that ends early": (message(SAID[:-40]), "invalid_answer"),
    "one field that is broken": (
        message('{"date": "5月27日"}\n{"officials": [{"name": "李明", "titles": ]}'),
        "invalid_answer",
    ),
    "an item of the answer alone": (message(json.dumps(LI, ensure_ascii=False)), "invalid_answer"),
    "a list of items of no field": (message(json.dumps([LI, WANG], ensure_ascii=False)), "invalid_answer"),
    "other keys": (message('{"日期": "5月27日"}'), "invalid_answer"),
    "a number": (message("{5}"), "invalid_answer"),
    "JSON that is nested without end": (message('{"date":' * 5000), "invalid_answer"),
    "lists that are nested without end": (message("[" * 5000), "invalid_answer"),
    "values that are nested too deeply": (message(f'{{"date": {"[" * 300}{"]" * 300}}}'), "invalid_answer"),
}


@pytest.mark.parametrize(("answer", "kind"), UNREADABLE.values(), ids=list(UNREADABLE))
def test_what_cannot_be_read_is_asked_for_once_more(answer: Json, kind: str, converted: Any) -> None:
    answers = iter([answer, message(SAID)])
    line, asked = converted(lambda body: next(answers))
    clean, _ = converted(message(SAID))
    assert contents(line) == contents(clean)
    assert (asked, line["run"]["reasked"]["requests"]) == (2, 1)


@pytest.mark.parametrize(("answer", "kind"), UNREADABLE.values(), ids=list(UNREADABLE))
def test_what_cannot_be_read_twice_is_a_failure(answer: Json, kind: str, converted: Any) -> None:
    line, asked = converted(answer, TEXT, "-o", "out.jsonl", code=1)
    failures = [json.loads(line) for line in Path("out.jsonl.failures.jsonl").read_text(encoding="utf-8").splitlines()]
    assert (line, asked) == ({}, 2)
    assert [(failure["kind"], failure["field"]) for failure in failures] == [(kind, name) for name in CLEAN]


CUT: dict[str, Json] = {
    "in a string": message(SAID[:-20], "length"),
    "between items": message(SAID[: SAID.index('{"name": "王强"')], "length"),
    "in a thought": message(f"<think>草稿：{SAID}\n再看一遍", "length"),
    "in the reasoning": message("", "length", reasoning_content=f"草稿：{SAID}"),
    "before it began": message("好的，以下是", "length"),
    "with nothing": message(None, "length"),
    "in a second object": message('{"date": "5月27日"}\n{"officials": [{"name": "李', "length"),
    "as some servers say it": message(SAID[:-20], "max_tokens"),
}


@pytest.mark.parametrize("cut", CUT.values(), ids=list(CUT))
def test_an_answer_that_is_cut_off_is_asked_for_in_halves(cut: Json, converted: Any) -> None:
    """Never read in part: what follows would be missing without a word."""
    text = TEXT + "会议强调，各级要落实责任。\n" * 4

    def answer(body: Json) -> Json:
        passage = passage_of(body)
        if len(passage) > len(text) * 0.7:
            return cut
        items = {name: [one for one in CLEAN[name] if next(iter(one.values())) in passage] for name in without("date")}
        return message(json.dumps(items | {"date": "5月27日" if "5月27日" in passage else None}, ensure_ascii=False))

    line, asked = converted(answer, text)
    clean, _ = converted(message(SAID), text)
    assert line["record"] == clean["record"]
    assert (asked, line["problems"]) == (3, [])


# --- reading takes no longer than the answer is long ---


@pytest.mark.parametrize(
    "text",
    [
        '{"a":' * 40_000,
        "[" * 200_000,
        '{"f": [' + '{"a": 1}, ' * 20_000,
        '{"' * 100_000,
        ", \n" * 70_000 + "{",
        '"' * 200_000 + "{",
        "{ " * 100_000,
    ],
    ids=lambda text: text[:9],
)
def test_long_garbage_is_refused_quickly(text: str) -> None:
    import time

    began = time.process_time()
    with pytest.raises(Exception, match="The answer holds no JSON object"):
        read_answer(message(text), ("f",), ("a",))
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ('{"a": "x"}', '{"a": "x"}'),
        ('{"a": "推进"放管服"改革"}', '{"a": "推进\\"放管服\\"改革"}'),
        ('{"a": "说\\"好\\"", "b": ["c"d"e", "f"]}', '{"a": "说\\"好\\"", "b": ["c\\"d\\"e", "f"]}'),
        ('{"a": ["b",], "c": "d,]",}', '{"a": ["b"], "c": "d,]"}'),
    ],
)
def test_inner_quotation_marks_are_escaped(text: str, escaped: str) -> None:
    assert escape_inner_quotes(text) == escaped
    json.loads(escaped)
