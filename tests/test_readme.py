"""The README stays on one page, pages agree with the code, and links and paths lead somewhere."""

from __future__ import annotations

import ast
import json
import re
import textwrap
import tomllib
import unicodedata
from pathlib import Path
from typing import get_args

import pytest
from scripted import ROOT

from extractor import load_schema
from extractor.errors import NOT_REACHED, ExtractorError, kinds
from extractor.llm.price_list import PRICES
from extractor.llm.providers import PROVIDERS
from extractor.pipeline.read.read import Kind

README, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
DOCS = ROOT / "docs"
# Written by `python tests/update_docs.py`, from docstrings and --help.
GENERATED = {DOCS / "commands.md", DOCS / "fields.md"}
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md"), *(ROOT / "fixtures").glob("*/README.md")])
WRITTEN = sorted({*ROOT.glob("*.md"), *DOCS.glob("*.md")} - GENERATED)

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]\n]*(?:\n[^\]\n]*)?\]\(([^)\s]+)\)")
COMMENT = re.compile(r"  +#.*$", re.MULTILINE)
# Paths in prose: x/y.py, and folders of at least two levels.
MODULE = re.compile(r"(?<![\w./-])((?:\w+/)+\w+\.py)\b")
FOLDER = re.compile(r"`((?:\w+/){2,})`")
DOTTED = re.compile(r"\bextractor((?:\.[a-z_]+)+)")
EVIDENCE = re.compile(r'"text": "([^"]+)", "start": (\d+), "end": (\d+)')


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def without_blocks(text: str) -> str:
    return BLOCK.sub("", text)


