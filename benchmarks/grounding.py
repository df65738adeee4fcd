"""How accurately and how fast `extractor.pipeline.ground.locate` finds quotes.

    python benchmarks/grounding.py [CORPUS.jsonl]

The quotes are sentences and clauses of the longest seed, in seven variants. A corpus, with one JSON object
with `content` on each line, adds quotes from unrelated official texts and serves as the long text for the
timing.
"""

from __future__ import annotations

import json
import random
import re
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import opencc

from extractor.document import Document, Excerpt
from extractor.lang.fold import fold
from extractor.pipeline.ground.locate import Index, Match, locate
from extractor.pipeline.ground.tolerance import DIRECTION, NEGATION, NUMBER

ROOT = Path(__file__).parent.parent
SENTENCE = re.compile(r"[^。！？!?\s][^。！？!?\n]*[。！？!?]?")
CLAUSE = re.compile(r"[^。！？!?,，;；:：\s][^。！？!?,，;；:：\n]*")
# Characters that a careless copy may insert: common ones that form no number, negation or direction with a
# neighbour.
MARKS = ",.;:!?\"'()"
COMMON = "的是在有和人中为个国我要他来用们生到作地出就分对会可主发动同工也能子产种面而方定行学法所民得经"
# Names beside an office are not misspelt, even if the annotations lack them.
# Neither are places, nor characters between two numerals (千方百计).
OFFICIAL = re.compile(
    "(?<=书记|市长|省长|主任)...|.{2,3}(?=总理|书记|市长|省长|县长|主任|局长|同志)|..(?=[省市县州])|(?<=[一二三四五六七八九十百千万]).(?=[一二三四五六七八九十百千万])"
)
# Replacements for a character of a name.
NAMES = "国华伟明建平军文志红春玉海永秀德林振东"
FLIPPED = {
    "增长": "下降", "增加": "减少", "提高": "降低", "上升": "回落", "高于": "低于", "超过": "不足", "以上": "以下",
    "下降": "增长", "减少": "增加", "降低": "提高", "回落": "上升", "低于": "高于", "不足": "超过", "以下": "以上",
    "加强": "减弱", "扩大": "缩小", "提升": "下降", "加大": "减小", "加快": "放缓",
}  # fmt: skip


@dataclass(frozen=True)
class Quote:
    """A quote; `place` is where it was cut out, `inner` the part of it that the noise left intact at the
    edges."""

    text: str
    place: tuple[int, int] = (0, 0)
    inner: tuple[int, int] = (0, 0)


def load(text: str, name: str = "text") -> Excerpt:
    return Excerpt.whole(Document(name, name, text, ""))


def squeeze(text: str) -> str:
    """Folded, without white space and inline noise."""
    return Index(load(text)).key


def take_absent(texts: Iterable[str], present: str, rng: random.Random, limit: int) -> list[str]:
    """Up to `limit` sentences and clauses that do not occur in `present`, a squeezed text."""
    quotes = [q.text for t in texts for q in cut(t, SENTENCE, CLAUSE)]
    rng.shuffle(quotes)
    absent = (q for q in quotes if squeeze(q).strip(MARKS) not in present)
    return [quote for quote, _ in zip(absent, range(limit), strict=False)]


def cut(text: str, *patterns: re.Pattern[str]) -> list[Quote]:
    """All distinct sentences and clauses of six or more characters."""
    found: dict[str, Quote] = {}
    for pattern in patterns:
        for match in pattern.finditer(text):
            piece = match[0].rstrip()
            if sum(map(str.isalnum, piece)) >= 6:
                span = match.start(), match.start() + len(piece)
                found.setdefault(piece, Quote(piece, span, span))
    return list(found.values())


