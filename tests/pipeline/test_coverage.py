"""Coverage, the second pass over what is uncited, and verification."""

from __future__ import annotations

import math
from typing import Annotated, Any

import pytest
from fake_endpoint import passage_of
from pydantic import BaseModel, create_model
from scripted import answer_schema, by_field, completion, document, recipe, scripted, whole

from extractor.document import Json
from extractor.errors import NetworkError
from extractor.fields import Beside, Clause, Cue, EdtfDate, Evidence, Expects, Mood, Name, Quantity, Verbatim
from extractor.llm.call import Request
from extractor.pipeline.convert import convert
from extractor.pipeline.coverage import FieldCoverage, measure_coverage, uncovered
from extractor.runs.call_stack import CallStack
from extractor.runs.run import run
from extractor.schema.shape import Field, SchemaError, read_fields


class Figure(BaseModel):
    value: Quantity
    evidence: list[Evidence]


class Task(BaseModel):
    text: Clause
    evidence: list[Evidence]


class Person(BaseModel):
    name: Name
    titles: Annotated[list[Verbatim], Beside("(?:县委|副)?(?:书记|县长)", "副?(?:书记|县长)")]


TEXT = "3月12日，县长何志远主持会议。去年排查隐患1260处，整改率96.5%。何志远要求，要建立台账，要加强巡查。"


def field_of(annotation: Any) -> Field:
    (field,) = read_fields(create_model("Record", f=(annotation, ...)))
    return field


def at(words: str) -> Json:
    start = TEXT.index(words)
    return {"text": words, "start": start, "end": start + len(words)}


@pytest.mark.parametrize(
    ("annotation", "cited", "expected", "uncited"),
    [
        (Annotated[list[Figure], Expects()], [], 2, ["1260处", "96.5%"]),
        (Annotated[list[Figure], Expects()], ["去年排查隐患1260处"], 2, ["96.5%"]),
        (Annotated[EdtfDate | None, Expects()], [], 1, ["3月12日"]),
        (Annotated[EdtfDate | None, Expects()], ["3月12日，县长"], 1, []),
        (Annotated[list[Task], Expects("要(?!求)")], ["要建立台账"], 2, ["要加强巡查"]),
        (Annotated[list[Person], Expects()], [], 1, ["何志远"]),
        (Annotated[list[Person], Expects()], ["县长何志远主持会议"], 1, []),
        (Annotated[list[Verbatim], Expects("台账|巡查")], ["巡查"], 2, ["台账"]),
    ],
)
def test_places_that_no_evidence_touches_are_uncited(
    annotation: Any, cited: list[str], expected: int, uncited: list[str]
) -> None:
    record = {"anything": [{"evidence": at(words)} for words in cited]}
    covered = measure_coverage([field_of(annotation)], whole(TEXT), record, {})["f"]
    assert (covered.expected, [TEXT[slice(*span)] for span in covered.uncited]) == (expected, uncited)
    entry = covered.to_json(whole(TEXT))
    assert entry == {
        "expected": expected,
        "cited": expected - len(uncited),
        "uncited": [at(words) for words in uncited],
    }


MOOD = Annotated[list[Task], Mood("action"), Expects("要(?!求)|必须")]


@pytest.mark.parametrize(
    ("annotation", "text", "expected"),
    [
        (MOOD, "各乡镇要加强巡查，落实责任。", ["各乡镇要加强巡查"]),
        # headings whose content follows, appeals, frames, what was done
        (MOOD, "一、要突出工作重点。各乡镇要建立台账。", ["各乡镇要建立台账"]),
        (MOOD, "我们必须高度重视。各乡镇要结合各自实际，要建立台账。", ["要建立台账"]),
        (MOOD, "去年我们要求各乡镇建立了台账。", []),
        (
            Annotated[list[Task], Mood("goal"), Expects("完成")],
            "去年完成了任务。年底前要完成投资3亿元。",
            ["年底前要完成投资3亿元"],
        ),
        (Annotated[list[Figure], Cue("投资"), Expects()], "投资3亿元，惠及2000户。", ["3亿元"]),
        (Annotated[list[Figure], Expects()], "2013年度发〔2014〕5号文件，“十二五”期间投资3亿元。一是要快。", ["3亿元"]),
        (Annotated[EdtfDate | None, Cue("召开"), Expects()], "3月12日召开会议。去年5月1日放假。", ["3月12日"]),
    ],
)
def test_only_what_the_other_markers_allow_calls_for_an_item(annotation: Any, text: str, expected: list[str]) -> None:
    covered = measure_coverage([field_of(annotation)], whole(text), {}, {})["f"]
    assert [text[slice(*span)] for span in covered.uncited] == expected


