"""The card: title, kind, meeting, place, body and speaker of a speech, from its own words or not at all."""

from __future__ import annotations

import time
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import ROOT, cases, document, labels, whole

from extractor.document import Document
from extractor.pipeline.card import read_card
from extractor.pipeline.clean.clean import clean
from extractor.pipeline.line_format import Card, CardEntry
from extractor.pipeline.split.speeches import split_speeches

KEYS = ["title", "kind", "meeting", "place", "body", "speaker"]
CASES = cases("cards")


def entries(made: Card) -> dict[str, CardEntry]:
    return {key: cast("CardEntry", entry) for key, entry in made.items() if entry is not None}


def texts(made: Card) -> dict[str, str]:
    return {key: entry["text"] for key, entry in entries(made).items()}


def of(source: Document) -> Card:
    """The card of a source that is one speech."""
    speeches = split_speeches(clean(source)) or [clean(source)]
    assert len(speeches) == 1
    return read_card(speeches[0])


@pytest.mark.parametrize("case", CASES, ids=labels)
def test_cards(case: Any) -> None:
    made = of(document(case["text"]))
    assert list(made) == KEYS
    assert texts(made) == case["expect"]


@pytest.mark.parametrize("case", CASES, ids=labels)
def test_every_value_is_in_the_text(case: Any) -> None:
    for key, entry in entries(of(document(case["text"]))).items():
        assert entry["evidence"]
        for place in entry["evidence"]:
            assert case["text"][place["start"] : place["end"]] == place["text"] != ""
        if key != "kind":
            shown = "".join(place["text"] for place in entry["evidence"])
            assert "".join(entry["text"].split()) == "".join(shown.split())


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_piece_of_a_text_has_a_card_whose_evidence_is_there(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([case["text"] for case in CASES]))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    piece = text[start:end].replace(data.draw(st.sampled_from("，。在会\n")), data.draw(st.sampled_from("\n，:( ")))
    for entry in entries(read_card(whole(piece))).values():
        assert all(piece[place["start"] : place["end"]] == place["text"] for place in entry["evidence"])


def test_what_shows_the_kind_is_its_evidence() -> None:
    made = of(
        document("政府工作报\n告\n\n——2021年1月5日在清河县第九届人民代表大会第四次会议上\n\n各位代表：\n现在开会。")
    )
    assert texts(made)["title"] == "政府工作报告"
    assert [place["text"] for place in entries(made)["kind"]["evidence"]] == ["报\n告"]
    assert [place["text"] for place in entries(made)["title"]["evidence"]] == ["政府工作报\n告"]


def test_a_name_is_spaced_out_in_the_text_only() -> None:
    made = of(document("在全县教育大会上的讲话\n县长　周　磊\n同志们：\n我讲两点。"))
    (place,) = entries(made)["speaker"]["evidence"]
    assert (texts(made)["speaker"], place["text"]) == ("周磊", "周　磊")


def test_traditional_script_is_read_and_evidence_is_in_the_source() -> None:
    made = of(document("在全縣經濟工作會議上的講話\n縣委書記 周立新\n同志們：\n我講三點意見。"))
    assert texts(made)["meeting"] == "全县经济工作会议"
    assert entries(made)["meeting"]["evidence"][0]["text"] == "全縣經濟工作會議"


def test_offsets_are_those_of_the_page_with_its_markup() -> None:
    paragraphs = [
        "6月3日上午，清河县人民政府在县影剧院召开全县防汛抗旱工作会议，安排部署今年的防汛抗旱工作。",
        "会议指出，去年全县完成水利投资3亿元，新建塘坝120座，各项工作取得了明显成效。" * 3,
    ]
    page = "<html><head><title>清河</title></head><body><article>{}</article></body></html>"
    text = page.format("".join(f"<p>{paragraph}</p>" for paragraph in paragraphs))
    made = of(Document("page", "page.html", text, "0" * 64, "html"))
    assert {key: texts(made)[key] for key in ("kind", "meeting", "place", "body")} == {
        "kind": "news",
        "meeting": "全县防汛抗旱工作会议",
        "place": "县影剧院",
        "body": "清河县人民政府",
    }
    for entry in entries(made).values():
        assert all(text[place["start"] : place["end"]] == place["text"] for place in entry["evidence"])


def test_each_speech_of_a_file_has_its_own_card() -> None:
    prose = "去年，全县上下团结一心，各项工作取得了新的成绩，群众生活得到改善，社会保持稳定。" * 6
    text = "".join(
        f"第{number}篇\n在全县{field}工作会议上的讲话\n{name}\n同志们：\n{prose}\n谢谢大家！\n"
        for number, field, name in (("一", "教育", "周立新"), ("二", "水利", "陈建国"))
    )
    cards = [texts(read_card(speech)) for speech in split_speeches(clean(document(text)))]
    assert [(made.get("meeting"), made.get("speaker")) for made in cards] == [
        ("全县教育工作会议", "周立新"),
        ("全县水利工作会议", "陈建国"),
    ]


def test_seeds() -> None:
    """Two of the seeds are reports of a meeting, and the others say little about theirs."""
    made = {
        path.stem[:3]: texts(read_card(split_speeches(clean(document(path.read_text(encoding="utf-8"))))[0]))
        for path in (ROOT / "seeds").glob("*.txt")
    }
    assert (made["000"]["kind"], made["000"]["meeting"], made["000"]["body"]) == (
        "news",
        "全市人口和计划生育工作会议",
        "市委、市政府",
    )
    assert (made["002"]["meeting"], made["002"]["place"]) == ("全市计划生育工作会议", "新城区会议中心")
    assert made["003"] == {}
    assert made["004"] == {"kind": "speech"}


@pytest.mark.parametrize(
    "unit",
    [
        "在",
        "会",
        "召开",
        "会议",
        "市委、",
        "上的讲话",
        "(",
        "\n",
        "3日",
        "主任",
        "\n短行",
        "全市会议在京",
        "出席",
        "关于",
    ],
)
def test_time_is_linear_in_hostile_texts(unit: str) -> None:
    lead = "本报讯 5月3日，全市工作会议召开。"
    began = time.process_time()
    read_card(whole(unit * (60_000 // len(unit))))
    read_card(whole(lead + unit * (60_000 // len(unit))))
    assert time.process_time() - began < 2