def misspell(quote: Quote, names: Iterable[str], rng: random.Random) -> Quote | None:
    """The quote with 5 % of its characters wrong, at least one; None if it is too short or nothing can be
    changed.

    Numbers, names, words of direction and negations are not changed, since no match may tolerate that.
    """
    text = quote.text
    size = sum(map(str.isalnum, text))
    if size < 12:
        return None
    fixed = {
        i for p in (NUMBER, DIRECTION, NEGATION, OFFICIAL) for m in p.finditer(fold(text)) for i in range(*m.span())
    }
    fixed |= {i for n in names for m in re.finditer(re.escape(n), text) for i in range(*m.span())}
    free = [i for i, c in enumerate(text) if "一" <= c <= "鿿" and i not in fixed]
    changes = max(1, round(0.05 * size))
    if len(free) < changes:
        return None
    out = list(text)
    kept = set(range(len(text)))
    for i in rng.sample(free, changes):
        kind = rng.choice(("substitute", "delete", "insert"))
        if kind == "insert":
            inside = i + 1 in fixed and i in fixed
            out[i] = text[i] + rng.choice(COMMON) if not inside else text[i]
        else:
            out[i] = rng.choice(COMMON.replace(text[i], "")) if kind == "substitute" else ""
            kept.discard(i)
    start = quote.place[0]
    kept = {i for i in kept if text[i].isalnum()}
    return Quote("".join(out), quote.place, (start + min(kept), start + max(kept) + 1))


def is_right(found: Match | None, quote: Quote, text: str) -> bool:
    """Whether the match is at the quote's place or an equal one; characters lost at the edges are
    optional."""
    if found is None:
        return False
    (start, end), (first, last) = quote.place, quote.inner
    if start <= found.start <= first and last <= found.end <= end:
        return True
    return squeeze(text[found.start : found.end]) == squeeze(text[start:end])


def change_digit(text: str, rng: random.Random) -> str | None:
    places = [i for i, c in enumerate(text) if c in "0123456789" or c in "二三四五六七八九"]
    if not places:
        return None
    i = rng.choice(places)
    others = "0123456789" if text[i].isascii() else "二三四五六七八九"
    return text[:i] + rng.choice(others.replace(text[i], "")) + text[i + 1 :]


def flip_direction(text: str, rng: random.Random) -> str | None:
    places = list(re.finditer("|".join(FLIPPED), text))
    if not places:
        return None
    m = rng.choice(places)
    return text[: m.start()] + FLIPPED[m[0]] + text[m.end() :]


def change_name(text: str, names: Iterable[str], rng: random.Random) -> str | None:
    for name in names:
        at = text.find(name)
        if at >= 0:
            i = at + rng.randrange(len(name))
            return text[:i] + rng.choice(NAMES.replace(text[i], "")) + text[i + 1 :]
    return None


def read_names() -> dict[str, list[str]]:
    """The officials of the reference annotations, longest name first, by seed."""
    names: dict[str, set[str]] = {}
    for path in sorted((ROOT / "fixtures" / "gold").glob("*.json")):
        line = json.loads(path.read_text(encoding="utf-8"))
        for official in line.get("record", {}).get("officials", []) if isinstance(line, dict) else []:
            if len(official["name"]) > 1:
                names.setdefault(path.name.split(".")[0], set()).add(official["name"])
    return {seed: sorted(found, key=lambda n: (-len(n), n)) for seed, found in names.items()}


def report_found(label: str, quotes: list[Quote], index: Index, near: bool = False) -> None:
    right = exact = 0
    for quote in quotes:
        found = locate(quote.text, index, near=near)
        ok = is_right(found, quote, index.text)
        right += ok
        exact += found is not None and (found.start, found.end) == quote.place
        if not ok:
            print(f"    miss: {quote.text}\n      -> {index.text[found.start : found.end] if found else None}")
    share = 100 * right / len(quotes)
    print(f"{label:<58} {len(quotes):>6} {right:>6} right  {share:6.2f} %   ({exact} at the exact place)")


def report_refused(label: str, quotes: Iterable[tuple[str, Index]]) -> None:
    asked = wrong = 0
    for quote, index in quotes:
        asked += 1
        found = locate(quote, index, near=True)
        if found is not None:
            wrong += 1
            print(f"    grounded ({found.how}): {quote}\n      -> {index.text[found.start : found.end]}")
    print(f"{label:<58} {asked:>6} {wrong:>6} grounded")


