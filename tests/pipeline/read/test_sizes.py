"""What is too large, too deep or never ends is a failure with a sentence, and what comes after it is read."""

from __future__ import annotations

import gzip
import io
import json
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from extractor.document import Document
from extractor.pipeline.clean.clean import clean
from extractor.pipeline.read.read import ReadOptions, Unreadable, read
from extractor.pipeline.read.sizes import bounded_lines, show_size

LIMIT = 10_000
LONG = "去年全市排查隐患。" * 600  # 16,200 bytes
ROW = '{"id": "%s", "text": "%s"}\n'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def found(name: str, **options: object) -> list[tuple[str, str]]:
    """The id and the text of each document; of an unreadable one its path and its reason."""
    every = read([name], ReadOptions(max_document_size=LIMIT, **options))  # type: ignore[arg-type]
    return [
        (one.id, one.text) if isinstance(one, Document) else (one.path, f"{one.kind}: {one.reason}") for one in every
    ]


def reason(path: str, size: str) -> tuple[str, str]:
    return path, (
        f"too-large: {path} has {size}, more than the 10 KB that a document may have: split it, or raise the bound "
        "with --max-document-size."
    )


@pytest.mark.parametrize("name", ["in.jsonl", "in.jsonl.gz"])
@pytest.mark.parametrize("ends", ["\n", ""])
def test_the_rows_beside_one_that_is_too_long_are_read(name: str, ends: str) -> None:
    content = (ROW % ("a", "甲") + ROW % ("b", LONG) + ROW % ("c", "丙") + (ROW % ("d", LONG)).rstrip() + ends).encode()
    Path(name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert found(name) == [("a", "甲"), reason(f"{name}#2", "16.2 KB"), ("c", "丙"), reason(f"{name}#4", "16.2 KB")]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_a_row_of_just_the_size_is_read(encoding: str) -> None:
    whole = ROW % ("a", "")
    text = "去" * ((LIMIT - len(whole)) // 3)
    Path("in.jsonl").write_text(ROW % ("a", text) + ROW % ("b", text + "去"), encoding=encoding)
    assert found("in.jsonl", encoding=encoding)[0] == ("a", text)
    assert found("in.jsonl", encoding=encoding)[1] == reason("in.jsonl#2", "10 KB")


@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.md"])
def test_a_file_that_is_too_large_is_not_read(name: str) -> None:
    Path(name).write_text(LONG, encoding="utf-8")
    assert found(name) == [reason(name, "16.2 KB")]
    Path(name).write_bytes(b"a" * LIMIT)
    assert found(name) == [("a", "a" * LIMIT)]


def test_standard_input_that_does_not_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            buffer[:] = b"a" * len(buffer)
            return len(buffer)

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Endless())))
    [(path, why)] = found("-")
    assert (path, why[:70]) == ("stdin", "too-large: stdin has more than the 10 KB that a document may have: spl")


CSV = "id,text\na,甲\n"
CSV_CASES = {
    "a long line": (f"{CSV}b,{LONG}\nc,丙\n", [reason("in.csv#3", "16.2 KB"), ("c", "丙")]),
    "a long cell of many lines": (
        CSV + 'b,"' + (LONG[:90] + "\n") * 60 + '"\nc,丙\n',
        [reason("in.csv#3", "16.3 KB"), ("c", "丙")],
    ),
    "a long line in a cell of many lines": (
        f'{CSV}b,"一\n{LONG}\n二"\nc,丙\n',
        [reason("in.csv#3", "16.2 KB"), ("c", "丙")],
    ),
    "a quote that is never closed, before rows": (
        CSV + 'b,"乙\n' + "".join(f"{n},第{n}次\n" for n in range(3)),
        [
            (
                "in.csv#3",
                "row: in.csv#3 has a quoted cell that never ends: close its quotes. The lines after it were read as rows.",
            ),
            *((str(n), f"第{n}次") for n in range(3)),
        ],
    ),
    "a quote that is never closed, before many rows": (
        CSV + 'b,"乙\n' + "".join(f"{n},第{n}次\n" for n in range(2000)),
        [
            (
                "in.csv#3",
                "row: in.csv#3 has a quoted cell that never ends: close its quotes. The lines after it were read as rows.",
            ),
            *((str(n), f"第{n}次") for n in range(2000)),
        ],
    ),
    "a file that was cut off in a text": (
        CSV + 'b,"乙\n' + "去年全市排查隐患。\n" * 3,
        [
            (
                "in.csv#3",
                "row: in.csv#3 has a quoted cell that never ends, 91 bytes to the end of the file: close its quotes, "
                "then run again.",
            )
        ],
    ),
    "a text without end": (
        CSV + 'b,"乙\n' + "去年全市排查隐患。\n" * 1000,
        [
            (
                "in.csv#3",
                "row: in.csv#3 has a quoted cell that never ends, 28 KB to the end of the file: close its quotes, "
                "then run again.",
            )
        ],
    ),
}


@pytest.mark.parametrize("case", CSV_CASES)
def test_csv(case: str) -> None:
    content, expect = CSV_CASES[case]
    Path("in.csv").write_text(content, encoding="utf-8")
    id_column = {"id_column": "id"}
    assert found("in.csv", **id_column) == [("a", "甲"), *expect]