def test_a_date_is_expected_only_where_its_field_is_looked_for() -> None:
    field = field_of(Annotated[EdtfDate | None, Cue("召开", where="ends"), Expects()])
    middle = "说明。" * 120 + "3月12日召开会议。" + "说明。" * 120
    assert measure_coverage([field], whole("3月12日召开会议。" + middle), {}, {})["f"].expected == 1


def test_a_person_who_is_cited_at_any_place_is_covered() -> None:
    text = "何志远、吴倩出席会议。县长何志远讲话，县委书记李明主持。"
    start = text.index("何志远、吴倩")
    record = {"f": [{"evidence": [{"text": "何志远", "start": start, "end": start + 3}]}]}
    covered = measure_coverage([field_of(Annotated[list[Person], Expects()])], whole(text), record, {})["f"]
    assert [text[slice(*span)] for span in covered.uncited] == ["李明"]


STRETCH = "会议强调，各乡镇要加强巡查，建立台账，排查隐患，开展演练，培训人员。"


@pytest.mark.parametrize(
    ("cited", "likely"),
    [
        (["加强巡查"], ["建立台账", "排查隐患", "开展演练", "培训人员"]),
        (["加强巡查", "排查隐患"], []),  # alone or in pairs: left out for a reason
        (["建立台账", "排查隐患"], ["开展演练", "培训人员"]),  # beside one that is uncited for certain
        (["加强巡查", "建立台账", "排查隐患", "开展演练", "培训人员"], []),
    ],
)
def test_a_stretch_without_any_item_is_likely_overlooked(cited: list[str], likely: list[str]) -> None:
    places = [STRETCH.index(words) for words in cited]
    record = {"f": [{"text": w, "start": i, "end": i + len(w)} for w, i in zip(cited, places, strict=True)]}
    covered = measure_coverage([field_of(MOOD)], whole(STRETCH), record, {})["f"]
    assert [STRETCH[slice(*span)] for span in covered.likely] == likely
    assert "培训人员" not in str(covered.to_json(whole(STRETCH))["uncited"])


def test_evidence_beside_the_record_counts() -> None:
    field = field_of(Annotated[list[Verbatim], Expects("台账")])
    assert measure_coverage([field], whole(TEXT), {}, {"f": [at("台账")]})["f"].uncited == ()


def test_fields_without_expects_are_not_counted() -> None:
    assert measure_coverage([field_of(list[Figure])], whole(TEXT), {}, {}) == {}


@pytest.mark.parametrize("annotation", [list[Task], list[Verbatim]])
def test_expects_needs_a_pattern_if_the_type_has_no_default(annotation: Any) -> None:
    with pytest.raises(SchemaError, match="needs a pattern"):
        field_of(Annotated[annotation, Expects()])


def test_adjacent_sentences_with_uncited_places_are_joined() -> None:
    text = "一共5人。又有6人。没有数字。还有7人。"
    spans = tuple((text.index(w), text.index(w) + 2) for w in ("5人", "6人", "7人"))
    parts = [part.text for part in uncovered(FieldCoverage(3, spans), whole(text), 100)]
    assert parts == ["一共5人。又有6人。", "还有7人。"]
    assert [part.text for part in uncovered(FieldCoverage(3, spans), whole(text), 6)] == [
        "一共5人。",
        "又有6人。",
        "还有7人。",
    ]


# --- the second pass ---


def converted(asked: list[Request], **changes: Any) -> Json:
    """The line of a model that overlooks the second number unless it sees that sentence alone."""

    def answer(request: Request) -> Any:
        name = request.about["field"]
        if name != "statistics":
            return by_field()(request)
        seen = "".join(m["content"] for m in request.body["messages"] if m["role"] == "user")
        value = "96.5%" if "1305处" not in seen else "1305处"
        return {
            "statistics": [
                {"indicator": "隐患" if value == "1305处" else "整改率", "value": value, "period": None, "region": None}
            ]
        }

    text = "同志们：去年排查隐患1305处。去年整改率96.5%。"
    (done,) = convert(document(text), recipe(**changes), scripted(answer, asked))
    return done.line