def report_time(label: str, make: Callable[[], Excerpt], quotes: list[str], near: bool) -> None:
    excerpt = make()
    begun = time.perf_counter()
    index = Index(excerpt)
    built = time.perf_counter()
    found = sum(locate(quote, index, near=near) is not None for quote in quotes)
    done = time.perf_counter()
    print(
        f"{label:<40} {len(excerpt.text):>8} chars {len(quotes):>5} quotes {found:>5} found"
        f"   index {built - begun:.3f} s + {done - built:.3f} s"
    )


def report_quality(texts: dict[str, str], corpus: list[str]) -> None:
    rng = random.Random(20240527)
    names = read_names()
    longest = max(texts, key=lambda name: len(texts[name]))
    indexes = {name: Index(load(text, name)) for name, text in texts.items()}
    index, text = indexes[longest], texts[longest]
    pieces = cut(text, SENTENCE, CLAUSE)
    sample = rng.sample(pieces, min(300, len(pieces)))
    report_found("verbatim", sample, index)
    convert = opencc.OpenCC("s2t").convert
    report_found("in Traditional characters", [Quote(convert(q.text), q.place, q.inner) for q in sample], index)
    noisy = (
        misspell(q, names.get(longest, ()), rng) for q in 2 * pieces
    )  # 300 would be too few to distinguish 98 % from 99 %
    report_found("5 % of the characters wrong (12 or more)", [q for q in noisy if q], index, near=True)

    present = squeeze(text)
    for label, others in (
        ("other seeds", [t for n, t in texts.items() if n != longest]),
        ("the corpus", corpus),
    ):
        if absent := take_absent(others, present, rng, 2000):
            report_refused(f"absent, from {label}", ((q, index) for q in absent))

    quotes = [(q.text, indexes[n]) for n, t in texts.items() for q in cut(t, SENTENCE, CLAUSE)]
    by_seed = {id(indexes[n]): names.get(n, []) for n in texts}
    changes: dict[str, Callable[[str, Index], str | None]] = {
        "a digit changed": lambda q, i: change_digit(q, rng),
        "a word of direction flipped": lambda q, i: flip_direction(q, rng),
        "a name changed": lambda q, i: change_name(q, by_seed[id(i)], rng),
    }
    for label, change in changes.items():
        changed = [(change(q, i), i) for q, i in quotes]
        report_refused(label, ((c, i) for c, i in changed if c and squeeze(c) not in i.key))


def report_speed(texts: dict[str, str], corpus: list[str]) -> None:
    rng = random.Random(7)
    text = max(texts.values(), key=len)
    long = (text + "\n" + "\n".join(corpus))[: 10 * len(text)] if corpus else "\n".join([text] * 10)
    present = [q.text for q in cut(text, SENTENCE, CLAUSE)]
    others = corpus or [t for t in texts.values() if t != text]
    some, none = rng.choices(present, k=1000), take_absent(others, squeeze(text + long), rng, 1000)
    noisy = [found.text for q in cut(text, SENTENCE, CLAUSE) if (found := misspell(q, (), rng))]
    for kind, quotes, near in (
        ("present", some, False),
        ("absent", none, True),
        ("misspelt", rng.choices(noisy, k=1000), True),
    ):
        report_time(kind, lambda: load(text), quotes, near)
        report_time(f"{kind}, text ten times as long", lambda: load(long), quotes, near)


def main() -> None:
    texts = {p.stem: p.read_text(encoding="utf-8") for p in sorted((ROOT / "seeds").glob("*.txt"))}
    corpus = [json.loads(row)["content"] for path in sys.argv[1:] for row in Path(path).read_text("utf-8").splitlines()]
    report_quality(texts, corpus)
    print()
    report_speed(texts, corpus)


if __name__ == "__main__":
    main()
