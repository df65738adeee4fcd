"""What a large model's answers and the columns of a row add to the card."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from scripted import document, scripted

from extractor.llm.models import LARGE, SMALL
from extractor.pipeline.convert import convert
from extractor.pipeline.recipe import Recipe
from extractor.schema.loading import load_schema

MEETING = load_schema("meeting")


def line_of(text: str, profile: Any, answer: Any = None, **changes: Any) -> Any:
    (done,) = convert(
        replace(document(text), **changes), Recipe(MEETING, "m", profile), scripted(lambda _: answer or {})
    )
    return done.line


def words(card: Any) -> dict[str, str | None]:
    return {name: entry and entry["text"] for name, entry in card.items()}


def test_a_large_model_s_answers_come_first_and_what_the_text_lacks_does_not_come_at_all() -> None:
    text = "5月8日，全省河湖长制工作推进会在临江市举行。会议由省水利厅主办，贺远程作了讲话。"
    card = line_of(text, LARGE, {"document_body": "省水利厅", "document_place": "北京", "document_speaker": "贺远程"})
    assert words(card["document"]) == {
        "title": None,
        "kind": "news",
        "meeting": "全省河湖长制工作推进会",
        "place": "临江市",
        "body": "省水利厅",
        "speaker": "贺远程",
    }
    assert card["document"]["body"]["evidence"] == [{"text": "省水利厅", "start": 26, "end": 30}]
    assert card["problems"] == []


def test_the_title_of_a_row_stands_in_for_one_that_the_text_lacks() -> None:
    card = line_of("全县召开会议，部署工作。", SMALL, title="清河县部署工作")["document"]
    assert card["title"] == {"text": "清河县部署工作", "evidence": []}


def test_the_card_costs_no_question_of_its_own() -> None:
    separate = Recipe(MEETING, "m", replace(LARGE, combine=False))
    assert [field.name for field in separate.card] == []
    assert [field.name for field in Recipe(MEETING, "m", SMALL).card] == []
    assert "document_meeting" in [field.name for field in Recipe(MEETING, "m", LARGE).card]