def test_without_a_second_pass_the_line_lists_what_is_uncited() -> None:
    asked: list[Request] = []
    line = converted(asked)
    assert [s["value"]["text"] for s in line["record"]["statistics"]] == ["1305处"]
    covered = line["coverage"]["statistics"]
    assert (covered["expected"], covered["cited"], [u["text"] for u in covered["uncited"]]) == (2, 1, ["96.5%"])
    assert line["marks"] == []


def test_the_second_pass_asks_about_uncited_places_and_marks_its_items() -> None:
    before: list[Request] = []
    after: list[Request] = []
    converted(before)
    line = converted(after, second_pass=True)
    assert [s["value"]["text"] for s in line["record"]["statistics"]] == ["1305处", "96.5%"]
    assert line["coverage"]["statistics"]["uncited"] == []
    assert line["marks"] == [{"field": "statistics", "item": 1, "marks": ["second_pass"]}]
    assert [r.body for r in after[: len(before)]] == [r.body for r in before]
    more = [r.about for r in after[len(before) :] if r.about["field"] == "statistics"]
    assert len(more) == 1
    assert more[0]["start"] == len("同志们：去年排查隐患1305处。")


SCATTERED = (
    "3月12日召开会议。去年排查隐患1305处。天气很好。各乡镇要建立台账。大家辛苦了。去年整改率96.5%。县长何志远讲话。"
)


def asked_in_the_second_pass(text: str, **changes: Any) -> list[tuple[str, str]]:
    """The fields and the passage of each question after the first pass, in which the model found nothing."""
    asked: list[Request] = []
    list(convert(document(text), recipe(second_pass=True, **changes), scripted(by_field(), asked)))
    before: list[Request] = []
    list(convert(document(text), recipe(**changes), scripted(by_field(), before)))
    assert [r.body for r in asked[: len(before)]] == [r.body for r in before]
    return [(r.about["field"], passage_of(r.body).strip()) for r in asked[len(before) :]]


def test_scattered_sentences_and_all_fields_of_a_group_share_one_second_question() -> None:
    assert asked_in_the_second_pass(SCATTERED, combine=True) == [
        (
            "date+officials+statistics+targets+measures",
            "3月12日召开会议。去年排查隐患1305处。\n各乡镇要建立台账。\n去年整改率96.5%。县长何志远讲话。",
        )
    ]


def test_separate_fields_get_one_second_question_each() -> None:
    asked = dict(asked_in_the_second_pass(SCATTERED, combine=False))
    assert asked["statistics"] == "去年排查隐患1305处。\n去年整改率96.5%。"
    assert asked["measures"] == "各乡镇要建立台账。"
    assert "targets" not in asked


def test_sentences_that_do_not_fit_into_a_passage_make_further_questions() -> None:
    text = "".join(f"去年第{n}组排查隐患{n}305处。天气很好。" for n in range(1, 5))
    asked = asked_in_the_second_pass(text, combine=True, passage=40)
    assert len(asked) > 1
    assert all(len(passage) <= 40 for _, passage in asked)
    assert [line for _, passage in asked for line in passage.split("\n")] == [
        f"去年第{n}组排查隐患{n}305处。" for n in range(1, 5)
    ]


def test_a_speech_without_gaps_is_not_asked_about_again() -> None:
    assert asked_in_the_second_pass("大家辛苦了。我们必须高度重视。一、要突出工作重点。谢谢大家。", combine=True) == []


def test_forms_are_followed_by_a_question_for_each_field_and_run_of_sentences() -> None:
    asked = asked_in_the_second_pass(SCATTERED, style="form", combine=True)
    assert not any("+" in field or "\n" in passage for field, passage in asked)