def test_the_columns_of_a_table_are_looked_for_within_the_bound() -> None:
    Path("in.jsonl").write_text(ROW % ("a", LONG) + ROW % ("b", "乙"), encoding="utf-8")
    assert found("in.jsonl", text_column="text") == [reason("in.jsonl#1", "16.2 KB"), ("b", "乙")]


def test_a_line_that_is_too_long_is_not_held() -> None:
    class Lines(io.RawIOBase):
        left = 20_000_000

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            size = min(len(buffer), self.left)
            buffer[:size] = b"a" * size
            self.left -= size
            return size

    lines = bounded_lines(io.TextIOWrapper(io.BufferedReader(Lines()), "utf-8", newline="\n"), LIMIT)
    tracemalloc.start()
    sizes = [line if isinstance(line, str) else line.size for line in lines]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sizes == [20_000_000]
    assert peak < 1_000_000


ODD_ROWS = {
    "nested too deep": ('{"text": "甲", "x": ' + "[" * 100_000 + "]" * 100_000 + "}", "row"),
    "objects nested too deep": ('{"text": "甲", "x": ' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "}", "row"),
    "a number of a million digits": ('{"text": "甲", "x": ' + "9" * 1_000_000 + "}", "row"),
    "a million digits as the id": ('{"text": "甲", "id": ' + "9" * 1_000_000 + "}", "row"),
    "NaN": ('{"text": "甲", "x": NaN}', "甲"),
    "NaN as the id": ('{"text": "甲", "id": NaN}', "甲"),
    "infinity": ('{"text": "甲", "x": 1e999}', "甲"),
    "one key twice": ('{"text": "乙", "text": "甲"}', "甲"),
    "a million keys": ('{"text": "甲"' + "".join(f',"{n}":1' for n in range(1_000_000)) + "}", "甲"),
    "a text that is a number": ('{"text": NaN}', "row"),
    "no text, and a name without end": ('{"' + "x" * 1_000_000 + '": 1}', "no-text-column"),
}


@pytest.mark.parametrize("case", ODD_ROWS)
def test_odd_rows(case: str) -> None:
    row, expect = ODD_ROWS[case]
    Path("in.jsonl").write_text(f'{row}\n{{"text": "乙", "x": 1}}\n', encoding="utf-8")
    first, second = read(["in.jsonl"], ReadOptions(keep_columns=("x",) if '"x"' in row else ()))
    assert isinstance(second, Document)
    assert (first.text if isinstance(first, Document) else first.kind) == expect
    if isinstance(first, Unreadable):
        assert len(first.reason) < 500


@pytest.mark.parametrize("depth", range(900, 1000, 4))
def test_a_column_that_is_nested_just_not_too_deep_is_kept_or_refused(depth: int) -> None:
    row = {"text": "甲", "x": json.loads("[" * 90 + "]" * 90)}
    text = json.dumps(row, ensure_ascii=False).replace("[" * 90 + "]" * 90, "[" * depth + "]" * depth)
    Path("in.jsonl").write_text(text + "\n", encoding="utf-8")
    [one] = read(["in.jsonl"], ReadOptions(keep_columns=("x",)))
    if isinstance(one, Document):
        assert one.columns == (("x", "[" * depth + "]" * depth),)
    else:
        assert one.kind == "row"


def test_a_csv_row_of_a_million_cells() -> None:
    Path("in.csv").write_text("id,text\n" + "," * 999_999 + "\nb,乙\n", encoding="utf-8")
    first, second = read(["in.csv"])
    assert isinstance(first, Unreadable)
    assert first.reason.startswith("in.csv#2 has 1000000 cells, the header 2")
    assert isinstance(second, Document)


def test_a_csv_header_of_a_million_cells() -> None:
    Path("in.csv").write_text("text" + "".join(f",{n}" for n in range(999_999)) + "\n甲\n", encoding="utf-8")
    [one] = read(["in.csv"])
    assert isinstance(one, Document)


def nested_pages() -> Iterator[tuple[str, str]]:
    text = "县委书记李明指出，要压实责任。"
    for tag in ("div", "span", "b", "ul><li", "table><tr><td", "blockquote"):
        number = 100_000 // (tag.count("<") + 1)
        closing = "".join(f"</{name}>" for name in reversed(tag.split("><")))
        yield tag, f"<html><body>{f'<{tag}>' * number}{text}{closing * number}</body></html>"
        yield f"{tag}, not closed", f"<html><body>{f'<{tag}>' * number}{text}"


@pytest.mark.parametrize("page", [page for _, page in nested_pages()], ids=[name for name, _ in nested_pages()])
def test_a_page_of_100_000_nested_tags(page: str) -> None:
    excerpt = clean(Document("a", "a.html", page, "", "html"))
    assert excerpt.text.strip() == "县委书记李明指出，要压实责任。"


@pytest.mark.parametrize(
    ("size", "words"), [(999, "999 bytes"), (850_000, "850 KB"), (16_000_000, "16 MB"), (1_500_000_000, "1.5 GB")]
)
def test_sizes_in_words(size: int, words: str) -> None:
    assert show_size(size) == words
