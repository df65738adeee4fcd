"""Ways to lay a text out differently without changing what it says: line ends, tags, widths, scripts, marks.

A transform takes a random generator and a text and returns a `Changed`, or None where the text has nothing to change.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from extractor.lang.date_spans import find_dates
from extractor.lang.people import find_people
from extractor.lang.quantities import find_quantities

HAN = re.compile("[\u4e00-\u9fff]")
_APART = 8  # characters between two line ends: no layout leaves less
_SENTENCE_HEAD = re.compile(r"(?:^|(?<=[。！？\n]))(?=[\u4e00-\u9fff])")


@dataclass
class Changed:
    """A text being changed: what stands for each character, and what is put in before it."""

    base: str
    shown: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    media: Literal["text", "html"] = "text"
    head: str = ""
    tail: str = ""
    # What it may change: list numbers make headings of lines.
    allowed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.shown = list(self.base)
        self.before = [""] * (len(self.base) + 1)

    @property
    def text(self) -> str:
        pieces = [p for pair in zip(self.before, self.shown, strict=False) for p in pair]
        return "".join([self.head, *pieces, self.before[-1], self.tail])

    def places(self) -> list[tuple[int, int]]:
        """Where each character of the base stands in the text."""
        spans, at = [], len(self.head)
        for put_in, shown in zip(self.before, self.shown, strict=False):
            spans.append((at + len(put_in), at + len(put_in) + len(shown)))
            at = spans[-1][1]
        return spans


Transform = Callable[[random.Random, str], Changed | None]


def _values(text: str) -> list[tuple[int, int]]:
    """Spans of what a layout may cut: numbers, dates, names with the office before them."""
    spans = [*find_quantities(text), *find_dates(text), *map(partial(_with_office, text), find_people(text))]
    return [(i, j) for i, j in spans if j - i > 1]


def _with_office(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """A name with up to six Han characters before it, which are the end of an office."""
    start = span[0]
    while start > max(0, span[0] - 6) and HAN.match(text[start - 1]):
        start -= 1
    return start, span[1]


def _cuts(rng: random.Random, text: str) -> list[int]:
    """Places inside a third of the values, and a few anywhere; never beside a line end or each other."""
    spans = _values(text)
    chosen = rng.sample(spans, -(-len(spans) // 3)) if spans else []
    places = {rng.randrange(i + 1, j) for i, j in chosen} | {
        rng.randrange(1, len(text)) for _ in range(len(text) // 80)
    }
    cuts: list[int] = []
    for k in sorted(places):
        if "\n" not in text[max(0, k - 12) : k + 12] and not (cuts and k - cuts[-1] < _APART):
            cuts.append(k)
    return cuts


def _insert(text: str, places: Iterable[int], words: str) -> Changed | None:
    changed = Changed(text)
    for k in places:
        changed.before[k] += words
    return changed if changed.text != text else None


def line_ends(rng: random.Random, text: str) -> Changed | None:
    """Line ends inside numbers, names, titles and dates."""
    return _insert(text, _cuts(rng, text), "\n")


def wrapped(rng: random.Random, text: str) -> Changed | None:
    """Every line broken at one width, as in a text that was printed."""
    changed, width, column = Changed(text), rng.randrange(18, 44), 0
    for i, character in enumerate(text):
        if character == "\n":
            column = 0
        elif column >= width and character not in "，。；：、！？”）》%‰":
            changed.before[i] = rng.choice(["\n", "\n", "\r\n"])
            column = 0
        column += 1
    return changed if changed.text != text else None


def pages(rng: random.Random, text: str) -> Changed | None:
    """Page ends with the page's number, inside values."""
    changed = Changed(text)
    form = rng.choice(["\n- {} -\n", "\n—{}—\n", "\n\n· {} ·\n\n", "\n\f- {} -\n", "\n第{}页\n"])
    for number, k in enumerate(_cuts(rng, text), rng.randrange(2, 90)):
        changed.before[k] = form.format(number)
    return changed if changed.text != text else None