def test_an_item_of_the_second_pass_stands_where_it_was_read() -> None:
    """Its words also stand between the sentences that the question is about."""
    text = "去年罚款3万元。城区有隐患12处。乡镇有隐患12处。"
    asked: list[Request] = []

    def answer(request: Request) -> Any:
        asked.append(request)
        danger, fine = {"indicator": "隐患", "value": "12处"}, {"indicator": "罚款", "value": "3万元"}
        return {"statistics": [danger] if len(asked) == 1 else [fine, danger]}

    (done,) = convert(document(text), recipe(combine=True, second_pass=True), scripted(answer))
    assert passage_of(asked[1].body).strip() == "去年罚款3万元。\n乡镇有隐患12处。"
    assert [[e["text"] for e in s["evidence"]] for s in done.line["record"]["statistics"]] == [
        ["去年罚款3万元"],
        ["城区有隐患12处", "乡镇有隐患12处"],
    ]
    assert done.line["coverage"]["statistics"]["uncited"] == []


# --- verification ---

SPEECH = "同志们：去年排查隐患1305处。去年整改率96.5%。"


def confirming(answers: Any, asked: list[Request], **changes: Any) -> Json:
    figures = [("排查隐患", "1305处"), ("整改率", "96.5%")]
    found = [{"indicator": i, "value": v, "period": None, "region": None} for i, v in figures]

    def answer(request: Request) -> Any:
        if "answer" in answer_schema(request)["properties"]:
            return answers(request)
        return by_field(statistics=found)(request)

    (done,) = convert(document(SPEECH), recipe(verify=True, **changes), scripted(answer, asked))
    return done.line


def test_items_found_by_code_are_written_though_verification_fails() -> None:
    def down(request: Request) -> Any:
        raise NetworkError("down")

    records: list[Json] = []
    failures: list[Json] = []
    summary = run(
        [document("同志们：要加强管理，要建立台账。")],
        recipe(style="form", verify=True),
        CallStack(model=scripted(down)),
        lambda document, lines, failed: (records.extend(lines), failures.extend(failed)),  # type: ignore[func-returns-value]
    )
    assert [m["text"] for m in records[0]["record"]["measures"]] == ["要加强管理", "要建立台账"]
    assert [m["marks"] for m in records[0]["marks"]] == [["unconfirmed"], ["unconfirmed"]]
    assert ({f["kind"] for f in failures}, summary.exit_code) == ({"network"}, 1)


def words_of(request: Request) -> str:
    return str(request.body["messages"][-1]["content"])


def test_each_item_is_verified_and_marked_unless_the_model_says_yes() -> None:
    asked: list[Request] = []
    line = confirming(lambda r: {"answer": "否" if "“96.5%”" in words_of(r) else "是"}, asked)
    assert line["marks"] == [{"field": "statistics", "item": 1, "marks": ["unconfirmed"]}]
    second = [r for r in asked if "answer" in answer_schema(r)["properties"]]
    assert [("“1305处”" in words_of(r), "“96.5%”" in words_of(r)) for r in second] == [(True, False), (False, True)]
    assert all("logprobs" not in r.body for r in second)


def test_a_yes_counts_only_if_it_is_probable_enough() -> None:
    def answer(request: Request) -> Any:
        probable = 0.9 if "“1305处”" in words_of(request) else 0.6
        reply = completion('{"answer": "是"}')
        options = [{"token": "是", "logprob": math.log(probable)}, {"token": "否", "logprob": math.log(1 - probable)}]
        tokens = [
            {"token": '{"answer": "', "logprob": 0.0, "top_logprobs": []},
            {**options[0], "top_logprobs": options},
        ]
        reply.body["choices"][0]["logprobs"] = {"content": tokens}
        return reply

    asked: list[Request] = []
    line = confirming(answer, asked, sure=0.7)
    assert line["marks"] == [{"field": "statistics", "item": 1, "marks": ["unconfirmed"]}]
    assert asked[-1].body["logprobs"] is True


def test_a_yes_counts_if_the_endpoint_returns_no_probability() -> None:
    assert confirming(lambda r: {"answer": "是"}, [], sure=0.7)["marks"] == []


def test_an_item_whose_verification_fails_is_kept_unconfirmed_with_a_problem() -> None:
    line = confirming(lambda r: completion("", "length"), [])
    assert [s["value"]["text"] for s in line["record"]["statistics"]] == ["1305处", "96.5%"]
    assert [m["marks"] for m in line["marks"]] == [["unconfirmed"], ["unconfirmed"]]
    assert [p["kind"] for p in line["problems"]] == ["unanswered", "unanswered"]