def columns(line: str) -> int:
    """The width of a line; a Chinese character is two columns wide."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)


def table_rows(text: str) -> list[str]:
    return [line for line in without_blocks(text).splitlines() if line.startswith("|")]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", without_blocks(text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def section(page: Path, heading: str) -> str:
    return text_of(page).partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def names_in_first_cells(table: str) -> set[str]:
    """The code in the first cells of the rows of a table."""
    rows = [row.split("|")[1] for row in table_rows(table)]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def python_of(page: Path) -> str:
    """The first block of Python in a page."""
    return next(code for language, code in BLOCK.findall(text_of(page)) if language == "python")


@pytest.mark.parametrize("page", [README, CHINESE], ids=lambda page: page.name)
def test_a_readme_is_one_page(page: Path) -> None:
    assert len(text_of(page).splitlines()) <= 130


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_prose_fits_into_110_columns(page: Path) -> None:
    prose = [line for line in without_blocks(text_of(page)).splitlines() if not line.startswith("|")]
    assert [line for line in prose if columns(line) > 110] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_a_file_and_a_heading(page: Path) -> None:
    for link in LINK.findall(without_blocks(text_of(page))):
        if re.match(r"\w+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name} links to {link}, but {target} does not exist"
        assert not anchor or anchor in anchors(target), f"{page.name} links to {link}: no such heading"


@pytest.mark.parametrize("page", [ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))], ids=lambda page: page.name)
def test_the_paths_and_modules_that_a_page_names_exist(page: Path) -> None:
    text = text_of(page)
    paths = {*MODULE.findall(text), *FOLDER.findall(text)}
    paths |= {name[1:].replace(".", "/") + ".py" for name in DOTTED.findall(text)}
    missing = [path for path in sorted(paths) if not any((root / path).exists() for root in (ROOT, ROOT / "extractor"))]
    assert missing == []


def test_the_index_lists_every_page() -> None:
    listed = {(DOCS / link).resolve() for link in LINK.findall(text_of(DOCS / "index.md"))}
    assert {*DOCS.glob("*.md")} - listed == {DOCS / "index.md"}


def test_both_readmes_show_the_same_code_but_for_comments() -> None:
    english, chinese = (
        [(language, COMMENT.sub("", code)) for language, code in BLOCK.findall(text_of(page))]
        for page in (README, CHINESE)
    )
    assert chinese == english


def test_both_readmes_have_the_same_tables() -> None:
    english, chinese = (table_rows(text_of(page)) for page in (README, CHINESE))
    assert len(chinese) == len(english)
    for here, there in zip(english, chinese, strict=True):
        assert re.findall(r"\d\.\d\d", there) == re.findall(r"\d\.\d\d", here)
        assert re.findall(r"`[^`]+`", there.split("|")[1]) == re.findall(r"`[^`]+`", here.split("|")[1])


def test_both_readmes_link_to_the_same_pages() -> None:
    english, chinese = ({*LINK.findall(without_blocks(text_of(page)))} for page in (README, CHINESE))
    assert english - chinese == {CHINESE.name}
    assert chinese - english == {README.name}


@pytest.mark.parametrize("page", [README, CHINESE], ids=lambda page: page.name)
def test_the_readme_s_record_points_at_its_text(page: Path) -> None:
    block = next(code for language, code in BLOCK.findall(text_of(page)) if language == "json")
    path = re.search(r'"path": "([^"]+)"', block)
    assert path is not None
    source = (ROOT / path[1]).read_bytes().decode()
    shown = EVIDENCE.findall(block)
    assert len(shown) >= 3
    for text, start, end in shown:
        assert source[int(start) : int(end)] == text


def test_the_readme_s_record_is_the_first_of_the_seeds() -> None:
    (block,) = (code for language, code in BLOCK.findall(text_of(README)) if language == "json")
    with (ROOT / "fixtures" / "records.jsonl").open(encoding="utf-8") as lines:
        line = json.loads(next(lines))
    assert f'"id": "{line["id"]}"' in block
    assert f'"sha256": "{line["source"]["sha256"][:9]}…"' in block
    for value in ("2014-05-27", "张文深", "焦作累计少生", "1600000"):
        assert value in block
        assert value in json.dumps(line["record"], ensure_ascii=False)


@pytest.mark.parametrize("page", [README, DOCS / "library.md"], ids=lambda page: page.name)
def test_the_first_program_prints_a_line_for_each_speech(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    exec(python_of(page), {})
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 12
    assert printed[0].startswith("000_f3784ed5a834436f 2014-05-27 ")


def test_the_test_in_testing_md_is_the_example_project_s() -> None:
    written = text_of(ROOT / "tests" / "example_project" / "test_opening.py")
    assert python_of(DOCS / "testing.md") in written


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_python_in_a_page_is_python(page: Path) -> None:
    for language, code in BLOCK.findall(text_of(page)):
        if language == "python":
            ast.parse(textwrap.dedent(code))


@pytest.mark.parametrize("page", [README, DOCS / "adding-a-field.md"], ids=lambda page: page.name)
def test_the_field_that_a_page_adds_makes_a_schema(page: Path, tmp_path: Path) -> None:
    (added,) = (code for _, code in BLOCK.findall(text_of(page)) if code.startswith("    venue:"))
    schema = tmp_path / "my.py"
    schema.write_text(text_of(ROOT / "schemas" / "meeting.py") + added, encoding="utf-8")
    assert [field.name for field in load_schema(str(schema)).fields][-2:] == ["measures", "venue"]


ANSWERS = {"json_schema": "schema", "strict": "schema, strict", "json_object": "JSON object", "text": "text"}


def test_models_md_lists_every_provider_as_the_table_has_it() -> None:
    listed = {}
    for line in section(DOCS / "models.md", "Hosted models").splitlines():
        names, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        for name in re.findall(r"`(\w+)/NAME`", names if cells else ""):
            listed[name] = (cells[0].strip("`") if "`" in cells[0] else None, cells[1], cells[2])
    assert listed == {
        name: (p.variable, ANSWERS[p.dialect.answer], " ".join(f"`{address}`" for address in p.elsewhere))
        for name, p in PROVIDERS.items()
    }


def test_the_pages_count_the_prices_and_providers_right() -> None:
    assert f"{len(PRICES)} models" in text_of(DOCS / "models.md")
    assert f"{len(PRICES)} models" in text_of(DOCS / "limits.md")
    assert len(PROVIDERS) == 23, "README.md says twenty-three"


def test_resuming_md_lists_kinds_that_failures_have() -> None:
    listed = names_in_first_cells(section(DOCS / "resuming.md", "Failures").partition("These kinds stop")[2])
    known = {*kinds(ExtractorError), *get_args(Kind), NOT_REACHED, "bug"}
    assert listed - known == set()
    assert {*get_args(Kind), "key_refused", "network", NOT_REACHED, "bug"} - listed == set()


def test_architecture_md_shows_the_layers_that_are_checked() -> None:
    shown = next(code for language, code in BLOCK.findall(text_of(DOCS / "architecture.md")) if language == "text")
    layers = [re.split(r"\s{4,}", line)[0].split() for line in shown.splitlines()]
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))
    (packages,) = (c for c in project["tool"]["importlinter"]["contracts"] if c["id"] == "packages")
    assert layers == [layer.split(" | ") for layer in packages["layers"]]


def test_the_changelog_begins_with_this_version() -> None:
    version = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]["version"]
    versions = re.findall(r"^## \[(.+)\]", text_of(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert versions[0] == version