def running_heads(rng: random.Random, text: str) -> Changed | None:
    """Page ends with the page's number and the head of the next page, which is the same every time."""
    head = rng.choice(["某某县人民政府公报", "在全县经济工作会议上的讲话", "2019年政府工作报告"])
    changed = Changed(text)
    for number, k in enumerate(_cuts(rng, text), rng.randrange(2, 90)):
        changed.before[k] = f"\n- {number} -\n{head}\n"
    return changed if changed.text != text else None


def _tagged(rng: random.Random, text: str) -> Changed:
    changed = Changed(text)
    tags = [
        "b",
        "span style='font-size:14px'",
        "font color=red",
        "strong",
        "sup",
        "a href='#'",
        "span",
        "em",
        "u",
        "o:p",
    ]
    spans = _values(text)
    pieces = [
        (rng.randrange(i, j), min(len(text), rng.randrange(i + 1, j + 2)))
        for i, j in rng.sample(spans, -(-len(spans) // 2))
    ]
    pieces += [
        (k, min(len(text), k + rng.randrange(1, 9))) for k in (rng.randrange(len(text)) for _ in range(len(text) // 60))
    ]
    done = 0
    for i, j in sorted(pieces):
        if i < done or j <= i or "\n" in text[i:j]:
            continue
        tag = rng.choice(tags)
        changed.before[i] += f"<{tag}>"
        changed.before[j] = f"</{tag.split()[0]}>" + changed.before[j]
        done = j + 1
    for i, character in enumerate(text):
        if rng.random() < 0.02 and character not in "\n<>&":
            changed.shown[i] = rng.choice([f"&#{ord(character)};", f"&#x{ord(character):X};"])
        elif character == " ":
            changed.shown[i] = "&nbsp;"
        elif character == "\n":
            changed.shown[i] = "</p>\n<p>"
    changed.head, changed.tail = "<p>", "</p>"
    return changed


def html_fragment(rng: random.Random, text: str) -> Changed | None:
    """Inline tags and entities, in a text that says nowhere that it is HTML."""
    return _tagged(rng, text)


def html_page(rng: random.Random, text: str) -> Changed | None:
    """Inline tags and entities in a page, whose text stands in one of the containers that sites use."""
    changed = _tagged(rng, text)
    box = rng.choice(
        ["<article>{}</article>", "<div class='TRS_Editor'>{}</div>", "<div>{}</div>", "{}", "<div id='zoom'>{}</div>"]
    )
    opening, closing = box.split("{}")
    changed.head, changed.tail = f"<html><body>{opening}<p>", f"</p>{closing}</body></html>"
    changed.media = "html"
    return changed


_WIDE = {code: chr(code + 0xFEE0) for code in [*range(0x30, 0x3A), *range(0x41, 0x5B), *range(0x61, 0x7B)]}
_WIDE_MARKS = {
    "%": "％",
    ".": "．",
    ",": "，",
    ";": "；",
    ":": "：",
    "(": "（",
    ")": "）",
    "-": "－",
    "+": "＋",
    "/": "／",
}


def wide(rng: random.Random, text: str) -> Changed | None:
    """Full-width digits, letters and punctuation."""
    changed = Changed(text)
    marks = _WIDE_MARKS if rng.random() < 0.7 else {}
    changed.shown = [marks.get(c, c.translate(_WIDE)) for c in text]
    return changed if changed.text != text else None


def thousands(rng: random.Random, text: str) -> Changed | None:
    """Blanks between thousands, in numbers that have four digits or more before the point."""
    changed, blank = Changed(text), rng.choice([" ", "\u00a0", "\u2009", "\u202f"])
    for number in re.finditer(r"(?<![\d.])\d{4,9}(?![\d年])(?:\.\d+)?", text):
        whole = number[0].partition(".")[0]
        if len(whole) == 4 and whole[:2] in ("19", "20"):
            continue
        for k in range(len(whole) - 3, 0, -3):
            changed.before[number.start() + k] = blank
    return changed if changed.text != text else None


def spaced(rng: random.Random, text: str) -> Changed | None:
    """Blanks between all characters of a decimal, as copied from some PDF files."""
    changed = Changed(text)
    for number in re.finditer(r"(?<![\d.,:])\d{1,4}\.\d{1,2}(?=[%‰万亿元吨人个公千米倍])", text):
        for k in range(number.start() + 1, number.end()):
            changed.before[k] = " "
        if rng.random() < 0.5:
            point = text.index(".", number.start())
            changed.shown[point] = "．"
    return changed if changed.text != text else None


def traditional(rng: random.Random, text: str) -> Changed | None:
    """Traditional script."""
    import opencc

    convert = opencc.OpenCC(rng.choice(["s2t", "s2tw", "s2hk"])).convert
    changed, whole = Changed(text), convert(text)
    if len(whole) != len(text):
        return None
    changed.shown = list(whole)
    return changed if changed.text != text else None


_READINGS = dict(
    zip(
        "万亿元人个月日年县市长书记会议工作三五百千3578",
        [
            "wàn",
            "yì",
            "yuán",
            "rén",
            "gè",
            "yuè",
            "rì",
            "nián",
            "xiàn",
            "shì",
            "zhǎng",
            "shū",
            "jì",
            "huì",
            "yì",
            "gōng",
            "zuò",
            "sān",
            "wǔ",
            "bǎi",
            "qiān",
            "sān",
            "wǔ",
            "qī",
            "bā",
        ],
        strict=True,
    )
)


def pinyin(rng: random.Random, text: str) -> Changed | None:
    """Pinyin in brackets behind some characters."""
    changed = Changed(text)
    for i, character in enumerate(text):
        if character in _READINGS and rng.random() < (0.1 if character.isdecimal() else 0.4):
            changed.before[i + 1] = f"({_READINGS[character]})"
    return changed if changed.text != text else None


def markdown(rng: random.Random, text: str) -> Changed | None:
    """Marks of Markdown: bold and italic pieces, and headings, quotes and items at the head of lines."""
    changed, done = Changed(text), 0
    spans = _values(text)
    pieces = [(i, j) for i, j in rng.sample(spans, -(-len(spans) // 2))]
    pieces += [(rng.randrange(i, j), j) for i, j in find_quantities(text) if j - i > 2 and rng.random() < 0.3]
    for i, j in sorted(pieces):
        if i < done or "\n" in text[i:j]:
            continue
        mark = rng.choice(["**", "**", "*", "`"])
        changed.before[i] += mark
        changed.before[j] = mark + changed.before[j]
        done = j + 1
    prefix = rng.choice(["# ", "## ", "> ", "- ", "* ", "", "  - ", "> > "])
    for line in re.finditer(r"(?m)^(?=.)", text):
        changed.before[line.start()] = prefix + changed.before[line.start()]
    return changed if changed.text != text else None


def numbered(rng: random.Random, text: str) -> Changed | None:
    """List numbers and time codes before sentences."""
    changed = Changed(text, allowed=("heading", "position"))
    form = rng.choice(["（{n}）", "{n}、", "{n}. ", "({n})", "[00:0{m}:2{m}] ", "00:0{m}:1{m} ", "{n}）"])
    for number, head in enumerate(_SENTENCE_HEAD.finditer(text), 1):
        if head.start() == 0 or text[head.start() - 1] == "\n":
            changed.before[head.start()] = form.format(n=number, m=number % 10)
        elif form[0] in "（(" and rng.random() < 0.5:
            changed.before[head.start()] = form.format(n=number)
    return changed if changed.text != text else None


TRANSFORMS: dict[str, Transform] = {
    "line ends in values": line_ends,
    "hard-wrapped lines": wrapped,
    "page ends in values": pages,
    "running heads": running_heads,
    "HTML without <html>": html_fragment,
    "HTML page": html_page,
    "full width": wide,
    "blanks as thousands": thousands,
    "spaced decimals": spaced,
    "Traditional script": traditional,
    "pinyin": pinyin,
    "Markdown": markdown,
    "list numbers, times": numbered,
}
