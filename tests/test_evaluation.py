"""Scoring against annotations: a field's type decides what counts as right."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from scripted import ROOT
from typer.testing import CliRunner

from extractor.cli.main import app
from extractor.document import Json
from extractor.evaluation.scoring import Counts, Scored, ScoreError, fields_of, read_gold, score
from extractor.evaluation.tables import UNMARKED, Gap, difference, tabulate, tabulate_marks
from extractor.schema.loading import load_schema

SHAPES = load_schema("meeting").fields
GOLD = read_gold(ROOT / "fixtures" / "gold")
NAMES = fields_of(SHAPES, GOLD)
FIRST = "000_f3784ed5a834436f"


def one(record: Json, wanted: Json) -> Scored:
    return score(SHAPES, {"x": wanted}, {"x": record})["x"]


def copy_of(record: Json) -> Json:
    """A copy that a test may change."""
    return copy.deepcopy(record)


def test_annotations_agree_with_themselves() -> None:
    table = {line.name: line for line in tabulate(score(SHAPES, GOLD, GOLD), NAMES)}
    assert set(NAMES) == {"date", "officials", "statistics", "targets", "measures"}
    assert all(line.f1 == 1.0 and line.low == 1.0 for line in table.values())


def test_without_records_recall_is_zero() -> None:
    table = {line.name: line for line in tabulate(score(SHAPES, GOLD, {}), NAMES)}
    assert table["measures"].recall == 0.0
    assert table["measures"].f1 == 0.0
    assert table["date"].f1 == pytest.approx(4 / 6)


def test_a_date_is_compared_by_its_edtf() -> None:
    record = copy_of(GOLD[FIRST])
    record["date"]["text"] = "五月二十七日"
    assert one(record, GOLD[FIRST]).counts["date"] == Counts(1, 1, 1)
    record["date"]["edtf"] = "2014-05-28"
    scored = one(record, GOLD[FIRST])
    assert scored.counts["date"] == Counts(0, 1, 1)
    assert [slip.kind for slip in scored.slips] == ["miss", "invention"]


def test_titles_are_compared_on_matched_people_only() -> None:
    record = copy_of(GOLD[FIRST])
    record["officials"][0]["titles"] = ["市委副书记"]
    record["officials"][1]["name"] = "张文"
    counts = one(record, GOLD[FIRST]).counts
    assert counts["officials"] == Counts(6, 7, 7)
    assert counts["officials.titles"] == Counts(3, 4, 4)


def test_parts_that_the_annotations_lack_are_not_scored() -> None:
    wanted, record = copy_of(GOLD[FIRST]), copy_of(GOLD[FIRST])
    for person in wanted["officials"]:
        del person["roles"]
    counts = one(record, wanted).counts
    assert "officials.roles" not in counts
    assert counts["officials.titles"].f1 == 1.0


@pytest.mark.parametrize(
    ("alter", "expect"),
    [
        ({"text": "161万人"}, Counts(6, 7, 7)),
        ({"number": 160}, Counts(7, 7, 7)),
        ({"unit": "名"}, Counts(7, 7, 7)),
    ],
)
def test_a_number_is_matched_by_its_digits(alter: Json, expect: Counts) -> None:
    record = copy_of(GOLD[FIRST])
    record["statistics"][0]["value"].update(alter)
    counts = one(record, GOLD[FIRST]).counts
    assert counts["statistics"] == expect
    assert counts["statistics.value"].right == 6


def test_a_number_without_overlapping_evidence_does_not_match() -> None:
    record = copy_of(GOLD[FIRST])
    record["statistics"][0]["evidence"][0].update(start=2000, end=2010)
    assert one(record, GOLD[FIRST]).counts["statistics"] == Counts(6, 7, 7)


def test_clauses_count_by_character_and_repeats_count_once() -> None:
    wanted = {"targets": [{"text": "甲乙丙丁", "evidence": {"text": "甲乙丙丁", "start": 0, "end": 4}}]}
    place = {"text": "丙丁戊", "start": 2, "end": 5}
    record = {"targets": [{"text": "丙丁戊", "evidence": [place, {"text": "丙丁戊", "start": 90, "end": 93}]}]}
    scored = one(record, wanted)
    assert scored.counts["targets"] == Counts(2, 3, 4)
    assert [slip.kind for slip in scored.slips] == []


def test_a_difference_is_positive_if_the_first_is_better() -> None:
    worse = {name: {**record, "measures": record["measures"][::2]} for name, record in GOLD.items()}
    gaps = difference(score(SHAPES, GOLD, GOLD), score(SHAPES, GOLD, worse), NAMES)
    gap = gaps["measures"]
    assert 0 < gap.low <= gap.f1 <= gap.high
    assert gaps["officials"] == Gap(0.0, 0.0, 0.0)


def test_the_command_prints_the_table_and_the_slips(tmp_path: Path) -> None:
    output = tmp_path / "records.jsonl"
    lines = [json.dumps({"id": name, "record": record}, ensure_ascii=False) for name, record in GOLD.items()][1:]
    output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    gold = str(ROOT / "fixtures" / "gold")
    run = CliRunner().invoke(app, ["eval", gold, str(output), "--slips", "--vs", str(output)])
    assert run.exit_code == 0, run.output
    assert f"1 without a record: {FIRST}" in run.output
    assert f"miss      officials: {FIRST}" in run.output
    assert "difference in mean" in run.output
    machine = json.loads(CliRunner().invoke(app, ["eval", gold, str(output), "--json"]).output)
    assert machine["scores"]["mean"]["f1"] < 1
    assert machine["without_record"] == [FIRST]


@pytest.mark.parametrize(
    ("gold", "out"), [("missing", "records.jsonl"), ("gold", "missing.jsonl"), ("gold", "bad.jsonl")]
)
def test_files_that_cannot_be_scored_are_named(tmp_path: Path, gold: str, out: str) -> None:
    (tmp_path / "gold").mkdir()
    (tmp_path / "gold" / "a.json").write_text('{"id": "a", "record": {"date": null}}', encoding="utf-8")
    (tmp_path / "records.jsonl").write_text('{"id": "a", "record": {"date": null}}\n', encoding="utf-8")
    (tmp_path / "bad.jsonl").write_text("{", encoding="utf-8")
    run = CliRunner().invoke(app, ["eval", str(tmp_path / gold), str(tmp_path / out)])
    assert run.exit_code == 2
    assert "extractor: " in run.output
    assert "Traceback" not in run.output


def test_a_file_that_is_not_an_annotation_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ScoreError, match="is not an annotation"):
        read_gold(tmp_path)


# --- precision by mark ---


def test_items_are_right_in_the_records_order() -> None:
    record = copy_of(GOLD[FIRST])
    record["officials"].insert(1, {"name": "张三", "titles": [], "roles": ["mentioned"]})
    record["statistics"][0]["value"]["text"] = "170万人"
    del record["measures"][2:]
    record["measures"][0]["evidence"] = [{"text": "本报讯", "start": 0, "end": 3}]
    right = one(record, GOLD[FIRST]).right
    assert right["officials"] == [True, False, *[True] * 6]
    assert right["statistics"] == [False, *[True] * 6]
    assert right["measures"] == [False, True]
    assert right["date"] == [True]


def test_precision_is_counted_by_mark() -> None:
    record = copy_of(GOLD[FIRST])
    record["statistics"][0]["value"]["text"] = "170万人"
    marks = [{"field": "statistics", "item": n, "marks": ["second_pass"]} for n in (0, 1)]
    marks.append({"field": "date", "item": None, "marks": ["folded"]})
    scored = score(SHAPES, {FIRST: GOLD[FIRST]}, {FIRST: record})
    counts = tabulate_marks(scored, {FIRST: {"record": record, "marks": marks}})
    assert counts["statistics", "second_pass"] == Counts(1, 2, 2)
    assert counts["statistics", UNMARKED] == Counts(5, 5, 5)
    assert counts["date", "folded"] == Counts(1, 1, 1)
    assert ("date", UNMARKED) not in counts


def test_eval_prints_precision_by_mark(tmp_path: Path) -> None:
    marks = [{"field": "statistics", "item": 0, "marks": ["second_pass"]}]
    line = {"id": FIRST, "record": GOLD[FIRST], "marks": marks}
    output = tmp_path / "out.jsonl"
    output.write_text(json.dumps(line, ensure_ascii=False), encoding="utf-8")
    table = CliRunner().invoke(app, ["eval", str(ROOT / "fixtures" / "gold"), str(output)]).output
    assert "statistics   second_pass    1.00 of 1" in table
    assert "statistics   none           1.00 of 6" in table
    assert "measures     none" not in table
    data = json.loads(CliRunner().invoke(app, ["eval", str(ROOT / "fixtures" / "gold"), str(output), "--json"]).output)
    assert {"field": "statistics", "mark": "second_pass", "precision": 1.0, "items": 1} in data["marks"]
